"""What is kept: the journal, alerts, proposals, rejects, the outbox; SQLite or PostgreSQL."""
