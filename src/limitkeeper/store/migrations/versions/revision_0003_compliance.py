"""Compliance: the life of strategies and models, requests of persons, consents."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the tables of compliance."""
    _life_tables()
    _rights_tables()
    op.create_index("freeze_changes_by_account", "freeze_changes", ["account_id"])
    op.create_index("rejects_by_account", "rejects", ["account_id"])
    op.create_index("people_by_customer", "people", ["customer_id"])
    _bank_index()
    _overview_indices()


def _life_tables() -> None:
    op.create_table(
        "artefacts",
        sa.Column("hash", sa.String(length=80), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("added_us", sa.BigInteger(), nullable=False),
        sa.Column("added_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("hash"),
    )
    op.create_table(
        "releases",
        sa.Column("release_id", sa.String(length=32), nullable=False),
        sa.Column("market", sa.String(length=16), nullable=False),
        sa.Column("strategy_hash", sa.String(length=80), nullable=False),
        sa.Column("model_hash", sa.String(length=80)),
        sa.Column("register_hash", sa.String(length=80)),
        sa.Column("author_id", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("screens_failed", sa.Text()),
        sa.Column("justified_by", sa.Text()),
        sa.Column("approvals", sa.Text(), nullable=False),
        sa.Column("bucket_from", sa.Integer(), nullable=False),
        sa.Column("buckets", sa.Integer(), nullable=False),
        sa.Column("is_champion", sa.Boolean(), nullable=False),
        sa.Column("made_us", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("release_id"),
    )
    op.create_index("releases_by_market", "releases", ["market", "state"])
    op.create_table(
        "release_acts",
        sa.Column("release_id", sa.String(length=32), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("ts_us", sa.BigInteger(), nullable=False),
        sa.Column("actor_id", sa.Text(), nullable=False),
        sa.Column("act", sa.String(length=16), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.PrimaryKeyConstraint("release_id", "version"),
    )
    op.create_table(
        "release_reviews",
        sa.Column("review_id", sa.String(length=32), nullable=False),
        sa.Column("release_id", sa.String(length=32), nullable=False),
        sa.Column("portfolio", sa.Text(), nullable=False),
        sa.Column("as_of_us", sa.BigInteger(), nullable=False),
        sa.Column("made_us", sa.BigInteger(), nullable=False),
        sa.Column("actor_id", sa.Text(), nullable=False),
        sa.Column("figures", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("review_id"),
    )
    op.create_index("release_reviews_by_release", "release_reviews", ["release_id", "as_of_us"])


def _rights_tables() -> None:
    op.create_table(
        "rights_requests",
        sa.Column("request_id", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("customer_id", sa.String(length=200), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("received_us", sa.BigInteger(), nullable=False),
        sa.Column("answer_until_us", sa.BigInteger(), nullable=False),
        sa.Column("answered_us", sa.BigInteger()),
        sa.Column("verified_by", sa.Text()),
        sa.Column("is_live", sa.Boolean(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("request_id"),
    )
    op.create_index("rights_requests_by_due", "rights_requests", ["is_live", "answer_until_us"])
    op.create_index("rights_requests_by_customer", "rights_requests", ["customer_id", "received_us"])
    op.create_table(
        "rights_acts",
        sa.Column("request_id", sa.String(length=32), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("ts_us", sa.BigInteger(), nullable=False),
        sa.Column("actor_id", sa.Text(), nullable=False),
        sa.Column("act", sa.String(length=16), nullable=False),
        sa.Column("words", sa.LargeBinary(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.PrimaryKeyConstraint("request_id", "version"),
    )
    op.create_table(
        "consent_acts",
        sa.Column("number", KEY, autoincrement=True, nullable=False),
        sa.Column("customer_id", sa.String(length=200), nullable=False),
        sa.Column("scope", sa.String(length=40), nullable=False),
        sa.Column("act", sa.String(length=16), nullable=False),
        sa.Column("text_version", sa.String(length=40), nullable=False),
        sa.Column("text_hash", sa.String(length=80), nullable=False),
        sa.Column("ts_us", sa.BigInteger(), nullable=False),
        sa.Column("actor_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_index("consent_acts_by_customer", "consent_acts", ["customer_id", "scope", "number"])


def _bank_index() -> None:
    told = sa.text("bank_state <> 'none'")
    columns = ["bank_state", "effective_us", "entry_id"]
    op.create_index(
        "limit_entries_by_bank", "limit_entries", columns, sqlite_where=told, postgresql_where=told
    )


def _overview_indices() -> None:
    """What the overview counts by, and the timeline of an account."""
    is_open = sa.text("status = 'open'")
    for table, *columns in (("alerts", "trigger", "seen_us"), ("proposals", "action", "made_us")):
        op.create_index(f"{table}_open", table, columns, sqlite_where=is_open, postgresql_where=is_open)
    op.create_index("alerts_by_opening", "alerts", ["opened_us", "trigger"])
    op.create_index("alerts_by_sight", "alerts", ["seen_us", "status", "trigger", "severity"])
    op.create_index("proposals_by_making", "proposals", ["made_us", "action", "status"])
    op.create_index("cases_by_clock", "cases", ["is_live", "tier", "clock", "due_us"])
    op.create_index("cases_by_claimer", "cases", ["claimed_by", "is_live", "due_us"])
    op.create_index("cases_by_due_of_all", "cases", ["due_us"])
    op.create_index("appeals_by_answer", "appeals", ["is_live", "answer_until_us"])
    op.create_index("appeals_by_answer_of_all", "appeals", ["answer_until_us"])
    op.create_index("notices_by_state", "notices", ["state", "made_us"])
    op.create_index("notices_by_account", "notices", ["account_id", "made_us"])
    columns = ["effective_us", "state", "action", "delta_cents"]
    op.create_index("limit_entries_by_effect", "limit_entries", columns)
