"""The ledger of limits: what changes them, when, and in which steps."""
