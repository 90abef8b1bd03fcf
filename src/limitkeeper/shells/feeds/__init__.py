"""What brings events to a running engine, and takes its messages out, besides HTTP."""
