"""Named columns of equal length: the one shape that every stage takes and returns."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from limitkeeper.core.kernel.compiled import compiled
from limitkeeper.core.kernel.errors import InputError, did_you_mean

CHUNK_ROWS = 16_392
"""Rows worked on at a time: what a chunk's columns need stays in the processor's cache. Not a power of two,
or the columns of a chunk would all start in the same sets of it."""

COPIED_COLUMNS = 256
"""Columns of a matrix that are copied at a time: their rows stay in the processor's cache."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Columns as the rows of one matrix: ``values[k]`` is the column ``names[k]``, shape ``(k, n)``.

    Missing is NaN. Kernels take ``values`` and row numbers, so that nothing is copied to call them.

    Examples
    --------
    >>> columns = Columns(("pd", "lgd"), np.array([[0.01, 0.02], [0.5, 0.6]]))
    >>> len(columns), columns["lgd"].tolist()
    (2, [0.5, 0.6])
    """

    names: tuple[str, ...]
    values: NDArray[np.float64]

    def __post_init__(self) -> None:
        if self.values.ndim != 2 or self.values.shape[0] != len(self.names):  # noqa: PLR2004 - a matrix
            raise InputError(
                "The matrix of columns does not fit its names.",
                value=self.values.shape,
                allowed=f"({len(self.names)}, n)",
            )

    def __len__(self) -> int:
        return int(self.values.shape[1])

    def __contains__(self, name: str) -> bool:
        return name in self.names

    def __getitem__(self, name: str) -> NDArray[np.float64]:
        column: NDArray[np.float64] = self.values[self.row(name)]
        return column

    def row(self, name: str) -> int:
        """The row of ``values`` that holds a column.

        Raises
        ------
        InputError
            When there is no such column.
        """
        try:
            return self.names.index(name)
        except ValueError:
            raise InputError(
                f"There is no column '{name}'.",
                allowed=", ".join(self.names),
                advice=did_you_mean(name, self.names),
            ) from None

    def rows(self, names: Iterable[str]) -> NDArray[np.int64]:
        """The rows of ``values`` that hold the named columns, shape ``(len(names),)``."""
        return np.array(_rows(self.names, tuple(names)), dtype=np.int64)

    def part(self, start: int, stop: int) -> "Columns":
        """The accounts from ``start`` to before ``stop``, without a copy."""
        return Columns(self.names, self.values[:, start:stop])

    def with_columns(self, names: Iterable[str], values: NDArray[np.float64]) -> "Columns":
        """These columns and more, as a new matrix."""
        return Columns((*self.names, *names), np.vstack([self.values, values]))

    def chunks(self, rows: int = CHUNK_ROWS) -> Iterator[slice]:
        """Slices that cover the accounts, ``rows`` at a time."""
        return (slice(start, min(start + rows, len(self))) for start in range(0, len(self), rows))


@compiled
def copy_rows(
    source: NDArray[np.float64], rows: NDArray[np.int64], start: int, target: NDArray[np.float64]
) -> None:
    """Copy some rows of a matrix, from a column on, to the rows of another in that order.

    Column by column of a block, since the source may be the transpose of a matrix.
    """
    for low in range(0, target.shape[1], COPIED_COLUMNS):
        high = min(low + COPIED_COLUMNS, target.shape[1])
        for k in range(rows.shape[0]):
            for i in range(low, high):
                target[k, i] = source[rows[k], start + i]


@lru_cache(maxsize=256)
def _rows(names: tuple[str, ...], wanted: tuple[str, ...]) -> tuple[int, ...]:
    """The places of some names among others: the same few lists are asked for with every chunk and micro-batch."""
    columns = Columns(names, np.empty((len(names), 0)))
    return tuple(columns.row(name) for name in wanted)
