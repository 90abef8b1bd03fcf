"""The champion: points per bin of each characteristic, and the score, PD and reasons from one pass.

``points = base + sum of points``; ``pd = 1 / (1 + exp((points - offset) / factor))`` with ``factor =
points_to_double_odds / ln 2``, so that the score is the calibrated PD on another scale. Points are whole
hundredths: sums are exact, in any order, and no threshold meets a rounding error.

Points are counted from the average of the portfolio the model was fitted on: the base is the average score,
a characteristic adds points where the account does better than average and takes some where it does worse.
A characteristic's *points lost* are those it takes. The official comment on Regulation B 1002.9(b)(2) names
the average as a yardstick for principal reasons; against the best attainable points, a customer would be told
of a characteristic in which he does better than most.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from limitkeeper.core.kernel.columns import Columns
from limitkeeper.core.kernel.compiled import compiled
from limitkeeper.core.kernel.errors import ModelError

REASONS = 4
"""At most this many characteristics explain a score."""

HUNDREDTHS = 100
"""Points are held as whole hundredths."""

KEY_BASE = 256
"""A scorecard has fewer characteristics than this: a key is points lost and a number in 32 bits."""

POINTS_MOST = 50_000
"""Points of one bin, or of the base, at most, either way: sums and keys stay in 32 bits."""

BLOCK_ROWS = 1_024
"""Accounts whose running sums stay in the processor's first cache."""


@dataclass(frozen=True, slots=True)
class Characteristic:
    """One line of the scorecard.

    Parameters
    ----------
    name
        The column it reads.
    label
        What it is, for people.
    reason
        The code a customer is given when it costs points, or None.
    edges
        Inner edges of a number's bins, rising: bin ``b`` holds ``edges[b - 1] <= x < edges[b]``.
    category_bins
        For text instead: the bin of each category code; empty for a number.
    points
        Hundredths of points of each bin.
    missing_points
        Those of a missing value or an unseen category.
    codes, code_points
        Values that stand for a kind of missing, and their points.
    """

    name: str
    label: str
    reason: str | None
    edges: tuple[float, ...]
    category_bins: tuple[int, ...]
    points: tuple[int, ...]
    missing_points: int
    codes: tuple[float, ...]
    code_points: tuple[int, ...]

    @property
    def places(self) -> int:
        """In how many bins an account can lie: of known values, missing, codes."""
        return len(self.points) + 1 + len(self.codes)

    @property
    def best_points(self) -> int:
        """The most that anybody can get."""
        return max(*self.points, self.missing_points, *self.code_points)

    def to_document(self) -> dict[str, object]:
        """The characteristic as JSON holds it, points in points."""
        return {
            "name": self.name,
            "label": self.label,
            "reason": self.reason,
            "edges": list(self.edges),
            "category_bins": list(self.category_bins),
            "points": [points / HUNDREDTHS for points in self.points],
            "missing_points": self.missing_points / HUNDREDTHS,
            "codes": list(self.codes),
            "code_points": [points / HUNDREDTHS for points in self.code_points],
        }


def hundredths(points: float) -> int:
    """Points as whole hundredths, to the nearest."""
    return round(points * HUNDREDTHS)


def characteristic_from_document(document: Mapping[str, Any]) -> Characteristic:
    """A characteristic from its JSON.

    Raises
    ------
    ModelError
        When its parts do not fit each other.
    """
    characteristic = Characteristic(
        name=document["name"],
        label=document["label"],
        reason=document["reason"],
        edges=tuple(document["edges"]),
        category_bins=tuple(document["category_bins"]),
        points=tuple(map(hundredths, document["points"])),
        missing_points=hundredths(document["missing_points"]),
        codes=tuple(document["codes"]),
        code_points=tuple(map(hundredths, document["code_points"])),
    )
    edges = characteristic.edges
    bins = max(characteristic.category_bins, default=len(edges)) + 1
    if (
        bins > len(characteristic.points)
        or any(low >= high for low, high in pairwise(edges))
        or len(characteristic.codes) != len(characteristic.code_points)
    ):
        raise ModelError(
            f"The bins of characteristic '{characteristic.name}' do not hold together.",
            value=dict(document),
            allowed="rising edges, one number of points a bin",
        )
    return characteristic


