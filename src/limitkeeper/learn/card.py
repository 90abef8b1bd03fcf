"""The model card as data: what was validated, how well, on whom, with which characteristics."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from limitkeeper.core.drift.stability import population_stability
from limitkeeper.core.risk.scorecard import HUNDREDTHS, Characteristic, Scorecard
from limitkeeper.learn.binning import Bins
from limitkeeper.learn.table import Learned, Table, held_out_pd
from limitkeeper.learn.validation import (
    auc_with_interval,
    calibration_bins,
    figures,
    roc_curve,
    score_stability,
)

ROC_POINTS = 200
GROUP_ROWS_LEAST = 30
BANDS = 5


def validated(
    target: NDArray[np.float64], parts: Sequence[Any], held_rows: Sequence[NDArray[np.int64]]
) -> tuple[dict[str, Any], NDArray[np.float64]]:
    """The figures of one model over all held-out rows together, by fold, and its held-out PDs."""
    pd = held_out_pd(parts, held_rows, len(target))
    everyone = np.arange(len(target))
    by_fold, stability = [], []
    for part, held in zip(parts, held_rows, strict=True):
        by_fold.append(auc_with_interval(target[held], part.pd[held]).value)
        fitted_rows = np.setdiff1d(everyone, held, assume_unique=True)
        stability.append(score_stability(part.pd[fitted_rows], part.pd[held]))
    result: dict[str, Any] = figures(target, pd)
    result["psi"] = float(np.mean(stability))
    result["auc_by_fold"] = by_fold
    result["auc_mean_of_folds"] = float(np.mean(by_fold))
    result["calibration_bins"] = calibration_bins(target, pd)
    false, true = roc_curve(target, pd)
    keep = np.unique(np.linspace(0, len(false) - 1, min(ROC_POINTS, len(false))).astype(int))
    result["roc"] = [false[keep].tolist(), true[keep].tolist()]
    return result, pd


def group_figures(
    target: NDArray[np.float64], pd: NDArray[np.float64], groups: Sequence[str]
) -> list[dict[str, Any]]:
    """Counts, bad rate, mean PD, discrimination and calibration of each group, on held-out rows."""
    labels = np.array(groups)
    result = []
    for group in sorted(set(groups), key=lambda each: (not each.startswith("below"), each)):
        inside = labels == group
        own: dict[str, Any] = {
            "group": group,
            "rows": int(inside.sum()),
            "bads": int(target[inside].sum()),
            "bad_rate": float(target[inside].mean()),
            "mean_pd": float(pd[inside].mean()),
        }
        if inside.sum() >= GROUP_ROWS_LEAST and 0 < own["bads"] < own["rows"]:
            measured = figures(target[inside], pd[inside])
            own |= {
                name: measured[name]
                for name in (
                    "auc",
                    "auc_95",
                    "ks",
                    "brier",
                    "calibration_slope",
                    "calibration_intercept",
                    "ece",
                )
            }
        result.append(own)
    return result


def characteristic_rows(
    line: Characteristic,
    bins: Bins,
    column: NDArray[np.float64],
    target: NDArray[np.float64],
    held: NDArray[np.int64],
    categories: Sequence[str],
) -> dict[str, Any]:
    """One characteristic's bins with rows, bad rate and points, and its stability over one fold."""
    which = bins.bin_of(column)
    size = bins.count + 1 + len(bins.codes)
    rows = np.bincount(which, minlength=size)
    bads = np.bincount(which, weights=target, minlength=size)
    names = [*bin_names(line, categories), "missing", *(f"= {code:g}" for code in line.codes)]
    points = [*line.points[: bins.count], line.missing_points, *line.code_points]
    held_counts = np.bincount(which[held], minlength=size)
    return {
        "name": line.name,
        "label": line.label,
        "reason": line.reason,
        "bins": [
            {
                "bin": name,
                "rows": int(count),
                "bad_rate": float(bad / count) if count else None,
                "points": given / HUNDREDTHS,
            }
            for name, count, bad, given in zip(names, rows, bads, points, strict=True)
            if count or name == "missing"
        ],
        "points_range": (max(points) - min(points)) / HUNDREDTHS,
        "csi": population_stability((rows - held_counts).tolist(), held_counts.tolist()),
    }


def bin_names(line: Characteristic, categories: Sequence[str]) -> list[str]:
    """What each bin holds, in words."""
    if line.category_bins:
        count = max(line.category_bins) + 1
        held: list[list[str]] = [[] for _ in range(count)]
        for word, which in zip(categories, line.category_bins, strict=True):
            held[which].append(word)
        return [", ".join(words) for words in held][: len(line.points)]
    edges = [f"{edge:,.6g}" for edge in line.edges]
    if not edges:
        return ["all"]
    middle = [f"{low} to {high}" for low, high in pairwise(edges)]
    return [f"below {edges[0]}", *middle, f"from {edges[-1]}"]


def characteristics_of(
    table: Table, result: Learned, words: Mapping[str, Sequence[str]]
) -> list[dict[str, Any]]:
    """Every characteristic of the final champion as the card shows it, widest range first."""
    part = result.champion
    material, _ = table.material(np.arange(len(table.target)))
    shown = [
        characteristic_rows(
            line,
            bins,
            material.columns[line.name],
            table.target,
            result.held_rows[0],
            words.get(line.name, ()),
        )
        for line, bins in zip(part.scorecard.characteristics, part.champion.bins, strict=True)
    ]
    return sorted(shown, key=lambda each: -float(each["points_range"]))


def score_histogram(
    scorecard: Scorecard, pd: NDArray[np.float64], target: NDArray[np.float64], bins: int = 40
) -> dict[str, list[float]]:
    """How scores of good and bad accounts spread: held-out PDs on the points scale."""
    held = np.clip(pd, 1e-9, 1 - 1e-9)
    score = scorecard.offset - scorecard.factor * np.log(held / (1.0 - held))
    edges = np.linspace(score.min(), score.max() + 1e-9, bins + 1)
    return {
        "edges": edges.tolist(),
        "good": np.histogram(score[target == 0.0], edges)[0].tolist(),
        "bad": np.histogram(score[target == 1.0], edges)[0].tolist(),
    }


def groups_of(column: NDArray[np.object_] | Sequence[object]) -> list[str]:
    """A protected attribute as groups: its values, or bands of one with many numbers."""
    values = list(column)
    known = [value for value in values if value is not None and value == value]  # noqa: PLR0124 - NaN
    if len(set(known)) > 12 and all(isinstance(value, int | float) for value in known):  # noqa: PLR2004
        numbers = np.array([float(value) if value is not None else np.nan for value in values])
        edges = np.unique(np.nanquantile(numbers, np.linspace(0, 1, BANDS + 1)[1:-1]))
        bands = np.searchsorted(edges, numbers, side="right")
        names = [
            f"below {edges[0]:g}",
            *(f"{a:g} to {b:g}" for a, b in pairwise(edges)),
            f"from {edges[-1]:g}",
        ]
        return ["missing" if np.isnan(x) else names[band] for x, band in zip(numbers, bands, strict=True)]
    return ["missing" if value is None or value != value else f"{value}" for value in values]  # noqa: PLR0124
