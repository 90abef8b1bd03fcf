"""The figures every model card shows, from outcomes and predictions that were not fitted on them."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.stats import norm, rankdata

CALIBRATION_BINS = 10
STABILITY_BINS = 10
LEAST_SHARE = 1e-4
"""A bin without rows counts as this share in a stability index, so that its logarithm exists."""

Outcome = NDArray[np.float64]


class Interval(NamedTuple):
    """An estimate with its 95 % interval."""

    value: float
    low: float
    high: float


def auc_with_interval(target: Outcome, risk: NDArray[np.float64]) -> Interval:
    """The area under the ROC curve and its DeLong 95 % interval.

    Parameters
    ----------
    target
        ``(n,)``; 0 or 1.
    risk
        ``(n,)``; higher is riskier.

    Returns
    -------
    Interval
        NaN throughout where one class is absent.

    Source
    ------
    DeLong, DeLong, Clarke-Pearson (1988); the midrank form of Sun and Xu (2014).

    Examples
    --------
    >>> round(auc_with_interval(np.array([0.0, 0.0, 1.0, 1.0]), np.array([0.1, 0.4, 0.35, 0.8])).value, 2)
    0.75
    """
    bads, goods = risk[target == 1.0], risk[target == 0.0]
    if not len(bads) or not len(goods):
        return Interval(np.nan, np.nan, np.nan)
    together = rankdata(np.concatenate([bads, goods]))
    beaten_by_bad = (together[: len(bads)] - rankdata(bads)) / len(goods)
    beating_good = 1.0 - (together[len(bads) :] - rankdata(goods)) / len(bads)
    area = float(beaten_by_bad.mean())
    if min(len(bads), len(goods)) < 2:  # noqa: PLR2004 - no variance of one
        return Interval(area, np.nan, np.nan)
    error = np.sqrt(beaten_by_bad.var(ddof=1) / len(bads) + beating_good.var(ddof=1) / len(goods))
    half = float(norm.ppf(0.975) * error)
    return Interval(area, max(0.0, area - half), min(1.0, area + half))


def roc_curve(target: Outcome, risk: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """False and true positive rates at every distinct threshold, riskiest first, from (0, 0) to (1, 1)."""
    order = np.argsort(-risk, kind="stable")
    last = np.append(np.diff(risk[order]) != 0.0, True)
    bads, goods = np.cumsum(target[order]), np.cumsum(1.0 - target[order])
    true = np.concatenate([[0.0], bads[last] / max(bads[-1], 1.0)])
    false = np.concatenate([[0.0], goods[last] / max(goods[-1], 1.0)])
    return false, true


def kolmogorov_smirnov(target: Outcome, risk: NDArray[np.float64]) -> float:
    """The largest gap between the distributions of bad and good."""
    false, true = roc_curve(target, risk)
    return float(np.max(np.abs(true - false)))


def calibration_line(target: Outcome, pd: NDArray[np.float64]) -> tuple[float, float]:
    """Slope and intercept of the outcome's log odds on the predicted log odds; (1, 0) is calibrated."""
    return logistic_line(log_odds_of(pd), target)


def log_odds_of(pd: NDArray[np.float64]) -> NDArray[np.float64]:
    """Log odds of a probability, kept finite."""
    held = np.clip(pd, 1e-9, 1.0 - 1e-9)
    odds: NDArray[np.float64] = np.log(held / (1.0 - held))
    return odds


