"""A case about a line that has moved since the case was opened: it is decided on by what it would do now."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from limitkeeper.app.limits import entries_in_effect, limit_now_cents
from limitkeeper.app.told import cut_from_cents
from limitkeeper.core.approval.cases import Case, Terms
from limitkeeper.core.approval.tiers import Fact, cut_facts, required_tier
from limitkeeper.core.kernel.instants import day_of
from limitkeeper.core.limits.changes import old_limit_cents
from limitkeeper.core.limits.ledger import CLOSE, LOWERING, RAISING
from limitkeeper.store.work import Work

EARLIER_CUTS = "earlier_cuts_cents"
"""In the facts of a case that cuts: what the lender cut earlier and has not given back."""


def facts_of_cut(w: Work, proposal: Mapping[str, Any], trace: Mapping[str, Any]) -> dict[str, Fact]:
    """What the tiers ask of a proposal that cuts, with the earlier cuts by its line's ledger, else as the monitor saw.

    Nothing where it does not cut.
    """
    before_cents, after_cents = proposal["limit_before_cents"], proposal["limit_after_cents"]
    if proposal["action"] not in LOWERING or before_cents is None or after_cents is None:
        return {}
    earlier_cents = _earlier_cuts_cents(w, proposal["account_id"], before_cents, trace)
    return cut_facts(before_cents - after_cents, before_cents, earlier_cents) | {EARLIER_CUTS: earlier_cents}


def _earlier_cuts_cents(w: Work, account_id: str, limit_cents: int, trace: Mapping[str, Any]) -> int:
    entries = entries_in_effect(w, account_id)
    is_known = any(each.delta_cents for each in entries)
    old_cents = old_limit_cents(entries) if is_known else cut_from_cents(trace)
    return max((old_cents or 0) - limit_cents, 0)


def as_line_is(w: Work, row: Mapping[str, Any], case: Case, terms: Terms) -> Case:
    """A case with the tier and the sums of what it would do to its line as that is now, where these are more.

    A cut to a limit cuts more of a line that has risen since, and a rise more of one that was cut. What was opened
    for the team, or within somebody's mandate, may then be neither.

    Parameters
    ----------
    w
        Of who acts, or looks.
    row, case
        Of the case.
    terms
        With the rules of tiers that are asked again.
    """
    before_cents, after_cents = row["limit_before_cents"], row["limit_after_cents"]
    if row["account_id"] is None or before_cents is None:
        return case
    limit_cents = limit_now_cents(w, row["account_id"], before_cents)
    if limit_cents == before_cents:
        return case
    if case.action == CLOSE:
        after_cents = 0
    cut_cents = case.cut_cents
    if after_cents is not None and case.action in LOWERING:
        cut_cents = max(cut_cents, limit_cents - after_cents)
    elif after_cents is not None and case.action in RAISING:
        cut_cents = min(cut_cents, limit_cents - after_cents)
    exposure_cents = max(case.exposure_cents, limit_cents)
    facts = json.loads(row["facts"]) | {"exposure_cents": exposure_cents}
    if EARLIER_CUTS in facts and after_cents is not None:
        facts[EARLIER_CUTS] = earlier_cents = _earlier_cuts_cents(w, row["account_id"], limit_cents, {})
        facts |= cut_facts(limit_cents - after_cents, limit_cents, earlier_cents)
    elif cut_cents != case.cut_cents:
        facts |= cut_facts(cut_cents, limit_cents)
    tier, rules = required_tier(facts, terms.tier_rules, day_of(w.now_us))
    now = replace(case, cut_cents=cut_cents, exposure_cents=exposure_cents)
    return replace(now, required_tier=tier, tier_rules=rules) if tier > case.required_tier else now
