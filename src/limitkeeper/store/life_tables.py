"""The life of strategies and models: what they are, by content; their releases; who did what to them, and why."""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, LargeBinary, String, Table, Text

from limitkeeper.store.tables import metadata

artefacts = Table(
    "artefacts",
    metadata,
    Column("hash", String(80), primary_key=True),  # of the content; never changed
    Column("kind", String(16), nullable=False),  # strategy, model, register
    Column("name", Text, nullable=False),
    Column("content", LargeBinary, nullable=False),  # compressed
    Column("added_us", BigInteger, nullable=False),
    Column("added_by", Text, nullable=False),
)

releases = Table(
    "releases",
    metadata,
    Column("release_id", String(32), primary_key=True),  # of strategy, model and market
    Column("market", String(16), nullable=False),
    Column("strategy_hash", String(80), nullable=False),
    Column("model_hash", String(80)),
    Column("register_hash", String(80)),  # of the lender's own columns
    Column("author_id", Text, nullable=False),
    Column("state", String(16), nullable=False),  # draft, validated, assessed, approved, live, retired
    Column("screens_failed", Text),  # JSON list; none before it was screened
    Column("justified_by", Text),
    Column("approvals", Text, nullable=False),  # JSON list of [person, role]
    Column("bucket_from", Integer, nullable=False),
    Column("buckets", Integer, nullable=False),
    Column("is_champion", Boolean, nullable=False),
    Column("made_us", BigInteger, nullable=False),
    Column("version", BigInteger, nullable=False),
    Index("releases_by_market", "market", "state"),
)

release_acts = Table(
    "release_acts",
    metadata,
    Column("release_id", String(32), primary_key=True),
    Column("version", BigInteger, primary_key=True),  # that the act led to
    Column("ts_us", BigInteger, nullable=False),
    Column("actor_id", Text, nullable=False),
    Column("act", String(16), nullable=False),
    Column("detail", Text, nullable=False),  # JSON: findings, assessment, screens, words
    Column("state", String(16), nullable=False),  # that it led to
)
"""Only ever added to: the record of each gate."""

release_reviews = Table(
    "release_reviews",
    metadata,
    Column("review_id", String(32), primary_key=True),  # of everything in it but who kept it, and when
    Column("release_id", String(32), nullable=False),
    Column("portfolio", Text, nullable=False),
    Column("as_of_us", BigInteger, nullable=False),
    Column("made_us", BigInteger, nullable=False),
    Column("actor_id", Text, nullable=False),
    Column("figures", Text, nullable=False),  # JSON: accounts, actions, hits by rule, value
    Index("release_reviews_by_release", "release_id", "as_of_us"),
)
"""What releases did on portfolios, in sums."""
