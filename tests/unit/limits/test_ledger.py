"""What an entry does to its line, and what bars it."""

import pytest

from limitkeeper.core.kernel.errors import InputError
from limitkeeper.core.limits.ledger import (
    CANCELLED,
    EFFECTIVE,
    PLANNED,
    Entry,
    LedgerError,
    Line,
    checked_plan,
    effected,
    line_of,
    step_targets,
)


def plan(action: str, target_cents: int | None, reverses: str | None = None) -> Entry:
    return Entry("e", action, PLANNED, 10, target_cents, 0, reverses)


def test_cut_takes_effect_as_the_difference_to_the_limit_of_the_moment() -> None:
    found = effected(plan("decrease", 600), Line(1_000), 11)
    assert (found.state, found.delta_cents, found.effective_us) == (EFFECTIVE, -400, 11)


def test_nothing_takes_effect_before_its_time() -> None:
    with pytest.raises(LedgerError, match="before its time"):
        effected(plan("decrease", 600), Line(1_000), 9)


@pytest.mark.parametrize(
    ("action", "target_cents", "limit_cents"),
    [("decrease", 600, 600), ("decrease", 600, 500), ("restore", 600, 700)],
)
def test_change_that_came_too_late_is_cancelled(action: str, target_cents: int, limit_cents: int) -> None:
    assert effected(plan(action, target_cents), Line(limit_cents), 10).state == CANCELLED


def test_undoing_gives_back_what_was_cut_and_leaves_what_came_after() -> None:
    cut = Entry("c", "decrease", EFFECTIVE, 1, 600, -400)
    found = effected(plan("reverse", None, "c"), Line(500), 10, cut, 1_000)
    assert found.delta_cents == 400


def test_undoing_a_rise_never_leads_below_zero() -> None:
    rise = Entry("r", "restore", EFFECTIVE, 1, 600, 400)
    assert effected(plan("reverse", None, "r"), Line(100), 10, rise).delta_cents == -100


def test_only_what_is_effective_is_undone() -> None:
    with pytest.raises(LedgerError):
        effected(plan("reverse", None, "c"), Line(500), 10, plan("decrease", 1))


def test_freeze_stops_drawing_and_changes_no_amount() -> None:
    found = effected(plan("freeze", None), Line(500), 10)
    assert (found.state, found.delta_cents) == (EFFECTIVE, 0)
    assert effected(plan("freeze", None), Line(500, is_frozen=True), 10).state == CANCELLED
    assert line_of([Entry("o", "open", EFFECTIVE, 0, 500, 500), found]) == Line(500, is_frozen=True)


def test_planned_and_cancelled_entries_are_no_part_of_the_line() -> None:
    entries = [
        Entry("o", "open", EFFECTIVE, 0, 500, 500),
        plan("decrease", 1),
        Entry("x", "close", CANCELLED, 1, 0),
    ]
    assert line_of(entries) == Line(500)


@pytest.mark.parametrize(
    ("action", "target_cents"),
    [("decrease", None), ("decrease", -1), ("freeze", 5), ("close", 1), ("shrink", 5), ("reverse", 1)],
)
def test_plan_that_makes_no_sense_is_told(action: str, target_cents: int | None) -> None:
    with pytest.raises(InputError):
        checked_plan(action, target_cents)


def test_steps_end_at_the_target_and_never_overshoot() -> None:
    for steps in range(1, 12):
        found = step_targets(1_000_003, 17, steps)
        assert len(found) == steps
        assert found[-1] == 17
        assert found == sorted(found, reverse=True)
    with pytest.raises(InputError):
        step_targets(10, 5, 0)


def test_cut_that_is_given_back_already_is_not_given_back_again() -> None:
    cut = Entry("c", "decrease", "effective", 1, 600, -400)
    assert effected(plan("reverse", None, "c"), Line(1_000), 10, cut, None).state == "cancelled"
    assert effected(plan("reverse", None, "c"), Line(800), 10, cut, 1_000).delta_cents == 200


def test_restoration_does_not_go_above_the_old_limit() -> None:
    assert effected(plan("restore", 1_500), Line(500), 10, None, 1_000).delta_cents == 500
    assert effected(plan("restore", 1_500), Line(500), 10, None, None).state == "cancelled"