def logistic_line(score: NDArray[np.float64], target: Outcome) -> tuple[float, float]:
    """Slope and intercept of a logistic regression of the target on one score, by maximum likelihood.

    The target may be a share. A negligible ridge keeps a separated sample finite.
    """
    centre, spread = float(score.mean()), float(score.std()) or 1.0
    x = (score - centre) / spread
    rows = max(len(target), 1)

    def objective(line: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        z = line[0] * x + line[1]
        residual = 1.0 / (1.0 + np.exp(-z)) - target
        loss = float(np.sum(np.logaddexp(0.0, z) - target * z)) + 1e-3 * float(line[0] ** 2)
        gradient = np.array([float(np.sum(residual * x)) + 2e-3 * line[0], float(residual.sum())])
        return loss / rows, gradient / rows

    held = float(np.clip(target.mean(), 1e-6, 1 - 1e-6))
    first = np.array([1.0, np.log(held / (1.0 - held))])
    slope, intercept = minimize(
        objective, first, jac=True, method="L-BFGS-B", options={"gtol": 1e-10, "ftol": 1e-14}
    ).x
    return float(slope / spread), float(intercept - slope * centre / spread)


def calibration_bins(
    target: Outcome, pd: NDArray[np.float64], bins: int = CALIBRATION_BINS
) -> list[dict[str, float]]:
    """Rows, mean PD and bad rate of ten equal parts by PD; accounts of one PD are never parted."""
    edges = np.unique(np.quantile(pd, np.linspace(0.0, 1.0, bins + 1)[1:-1])) if len(pd) else np.empty(0)
    which = np.searchsorted(edges, pd, side="left")
    parts = []
    for part in range(len(edges) + 1):
        inside = which == part
        if inside.any():
            parts.append(
                {
                    "rows": int(inside.sum()),
                    "mean_pd": float(pd[inside].mean()),
                    "bad_rate": float(target[inside].mean()),
                }
            )
    return parts


def expected_calibration_error(target: Outcome, pd: NDArray[np.float64]) -> float:
    """The mean gap between PD and bad rate over ten quantile bins, weighted by rows."""
    gaps = [part["rows"] * abs(part["mean_pd"] - part["bad_rate"]) for part in calibration_bins(target, pd)]
    return float(sum(gaps) / max(len(pd), 1))


def population_stability(expected: Sequence[float], actual: Sequence[float]) -> float:
    """The stability index of two distributions over the same bins.

    ``sum((a - e) * ln(a / e))`` over shares; below 0.10 stable, above 0.25 shifted.

    Parameters
    ----------
    expected, actual
        Counts a bin.

    Examples
    --------
    >>> round(population_stability([50, 50], [60, 40]), 4)
    0.0405
    """
    shares = [
        np.maximum(np.asarray(counts, dtype=np.float64) / max(sum(counts), 1), LEAST_SHARE)
        for counts in (expected, actual)
    ]
    return float(np.sum((shares[1] - shares[0]) * np.log(shares[1] / shares[0])))


def score_stability(expected: NDArray[np.float64], actual: NDArray[np.float64]) -> float:
    """The stability index of a score: ten quantile bins of the expected sample."""
    edges = np.unique(np.quantile(expected, np.linspace(0.0, 1.0, STABILITY_BINS + 1)[1:-1]))
    counted = [
        np.bincount(np.searchsorted(edges, sample, side="right"), minlength=len(edges) + 1).tolist()
        for sample in (expected, actual)
    ]
    return population_stability(*counted)


def figures(target: Outcome, pd: NDArray[np.float64]) -> dict[str, float | list[float]]:
    """All figures of one set of predictions: discrimination, accuracy, calibration."""
    area = auc_with_interval(target, pd)
    slope, intercept = calibration_line(target, pd)
    return {
        "auc": area.value,
        "auc_95": [area.low, area.high],
        "ks": kolmogorov_smirnov(target, pd),
        "gini": 2.0 * area.value - 1.0,
        "brier": float(np.mean((pd - target) ** 2)),
        "calibration_slope": slope,
        "calibration_intercept": intercept,
        "ece": expected_calibration_error(target, pd),
    }


def r_squared_with_interval(
    target: Outcome,
    predicted: NDArray[np.float64],
    baseline: NDArray[np.float64],
    draws: int = 1_000,
    seed: int = 0,
) -> Interval:
    """``1 - SSE / SSE of the baseline`` out of fold, with a bootstrap 95 % interval over rows.

    Parameters
    ----------
    target, predicted
        ``(n,)``.
    baseline
        ``(n,)``; what the training rows alone would have said, their mean or segment means.
    """
    own, base = (target - predicted) ** 2, (target - baseline) ** 2
    generator = np.random.default_rng(seed)
    values = np.empty(draws)
    for draw in range(draws):
        rows = generator.integers(0, len(target), len(target))
        values[draw] = 1.0 - own[rows].sum() / max(base[rows].sum(), 1e-12)
    low, high = np.quantile(values, [0.025, 0.975])
    return Interval(float(1.0 - own.sum() / max(base.sum(), 1e-12)), float(low), float(high))
