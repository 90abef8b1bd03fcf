"""Campaigns that are parts of others: split from one that waits, or put forward again after one led to nothing.

Both are counted with the whole, so that no part falls below the tier and the mandates that the whole asked for.
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

import polars as pl
import sqlalchemy as sa

from limitkeeper.app.approval_policy import ApprovalPolicy
from limitkeeper.app.campaign_states import CAMPAIGN, CANCELLED, CANCELLING, SPLIT
from limitkeeper.app.cases import CaseOpening
from limitkeeper.core.approval.cases import LAPSED, REFUSED, WITHDRAWN
from limitkeeper.core.behaviour.events import DAY_US
from limitkeeper.core.kernel.instants import day_of
from limitkeeper.core.limits.ledger import CLOSE, DECREASE, INCREASE
from limitkeeper.store.campaign_tables import campaign_items, campaigns
from limitkeeper.store.case_tables import case_acts, cases
from limitkeeper.store.work import Work

COUNTED_WITH = "counted_with"
"""In the facts of a part's case: the campaigns that it is counted with."""

_BY_WEIGHT = (CLOSE, DECREASE, INCREASE)
_SUSPECTED = "suspected_violation"


@dataclass(frozen=True, slots=True)
class Whole:
    """What a campaign is a part of.

    Parameters
    ----------
    ids
        The campaigns that it is counted with.
    tier
        The highest that one of them needed or lay on.
    parties, recused
        Who may not decide on one of them.
    accounts, cut_cents, exposure_cents
        Of all of them, besides the part's own.
    """

    ids: tuple[str, ...]
    tier: int
    parties: frozenset[str]
    recused: frozenset[str]
    accounts: int
    cut_cents: int
    exposure_cents: int


def opening_of(
    w: Work, impact: Mapping[str, Any], policy: ApprovalPolicy, named: str = "", whole: Whole | None = None
) -> CaseOpening:
    """What the case of a campaign is about: the gravest of its actions, and its sums.

    Parameters
    ----------
    w
        Of who proposes.
    impact
        The sums of its accounts.
    policy
        Which tier all that is counted together needs.
    named
        The hash of the items, which is the case's identity.
    whole
        What it is a part of: who may not decide on that decides on no part, the tier that it needed or lay on is the
        lowest of each, and its accounts and sums are counted in.
    """
    triggers = {each["name"] for each in impact["by_trigger"]}
    actions = {each["name"] for each in impact["by_action"]}
    trigger = _SUSPECTED if _SUSPECTED in triggers else next(iter(triggers)) if len(triggers) == 1 else None
    opening = CaseOpening(
        CAMPAIGN, next(each for each in _BY_WEIGHT if each in actions), None, impact["limit_before_cents"],
        impact["limit_after_cents"], impact["exposure_cents"], w.actor.actor_id,
        decision_id=named.removeprefix("sha256:")[:32], facts={"accounts": impact["accounts"], "trigger": trigger},
    )  # fmt: skip
    if whole is None:
        return opening
    accounts = impact["accounts"] + whole.accounts
    exposure_cents = impact["exposure_cents"] + whole.exposure_cents
    together = opening.tier_facts() | {
        "accounts": accounts, "exposure_cents": exposure_cents, "cut_cents": impact["cut_cents"] + whole.cut_cents,
    }  # fmt: skip
    facts = opening.facts | {
        "split_from_tier": max(whole.tier, policy.tier(together, day_of(w.now_us)).tier),
        "counted_accounts": accounts, "counted_exposure_cents": exposure_cents, COUNTED_WITH: " ".join(whole.ids),
    }  # fmt: skip
    return replace(
        opening, facts=facts, parties=whole.parties, recused=whole.recused, counted_cut_cents=whole.cut_cents,
        counted_exposure_cents=whole.exposure_cents,
    )  # fmt: skip


def split_whole(case: Mapping[str, Any], impact: Mapping[str, Any]) -> Whole:
    """The whole of a part that is split from it.

    Parameters
    ----------
    case
        Of the campaign that is split, with what that was counted with itself.
    impact
        Of the part.
    """
    facts = json.loads(case["facts"])
    accounts = facts.get("counted_accounts", facts["accounts"])
    return _whole(
        [case], accounts - impact["accounts"], case["cut_cents"] - impact["cut_cents"],
        case["exposure_cents"] - impact["exposure_cents"],
    )  # fmt: skip


