"""Each revision of the schema, in their order."""
