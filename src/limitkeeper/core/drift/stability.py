"""How far a distribution has moved, and how likely chance alone moves it as far."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2, fisher_exact

LEAST_SHARE = 1e-4
"""A bin without rows counts as this share in a stability index, so that its logarithm exists."""


class Shift(NamedTuple):
    """How far a distribution lies from its reference.

    Parameters
    ----------
    stability
        The index over the merged bins.
    bins
        How many bins are left.
    p_value
        Probability of a shift as large where nothing moved; NaN with fewer than two bins.
    usual
        What the index stays below 95 times in 100 where nothing moved; NaN with fewer than two bins.
    """

    stability: float
    bins: int
    p_value: float
    usual: float


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


def merged_bins(
    expected: Sequence[int], actual: Sequence[int], least_expected: float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The counts over bins that are wide enough to be compared.

    A bin is joined with the next until the smaller of the two samples is to have ``least_expected`` rows in it by
    the reference; what is left over joins the last. What the actual sample holds has no say in it, so that chance
    does not choose the bins.

    Parameters
    ----------
    expected, actual
        Counts a bin, in the order of the bins.
    least_expected
        Rows that a bin is to have, above 0.

    Examples
    --------
    >>> [counts.tolist() for counts in merged_bins([50, 2, 48, 0], [10, 0, 0, 0], 1.0)]
    [[50, 50], [10, 0]]
    """
    before, after = np.asarray(expected, np.int64), np.asarray(actual, np.int64)
    rows = min(int(before.sum()), int(after.sum()))
    share = rows / max(int(before.sum()), 1)
    starts, held = [0], 0.0
    for place, count in enumerate(before.tolist()):
        held += count * share
        if held >= least_expected and place + 1 < len(before):
            starts.append(place + 1)
            held = 0.0
    if held < least_expected and len(starts) > 1:
        starts.pop()
    return np.add.reduceat(before, starts), np.add.reduceat(after, starts)


def shift_of(
    expected: Sequence[int], actual: Sequence[int], least_expected: float, ordered: int | None = None
) -> Shift:
    """How far a sample has moved from its reference.

    The index says how far; whether chance alone moves it as far is judged by Pearson's test that both samples come
    from one distribution. The index itself is spread as ``chi2(bins - 1) * (1 / n + 1 / N)`` in large samples, which
    gives ``usual``, but its far tail is reached much more often where bins are thin: at ten rows a bin four times as
    often as the thousandth part that the quantile promises, at five rows fifty times (decision 0024).

    What is in no order has no neighbour that it could be joined with: values that begin to be missing would be lost
    among the highest. Where such bins are thin by the reference, they are one bin, of which Fisher's exact test judges;
    of the two tests the smaller p-value counts, twice.

    Parameters
    ----------
    expected, actual
        Counts a bin, first those in order.
    least_expected
        As of :func:`merged_bins`.
    ordered
        How many bins are in order; those after them, as a missing value and codes, are not. None: all are.

    Source
    ------
    B. Yurdakul and J. Naranjo, Statistical properties of the population stability index, Journal of Risk Model
    Validation 14(4), 2020 (the index's distribution); K. Pearson, Philosophical Magazine 50, 1900.

    Examples
    --------
    >>> shift = shift_of([500, 500], [60, 40], 10)
    >>> round(shift.stability, 4), shift.bins, round(shift.p_value, 3), round(shift.usual, 4)
    (0.0405, 2, 0.056, 0.0423)
    >>> shift = shift_of([500, 500, 0], [40, 40, 20], 10, ordered=2)
    >>> round(shift.stability, 2), shift.bins, shift.p_value < 1e-9
    (1.56, 3, True)
    """
    total, rows = int(sum(expected)), int(sum(actual))
    if not total or not rows:
        return Shift(np.nan, 1, np.nan, np.nan)
    least_share = least_expected / min(total, rows)
    first = len(expected) if ordered is None else ordered
    apart = {k for k in range(first, len(expected)) if expected[k] / total < least_share}
    thin = [sum(counts[k] for k in apart) for counts in (expected, actual)]
    rest = [[count for k, count in enumerate(counts) if k not in apart] for counts in (expected, actual)]
    before, after = merged_bins(rest[0], rest[1], least_expected)
    p_values = [_pearson(before, after)]
    if any(thin):
        before, after = np.append(before, thin[0]), np.append(after, thin[1])
        odds = [[thin[0], total - thin[0]], [thin[1], rows - thin[1]]]
        p_values.append(float(fisher_exact(odds).pvalue))
    fills_two_bins = min(total, rows) >= 2 * least_expected
    known = [each for each in p_values if fills_two_bins and not np.isnan(each)]
    p_value = min(len(known) * min(known), 1.0) if known else np.nan
    usual = float(chi2.ppf(0.95, len(before) - 1) * (1.0 / rows + 1.0 / total)) if known else np.nan
    return Shift(population_stability(before.tolist(), after.tolist()), len(before), p_value, usual)


def _pearson(before: NDArray[np.int64], after: NDArray[np.int64]) -> float:
    """The p-value of Pearson's test that two samples come from one distribution; NaN with fewer than two bins."""
    total, rows = int(before.sum()), int(after.sum())
    if len(before) < 2 or not rows or not total:  # noqa: PLR2004 - one bin holds everything
        return np.nan
    pooled = (before + after) / (total + rows)
    distance = float(np.sum((after / rows - before / total) ** 2 / pooled)) / (1.0 / rows + 1.0 / total)
    return float(chi2.sf(distance, len(before) - 1))
