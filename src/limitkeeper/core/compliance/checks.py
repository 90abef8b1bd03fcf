"""The checks of regulation: facts of a subject and the numbers of a rule in, a status and what was found out."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from limitkeeper.core.kernel.words import Words, listed

STRATEGY, DECISION, CLOCK, PORTFOLIO = "strategy", "decision", "clock", "portfolio"
STAGES = (STRATEGY, DECISION, CLOCK, PORTFOLIO)
"""On what a rule is evaluated: a strategy with its model before it goes live, one decided case, one clock that runs, all
lines of a lender."""

MET, FAILED, UNKNOWN, OUTSIDE, ERASED = "met", "failed", "unknown", "outside", "erased"
"""What came of a rule. Unknown: a fact that it asks for is not there. Outside: kept by the lender without this system.
Erased: an erasure took away what would tell."""

Value = str | float | bool | None | tuple[Words, ...]
Facts = Mapping[str, Value]
"""What is known of what is evaluated. A fact that is missing or None is not known."""

NOT_APPLICABLE = "not_applicable"

Answer = tuple[str, Words]
"""A status and its detail, in both languages."""

Check = Callable[[Facts, Mapping[str, float]], Answer]

SILENT: Answer = (NOT_APPLICABLE, Words("", ""))
"""Of a subject that a check does not concern."""


def _unknown(name: str) -> Answer:
    return UNKNOWN, Words(f"{name} is not known", f"{name} 尚未知悉")


def _listed(name: str) -> Check:
    """A check of which the facts list what is against it."""

    def check(facts: Facts, _: Mapping[str, float]) -> Answer:
        found = facts.get(name)
        if found is None:
            return _unknown(name)
        assert isinstance(found, tuple)
        return (FAILED, listed(found)) if found else (MET, Words("none", "无"))

    return check


def _true(name: str, met: Words, failed: Words) -> Check:
    """A check that one fact is true."""

    def check(facts: Facts, _: Mapping[str, float]) -> Answer:
        found = facts.get(name)
        if found is None:
            return _unknown(name)
        return (MET, met) if found is True else (FAILED, failed)

    return check


def _at_most(name: str, bound: str, words: Words) -> Check:
    """A check that a fact is at most a number of the rule; a negative one is a future."""

    def check(facts: Facts, values: Mapping[str, float]) -> Answer:
        found = facts.get(name)
        if found is None or bound not in values:
            return _unknown(name if found is None else bound)
        assert isinstance(found, int | float)
        status = MET if found <= values[bound] else FAILED
        return status, words.filled(found=found, bound=values[bound])

    return check


def _if_adverse(check: Check) -> Check:
    """A check that concerns decisions against the customer only."""

    def adverse(facts: Facts, values: Mapping[str, float]) -> Answer:
        return check(facts, values) if facts.get("is_adverse") is True else SILENT

    return adverse


def _if_known(name: str, check: Check) -> Check:
    """A check that concerns only subjects of which a fact is known."""

    def known(facts: Facts, values: Mapping[str, float]) -> Answer:
        return check(facts, values) if facts.get(name) is not None else SILENT

    return known


def _reasons_stated(facts: Facts, values: Mapping[str, float]) -> Answer:
    count = facts.get("reasons")
    if count is None:
        return UNKNOWN, Words("the reasons are not known", "通知理由尚未知悉")
    assert isinstance(count, int | float)
    most = values.get("reasons_max", float("inf"))
    return (MET if 1 <= count <= most else FAILED), Words(f"{count:g} reasons told", f"告知 {count:g} 条理由")


def _human_decided(facts: Facts, _: Mapping[str, float]) -> Answer:
    refused, tier = facts.get("refused_automation"), facts.get("tier")
    if refused is not True:
        return SILENT
    if tier is None:
        return UNKNOWN, Words("the tier is not known", "审批级别尚未知悉")
    assert isinstance(tier, int | float)
    return (MET if tier > 1 else FAILED), Words(f"decided at tier {tier:g}", f"由第 {tier:g} 级审批决定")


def _told_before_effect(facts: Facts, _: Mapping[str, float]) -> Answer:
    effective, told = facts.get("effective_us"), facts.get("notice_out_us")
    if effective is None or facts.get("action") == "freeze":  # a freeze acts at once, and is told then
        return SILENT
    if told is None:
        return FAILED, Words("in effect, and no notice is out", "已生效，通知尚未发出")
    assert isinstance(effective, int | float)
    assert isinstance(told, int | float)
    days = (effective - told) / 86_400e6
    if days < 0:
        return FAILED, Words("told {days:.1f} days after", "生效后 {days:.1f} 天才通知").filled(days=-days)
    return MET, Words("told {days:.1f} days before", "生效前 {days:.1f} 天通知").filled(days=days)


OPEN_DAYS = Words("open for {found:.0f} days of {bound:.0f}", "已历时 {found:.0f} 天，期限 {bound:.0f} 天")


def _request_answered(facts: Facts, values: Mapping[str, float]) -> Answer:
    """Whether a request is answered by its clock, which an extension makes longer as far as the rule lets it."""
    extended = facts.get("request_days_extended") or 0.0
    assert isinstance(extended, int | float)
    longer = min(extended, values.get("extension_days", 0.0))
    clock = {name: days + longer for name, days in values.items() if name == "days"}
    return _at_most("request_days_open", "days", OPEN_DAYS)(facts, clock)


CHECKS: Mapping[str, Check] = MappingProxyType(
    {
        "registered": _listed("unregistered"),
        "purpose_fits": _listed("purpose_foreign"),
        "market_allows": _listed("market_forbidden"),
        "basis_stated": _listed("no_legal_basis"),
        "protected_apart": _listed("protected_attribute"),
        "relations_only_alert": _listed("relations_that_act"),
        "impact_assessed": _true(
            "impact_assessed", Words("recorded", "已记录影响评估"),
            Words("no impact assessment is recorded", "未记录影响评估"),
        ),
        "fairness_screened": _listed("fairness_failed"),
        "logic_described": _true(
            "logic_described", Words("described in both languages", "已有中英文描述"),
            Words("not described in both languages", "缺少中文或英文描述"),
        ),
        "model_reviewed": _if_known("model_review_days", _at_most(
            "model_review_days", "days",
            Words("reviewed {found:.0f} days ago, of {bound:.0f}", "{found:.0f} 天前复核，期限 {bound:.0f} 天"),
        )),
        "approved_by_others": _true(
            "approved_by_others", Words("approved by others than its author", "已由作者以外的人员审批"),
            Words("not approved by others", "未经作者以外的人员审批"),
        ),
        "reasons_stated": _if_adverse(_reasons_stated),
        "human_decided": _human_decided,
        "told_in_time": _if_adverse(_at_most(
            "days_to_notice", "days",
            Words("told after {found:.1f} days of {bound:.0f}", "{found:.1f} 天后通知，期限 {bound:.0f} 天"),
        )),
        "told_before_effect": _if_adverse(_told_before_effect),
        "appeal_open": _if_adverse(_true(
            "appeal_told", Words("told how to appeal", "已告知申诉途径"),
            Words("not told how to appeal", "未告知申诉途径"),
        )),
        "evidence_kept": _if_known("has_evidence", _true(
            "has_evidence", Words("trace and hashes are kept", "决策依据与哈希均已保存"),
            Words("no trace is kept", "未保存决策依据"),
        )),
        "line_capped": _if_known("limit_after_cents", _at_most(
            "limit_after_cents", "cents",
            Words("{found:.0f} of {bound:.0f} cents", "{found:.0f} 分，上限 {bound:.0f} 分"),
        )),
        "answered_in_time": _if_known("days_open", _at_most("days_open", "days", OPEN_DAYS)),
        "request_answered": _if_known("request_days_open", _request_answered),
        "dormant_share": _at_most(
            "dormant_share", "share", Words("{found:.4f} of {bound:.2f}", "{found:.4f}，上限 {bound:.2f}")
        ),
        "cost_capped": _at_most(
            "cost_rate_annual", "rate_annual",
            Words("{found:.4f} of {bound:.2f} a year", "年化 {found:.4f}，上限 {bound:.2f}"),
        ),
    }
)  # fmt: skip
"""Each check by name: facts and the rule's numbers -> a status and its detail."""

CHECK_STAGES: Mapping[str, str] = MappingProxyType(
    dict.fromkeys(list(CHECKS)[: list(CHECKS).index("reasons_stated")], STRATEGY)
    | dict.fromkeys(("reasons_stated", "human_decided", "told_in_time", "told_before_effect", "appeal_open",
                     "evidence_kept", "line_capped"), DECISION)
    | {"answered_in_time": CLOCK, "request_answered": CLOCK, "dormant_share": PORTFOLIO, "cost_capped": PORTFOLIO}
)  # fmt: skip
"""The stage whose facts each check asks for."""
