"""How groups are treated, side by side: every figure of a fairness report, each with its 95 % interval."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from limitkeeper.core.compliance.groups import (
    BAD,
    CROSSED,
    FIGURES,
    GOOD,
    PLACES,
    RATIOS,
    SPARED,
    STRATA,
    TOUCHED,
    UNKNOWN,
    Attribute,
    Spread,
    Treated,
    compared,
    crossed,
)
from limitkeeper.core.compliance.resampling import BLOCK, SAMPLES, add_block, row_hashes, sample_keys
from limitkeeper.core.compliance.shares import (
    SMALL_GROUP,
    exact_interval,
    ratio,
    share_difference,
    share_ratio,
)
from limitkeeper.core.kernel.errors import InputError

ATTRIBUTES_MAX = 8
"""Protected attributes of one report."""

INTERSECTIONS_MAX = 15
"""Pairs of attributes that are crossed, in the order in which the attributes are named."""

Mapped = Callable[[Callable[[int], Any], Iterable[int]], Iterable[Any]]
"""Applies a function to numbers, in order: ``map``, or that of a pool of threads."""


def fairness_figures(
    treated: Treated,
    attributes: Sequence[Attribute],
    *,
    seed: int,
    samples: int = SAMPLES,
    group_accounts_least: int = SMALL_GROUP,
    mapped: Mapped = map,
) -> dict[str, Any]:
    """Every group of every attribute, and of pairs of them, against the most favoured and against the whole.

    Shares have exact intervals (Clopper-Pearson), ratios and differences of the shares of two groups closed ones (Donner
    and Zou; Newcombe; both from Wilson's), and the observed over the expected defaults that of the observed share over
    the mean PD. What has no closed form (standardised means, what is conditional on risk, anything against the whole, of
    which the group is a part) is drawn by the Poisson bootstrap, whose percentiles are given. The most favoured group is
    the one of which most accounts were left alone, small groups aside; in every sample it is the same one.

    Parameters
    ----------
    treated
        What was done.
    attributes
        At most ``ATTRIBUTES_MAX``.
    seed
        Of the bootstrap: the same seed gives the same intervals.
    samples
        Of the bootstrap, 100 or more.
    group_accounts_least
        A figure that rests on fewer accounts is marked small.
    mapped
        Applies the work on each block of samples.

    Raises
    ------
    InputError
        When columns differ in length, hold what they cannot, or there is nothing to compare.

    Source
    ------
    29 CFR 1607.4(D) (four-fifths); M. Hardt, E. Price, N. Srebro, Equality of opportunity in supervised learning (2016);
    J. A. Hanley, B. MacGibbon, Creating non-parametric bootstrap samples using Poisson frequencies, Computer Methods
    and Programs in Biomedicine 83 (2006), pages 57-62.
    """
    _check(treated, attributes, samples)
    pairs = [crossed(*pair) for pair in combinations(attributes, 2)][:INTERSECTIONS_MAX]
    groupings = [*attributes, *pairs]
    table = _Table.of(treated, attributes, groupings)
    points = [_whole_tally(treated, table, number) for number in range(len(groupings))]
    favoured = [_most_favoured(tally, group_accounts_least) for tally, _ in points]
    blocks = range(-(-samples // BLOCK))
    drawn = list(mapped(partial(_block_figures, table, favoured, seed), blocks))
    documents = []
    for number, grouping in enumerate(groupings):
        names = FIGURES if number < len(attributes) else CROSSED
        spread = {
            key: np.concatenate([block[number][key] for block in drawn], axis=1)[:, :samples]
            for key in drawn[0][number]
            if key[0] in names
        }
        part = _Grouping(
            grouping, *points[number], favoured[number], spread, names, group_accounts_least,
            has_score=treated.pd is not None,
        )  # fmt: skip
        documents.append(part.document())
    known = ~np.isnan(treated.default)
    return {
        "accounts": len(treated.touched),
        "touched": int(treated.touched.sum()),
        "outcomes_known": int(known.sum()),
        "seed": seed,
        "samples": samples,
        "group_accounts_least": group_accounts_least,
        "attributes": documents[: len(attributes)],
        "intersections": documents[len(attributes) :],
    }


def _check(treated: Treated, attributes: Sequence[Attribute], samples: int) -> None:
    rows = len(treated.touched)
    columns = [treated.cut_share, treated.default, *(each.codes for each in attributes)]
    columns += [] if treated.pd is None else [treated.pd]
    if {len(column) for column in columns} != {rows} or not rows:
        raise InputError("There are no accounts to compare, or their columns differ in length.", value=rows)
    if not 1 <= len(attributes) <= ATTRIBUTES_MAX:
        raise InputError(
            "A fairness report compares groups of some attributes.",
            value=f"{len(attributes)} attributes", allowed=f"1 to {ATTRIBUTES_MAX}",
            advice="Name the protected columns.",
        )  # fmt: skip
    if not 100 <= samples <= 10_000:  # noqa: PLR2004 - percentiles need some, memory allows so many
        raise InputError(
            "The bootstrap has too few or too many samples.", value=samples, allowed="100 to 10,000"
        )
    for name, column in (("cut_share", treated.cut_share), ("pd", treated.pd)):
        if column is not None and not np.isfinite(column).all():
            raise InputError(
                f"The column '{name}' has values that are no number.", value=int((~np.isfinite(column)).sum())
            )


@dataclass(frozen=True, slots=True)
class _Table:
    """Accounts in order of their cell: the same group of each attribute, stratum, treatment and outcome."""

    order: NDArray[np.int64]
    cells: NDArray[np.int64]
    places: NDArray[np.int64]
    groups: tuple[NDArray[np.int64], ...]
    sizes: tuple[int, ...]
    values: NDArray[np.float64]

    @classmethod
    def of(
        cls, treated: Treated, attributes: Sequence[Attribute], groupings: Sequence[Attribute]
    ) -> "_Table":
        rows = len(treated.touched)
        place = (_strata(treated.pd, rows) * 2 + treated.touched) * 3 + _outcome(treated.default)
        key = place.astype(np.int64)
        for each in attributes:
            key = np.unique(key * len(each.groups) + each.codes, return_inverse=True)[1]
        _, first, cells = np.unique(key, return_index=True, return_inverse=True)
        order = np.argsort(cells, kind="stable")
        score = np.zeros(rows) if treated.pd is None else treated.pd - treated.pd.mean()
        values = np.stack([score, score**2, treated.cut_share, treated.cut_share**2])
        return cls(
            order, cells[order], place[first], tuple(each.codes[first] for each in groupings),
            tuple(len(each.groups) for each in groupings), np.ascontiguousarray(values[:, order]),
        )  # fmt: skip


def _strata(pd: NDArray[np.float64] | None, rows: int) -> NDArray[np.int64]:
    if pd is None:
        return np.zeros(rows, np.int64)
    edges = np.quantile(pd, np.arange(1, STRATA) / STRATA)
    return np.searchsorted(edges, pd, side="right").astype(np.int64)


def _outcome(default: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.where(np.isnan(default), UNKNOWN, np.where(default == 1.0, BAD, GOOD)).astype(np.int64)


def _whole_tally(treated: Treated, table: _Table, number: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Counts ``(groups, strata, 2, 3, 1)`` and sums ``(5, groups, 1)`` of every account once."""
    size, place = table.sizes[number], table.places[table.cells]
    group = table.groups[number][table.cells]
    tally = np.bincount(group * PLACES + place, minlength=size * PLACES)
    known = place % 3 != UNKNOWN
    expected = np.zeros(len(known)) if treated.pd is None else treated.pd[table.order] * known
    sums = [np.bincount(group, weights=each, minlength=size) for each in (*table.values, expected)]
    return tally.reshape(size, STRATA, 2, 3, 1).astype(np.float64), np.stack(sums)[:, :, None]


def _most_favoured(tally: NDArray[Any], least: int) -> int:
    accounts = tally.sum(axis=(1, 2, 3, 4))
    judged = tally[:, :, :, :UNKNOWN].sum() > 0
    good = tally[:, :, :, GOOD].sum(axis=(1, 2, 3))
    small = (accounts < least) | ((good < least) & judged)
    share = tally[:, :, SPARED].sum(axis=(1, 2, 3)) / np.maximum(accounts, 1)
    share = share if small.all() else np.where(small, -1.0, share)
    return int(np.argmax(share))


def _block_figures(table: _Table, favoured: Sequence[int], seed: int, block: int) -> list[Spread]:
    """The figures of each grouping in each sample of a block."""
    rows = row_hashes(len(table.order), seed)[table.order]
    keys = sample_keys((block + 1) * BLOCK, seed)[block * BLOCK :]
    cells, kinds = len(table.places), len(table.values)
    counts, sums = np.zeros((cells, BLOCK)), np.zeros((kinds, cells, BLOCK))
    add_block(rows, table.cells, table.values, keys, counts, sums)
    found = []
    for group, size, best in zip(table.groups, table.sizes, favoured, strict=True):
        tally = np.zeros((size * PLACES, BLOCK))
        np.add.at(tally, group * PLACES + table.places, counts)
        own = np.zeros((kinds, size, BLOCK))
        for kind in range(kinds):
            np.add.at(own[kind], group, sums[kind])
        found.append(compared(tally.reshape(size, STRATA, 2, 3, BLOCK), own, best))
    return found


@dataclass(frozen=True, slots=True)
class _Grouping:
    """One attribute or pair of attributes, ready to be told."""

    attribute: Attribute
    tally: NDArray[np.float64]
    sums: NDArray[np.float64]
    favoured: int
    spread: Mapping[tuple[str, str], NDArray[np.float64]]
    names: tuple[str, ...]
    least: int
    has_score: bool

    def document(self) -> dict[str, Any]:
        return {
            "attribute": self.attribute.name,
            "most_favoured": self.attribute.groups[self.favoured],
            "groups": [self._group(number) for number in range(len(self.attribute.groups))],
        }

    def _group(self, number: int) -> dict[str, Any]:
        tally = self.tally[number, ..., 0]
        accounts, touched = int(tally.sum()), int(tally[:, TOUCHED].sum())
        good, bad = int(tally[:, :, GOOD].sum()), int(tally[:, :, BAD].sum())
        document: dict[str, Any] = {
            "group": self.attribute.groups[number],
            "accounts": accounts,
            "touched": touched,
            "good": good,
            "bad": bad,
            "is_small": accounts < self.least or (good + bad > 0 and good < self.least),
            "share_touched": _told(ratio(touched, accounts), exact_interval(touched, accounts), accounts, self.least),
            "figures": {name: each for name in self.names if (each := self._figure(name, number))},
        }  # fmt: skip
        if self.names is FIGURES:
            document["mean_cut_share"] = _rounded(float(self.sums[2, number, 0]) / max(accounts, 1))
            document["strata"] = [
                {"accounts": int(each.sum()), "touched": int(each[TOUCHED].sum())} for each in tally
            ]
            if self.has_score and good + bad:
                document["calibration"] = self._calibration(number, bad, good + bad)
        return document

    def _calibration(self, number: int, bad: int, judged: int) -> dict[str, Any]:
        """Observed over expected defaults; the interval is that of the observed share, the PD taken as given."""
        mean = float(self.sums[4, number, 0]) / judged
        bounds = exact_interval(bad, judged)
        assert bounds is not None
        if mean <= 0.0:
            return _told(None, None, judged, self.least)
        return _told(bad / judged / mean, (bounds[0] / mean, bounds[1] / mean), judged, self.least)

    def _figure(self, name: str, number: int) -> dict[str, Any]:
        if not self.has_score and name in ("score_difference", "conditional_adverse_impact_ratio"):
            return {}
        points = compared(self.tally, self.sums, self.favoured)
        told = {}
        for against in ("best", "whole") if self.names is FIGURES else ("best",):
            value = float(points[name, against][number, 0])
            bounds = percentiles(self.spread[name, against][number])
            base = self._base(name, number)
            if against == "best":
                base = min(base, self._base(name, self.favoured))
                if number == self.favoured:
                    bounds = None
                else:
                    closed = self._closed(name, number)
                    bounds = closed if closed is not None else bounds
            told[against] = _told(None if math.isnan(value) else value, bounds, base, self.least)
        return told

    def _hits(self, name: str, number: int) -> tuple[int, int] | None:
        """How many of how many a figure counts; None where it is no share."""
        tally = self.tally[number, ..., 0].sum(axis=0)
        counts = {
            "adverse_impact_ratio": (tally[SPARED].sum(), tally.sum()),
            "equal_opportunity_difference": (tally[TOUCHED, GOOD], tally[:, GOOD].sum()),
            "missed_difference": (tally[SPARED, BAD], tally[:, BAD].sum()),
            "false_cut_difference": (tally[TOUCHED, GOOD], tally[TOUCHED, :UNKNOWN].sum()),
        }.get(name)
        return None if counts is None else (int(counts[0]), int(counts[1]))

    def _base(self, name: str, number: int) -> int:
        hits = self._hits(name, number)
        return int(self.tally[number].sum()) if hits is None else hits[1]

    def _closed(self, name: str, number: int) -> tuple[float, float] | None:
        own, best = self._hits(name, number), self._hits(name, self.favoured)
        if own is None or best is None:
            return None
        return (share_ratio if name in RATIOS else share_difference)(*own, *best)[1]


def percentiles(values: NDArray[np.float64]) -> tuple[float, float] | None:
    """The 2.5th and 97.5th percentile of a figure's samples; None where one in twenty samples does not define it."""
    defined = values[~np.isnan(values)]
    if len(defined) < 0.95 * len(values):
        return None
    low, high = np.quantile(defined, [0.025, 0.975])
    return float(low), float(high)


def _told(
    value: float | None, bounds: tuple[float, float] | None, base: int, least: int
) -> dict[str, float | int | bool | None]:
    low, high = (None, None) if bounds is None or value is None else bounds
    return {
        "value": _rounded(value), "low": _rounded(low), "high": _rounded(high), "accounts": base,
        "is_small": base < least,
    }  # fmt: skip


def _rounded(value: float | None) -> float | None:
    """Six figures: what differs after them differs by the machine, and no interval is as narrow."""
    return None if value is None else float(f"{value:.6g}")
