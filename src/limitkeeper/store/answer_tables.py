"""What requests were answered, so that one that is sent again does nothing twice."""

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, Text

from limitkeeper.store.tables import metadata

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("key_hash", String(64), primary_key=True),  # SHA-256 of who acts and the key that he gave
    Column("request_hash", String(64), nullable=False),  # of method, path and body
    Column("made_us", BigInteger, nullable=False),
    Column("status", Integer, nullable=False),
    Column("version", BigInteger),  # of what was changed; the answer's ETag
    Column("content", Text, nullable=False),  # JSON, without personal data
    Index("idempotency_keys_by_time", "made_us"),
)
