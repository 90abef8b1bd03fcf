"""Ways in and out: files and data sets."""
