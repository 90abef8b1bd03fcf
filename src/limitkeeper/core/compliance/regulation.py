"""Regulation as dated rules: what a market's law asks of a strategy, a decision, a clock, a portfolio; one engine."""

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from limitkeeper.core.kernel.errors import PolicyError, did_you_mean

STRATEGY, DECISION, CLOCK, PORTFOLIO = "strategy", "decision", "clock", "portfolio"
STAGES = (STRATEGY, DECISION, CLOCK, PORTFOLIO)
"""On what a rule is evaluated: a strategy with its model before it goes live, one decided case, one clock that runs, all
lines of a lender."""

BLOCK, WARN = "block", "warn"
SEVERITIES = (BLOCK, WARN)
"""Whether what fails may not go on, or goes on and is told to compliance."""

MET, FAILED, UNKNOWN, OUTSIDE = "met", "failed", "unknown", "outside"
"""What came of a rule. Unknown: a fact that it asks for is not there. Outside: kept by the lender without this system."""

EVERYWHERE = "*"

Value = str | float | bool | None | tuple[str, ...]
Facts = Mapping[str, Value]
"""What is known of what is evaluated. A fact that is missing or None is not known."""

NOT_APPLICABLE = "not_applicable"

TEXTS = ("title", "title_zh", "source", "source_zh", "on_failure", "on_failure_zh")
"""What is read, in both languages."""

FIELDS = frozenset({*TEXTS, "article", "stage", "severity", "check", "from"})
OPTIONAL = frozenset({"article_zh", "to", "values"})


@dataclass(frozen=True, slots=True)
class RegulationRule:
    """One rule of a market's regulation.

    Parameters
    ----------
    id
        ``MARKET.name``.
    market
        Such as ``CN``, or ``*`` for every one.
    title, title_zh
        What is asked, one sentence.
    source, source_zh
        The law, in Chinese by its official name where it has one.
    article, article_zh
        Its article, None where no article number was verified: the rule then says so instead of citing one. Empty where
        no law asks for it.
    stage, severity, check
        On what it is evaluated, what a failure means, and which of :data:`CHECKS` says so, or ``outside``.
    values
        Numbers of the check by name, each by the day from which it holds.
    on_failure, on_failure_zh
        What is to be done.
    valid_from, valid_to
        The days on which it is in force; the last one excluded, None while there is none.
    """

    id: str
    market: str
    title: str
    title_zh: str
    source: str
    source_zh: str
    article: str | None
    article_zh: str | None
    stage: str
    severity: str
    check: str
    values: Mapping[str, tuple[tuple[dt.date, float], ...]]
    on_failure: str
    on_failure_zh: str
    valid_from: dt.date
    valid_to: dt.date | None

    @property
    def citation(self) -> str:
        """The law with its article, or with the word that none was verified; a lender's own rule as it is."""
        if self.article is None:
            return f"{self.source} (article not verified)"
        return f"{self.source}, {self.article}" if self.article else self.source

    @property
    def citation_zh(self) -> str:
        """The same in Chinese."""
        return self.source_zh + ("（条款未核实）" if self.article_zh is None else self.article_zh)

    def in_force(self, market: str, day: dt.date) -> bool:
        """Whether it holds in a market on a day."""
        begun = self.valid_from <= day and (self.valid_to is None or day < self.valid_to)
        return begun and self.market in (EVERYWHERE, market)

    def values_on(self, day: dt.date) -> dict[str, float]:
        """The numbers of its check on a day; one that has not begun is not there."""
        found = {}
        for name, dated in self.values.items():
            held = [value for start, value in dated if start <= day]
            if held:
                found[name] = held[-1]
        return found


@dataclass(frozen=True, slots=True)
class Finding:
    """What came of one rule on one subject.

    Parameters
    ----------
    rule
        Which.
    subject
        ``kind:id`` of what was evaluated.
    status
        met, failed, unknown or outside.
    detail
        What was found, in the terms of the facts.
    """

    rule: RegulationRule
    subject: str
    status: str
    detail: str

    @property
    def blocks(self) -> bool:
        """Whether what was evaluated may not go on."""
        return self.status == FAILED and self.rule.severity == BLOCK


Answer = tuple[str, str]
"""A status and its detail."""

Check = Callable[[Facts, Mapping[str, float]], Answer]