class Flat(NamedTuple):
    """A scorecard as flat arrays, for the kernel: characteristic ``c`` owns ``start[c]:start[c + 1]``.

    ``points`` holds, for each characteristic, those of its bins, of a missing value, of its codes. ``keys``
    orders points lost: ``256 * lost + 255 - c``, so that one comparison settles weight, then number.
    """

    edge_start: NDArray[np.int64]
    edges: NDArray[np.float64]
    category_start: NDArray[np.int64]
    category_bins: NDArray[np.int32]
    code_start: NDArray[np.int64]
    codes: NDArray[np.float64]
    place_start: NDArray[np.int64]
    missing_place: NDArray[np.int32]
    points: NDArray[np.int32]
    keys: NDArray[np.int32]


class Scored(NamedTuple):
    """What one pass gives.

    ``points (n,)``; ``pd (n,)``; ``reasons (n, 4)`` int16 numbers of characteristics by points lost, then by
    number, -1 where no more is lost; ``points_lost (n, 4)``.
    """

    points: NDArray[np.float64]
    pd: NDArray[np.float64]
    reasons: NDArray[np.int16]
    points_lost: NDArray[np.float64]


@compiled
def _place(
    x: NDArray[np.float64],
    edges: NDArray[np.float64],
    category_bins: NDArray[np.int32],
    codes: NDArray[np.float64],
    missing_place: int,
    place: NDArray[np.int32],
) -> None:
    """The place of each value in its characteristic's points: plain loops that become vector instructions."""
    missing = np.int32(missing_place)
    if len(category_bins) > 0:
        for i in range(len(x)):
            known = x[i] >= 0.0 and x[i] < len(category_bins)
            place[i] = category_bins[int(x[i])] if known else missing
        return
    place[:] = 0
    for edge in edges:
        for i in range(len(x)):
            place[i] += np.int32(x[i] >= edge)
    for i in range(len(x)):
        place[i] = missing if np.isnan(x[i]) else place[i]
    for k in range(len(codes)):
        code, own = codes[k], np.int32(missing_place + 1 + k)
        for i in range(len(x)):
            place[i] = own if x[i] == code else place[i]


@compiled
def _rank(
    place: NDArray[np.int32],
    points: NDArray[np.int32],
    keys: NDArray[np.int32],
    total: NDArray[np.int32],
    worst: NDArray[np.int32],
) -> None:
    """Add a characteristic's points and keep the four largest keys of each account, largest first."""
    first, second, third, fourth = worst[0], worst[1], worst[2], worst[3]
    for i in range(len(place)):
        total[i] += points[place[i]]
    for i in range(len(place)):
        key = keys[place[i]]
        low = min(first[i], key)
        first[i] = max(first[i], key)
        key = min(second[i], low)
        second[i] = max(second[i], low)
        low = min(third[i], key)
        third[i] = max(third[i], key)
        fourth[i] = max(fourth[i], low)


