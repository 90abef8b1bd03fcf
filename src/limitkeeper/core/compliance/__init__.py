"""What the law asks, and what is registered of customers: rules as data, one engine."""
