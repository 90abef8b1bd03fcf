"""The report of a review: one HTML page that needs nothing else."""