@compiled
def score_into(
    values: NDArray[np.float64],
    rows: NDArray[np.int64],
    flat: Flat,
    base_points: int,
    offset: float,
    factor: float,
    points: NDArray[np.float64],
    pd: NDArray[np.float64],
    reasons: NDArray[np.int16],
    points_lost: NDArray[np.float64],
) -> None:
    """Score every account of ``values (k, n)``, reading the rows ``rows``; nothing is copied.

    A block of accounts at a time goes through all characteristics, so that what it needs stays in the
    processor's first cache.
    """
    accounts = values.shape[1]
    all_place = np.empty(BLOCK_ROWS, dtype=np.int32)
    all_total = np.empty(BLOCK_ROWS, dtype=np.int32)
    all_worst = np.empty((REASONS, BLOCK_ROWS), dtype=np.int32)
    for start in range(0, accounts, BLOCK_ROWS):
        stop = min(start + BLOCK_ROWS, accounts)
        place, total = all_place[: stop - start], all_total[: stop - start]
        worst = all_worst[:, : stop - start]
        total[:] = base_points
        worst[:] = 0
        for c in range(len(rows)):
            _place(
                values[rows[c], start:stop],
                flat.edges[flat.edge_start[c] : flat.edge_start[c + 1]],
                flat.category_bins[flat.category_start[c] : flat.category_start[c + 1]],
                flat.codes[flat.code_start[c] : flat.code_start[c + 1]],
                flat.missing_place[c],
                place,
            )
            first, last = flat.place_start[c], flat.place_start[c + 1]
            _rank(place, flat.points[first:last], flat.keys[first:last], total, worst)
        for i in range(stop - start):
            score = total[i] / HUNDREDTHS
            points[start + i] = score
            pd[start + i] = 1.0 / (1.0 + math.exp((score - offset) / factor))
            for k in range(REASONS):
                key = worst[k, i]
                reasons[start + i, k] = KEY_BASE - 1 - key % KEY_BASE if key > 0 else -1
                points_lost[start + i, k] = (key // KEY_BASE) / HUNDREDTHS


@compiled
def places_into(
    values: NDArray[np.float64], rows: NDArray[np.int64], flat: Flat, places: NDArray[np.int32]
) -> None:
    """Write the place of each account in each characteristic's points, ``(k, n)``."""
    for c in range(len(rows)):
        _place(
            values[rows[c]],
            flat.edges[flat.edge_start[c] : flat.edge_start[c + 1]],
            flat.category_bins[flat.category_start[c] : flat.category_start[c + 1]],
            flat.codes[flat.code_start[c] : flat.code_start[c + 1]],
            flat.missing_place[c],
            places[c],
        )


@dataclass(frozen=True)
class Scorecard:
    """A points scorecard with its scale.

    Parameters
    ----------
    characteristics
        Its lines.
    base_points
        Hundredths of points everybody starts with: the average score.
    points_at_odds, odds, points_to_double_odds
        The scale: so many points at so many good to one bad, and how many more double that.

    Examples
    --------
    >>> late = Characteristic("late", "Late bills", "late_recent", (1.0,), (), (1000, -3000), -1000, (), ())
    >>> card = Scorecard((late,), 53000)
    >>> scored = card.scored(Columns(("late",), np.array([[0.0, 3.0, np.nan]])))
    >>> scored.points.tolist(), scored.reasons[:, 0].tolist(), scored.points_lost[:, 0].tolist()
    ([540.0, 500.0, 520.0], [-1, 0, 0], [0.0, 30.0, 10.0])
    """

    characteristics: tuple[Characteristic, ...]
    base_points: int
    points_at_odds: float = 600.0
    odds: float = 50.0
    points_to_double_odds: float = 20.0

    def __post_init__(self) -> None:
        points = [
            given
            for line in self.characteristics
            for given in (*line.points, line.missing_points, *line.code_points)
        ]
        if len(self.characteristics) >= KEY_BASE or any(
            abs(given) > POINTS_MOST * HUNDREDTHS for given in (self.base_points, *points)
        ):
            raise ModelError(
                "The scorecard is too large.",
                value=f"{len(self.characteristics)} characteristics",
                allowed=f"fewer than {KEY_BASE}, and points of at most {POINTS_MOST}",
            )

    @property
    def names(self) -> tuple[str, ...]:
        """The columns it reads, in the order that ``reasons`` numbers them."""
        return tuple(characteristic.name for characteristic in self.characteristics)

    @property
    def factor(self) -> float:
        """Points per unit of log odds."""
        return self.points_to_double_odds / math.log(2.0)

    @property
    def offset(self) -> float:
        """The points at even odds."""
        return self.points_at_odds - self.factor * math.log(self.odds)

    @cached_property
    def flat(self) -> Flat:
        """The same as flat arrays."""
        lines = self.characteristics

        def joined(parts: Sequence[tuple[float, ...]], kind: type) -> tuple[NDArray[np.int64], NDArray[Any]]:
            starts = np.cumsum([0, *map(len, parts)]).astype(np.int64)
            return starts, np.array([value for part in parts for value in part], dtype=kind)

        places = [(*line.points, line.missing_points, *line.code_points) for line in lines]
        keys = [
            tuple(-given * KEY_BASE + KEY_BASE - 1 - c if given < 0 else 0 for given in place)
            for c, place in enumerate(places)
        ]
        return Flat(
            *joined([line.edges for line in lines], np.float64),
            *joined([line.category_bins for line in lines], np.int32),
            *joined([line.codes for line in lines], np.float64),
            joined(places, np.int32)[0],
            np.array([len(line.points) for line in lines], dtype=np.int32),
            joined(places, np.int32)[1],
            joined(keys, np.int32)[1],
        )

    def scored(self, columns: Columns) -> Scored:
        """Points, PD, and the four characteristics that cost most, for every account.

        Raises
        ------
        InputError
            When a column the scorecard reads is missing.
        """
        accounts = len(columns)
        scored = Scored(
            np.empty(accounts),
            np.empty(accounts),
            np.empty((accounts, REASONS), np.int16),
            np.empty((accounts, REASONS)),
        )
        score_into(
            columns.values,
            columns.rows(self.names),
            self.flat,
            self.base_points,
            self.offset,
            self.factor,
            *scored,
        )
        return scored

    def points_by_characteristic(self, columns: Columns) -> NDArray[np.float64]:
        """The points that each characteristic gives, ``(k, n)``; with the base points they sum to the score.

        Examples
        --------
        >>> late = Characteristic("late", "Late bills", None, (1.0,), (), (1000, -3000), -1000, (), ())
        >>> Scorecard((late,), 53000).points_by_characteristic(Columns(("late",), np.array([[0.0, 3.0]])))
        array([[ 10., -30.]])
        """
        # The places of a characteristic lie one after another among all points.
        places = self.flat.place_start[:-1, None] + self.places_by_characteristic(columns)
        return np.asarray(self.flat.points[places] / HUNDREDTHS)

    def places_by_characteristic(self, columns: Columns) -> NDArray[np.int32]:
        """The bin of each account in each characteristic, ``(k, n)``: of known values, missing or unseen, codes.

        Examples
        --------
        >>> late = Characteristic("late", "Late bills", None, (1.0,), (), (1000, -3000), -1000, (9.0,), (-500,))
        >>> columns = Columns(("late",), np.array([[0.0, 3.0, np.nan, 9.0]]))
        >>> Scorecard((late,), 53000).places_by_characteristic(columns).tolist()
        [[0, 1, 2, 3]]
        """
        places = np.empty((len(self.characteristics), len(columns)), dtype=np.int32)
        places_into(columns.values, columns.rows(self.names), self.flat, places)
        return places

    def to_document(self) -> dict[str, object]:
        """The scorecard as JSON holds it."""
        return {
            "base_points": self.base_points / HUNDREDTHS,
            "points_at_odds": self.points_at_odds,
            "odds": self.odds,
            "points_to_double_odds": self.points_to_double_odds,
            "characteristics": [line.to_document() for line in self.characteristics],
        }


def scorecard_from_document(document: Mapping[str, Any]) -> Scorecard:
    """A scorecard from its JSON.

    Raises
    ------
    ModelError
        When a characteristic does not hold together.
    """
    return Scorecard(
        tuple(characteristic_from_document(line) for line in document["characteristics"]),
        hundredths(document["base_points"]),
        document["points_at_odds"],
        document["odds"],
        document["points_to_double_odds"],
    )
