"""The checks of regulation: each has its stage, says unknown where it is not told, and speaks both languages."""

import re
from collections.abc import Iterator
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limitkeeper.app.regulation_policy import regulation
from limitkeeper.core.compliance.checks import (
    CHECK_STAGES,
    CHECKS,
    FAILED,
    MET,
    NOT_APPLICABLE,
    OUTSIDE,
    STAGES,
    UNKNOWN,
    Check,
    Value,
)
from limitkeeper.core.compliance.regulation import KEPT_OUTSIDE
from limitkeeper.core.kernel.words import Words

LISTS = (None, (), (Words("one", "其一"), Words("another", "其二")))
TRUTHS = (None, True, False)
NUMBERS = (None, 0.0, 2.0, 40.0)

FACTS: dict[str, tuple[Value, ...]] = {
    **dict.fromkeys(
        ("unregistered", "purpose_foreign", "market_forbidden", "no_legal_basis", "protected_attribute",
         "relations_that_act", "fairness_failed"), LISTS),
    **dict.fromkeys(
        ("impact_assessed", "logic_described", "approved_by_others", "refused_automation", "appeal_told", "has_evidence",
         "is_adverse"), TRUTHS),
    **dict.fromkeys(
        ("model_review_days", "reasons", "tier", "effective_us", "notice_out_us", "days_to_notice", "limit_after_cents",
         "days_open", "request_days_open", "request_days_extended", "dormant_share", "cost_rate_annual"), NUMBERS),
    "action": ("freeze", "decrease"),
}  # fmt: skip
"""What each fact can be, so that every branch is reached."""

BOUNDS = ({}, dict.fromkeys(("days", "reasons_max", "cents", "share", "rate_annual"), 15.0))


class Asked(dict[str, Value]):
    """Facts that know what they were asked for."""

    def __init__(self, facts: dict[str, Value], asked: set[str]) -> None:
        super().__init__(facts)
        self.asked = asked

    def get(self, name: str, default: Value = None) -> Value:  # type: ignore[override]
        self.asked.add(name)
        return super().get(name, default)


def answers(check: Check) -> Iterator[tuple[str, Words]]:
    """What a check says of every combination of the facts that it asks for."""
    known, asked = None, set[str]()
    while known != asked:
        known = set(asked)
        for values in product(*(FACTS[name] for name in sorted(known))):
            for bounds in BOUNDS:
                yield check(Asked(dict(zip(sorted(known), values, strict=True)), asked), bounds)


@pytest.mark.parametrize("name", sorted(CHECKS))
def test_every_check_says_all_that_it_finds_in_both_languages(name: str) -> None:
    found = {(status, words) for status, words in answers(CHECKS[name]) if status != NOT_APPLICABLE}
    assert {status for status, _ in found} >= {MET, FAILED}
    for words in (*(words for _, words in found), KEPT_OUTSIDE):
        assert re.search("[a-z]", words.english), words
        assert not re.search("[一-鿿]", words.english), words
        assert re.search("[一-鿿]", words.chinese), words
        assert sorted(re.findall(r"[\d.]+", words.english)) == sorted(re.findall(r"[\d.]+", words.chinese))


def test_every_check_has_a_stage_and_is_used_by_a_rule() -> None:
    assert set(CHECK_STAGES) == set(CHECKS)
    assert set(CHECK_STAGES.values()) == set(STAGES)
    assert set(CHECKS) == {rule.check for rule in regulation()} - {OUTSIDE}


@given(st.sampled_from(sorted(CHECKS)))
def test_check_without_any_fact_says_unknown_or_nothing(name: str) -> None:
    status, _ = CHECKS[name]({}, {})
    assert status in (UNKNOWN, NOT_APPLICABLE)


@pytest.mark.parametrize(
    ("out_us", "said"),
    [
        (-86_400e6, ("told 1.0 days before", "生效前 1.0 天通知")),
        (2 * 86_400e6, ("told 2.0 days after", "生效后 2.0 天才通知")),
    ],
)
def test_notice_is_told_by_the_days_before_or_after_the_change_took_effect(
    out_us: float, said: tuple[str, str]
) -> None:
    facts: dict[str, Value] = {"is_adverse": True, "effective_us": 0.0, "notice_out_us": out_us}
    assert CHECKS["told_before_effect"](facts, {})[1] == said
