"""How far a distribution moved, and how often chance alone is taken for it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2_contingency

from limitkeeper.core.drift.stability import merged_bins, population_stability, shift_of

COUNTS = st.lists(st.tuples(st.integers(1, 500), st.integers(1, 500)), min_size=2, max_size=12)


def test_stability_of_fifty_fifty_against_sixty_forty() -> None:
    assert population_stability([50, 50], [60, 40]) == pytest.approx(0.1 * np.log(1.2) - 0.1 * np.log(0.8))


@given(COUNTS)
def test_index_is_never_negative_and_nothing_where_nothing_moved(pairs: list[tuple[int, int]]) -> None:
    before, after = ([pair[side] for pair in pairs] for side in (0, 1))
    assert population_stability(before, after) >= 0.0
    assert population_stability(before, [3 * count for count in before]) == pytest.approx(0.0, abs=1e-12)


@given(COUNTS)
def test_index_is_the_same_both_ways_and_in_any_order_of_bins(pairs: list[tuple[int, int]]) -> None:
    before, after = ([pair[side] for pair in pairs] for side in (0, 1))
    index = population_stability(before, after)
    assert population_stability(after, before) == pytest.approx(index)
    assert population_stability(before[::-1], after[::-1]) == pytest.approx(index)


@given(COUNTS, st.data())
def test_joining_two_bins_never_raises_the_index(pairs: list[tuple[int, int]], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(pairs) - 2))
    joined = [(pairs[place][0] + pairs[place + 1][0], pairs[place][1] + pairs[place + 1][1])]
    fewer = pairs[:place] + joined + pairs[place + 2 :]
    whole, less = (population_stability(*map(list, zip(*each, strict=True))) for each in (pairs, fewer))
    assert less <= whole + 1e-12


@given(COUNTS, st.integers(1, 60))
def test_joined_bins_lose_no_row_and_are_wide_enough(pairs: list[tuple[int, int]], least: int) -> None:
    before, after = ([pair[side] for pair in pairs] for side in (0, 1))
    merged = merged_bins(before, after, least)
    assert [each.sum() for each in merged] == [sum(before), sum(after)]
    expected = merged[0] * min(sum(before), sum(after)) / sum(before)
    assert len(merged[0]) == 1 or expected.min() >= least - 1e-9


def test_what_was_observed_does_not_choose_the_bins() -> None:
    before = [40, 3, 30, 27, 200]
    first, second = (
        merged_bins(before, after, 10)[0].tolist() for after in ([0, 0, 0, 0, 300], [300, 0, 0, 0, 0])
    )
    assert first == second


def test_p_value_is_that_of_the_library() -> None:
    before, after = [500, 300, 200], [40, 40, 30]
    assert shift_of(before, after, 10).p_value == pytest.approx(
        chi2_contingency([before, after], correction=False).pvalue
    )


@pytest.mark.parametrize(("rows", "bins"), [(100, 10), (400, 10), (60, 5)])
def test_chance_alone_is_called_a_shift_as_often_as_is_stated(rows: int, bins: int) -> None:
    draws, share = np.random.default_rng(7), np.full(bins, 1 / bins)
    before, after = draws.multinomial(5_000, share, 4_000), draws.multinomial(rows, share, 4_000)
    found = [
        shift_of(one.tolist(), other.tolist(), 10) for one, other in zip(before[:4_000], after, strict=True)
    ]
    # 4,000 draws at one in a hundred: 40 expected, with a standard deviation of 6.3.
    assert 20 <= sum(each.p_value <= 0.01 for each in found) <= 60
    beyond = sum(each.stability > each.usual for each in found)
    assert 0.04 <= beyond / 4_000 <= 0.085, "the index's own quantile is a little too low where bins are thin"


@pytest.mark.parametrize("missing_before", [0, 40])
def test_values_that_begin_to_be_missing_are_not_lost_among_the_highest(missing_before: int) -> None:
    before = [2_000, 2_000, 2_000, missing_before, 0]
    joined, apart = (shift_of(before, [80, 80, 80, 59, 1], 10, ordered) for ordered in (None, 3))
    assert joined.stability < 0.10
    assert apart.stability > 0.25
    assert apart.p_value < 1e-6
    gone = shift_of(before, [0, 0, 0, 300, 0], 10, 3)
    assert (gone.stability > 0.25, gone.p_value < 1e-6, gone.bins) == (True, True, 2)


def test_missing_values_that_are_many_or_nowhere_are_judged_with_the_others() -> None:
    for before, after in (([500, 300, 200], [40, 40, 30]), ([500, 300, 0], [40, 40, 0])):
        wanted = [before, after] if before[2] else [before[:2], after[:2]]
        assert shift_of(before, after, 10, 2).p_value == pytest.approx(
            chi2_contingency(wanted, correction=False).pvalue
        )


@pytest.mark.parametrize("share", [0.001, 0.01])
def test_chance_alone_is_seldom_called_a_shift_where_few_values_are_missing(share: float) -> None:
    draws, shares = np.random.default_rng(7), [*[(1 - share) / 5] * 5, share]
    before, after = draws.multinomial(5_000, shares, 4_000), draws.multinomial(400, shares, 4_000)
    found = [shift_of(one.tolist(), other.tolist(), 10, 5) for one, other in zip(before, after, strict=True)]
    # 4,000 draws at one in a hundred at most: 40 expected at most, with a standard deviation of 6.3.
    assert sum(each.p_value <= 0.01 for each in found) <= 60


def test_a_sample_without_rows_or_bins_is_not_judged() -> None:
    assert np.isnan(shift_of([10, 10], [0, 0], 1).p_value)
    alone = shift_of([10, 10], [3, 4], 10)
    assert (alone.bins, alone.stability) == (1, 0.0)
    assert np.isnan(alone.p_value)
    assert np.isnan(shift_of([500, 500, 0], [5, 5, 9], 10, 2).p_value), "nor one with too few for two bins"
