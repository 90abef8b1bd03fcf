"""The store as it was before it had revisions.

A store from then is let in as it stands: what is missing is added, so that one of the monitor alone is brought up too.
"""

from functools import partial

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

FIRST_HASH = "0" * 64

_table = partial(op.create_table, if_not_exists=True)
_index = partial(op.create_index, if_not_exists=True)


def upgrade() -> None:
    """Add what is missing."""
    config = op.get_context().config
    if config is not None and "counters" in config.attributes["tables"]:
        _fold_counters()
    _tables()
    _audit_tables()
    _case_tables()
    _limit_tables()
    _notice_tables()


def _fold_counters() -> None:
    """Counters, a table in the first format of stores, are one value of the head."""
    is_postgresql = op.get_context().dialect.name == "postgresql"
    make, nested = ("json_object_agg", "labels") if is_postgresql else ("json_group_object", "json(labels)")
    op.add_column("store_heads", sa.Column("counts", sa.Text(), nullable=False, server_default="{}"))
    op.execute(
        f"UPDATE store_heads SET counts = coalesce((SELECT CAST({make}(name, {nested}) AS TEXT) FROM "  # noqa: S608 - constants
        f"(SELECT name, {make}(label, value) AS labels FROM counters GROUP BY name) AS by_name), '{{}}')"
    )
    op.drop_table("counters")


