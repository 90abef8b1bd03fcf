"""What differs between two strategies: told rule by rule, and nothing where nothing does."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from limitkeeper.core.strategy.changes import (
    ADDED,
    CHANGED,
    REMOVED,
    Change,
    rule_fields,
    strategy_changes,
)
from limitkeeper.core.strategy.definition import Strategy
from tests.strategy_documents import document, rule, strategy

RULES = {
    "late": rule("late", "days_past_due_max_12 >= late_days"),
    "full": rule("full", "utilisation >= 0.9"),
    "idle": rule("idle", "days_since_last_use >= 540", "close"),
}


def of(rules: list[dict[str, Any]], late_days: float = 30, **more: Any) -> Strategy:
    threshold = {"value": late_days, "unit": "days", "description": "Late.", "description_zh": "逾期。"}
    read = any("late_days" in each["when"] for each in rules)
    return strategy(document(rules, **({"parameters": {"late_days": threshold}} if read else {}), **more))


def test_rule_that_came_went_or_was_written_otherwise_is_told_as_such() -> None:
    before = of([RULES["late"], RULES["idle"]])
    written = RULES["late"] | {"severity": "severe", "when": "days_past_due_max_12 > late_days"}
    found = strategy_changes(before, of([written, RULES["full"]]))
    by_rule = {each.rule_id: each for each in found.rules}
    assert {name: each.kind for name, each in by_rule.items()} == {
        "late": CHANGED,
        "full": ADDED,
        "idle": REMOVED,
    }
    assert set(by_rule["late"].fields) == {
        Change("when", "days_past_due_max_12 >= late_days", "days_past_due_max_12 > late_days"),
        Change("severity", "mild", "severe"),
    }
    assert Change("when", None, "utilisation >= 0.9") in by_rule["full"].fields
    assert Change("action", "close", None) in by_rule["idle"].fields


def test_moved_threshold_is_told_of_each_rule_that_reads_it_and_of_no_other() -> None:
    rules = [RULES["late"], RULES["full"]]
    found = strategy_changes(of(rules), of(rules, late_days=20))
    moved = Change("late_days", 30.0, 20.0)
    assert found.parameters == (moved,)
    assert [(each.rule_id, each.fields, each.thresholds) for each in found.rules] == [("late", (), (moved,))]
    assert found.terms == ()


def test_terms_and_words_of_parameters_are_told_by_their_path() -> None:
    rules = [RULES["late"]]
    before, after = of(rules), of(rules, cool_down_days=21, version="2")
    reworded = {"value": 30, "unit": "days", "description": "Very late.", "description_zh": "逾期。"}
    assert set(strategy_changes(before, after).terms) == {
        Change("cool_down_days", 14, 21),
        Change("version", "1", "2"),
    }
    other = strategy(document(rules, parameters={"late_days": reworded}))
    assert strategy_changes(before, other).terms == (
        Change("parameters.late_days.description", "Late.", "Very late."),
    )


CHOSEN = st.lists(st.sampled_from(sorted(RULES)), min_size=1, unique=True)


@settings(max_examples=40, deadline=None)
@given(CHOSEN, CHOSEN, st.integers(1, 90), st.integers(1, 90))
def test_changes_lead_from_one_to_the_other_and_nothing_to_itself(
    old: list[str], new: list[str], old_days: int, new_days: int
) -> None:
    before, after = of([RULES[name] for name in old], old_days), of([RULES[name] for name in new], new_days)
    assert not any(parts_of(before, before))
    found, back = strategy_changes(before, after), strategy_changes(after, before)
    rules = {each.id: rule_fields(each) for each in before.rules}
    for each in found.rules:
        known = rules.get(each.rule_id, {"release": None})
        rules[each.rule_id] = known | {change.name: change.after for change in each.fields}
        if each.kind == REMOVED:
            del rules[each.rule_id]
    assert rules == {each.id: rule_fields(each) for each in after.rules}
    turned = {Change(each.name, each.after, each.before) for each in back.parameters}
    assert turned == set(found.parameters)
    parameters = dict(before.parameters) | {each.name: each.after for each in found.parameters}
    assert {name: value for name, value in parameters.items() if value is not None} == dict(after.parameters)


def parts_of(before: Strategy, after: Strategy) -> tuple[object, ...]:
    found = strategy_changes(before, after)
    return found.rules, found.parameters, found.terms
