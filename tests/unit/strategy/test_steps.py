"""How an action changes a limit: sentences with numbers, and what holds for every line."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from limitkeeper.core.strategy.actions import Action, Severity
from limitkeeper.core.strategy.constraints import CONSTRAINT_WORDING, Constraint
from limitkeeper.core.strategy.steps import (
    STEP_INPUTS,
    UNKNOWN_CENTS,
    StepTerms,
    steps_of_action,
    write_limits,
)

NAN = math.nan
TERMS = StepTerms(
    decrease_shares=(0.0, 0.10, 0.25, 0.50, 0.50),
    decrease_wait_days=(0.0, 30.0, 30.0, 15.0, 15.0),
    restore_share=0.25,
    restore_wait_days=60.0,
    rounding_cents=10_000,
    least_step_cents=20_000,
    floor_cents=(50_000, 100_000),
    line_cap_cents=(math.inf, 20_000_000.0),
    customer_total_cap_cents=math.inf,
    cool_down_days=14.0,
    freeze_days=30.0,
)
LINE: dict[str, Any] = {
    "product": 0,
    "limit": 1_000_000.0,
    "balance": 200_000.0,
    "total": NAN,
    "before": NAN,
    "since_decrease": NAN,
    "since_increase": NAN,
    "since_action": NAN,
    "frozen": 0.0,
    "violation": 0.0,
    "days_frozen": NAN,
    "closed": 0.0,
}


def decided(
    action: Action, severity: Severity = Severity.MODERATE, terms: StepTerms = TERMS, **line: Any
) -> tuple[Action, int, Constraint, bool]:
    effect, after, bound, stopped = steps_of_action(
        int(action), int(severity), *{**LINE, **line}.values(), terms
    )
    return Action(effect), after, Constraint(bound), bool(stopped)


def test_moderate_decrease_takes_a_quarter() -> None:
    assert decided(Action.DECREASE) == (Action.DECREASE, 750_000, Constraint(0), False)


def test_mild_decrease_takes_a_tenth_and_a_severe_one_half() -> None:
    assert decided(Action.DECREASE, Severity.MILD)[1] == 900_000
    assert decided(Action.DECREASE, Severity.SEVERE)[1] == 500_000


def test_decrease_stops_at_the_balance_rounded_up() -> None:
    effect, after, bound, _ = decided(Action.DECREASE, Severity.SEVERE, balance=812_345.0)
    assert (effect, after, bound) == (Action.DECREASE, 820_000, Constraint.FLOOR_AT_BALANCE)


def test_decrease_of_a_line_in_full_use_is_an_alert() -> None:
    effect, after, bound, _ = decided(Action.DECREASE, balance=1_000_000.0)
    assert (effect, after, bound) == (Action.ALERT, 1_000_000, Constraint.FLOOR_AT_BALANCE)


def test_decrease_of_a_line_over_its_limit_leaves_the_limit() -> None:
    assert decided(Action.DECREASE, balance=1_300_000.0)[1] == 1_000_000


def test_decrease_stops_at_the_least_limit_of_the_product() -> None:
    _, after, bound, _ = decided(Action.DECREASE, Severity.SEVERE, product=1, limit=180_000.0, balance=0.0)
    assert (after, bound) == (100_000, Constraint.FLOOR_AT_MINIMUM)


def test_decrease_of_19_999_cents_is_too_small_to_be_made() -> None:
    _, after, bound, _ = decided(Action.DECREASE, limit=999_999.0, balance=975_000.0)
    assert (after, bound) == (999_999, Constraint.FLOOR_AT_BALANCE | Constraint.STEP_TOO_SMALL)


def test_decrease_of_20_000_cents_is_made() -> None:
    assert decided(Action.DECREASE, balance=975_000.0)[1] == 980_000


def test_credit_balance_counts_as_nothing_owed() -> None:
    assert decided(Action.DECREASE, Severity.SEVERE, balance=-5_000.0)[1] == 500_000


def test_second_step_29_days_after_the_first_waits() -> None:
    effect, after, bound, _ = decided(Action.DECREASE, since_decrease=29.0)
    assert (effect, after, bound) == (Action.ALERT, 1_000_000, Constraint.STEP_WAIT)


def test_second_step_30_days_after_the_first_is_made() -> None:
    assert decided(Action.DECREASE, since_decrease=30.0)[1] == 750_000


def test_severe_step_waits_less() -> None:
    assert decided(Action.DECREASE, Severity.SEVERE, since_decrease=15.0)[1] == 500_000


def test_cool_down_holds_a_decrease_for_14_days() -> None:
    assert decided(Action.DECREASE, since_action=13.9)[:3] == (Action.ALERT, 1_000_000, Constraint.COOL_DOWN)
    assert decided(Action.DECREASE, since_action=14.0)[1] == 750_000


def test_cool_down_does_not_hold_a_freeze_or_a_closure() -> None:
    assert decided(Action.FREEZE, since_action=1.0)[0] is Action.FREEZE
    assert decided(Action.CLOSE, since_action=1.0)[0] is Action.CLOSE


def test_unknown_balance_keeps_the_limit() -> None:
    assert decided(Action.DECREASE, balance=NAN)[:3] == (Action.ALERT, 1_000_000, Constraint.UNKNOWN_BALANCE)


@pytest.mark.parametrize("limit", [NAN, math.inf, -1.0, 2.0**54])
def test_unknown_limit_stays_unknown_and_is_an_alert(limit: float) -> None:
    found = decided(Action.DECREASE, limit=limit)
    assert found == (Action.ALERT, UNKNOWN_CENTS, Constraint.UNKNOWN_LIMIT, False)


def test_line_of_unknown_limit_can_be_frozen_and_closed() -> None:
    assert decided(Action.FREEZE, limit=NAN)[:2] == (Action.FREEZE, UNKNOWN_CENTS)
    assert decided(Action.CLOSE, limit=NAN)[:2] == (Action.CLOSE, 0)


def test_closure_goes_below_the_balance_and_stops_drawing() -> None:
    assert decided(Action.CLOSE, balance=900_000.0) == (Action.CLOSE, 0, Constraint(0), True)


def test_closed_line_is_left_alone() -> None:
    assert decided(Action.DECREASE, closed=1.0) == (Action.NONE, 1_000_000, Constraint.ALREADY_CLOSED, True)


def test_freeze_keeps_the_limit_and_stops_drawing() -> None:
    assert decided(Action.FREEZE) == (Action.FREEZE, 1_000_000, Constraint(0), True)


def test_freeze_stands_for_30_days() -> None:
    assert decided(Action.NONE, frozen=1.0, days_frozen=29.0)[2:] == (Constraint.FREEZE_STANDS, True)
    assert decided(Action.NONE, frozen=1.0, days_frozen=30.0)[2:] == (Constraint(0), False)


def test_freeze_of_unknown_age_stands() -> None:
    assert decided(Action.NONE, frozen=1.0)[3]


def test_freeze_for_violation_stands_until_a_person_lifts_it() -> None:
    found = decided(Action.RESTORE, frozen=1.0, violation=1.0, days_frozen=900.0, before=2_000_000.0)
    assert found == (Action.NONE, 1_000_000, Constraint.FREEZE_STANDS, True)


def test_restoration_ends_a_freeze_that_has_run_out() -> None:
    assert decided(Action.RESTORE, frozen=1.0, days_frozen=31.0)[0] is Action.RESTORE
    assert not decided(Action.RESTORE, frozen=1.0, days_frozen=31.0)[3]


def test_frozen_line_can_still_be_lowered() -> None:
    found = decided(Action.DECREASE, frozen=1.0, days_frozen=2.0)
    assert found == (Action.DECREASE, 750_000, Constraint.FREEZE_STANDS, True)


def test_restoration_gives_back_a_quarter_of_the_limit_before() -> None:
    assert decided(Action.RESTORE, before=2_000_000.0)[:2] == (Action.RESTORE, 1_500_000)


def test_restoration_ends_at_the_limit_before() -> None:
    found = decided(Action.RESTORE, before=1_200_000.0)
    assert found[:3] == (Action.RESTORE, 1_200_000, Constraint.RESTORE_CEILING)


def test_limit_that_was_never_cut_is_not_raised() -> None:
    assert decided(Action.RESTORE)[:3] == (Action.NONE, 1_000_000, Constraint.RESTORE_CEILING)


def test_restoration_waits_after_the_last_change_either_way() -> None:
    for since in ({"since_decrease": 59.0}, {"since_increase": 59.0}):
        found = decided(Action.RESTORE, before=2_000_000.0, **since)
        assert found[:3] == (Action.NONE, 1_000_000, Constraint.STEP_WAIT)
    assert decided(Action.RESTORE, before=2_000_000.0, since_decrease=60.0)[1] == 1_500_000


def test_line_over_its_cap_comes_down_at_once_even_in_cool_down() -> None:
    found = decided(Action.NONE, product=1, limit=25_000_000.0, since_action=1.0)
    assert found[:3] == (Action.DECREASE, 20_000_000, Constraint.LINE_CAP)


def test_line_over_its_cap_keeps_what_is_owed() -> None:
    found = decided(Action.NONE, product=1, limit=25_000_000.0, balance=24_000_001.0)
    assert found[1:3] == (24_010_000, Constraint.LINE_CAP | Constraint.FLOOR_AT_BALANCE)


def test_line_over_its_cap_with_unknown_balance_is_not_lowered() -> None:
    found = decided(Action.NONE, product=1, limit=25_000_000.0, balance=NAN)
    assert found[:3] == (Action.NONE, 25_000_000, Constraint.LINE_CAP | Constraint.UNKNOWN_BALANCE)


def test_restoration_ends_at_the_cap() -> None:
    found = decided(Action.RESTORE, product=1, limit=19_000_000.0, before=30_000_000.0)
    assert found[:3] == (Action.RESTORE, 20_000_000, Constraint.LINE_CAP)


def test_each_line_bears_its_share_of_the_customers_total_cap() -> None:
    terms = TERMS._replace(customer_total_cap_cents=1_000_000.0)
    large = decided(Action.NONE, terms=terms, limit=1_500_000.0, total=2_000_000.0)
    small = decided(Action.NONE, terms=terms, limit=500_000.0, total=2_000_000.0)
    assert large[:3] == (Action.DECREASE, 750_000, Constraint.CUSTOMER_TOTAL_CAP)
    assert small[:3] == (Action.DECREASE, 250_000, Constraint.CUSTOMER_TOTAL_CAP)


def test_unrecorded_total_counts_the_line_as_the_only_one() -> None:
    terms = TERMS._replace(customer_total_cap_cents=900_000.0)
    assert decided(Action.NONE, terms=terms)[:2] == (Action.DECREASE, 900_000)


def test_every_constraint_has_wording_in_both_languages() -> None:
    assert set(CONSTRAINT_WORDING) == set(Constraint)
    assert all(english and chinese for english, chinese in CONSTRAINT_WORDING.values())


cents = st.one_of(st.just(NAN), st.integers(0, 40_000_000).map(float))
days = st.one_of(st.just(NAN), st.sampled_from([0.0, 13.9, 14.0, 29.0, 30.0, 60.0, 400.0]))
flags = st.sampled_from([0.0, 1.0, NAN])
lines = st.fixed_dictionaries(
    {
        "product": st.sampled_from([0, 1]),
        "limit": cents,
        "total": cents,
        "before": cents,
        "closed": flags,
        "balance": st.one_of(cents, st.integers(-500_000, 60_000_000).map(float)),
        "since_decrease": days,
        "since_increase": days,
        "since_action": days,
        "frozen": flags,
        "violation": flags,
        "days_frozen": days,
    }
)
CAPPED = TERMS._replace(customer_total_cap_cents=30_000_000.0)


@settings(max_examples=400, deadline=None, derandomize=True)
@given(lines, st.sampled_from(Action), st.sampled_from(Severity))
def test_what_holds_for_every_line(line: dict[str, Any], action: Action, severity: Severity) -> None:
    effect, after, bound, stopped = decided(action, severity, CAPPED, **line)
    limit, balance, before = line["limit"], line["balance"], line["before"]
    if math.isnan(limit):
        assert after in {0, UNKNOWN_CENTS}
        return
    if effect is Action.CLOSE:
        assert (action, after, stopped) == (Action.CLOSE, 0, True)
        return
    # Lowered only down to the balance; raised only up to the limit before and the caps.
    assert after >= min(limit, max(balance, 0.0)) or after == limit
    capped = bool(bound & (Constraint.LINE_CAP | Constraint.CUSTOMER_TOTAL_CAP))
    if after > limit:
        assert (effect, stopped) == (Action.RESTORE, False)
        assert after <= min(before, CAPPED.line_cap_cents[line["product"]])
    if after < limit:
        assert effect is Action.DECREASE
        assert not math.isnan(balance)
        assert action is Action.DECREASE or capped
    if action in {Action.NONE, Action.ALERT, Action.FREEZE}:
        assert after <= limit
    if line["since_action"] < CAPPED.cool_down_days and not capped:
        assert after == limit


@settings(max_examples=200, deadline=None, derandomize=True)
@given(lines, st.sampled_from(Severity), st.sampled_from(Severity))
def test_worse_severity_never_leaves_a_higher_limit(
    line: dict[str, Any], one: Severity, other: Severity
) -> None:
    milder, worse = sorted((one, other))
    assert decided(Action.DECREASE, worse, **line)[1] <= decided(Action.DECREASE, milder, **line)[1]


@settings(max_examples=200, deadline=None, derandomize=True)
@given(lines, st.sampled_from(Action), st.sampled_from(Severity))
def test_the_same_question_on_the_next_day_changes_nothing_more(
    line: dict[str, Any], action: Action, severity: Severity
) -> None:
    effect, after, _, stopped = decided(action, severity, CAPPED, **line)
    if after in {UNKNOWN_CENTS, line["limit"]} or effect is Action.CLOSE:
        return
    total = (
        line["total"]
        if math.isnan(line["total"])
        else max(line["total"], line["limit"]) + after - line["limit"]
    )
    moved = "since_decrease" if effect is Action.DECREASE else "since_increase"
    next_day = {
        **line,
        "limit": float(after),
        "total": total,
        moved: 1.0,
        "since_action": 1.0,
        "frozen": float(stopped),
        "before": line["limit"] if math.isnan(line["before"]) else line["before"],
        "days_frozen": 1.0,
    }
    assert decided(action, severity, CAPPED, **next_day)[1] == after


@settings(max_examples=100, deadline=None, derandomize=True)
@given(lines, st.sampled_from(Action), st.sampled_from(Severity))
def test_plain_python_decides_as_the_kernel_does(
    line: dict[str, Any], action: Action, severity: Severity
) -> None:
    arguments = (int(action), int(severity), *{**LINE, **line}.values(), CAPPED)
    assert steps_of_action.py_func(*arguments) == steps_of_action(*arguments)  # type: ignore[attr-defined]


def test_line_alone_decides_as_in_a_portfolio() -> None:
    chance = np.random.default_rng(0)
    lines_count = 2_000
    values = np.round(chance.uniform(0, 3e6, size=(len(STEP_INPUTS), lines_count)))
    values[0] = chance.integers(0, 2, lines_count)
    for row, name in enumerate(STEP_INPUTS):
        if name.startswith("is_"):
            values[row] = chance.integers(0, 2, lines_count)
        if "days" in name:
            values[row] = chance.integers(0, 90, lines_count)
    values[chance.random(values.shape) < 0.1] = NAN
    actions = chance.integers(0, 6, lines_count).astype(np.uint8)
    severities = chance.integers(1, 5, lines_count).astype(np.uint8)
    rows = np.arange(len(STEP_INPUTS))

    def written(part: slice) -> list[np.ndarray]:
        out = [np.empty(lines_count, kind)[part] for kind in (np.uint8, np.int64, np.uint16, np.bool_)]
        write_limits(actions[part], severities[part], values[:, part].copy(), rows, CAPPED, *out)
        return out

    whole = written(slice(0, lines_count))
    alone = [written(slice(k, k + 1)) for k in range(lines_count)]
    for column, found in enumerate(whole):
        assert np.array_equal(found, np.concatenate([line[column] for line in alone]))
    assert len(np.unique(whole[0])) == 6
