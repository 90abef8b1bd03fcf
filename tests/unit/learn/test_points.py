"""Bins and the joint fit: monotone by construction, and what a plain logistic regression would say."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from limitkeeper.learn.binning import Bins, bins_of
from limitkeeper.learn.points import fitted_points

NO_CODES = np.empty(0)


@pytest.fixture(scope="module")
def rows() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    draws = np.random.default_rng(5)
    x = draws.normal(size=6_000)
    x[:300] = np.nan
    x[300:500] = -9.0
    word = draws.integers(0, 5, 6_000).astype(float)
    score = (
        -1.2
        + 0.9 * np.nan_to_num(np.where(x == -9.0, 1.5, x))
        + np.array([0.0, 0.8, -0.5, 0.0, 0.4])[word.astype(int)]
    )
    return x, word, (draws.uniform(size=6_000) < 1 / (1 + np.exp(-score))).astype(float)


@pytest.fixture(scope="module")
def bins(rows: tuple[np.ndarray, np.ndarray, np.ndarray]) -> tuple[Bins, Bins]:
    x, word, target = rows
    number = bins_of(x, target, missing_codes=np.array([-9.0, -8.0]))
    text = bins_of(word, target, categories=5, missing_codes=NO_CODES)
    assert number is not None
    assert text is not None
    return number, text


def test_bins_of_a_number_rise_with_the_risk_and_a_seen_code_has_its_own(bins: tuple[Bins, Bins]) -> None:
    number, _ = bins
    assert np.all(np.diff(number.levels) > 0)
    assert number.codes.tolist() == [-9.0]
    assert number.bin_of(np.array([np.nan, -9.0, -99.0, 99.0])).tolist() == [
        number.count, number.count + 1, 0, number.count - 1,
    ]  # fmt: skip


def test_an_edge_belongs_to_the_bin_above(bins: tuple[Bins, Bins]) -> None:
    number, _ = bins
    edge = number.edges[0]
    assert number.bin_of(np.array([edge, np.nextafter(edge, -np.inf)])).tolist() == [1, 0]


def test_words_stand_by_their_risk_and_an_unknown_word_is_missing(bins: tuple[Bins, Bins]) -> None:
    _, text = bins
    assert text.levels[text.category_bins[1]] > text.levels[text.category_bins[2]]
    assert text.bin_of(np.array([7.0, np.nan])).tolist() == [text.count, text.count]


def test_contributions_never_turn_against_the_risk_of_their_bins(
    rows: tuple[np.ndarray, np.ndarray, np.ndarray], bins: tuple[Bins, Bins]
) -> None:
    fit = fitted_points(list(bins), list(rows[:2]), rows[2], ridge=2.0, lasso=1.0)
    for each, contribution in zip(bins, fit.contributions, strict=True):
        assert np.all(np.diff(contribution[np.argsort(each.levels, kind="stable")]) >= 0.0)


def test_the_average_contribution_is_zero(
    rows: tuple[np.ndarray, np.ndarray, np.ndarray], bins: tuple[Bins, Bins]
) -> None:
    fit = fitted_points(list(bins), list(rows[:2]), rows[2], ridge=2.0, lasso=1.0)
    for each, contribution, column in zip(bins, fit.contributions, rows[:2], strict=True):
        assert contribution[each.bin_of(column)].mean() == pytest.approx(0.0, abs=1e-12)


def test_without_a_penalty_the_fit_is_a_logistic_regression_over_dummies(
    rows: tuple[np.ndarray, np.ndarray, np.ndarray], bins: tuple[Bins, Bins]
) -> None:
    x, word, target = rows
    known = ~(np.isnan(x) | (x == -9.0))
    x, word, target = x[known], word[known], target[known]
    number, text = bins
    fit = fitted_points([number, text], [x, word], target, ridge=1e-6, lasso=0.0)
    score = fit.intercept + fit.contributions[0][number.bin_of(x)] + fit.contributions[1][text.bin_of(word)]
    dummies = np.hstack([np.eye(number.count)[number.bin_of(x)], np.eye(text.count)[text.bin_of(word)]])
    peer = LogisticRegression(C=1e6, max_iter=2_000, tol=1e-8).fit(dummies, target).decision_function(dummies)
    np.testing.assert_allclose(score, peer, atol=0.02)


def test_a_column_that_says_nothing_has_no_bins() -> None:
    draws = np.random.default_rng(0)
    assert bins_of(np.ones(500), draws.integers(0, 2, 500).astype(float), missing_codes=NO_CODES) is None


def test_a_valley_keeps_its_shape_where_no_direction_fits() -> None:
    draws = np.random.default_rng(2)
    x = draws.uniform(-1, 1, 8_000)
    target = (draws.uniform(size=8_000) < 0.05 + 0.5 * x**2).astype(float)
    valley = bins_of(x, target, missing_codes=NO_CODES)
    assert valley is not None
    lowest = int(np.argmin(valley.levels))
    assert 0 < lowest < valley.count - 1


def test_a_number_that_parts_the_classes_wholly_still_has_bins() -> None:
    draws = np.random.default_rng(1)
    target = (draws.uniform(size=300) < 0.3).astype(float)
    bins = bins_of(target * 2.0 + draws.normal(0, 0.01, 300), target, missing_codes=NO_CODES)
    assert bins is not None
    assert bins.levels[-1] - bins.levels[0] > 5.0
