"""What accounts of a campaign earn on their capital, so that its RAROC can be told of any part of it."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add capital and return before and after; of items from before they are not known."""
    for name in ("capital_before_cents", "capital_after_cents", "return_before_cents", "return_after_cents"):
        op.add_column("campaign_items", sa.Column(name, sa.Float()))