def put_forward_before(
    w: Work, items: pl.DataFrame, policy: ApprovalPolicy, but: str | None = None
) -> Whole | None:
    """What a proposed campaign is a part of: campaigns on its accounts that led to nothing, and their other parts.

    One that was cancelled, was refused or has lapsed counts for ``campaign_parts_days``, whoever proposed it, where
    they share ``campaign_parts_share`` of the accounts of the one or of the other.

    Parameters
    ----------
    w
        The work that reads it.
    items
        Of the proposed campaign.
    policy
        Of the days and the share.
    but
        The campaign itself, where it stands in the store already.
    """
    days, share = policy.campaign_parts(day_of(w.now_us))
    since_us = w.now_us - int(days * DAY_US)
    ended = {row["case_id"]: row for row in w.rows(_ended(since_us)) if row["case_id"] != but}
    mine = items.select("account_id")
    before = _items_of(w, ended)
    shared = pl.col("account_id").is_in(mine["account_id"].implode()).sum()
    counts = before.group_by("campaign_id").agg(pl.len().alias("all"), shared.alias("shared"))
    enough = (pl.col("shared") >= share * items.height) | (pl.col("shared") >= share * pl.col("all"))
    ids = counts.filter((pl.col("shared") > 0) & enough)["campaign_id"].sort().to_list()
    if not ids:
        return None
    parts = {
        row["case_id"] for row in w.rows(_standing(since_us))
        if row["case_id"] != but and not set(ids).isdisjoint(json.loads(row["facts"]).get(COUNTED_WITH, "").split())
    }  # fmt: skip
    all_items = pl.concat([before.filter(pl.col("campaign_id").is_in(ids)), _items_of(w, parts)])
    others = all_items.sort("campaign_id", "account_id").unique("account_id", keep="first")
    others = others.join(mine, on="account_id", how="anti")
    return _whole(
        [ended[each] for each in ids], others.height, int(others["cut_cents"].sum()), int(others["exposure_cents"].sum())
    )  # fmt: skip


def _whole(wholes: list[Mapping[str, Any]], accounts: int, cut_cents: int, exposure_cents: int) -> Whole:
    return Whole(
        tuple(row["case_id"] for row in wholes),
        max(max(row["required_tier"], row["tier"]) for row in wholes),
        frozenset(each for row in wholes for each in (row["maker_id"], *json.loads(row["parties"]))),
        frozenset(each for row in wholes for each in json.loads(row["recused"])),
        accounts, cut_cents, exposure_cents,
    )  # fmt: skip


def _ended(since_us: int) -> sa.Select[Any]:
    """The cases of campaigns that were cancelled, refused or lapsed, of which something was done since a time."""
    acted = sa.exists().where(case_acts.c.case_id == cases.c.case_id, case_acts.c.ts_us > since_us)
    for_nothing = sa.or_(
        cases.c.state.in_((REFUSED, LAPSED, WITHDRAWN)), campaigns.c.state.in_((CANCELLING, CANCELLED))
    )
    return (
        sa.select(cases)
        .join(campaigns, campaigns.c.campaign_id == cases.c.case_id)
        .where(campaigns.c.state != SPLIT, for_nothing, acted)
    )


def _standing(since_us: int) -> sa.Select[Any]:
    """The cases of campaigns that were proposed since a time, and wait or were approved."""
    return (
        sa.select(cases.c.case_id, cases.c.facts)
        .join(campaigns, campaigns.c.campaign_id == cases.c.case_id)
        .where(
            campaigns.c.made_us >= since_us, campaigns.c.state.not_in((SPLIT, CANCELLING, CANCELLED)),
            cases.c.state.not_in((REFUSED, LAPSED, WITHDRAWN)),
        )
    )  # fmt: skip


READ_AT_ONCE = 50_000
"""Rows of the store that are read together, so that only what is looked for is kept."""

_ITEM = {
    "campaign_id": pl.String(),
    "account_id": pl.String(),
    "cut_cents": pl.Int64(),
    "exposure_cents": pl.Int64(),
}


def _items_of(w: Work, ids: Collection[str]) -> pl.DataFrame:
    """The accounts of campaigns, with what each would lose and what is exposed of it."""
    parts = [pl.DataFrame(schema=_ITEM)]
    item = campaign_items.c
    for campaign_id in sorted(ids):
        query = sa.select(
            item.campaign_id,
            item.account_id,
            item.limit_before_cents - item.limit_after_cents,
            item.exposure_cents,
        ).where(item.campaign_id == campaign_id)
        result = w.connection.execute(query, execution_options={"stream_results": True})
        parts += [
            pl.DataFrame([tuple(row) for row in rows], _ITEM, orient="row")
            for rows in result.partitions(READ_AT_ONCE)
        ]
    return pl.concat(parts)
