"""The figures every model card shows, from outcomes and predictions that were not fitted on them."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq, minimize
from scipy.stats import binom, chi2

from limitkeeper.core.compliance.shares import Z_95, exact_interval
from limitkeeper.core.drift.stability import population_stability

CALIBRATION_BINS = 10
STABILITY_BINS = 10

Outcome = NDArray[np.float64]


class Interval(NamedTuple):
    """An estimate with its 95 % interval."""

    value: float
    low: float
    high: float


def auc_with_interval(
    target: Outcome, risk: NDArray[np.float64], weight: NDArray[np.float64] | None = None
) -> Interval:
    """The area under the ROC curve and its DeLong 95 % interval.

    Parameters
    ----------
    target
        ``(n,)``; 0 or 1.
    risk
        ``(n,)``; higher is riskier.
    weight
        ``(n,)``, above 0: for how many accounts each stands; None: each for itself.

    Returns
    -------
    Interval
        NaN throughout where one class is absent.

    Source
    ------
    DeLong, DeLong, Clarke-Pearson (1988), each account's part counted by its weight.

    Examples
    --------
    >>> round(auc_with_interval(np.array([0.0, 0.0, 1.0, 1.0]), np.array([0.1, 0.4, 0.35, 0.8])).value, 2)
    0.75
    """
    weights = np.ones(len(target)) if weight is None else weight
    bad = target == 1.0
    return _mean_of_placements(*_placements(bad, risk, weights), weights[bad], weights[~bad])


def auc_difference_with_interval(
    target: Outcome, first: NDArray[np.float64], second: NDArray[np.float64]
) -> Interval:
    """The first AUC less the second with the DeLong 95 % interval of two scores of the same accounts.

    Parameters
    ----------
    target, first, second
        ``(n,)``; outcome, and two risks.

    Examples
    --------
    >>> auc_difference_with_interval(np.array([0.0, 0.0, 1.0, 1.0]), np.arange(4.0), -np.arange(4.0)).value
    1.0
    """
    bad, ones = target == 1.0, np.ones(len(target))
    parts = zip(_placements(bad, first, ones), _placements(bad, second, ones), strict=True)
    beaten, beating = (one - other for one, other in parts)
    return _mean_of_placements(beaten, beating, ones[bad], ones[~bad], least=-1.0)


def _placements(
    bad: NDArray[np.bool_], risk: NDArray[np.float64], weight: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The share of good that each bad account is riskier than, and of bad that are riskier than each good one."""

    def share_below(risks: NDArray[np.float64], others: NDArray[np.bool_]) -> NDArray[np.float64]:
        order = np.argsort(risk[others])
        ordered, cumulated = risk[others][order], np.concatenate([[0.0], np.cumsum(weight[others][order])])
        low, high = (cumulated[np.searchsorted(ordered, risks, side)] for side in ("left", "right"))
        share: NDArray[np.float64] = (low + high) / 2.0 / max(cumulated[-1], 1e-300)
        return share

    return share_below(risk[bad], ~bad), 1.0 - share_below(risk[~bad], bad)


def _mean_of_placements(
    beaten_by_bad: NDArray[np.float64],
    beating_good: NDArray[np.float64],
    bad_weight: NDArray[np.float64],
    good_weight: NDArray[np.float64],
    least: float = 0.0,
) -> Interval:
    """The mean of DeLong's placements with the interval that their spread in each class gives."""
    bads, goods = len(beaten_by_bad), len(beating_good)
    if not bads or not goods:
        return Interval(np.nan, np.nan, np.nan)
    area = float(np.average(beaten_by_bad, weights=bad_weight))
    if min(bads, goods) < 2:  # noqa: PLR2004 - no variance of one
        return Interval(area, np.nan, np.nan)
    variance = sum(
        float(np.sum((weight * (placement - area)) ** 2)) / float(weight.sum()) ** 2 * count / (count - 1)
        for placement, weight, count in (
            (beaten_by_bad, bad_weight, bads),
            (beating_good, good_weight, goods),
        )
    )
    half = Z_95 * np.sqrt(variance)
    return Interval(area, max(least, area - half), min(1.0, area + half))


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


def kolmogorov_smirnov_with_interval(target: Outcome, risk: NDArray[np.float64]) -> Interval:
    """The largest gap between bad and good, with the 95 % interval of a gap at that threshold.

    The threshold is taken as given, so that the interval is a little too narrow where accounts are few.

    Examples
    --------
    >>> target, risk = np.repeat([0.0, 1.0], 100), np.concatenate([np.arange(100), np.arange(30, 130)])
    >>> [round(each, 2) for each in kolmogorov_smirnov_with_interval(target, risk)]
    [0.3, 0.2, 0.4]
    """
    false, true = roc_curve(target, risk)
    bads = float(target.sum())
    goods = len(target) - bads
    if not bads or not goods:
        return Interval(np.nan, np.nan, np.nan)
    place = int(np.argmax(np.abs(true - false)))
    gap, hit, alarm = float(abs(true[place] - false[place])), float(true[place]), float(false[place])
    half = Z_95 * float(np.sqrt(hit * (1.0 - hit) / bads + alarm * (1.0 - alarm) / goods))
    return Interval(gap, max(0.0, gap - half), min(1.0, gap + half))


