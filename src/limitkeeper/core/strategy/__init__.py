"""Strategy: the language of rules, its compiler, actions, and the steps by which limits change."""
