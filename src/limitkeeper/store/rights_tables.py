"""What persons asked for as their right, and what they consented to."""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, LargeBinary, String, Table, Text

from limitkeeper.store.tables import KEY, metadata

rights_requests = Table(
    "rights_requests",
    metadata,
    Column("request_id", String(32), primary_key=True),
    Column("kind", String(24), nullable=False),
    Column("customer_id", String(200), nullable=False),
    Column("state", String(16), nullable=False),  # received, verified, done, partly, refused, withdrawn, moot
    Column("received_us", BigInteger, nullable=False),
    Column("answer_until_us", BigInteger, nullable=False),
    Column(
        "extended_days", Integer, nullable=False
    ),  # that are in answer_until_us already; 0 where it was not
    Column("answered_us", BigInteger),
    Column("verified_by", Text),
    Column("is_live", Boolean, nullable=False),
    Column("version", BigInteger, nullable=False),
    Index("rights_requests_by_due", "is_live", "answer_until_us"),
    Index("rights_requests_by_customer", "customer_id", "received_us"),
)

rights_acts = Table(
    "rights_acts",
    metadata,
    Column("request_id", String(32), primary_key=True),
    Column("version", BigInteger, primary_key=True),  # that the act led to
    Column("ts_us", BigInteger, nullable=False),
    Column("actor_id", Text, nullable=False),
    Column("act", String(16), nullable=False),
    Column("words", LargeBinary, nullable=False),  # sealed
    Column("outcome", Text, nullable=False),  # JSON without personal data: what was done, by table
    Column("state", String(16), nullable=False),  # that it led to
)

consent_acts = Table(
    "consent_acts",
    metadata,
    Column("number", KEY, primary_key=True, autoincrement=True),
    Column("customer_id", String(200), nullable=False),
    Column("scope", String(40), nullable=False),
    Column("act", String(16), nullable=False),  # given, withdrawn
    Column("text_version", String(40), nullable=False),
    Column("text_hash", String(80), nullable=False),  # of the words that were shown
    Column("ts_us", BigInteger, nullable=False),
    Column("actor_id", Text, nullable=False),
    Index("consent_acts_by_customer", "customer_id", "scope", "number"),
)
"""The ledger of consents: only ever added to."""