def observed_to_expected(target: Outcome, pd: NDArray[np.float64]) -> Interval:
    """Defaults over the sum of PDs with an exact 95 % interval: Clopper and Pearson's of the share that defaulted.

    Accounts with PDs of their own vary less in sum than as many with their mean, so that the interval holds at least
    what it promises.

    Source
    ------
    W. Hoeffding, On the distribution of the number of successes in
    independent trials, Annals of Mathematical Statistics 27, 1956.

    Examples
    --------
    >>> target = np.array([1.0] * 30 + [0.0] * 170)
    >>> [round(each, 2) for each in observed_to_expected(target, np.full(200, 0.10))]
    [1.5, 1.04, 2.07]
    """
    rows, bads, mean = len(target), float(target.sum()), float(pd.mean()) if len(pd) else 0.0
    if not mean:
        return Interval(np.nan, np.nan, np.nan)
    low, high = exact_interval(int(bads), rows) or (np.nan, np.nan)
    return Interval(bads / rows / mean, low / mean, high / mean)


def weighted_observed_to_expected(
    target: Outcome, pd: NDArray[np.float64], weight: NDArray[np.float64]
) -> Interval:
    """Defaults over the sum of PDs where each account stands for several, with a 95 % interval.

    ``sum(w y) / sum(w p)``; its error is that of a ratio of weighted sums, from ``w (y - ratio p)`` of each account.

    Parameters
    ----------
    target, pd, weight
        ``(n,)``; weights above 0.

    Source
    ------
    D. Horvitz and D. Thompson, A generalization of sampling without replacement from a finite universe, JASA 47, 1952.

    Examples
    --------
    >>> weighted_observed_to_expected(np.array([1.0, 0.0]), np.array([0.2, 0.2]), np.array([1.0, 9.0])).value
    0.5
    """
    expected = float(np.sum(weight * pd))
    if not expected:
        return Interval(np.nan, np.nan, np.nan)
    value = float(np.sum(weight * target)) / expected
    half = Z_95 * float(np.sqrt(np.sum((weight * (target - value * pd)) ** 2))) / expected
    return Interval(value, max(0.0, value - half), value + half)


def calibration_p_value(target: Outcome, pd: NDArray[np.float64]) -> float:
    """The exact two-sided probability of as many, or as few, defaults where the PDs hold.

    Twice the smaller tail of the binomial distribution of the mean PD, which is never less than that of the PDs
    themselves.

    Examples
    --------
    >>> round(calibration_p_value(np.array([1.0] * 30 + [0.0] * 170), np.full(200, 0.10)), 3)
    0.033
    """
    rows, bads, mean = len(target), float(target.sum()), float(pd.mean())
    tail = min(float(binom.cdf(bads, rows, mean)), float(binom.sf(bads - 1, rows, mean)))
    return min(2.0 * tail, 1.0)


def calibration_slope_with_interval(target: Outcome, pd: NDArray[np.float64]) -> Interval:
    """The slope of :func:`calibration_line` with its 95 % interval; below 1 the PDs are too far apart.

    NaN throughout where one class is absent or all PDs are one.
    """
    odds = log_odds_of(pd)
    if not 0.0 < target.mean() < 1.0 or float(np.ptp(odds)) == 0.0:
        return Interval(np.nan, np.nan, np.nan)
    slope, intercept = logistic_line(odds, target)
    chance = 1.0 / (1.0 + np.exp(-(intercept + slope * odds)))
    weight = chance * (1.0 - chance)
    centred = odds - np.average(odds, weights=weight)
    half = Z_95 / float(np.sqrt(np.sum(weight * centred**2)))
    return Interval(slope, slope - half, slope + half)


def calibration_slope_p_value(target: Outcome, pd: NDArray[np.float64]) -> float:
    """The probability of a slope as far from 1 where it is 1, by the likelihood ratio; the level is left free.

    Where defaults are few it keeps its promise better than the slope over its standard error.

    NaN where one class is absent or all PDs are one.
    """
    odds = log_odds_of(pd)
    if not 0.0 < target.mean() < 1.0 or float(np.ptp(odds)) == 0.0:
        return np.nan
    slope, intercept = logistic_line(odds, target)
    level = float(
        brentq(lambda shift: float(np.sum(1.0 / (1.0 + np.exp(-odds - shift)) - target)), -40.0, 40.0)
    )
    free, held = (
        float(np.sum(target * z - np.logaddexp(0.0, z))) for z in (intercept + slope * odds, level + odds)
    )
    return float(chi2.sf(max(2.0 * (free - held), 0.0), 1))


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
) -> list[dict[str, Any]]:
    """Ten equal parts by PD, accounts of one PD never parted: rows, bads, mean PD, bad rate with its exact interval.

    ``pd_to`` is the highest PD that belongs to a part; None of the last.
    """
    edges = np.unique(np.quantile(pd, np.linspace(0.0, 1.0, bins + 1)[1:-1])) if len(pd) else np.empty(0)
    which = np.searchsorted(edges, pd, side="left")
    parts = []
    for part in range(len(edges) + 1):
        inside = which == part
        if inside.any():
            rows, bads = int(inside.sum()), int(target[inside].sum())
            low, high = exact_interval(bads, rows) or (0.0, 1.0)
            parts.append(
                {
                    "rows": rows,
                    "bads": bads,
                    "mean_pd": float(pd[inside].mean()),
                    "pd_to": float(edges[part]) if part < which.max() else None,
                    "bad_rate": float(target[inside].mean()),
                    "low": low,
                    "high": high,
                }
            )
    return parts


def expected_calibration_error(target: Outcome, pd: NDArray[np.float64]) -> float:
    """The mean gap between PD and bad rate over ten quantile bins, weighted by rows."""
    gaps = [part["rows"] * abs(part["mean_pd"] - part["bad_rate"]) for part in calibration_bins(target, pd)]
    return float(sum(gaps) / max(len(pd), 1))


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
