"""Engines: what runs the core on streams of events."""
