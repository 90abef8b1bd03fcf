"""Compliance: the life of strategies and models."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the tables of compliance."""
    _life_tables()


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
