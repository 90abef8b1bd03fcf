"""Risk of a line: default, loss given default, exposure, expected loss."""
