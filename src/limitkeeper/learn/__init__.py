"""Fitting and validating models."""
