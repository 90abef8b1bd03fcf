import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from limitkeeper.core.review.outcome import (
    CURVE_POINTS,
    Decided,
    coverage_curve,
    curve_area,
    outcome_by_action,
    outcome_by_group,
    outcome_in_all,
)
from limitkeeper.core.strategy.actions import Action

ACCOUNT = st.tuples(
    st.sampled_from([int(action) for action in Action]),
    st.integers(0, 10_000),
    st.integers(0, 10_000),
    st.integers(-5_000, 15_000),
    st.booleans(),
    st.sampled_from([1.0, 0.0, math.nan]),
    st.sampled_from(["a", "b", None]),
)


def decided(rows: list[tuple[object, ...]]) -> Decided:
    effect, limit, after, balance, stopped, default = (np.array([row[k] for row in rows]) for k in range(6))
    return Decided(
        effect.astype(np.uint8), limit.astype(float), after.astype(float), balance.astype(float),
        stopped.astype(bool), np.full(len(rows), 0.1), default.astype(float),
    )  # fmt: skip


def test_freeze_covers_all_that_a_defaulter_could_draw_and_a_cut_covers_what_it_takes() -> None:
    accounts = decided([
        (Action.FREEZE, 1_000, 1_000, 400, True, True),
        (Action.DECREASE, 1_000, 700, 400, False, True),
        (Action.NONE, 1_000, 1_000, 0, False, False),
    ])  # fmt: skip
    assert accounts.covered_cents.tolist() == [600.0, 300.0, 0.0]
    assert outcome_in_all(accounts)["share_of_defaulters_undrawn_covered"] == 900 / 1_200


def test_line_frozen_before_and_left_alone_is_not_counted_as_covered() -> None:
    assert decided([(Action.NONE, 1_000, 1_000, 0, True, True)]).covered_cents.tolist() == [0.0]


def test_account_whose_outcome_is_unknown_is_neither_defaulter_nor_good_customer() -> None:
    rows = [(Action.FREEZE, 1_000, 1_000, 400, True, outcome, "a") for outcome in (1.0, 0.0, math.nan)]
    accounts = decided(rows)
    everything = outcome_in_all(accounts)
    assert (everything["touched"], everything["unknown"]) == (3, 1)
    assert (everything["defaulters"], everything["good_customers"]) == (1, 1)
    assert everything["bad_rate_of_touched"] == outcome_by_action(accounts)[Action.FREEZE]["bad_rate"] == 0.5
    assert outcome_by_group(accounts, "g", ["a"] * 3)["groups"][0]["bad_rate"] == 0.5


@settings(max_examples=60, deadline=None)
@given(st.lists(ACCOUNT, min_size=1, max_size=40))
def test_counts_reconcile_and_shares_are_shares(rows: list[tuple[object, ...]]) -> None:
    accounts = decided(rows)
    actions, everything = outcome_by_action(accounts), outcome_in_all(accounts)
    assert sum(row["accounts"] for row in actions) == len(rows)
    assert everything["defaulters"] + everything["good_customers"] + everything["unknown"] == len(rows)
    assert sum(row["defaulters"] for row in actions) == everything["defaulters"]
    assert sum(row["good_customers"] for row in actions) == everything["good_customers"]
    groups = outcome_by_group(accounts, "g", [row[6] for row in rows])["groups"]  # type: ignore[misc]
    assert sum(group["accounts"] for group in groups) == len(rows)
    assert sum(group["touched"] for group in groups) == everything["touched"]
    shares = [
        value for row in [*actions, everything, *groups] for name, value in row.items() if "share" in name
    ]
    flat = [bound for value in shares if value is not None for bound in np.atleast_1d(value)]
    assert all(-1e-12 <= bound <= 1 + 1e-12 for bound in flat)


def test_equal_scores_give_the_diagonal() -> None:
    default = np.arange(100) % 3 == 0
    curve = coverage_curve(np.zeros(100), np.arange(100.0), default)
    assert curve == pytest.approx(np.linspace(0, 1, CURVE_POINTS))
    assert curve_area(curve) == pytest.approx(0.5)


def test_perfect_ranking_reaches_every_defaulter_first() -> None:
    default = np.arange(100) < 20
    curve = coverage_curve(default.astype(float), np.ones(100), default)
    assert curve[20] == pytest.approx(1.0)
    assert curve_area(curve) == pytest.approx(0.9)


def test_unknown_score_ranks_last() -> None:
    curve = coverage_curve(np.array([math.nan, 1.0]), np.ones(2), np.array([True, False]))
    assert curve[50] == 0.0


def test_group_touched_twice_as_often_has_the_ratio_of_the_shares_left_alone() -> None:
    rows = [(Action.FREEZE if k % 10 < 2 else Action.NONE, 10, 10, 0, False, False) for k in range(1_000)]
    rows += [(Action.FREEZE if k % 10 < 4 else Action.NONE, 10, 10, 0, False, False) for k in range(1_000)]
    found = outcome_by_group(decided(rows), "g", ["a"] * 1_000 + ["b"] * 1_000)
    assert found["most_favoured"] == "a"
    assert found["groups"][1]["adverse_impact_ratio"] == pytest.approx(0.75)
    low, high = found["groups"][1]["adverse_impact_interval"]
    assert low < 0.75 < high
