"""What a person or a program touches."""
