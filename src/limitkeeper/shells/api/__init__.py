"""The HTTP interface of a running server."""
