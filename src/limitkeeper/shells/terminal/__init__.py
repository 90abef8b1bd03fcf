"""A running server on the terminal: what it says of itself, the figures between two looks, the screen."""
