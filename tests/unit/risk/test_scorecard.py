"""The scorecard kernel against an obvious oracle in plain Python."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from limitkeeper.core.kernel.columns import Columns
from limitkeeper.core.kernel.errors import InputError, ModelError
from limitkeeper.core.risk.scorecard import (
    BLOCK_ROWS,
    Characteristic,
    Scorecard,
    characteristic_from_document,
    scorecard_from_document,
)

NAN = math.nan
LATE = Characteristic(
    "late", "Late bills", "late_recent", (1.0, 3.0), (), (1000, -500, -3000), -200, (-9.0,), (-700,)
)
USED = Characteristic("used", "Utilisation", "utilisation_high", (0.3, 0.8), (), (800, 100, -1500), 0, (), ())
HOME = Characteristic("home", "Home", None, (), (0, 1, 0), (250, -500), -500, (), ())
CARD = Scorecard((LATE, USED, HOME), 52_000)


def points_of(line: Characteristic, value: float) -> int:
    """The obvious way to read one bin."""
    if math.isnan(value):
        return line.missing_points
    if value in line.codes:
        return line.code_points[line.codes.index(value)]
    if line.category_bins:
        return (
            line.points[line.category_bins[int(value)]]
            if 0 <= value < len(line.category_bins)
            else line.missing_points
        )
    return line.points[sum(value >= edge for edge in line.edges)]


def expected(card: Scorecard, row: list[float]) -> tuple[float, float, list[int], list[float]]:
    """Points, PD, reasons and points lost of one account, the obvious way."""
    given_points = [points_of(line, value) for line, value in zip(card.characteristics, row, strict=True)]
    score = (card.base_points + sum(given_points)) / 100
    order = sorted(
        (k for k, points in enumerate(given_points) if points < 0), key=lambda k: (given_points[k], k)
    )[:4]
    reasons = order + [-1] * (4 - len(order))
    lost = [-given_points[k] / 100 for k in order] + [0.0] * (4 - len(order))
    return score, 1.0 / (1.0 + math.exp((score - card.offset) / card.factor)), reasons, lost


value = st.one_of(
    st.just(NAN), st.sampled_from([-9.0, -1.0, 0.0, 0.3, 0.8, 1.0, 2.0, 3.0, 7.0]), st.floats(-10, 10)
)


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(
        st.tuples(value, value, st.sampled_from([NAN, 0.0, 1.0, 2.0, 3.0, -1.0])), min_size=1, max_size=40
    )
)
def test_points_pd_and_reasons_are_those_of_the_obvious_reading(rows: list[tuple[float, ...]]) -> None:
    scored = CARD.scored(Columns(CARD.names, np.array(rows).T))
    for i, row in enumerate(rows):
        score, pd, reasons, lost = expected(CARD, list(row))
        assert scored.points[i] == score
        assert scored.pd[i] == pytest.approx(pd, rel=1e-15)
        assert scored.reasons[i].tolist() == reasons
        assert scored.points_lost[i].tolist() == lost


def random_columns(rows: int) -> Columns:
    draws = np.random.default_rng(0)
    values = np.vstack(
        [draws.integers(-1, 6, rows), draws.uniform(0, 1.2, rows), draws.integers(0, 4, rows)]
    ).astype(float)
    values[draws.uniform(size=values.shape) < 0.1] = NAN
    return Columns(CARD.names, values)


def test_a_row_alone_in_a_batch_and_in_a_portfolio_has_the_same_bits() -> None:
    columns = random_columns(3 * BLOCK_ROWS + 17)
    whole = CARD.scored(columns)
    for start, stop in (
        (0, 1),
        (BLOCK_ROWS - 1, BLOCK_ROWS + 1),
        (5, 900),
        (3 * BLOCK_ROWS, 3 * BLOCK_ROWS + 17),
    ):
        part = CARD.scored(columns.part(start, stop))
        for one, other in zip(part, whole, strict=True):
            assert one.tobytes() == other[start:stop].tobytes()


def test_pd_falls_as_points_rise() -> None:
    scored = CARD.scored(random_columns(2_000))
    order = np.argsort(scored.points, kind="stable")
    assert np.all(np.diff(scored.pd[order]) <= 0.0)
    assert len(np.unique(scored.points)) > 10


def test_six_hundred_points_are_fifty_good_to_one_bad_and_twenty_more_double_it() -> None:
    card = Scorecard((), 60_000)
    assert card.scored(Columns((), np.empty((0, 1)))).pd[0] == pytest.approx(1 / 51)
    assert Scorecard((), 62_000).scored(Columns((), np.empty((0, 1)))).pd[0] == pytest.approx(1 / 101)


def test_equal_losses_keep_the_order_of_the_characteristics_and_only_four_are_given() -> None:
    lines = tuple(Characteristic(f"c{k}", "", None, (0.0,), (), (-300, 0), 0, (), ()) for k in range(6))
    card = Scorecard(lines, 50_000)
    scored = card.scored(Columns(card.names, np.full((6, 1), -1.0)))
    assert scored.reasons.tolist() == [[0, 1, 2, 3]]
    assert scored.points.tolist() == [482.0]


def test_no_account_gives_no_score() -> None:
    scored = CARD.scored(Columns(CARD.names, np.empty((3, 0))))
    assert [len(each) for each in scored] == [0, 0, 0, 0]


def test_a_scorecard_comes_back_from_its_document() -> None:
    assert scorecard_from_document(CARD.to_document()) == CARD


def test_falling_edges_are_refused() -> None:
    with pytest.raises(ModelError, match="do not hold together"):
        characteristic_from_document({**LATE.to_document(), "edges": [3.0, 1.0]})


def test_a_bin_without_points_is_refused() -> None:
    with pytest.raises(ModelError, match="do not hold together"):
        characteristic_from_document({**LATE.to_document(), "points": [10.0, 5.0]})


def test_points_that_would_not_fit_the_sum_are_refused() -> None:
    with pytest.raises(ModelError, match="too large"):
        Scorecard((Characteristic("x", "", None, (), (), (10**9,), 0, (), ()),), 0)


def test_a_missing_column_is_named() -> None:
    with pytest.raises(InputError, match="'used'"):
        CARD.scored(Columns(("late", "home"), np.zeros((2, 1))))
