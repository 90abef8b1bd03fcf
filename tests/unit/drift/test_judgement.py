"""What is raised, what stands, and how often nothing is taken for something."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from limitkeeper.core.drift.judgement import (
    ALERT,
    FINE,
    KINDS,
    TOO_FEW,
    WATCH,
    Bounds,
    Figure,
    Key,
    Terms,
    holm,
    judged,
    standing_after,
)

TERMS = Terms({kind: Bounds(0.10, 0.25) for kind in KINDS}, 0.01, 0.8, 10.0, 30, 20)


def figure(size: float, p_value: float = 0.0, name: str = "", why_not: str | None = None) -> Figure:
    return Figure(Key("psi", name), size, math.nan, math.nan, size, p_value, 1_000, why_not)


def levels(*periods: Figure) -> list[str]:
    standing: dict[Key, str] = {}
    found = []
    for each in periods:
        judgements = judged([each], standing, TERMS)
        standing = standing_after(judgements, standing)
        found.append(judgements[0].level)
    return found


def test_a_figure_is_raised_only_beyond_its_bound_and_beyond_chance() -> None:
    assert levels(figure(0.3, 0.0)) == [ALERT]
    assert levels(figure(0.2, 0.0)) == [WATCH]
    assert levels(figure(0.09, 0.0)) == [FINE], "significant, and too small to matter"
    assert levels(figure(0.3, 0.02)) == [FINE], "large, and chance explains it"


def test_a_raised_figure_stands_until_it_is_well_within_the_bound() -> None:
    assert levels(figure(0.26), figure(0.21, 1.0), figure(0.19, 1.0), figure(0.081, 1.0), figure(0.07, 1.0)) == [
        ALERT, ALERT, WATCH, WATCH, FINE,
    ]  # fmt: skip
    assert levels(figure(0.07), figure(0.081, 1.0)) == [FINE, FINE], "nothing is held that was not raised"


def test_a_figure_that_is_not_judged_stays_as_it_was() -> None:
    assert levels(figure(0.3), figure(math.nan, math.nan, why_not=TOO_FEW), figure(0.0, 1.0)) == [
        ALERT, ALERT, FINE,
    ]  # fmt: skip


def test_new_is_what_got_worse() -> None:
    first = judged([figure(0.2)], {}, TERMS)
    then = judged([figure(0.3)], standing_after(first, {}), TERMS)
    again = judged([figure(0.3)], standing_after(then, {}), TERMS)
    assert [each[0].is_new for each in (first, then, again)] == [True, True, False]


def test_looking_at_more_figures_asks_more_of_each() -> None:
    alone, among = figure(0.3, 0.004), [figure(0.0, 1.0, f"c{k}") for k in range(9)]
    assert judged([alone], {}, TERMS)[0].level == ALERT
    assert judged([alone, *among], {}, TERMS)[0].level == FINE


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_correction_raises_p_values_and_keeps_their_order(values: list[float]) -> None:
    found = holm(values)
    assert all(value <= after <= 1.0 for value, after in zip(values, found, strict=True))
    ranks = sorted(range(len(values)), key=lambda k: values[k])
    assert all(found[one] <= found[other] for one, other in pairwise(ranks))
    assert min(found) == min(1.0, len(values) * min(values))


@pytest.mark.parametrize("correlation", [0.0, 0.9])
def test_anything_is_raised_by_chance_no_more_often_than_is_stated(correlation: float) -> None:
    draws = np.random.default_rng(3)
    common, own = draws.normal(size=(6_000, 1)), draws.normal(size=(6_000, 20))
    p_values = norm.sf(math.sqrt(correlation) * common + math.sqrt(1 - correlation) * own)
    raised = sum(min(holm(row.tolist())) <= 0.05 for row in p_values)
    # 6,000 periods at one in twenty: 300 expected at most, with a standard deviation of 17.
    assert raised <= 300 + 3 * 17
