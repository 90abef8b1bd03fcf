"""A decision: score, value and strategy of each account, with its trace and identity."""
