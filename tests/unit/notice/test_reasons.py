"""Which reasons a customer is given, in which words."""

import re
from pathlib import Path

import pytest

from limitkeeper.app.policy import LANGUAGES, reason_wording
from limitkeeper.core.kernel.errors import PolicyError
from limitkeeper.core.notice.reasons import (
    EVIDENCE,
    FALLBACK_CODE,
    REASONS_MAX,
    Reason,
    characteristic_reason,
    is_told_truly,
    principal_reasons,
    reason_texts,
    wording_from_document,
)
from limitkeeper.core.strategy.vocabulary import SHARED_QUANTITIES

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


def test_fallback_is_not_added_to_two_reasons_that_say_something() -> None:
    found = principal_reasons([["cash_rise"]], [SCORED[2], *SCORED[:2]], score_used=True)
    assert codes(found) == ["cash_rise", "late_recent", "minimum_only"]


def test_fallback_comes_after_the_only_reason_that_says_something() -> None:
    found = principal_reasons([["cash_rise"]], [SCORED[2]], score_used=True)
    assert codes(found) == ["cash_rise", FALLBACK_CODE]


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


def test_customer_who_owes_nothing_is_not_told_that_his_limit_is_in_use() -> None:
    found = characteristic_reason("utilisation_high", "BILL_AMT1", {"utilisation": 0.0})
    assert found == Reason(FALLBACK_CODE, "BILL_AMT1")


def test_customer_who_was_never_late_is_not_told_that_he_was() -> None:
    on_time = {"late_share_6": 0.0, "days_past_due_max_12": 0.0}
    assert not is_told_truly("late_recent", on_time)
    assert is_told_truly("late_recent", {**on_time, "days_past_due_max_12": 30.0})


def test_reason_stands_where_no_figure_is_known_that_could_speak_against_it() -> None:
    assert is_told_truly("late_recent", {"late_share_6": None})
    assert is_told_truly("court_record", {"late_share_6": 0.0})


def test_evidence_names_features_and_reasons_that_there_are() -> None:
    names = set(SHARED_QUANTITIES)
    for code, evidence in EVIDENCE.items():
        assert code in reason_wording("en")
        assert {feature for feature, _, _ in evidence} <= names
