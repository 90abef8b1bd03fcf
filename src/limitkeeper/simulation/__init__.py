"""Simulated accounts with a known hidden state: for demonstrations, load, and the truth about alerts."""
