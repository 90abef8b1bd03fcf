"""Bins of a characteristic with a monotone trend: optbinning finds them, here they become plain data."""

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from optbinning import ContinuousOptimalBinning, OptimalBinning
from sklearn.isotonic import isotonic_regression

LIKELY = 0.5
"""Pseudo-count that keeps the log odds of a pure bin finite."""

BADS_A_BIN = 5.0
"""Bad (or good, whichever are fewer) that an average bin holds at least, where bins of 1 to 5 % allow."""

PARTS = 20
"""Quantile parts in which a number's trend is looked at."""

TREND_SHARE = 0.75
"""A number has one direction where that explains this share of what its parts explain beyond chance."""


@dataclass(frozen=True, slots=True)
class Bins:
    """The bins of one characteristic.

    Parameters
    ----------
    edges
        Inner edges of a number, rising.
    category_bins
        For text instead: the bin of each category code; -1 for one with no row.
    codes
        Missing codes that were seen.
    levels
        Log odds of each bin, from the training rows.
    """

    edges: NDArray[np.float64]
    category_bins: NDArray[np.int64]
    codes: NDArray[np.float64]
    levels: NDArray[np.float64]

    @property
    def count(self) -> int:
        """How many bins of known values there are."""
        return len(self.levels)

    def bin_of(self, column: NDArray[np.float64]) -> NDArray[np.int64]:
        """The bin of each value: 0 .. count - 1 as ordered; count is missing; then one a missing code."""
        missing = np.isnan(column)
        if len(self.category_bins):
            codes = np.where(missing, 0, column).astype(np.int64)
            inside = (codes >= 0) & (codes < len(self.category_bins))
            bins = np.where(inside, self.category_bins[np.where(inside, codes, 0)], -1)
            missing |= bins < 0
        else:
            bins = np.searchsorted(self.edges, column, side="right")
        bins = np.where(missing, self.count, bins)
        for k, code in enumerate(self.codes):
            bins[column == code] = self.count + 1 + k
        return bins.astype(np.int64)


def log_odds(bads: NDArray[np.float64], rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Log odds of the bad outcome from sums of the target and rows, never infinite."""
    levels: NDArray[np.float64] = np.log((bads + LIKELY) / (rows - bads + LIKELY))
    return levels


def bins_of(
    column: NDArray[np.float64],
    target: NDArray[np.float64],
    *,
    categories: int = 0,
    missing_codes: NDArray[np.float64],
    share: bool = False,
) -> Bins | None:
    """Bins with a monotone trend, or None where one bin is all there is.

    Parameters
    ----------
    column
        ``(n,)``; NaN is missing.
    target
        ``(n,)``; 0 or 1, or a share in [0, 1] where ``share`` says so.
    categories
        How many category codes there are; 0 for a number.
    missing_codes
        Values that stand for missing and have a bin of their own.
    share
        Whether the target is a share.
    """
    codes = (
        np.array([code for code in missing_codes if np.any(column == code)])
        if not categories
        else np.empty(0)
    )
    known = ~(np.isnan(column) | np.isin(column, codes))
    x, y = column[known], target[known]
    if len(x) < 40 or x.min() == x.max():  # noqa: PLR2004 - too few to bin
        return None
    binning = fitted(x, y, categories, share)
    if binning is None:
        return None
    if categories:
        category_bins = np.full(categories, -1, dtype=np.int64)
        for k, group in enumerate(binning.splits):
            category_bins[np.asarray(group, dtype=np.int64)] = k
        edges, which, count = np.empty(0), category_bins[x.astype(np.int64)], len(binning.splits)
    else:
        category_bins, edges = np.empty(0, dtype=np.int64), np.asarray(binning.splits, dtype=np.float64)
        which, count = np.searchsorted(edges, x, side="right"), len(edges) + 1
    rows = np.bincount(which, minlength=count).astype(np.float64)
    bads = np.bincount(which, weights=y, minlength=count).astype(np.float64)
    levels = log_odds(bads, rows)
    return Bins(edges, category_bins, codes, levels) if count > 1 else None


def fitted(
    x: NDArray[np.float64], y: NDArray[np.float64], categories: int, share: bool
) -> OptimalBinning | ContinuousOptimalBinning | None:
    """Optbinning's answer: many fine bins where rows allow, few where they do not."""
    rows = len(x)
    bads = float(min(y.sum(), rows - y.sum()))
    least = float(np.clip(BADS_A_BIN / max(bads, 1.0), 0.01, 0.05))
    options: dict[str, object] = {
        "dtype": "categorical" if categories else "numerical",
        "max_n_prebins": 15 if rows >= 5_000 else 12,  # noqa: PLR2004
        "min_prebin_size": least,
        "min_bin_size": least,
    }
    if not categories:
        options["monotonic_trend"] = trend_of(x, y)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it speaks of dtypes of its own dependencies
        try:
            if not share:
                binning = OptimalBinning(**options, solver="cp").fit(x, y.astype(np.int64))
                if len(binning.splits) > (1 if categories else 0):
                    return binning
            # it merges a bin of one class away; where that leaves nothing, bins of the mean still part it
            return ContinuousOptimalBinning(**options).fit(x, y)
        except (ValueError, RuntimeError):
            return None  # nothing to split


def trend_of(x: NDArray[np.float64], y: NDArray[np.float64]) -> str:
    """How the outcome moves with a number, as optbinning names it.

    Ascending or descending, whichever isotonic fit explains more; a peak or a valley only where neither
    explains `TREND_SHARE` of what the parts explain beyond chance, and that is worth telling.
    """
    means, counts = parts_of(x, y)
    rising, falling = isotonic_spread(means, counts), isotonic_spread(-means, counts)
    whole = float(np.sum(counts * (means - np.average(means, weights=counts)) ** 2))
    noise = float(y.var()) * (len(means) - 1)
    signal = whole - noise
    if signal > 2.0 * noise and max(rising, falling) < TREND_SHARE * signal:
        return "auto"
    return "ascending" if rising >= falling else "descending"


def parts_of(
    x: NDArray[np.float64], y: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean outcome and rows of twenty quantile parts of a number."""
    edges = np.unique(np.quantile(x, np.linspace(0.0, 1.0, PARTS + 1)[1:-1]))
    which = np.searchsorted(edges, x, side="right")
    counts = np.bincount(which, minlength=len(edges) + 1).astype(np.float64)
    used = counts > 0
    sums = np.bincount(which, weights=y, minlength=len(counts))
    return sums[used] / counts[used], counts[used]


def isotonic_spread(means: NDArray[np.float64], counts: NDArray[np.float64]) -> float:
    """The variance that a rising isotonic fit explains, times rows."""
    fit = isotonic_regression(means, sample_weight=counts)
    centre = np.average(fit, weights=counts)
    return float(np.sum(counts * (fit - centre) ** 2))
