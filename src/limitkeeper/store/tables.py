"""The tables of the store, the same on SQLite and PostgreSQL. Times are UTC microseconds, amounts minor units."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

FORMAT = 3
"""Programs from before there were revisions know a store by this alone, and refuse ours; it changes no more."""

metadata = MetaData()

KEY = BigInteger().with_variant(Integer(), "sqlite")

IS_OPEN = text("status = 'open'")
"""Of an alert or a proposal that waits; in the same words where they are counted, so that its index serves that alone."""

store_heads = Table(
    "store_heads",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("format", Integer, nullable=False),
    Column("sequence", BigInteger, nullable=False),  # of the last micro-batch
    Column("epoch", BigInteger, nullable=False),  # of the engine that writes: one more at each start
    Column("counts", Text, nullable=False),  # JSON: everything that was counted, by name and label
    Column("settings", Text, nullable=False),  # JSON: what the state depends on, such as the market
)

journal = Table(
    "journal",
    metadata,
    Column("sequence", KEY, primary_key=True, autoincrement=False),
    Column("kind", String(16), nullable=False),  # events, accounts, tick, freeze
    Column("events", Integer, nullable=False),
    Column("committed_us", BigInteger, nullable=False),
    Column("content", LargeBinary, nullable=False),  # Arrow IPC, compressed
)

freeze_changes = Table(
    "freeze_changes",
    metadata,
    Column("id", KEY, primary_key=True, autoincrement=True),
    Column("account_id", Text, nullable=False),
    Column("ts_us", BigInteger, nullable=False),
    Column("status", String(16), nullable=False),  # begun, confirmed, lapsed, lifted
    Column("reason", Text),
    Column("proposal_id", String(32)),  # of one that has begun
    Column("sequence", BigInteger, nullable=False),
    Column("is_kept", Boolean, nullable=False),  # whether the ledger has it
    Index("freeze_changes_by_kept", "is_kept", "id"),
    Index("freeze_changes_by_account", "account_id"),
)
"""What the monitor did to freezes, in order, for the ledger to follow."""

stated_accounts = Table(
    "stated_accounts",
    metadata,
    Column("account_id", Text, primary_key=True),
    Column("customer_id", Text),  # whose it is; none where the account is its own customer
    Column("segment", Text),
    Index("stated_accounts_by_customer", "customer_id"),
)
"""What was stated of accounts and is about their customers; one of which nothing was stated is not here."""

alerts = Table(
    "alerts",
    metadata,
    Column("alert_id", String(32), primary_key=True),
    Column("account_id", Text, nullable=False),
    Column("trigger", String(40), nullable=False),
    Column("severity", String(16), nullable=False),
    Column("status", String(16), nullable=False),  # open, acknowledged
    Column("rules", Text, nullable=False),  # JSON list, in order of precedence
    Column("hits", BigInteger, nullable=False),  # how many events hit
    Column("opened_us", BigInteger, nullable=False),
    Column("seen_us", BigInteger, nullable=False),
    Column("decision_id", String(32), nullable=False),
    Column("trace", Text, nullable=False),  # JSON, of the event that opened it or made it worse
    Column("sequence", BigInteger, nullable=False),  # of the micro-batch that changed it last
    Index("alerts_by_account", "account_id"),
    Index("alerts_by_sequence", "sequence"),
    Index("alerts_open", "trigger", "seen_us", sqlite_where=IS_OPEN, postgresql_where=IS_OPEN),
    Index("alerts_by_opening", "opened_us", "trigger"),
    Index("alerts_by_sight", "seen_us", "status", "trigger", "severity"),
)

proposals = Table(
    "proposals",
    metadata,
    Column("proposal_id", String(32), primary_key=True),
    Column("account_id", Text, nullable=False),
    Column("decision_id", String(32), nullable=False),
    Column("action", String(16), nullable=False),
    Column("rule", String(80)),
    Column("limit_before_cents", BigInteger),
    Column("limit_after_cents", BigInteger),
    Column("made_us", BigInteger, nullable=False),
    Column("status", String(16), nullable=False),  # open, superseded, confirmed, lapsed
    Column("status_us", BigInteger, nullable=False),
    Column("reason", Text),  # why the status is what it is, where the system set it
    Column("trace", Text, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Index("proposals_by_account", "account_id", "status"),
    Index("proposals_by_sequence", "sequence"),
    Index("proposals_open", "action", "made_us", sqlite_where=IS_OPEN, postgresql_where=IS_OPEN),
    Index("proposals_by_making", "made_us", "action", "status"),
)

portfolio_alerts = Table(
    "portfolio_alerts",
    metadata,
    Column("alert_id", String(32), primary_key=True),
    Column("trigger", String(40), nullable=False),
    Column("day", String(10), nullable=False),  # of event time, UTC
    Column("alerts", BigInteger, nullable=False),  # opened on that day
    Column("expected", Float, nullable=False),  # from the days before
    Column("sigmas", Float, nullable=False),  # how far away, below 0 where fewer came
    Column("events", BigInteger, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Index("portfolio_alerts_by_day", "day"),
)

rejects = Table(
    "rejects",
    metadata,
    Column("id", KEY, primary_key=True, autoincrement=True),
    Column("sequence", BigInteger, nullable=False),
    Column("source", Text, nullable=False),
    Column("event_id", Text),
    Column("account_id", Text),
    Column("reason", String(40), nullable=False),
    Index("rejects_by_sequence", "sequence"),
    Index("rejects_by_account", "account_id"),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", KEY, primary_key=True, autoincrement=True),
    Column("subject", String(32), nullable=False),  # of the alert or proposal
    Column("topic", String(40), nullable=False),
    Column("content", Text, nullable=False),
    Column("status", String(16), nullable=False),  # waiting, sent, dead
    Column("attempts", Integer, nullable=False),
    Column("due_us", BigInteger, nullable=False),
    Column("error", Text),
    Index("outbox_by_due", "status", "due_us"),
)

offsets = Table(
    "offsets",
    metadata,
    Column("topic", String(249), nullable=False),
    Column("partition", Integer, nullable=False),
    Column("next_offset", BigInteger, nullable=False),
    UniqueConstraint("topic", "partition"),
)
