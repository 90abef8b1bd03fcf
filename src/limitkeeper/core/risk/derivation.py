"""Derived characteristics: what is computed from a lender's columns, as data, by one function.

A derivation is an operation over some columns, newest first, divided by the mean of others where there are
any. It is found when a model is trained and computed by the same kernel when the model scores.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from limitkeeper.core.kernel.columns import Columns
from limitkeeper.core.kernel.compiled import compiled
from limitkeeper.core.kernel.errors import ModelError, did_you_mean

OPERATIONS = {
    "mean": "mean of {of}",
    "max": "largest of {of}",
    "min": "smallest of {of}",
    "positive_count": "months above zero in {of}",
    "positive_mean": "mean of what is above zero in {of}",
    "months_since_positive": "months since {of} was above zero",
    "newest_minus_mean": "newest of {of} less their mean",
    "newest_minus_oldest": "newest of {of} less the oldest",
    "deviation": "standard deviation of {of}",
    "recent_mean": "mean of the newest three of {of}",
    "recent_weighted": "mean of {of}, each month weighing half of the newer",
    "difference": "{of}",
}
"""The operations and how each is worded."""

(MEAN, MAX, MIN, COUNT, POSITIVE, SINCE, LESS_MEAN, LESS_OLDEST, DEVIATION, RECENT, WEIGHTED, DIFFERENCE) = (
    range(len(OPERATIONS))
)
CODES = {name: code for code, name in enumerate(OPERATIONS)}


@dataclass(frozen=True, slots=True)
class Derivation:
    """One derived characteristic.

    Parameters
    ----------
    name
        Its column's name.
    operation
        One of `OPERATIONS`.
    of
        The columns it is taken over, newest first; for ``difference`` the first less the second.
    over
        The columns whose mean divides it; empty divides by nothing.

    Examples
    --------
    >>> Derivation("utilisation", "mean", ("bill",), ("limit",)).label
    'bill / limit'
    """

    name: str
    operation: str
    of: tuple[str, ...]
    over: tuple[str, ...] = ()

    @property
    def inputs(self) -> tuple[str, ...]:
        """The columns it needs."""
        return (*self.of, *self.over)

    @property
    def label(self) -> str:
        """What it is, in words and the lender's column names."""
        if self.operation == "difference":
            above = " less ".join(self.of)
        elif len(self.of) == 1:
            above = self.of[0]
        else:
            above = OPERATIONS[self.operation].format(of=span(self.of))
        return f"{above} / {span(self.over)}" if self.over else above

    def to_document(self) -> dict[str, object]:
        """The derivation as JSON holds it."""
        return {
            "name": self.name,
            "operation": self.operation,
            "of": list(self.of),
            "over": list(self.over),
        }


def span(names: Sequence[str]) -> str:
    """A run of columns in short: first..last.

    Examples
    --------
    >>> span(["BILL_1", "BILL_2", "BILL_3"])
    'BILL_1..BILL_3'
    """
    return names[0] if len(names) == 1 else f"{names[0]}..{names[-1]}"


def derivation_from_document(document: Mapping[str, object]) -> Derivation:
    """A derivation from its JSON.

    Raises
    ------
    ModelError
        When its operation is unknown.
    """
    operation = str(document["operation"])
    if operation not in CODES:
        raise ModelError(
            "The model uses a derivation that this version does not know.",
            value=operation,
            allowed=", ".join(CODES),
            advice=did_you_mean(operation, CODES),
        )
    of, over = document["of"], document["over"]
    assert isinstance(of, list)
    assert isinstance(over, list)
    return Derivation(str(document["name"]), operation, tuple(of), tuple(over))


@compiled
def _known(value: float, missing_codes: NDArray[np.float64]) -> bool:
    if np.isnan(value):
        return False
    for code in missing_codes:  # noqa: SIM110 - numba compiles the loop, not any()
        if value == code:
            return False
    return True


