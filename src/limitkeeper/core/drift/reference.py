"""What a model was trained on, as counts a bin: kept with the model, and compared with what it meets later."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from limitkeeper.core.kernel.columns import Columns
from limitkeeper.core.kernel.errors import ModelError
from limitkeeper.core.risk.scorecard import Scorecard

SCORE_BINS = 10
"""Quantile bins of the score."""


@dataclass(frozen=True, slots=True)
class Reference:
    """Where the accounts of the training lay.

    Parameters
    ----------
    rows
        How many there were.
    edges
        Inner edges of the score's bins, in points, rising; bin ``b`` holds ``edges[b - 1] <= points < edges[b]``.
    score
        Rows a bin of the score.
    characteristics
        Rows a bin of each characteristic: its own bins in order, a missing value, its codes.
    """

    rows: int
    edges: tuple[float, ...]
    score: tuple[int, ...]
    characteristics: Mapping[str, tuple[int, ...]]

    def to_document(self) -> dict[str, Any]:
        """The reference as JSON holds it."""
        return {
            "rows": self.rows,
            "edges": list(self.edges),
            "score": list(self.score),
            "characteristics": {name: list(counts) for name, counts in self.characteristics.items()},
        }


def reference_of(scorecard: Scorecard, columns: Columns) -> Reference:
    """Where some accounts lie: the score in ten quantile bins of their own, each characteristic in its bins.

    Parameters
    ----------
    scorecard
        Of the model.
    columns
        At least what it reads, of the accounts of the training.
    """
    points = scorecard.scored(columns).points
    edges = np.unique(np.quantile(points, np.linspace(0.0, 1.0, SCORE_BINS + 1)[1:-1]))
    # An edge at the least score would open a bin that nothing can fall into.
    edges = edges[edges > points.min()]
    return Reference(
        len(points),
        tuple(map(float, edges)),
        score_counts(points, edges),
        characteristic_counts(scorecard, columns),
    )


def score_counts(points: NDArray[np.float64], edges: NDArray[np.float64]) -> tuple[int, ...]:
    """Rows a bin of the score.

    Examples
    --------
    >>> score_counts(np.array([1.0, 2.0, 3.0]), np.array([2.0]))
    (1, 2)
    """
    counts = np.bincount(np.searchsorted(edges, points, side="right"), minlength=len(edges) + 1)
    return tuple(counts.tolist())


def characteristic_counts(scorecard: Scorecard, columns: Columns) -> dict[str, tuple[int, ...]]:
    """Rows a bin of each characteristic, binned as the scorecard bins it to give points."""
    places = scorecard.places_by_characteristic(columns)
    return {
        line.name: tuple(np.bincount(places[k], minlength=line.places).tolist())
        for k, line in enumerate(scorecard.characteristics)
    }


def reference_from_document(document: Mapping[str, Any] | None, scorecard: Scorecard) -> Reference:
    """The reference that a model's card holds.

    Raises
    ------
    ModelError
        When there is none, or it is not of that scorecard.
    """
    if document is None:
        raise ModelError(
            "The model does not hold the distribution that it was trained on.",
            advice="Train it again: models hold it since this version.",
        )
    try:
        reference = Reference(
            int(document["rows"]),
            tuple(map(float, document["edges"])),
            tuple(map(int, document["score"])),
            {name: tuple(map(int, counts)) for name, counts in document["characteristics"].items()},
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ModelError(f"The model's reference distribution cannot be read: {error!r}.") from error
    needed = {line.name: line.places for line in scorecard.characteristics}
    held = {name: len(counts) for name, counts in reference.characteristics.items()}
    if held != needed or len(reference.score) != len(reference.edges) + 1:
        raise ModelError(
            "The model's reference distribution is not of its scorecard.",
            value=held,
            allowed=needed,
            advice="Train it again.",
        )
    return reference
