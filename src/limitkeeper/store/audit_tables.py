"""The audit: every act and every look at personal data, only ever added to."""

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, Text

from limitkeeper.store.tables import KEY, metadata

audit_events = Table(
    "audit_events",
    metadata,
    Column("number", KEY, primary_key=True, autoincrement=False),
    Column("ts_us", BigInteger, nullable=False),
    Column("actor_id", Text, nullable=False),
    Column("act", String(64), nullable=False),  # case.approve, notice.read, ...
    Column("subject", Text, nullable=False),  # kind:id of what was acted on or looked at
    Column("detail", Text, nullable=False),  # JSON, without personal data
    Column("hash", String(64), nullable=False),
    Index("audit_events_by_subject", "subject"),
    Index("audit_events_by_actor", "actor_id"),
    Index("audit_events_by_time", "ts_us", "number"),
)

audit_heads = Table(
    "audit_heads",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("number", BigInteger, nullable=False),
    Column("hash", String(64), nullable=False),
)
"""The last event, so that a cut end shows; its row is also the lock that puts acts in one order."""

shown_accounts = Table(
    "shown_accounts",
    metadata,
    Column("id", KEY, primary_key=True, autoincrement=True),
    Column("number", BigInteger, nullable=False),  # of the audit's event
    Column("account_id", Text, nullable=False),  # customer:ID of one of whom no account was known
    Column("shown_us", BigInteger, nullable=False),
    Index("shown_accounts_by_account", "account_id"),
)
"""Which accounts a page of a list showed: one event of the audit a page, and a person still finds who saw his."""
