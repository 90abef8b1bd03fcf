"""Who may do what, and the chain of everything that was done."""
