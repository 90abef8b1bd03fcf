"""Contagion: near the bad it is high, far from them low, and the size of the portfolio does not matter."""

import numpy as np
import pytest
from numpy.typing import NDArray

from limitkeeper.core.relations.contagion import ROUNDS_MAX, TOLERANCE, UNTOLD, WHOLE, settle
from limitkeeper.core.relations.state import Relations


def relations_with(links: list[tuple[int, int]], bad: set[int], accounts: int) -> Relations:
    relations = Relations()
    relations.add_accounts(accounts)
    pairs = np.array(links, np.int64).reshape(-1, 2)
    relations.declare(pairs[:, 0], pairs[:, 1], "contact")
    relations.refresh(0, np.isin(np.arange(accounts), list(bad)))
    return relations


def contagion(relations: Relations) -> NDArray[np.float64]:
    return relations.columns(np.arange(relations.count))[2]


def test_pair_of_which_one_is_bad_has_the_values_worked_out_by_hand() -> None:
    """Of a pair: bad = 0.15 / (1 - 0.85 ** 2), the other 0.85 of it."""
    found = contagion(relations_with([(0, 1)], {0}, 3))
    assert found[:2] == pytest.approx([0.540541, 0.459459], abs=TOLERANCE)
    assert found[2] == 0.0


def test_accounts_that_are_all_bad_have_contagion_near_one_and_never_more() -> None:
    found = contagion(relations_with([(0, 1), (1, 2), (2, 0)], {0, 1, 2}, 3))
    assert (found <= 1).all()
    assert found == pytest.approx([1, 1, 1], abs=TOLERANCE)


def test_contagion_falls_with_each_step_from_the_bad_account() -> None:
    found = contagion(relations_with([(k, k + 1) for k in range(9)], {0}, 10))
    assert (np.diff(found) < 0).all()


def test_contagion_does_not_depend_on_the_size_of_the_portfolio_nor_on_bad_accounts_elsewhere() -> None:
    small = contagion(relations_with([(0, 1), (1, 2)], {0}, 3))
    elsewhere = [(100 + 2 * k, 101 + 2 * k) for k in range(400)]
    large = contagion(relations_with([(0, 1), (1, 2), *elsewhere], {0, *range(100, 900, 3)}, 1_000))
    assert large[:3].tobytes() == small.tobytes()


def test_planted_rings_score_above_everyone_else() -> None:
    """Rings of six of which four went bad, among 3,000 accounts with chance links and chance defaults."""
    chance, accounts = np.random.default_rng(5), 3_000
    rings = [range(6 * k, 6 * k + 6) for k in range(20)]
    links = [(a, b) for ring in rings for a in ring for b in ring if a < b]
    links += [(int(a), int(b)) for a, b in chance.integers(120, accounts, (6_000, 2)) if a != b]
    links += [(6 * k, int(chance.integers(120, accounts))) for k in range(20)]
    bad = {a for ring in rings for a in list(ring)[2:]}
    bad |= {int(a) for a in chance.integers(120, accounts, 40)}
    found = contagion(relations_with(links, bad, accounts))
    healthy = np.array([a not in bad for a in range(accounts)])
    members = np.arange(accounts) < 120
    assert found[members & healthy].min() > found[~members & healthy].max()
    assert found[members & healthy].min() >= 0.3


def test_account_that_is_bad_no_more_leaves_no_trace() -> None:
    relations = relations_with([(k, k + 1) for k in range(30)], {7}, 31)
    relations.refresh_near(np.array([7]), np.zeros(31, np.bool_))
    columns = relations.columns(np.arange(31))
    assert (columns[1] == 0).all()
    assert columns[2].max() <= TOLERANCE


def test_errors_of_many_small_refreshes_do_not_add_up() -> None:
    chance, accounts = np.random.default_rng(8), 400
    links = [(int(a), int(b)) for a, b in chance.integers(0, accounts, (700, 2)) if a != b]
    near, bad = relations_with(links, set(), accounts), np.zeros(accounts, np.bool_)
    for seed in chance.integers(0, accounts, 300):
        bad[seed] = not bad[seed]
        near.refresh_near(np.array([seed]), bad)
    full = relations_with(links, set(np.flatnonzero(bad).tolist()), accounts)
    found, expected = near.columns(np.arange(accounts)), full.columns(np.arange(accounts))
    np.testing.assert_array_equal(found[:2], expected[:2])
    np.testing.assert_allclose(found[2], expected[2], rtol=0, atol=TOLERANCE)


def test_change_far_away_is_not_computed_again() -> None:
    relations = relations_with([(k, k + 1) for k in range(999)], set(), 1_000)
    touched = relations.refresh_near(np.array([500]), np.arange(1_000) == 500)
    assert 500 in touched
    assert len(touched) < 60


def test_rounds_that_the_longest_memory_needs_are_within_the_bound() -> None:
    """A pair of bad accounts tells each other the longest: every step of a walk is towards a bad one."""
    starts, neighbours = np.array([0, 1, 2]), np.array([1, 0], np.int32)
    bad, zeros = np.ones(2, np.bool_), np.zeros(2, np.int32)
    values, told, marks = zeros.copy(), zeros.copy(), np.ones(2, np.uint8)
    rounds = settle(
        starts, neighbours, bad, values, told, marks, np.arange(2, dtype=np.int32), zeros.copy(), 2
    )
    assert 50 < rounds < ROUNDS_MAX / 2
    assert WHOLE - values[0] <= TOLERANCE * WHOLE
    assert abs(values - told).max() <= UNTOLD
