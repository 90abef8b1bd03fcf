"""Campaigns that are parts of others: split from one that waits, or put forward again after one led to nothing.

Both are counted with the whole, so that no part falls below the tier and the mandates that the whole asked for.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import polars as pl
import sqlalchemy as sa

from limitkeeper.app.approval_policy import ApprovalPolicy
from limitkeeper.app.campaign_states import CAMPAIGN, CANCELLED, CANCELLING, SPLIT
from limitkeeper.app.campaign_sums import Sums, sums_of_campaigns, sums_of_case, sums_of_impact
from limitkeeper.app.cases import CaseOpening
from limitkeeper.app.covered import Change, Covered
from limitkeeper.core.approval.cases import LAPSED, REFUSED, WITHDRAWN
from limitkeeper.core.approval.tiers import Fact
from limitkeeper.core.behaviour.events import DAY_US
from limitkeeper.core.kernel.instants import day_of
from limitkeeper.core.limits.ledger import LOWERING
from limitkeeper.store.campaign_tables import campaign_items, campaigns
from limitkeeper.store.case_tables import case_acts, cases
from limitkeeper.store.given import given
from limitkeeper.store.work import Work

COUNTED_WITH = "counted_with"
"""In the facts of a part's case: the campaigns that it is counted with, and those that they were counted with."""

