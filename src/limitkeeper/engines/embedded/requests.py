"""What an engine is asked, and what it answers."""

import datetime as dt
import time
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from limitkeeper.connectors.events import ID_BYTES_MAX
from limitkeeper.connectors.messages import read_messages
from limitkeeper.core.behaviour.events import ACCEPTED, DUPLICATE, TOO_LATE
from limitkeeper.core.kernel.errors import LimitkeeperError
from limitkeeper.engines.embedded.state import Outcome


class BusyError(LimitkeeperError):
    """The queue is full: come again after ``retry_seconds``."""

    retry_seconds = 1


class StoppedError(LimitkeeperError):
    """The engine is stopping or has failed: nothing more is taken."""


@dataclass(slots=True)
class Request:
    """Something to do, in its turn, and the future of its answer.

    The content of ``events`` is a list of messages, or a table that was read; of a command its table; of ``read`` a
    function of the engine, which must not change it.
    """

    kind: str
    content: Any
    events: int = 0
    source: str = "api"
    offsets: dict[tuple[str, int], int] = field(default_factory=dict)
    assess: bool = False
    since: float = field(default_factory=time.monotonic)
    answer: "Future[Any]" = field(default_factory=Future)


@dataclass(slots=True)
class Answer:
    """What became of a request's events.

    Parameters
    ----------
    sequence
        Of the micro-batch that holds them.
    accepted, rejected, duplicate
        ``read`` is their sum.
    rows, status
        Of each row that is an event: its place in the request; 0 applied, 1 duplicate, 2 too late.
    refused
        Rows that are no events, with their reasons.
    assessments
        Of each of ``rows``, where asked for; None where not applied.
    features
        Of each ``(n, 45)``.
    """

    sequence: int
    accepted: int
    rejected: int
    duplicate: int
    rows: NDArray[np.int64]
    status: NDArray[np.uint8]
    refused: list[dict[str, Any]]
    assessments: list[dict[str, Any] | None] | None
    features: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class TakenEvents:
    """The events of several requests as one table.

    Parameters
    ----------
    events
        Accepted rows, one request after another; ``row`` counts within its request.
    bounds
        Where each request's rows begin, and the end.
    rejected
        Each request's rows that are no events: ``source, row, event_id, account_id, reason``.
    """

    events: pl.DataFrame
    bounds: list[int]
    rejected: list[list[dict[str, Any]]]


def answer_of(number: int, taken: TakenEvents, outcome: Outcome | None, sequence: int) -> Answer:
    """What became of one request of a micro-batch, by its number in it."""
    which = slice(*taken.bounds[number : number + 2])
    status = outcome.status[which] if outcome else np.empty(0, np.uint8)
    return Answer(
        sequence=sequence,
        accepted=int((status == ACCEPTED).sum()),
        rejected=len(taken.rejected[number]) + int((status == TOO_LATE).sum()),
        duplicate=int((status == DUPLICATE).sum()),
        rows=taken.events["row"][which].to_numpy(),
        status=status,
        refused=taken.rejected[number],
        assessments=None,
        features=outcome.features[which] if outcome else np.empty((0, 0)),
    )


def taken_events(batch: Sequence[Request], as_of: dt.datetime) -> TakenEvents:
    """The events of requests: messages are read here, all at once; tables were read before."""
    messages = [
        message for request in batch if isinstance(request.content, list) for message in request.content
    ]
    read = read_messages(messages, as_of) if messages else None
    parts: list[pl.DataFrame] = []
    rejected: list[list[dict[str, Any]]] = []
    first = 0
    for request in batch:
        if isinstance(request.content, list) and read is not None:
            last = first + len(request.content)
            between = pl.col("row").is_between(first, last, closed="left")
            alone = len(request.content) == len(messages)
            accepted, refused = (
                part if alone else part.filter(between).with_columns(pl.col("row") - first)
                for part in (read.accepted, read.rejected)
            )
            first = last
        else:
            accepted, refused = request.content.accepted, request.content.rejected
        parts.append(accepted)
        rejected.append(
            [
                {"row": row["row"], "source": request.source, "reason": row["reason"]}
                | {name: _text(row.get(name)) for name in ("event_id", "account_id")}
                for row in refused.iter_rows(named=True)
            ]
        )
    bounds = [0]
    for part in parts:
        bounds.append(bounds[-1] + part.height)
    return TakenEvents(pl.concat(parts) if len(parts) > 1 else parts[0], bounds, rejected)


def _text(value: object) -> str | None:
    return None if value is None else str(value).replace("\0", "\ufffd")[:ID_BYTES_MAX]
