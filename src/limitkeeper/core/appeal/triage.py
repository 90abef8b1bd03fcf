"""Triage: whether a decision holds on the facts as they are known now. It grants where it does not; it never refuses."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from limitkeeper.core.limits.ledger import CLOSE, DECREASE, FREEZE

CORRECTABLE = (
    "paid_full_share_6", "minimum_only_share_6", "late_share_6", "late_share_12", "days_past_due_max_12",
    "days_past_due_mean_6", "on_time_streak", "completeness_3", "completeness_6", "completeness_12",
    "flag_count_90d",
)  # fmt: skip
"""Facts that records are put right about: what bills and flags say. All else stays as the decision saw it."""

COMPARABLE = ("bills_12", "window_bounded")
"""Where these are not as good as they were, what is kept does not reach back to the decision any more."""

ADVERSE = (DECREASE, FREEZE, CLOSE)

Holds = Callable[[Mapping[str, Any], Mapping[str, float | None]], bool]
"""Whether a rule, as a trace tells of it, holds for values of its names."""


class CorrectedFact(NamedTuple):
    """A fact that the decision used, as it was known then and as it is known now of the same time."""

    name: str
    then: float | None
    now: float | None


class Triage(NamedTuple):
    """What triage found.

    Parameters
    ----------
    is_settled
        Whether the decision does not hold on the facts as they are known now.
    corrected
        The facts that it rests on and that are otherwise by now.
    holding
        Rules that still ask for something adverse.
    """

    is_settled: bool
    corrected: tuple[CorrectedFact, ...]
    holding: tuple[str, ...]


def triage(trace: Mapping[str, Any], known_now: Mapping[str, float | None], holds: Holds) -> Triage:
    """Whether new facts settle an appeal against a decision.

    The rules are judged as the decision judged them, in its words and with its thresholds, on the values that it used,
    with the facts in :data:`CORRECTABLE` put right. It is settled where a fact of the deciding rule is otherwise by
    now and no rule asks for anything adverse any more. The score is left as it was: a rule that rests on it alone
    goes to a person.

    Parameters
    ----------
    trace
        Of the decision.
    known_now
        Features as of the decision's instant, by what is known now; missing is None.
    holds
        Whether a rule holds.

    Examples
    --------
    >>> rule = {"id": "flagged", "action": "freeze", "hit": True, "values": {"flag_count_90d": 1.0}}
    >>> trace = {"inputs": {"flag_count_90d": 1.0}, "rules": [rule], "action": {"rule": "flagged"}}
    >>> one_flag = lambda rule, values: values["flag_count_90d"] >= 1
    >>> triage(trace, {"flag_count_90d": 0.0}, one_flag).is_settled
    True
    >>> triage(trace, {"flag_count_90d": 1.0}, one_flag)
    Triage(is_settled=False, corrected=(), holding=('flagged',))
    """
    inputs, rules = trace.get("inputs", {}), trace.get("rules", [])
    decided = next((rule for rule in rules if rule["id"] == trace.get("action", {}).get("rule")), None)
    if decided is None or not _reaches_back(inputs, known_now):
        return Triage(is_settled=False, corrected=(), holding=())
    corrected = tuple(
        CorrectedFact(name, then, known_now[name])
        for name, then in decided["values"].items()
        if name in CORRECTABLE and name in known_now and known_now[name] != then
    )
    holding = tuple(
        rule["id"]
        for rule in rules
        if rule["action"] in ADVERSE and holds(rule, _put_right(rule["values"], known_now))
    )
    return Triage(bool(corrected) and not holding, corrected, holding)


def _put_right(
    values: Mapping[str, float | None], known_now: Mapping[str, float | None]
) -> dict[str, float | None]:
    return {
        name: known_now[name] if name in CORRECTABLE and name in known_now else then
        for name, then in values.items()
    }


def _reaches_back(inputs: Mapping[str, float | None], known_now: Mapping[str, float | None]) -> bool:
    """Whether as many bills, and no shorter windows, are known of the decision's instant as were known then."""
    bills_then, bills_now = inputs.get("bills_12") or 0, known_now.get("bills_12") or 0
    return bills_now >= bills_then and not known_now.get("window_bounded")
