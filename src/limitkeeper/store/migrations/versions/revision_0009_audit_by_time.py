"""The audit's events by their time, so that those of a period are found."""

from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Make the index."""
    op.create_index("audit_events_by_time", "audit_events", ["ts_us", "number"])
