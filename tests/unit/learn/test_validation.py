"""The figures of a card against scikit-learn, scipy, the bootstrap and hand-made numbers."""

import numpy as np
import pytest
from scipy.stats import ks_2samp
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, roc_auc_score

from limitkeeper.core.compliance.shares import exact_interval
from limitkeeper.core.risk.pd_bands import pd_bands_of_card, pd_interval
from limitkeeper.learn.validation import (
    auc_difference_with_interval,
    auc_with_interval,
    calibration_bins,
    calibration_line,
    calibration_p_value,
    calibration_slope_with_interval,
    expected_calibration_error,
    figures,
    kolmogorov_smirnov,
    kolmogorov_smirnov_with_interval,
    log_odds_of,
    observed_to_expected,
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
    parts = calibration_bins(target, pd)
    assert [(part["rows"], part["bads"]) for part in parts] == [(100, 20), (100, 30)]
    assert [(part["low"], part["high"]) for part in parts] == [
        exact_interval(20, 100),
        exact_interval(30, 100),
    ]
    bands = pd_bands_of_card({"champion": {"calibration_bins": parts}})
    assert pd_interval(bands, 0.1) == pytest.approx((0.1, exact_interval(20, 100)[1]))  # never without the PD
    assert pd_interval(bands, 0.3) == pytest.approx(exact_interval(30, 100))
    low, high = pd_interval(bands, 0.9) or (0.0, 0.0)
    assert low < 0.9 < high  # the wide band's rate of 30 in 100 is none of an account with a PD of 0.9
    assert pd_interval(bands, float("nan")) is None
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


def test_weight_of_three_is_three_accounts(sample: tuple[np.ndarray, np.ndarray]) -> None:
    target, pd = sample
    weight = np.random.default_rng(2).integers(1, 4, len(pd))
    weighted = auc_with_interval(target, pd, weight.astype(float))
    repeated = roc_auc_score(np.repeat(target, weight), np.repeat(pd, weight))
    assert weighted.value == pytest.approx(repeated, abs=1e-12)
    assert auc_with_interval(target, pd, np.full(len(pd), 7.0)) == pytest.approx(
        auc_with_interval(target, pd)
    )


def test_unequal_weights_widen_the_interval_as_the_bootstrap_does(
    sample: tuple[np.ndarray, np.ndarray],
) -> None:
    target, pd = sample
    draws = np.random.default_rng(4)
    weight = np.where(draws.uniform(size=len(pd)) < 0.1, 10.0, 1.0)
    areas = []
    for _ in range(300):
        rows = draws.integers(0, len(pd), len(pd))
        areas.append(auc_with_interval(target[rows], pd[rows], weight[rows]).value)
    interval = auc_with_interval(target, pd, weight)
    width = np.quantile(areas, 0.975) - np.quantile(areas, 0.025)
    assert interval.high - interval.low == pytest.approx(width, rel=0.15)


def test_difference_of_two_aucs_has_the_interval_of_the_paired_bootstrap(
    sample: tuple[np.ndarray, np.ndarray],
) -> None:
    target, pd = sample
    draws = np.random.default_rng(5)
    other = pd + 0.1 * draws.normal(size=len(pd))
    found = auc_difference_with_interval(target, pd, other)
    assert found.value == pytest.approx(roc_auc_score(target, pd) - roc_auc_score(target, other), abs=1e-12)
    differences = []
    for _ in range(300):
        rows = draws.integers(0, len(pd), len(pd))
        differences.append(auc_difference_with_interval(target[rows], pd[rows], other[rows]).value)
    assert found.high - found.low == pytest.approx(
        np.quantile(differences, 0.975) - np.quantile(differences, 0.025), rel=0.15
    )
    assert auc_difference_with_interval(target, pd, pd) == pytest.approx((0.0, 0.0, 0.0))


def test_interval_of_the_ks_is_that_of_the_bootstrap(sample: tuple[np.ndarray, np.ndarray]) -> None:
    target, pd = sample
    found = kolmogorov_smirnov_with_interval(target, pd)
    assert found.value == pytest.approx(kolmogorov_smirnov(target, pd))
    draws = np.random.default_rng(6)
    gaps = []
    for _ in range(300):
        rows = draws.integers(0, len(pd), len(pd))
        gaps.append(kolmogorov_smirnov(target[rows], pd[rows]))
    assert found.high - found.low == pytest.approx(
        np.quantile(gaps, 0.975) - np.quantile(gaps, 0.025), rel=0.25
    )


def test_observed_over_expected_keeps_what_its_interval_and_test_promise() -> None:
    draws = np.random.default_rng(8)
    pd = draws.beta(1, 8, 400)
    missed = refused = 0
    for _ in range(1_000):
        target = (draws.uniform(size=400) < pd).astype(float)
        found = observed_to_expected(target, pd)
        missed += not found.low <= 1.0 <= found.high
        refused += calibration_p_value(target, pd) <= 0.05
    assert missed <= 50
    assert refused <= 50
    assert refused >= 10, "exact, and not blind"


def test_observed_over_expected_of_none_and_of_all() -> None:
    none, everybody = (observed_to_expected(np.full(50, share), np.full(50, 0.2)) for share in (0.0, 1.0))
    assert (none.value, none.low) == (0.0, 0.0)
    assert (everybody.value, everybody.high) == pytest.approx((5.0, 5.0))
    assert none.high < 1.0 < everybody.low


def test_slope_of_the_true_odds_is_one_within_its_interval(sample: tuple[np.ndarray, np.ndarray]) -> None:
    target, pd = sample
    found = calibration_slope_with_interval(target, pd)
    assert found.low < 1.0 < found.high
    draws = np.random.default_rng(9)
    slopes = []
    for _ in range(200):
        rows = draws.integers(0, len(pd), len(pd))
        slopes.append(calibration_line(target[rows], pd[rows])[0])
    assert found.high - found.low == pytest.approx(
        np.quantile(slopes, 0.975) - np.quantile(slopes, 0.025), rel=0.2
    )
    assert np.isnan(calibration_slope_with_interval(np.zeros(5), np.linspace(0.1, 0.5, 5))).all()
