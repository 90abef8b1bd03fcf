"""What of a committee's seats and of absences waits for a second member; nothing from before does."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add what waits, and who asked for it."""
    for name in ("mandates", "absences"):
        op.add_column(name, sa.Column("pending", sa.String(8)))
        op.add_column(name, sa.Column("asked_by", sa.Text()))
