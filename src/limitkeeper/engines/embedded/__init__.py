"""The embedded engine: one process; a micro-batch is one transaction."""
