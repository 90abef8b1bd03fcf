"""Characteristics a table suggests by itself: monthly series, shares of a limit, ratios of amounts.

Nothing here knows a lender's columns. A *series* is a run of columns that share a stem, are numbered, move
together and are of one size: the same quantity, month by month, number 1 (or 0) the newest. Of each series
aggregates are proposed; of two series of the same length, what one is of the other in the same month and of
the month before; and of amounts, what they are of the column that acts as their limit. Which of them stay is
settled by the fit on the training rows.
"""

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from limitkeeper.core.kernel.columns import Columns
from limitkeeper.core.risk.derivation import Derivation

MONTHS_LEAST = 3
"""Columns a series has at least."""

CORRELATION_LEAST = 0.25
"""Rank correlation of neighbouring months of one quantity, at least."""

SIZE_RATIO_MOST = 4.0
"""Neighbouring months of one quantity differ in their spread by this factor at most."""

SAMPLE_ROWS = 5_000
"""Rows looked at to tell whether columns move together."""

AMOUNT_DISTINCT = 25
"""Distinct values that an amount has at least; below, it is a count or a grade."""

PAIRED_COLUMNS = 8
"""Amounts outside a series whose ratios are proposed."""

AGGREGATES = (
    "mean", "max", "min", "newest_minus_mean", "newest_minus_oldest", "positive_count", "positive_mean",
    "months_since_positive", "deviation", "recent_mean", "recent_weighted",
)  # fmt: skip
RELATIVE_AGGREGATES = ("mean", "max", "min", "newest_minus_mean", "newest_minus_oldest")
LIMIT_NAME = re.compile(r"limit|(^|_)line($|_)|ceiling|额度", re.IGNORECASE)
NUMBERED = re.compile(r"^(.*?)(\d{1,3})$")


def proposed_derivations(columns: Columns, missing_codes: Sequence[float]) -> tuple[Derivation, ...]:
    """What could be derived from a table's numbers, found without the target.

    Parameters
    ----------
    columns
        The table's numbers (no text), training rows only.
    missing_codes
        Values that stand for missing.
    """
    sample = sampled(columns, missing_codes)
    series = list(series_of(sample))
    in_series = set(itertools.chain.from_iterable(series))
    limit = limit_of(sample, series, in_series)
    proposed: dict[str, Derivation] = {}
    for derivation in itertools.chain(
        *(aggregates_of(members) for members in series),
        *(shares_of_limit(members, limit) for members in series if limit and is_amount(sample[members[0]])),
        *(
            shares_between(above, below)
            for above, below in itertools.permutations(series, 2)
            if is_amount(sample[above[0]]) and is_amount(sample[below[0]]) and len(above) == len(below)
        ),
        ratios_of_amounts(sample, [name for name in sample.names if name not in in_series and name != limit]),
    ):
        if derivation.name not in columns:
            proposed.setdefault(derivation.name, derivation)
    return tuple(proposed.values())