@compiled
def _mean_of(
    values: NDArray[np.float64], rows: NDArray[np.int64], row: int, missing_codes: NDArray[np.float64]
) -> float:
    total, known = 0.0, 0
    for k in rows:
        if _known(values[k, row], missing_codes):
            total += values[k, row]
            known += 1
    return total / known if known else np.nan


@compiled
def _aggregate(  # noqa: C901, PLR0912 - one branch an operation, in one pass
    values: NDArray[np.float64],
    operation: int,
    rows: NDArray[np.int64],
    row: int,
    missing_codes: NDArray[np.float64],
) -> float:
    """One operation over one account's values, those missing left out; NaN where nothing is known."""
    total, weights, weight, count = 0.0, 0.0, 1.0, 0
    positive_total, positive_count, since = 0.0, 0, -1
    low, high = np.inf, -np.inf
    last = min(3, len(rows)) if operation == RECENT else len(rows)
    for month in range(last):
        value = values[rows[month], row]
        if _known(value, missing_codes):
            count += 1
            total += value
            low, high = min(low, value), max(high, value)
            weights += weight
            if operation == WEIGHTED:
                positive_total += weight * value
            elif value > 0:
                positive_total += value
                positive_count += 1
                if since < 0:
                    since = month
        weight *= 0.5
    if count == 0:
        return np.nan
    newest = values[rows[0], row]
    newest_known = _known(newest, missing_codes)
    result = np.nan
    if operation in (MEAN, RECENT):
        result = total / count
    elif operation == MAX:
        result = high
    elif operation == MIN:
        result = low
    elif operation == COUNT:
        result = float(positive_count)
    elif operation == POSITIVE:
        result = positive_total / count
    elif operation == SINCE:
        result = float(since) if since >= 0 else float(len(rows))
    elif operation == WEIGHTED:
        result = positive_total / weights
    elif operation == DEVIATION:
        centre, squares = total / count, 0.0
        for k in rows:
            if _known(values[k, row], missing_codes):
                squares += (values[k, row] - centre) ** 2
        result = np.sqrt(squares / count)
    elif newest_known and operation == LESS_MEAN:
        result = newest - total / count
    elif newest_known and _known(values[rows[-1], row], missing_codes):
        result = newest - values[rows[-1], row]
    return result


@compiled
def _derive(
    values: NDArray[np.float64],
    operation: int,
    of_rows: NDArray[np.int64],
    over_rows: NDArray[np.int64],
    missing_codes: NDArray[np.float64],
    out: NDArray[np.float64],
) -> None:
    for row in range(values.shape[1]):
        result = _aggregate(values, operation, of_rows, row, missing_codes)
        if len(over_rows):
            divisor = _mean_of(values, over_rows, row, missing_codes)
            result = result / divisor if divisor != 0.0 else np.nan
        out[row] = result


def with_derived(
    columns: Columns, derivations: Sequence[Derivation], missing_codes: Sequence[float] = ()
) -> Columns:
    """The columns and their derivations, as one matrix.

    Parameters
    ----------
    columns
        The lender's columns; ``(k, n)``.
    derivations
        What is computed from them.
    missing_codes
        Values that stand for missing; members that hold one are left out, as NaN is.

    Returns
    -------
    Columns
        ``(k + d, n)``. A derivation is NaN where none of its members is known, or its divisor is zero.

    Examples
    --------
    >>> columns = Columns(("bill", "limit"), np.array([[50.0, 10.0], [100.0, 0.0]]))
    >>> with_derived(columns, [Derivation("utilisation", "mean", ("bill",), ("limit",))])["utilisation"]
    array([0.5, nan])
    """
    known = len(columns.names)
    values = np.empty((known + len(derivations), len(columns)))
    values[:known] = columns.values
    codes = np.array(missing_codes, dtype=np.float64)
    for k, derivation in enumerate(derivations):
        _derive(
            columns.values,
            CODES[derivation.operation],
            columns.rows(derivation.of),
            columns.rows(derivation.over),
            codes,
            values[known + k],
        )
    return Columns((*columns.names, *(derivation.name for derivation in derivations)), values)
