"""The champion: its characteristics, bins, points and calibration, all from training rows only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata
from sklearn.model_selection import KFold, StratifiedKFold

from limitkeeper.core.kernel.columns import Columns
from limitkeeper.core.risk.derivation import Derivation
from limitkeeper.core.risk.scorecard import Characteristic, Scorecard, hundredths
from limitkeeper.learn.binning import Bins, bins_of, log_odds
from limitkeeper.learn.points import Fit, fitted_points
from limitkeeper.learn.reason_suggestions import suggested_reason
from limitkeeper.learn.validation import log_odds_of, logistic_line

CANDIDATES_MOST = 48
"""Characteristics that are binned and fitted together before the weak ones go."""

CHARACTERISTICS_MOST = 24
"""Lines of the scorecard: as many as a committee can read."""

SPREAD_LEAST = 0.02
"""A characteristic whose points vary by less than this (standard deviation, log odds) goes."""

SAME_CORRELATION = 0.985
"""Above this rank correlation two characteristics say the same; the stronger stays."""

PENALTIES = ((0.5, 0.25), (2.0, 1.0), (6.0, 2.0), (20.0, 4.0), (60.0, 8.0))
"""Ridge and lasso weights tried on held-out rows, weakest first."""

FIRST_PENALTY = (6.0, 2.0)
"""Used while the characteristics are being chosen."""


@dataclass(frozen=True, slots=True)
class Material:
    """What a champion is fitted on.

    Parameters
    ----------
    columns
        Raw and derived, ``(k, n)``.
    target
        ``(n,)``; 0 or 1, or a share.
    categories
        Name of each text column -> how many codes it has.
    missing_codes
        Values of numbers that stand for missing.
    share
        Whether the target is a share.
    """

    columns: Columns
    target: NDArray[np.float64]
    categories: Mapping[str, int]
    missing_codes: NDArray[np.float64]
    share: bool = False

    def at(self, rows: NDArray[np.int64]) -> "Material":
        """The same for some rows."""
        columns = Columns(self.columns.names, self.columns.values[:, rows])
        return Material(columns, self.target[rows], self.categories, self.missing_codes, self.share)

    def binned(self, names: Sequence[str]) -> dict[str, Bins]:
        """The characteristics that part the target into bins, with those."""
        found = {name: self.bins(name) for name in names}
        return {name: bins for name, bins in found.items() if bins is not None}

    def bins(self, name: str) -> Bins | None:
        """The bins of one characteristic."""
        return bins_of(
            self.columns[name],
            self.target,
            categories=self.categories.get(name, 0),
            missing_codes=self.missing_codes,
            share=self.share,
        )


@dataclass(frozen=True, slots=True)
class Champion:
    """A fitted champion: names, bins and contributions in log odds, calibrated."""

    names: tuple[str, ...]
    bins: tuple[Bins, ...]
    fit: Fit
    slope: float
    intercept: float
    penalty: tuple[float, float]

    def raw_score(self, columns: Columns) -> NDArray[np.float64]:
        """Log odds before calibration."""
        score = np.full(len(columns), self.fit.intercept)
        for name, each, contribution in zip(self.names, self.bins, self.fit.contributions, strict=True):
            score += contribution[each.bin_of(columns[name])]
        return score

    def scorecard(self, derivations: Sequence[Derivation] = (), *, reasons: bool = True) -> Scorecard:
        """The same as points, the calibration folded in."""
        scale = Scorecard((), 0)
        labels = {derivation.name: derivation.label for derivation in derivations}
        inputs = {derivation.name: derivation.inputs for derivation in derivations}
        lines, base = [], scale.offset - scale.factor * (self.intercept + self.slope * self.fit.intercept)
        for name, each, contribution in zip(self.names, self.bins, self.fit.contributions, strict=True):
            points = [hundredths(-scale.factor * self.slope * float(value)) for value in contribution]
            count = each.count
            fallback = points[count]
            lines.append(
                Characteristic(
                    name=name,
                    label=labels.get(name, name),
                    reason=suggested_reason(name, inputs.get(name, ())) if reasons else None,
                    edges=tuple(map(float, each.edges)),
                    # a category without training rows gets the points of a missing one: a bin of its own
                    category_bins=tuple(int(b) if b >= 0 else count for b in each.category_bins),
                    points=(*points[:count], fallback)
                    if np.any(each.category_bins < 0)
                    else tuple(points[:count]),
                    missing_points=fallback,
                    codes=tuple(map(float, each.codes)),
                    code_points=tuple(points[count + 1 :]),
                )
            )
        return Scorecard(tuple(lines), hundredths(base))


def information_value(column: NDArray[np.float64], target: NDArray[np.float64], bins: int = 12) -> float:
    """A quick information value over quantile bins, missing apart, less what chance alone would give."""
    known = ~np.isnan(column)
    if known.sum() < bins:
        return 0.0
    edges = np.unique(np.quantile(column[known], np.linspace(0.0, 1.0, bins + 1)[1:-1]))
    which = np.where(known, np.searchsorted(edges, column, side="right"), len(edges) + 1)
    rows: NDArray[np.float64] = np.bincount(which, minlength=len(edges) + 2).astype(np.float64)
    bads = np.bincount(which, weights=target, minlength=len(edges) + 2).astype(np.float64)
    used = rows > 0
    levels = log_odds(bads[used], rows[used])
    total_bads, total_goods = max(target.sum(), 1.0), max((1.0 - target).sum(), 1.0)
    difference = (bads[used] / total_bads) - ((rows - bads)[used] / total_goods)
    by_chance = (used.sum() - 1) * (1.0 / total_bads + 1.0 / total_goods)
    return float(np.sum(difference * levels) - by_chance)


def candidates_of(material: Material) -> list[str]:
    """The characteristics worth binning: informative, and none a copy of a stronger one."""
    columns, target = material.columns, material.target
    values = {name: information_value(columns[name], target) for name in columns.names}
    ranked = sorted((name for name in columns.names if values[name] > 0.0), key=lambda name: -values[name])
    step = max(1, len(columns) // 4_000)
    kept: list[str] = []
    ranks: list[NDArray[np.float64]] = []
    for name in ranked:
        sample = columns[name][::step]
        rank = rankdata(np.where(np.isnan(sample), -np.inf, sample))
        rank = (rank - rank.mean()) / (rank.std() or 1.0)
        if all(abs(float(np.mean(rank * other))) < SAME_CORRELATION for other in ranks):
            kept.append(name)
            ranks.append(rank)
        if len(kept) == CANDIDATES_MOST:
            break
    return kept


def fitted_champion(material: Material, seed: int) -> Champion:
    """The champion from training rows: bins, characteristics, penalty and calibration all found on them."""
    binned = material.binned(candidates_of(material))
    names = chosen(material, binned)
    bins = [binned[name] for name in names]
    target = material.target
    raw_scores = held_out_scores(material, names, seed)
    lines = [calibration_of(score, target) for score in raw_scores]
    losses = [
        log_loss(target, chance_of(slope * score + intercept))
        for score, (slope, intercept) in zip(raw_scores, lines, strict=True)
    ]
    best = int(np.argmin(losses))
    fit = fit_of(material, names, bins, PENALTIES[best])
    return Champion(tuple(names), tuple(bins), fit, *lines[best], PENALTIES[best])


def calibration_of(score: NDArray[np.float64], target: NDArray[np.float64]) -> tuple[float, float]:
    """Slope and intercept that calibrate a held-out score; one that ranks the wrong way says the mean."""
    slope, intercept = logistic_line(score, target)
    if slope > 0.0:
        return slope, intercept
    return 0.0, float(log_odds_of(np.array([target.mean()]))[0])


def chance_of(score: NDArray[np.float64]) -> NDArray[np.float64]:
    """A probability from log odds."""
    chance: NDArray[np.float64] = 1.0 / (1.0 + np.exp(-score))
    return chance


def chosen(material: Material, binned: Mapping[str, Bins]) -> list[str]:
    """The characteristics that carry the score when all are fitted together; weak ones go, in two rounds."""
    names = list(binned)
    for most in (2 * CHARACTERISTICS_MOST, CHARACTERISTICS_MOST):
        fit = fit_of(material, names, [binned[name] for name in names], FIRST_PENALTY)
        order = np.argsort(-fit.spreads, kind="stable")[:most]
        names = [names[k] for k in order if fit.spreads[k] >= SPREAD_LEAST]
    return names


def fit_of(material: Material, names: Sequence[str], bins: list[Bins], penalty: tuple[float, float]) -> Fit:
    """The joint fit of some characteristics."""
    columns = [material.columns[name] for name in names]
    return fitted_points(bins, columns, material.target, ridge=penalty[0], lasso=penalty[1])


def held_out_scores(material: Material, names: Sequence[str], seed: int) -> NDArray[np.float64]:
    """Scores of rows by fits that never saw them, bins included, for each penalty; ``(penalties, n)``."""
    rows = len(material.target)
    parts = 2 if rows >= 10_000 else 5  # noqa: PLR2004 - where rows are many, fewer fits say enough
    scores = np.empty((len(PENALTIES), rows))
    for fitted_rows, held_rows in folds_of(material.target, parts, seed, share=material.share):
        part, held = material.at(fitted_rows), material.at(held_rows)
        binned = part.binned(names)
        used, bins = list(binned), list(binned.values())
        for k, penalty in enumerate(PENALTIES):
            fit = fit_of(part, used, bins, penalty)
            champion = Champion(tuple(used), tuple(bins), fit, 1.0, 0.0, penalty)
            scores[k, held_rows] = champion.raw_score(held.columns)
    return scores


def folds_of(
    target: NDArray[np.float64], parts: int, seed: int, *, share: bool = False
) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Training and held-out rows of each part: stratified by outcome, shuffled with the seed."""
    splitter = (KFold if share else StratifiedKFold)(parts, shuffle=True, random_state=seed)
    return list(splitter.split(target, target if not share else None))


def log_loss(target: NDArray[np.float64], pd: NDArray[np.float64]) -> float:
    """Mean negative log-likelihood."""
    held = np.clip(pd, 1e-12, 1.0 - 1e-12)
    return float(-np.mean(target * np.log(held) + (1.0 - target) * np.log(1.0 - held)))