def sampled(columns: Columns, missing_codes: Sequence[float]) -> Columns:
    """Evenly spaced rows with missing codes as NaN."""
    step = max(1, len(columns) // SAMPLE_ROWS)
    values = columns.values[:, ::step].copy()
    values[np.isin(values, list(missing_codes))] = np.nan
    return Columns(columns.names, values)


def series_of(sample: Columns) -> Iterator[tuple[str, ...]]:
    """The runs of numbered columns that are one quantity month by month, newest (lowest number) first."""
    stems: dict[str, list[tuple[int, str]]] = {}
    for name in sample.names:
        numbered = NUMBERED.match(name)
        if numbered:
            stems.setdefault(numbered[1].lower(), []).append((int(numbered[2]), name))
    for members in stems.values():
        run: list[tuple[int, str]] = []
        for member in sorted(members):
            if run and not (
                member[0] - run[-1][0] <= 2  # noqa: PLR2004 - one number may be left out (0, 2, 3)
                and move_together(sample[run[-1][1]], sample[member[1]])
            ):
                yield from long_enough(run)
                run = []
            run.append(member)
        yield from long_enough(run)


def long_enough(run: Sequence[tuple[int, str]]) -> Iterator[tuple[str, ...]]:
    """The run's names, if it is a series."""
    if len(run) >= MONTHS_LEAST:
        yield tuple(name for _, name in run)


def move_together(first: NDArray[np.float64], second: NDArray[np.float64]) -> bool:
    """Whether two columns may be one quantity in two months: correlated, and of one size."""
    known = ~(np.isnan(first) | np.isnan(second))
    if known.sum() < 50:  # noqa: PLR2004 - fewer say nothing
        return False
    spread = [np.subtract(*np.percentile(column[known], [90, 10])) for column in (first, second)]
    if min(spread) <= 0.0 or max(spread) > SIZE_RATIO_MOST * min(spread):
        spread = [float(np.std(column[known])) for column in (first, second)]
        if min(spread) <= 0.0 or max(spread) > SIZE_RATIO_MOST * min(spread):
            return False
    return rank_correlation(first[known], second[known]) >= CORRELATION_LEAST


def rank_correlation(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """Spearman's rank correlation of two columns without missing values."""
    return float(np.corrcoef(rankdata(first), rankdata(second))[0, 1])


def is_amount(column: NDArray[np.float64]) -> bool:
    """Whether a column takes many values, as amounts do."""
    known = column[~np.isnan(column)]
    return len(np.unique(known)) >= AMOUNT_DISTINCT


def limit_of(sample: Columns, series: Sequence[tuple[str, ...]], in_series: set[str]) -> str | None:
    """The column that acts as the limit of the series: so named; never zero or less, and an amount."""
    if not series:
        return None
    able = [
        name
        for name in sample.names
        if name not in in_series and np.nanmin(sample[name], initial=np.inf) > 0.0 and is_amount(sample[name])
    ]
    named = [name for name in able if LIMIT_NAME.search(name)]
    if named:
        return named[0]
    amounts = [members[0] for members in series if is_amount(sample[members[0]])]
    strength = {name: max((together(sample, name, each) for each in amounts), default=0.0) for name in able}
    best = max(strength, key=lambda name: strength[name], default=None)
    return best if best is not None and strength[best] >= CORRELATION_LEAST else None


def together(sample: Columns, first: str, second: str) -> float:
    """The rank correlation of two columns over rows where both are known and at least one is above zero."""
    known = ~(np.isnan(sample[first]) | np.isnan(sample[second]))
    return rank_correlation(sample[first][known], sample[second][known]) if known.sum() > 50 else 0.0  # noqa: PLR2004


def stem_of(members: Sequence[str]) -> str:
    """What a series is called: its stem, without the number."""
    numbered = NUMBERED.match(members[0])
    stem = (numbered[1] if numbered else members[0]).strip("_- .")
    return stem or members[0]


def aggregates_of(members: tuple[str, ...]) -> Iterator[Derivation]:
    """The aggregates of one series."""
    for operation in AGGREGATES:
        yield Derivation(f"{stem_of(members)}_{operation}", operation, members)


def shares_of_limit(members: tuple[str, ...], limit: str) -> Iterator[Derivation]:
    """Each month over the limit, aggregates over the limit, and what of the limit the newest leaves."""
    for member in members:
        yield Derivation(f"{member}_over_{limit}", "mean", (member,), (limit,))
    for operation in RELATIVE_AGGREGATES:
        yield Derivation(f"{stem_of(members)}_{operation}_over_{limit}", operation, members, (limit,))
    yield Derivation(f"{limit}_less_{members[0]}", "difference", (limit, members[0]))


def shares_between(above: tuple[str, ...], below: tuple[str, ...]) -> Iterator[Derivation]:
    """One series over another: by month, over the month before, and over all months."""
    for shift, relation in ((0, "over"), (1, "over_previous")):
        pairs = list(zip(above, below[shift:], strict=False))
        for member, divisor in pairs:
            yield Derivation(f"{member}_{relation}_{divisor}", "mean", (member,), (divisor,))
        yield Derivation(
            f"{stem_of(above)}_{relation}_{stem_of(below)}",
            "mean",
            tuple(member for member, _ in pairs),
            tuple(divisor for _, divisor in pairs),
        )


def ratios_of_amounts(sample: Columns, names: Sequence[str]) -> Iterator[Derivation]:
    """Ratios of amounts outside any series; the column with fewer zeros divides."""
    amounts = [
        name for name in names if is_amount(sample[name]) and np.nanmin(sample[name], initial=np.inf) >= 0.0
    ]
    widest = sorted(amounts, key=lambda name: -variation(sample[name]))[:PAIRED_COLUMNS]
    zeros: Mapping[str, float] = {name: float(np.mean(sample[name] == 0.0)) for name in widest}
    for first, second in itertools.combinations(sorted(widest, key=names.index), 2):
        above, below = (first, second) if zeros[second] <= zeros[first] else (second, first)
        yield Derivation(f"{above}_over_{below}", "mean", (above,), (below,))


def variation(column: NDArray[np.float64]) -> float:
    """How widely an amount varies: its coefficient of variation."""
    known = column[~np.isnan(column)]
    mean = float(known.mean()) if len(known) else 0.0
    return float(known.std()) / mean if mean else 0.0