NAMED_MAX = 20
"""Campaigns that a case names of those that it is counted with, the newest first."""

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
    besides
        What is counted of all of them, besides the part's own; with every action of theirs.
    opened_us
        When what it is split from was opened: its committee is the parts'. None where it is no split.
    family
        All campaigns whose sums are counted in, also those that it is no part of.
    """

    ids: tuple[str, ...]
    tier: int
    parties: frozenset[str]
    recused: frozenset[str]
    besides: Sums
    opened_us: int | None = None
    family: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Beside:
    """What else its maker has put forward beside a campaign.

    Parameters
    ----------
    ids
        The campaigns, the newest first.
    sums
        Of their accounts that the campaign is not about.
    """

    ids: tuple[str, ...]
    sums: Sums

    def facts(self, together: Sums, tier: int) -> dict[str, Fact]:
        """What a case keeps of it: the sums of everything together, and which tier they ask for."""
        return {
            "beside_tier": tier, "beside_campaigns": len(self.ids), "beside_accounts": together.accounts,
            "beside_exposure_cents": together.exposure_cents, "beside_with": " ".join(self.ids[:NAMED_MAX]),
        }  # fmt: skip


def opening_of(
    w: Work,
    impact: Mapping[str, Any],
    policy: ApprovalPolicy,
    named: str = "",
    whole: Whole | None = None,
    beside: Beside | None = None,
) -> CaseOpening:
    """What the case of a campaign is about: each of its actions, the gravest first, and its sums.

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
    beside
        What else its maker has put forward: counted in for the tier alone.
    """
    triggers = {each["name"] for each in impact["by_trigger"]}
    trigger = _SUSPECTED if _SUSPECTED in triggers else next(iter(triggers)) if len(triggers) == 1 else None
    own = sums_of_impact(impact)
    before = dict.fromkeys(LOWERING, impact["cut_from_cents"])
    raised_from_cents = impact["limit_before_cents"] - impact["cut_from_cents"]
    changes = tuple(
        Change(action, cents, before.get(action, raised_from_cents)) for action, cents in own.changes()
    )
    opening = CaseOpening(
        CAMPAIGN, changes[0].action, None, impact["limit_before_cents"], impact["limit_after_cents"],
        own.exposure_cents, w.actor.actor_id, decision_id=named.removeprefix("sha256:")[:32],
        facts={"accounts": own.accounts, "trigger": trigger}, changes=changes,
    )  # fmt: skip
    together = own if whole is None else own.plus(whole.besides)
    covered = Covered(together.changes(), together.exposure_cents)
    opening = replace(opening, covered=covered, facts=opening.facts | covered.facts())
    first = opening.tier_facts()[0] | {"cut_share": None}  # of several together it is not known

    def tier_of(sums: Sums) -> int:
        counted = first | {"accounts": sums.accounts, "exposure_cents": sums.exposure_cents}
        asked = [counted | {"action": action, "cut_cents": cents} for action, cents in sums.changes()]
        return policy.tier_of_all(asked, day_of(w.now_us)).tier

    if beside is not None:
        everything = together.plus(beside.sums)
        opening = replace(opening, facts=opening.facts | beside.facts(everything, tier_of(everything)))
    if whole is None:
        return opening
    facts = opening.facts | {
        "split_from_tier": max(whole.tier, tier_of(together)),
        "counted_accounts": together.accounts, "counted_exposure_cents": together.exposure_cents,
        COUNTED_WITH: " ".join(whole.ids),
    }  # fmt: skip
    opened_us = whole.opened_us
    return replace(opening, facts=facts, parties=whole.parties, recused=whole.recused, opened_us=opened_us)


def split_whole(case: Mapping[str, Any], impact: Mapping[str, Any]) -> Whole:
    """The whole of a part that is split from it.

    Parameters
    ----------
    case
        Of the campaign that is split, with what that was counted with itself.
    impact
        Of the part.
    """
    whole = _whole([case], sums_of_case(case).less(sums_of_impact(impact)))
    return replace(whole, opened_us=case["opened_us"])


def put_forward_before(
    w: Work, items: pl.DataFrame, impact: Mapping[str, Any], policy: ApprovalPolicy
) -> Whole | None:
    """What a campaign that is to be proposed is a part of: campaigns on its accounts that led to nothing.

    One that was cancelled, was refused or has lapsed counts for ``campaign_parts_days``, whoever proposed it, where
    they share ``campaign_parts_share`` of the accounts of the one or of the other. With it count the other parts of
    what it was split from, and what was put forward again of it and waits or was approved. No sum is less than those
    that its own case was decided by.

    Parameters
    ----------
    w
        The work that reads it.
    items, impact
        Of the proposed campaign, which is not in the store yet.
    policy
        Of the days and the share.
    """
    days, share = policy.campaign_parts(day_of(w.now_us))
    since_us = w.now_us - int(days * DAY_US)
    ended = {row["case_id"]: row for row in w.rows(_ended(since_us))}
    if not ended:
        return None
    accounts = items["account_id"].to_list()
    shared = _shared(w, accounts)
    before = [
        ended[each] for each in sorted(ended.keys() & shared.keys())
        if shared[each] >= share * min(len(accounts), ended[each]["items"])
    ]  # fmt: skip
    if not before:
        return None
    roots = {each for row in before for each in (row["case_id"], *_counted_with(row))}
    family = {row["case_id"] for row in before}
    family |= {each for each, row in ended.items() if row["split_from"] in roots}
    family |= {
        row["case_id"] for row in w.rows(_standing(since_us)) if not roots.isdisjoint(_counted_with(row))
    }
    own = sums_of_impact(impact)
    besides = sums_of_campaigns(w, family).less(sums_of_campaigns(w, family, accounts))
    for row in before:
        besides = besides.at_least(sums_of_case(row).less(own))
    return replace(_whole(before, besides), family=frozenset(family))


def _shared(w: Work, accounts: Collection[str]) -> dict[str, int]:
    """How many of some accounts each campaign is about, by the index of items by account."""
    some, item = given(w.dialect, accounts), campaign_items.c
    query = sa.select(item.campaign_id, sa.func.count().label("accounts")).select_from(
        some.join(campaign_items, item.account_id == some.c.value)
    )
    return {row["campaign_id"]: row["accounts"] for row in w.rows(query.group_by(item.campaign_id))}


def _counted_with(row: Mapping[str, Any]) -> list[str]:
    found: str = json.loads(row["facts"]).get(COUNTED_WITH, "")
    return found.split()


def _whole(wholes: Sequence[Mapping[str, Any]], besides: Sums) -> Whole:
    ids = (*(row["case_id"] for row in wholes), *(each for row in wholes for each in _counted_with(row)))
    return Whole(
        tuple(dict.fromkeys(ids)),
        max(max(row["required_tier"], row["tier"]) for row in wholes),
        frozenset(each for row in wholes for each in (row["maker_id"], *json.loads(row["parties"]))),
        frozenset(each for row in wholes for each in json.loads(row["recused"])),
        besides,
    )


def _ended(since_us: int) -> sa.Select[Any]:
    """The cases of campaigns that were cancelled, refused or lapsed, of which something was done since a time."""
    acted = sa.exists().where(case_acts.c.case_id == cases.c.case_id, case_acts.c.ts_us > since_us)
    for_nothing = sa.or_(
        cases.c.state.in_((REFUSED, LAPSED, WITHDRAWN)), campaigns.c.state.in_((CANCELLING, CANCELLED))
    )
    return (
        sa.select(cases, campaigns.c["items"], campaigns.c.split_from)
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
