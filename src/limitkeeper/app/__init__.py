"""Use cases: load, call the core, hand back or write."""
