"""Workflow in full: people and keys, answers that are given once, freezes and requests in the ledger, appeals."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the tables of Workflow that came since; an earlier program refuses the store from here on."""
    _answer_tables()
    _people_tables()
    _appeal_tables()
    _campaign_tables()
    _ledger_columns()
    _tables_of_the_monitor()
    op.execute("UPDATE store_heads SET format = 3")


def _answer_tables() -> None:
    op.create_table(
        "idempotency_keys",
        sa.Column("key_hash", sa.String(length=64), nullable=False),
        sa.Column("request_hash", sa.String(length=64), nullable=False),
        sa.Column("made_us", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("version", sa.BigInteger()),
        sa.Column("content", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key_hash"),
    )
    op.create_index("idempotency_keys_by_time", "idempotency_keys", ["made_us"])


def _people_tables() -> None:
    op.create_table(
        "people",
        sa.Column("person_id", sa.String(length=200), nullable=False),
        sa.Column("roles", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.String(length=200)),
        sa.Column("password_hash", sa.Text()),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("locked_until_us", sa.BigInteger(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("person_id"),
    )
    op.create_table(
        "sessions",
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("person_id", sa.String(length=200), nullable=False),
        sa.Column("begun_us", sa.BigInteger(), nullable=False),
        sa.Column("seen_us", sa.BigInteger(), nullable=False),
        sa.Column("ended_us", sa.BigInteger()),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("token_hash"),
    )
    op.create_index("sessions_by_person", "sessions", ["person_id"])
    op.create_table(
        "api_keys",
        sa.Column("key_hash", sa.String(length=64), nullable=False),
        sa.Column("service_id", sa.String(length=200), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("made_us", sa.BigInteger(), nullable=False),
        sa.Column("ends_us", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key_hash"),
    )
    op.create_index("api_keys_by_service", "api_keys", ["service_id"])
    op.create_table(
        "identities",
        sa.Column("identity_hash", sa.String(length=64), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("person_id", sa.String(length=200), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("identity_hash"),
    )
    op.create_index("identities_by_person", "identities", ["person_id"])


def _ledger_columns() -> None:
    """What was planned before takes effect as it would have: it is not looked at again."""
    op.add_column("limit_entries", sa.Column("wait_us", sa.BigInteger()))
    for name, value in (("is_assessed", sa.true()), ("by_request", sa.false())):
        op.add_column("limit_entries", sa.Column(name, sa.Boolean(), nullable=False, server_default=value))


def _tables_of_the_monitor() -> None:
    op.create_table(
        "freeze_changes",
        sa.Column("id", KEY, autoincrement=True, nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("ts_us", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("proposal_id", sa.String(length=32)),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("is_kept", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("freeze_changes_by_kept", "freeze_changes", ["is_kept", "id"])
    # What stands frozen now is the ledger's to follow; one that has it already leaves it as it is.
    op.execute(
        "INSERT INTO freeze_changes (account_id, ts_us, status, proposal_id, sequence, is_kept) "
        "SELECT account_id, made_us, 'begun', proposal_id, sequence, false FROM proposals "
        "WHERE action = 'freeze' AND status IN ('open', 'confirmed') ORDER BY made_us, proposal_id"
    )
    op.create_table(
        "stated_accounts",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Text()),
        sa.Column("segment", sa.Text()),
        sa.PrimaryKeyConstraint("account_id"),
    )
    op.create_index("stated_accounts_by_customer", "stated_accounts", ["customer_id"])


def _appeal_tables() -> None:
    op.create_table(
        "appeals",
        sa.Column("appeal_id", sa.String(length=32), nullable=False),
        sa.Column("case_id", sa.String(length=32), nullable=False),
        sa.Column("account_id", sa.String(length=200), nullable=False),
        sa.Column("customer_id", sa.String(length=200), nullable=False),
        sa.Column("action", sa.String(length=16), nullable=False),
        sa.Column("limit_before_cents", sa.BigInteger()),
        sa.Column("limit_after_cents", sa.BigInteger()),
        sa.Column("cut_cents", sa.BigInteger(), nullable=False),
        sa.Column("exposure_cents", sa.BigInteger(), nullable=False),
        sa.Column("decision_id", sa.String(length=32)),
        sa.Column("rule", sa.String(length=80)),
        sa.Column("reasons", sa.Text(), nullable=False),
        sa.Column("model", sa.Text()),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("tier", sa.Integer(), nullable=False),
        sa.Column("instance", sa.Integer(), nullable=False),
        sa.Column("submitted_us", sa.BigInteger(), nullable=False),
        sa.Column("opened_us", sa.BigInteger(), nullable=False),
        sa.Column("answer_until_us", sa.BigInteger(), nullable=False),
        sa.Column("clock", sa.String(length=16), nullable=False),
        sa.Column("due_us", sa.BigInteger(), nullable=False),
        sa.Column("claimed_by", sa.Text()),
        sa.Column("parties", sa.Text(), nullable=False),
        sa.Column("asks", sa.Integer(), nullable=False),
        sa.Column("asked_us", sa.BigInteger()),
        sa.Column("paused", sa.String(length=16)),
        sa.Column("outcome", sa.Text()),
        sa.Column("again_until_us", sa.BigInteger()),
        sa.Column("granted_limit_cents", sa.BigInteger()),
        sa.Column("new_case_id", sa.String(length=32)),
        sa.Column("triage_us", sa.BigInteger()),
        sa.Column("answered_us", sa.BigInteger()),
        sa.Column("is_live", sa.Boolean(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("appeal_id"),
    )
    op.create_index("appeals_by_case", "appeals", ["case_id", "account_id"])
    op.create_index("appeals_by_customer", "appeals", ["customer_id", "submitted_us"])
    op.create_index("appeals_by_account", "appeals", ["account_id", "answered_us"])
    op.create_index("appeals_by_due", "appeals", ["is_live", "due_us"])
    op.create_index("appeals_by_triage", "appeals", ["triage_us"])
    op.create_table(
        "appeal_acts",
        sa.Column("appeal_id", sa.String(length=32), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("ts_us", sa.BigInteger(), nullable=False),
        sa.Column("actor_id", sa.Text(), nullable=False),
        sa.Column("act", sa.String(length=16), nullable=False),
        sa.Column("words", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("tier", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("appeal_id", "version"),
    )
    op.create_table(
        "appeal_evidence",
        sa.Column("evidence_id", sa.String(length=32), nullable=False),
        sa.Column("appeal_id", sa.String(length=32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("name", sa.LargeBinary(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("added_us", sa.BigInteger(), nullable=False),
        sa.Column("added_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("evidence_id"),
    )
    op.create_index("appeal_evidence_by_appeal", "appeal_evidence", ["appeal_id", "number"], unique=True)


def _campaign_tables() -> None:
    op.create_table(
        "campaigns",
        sa.Column("campaign_id", sa.String(length=32), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("impact", sa.Text(), nullable=False),
        sa.Column("items", sa.Integer(), nullable=False),
        sa.Column("items_hash", sa.String(length=80), nullable=False),
        sa.Column("split_from", sa.String(length=32)),
        sa.Column("earliest_us", sa.BigInteger(), nullable=False),
        sa.Column("reached", sa.Integer(), nullable=False),
        sa.Column("planned", sa.Integer(), nullable=False),
        sa.Column("set_aside", sa.Integer(), nullable=False),
        sa.Column("cancelled", sa.Integer(), nullable=False),
        sa.Column("cancel_why", sa.Text()),
        sa.Column("maker_id", sa.Text(), nullable=False),
        sa.Column("made_us", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("campaign_id"),
    )
    op.create_index("campaigns_by_state", "campaigns", ["state"])
    op.create_index("campaigns_by_time", "campaigns", ["made_us", "campaign_id"])
    op.create_table(
        "campaign_items",
        sa.Column("campaign_id", sa.String(length=32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.String(length=200), nullable=False),
        sa.Column("customer_id", sa.String(length=200)),
        sa.Column("action", sa.String(length=16), nullable=False),
        sa.Column("limit_before_cents", sa.BigInteger(), nullable=False),
        sa.Column("limit_after_cents", sa.BigInteger(), nullable=False),
        sa.Column("exposure_cents", sa.BigInteger(), nullable=False),
        sa.Column("segment", sa.Text()),
        sa.Column("trigger", sa.Text()),
        sa.Column("reasons", sa.Text(), nullable=False),
        sa.Column("decision_id", sa.String(length=32)),
        sa.Column("loss_change_cents", sa.Float()),
        sa.Column("profit_change_cents", sa.Float()),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("why", sa.Text()),
        sa.PrimaryKeyConstraint("campaign_id", "number"),
        sqlite_with_rowid=False,
    )
    op.create_index("campaign_items_by_account", "campaign_items", ["account_id", "campaign_id"], unique=True)
