"""What a customer is told."""
