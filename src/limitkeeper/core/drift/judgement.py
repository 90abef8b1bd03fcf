"""Which figures of a period are alerts: far enough to matter, and farther than chance goes.

A figure is raised where it is beyond a practical bound **and** the test that nothing changed is refused, all the
period's figures together, at a stated false alarm rate (Holm's procedure). Raised, it stands until it comes back
well within the bound.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

FINE, WATCH, ALERT = "fine", "watch", "alert"
LEVELS = (FINE, WATCH, ALERT)
"""Of a figure, the worst last."""

TOO_FEW, OUTCOME_UNKNOWN, NOTHING_BEFORE = "too_few", "outcome_unknown", "nothing_before"
NOT_JUDGED = (TOO_FEW, OUTCOME_UNKNOWN, NOTHING_BEFORE)
"""Why a figure was not judged."""

KINDS = ("psi", "csi", "calibration", "slope", "auc", "override", "overturn")
"""What is judged; each has its bounds."""


class Key(NamedTuple):
    """Which figure: its kind, the characteristic it is of, and the segment (empty: all accounts)."""

    kind: str
    name: str = ""
    segment: str = ""


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure of a period.

    Parameters
    ----------
    key
        Which.
    value, low, high
        With its 95 % interval; NaN where there is none.
    size
        How far from where it ought to be, 0 or more, in the unit of its bounds.
    p_value
        Probability of a size as large where nothing changed; NaN where it was not judged.
    rows
        Accounts, outcomes or cases that it comes from.
    why_not
        One of :data:`NOT_JUDGED`, or None.
    note
        What explains it, as JSON: the bin that moved most, what it was compared with.
    """

    key: Key
    value: float
    low: float
    high: float
    size: float
    p_value: float
    rows: int
    why_not: str | None = None
    note: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True)
class Bounds:
    """The size from which a figure is watched, and from which it is an alert."""

    watch: float
    alert: float


@dataclass(frozen=True, slots=True)
class Terms:
    """What an alert is.

    Parameters
    ----------
    bounds
        Of each kind.
    false_alarm_share
        Periods of 1 in which anything at all is raised although nothing changed, at most.
    release_share
        Share of a bound below which a raised figure is let go.
    least_expected
        Rows that a bin is to have, at least.
    least_outcomes
        Good, and bad, accounts without which discrimination and calibration are not judged.
    least_cases
        Decisions of people, or answered appeals, without which their rate is not judged.
    """

    bounds: Mapping[str, Bounds]
    false_alarm_share: float
    release_share: float
    least_expected: float
    least_outcomes: int
    least_cases: int


@dataclass(frozen=True, slots=True)
class Judged:
    """A figure with what is said of it: its level, whether that is new, and its p-value among all that were looked at."""

    figure: Figure
    level: str
    is_new: bool
    adjusted: float


def holm(p_values: Sequence[float]) -> list[float]:
    """The p-values corrected for how many there are, in the order given; NaN stays and does not count.

    Those at or below ``a`` may be refused together: the probability that any of them is refused though it holds is
    ``a`` at most, however they hang together.

    Source
    ------
    S. Holm, A simple sequentially rejective multiple test procedure, Scandinavian Journal of Statistics 6, 1979.

    Examples
    --------
    >>> [round(p, 3) for p in holm([0.01, 0.04, 0.03, float("nan")])]
    [0.03, 0.06, 0.06, nan]
    """
    values = np.asarray(p_values, dtype=np.float64)
    tested = np.flatnonzero(~np.isnan(values))
    order = tested[np.argsort(values[tested], kind="stable")]
    adjusted = np.full(len(values), np.nan)
    factors = len(order) - np.arange(len(order))
    adjusted[order] = np.minimum(np.maximum.accumulate(values[order] * factors), 1.0)
    return adjusted.tolist()


def judged(figures: Sequence[Figure], standing: Mapping[Key, str], terms: Terms) -> list[Judged]:
    """What is said of each figure of a period.

    Parameters
    ----------
    figures
        All that are looked at in it, judged or not.
    standing
        Level of each figure at the end of the period before; what is not named was fine.
    terms
        What an alert is.

    Returns
    -------
    In the order given. A figure that was not judged stays as it was.
    """
    found = []
    for figure, adjusted in zip(figures, holm([each.p_value for each in figures]), strict=True):
        before = standing.get(figure.key, FINE)
        level = before if figure.why_not else _level(figure, before, adjusted, terms)
        found.append(Judged(figure, level, LEVELS.index(level) > LEVELS.index(before), adjusted))
    return found


def _level(figure: Figure, before: str, adjusted: float, terms: Terms) -> str:
    bounds = terms.bounds[figure.key.kind]
    # Held by release: a figure about its bound does not come and go.
    level, was = FINE, LEVELS.index(before)
    for number, bound in ((1, bounds.watch), (2, bounds.alert)):
        raised = adjusted <= terms.false_alarm_share and figure.size >= bound
        held = number <= was and figure.size >= terms.release_share * bound
        level = LEVELS[number] if raised or held else level
    return level


def standing_after(judgements: Sequence[Judged], standing: Mapping[Key, str]) -> dict[Key, str]:
    """The levels that the next period begins with."""
    return dict(standing) | {each.figure.key: each.level for each in judgements}
