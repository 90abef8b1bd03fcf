"""Appeals: a customer against a decision, those who answer him, and the facts that settle it without them."""
