"""Models of a share: loss given default, and the conversion factor of an undrawn limit.

A fractional logit over monotone bins, in the same points as the PD scorecard. It is kept only where it
explains something on rows it never saw: where the lower end of its out-of-fold R2 is not above zero, the
model is the means of segments instead, each drawn to the overall mean by its credibility, and says so.
"""

from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from limitkeeper.core.kernel.errors import InputError
from limitkeeper.core.kernel.progress import Progress
from limitkeeper.learn.binning import Bins
from limitkeeper.learn.champion import Champion, Material, candidates_of
from limitkeeper.learn.points import Fit
from limitkeeper.learn.table import ChampionPart, Learned, Table, held_out_pd, learned, made
from limitkeeper.learn.validation import log_odds_of, r_squared_with_interval


class Segments(NamedTuple):
    """The means of one characteristic's bins, by credibility between their own and the overall mean."""

    means: NDArray[np.float64]
    credibility: NDArray[np.float64]
    overall: float


def share_target_of(series: pl.Series) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """The target as a share in [0, 1]: outside values are clipped and counted; NaN is missing.

    Raises
    ------
    InputError
        When the target holds no numbers.
    """
    if not (series.dtype.is_numeric() or series.dtype == pl.Boolean):
        raise InputError(
            f"The target '{series.name}' is no share.", value=series.dtype, allowed="numbers between 0 and 1"
        )
    share = series.cast(pl.Float64).fill_null(float("nan")).to_numpy().copy()
    share[~np.isfinite(share)] = np.nan
    outside = int(np.sum((share < 0.0) | (share > 1.0)))
    notes = (f"{series.name}: {outside} values outside 0 to 1 were clipped.",) if outside else ()
    return np.clip(share, 0.0, 1.0), notes


def credible_means(which: NDArray[np.int64], target: NDArray[np.float64], segments: int) -> Segments:
    """Bühlmann-Straub means of segments.

    ``mean = z * own + (1 - z) * overall``, ``z = n / (n + within / between)``; where segments do not differ
    by more than chance, ``z`` is 0.

    Parameters
    ----------
    which
        ``(n,)``; the segment of each row.
    target
        ``(n,)``; shares.
    segments
        How many there are; one without rows gets the overall mean.

    Examples
    --------
    >>> credible_means(np.array([0, 0, 1, 1]), np.array([0.2, 0.2, 0.8, 0.8]), 2).means.tolist()
    [0.2, 0.8]
    """
    rows = np.bincount(which, minlength=segments).astype(np.float64)
    overall = float(target.mean())
    own = np.divide(
        np.bincount(which, weights=target, minlength=segments),
        rows,
        out=np.full(segments, overall),
        where=rows > 0,
    )
    used = int((rows > 0).sum())
    total = rows.sum()
    within = float(np.sum((target - own[which]) ** 2)) / max(total - used, 1.0)
    spread = float(np.sum(rows * (own - overall) ** 2)) - (used - 1) * within
    between = spread / max(total - float(np.sum(rows**2)) / total, 1e-12)
    credibility = rows / (rows + within / between) if between > 0.0 else np.zeros(segments)
    return Segments(credibility * own + (1.0 - credibility) * overall, credibility, overall)


def segment_part(table: Table, fitted_rows: NDArray[np.int64], seed: int) -> ChampionPart:  # noqa: ARG001 - one shape for all parts
    """The means of the segments of the one characteristic that explains most, as a scorecard of one line."""
    material, derivations = table.material(fitted_rows)
    champion = segment_champion(material.at(fitted_rows))
    scorecard = champion.scorecard(derivations)
    return ChampionPart(champion, scorecard, derivations, scorecard.scored(material.columns).pd)


def segment_champion(material: Material) -> Champion:
    """Segment means on the log-odds scale; no line at all where nothing can be parted."""
    explained: dict[str, tuple[float, Bins, Segments]] = {}
    for name in candidates_of(material)[:10]:
        bins = material.bins(name)
        if bins is not None:
            which = bins.bin_of(material.columns[name])
            segments = credible_means(which, material.target, bins.count + 1 + len(bins.codes))
            explained[name] = (float(np.var(segments.means[which])), bins, segments)
    base = float(log_odds_of(np.array([material.target.mean()]))[0])
    best = max(explained, key=lambda name: explained[name][0], default=None)
    if best is None or explained[best][0] <= 0.0:
        return Champion((), (), Fit(base, (), np.empty(0)), 1.0, 0.0, (0.0, 0.0))
    spread, bins, segments = explained[best]
    contributions = log_odds_of(segments.means) - base
    return Champion((best,), (bins,), Fit(base, (contributions,), np.array([spread])), 1.0, 0.0, (0.0, 0.0))


def severity_learned(table: Table, seed: int, progress: Progress) -> tuple[Learned, dict[str, Any]]:
    """The share model that held-out rows support, and what its card says of the choice."""
    regression = learned(table, seed, progress)
    everyone = np.arange(len(table.target))
    fitted = [np.setdiff1d(everyone, held, assume_unique=True) for held in regression.held_rows]
    segments = list(made(table, [(segment_part, rows) for rows in (everyone, *fitted)], seed))
    overall = np.empty(len(table.target))
    for rows, held in zip(fitted, regression.held_rows, strict=True):
        overall[held] = table.target[rows].mean()
    by_regression = held_out_pd(regression.champion_folds, regression.held_rows, len(everyone))
    by_segments = held_out_pd(segments[1:], regression.held_rows, len(everyone))
    signal = r_squared_with_interval(table.target, by_regression, overall, seed=seed)
    of_segments = r_squared_with_interval(table.target, by_segments, overall, seed=seed)
    has_signal = signal.low > 0.0
    result = (
        regression if has_signal else regression._replace(champion=segments[0], champion_folds=segments[1:])
    )
    used = by_regression if has_signal else by_segments
    card: dict[str, Any] = {
        "target_mean": float(table.target.mean()),
        "target_deviation": float(table.target.std()),
        "validation": f"{len(fitted)}-fold; figures over all held-out rows together",
        "r2": signal.value,
        "r2_95": [signal.low, signal.high],
        "segment_r2": of_segments.value,
        "segment_r2_95": [of_segments.low, of_segments.high],
        "has_signal": has_signal,
        "form": "fractional logit over monotone bins" if has_signal else "segment means by credibility",
        "mean_absolute_error": float(np.mean(np.abs(table.target - used))),
        "root_mean_squared_error": float(np.sqrt(np.mean((table.target - used) ** 2))),
        "mean_predicted": float(used.mean()),
        "notes": [verdict(has_signal, signal.value, signal.low)],
    }
    return result, card


def verdict(has_signal: bool, value: float, low: float) -> str:
    """Whether there was a signal, in a sentence."""
    figures = f"out-of-fold R2 {value:.3f}, lower bound {low:.3f}"
    if has_signal:
        return f"There is a signal ({figures}): the model is a fractional logit over bins."
    return f"There is no signal that held-out rows confirm ({figures}): the model is segment means."
