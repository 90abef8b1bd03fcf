"""Which accounts a page of a list showed to somebody; of pages from before nothing is known."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "shown_accounts",
        sa.Column("id", KEY, primary_key=True, autoincrement=True),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("shown_us", sa.BigInteger(), nullable=False),
    )
    op.create_index("shown_accounts_by_account", "shown_accounts", ["account_id"])
