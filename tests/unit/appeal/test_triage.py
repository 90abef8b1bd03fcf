"""Triage: grants where the facts that a decision rests on are otherwise by now, and never more."""

import datetime as dt
import math
import random
from typing import Any

import pytest

from limitkeeper.app.appeal_triage import rule_holds
from limitkeeper.app.policy import market_parameters
from limitkeeper.app.strategies import loaded_strategy, published_strategy, strategy_path
from limitkeeper.core.appeal.triage import triage
from limitkeeper.core.strategy.trace import rule_traces

STANDARD = loaded_strategy(strategy_path("standard"))
PARAMETERS = market_parameters("CN", dt.date(2026, 11, 1))
GOOD = {"bills_12": 12.0, "late_share_6": 0.0, "late_share_12": 0.0, "days_past_due_mean_6": 0.0,
        "days_past_due_max_12": 0.0, "on_time_streak": 12.0, "flag_count_90d": 0.0}  # fmt: skip


def decision(rule: str, **values: float) -> dict[str, Any]:
    """The trace of a decision of the standard strategy, on some values; all else is missing."""
    published = published_strategy(STANDARD, PARAMETERS, compiled=False)
    row = dict.fromkeys(STANDARD.names, math.nan) | values
    hits = published.rules_hit(0, *(row[name] for name in STANDARD.names))
    rules = rule_traces(published, row, hits)
    assert next(each for each in rules if each["id"] == rule)["hit"]
    inputs = {name: None if math.isnan(value) else value for name, value in row.items()}
    return {"inputs": inputs, "rules": rules, "action": {"rule": rule}}


LATE = {"late_share_6": 0.5, "on_time_streak": 0.0, "days_past_due_mean_6": 9.0, "late_share_12": 0.5}


def test_decision_on_a_late_bill_that_was_paid_is_settled() -> None:
    found = triage(decision("late_repeatedly", **LATE), GOOD, rule_holds)
    assert found.is_settled
    assert ("late_share_6", 0.5, 0.0) in found.corrected


def test_decision_on_a_flag_that_was_withdrawn_is_settled() -> None:
    assert triage(decision("violation_flagged", flag_count_90d=1.0), GOOD, rule_holds).is_settled


def test_same_facts_settle_nothing() -> None:
    trace = decision("late_repeatedly", **LATE)
    found = triage(trace, trace["inputs"], rule_holds)
    assert (found.is_settled, found.corrected) == (False, ())
    assert "late_repeatedly" in found.holding


def test_one_flag_of_two_withdrawn_leaves_it_to_a_person() -> None:
    found = triage(
        decision("violation_flagged", flag_count_90d=2.0), GOOD | {"flag_count_90d": 1.0}, rule_holds
    )
    assert not found.is_settled
    assert found.holding == ("violation_flagged",)


def test_another_rule_that_still_holds_leaves_it_to_a_person() -> None:
    trace = decision("late_repeatedly", **LATE, flag_count_90d=1.0)
    found = triage(trace, GOOD | {"flag_count_90d": 1.0}, rule_holds)
    assert (found.is_settled, found.holding) == (False, ("violation_flagged",))


def test_decision_on_the_score_alone_is_left_to_a_person() -> None:
    trace = decision("risk_high", pd=0.6, late_share_6=0.5)
    assert not triage(trace, GOOD, rule_holds).is_settled


def test_good_score_since_then_is_no_corrected_fact() -> None:
    found = triage(decision("risk_high", pd=0.6), GOOD | {"pd": 0.01}, rule_holds)
    assert (found.is_settled, found.corrected) == (False, ())


def test_bills_that_are_not_kept_any_more_settle_nothing() -> None:
    trace = decision("late_repeatedly", **LATE, bills_12=12.0)
    assert triage(trace, GOOD, rule_holds).is_settled
    assert not triage(trace, GOOD | {"bills_12": 11.0}, rule_holds).is_settled
    assert not triage(trace, GOOD | {"window_bounded": 1.0}, rule_holds).is_settled


def test_case_without_a_deciding_rule_settles_nothing() -> None:
    assert not triage({}, GOOD, rule_holds).is_settled


@pytest.mark.parametrize("name", ["standard", "cautious"])
def test_every_shipped_rule_is_judged_as_its_strategy_judges_it(name: str) -> None:
    strategy, chance = loaded_strategy(strategy_path(name)), random.Random(7)  # noqa: S311 - no secret
    published = published_strategy(strategy, PARAMETERS, compiled=False)
    judged = 0
    for _ in range(200):
        row = {each: chance.choice([math.nan, 0.0, 1.0, 0.3, 0.6, 3.0, 7.0, 5e5]) for each in strategy.names}
        before = chance.getrandbits(len(strategy.rules))
        row |= {"product_code": 0.0, "is_frozen": 0.0}
        hits = published.rules_hit(before, *(row[each] for each in strategy.names))
        for trace, rule in zip(rule_traces(published, row, hits, before), strategy.rules, strict=True):
            if "purchase" in rule.products:
                assert rule_holds(trace, trace["values"]) == trace["hit"], trace
                judged += trace["hit"]
    assert judged > 100


def test_words_that_the_language_does_not_know_any_more_are_left_to_a_person() -> None:
    rule = {"id": "r", "when": "gone(x) > 1", "release": None, "hit_before": False, "parameters": {}}
    assert rule_holds(rule, {"x": 0.0})
