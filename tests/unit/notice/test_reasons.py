"""Which reasons a customer is given, in which words."""

import re
from pathlib import Path

import pytest

from limitkeeper.app.policy import LANGUAGES, reason_wording
from limitkeeper.core.kernel.errors import PolicyError
from limitkeeper.core.notice.reasons import (
    FALLBACK_CODE,
    REASONS_MAX,
    Reason,
    principal_reasons,
    reason_texts,
    wording_from_document,
)

SCORED = [Reason("late_recent"), Reason("minimum_only"), Reason(FALLBACK_CODE, "Region score")]


def codes(reasons: tuple[Reason, ...]) -> list[str]:
    return [reason.code for reason in reasons]


def test_deciding_rule_speaks_first_then_the_points_lost_then_other_rules() -> None:
    found = principal_reasons([["utilisation_high"], ["cash_rise"]], SCORED[:2], score_used=True)
    assert codes(found) == ["utilisation_high", "late_recent", "minimum_only", "cash_rise"]


def test_score_that_no_rule_used_gives_no_reason() -> None:
    assert codes(principal_reasons([["terms_breach"]], SCORED, score_used=False)) == ["terms_breach"]


def test_reason_named_twice_is_given_once() -> None:
    found = principal_reasons([["late_recent"], ["late_recent"]], SCORED[:1], score_used=True)
    assert codes(found) == ["late_recent"]


def test_fifth_reason_is_not_given() -> None:
    rule = ["security", "terms_breach", "cash_rise", "inactive", "relations"]
    assert codes(principal_reasons([rule], [], score_used=False)) == rule[:REASONS_MAX]


def test_fallback_gives_way_to_named_reasons() -> None:
    found = principal_reasons([["cash_rise"]], [SCORED[2], *SCORED[:2]], score_used=True)
    assert codes(found) == ["cash_rise", "late_recent", "minimum_only", FALLBACK_CODE]


def test_decision_without_a_hit_has_no_reason() -> None:
    assert principal_reasons([], SCORED, score_used=False) == ()


def test_every_reason_has_text_and_help_in_both_languages() -> None:
    english, chinese = (reason_wording(language) for language in LANGUAGES)
    assert english.keys() == chinese.keys()
    for code, wording in chinese.items():
        assert re.search(r"[\u4e00-\u9fff]", wording.text + wording.help), code
        assert english[code].text.isascii()


def test_wording_keeps_the_text_of_the_reason_list() -> None:
    source = Path(__file__).parents[4] / "shared/domain/reasons.md"
    if not source.exists():
        pytest.skip("the list of reasons lies beside a developer's checkout only")
    rows = re.findall(r"^\| (\w+) \| (.+?) \| (.+?) \|$", source.read_text(encoding="utf-8"), re.MULTILINE)
    listed = {code: (en, zh) for code, en, zh in rows if code != "code"}
    english, chinese = (reason_wording(language) for language in LANGUAGES)
    assert listed == {code: (english[code].text, chinese[code].text) for code in listed}


def test_fallback_names_what_was_used() -> None:
    text = reason_texts([Reason(FALLBACK_CODE, "Region score")], reason_wording("en"))[0]["text"]
    assert text == "Information on your account (Region score)"


def test_code_without_wording_is_refused_with_the_nearest() -> None:
    with pytest.raises(PolicyError, match="Did you mean 'late_recent'"):
        reason_texts([Reason("late_recnt")], reason_wording("en"))


def test_wording_without_what_would_help_is_refused() -> None:
    with pytest.raises(PolicyError, match="not complete"):
        wording_from_document({"late_recent": {"text": "late"}})


def test_unknown_language_is_refused() -> None:
    with pytest.raises(PolicyError, match="en, zh"):
        reason_wording("fr")
