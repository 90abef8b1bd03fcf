"""Drift: whether a model still meets the portfolio that it was trained on."""
