"""Pages for people, served by the server itself."""
