"""The figures of a model on one vintage of accounts: stability, and, once outcomes are known, how good it was."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.stats import norm

from limitkeeper.app.scoring import characteristic_columns, faulty_columns, trimmed_inputs
from limitkeeper.core.compliance.shares import Z_95
from limitkeeper.core.drift.judgement import NOTHING_BEFORE, OUTCOME_UNKNOWN, TOO_FEW, Figure, Key, Terms
from limitkeeper.core.drift.reference import Reference, characteristic_counts, score_counts
from limitkeeper.core.drift.stability import shift_of
from limitkeeper.core.kernel.errors import InputError, did_you_mean
from limitkeeper.core.risk.model import Model
from limitkeeper.core.risk.scorecard import Characteristic
from limitkeeper.learn.validation import (
    Interval,
    auc_with_interval,
    calibration_p_value,
    calibration_slope_p_value,
    calibration_slope_with_interval,
    kolmogorov_smirnov_with_interval,
    observed_to_expected,
)

SEGMENTS_MAX = 20
"""Segments that are looked at, at most: each takes its part of the false alarm rate."""

NOTHING = Interval(math.nan, math.nan, math.nan)


@dataclass(frozen=True, slots=True)
class Vintage:
    """Accounts as they were at one time.

    Parameters
    ----------
    name
        Of the time, as the report shows it.
    accounts
        The columns that the model reads, and where they are known the outcome and a segment.
    decisions
        What was decided on them (``account_id``, ``action``, ``holdout_share``, ``constraints``); None where nothing
        is known of it.
    """

    name: str
    accounts: pl.DataFrame
    decisions: pl.DataFrame | None = None


@dataclass(frozen=True, slots=True)
class Measured:
    """A vintage as the model sees it.

    Parameters
    ----------
    vintage, rejected
        What it was, and how many of its rows no model can read.
    accounts
        The rows that were scored.
    points, pd
        ``(n,)``.
    outcome
        ``(n,)``; 1, 0, NaN where it is not known yet.
    counts, score
        Rows a bin of each characteristic, and of the score.
    """

    vintage: Vintage
    rejected: int
    accounts: pl.DataFrame
    points: NDArray[np.float64]
    pd: NDArray[np.float64]
    outcome: NDArray[np.float64]
    counts: Mapping[str, tuple[int, ...]]
    score: tuple[int, ...]


def measured(model: Model, reference: Reference, vintage: Vintage) -> Measured:
    """A vintage scored and counted.

    Raises
    ------
    ModelError
        When the vintage lacks a column that the model reads.
    InputError
        When it has no row, or its outcome cannot be read.
    """
    faulty = np.array(
        [bool(each) for each in faulty_columns(trimmed_inputs(model, vintage.accounts))], np.bool_
    )
    accounts = vintage.accounts.filter(pl.Series(~faulty))
    if accounts.is_empty():
        raise InputError(f"The vintage '{vintage.name}' has no account that the model can read.")
    columns = characteristic_columns(model, accounts)
    scored = model.scorecard.scored(columns)
    outcome = np.full(accounts.height, np.nan)
    if model.kind == "pd" and model.target in accounts.columns:
        outcome = outcome_of(accounts[model.target], model.positive)
    return Measured(
        vintage, int(faulty.sum()), accounts, scored.points, scored.pd, outcome,
        characteristic_counts(model.scorecard, columns),
        score_counts(scored.points, np.array(reference.edges)),
    )  # fmt: skip


def outcome_of(series: pl.Series, positive: str) -> NDArray[np.float64]:
    """The outcome as 1, 0, and NaN where it is not known; a vintage may well hold one class only.

    Raises
    ------
    InputError
        When the value that means default is no number and the column holds numbers.

    Examples
    --------
    >>> outcome_of(pl.Series(["bad", None, "good"]), "bad").tolist()
    [1.0, nan, 0.0]
    """
    if series.dtype.is_numeric() or series.dtype == pl.Boolean:
        try:
            named = {"true": 1.0, "false": 0.0}.get(positive.lower())
            wanted = float(positive) if named is None else named
        except ValueError:
            raise InputError(
                f"The outcome '{series.name}' holds numbers, and the model's bad outcome is none.",
                value=positive,
            ) from None
        numbers = series.cast(pl.Float64).fill_nan(None)
        matched = numbers == wanted
    else:
        matched = series.cast(pl.String).str.strip_chars() == positive
    return matched.cast(pl.Float64).fill_null(float("nan")).to_numpy()


def stability_figures(model: Model, reference: Reference, seen: Measured, terms: Terms) -> Iterator[Figure]:
    """How far the score and each characteristic have moved from the training."""
    names = ranges(reference.edges)
    yield _stability(Key("psi"), reference.score, seen.score, names, terms, len(names))
    words = {column.name: column.categories for column in model.inputs}
    for line in model.scorecard.characteristics:
        signs = bin_signs(line, words.get(line.name, ()))
        before, after = reference.characteristics[line.name], seen.counts[line.name]
        yield _stability(Key("csi", line.name), before, after, signs, terms, len(line.points))


def ranges(edges: Sequence[float]) -> list[str]:
    """What each bin of a number holds, in signs that need no language.

    Examples
    --------
    >>> ranges([1.0, 2.5])
    ['< 1', '1 – 2.5', '≥ 2.5']
    """
    shown = [f"{edge:,.6g}" for edge in edges]
    if not shown:
        return ["*"]
    return [f"< {shown[0]}", *(f"{low} – {high}" for low, high in pairwise(shown)), f"≥ {shown[-1]}"]


def bin_signs(line: Characteristic, categories: Sequence[str]) -> list[str | None]:
    """What each bin of a characteristic holds, in signs or its own words; None for a missing value."""
    known = ranges(line.edges)
    if line.category_bins:
        pairs = list(zip(categories, line.category_bins, strict=True))
        known = [
            ", ".join(word for word, which in pairs if which == number) for number in range(len(line.points))
        ]
    return [*known, None, *(f"= {code:g}" for code in line.codes)]


def _stability(
    key: Key,
    before: Sequence[int],
    after: Sequence[int],
    names: Sequence[str | None],
    terms: Terms,
    ordered: int,
) -> Figure:
    shift = shift_of(before, after, terms.least_expected, ordered)
    shares = [np.array(counts) / max(sum(counts), 1) for counts in (before, after)]
    most = int(np.argmax(np.abs(shares[1] - shares[0])))
    note = {
        "usual": shift.usual,
        "bins": shift.bins,
        "most": {"bin": names[most], "before": float(shares[0][most]), "now": float(shares[1][most])},
    }
    why = TOO_FEW if math.isnan(shift.p_value) else None
    return Figure(
        key, shift.stability, math.nan, math.nan, shift.stability, shift.p_value, sum(after), why, note
    )  # fmt: skip


def outcome_figures(
    seen: Measured, auc_reference: Mapping[str, Interval], terms: Terms, segment: str | None
) -> Iterator[Figure]:
    """Calibration and discrimination on the accounts whose outcome is known: of all, then of each segment.

    Parameters
    ----------
    seen
        The vintage.
    auc_reference
        What the AUC is compared with, by segment; empty string: all accounts.
    terms
        What is too few.
    segment
        Column that parts the accounts; None: none.

    Raises
    ------
    InputError
        When there is no such column, or it parts them too finely.
    """
    known = ~np.isnan(seen.outcome)
    yield from _outcome_figures("", seen.outcome[known], seen.pd[known], auc_reference.get(""), terms)
    if segment is None:
        return
    labels = segment_labels(seen, segment)
    for label in sorted(set(labels.tolist())):
        here = known & (labels == label)
        yield from _outcome_figures(label, seen.outcome[here], seen.pd[here], auc_reference.get(label), terms)


def segment_labels(seen: Measured, segment: str) -> NDArray[np.object_]:
    """The segment of each account, in words.

    Raises
    ------
    InputError
        When there is no such column, or it parts them too finely.
    """
    if segment not in seen.accounts.columns:
        raise InputError(
            f"The vintage '{seen.vintage.name}' has no column '{segment}'.",
            advice=did_you_mean(segment, seen.accounts.columns),
        )
    labels = seen.accounts[segment].cast(pl.String).fill_null("–").to_numpy().astype(object)
    count = len(set(labels.tolist()))
    if count > SEGMENTS_MAX:
        raise InputError(
            f"The column '{segment}' parts the accounts too finely.",
            value=f"{count} segments",
            allowed=f"{SEGMENTS_MAX}",
            advice="Make bands of it.",
        )
    return labels


def _outcome_figures(
    segment: str,
    target: NDArray[np.float64],
    pd: NDArray[np.float64],
    auc_reference: Interval | None,
    terms: Terms,
) -> Iterator[Figure]:
    rows, bads = len(target), int(target.sum())
    few = min(bads, rows - bads) < terms.least_outcomes
    expected = float(pd.sum())
    why = OUTCOME_UNKNOWN if not rows else None
    counts: dict[str, object] = {"bads": bads, "expected": expected}

    ratio = observed_to_expected(target, pd) if rows else NOTHING
    why_ratio = why or (TOO_FEW if max(bads, expected) < terms.least_outcomes else None)
    size = max(ratio.value, 1.0 / ratio.value) - 1.0 if ratio.value else math.inf
    p_value = math.nan if why_ratio else calibration_p_value(target, pd)
    yield Figure(Key("calibration", "", segment), *ratio, size, p_value, rows, why_ratio, counts)

    why_rank = why or (TOO_FEW if few else None)
    if not segment:
        slope = NOTHING if why_rank else calibration_slope_with_interval(target, pd)
        p_value = math.nan if why_rank else calibration_slope_p_value(target, pd)
        why_slope = why_rank or (TOO_FEW if math.isnan(p_value) else None)
        yield Figure(Key("slope"), *slope, abs(slope.value - 1.0), p_value, rows, why_slope, counts)

    area = auc_with_interval(target, pd) if rows else NOTHING
    gap = kolmogorov_smirnov_with_interval(target, pd) if rows else NOTHING
    fall, p_value = math.nan, math.nan
    if why_rank is None and auc_reference is None:
        why_rank = NOTHING_BEFORE
    elif why_rank is None and auc_reference is not None:
        fall = max(auc_reference.value - area.value, 0.0)
        error = math.hypot(_error_of(area), _error_of(auc_reference))
        p_value = float(norm.sf((auc_reference.value - area.value) / error)) if error else math.nan
    against = None if auc_reference is None else list(auc_reference)
    yield Figure(
        Key("auc", "", segment), *area, fall, p_value, rows, why_rank,
        {**counts, "against": against, "ks": list(gap)},
    )  # fmt: skip


def _error_of(interval: Interval) -> float:
    """The standard error that a 95 % interval was made of, 0 where there is none."""
    half = interval.high - interval.value, interval.value - interval.low
    return 0.0 if any(math.isnan(each) for each in half) else max(half) / Z_95
