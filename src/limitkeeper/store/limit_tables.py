"""Lines, and the ledger of everything that changes them."""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, String, Table, Text, text

from limitkeeper.store.tables import metadata

IS_TOLD = text("bank_state <> 'none'")
"""Of an entry that the bank was told of; in the same words in queries, so that its index serves them."""

lines = Table(
    "lines",
    metadata,
    Column("account_id", String(200), primary_key=True),
    Column("customer_id", Text),
    Column("limit_cents", BigInteger, nullable=False),  # the sum of its effective entries
    Column("is_frozen", Boolean, nullable=False),
    Column("entries", Integer, nullable=False),  # so many numbers are given out
    Column("version", BigInteger, nullable=False),
    Index("lines_by_customer", "customer_id"),
)

limit_entries = Table(
    "limit_entries",
    metadata,
    Column("entry_id", String(32), primary_key=True),
    Column("account_id", String(200), nullable=False),
    Column("number", Integer, nullable=False),  # in the order of planning, from 1
    Column("action", String(16), nullable=False),
    Column("state", String(16), nullable=False),  # planned, effective, cancelled
    Column("target_cents", BigInteger),
    Column("delta_cents", BigInteger, nullable=False),
    Column("planned_us", BigInteger, nullable=False),  # from when it is to be
    Column("look_us", BigInteger),  # when it is looked at next; none where nothing is to be done
    Column("effective_us", BigInteger),  # from when it was
    Column("until_us", BigInteger),  # of a freeze
    Column("wait_us", BigInteger),  # after the last effective change in its direction, at least
    Column("is_assessed", Boolean, nullable=False),  # else it is looked at again before it takes effect
    Column("by_request", Boolean, nullable=False),  # the customer's own
    Column("reverses", String(32)),
    Column("case_id", String(32)),
    Column("decision_id", String(32)),
    Column("notice_id", String(32)),
    Column("why", Text, nullable=False),
    Column("cancelled_why", Text),
    Column("maker_id", Text, nullable=False),
    Column("made_us", BigInteger, nullable=False),
    Column("bank_state", String(16), nullable=False),  # none, told, done, failed, superseded
    Column("bank_detail", Text),
    Column("version", BigInteger, nullable=False),
    Index("limit_entries_by_account", "account_id", "number", unique=True),
    Index("limit_entries_by_look", "look_us"),
    Index("limit_entries_by_case", "case_id"),
    Index("limit_entries_by_effect", "effective_us", "state", "action", "delta_cents"),
    Index(
        "limit_entries_by_bank",
        "bank_state",
        "effective_us",
        "entry_id",
        sqlite_where=IS_TOLD,
        postgresql_where=IS_TOLD,
    ),
)
