"""Campaigns: one case for many accounts, and what becomes of each of them."""

from sqlalchemy import BigInteger, Column, Float, Index, Integer, PrimaryKeyConstraint, String, Table, Text

from limitkeeper.store.tables import metadata

campaigns = Table(
    "campaigns",
    metadata,
    Column("campaign_id", String(32), primary_key=True),  # of its case
    Column("name", Text, nullable=False),
    Column("state", String(16), nullable=False),  # proposed, working, planned, cancelling, cancelled, split
    Column("impact", Text, nullable=False),  # JSON: what it is approved with
    Column("items", Integer, nullable=False),
    Column("items_hash", String(80), nullable=False),  # of account, action and limits of each, in order
    Column("split_from", String(32)),
    Column("earliest_us", BigInteger, nullable=False),  # no change takes effect before
    Column("reached", Integer, nullable=False),  # up to this number its items are worked off
    Column("planned", Integer, nullable=False),
    Column("set_aside", Integer, nullable=False),
    Column("cancelled", Integer, nullable=False),
    Column("cancel_why", Text),
    Column("maker_id", Text, nullable=False),
    Column("made_us", BigInteger, nullable=False),
    Column("version", BigInteger, nullable=False),
    Index("campaigns_by_state", "state"),
    Index("campaigns_by_time", "made_us", "campaign_id"),
)

campaign_items = Table(
    "campaign_items",
    metadata,
    Column("campaign_id", String(32), nullable=False),
    Column("number", Integer, nullable=False),
    Column("account_id", String(200), nullable=False),
    Column("customer_id", String(200)),
    Column("action", String(16), nullable=False),
    Column("limit_before_cents", BigInteger, nullable=False),
    Column("limit_after_cents", BigInteger, nullable=False),
    Column("exposure_cents", BigInteger, nullable=False),
    Column("segment", Text),
    Column("trigger", Text),
    Column("reasons", Text, nullable=False),  # JSON list of codes
    Column("decision_id", String(32)),
    Column("loss_change_cents", Float),
    Column("profit_change_cents", Float),
    Column("capital_before_cents", Float),
    Column("capital_after_cents", Float),
    Column("return_before_cents", Float),  # on that capital, after the expected loss
    Column("return_after_cents", Float),
    Column("state", String(16), nullable=False),  # waiting, planned, set_aside, cancelled
    Column("why", Text),  # it was set aside
    PrimaryKeyConstraint("campaign_id", "number"),
    Index("campaign_items_by_account", "account_id", "campaign_id", unique=True),
    sqlite_with_rowid=False,
)