def findings(
    rules: Iterable[RegulationRule], stage: str, facts: Facts, subject: str, market: str, day: dt.date
) -> Iterator[Finding]:
    """What the rules in force say of one subject; a rule that does not apply to it says nothing.

    Parameters
    ----------
    rules
        Of any markets.
    stage
        One of :data:`STAGES`.
    facts
        Of the subject.
    subject
        ``kind:id``.
    market, day
        Where and when.

    Examples
    --------
    >>> rule = RegulationRule("CN.answer", "CN", "Answered in 20 days.", "20日内答复。", "Law", "《法》", "article 25",
    ...     "第二十五条", CLOCK, WARN, "answered_in_time", {"days": ((dt.date(2020, 1, 1), 20.0),)}, "Answer.", "答复。",
    ...     dt.date(2020, 1, 1), None)
    >>> [found] = findings([rule], CLOCK, {"days_open": 21.0}, "appeal:1", "CN", dt.date(2026, 1, 1))
    >>> found.status, found.detail
    ('failed', 'open for 21 days of 20')
    """
    for rule in rules:
        if rule.stage != stage or not rule.in_force(market, day):
            continue
        if rule.check == OUTSIDE:
            yield Finding(rule, subject, OUTSIDE, "kept by the lender outside this system")
            continue
        status, detail = CHECKS[rule.check](facts, rule.values_on(day))
        if status != NOT_APPLICABLE:
            yield Finding(rule, subject, status, detail)


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


def _request_answered(facts: Facts, values: Mapping[str, float]) -> Answer:
    """Whether a request is answered by its clock, which an extension makes longer as far as the rule lets it."""
    extended = facts.get("request_days_extended") or 0.0
    assert isinstance(extended, int | float)
    longer = min(extended, values.get("extension_days", 0.0))
    clock = {name: days + longer for name, days in values.items() if name == "days"}
    return _at_most("request_days_open", "days", "open for {found:.0f} days of {bound:.0f}")(facts, clock)


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
        "request_answered": _if_known("request_days_open", _request_answered),
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


def regulation_from_document(market: str, document: Mapping[str, object]) -> tuple[RegulationRule, ...]:
    """The rules that a market's YAML document holds: name -> its fields.

    Raises
    ------
    PolicyError
        When something in it does not hold.
    """
    return tuple(_rule(market, str(name), content) for name, content in document.items())


def _rule(market: str, name: str, content: object) -> RegulationRule:
    prefix = "" if market == EVERYWHERE else f"{market}."
    if not isinstance(content, Mapping):
        raise PolicyError(f"The rule '{prefix}{name}' is no mapping.", value=content)
    given = set(content)
    if wrong := (FIELDS - given) | (given - FIELDS - OPTIONAL):
        raise PolicyError(f"The rule '{prefix}{name}' lacks or has too much.", value=", ".join(sorted(wrong)))
    for key, known in (("stage", STAGES), ("severity", SEVERITIES), ("check", (*CHECKS, OUTSIDE))):
        if content[key] not in known:
            raise PolicyError(
                f"The {key} of '{prefix}{name}' is none.", value=content[key], allowed=", ".join(known),
                advice=did_you_mean(str(content[key]), known),
            )  # fmt: skip
    if content["check"] != OUTSIDE and CHECK_STAGES[content["check"]] != content["stage"]:
        raise PolicyError(
            f"The check of '{prefix}{name}' asks for facts of another stage.",
            value=content["stage"], allowed=CHECK_STAGES[content["check"]],
        )  # fmt: skip
    days = [content["from"], content.get("to")]
    if not isinstance(days[0], dt.date) or not isinstance(days[1], dt.date | None):
        raise PolicyError(
            f"The days of '{prefix}{name}' are none.", value=days, allowed="dates like 2026-01-31"
        )
    texts = _texts(prefix + name, content)
    article, article_zh = _articles(prefix + name, content)
    return RegulationRule(
        prefix + name, market, texts["title"], texts["title_zh"], texts["source"], texts["source_zh"], article,
        article_zh, content["stage"], content["severity"], content["check"],
        _dated_values(prefix + name, content.get("values", {})), texts["on_failure"], texts["on_failure_zh"], days[0],
        days[1],
    )  # fmt: skip


def _texts(rule: str, content: Mapping[str, object]) -> dict[str, str]:
    texts = {key: str(content[key] or "").strip() for key in TEXTS}
    if missing := [key for key, text in texts.items() if not text]:
        raise PolicyError(f"The rule '{rule}' does not say everything.", value=", ".join(missing),
                          allowed="text in both languages")  # fmt: skip
    return texts


def _articles(rule: str, content: Mapping[str, object]) -> tuple[str | None, str | None]:
    """The article in both languages: both None where none was verified, both empty where no law asks for it."""
    article, chinese = content["article"], content.get("article_zh")
    if bool(article) != bool(chinese):
        raise PolicyError(f"The article of '{rule}' is said in one language only.", value=article or chinese,
                          allowed="article and article_zh, or neither")  # fmt: skip
    return (None, None) if article is None else (str(article), str(chinese or ""))


def _dated_values(rule: str, document: object) -> Mapping[str, tuple[tuple[dt.date, float], ...]]:
    try:
        assert isinstance(document, Mapping)
        found = {
            str(name): tuple(
                sorted((dt.date.fromisoformat(str(day)), float(value)) for day, value in dated.items())
            )
            for name, dated in document.items()
        }
    except (AssertionError, AttributeError, TypeError, ValueError) as error:
        raise PolicyError(
            f"The values of '{rule}' are not 'name: {{date: number}}'.", value=document
        ) from error
    return MappingProxyType(found)
