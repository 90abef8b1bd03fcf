"""The map of a portfolio: accounts by risk grade, which is a band of PD, and by band of utilisation."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

RISK_GRADES = (0.0, 0.05, 0.10, 0.20, 0.35, 0.50, 1.0)
"""Edges of the bands of PD."""

UTILISATION_BANDS = (0.0, 0.1, 0.3, 0.6, 0.9, 1.0)
"""Lower edges of the bands of utilisation; what is below the first is with it."""

GRADES, BANDS = len(RISK_GRADES) - 1, len(UTILISATION_BANDS)

NOWHERE = -1


def grid_cells(pd: NDArray[np.float64], utilisation: NDArray[np.float64]) -> NDArray[np.int64]:
    """The cell of each account, ``grade * BANDS + band``; ``NOWHERE`` where PD or utilisation is unknown.

    Examples
    --------
    >>> grid_cells(np.array([0.04, 0.05, 0.9, np.nan]), np.array([-0.5, 0.95, 7.0, 0.5])).tolist()
    [0, 10, 35, -1]
    """
    grade = np.searchsorted(RISK_GRADES[1:-1], pd, side="right")
    band = np.clip(np.searchsorted(UTILISATION_BANDS, utilisation, side="right") - 1, 0, BANDS - 1)
    return np.where(np.isnan(pd) | np.isnan(utilisation), NOWHERE, grade * BANDS + band)


def grid_sums(cells: NDArray[np.int64], weights: NDArray[np.float64] | None = None) -> NDArray[Any]:
    """How many accounts lie in each cell, or the sum of their weights, shape ``(GRADES, BANDS)``.

    Examples
    --------
    >>> grid_sums(np.array([0, 0, -1]), np.array([2.0, 3.0, 9.0]))[0, 0]
    np.float64(5.0)
    """
    known = cells != NOWHERE
    sums: NDArray[Any] = np.bincount(
        cells[known], None if weights is None else weights[known], GRADES * BANDS
    )
    return sums.reshape(GRADES, BANDS)
