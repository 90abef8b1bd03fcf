"""The figures of a card against scikit-learn, scipy, the bootstrap and hand-made numbers."""

import numpy as np
import pytest
from scipy.stats import ks_2samp
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, roc_auc_score

from limitkeeper.learn.validation import (
    auc_with_interval,
    calibration_bins,
    calibration_line,
    expected_calibration_error,
    figures,
    kolmogorov_smirnov,
    log_odds_of,
    r_squared_with_interval,
    roc_curve,
    score_stability,
)


@pytest.fixture(scope="module")
def sample() -> tuple[np.ndarray, np.ndarray]:
    draws = np.random.default_rng(3)
    pd = np.round(draws.beta(2, 6, 1_500), 2) * 0.98 + 0.01
    return (draws.uniform(size=1_500) < pd).astype(float), pd


def test_auc_ks_and_brier_are_those_of_the_libraries(sample: tuple[np.ndarray, np.ndarray]) -> None:
    target, pd = sample
    assert auc_with_interval(target, pd).value == pytest.approx(roc_auc_score(target, pd), abs=1e-12)
    assert kolmogorov_smirnov(target, pd) == pytest.approx(
        ks_2samp(pd[target == 1], pd[target == 0]).statistic
    )
    assert figures(target, pd)["brier"] == pytest.approx(brier_score_loss(target, pd))


def test_delong_interval_is_that_of_the_bootstrap(sample: tuple[np.ndarray, np.ndarray]) -> None:
    target, pd = sample
    draws = np.random.default_rng(0)
    areas = []
    for _ in range(400):
        rows = draws.integers(0, len(pd), len(pd))
        areas.append(auc_with_interval(target[rows], pd[rows]).value)
    low, high = np.quantile(areas, [0.025, 0.975])
    interval = auc_with_interval(target, pd)
    assert interval.low == pytest.approx(low, abs=0.006)
    assert interval.high == pytest.approx(high, abs=0.006)


def test_the_area_under_the_roc_curve_is_the_auc(sample: tuple[np.ndarray, np.ndarray]) -> None:
    target, pd = sample
    false, true = roc_curve(target, pd)
    assert np.trapezoid(true, false) == pytest.approx(auc_with_interval(target, pd).value)


def test_one_class_alone_has_no_auc() -> None:
    assert np.isnan(auc_with_interval(np.zeros(3), np.array([0.1, 0.2, 0.3]))).all()


def test_calibration_line_is_an_unpenalised_logistic_regression(
    sample: tuple[np.ndarray, np.ndarray],
) -> None:
    target, pd = sample
    odds = log_odds_of(pd**1.5)
    fit = LogisticRegression(C=1e8, tol=1e-10).fit(odds[:, None], target)
    assert calibration_line(target, pd**1.5) == pytest.approx((fit.coef_[0, 0], fit.intercept_[0]), abs=2e-3)


def test_calibration_error_of_two_known_parts() -> None:
    pd = np.repeat([0.1, 0.3], 100)
    target = np.concatenate([np.arange(100) < 20, np.arange(100) < 30]).astype(float)
    assert [part["rows"] for part in calibration_bins(target, pd)] == [100, 100]
    assert expected_calibration_error(target, pd) == pytest.approx(0.05)


def test_stability_of_a_score_with_itself_is_zero_and_grows_with_a_shift() -> None:
    score = np.random.default_rng(0).normal(size=4_000)
    assert score_stability(score, score) == 0.0
    assert score_stability(score, score + 1.0) > 0.25 > score_stability(score, score + 0.1)


def test_r_squared_of_the_baseline_is_zero_and_of_the_truth_is_one() -> None:
    target = np.random.default_rng(0).uniform(size=300)
    mean = np.full(300, target.mean())
    assert r_squared_with_interval(target, mean, mean) == pytest.approx((0.0, 0.0, 0.0))
    assert r_squared_with_interval(target, target, mean) == pytest.approx((1.0, 1.0, 1.0))
    noise = r_squared_with_interval(target, np.random.default_rng(1).uniform(size=300), mean)
    assert noise.low < noise.value < noise.high < 0.0
