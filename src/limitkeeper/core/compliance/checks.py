"""The checks of regulation: facts of a subject and the numbers of a rule in, a status and what was found out."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

STRATEGY, DECISION, CLOCK, PORTFOLIO = "strategy", "decision", "clock", "portfolio"
STAGES = (STRATEGY, DECISION, CLOCK, PORTFOLIO)
"""On what a rule is evaluated: a strategy with its model before it goes live, one decided case, one clock that runs, all
lines of a lender."""

MET, FAILED, UNKNOWN, OUTSIDE = "met", "failed", "unknown", "outside"
"""What came of a rule. Unknown: a fact that it asks for is not there. Outside: kept by the lender without this system."""

Value = str | float | bool | None | tuple[str, ...]
Facts = Mapping[str, Value]
"""What is known of what is evaluated. A fact that is missing or None is not known."""

NOT_APPLICABLE = "not_applicable"

Answer = tuple[str, str]
"""A status and its detail."""

Check = Callable[[Facts, Mapping[str, float]], Answer]


def _listed(name: str) -> Check:
    """A check of which the facts list what is against it."""

    def check(facts: Facts, _: Mapping[str, float]) -> Answer:
        found = facts.get(name)
        if found is None:
            return UNKNOWN, f"{name} is not known"
        assert isinstance(found, tuple)
        return (FAILED, "; ".join(found)) if found else (MET, "none")

    return check


def _true(name: str, met: str, failed: str) -> Check:
    """A check that one fact is true."""

    def check(facts: Facts, _: Mapping[str, float]) -> Answer:
        found = facts.get(name)
        if found is None:
            return UNKNOWN, f"{name} is not known"
        return (MET, met) if found is True else (FAILED, failed)

    return check


def _at_most(name: str, bound: str, words: str) -> Check:
    """A check that a fact is at most a number of the rule; a negative one is a future."""

    def check(facts: Facts, values: Mapping[str, float]) -> Answer:
        found = facts.get(name)
        if found is None or bound not in values:
            return UNKNOWN, f"{name if found is None else bound} is not known"
        assert isinstance(found, int | float)
        status = MET if found <= values[bound] else FAILED
        return status, words.format(found=found, bound=values[bound])

    return check


def _if_adverse(check: Check) -> Check:
    """A check that concerns decisions against the customer only."""

    def adverse(facts: Facts, values: Mapping[str, float]) -> Answer:
        return check(facts, values) if facts.get("is_adverse") is True else (NOT_APPLICABLE, "")

    return adverse


def _if_known(name: str, check: Check) -> Check:
    """A check that concerns only subjects of which a fact is known."""

    def known(facts: Facts, values: Mapping[str, float]) -> Answer:
        return check(facts, values) if facts.get(name) is not None else (NOT_APPLICABLE, "")

    return known


def _reasons_stated(facts: Facts, values: Mapping[str, float]) -> Answer:
    count = facts.get("reasons")
    if count is None:
        return UNKNOWN, "the reasons are not known"
    assert isinstance(count, int | float)
    most = values.get("reasons_max", float("inf"))
    return (MET if 1 <= count <= most else FAILED), f"{count:g} reasons told"


def _human_decided(facts: Facts, _: Mapping[str, float]) -> Answer:
    refused, tier = facts.get("refused_automation"), facts.get("tier")
    if refused is not True:
        return NOT_APPLICABLE, ""
    if tier is None:
        return UNKNOWN, "the tier is not known"
    assert isinstance(tier, int | float)
    return (MET if tier > 1 else FAILED), f"decided at tier {tier:g}"


def _told_before_effect(facts: Facts, _: Mapping[str, float]) -> Answer:
    effective, told = facts.get("effective_us"), facts.get("notice_out_us")
    if effective is None or facts.get("action") == "freeze":  # a freeze acts at once, and is told then
        return NOT_APPLICABLE, ""
    if told is None:
        return FAILED, "in effect, and no notice is out"
    assert isinstance(effective, int | float)
    assert isinstance(told, int | float)
    return (MET if told <= effective else FAILED), f"told {(effective - told) / 86_400e6:.1f} days before"


CHECKS: Mapping[str, Check] = MappingProxyType(
    {
        "registered": _listed("unregistered"),
        "purpose_fits": _listed("purpose_foreign"),
        "market_allows": _listed("market_forbidden"),
        "basis_stated": _listed("no_legal_basis"),
        "protected_apart": _listed("protected_attribute"),
        "relations_only_alert": _listed("relations_that_act"),
        "impact_assessed": _true("impact_assessed", "recorded", "no impact assessment is recorded"),
        "fairness_screened": _listed("fairness_failed"),
        "logic_described": _true(
            "logic_described", "described in both languages", "not described in both languages"
        ),
        "model_reviewed": _if_known(
            "model_review_days",
            _at_most("model_review_days", "days", "reviewed {found:.0f} days ago, of {bound:.0f}"),
        ),
        "approved_by_others": _true(
            "approved_by_others", "approved by others than its author", "not approved by others"
        ),
        "reasons_stated": _if_adverse(_reasons_stated),
        "human_decided": _human_decided,
        "told_in_time": _if_adverse(
            _at_most("days_to_notice", "days", "told after {found:.1f} days of {bound:.0f}")
        ),
        "told_before_effect": _if_adverse(_told_before_effect),
        "appeal_open": _if_adverse(_true("appeal_told", "told how to appeal", "not told how to appeal")),
        "evidence_kept": _true("has_evidence", "trace and hashes are kept", "no trace is kept"),
        "line_capped": _if_known(
            "limit_after_cents", _at_most("limit_after_cents", "cents", "{found:.0f} of {bound:.0f} cents")
        ),
        "answered_in_time": _if_known(
            "days_open", _at_most("days_open", "days", "open for {found:.0f} days of {bound:.0f}")
        ),
        "request_answered": _if_known(
            "request_days_open",
            _at_most("request_days_open", "days", "open for {found:.0f} days of {bound:.0f}"),
        ),
        "dormant_share": _at_most("dormant_share", "share", "{found:.4f} of {bound:.2f}"),
        "cost_capped": _at_most("cost_rate_annual", "rate_annual", "{found:.4f} of {bound:.2f} a year"),
    }
)
"""Each check by name: facts and the rule's numbers -> a status and its detail."""

CHECK_STAGES: Mapping[str, str] = MappingProxyType(
    dict.fromkeys(list(CHECKS)[: list(CHECKS).index("reasons_stated")], STRATEGY)
    | dict.fromkeys(("reasons_stated", "human_decided", "told_in_time", "told_before_effect", "appeal_open",
                     "evidence_kept", "line_capped"), DECISION)
    | {"answered_in_time": CLOCK, "request_answered": CLOCK, "dormant_share": PORTFOLIO, "cost_capped": PORTFOLIO}
)  # fmt: skip
"""The stage whose facts each check asks for."""
