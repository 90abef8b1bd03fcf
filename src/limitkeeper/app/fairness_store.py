"""What a store holds of decisions, in the columns of a fairness report: a campaign's items, a period's changes."""

import polars as pl
import sqlalchemy as sa

from limitkeeper.app.fairness import decided_rows
from limitkeeper.core.kernel.errors import InputError
from limitkeeper.core.limits.ledger import EFFECTIVE, FREEZE, LOWERING
from limitkeeper.store.campaign_tables import campaign_items, campaigns
from limitkeeper.store.limit_tables import limit_entries
from limitkeeper.store.sql import Store

PAGE_ROWS = 200_000
"""Rows read at once."""

TAKES = (*LOWERING, FREEZE)
"""Entries that take something from the customer."""

SCHEMA = {
    "account_id": pl.String(),
    "before_cents": pl.Int64(),
    "taken_cents": pl.Int64(),
    "touches": pl.Int64(),
}


def campaign_decided(store: Store, campaign_id: str) -> pl.DataFrame:
    """What a campaign does to each of its accounts, whether it has worked them off or not.

    Raises
    ------
    InputError
        When there is no such campaign.
    """
    if not store.rows(sa.select(campaigns.c.campaign_id).where(campaigns.c.campaign_id == campaign_id)):
        raise InputError("There is no such campaign.", value=campaign_id)
    item = campaign_items.c
    query = (
        sa.select(item.number, item.account_id, item.action, item.limit_before_cents, item.limit_after_cents)
        .where(item.campaign_id == campaign_id)
        .order_by(item.number)
        .limit(PAGE_ROWS)
    )
    parts, last = [], -1
    while rows := store.rows(query.where(item.number > last)):
        parts.append(pl.DataFrame(rows, infer_schema_length=None))
        last = rows[-1]["number"]
    if not parts:
        raise InputError("The campaign has no items.", value=campaign_id)
    return decided_rows(pl.concat(parts))


def period_decided(store: Store, from_us: int, to_us: int) -> pl.DataFrame:
    """What took effect on each line that was open within a period, from the ledger.

    A line is touched when the lender lowered, closed or froze it within the period; what the customer asked for himself
    does not count. The cut is what those entries took, as a share of the limit at the start (or of the first limit in
    the period). An entry that was undone still counts: the customer had the cut. A line that had no limit any
    more when the period began, such as one that was closed, was not left alone: it is left out.

    Parameters
    ----------
    from_us, to_us
        UTC microseconds, the end excluded.

    Raises
    ------
    InputError
        When the period is empty, or the ledger has no line that was open in it.
    """
    if from_us >= to_us:
        raise InputError(
            "The period is empty.", value=f"{from_us} to {to_us}", allowed="an end after its start"
        )
    entry = limit_entries.c
    before = (entry.effective_us < from_us) | (entry.action == "open")
    within = (entry.effective_us >= from_us) & entry.action.in_(TAKES) & entry.by_request.is_(False)
    before_cents = sa.func.sum(sa.case((before, entry.delta_cents), else_=0))
    touches = sa.func.sum(sa.case((within, 1), else_=0))
    query = (
        sa.select(
            entry.account_id,
            before_cents.label("before_cents"),
            sa.func.sum(sa.case((within, -entry.delta_cents), else_=0)).label("taken_cents"),
            touches.label("touches"),
        )
        .where((entry.state == EFFECTIVE) & (entry.effective_us < to_us))
        .group_by(entry.account_id)
        .having((before_cents > 0) | (touches > 0))
        .order_by(entry.account_id)
        .limit(PAGE_ROWS)
    )
    parts, last = [], ""
    while rows := store.rows(query.where(entry.account_id > last)):
        whole = [
            {name: row[name] if name == "account_id" else int(row[name]) for name in SCHEMA} for row in rows
        ]
        parts.append(pl.DataFrame(whole, schema=SCHEMA))
        last = rows[-1]["account_id"]
    if not parts:
        raise InputError("The ledger has no line that was open in the period.")
    found = pl.concat(parts)
    share = (
        pl.when(pl.col("before_cents") > 0)
        .then(pl.col("taken_cents") / pl.col("before_cents"))
        .otherwise(0.0)
    )
    return found.select(
        "account_id", (pl.col("touches") > 0).alias("touched"), share.clip(0.0, 1.0).alias("cut_share")
    )
