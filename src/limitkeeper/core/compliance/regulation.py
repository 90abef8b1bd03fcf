"""Regulation as dated rules: what a market's law asks of a strategy, a decision, a clock, a portfolio; one engine."""

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from limitkeeper.core.compliance.checks import (
    CHECK_STAGES,
    CHECKS,
    FAILED,
    NOT_APPLICABLE,
    OUTSIDE,
    STAGES,
    Facts,
)
from limitkeeper.core.kernel.errors import PolicyError, did_you_mean
from limitkeeper.core.kernel.hashing import content_hash
from limitkeeper.core.kernel.words import Words

BLOCK, WARN = "block", "warn"
SEVERITIES = (BLOCK, WARN)
"""Whether what fails may not go on, or goes on and is told to compliance."""

EVERYWHERE = "*"

KEPT_OUTSIDE = Words("kept by the lender outside this system", "由机构在系统外执行")
"""What is found of a rule without a check."""

TEXTS = ("title", "title_zh", "source", "source_zh", "on_failure", "on_failure_zh")
"""What is read, in both languages."""

ASKED = ("id", *TEXTS, "article", "article_zh", "stage", "severity", "check")
"""What of a rule makes it another one; the days of its force and its numbers besides."""

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
        met, failed, unknown, outside or erased.
    detail, detail_zh
        What was found, in the terms of the facts.
    """

    rule: RegulationRule
    subject: str
    status: str
    detail: str
    detail_zh: str

    @property
    def blocks(self) -> bool:
        """Whether what was evaluated may not go on."""
        return self.status == FAILED and self.rule.severity == BLOCK


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
    ...     "第二十五条", "clock", WARN, "answered_in_time", {"days": ((dt.date(2020, 1, 1), 20.0),)}, "Answer.",
    ...     "答复。", dt.date(2020, 1, 1), None)
    >>> [found] = findings([rule], "clock", {"days_open": 21.0}, "appeal:1", "CN", dt.date(2026, 1, 1))
    >>> found.status, found.detail, found.detail_zh
    ('failed', 'open for 21 days of 20', '已历时 21 天，期限 20 天')
    """
    for rule in rules:
        if rule.stage != stage or not rule.in_force(market, day):
            continue
        if rule.check == OUTSIDE:
            yield Finding(rule, subject, OUTSIDE, *KEPT_OUTSIDE)
            continue
        status, detail = CHECKS[rule.check](facts, rule.values_on(day))
        if status != NOT_APPLICABLE:
            yield Finding(rule, subject, status, *detail)


def asked_hash(rules: Iterable[RegulationRule], market: str, day: dt.date) -> str:
    """What is asked in a market on a day, by content: every rule in force with its numbers of that day.

    Amending a rule, or the day on which one begins or ends, or on which another number holds, makes another hash;
    what is noted for a later day does not.

    Parameters
    ----------
    rules
        Of any markets.
    market, day
        Where and when.

    Examples
    --------
    >>> asked_hash([], "CN", dt.date(2026, 1, 1))[:14]
    'sha256:4f53cda'
    """
    return content_hash(
        [
            {name: getattr(rule, name) for name in ASKED} | {"values": rule.values_on(day)}
            for rule in rules
            if rule.in_force(market, day)
        ]
    )


def asked_spans(
    rules: Sequence[RegulationRule], market: str, first: dt.date, last: dt.date
) -> list[tuple[dt.date, dt.date, str]]:
    """What is asked in a market from day to day of a period: the first and the last day of each, and its hash.

    Parameters
    ----------
    rules
        Of any markets.
    market
        Where.
    first, last
        Both included.

    Examples
    --------
    >>> [(start.day, end.day) for start, end, _ in asked_spans([], "CN", dt.date(2026, 1, 1), dt.date(2026, 1, 31))]
    [(1, 31)]
    """
    days = {day for rule in rules for day in (rule.valid_from, rule.valid_to)}
    days |= {day for rule in rules for dated in rule.values.values() for day, _ in dated}
    found: list[tuple[dt.date, dt.date, str]] = []
    for day in sorted({first, *(day for day in days if day is not None and first < day <= last)}):
        asked = asked_hash(rules, market, day)
        if not found or found[-1][2] != asked:
            found.append((day, last, asked))
    ends = [start - dt.timedelta(days=1) for start, _, _ in found[1:]]
    return [(start, end, asked) for (start, _, asked), end in zip(found, [*ends, last], strict=True)]


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
