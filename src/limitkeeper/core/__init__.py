"""The pure core: columns in, columns out; no files, clock, chance or logging."""
