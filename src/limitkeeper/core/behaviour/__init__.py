"""Behaviour: events, the ring of each account, and the scan that gives every feature."""
