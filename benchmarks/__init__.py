"""Measured claims: each module has ``run()``, fixed seeds, and its peers in the same run."""
