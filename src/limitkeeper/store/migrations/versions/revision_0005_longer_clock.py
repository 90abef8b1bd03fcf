"""By how many days the clock of a person's request was extended; no clock from before was."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the days."""
    op.add_column(
        "rights_requests", sa.Column("extended_days", sa.Integer(), nullable=False, server_default="0")
    )
