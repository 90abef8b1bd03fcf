"""Campaigns that one person puts forward side by side: what the team decides of them is counted together for the tier."""

from collections.abc import Mapping
from typing import Any

import polars as pl
import sqlalchemy as sa

from limitkeeper.app.approval_policy import ApprovalPolicy
from limitkeeper.app.campaign_parts import Beside, Whole
from limitkeeper.app.campaign_states import (
    CANCELLED,
    CANCELLING,
    ITEM_PLANNED,
    ITEM_WAITING,
    PROPOSED,
    SPLIT,
)
from limitkeeper.app.campaign_sums import sums_of_campaigns, sums_of_impact
from limitkeeper.core.approval.tiers import COMMITTEE_TIER
from limitkeeper.core.behaviour.events import DAY_US
from limitkeeper.core.kernel.instants import day_of
from limitkeeper.core.limits.ledger import LOWERING, RAISING
from limitkeeper.store.campaign_tables import campaign_items, campaigns
from limitkeeper.store.case_tables import cases
from limitkeeper.store.work import Work


def put_forward_beside(
    w: Work, items: pl.DataFrame, impact: Mapping[str, Any], policy: ApprovalPolicy, whole: Whole | None
) -> Beside | None:
    """What whoever proposes a campaign has put forward within ``campaign_window_days``, as far as the team decides on it.

    Of campaigns that wait or were approved all accounts that were not set aside; of those that were stopped the ones
    whose changes were made. Only what goes the same way: cuts beside cuts, rises beside rises. A part of a split is
    of whoever proposed the whole.

    Parameters
    ----------
    w
        The work of who proposes.
    items, impact
        Of the proposed campaign, which is not in the store yet.
    policy
        Of the days.
    whole
        What it is a part of: that is counted with it already.
    """
    days = policy.campaign_window_days(day_of(w.now_us))
    since = {row["campaign_id"]: row for row in w.rows(_since(w.now_us - int(days * DAY_US)))} if days else {}
    known = frozenset() if whole is None else whole.family
    stands = [
        each for each, row in since.items()
        if each not in known and _counts(row) and _author(since, row) == w.actor.actor_id
    ]  # fmt: skip
    if not stands:
        return None
    sums, alike = sums_of_impact(impact), set[str]()
    for direction in (LOWERING, RAISING):
        alike |= set(direction) if sums.actions & set(direction) else set()
    item = campaign_items.c
    goes_on = [each for each in stands if since[each]["state"] not in (CANCELLING, CANCELLED)]
    waits = sa.and_(item.campaign_id.in_(goes_on), item.state == ITEM_WAITING)
    counted = sa.and_(item.action.in_(sorted(alike)), sa.or_(waits, item.state == ITEM_PLANNED))
    shared = sums_of_campaigns(w, stands, items["account_id"].to_list(), counted)
    found = sums_of_campaigns(w, stands, None, counted).less(shared)
    return Beside(tuple(stands), found) if found.accounts else None


def _counts(row: Mapping[str, Any]) -> bool:
    """Whether the team decides, or has decided, on a campaign, and it waits, was approved, or has led to something."""
    stands = row["is_live"] if row["state"] == PROPOSED else row["state"] != SPLIT
    is_over = row["state"] in (CANCELLING, CANCELLED) and not row["planned"]
    return stands and not is_over and max(row["tier"], row["required_tier"]) < COMMITTEE_TIER


def _since(us: int) -> sa.Select[Any]:
    """Campaigns that were proposed since a time, the newest first, with where their cases are."""
    own = campaigns.c
    return (
        sa.select(own.campaign_id, own.split_from, own.maker_id, own.state, own.planned, cases.c.is_live,
                  cases.c.tier, cases.c.required_tier)
        .join(cases, cases.c.case_id == own.campaign_id)
        .where(own.made_us >= us)
        .order_by(own.made_us.desc(), own.campaign_id)
    )  # fmt: skip


def _author(since: Mapping[str, Mapping[str, Any]], row: Mapping[str, Any]) -> str:
    while row["split_from"] in since:
        row = since[row["split_from"]]
    return str(row["maker_id"])