def _tables() -> None:
    _table(
        "store_heads",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("format", sa.Integer(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("counts", sa.Text(), nullable=False),
        sa.Column("settings", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    _table(
        "journal",
        sa.Column("sequence", KEY, autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("events", sa.Integer(), nullable=False),
        sa.Column("committed_us", sa.BigInteger(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("sequence"),
    )
    _table(
        "alerts",
        sa.Column("alert_id", sa.String(length=32), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("trigger", sa.String(length=40), nullable=False),
        sa.Column("severity", sa.String(length=16), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("rules", sa.Text(), nullable=False),
        sa.Column("hits", sa.BigInteger(), nullable=False),
        sa.Column("opened_us", sa.BigInteger(), nullable=False),
        sa.Column("seen_us", sa.BigInteger(), nullable=False),
        sa.Column("decision_id", sa.String(length=32), nullable=False),
        sa.Column("trace", sa.Text(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("alert_id"),
    )
    _index("alerts_by_account", "alerts", ["account_id"])
    _index("alerts_by_sequence", "alerts", ["sequence"])
    _table(
        "proposals",
        sa.Column("proposal_id", sa.String(length=32), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("decision_id", sa.String(length=32), nullable=False),
        sa.Column("action", sa.String(length=16), nullable=False),
        sa.Column("rule", sa.String(length=80)),
        sa.Column("limit_before_cents", sa.BigInteger()),
        sa.Column("limit_after_cents", sa.BigInteger()),
        sa.Column("made_us", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("status_us", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("trace", sa.Text(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("proposal_id"),
    )
    _index("proposals_by_account", "proposals", ["account_id", "status"])
    _index("proposals_by_sequence", "proposals", ["sequence"])
    _table(
        "portfolio_alerts",
        sa.Column("alert_id", sa.String(length=32), nullable=False),
        sa.Column("trigger", sa.String(length=40), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("alerts", sa.BigInteger(), nullable=False),
        sa.Column("expected", sa.Float(), nullable=False),
        sa.Column("sigmas", sa.Float(), nullable=False),
        sa.Column("events", sa.BigInteger(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("alert_id"),
    )
    _index("portfolio_alerts_by_day", "portfolio_alerts", ["day"])
    _table(
        "rejects",
        sa.Column("id", KEY, autoincrement=True, nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text()),
        sa.Column("account_id", sa.Text()),
        sa.Column("reason", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    _index("rejects_by_sequence", "rejects", ["sequence"])
    _table(
        "outbox",
        sa.Column("id", KEY, autoincrement=True, nullable=False),
        sa.Column("subject", sa.String(length=32), nullable=False),
        sa.Column("topic", sa.String(length=40), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_us", sa.BigInteger(), nullable=False),
        sa.Column("error", sa.Text()),
        sa.PrimaryKeyConstraint("id"),
    )
    _index("outbox_by_due", "outbox", ["status", "due_us"])
    _table(
        "offsets",
        sa.Column("topic", sa.String(length=249), nullable=False),
        sa.Column("partition", sa.Integer(), nullable=False),
        sa.Column("next_offset", sa.BigInteger(), nullable=False),
        sa.UniqueConstraint("topic", "partition"),
    )


def _audit_tables() -> None:
    _table(
        "audit_events",
        sa.Column("number", KEY, autoincrement=False, nullable=False),
        sa.Column("ts_us", sa.BigInteger(), nullable=False),
        sa.Column("actor_id", sa.Text(), nullable=False),
        sa.Column("act", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
    _index("audit_events_by_actor", "audit_events", ["actor_id"])
    _index("audit_events_by_subject", "audit_events", ["subject"])
    _table(
        "audit_heads",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.execute(
        f"INSERT INTO audit_heads (id, number, hash) SELECT 1, 0, '{FIRST_HASH}' "  # noqa: S608 - a constant
        "WHERE NOT EXISTS (SELECT 1 FROM audit_heads)"
    )


def _case_tables() -> None:
    _table(
        "cases",
        sa.Column("case_id", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("account_id", sa.Text()),
        sa.Column("customer_id", sa.Text()),
        sa.Column("action", sa.String(length=16), nullable=False),
        sa.Column("limit_before_cents", sa.BigInteger()),
        sa.Column("limit_after_cents", sa.BigInteger()),
        sa.Column("cut_cents", sa.BigInteger(), nullable=False),
        sa.Column("exposure_cents", sa.BigInteger(), nullable=False),
        sa.Column("proposal_id", sa.String(length=32)),
        sa.Column("decision_id", sa.String(length=32)),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("tier", sa.Integer(), nullable=False),
        sa.Column("required_tier", sa.Integer(), nullable=False),
        sa.Column("tier_rules", sa.Text(), nullable=False),
        sa.Column("maker_id", sa.Text(), nullable=False),
        sa.Column("opened_us", sa.BigInteger(), nullable=False),
        sa.Column("since_us", sa.BigInteger(), nullable=False),
        sa.Column("clock", sa.String(length=16), nullable=False),
        sa.Column("due_us", sa.BigInteger(), nullable=False),
        sa.Column("claimed_by", sa.Text()),
        sa.Column("parties", sa.Text(), nullable=False),
        sa.Column("votes", sa.Text(), nullable=False),
        sa.Column("recused", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text()),
        sa.Column("is_live", sa.Boolean(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("case_id"),
    )
    _index("cases_by_account", "cases", ["account_id"])
    _index("cases_by_due", "cases", ["is_live", "due_us"])
    _index("cases_by_proposal", "cases", ["proposal_id"], unique=True)
    _index("cases_by_tier", "cases", ["is_live", "tier", "due_us"])
    _table(
        "case_acts",
        sa.Column("case_id", sa.String(length=32), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("ts_us", sa.BigInteger(), nullable=False),
        sa.Column("actor_id", sa.Text(), nullable=False),
        sa.Column("act", sa.String(length=16), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("tier", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("case_id", "version"),
    )
    _table(
        "mandates",
        sa.Column("mandate_id", sa.String(length=32), nullable=False),
        sa.Column("person_id", sa.Text(), nullable=False),
        sa.Column("tier", sa.Integer(), nullable=False),
        sa.Column("actions", sa.Text(), nullable=False),
        sa.Column("cut_cents_max", sa.BigInteger()),
        sa.Column("exposure_cents_max", sa.BigInteger()),
        sa.Column("from_us", sa.BigInteger(), nullable=False),
        sa.Column("to_us", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("mandate_id"),
    )
    _table(
        "absences",
        sa.Column("absence_id", sa.String(length=32), nullable=False),
        sa.Column("person_id", sa.Text(), nullable=False),
        sa.Column("deputy_id", sa.Text(), nullable=False),
        sa.Column("from_us", sa.BigInteger(), nullable=False),
        sa.Column("to_us", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("absence_id"),
    )


def _limit_tables() -> None:
    _table(
        "lines",
        sa.Column("account_id", sa.String(length=200), nullable=False),
        sa.Column("customer_id", sa.Text()),
        sa.Column("limit_cents", sa.BigInteger(), nullable=False),
        sa.Column("is_frozen", sa.Boolean(), nullable=False),
        sa.Column("entries", sa.Integer(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account_id"),
    )
    _index("lines_by_customer", "lines", ["customer_id"])
    _table(
        "limit_entries",
        sa.Column("entry_id", sa.String(length=32), nullable=False),
        sa.Column("account_id", sa.String(length=200), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("action", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("target_cents", sa.BigInteger()),
        sa.Column("delta_cents", sa.BigInteger(), nullable=False),
        sa.Column("planned_us", sa.BigInteger(), nullable=False),
        sa.Column("look_us", sa.BigInteger()),
        sa.Column("effective_us", sa.BigInteger()),
        sa.Column("until_us", sa.BigInteger()),
        sa.Column("reverses", sa.String(length=32)),
        sa.Column("case_id", sa.String(length=32)),
        sa.Column("decision_id", sa.String(length=32)),
        sa.Column("notice_id", sa.String(length=32)),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("cancelled_why", sa.Text()),
        sa.Column("maker_id", sa.Text(), nullable=False),
        sa.Column("made_us", sa.BigInteger(), nullable=False),
        sa.Column("bank_state", sa.String(length=16), nullable=False),
        sa.Column("bank_detail", sa.Text()),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("entry_id"),
    )
    _index("limit_entries_by_account", "limit_entries", ["account_id", "number"], unique=True)
    _index("limit_entries_by_case", "limit_entries", ["case_id"])
    _index("limit_entries_by_look", "limit_entries", ["look_us"])


def _notice_tables() -> None:
    _table(
        "customers",
        sa.Column("customer_id", sa.String(length=200), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("time_zone", sa.String(length=64), nullable=False),
        sa.Column("quiet_from_hour", sa.Integer(), nullable=False),
        sa.Column("quiet_to_hour", sa.Integer(), nullable=False),
        sa.Column("refuses_automation", sa.Boolean(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("customer_id"),
    )
    _table(
        "contacts",
        sa.Column("contact_id", sa.String(length=32), nullable=False),
        sa.Column("customer_id", sa.String(length=200), nullable=False),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("address", sa.LargeBinary(), nullable=False),
        sa.Column("consented", sa.Boolean(), nullable=False),
        sa.Column("is_broken", sa.Boolean(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("contact_id"),
    )
    _index("contacts_by_customer", "contacts", ["customer_id", "rank"])
    _table(
        "notices",
        sa.Column("notice_id", sa.String(length=32), nullable=False),
        sa.Column("customer_id", sa.String(length=200), nullable=False),
        sa.Column("account_id", sa.String(length=200)),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("made_us", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("out_us", sa.BigInteger()),
        sa.Column("read_us", sa.BigInteger()),
        sa.Column("due_us", sa.BigInteger()),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("notice_id"),
    )
    _index("notices_by_customer", "notices", ["customer_id", "made_us"])
    _index("notices_by_due", "notices", ["due_us"])
    _table(
        "deliveries",
        sa.Column("delivery_id", sa.String(length=64), nullable=False),
        sa.Column("notice_id", sa.String(length=32), nullable=False),
        sa.Column("contact_id", sa.String(length=32), nullable=False),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("tried_us", sa.BigInteger(), nullable=False),
        sa.Column("problem", sa.Text()),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("delivery_id"),
    )
    _index("deliveries_by_notice", "deliveries", ["notice_id"])
