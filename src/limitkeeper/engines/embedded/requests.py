"""What an engine is asked, and what it answers."""

import datetime as dt
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from limitkeeper.connectors.events import ID_BYTES_MAX, ReadEvents
from limitkeeper.connectors.messages import checked_messages
from limitkeeper.core.behaviour.events import ACCEPTED, DUPLICATE, TOO_LATE
from limitkeeper.core.kernel.errors import LimitkeeperError
from limitkeeper.engines.embedded.arrivals import Arrivals, arrivals_of_messages, arrivals_of_table
from limitkeeper.engines.embedded.outcome import Outcome


class BusyError(LimitkeeperError):
    """The queue is full: come again after ``retry_seconds``."""

    retry_seconds = 1


class StoppedError(LimitkeeperError):
    """The engine is stopping or has failed: nothing more is taken."""


class Worked(NamedTuple):
    """A micro-batch that is written: what it was, and when work began, was done, and was written (wall clock, ns)."""

    kind: str
    sequence: int
    requests: int
    events: int
    started_ns: int
    applied_ns: int
    written_ns: int
    traces: tuple[str, ...]


@dataclass(slots=True)
class Request:
    """Something to do, in its turn, and the future of its answer, which comes with its being submitted.

    The content of ``events`` is a list of messages, or a table that was read; of a command its table; of ``read`` a
    function of the engine, which must not change it. ``letter`` tells of a row, by its number, where it came from
    and what it was: rows that are refused then go to the outbox as dead letters. ``trace`` is the caller's
    W3C trace context.
    """

    kind: str
    content: Any
    events: int = 0
    source: str = "api"
    offsets: dict[tuple[str, int], int] = field(default_factory=dict)
    assess: bool = False
    trace: str | None = None
    letter: Callable[[int], dict[str, Any]] | None = None
    since: float = field(default_factory=time.monotonic)
    answer: "Future[Any]" = field(init=False, repr=False, compare=False)


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
    """The events of several requests, one request after another.

    Parameters
    ----------
    events
        Accepted rows.
    rows
        The place of each in its request.
    bounds
        Where each request's rows begin, and the end.
    rejected
        Each request's rows that are no events: ``source, row, event_id, account_id, reason``.
    """

    events: Arrivals
    rows: NDArray[np.int64]
    bounds: list[int]
    rejected: list[list[dict[str, Any]]]


def answers_of(taken: TakenEvents, outcome: Outcome | None, sequence: int) -> Iterator[Answer]:
    """What became of each request of a micro-batch."""
    status = outcome.status if outcome else np.empty(0, np.uint8)
    features = outcome.features if outcome else np.empty((0, 0))
    told = status.tobytes()  # counted as bytes: a few are quicker so than as an array
    for (start, stop), refused in zip(pairwise(taken.bounds), taken.rejected, strict=True):
        which = slice(start, stop)
        yield Answer(
            sequence=sequence,
            accepted=told.count(ACCEPTED, start, stop),
            rejected=len(refused),
            duplicate=told.count(DUPLICATE, start, stop),
            rows=taken.rows[which],
            status=status[which],
            refused=refused,
            assessments=None,
            features=features[which],
        )


def taken_events(batch: Sequence[Request], as_of: dt.datetime, time_zone: str) -> TakenEvents:
    """The events of requests of one kind: messages are read here, all at once; a table was read before."""
    if not isinstance(batch[0].content, list):
        read: ReadEvents = batch[0].content
        events = arrivals_of_table(read.accepted, time_zone)
        rejected = [_refused(read.rejected, batch[0].source)]
        return TakenEvents(events, events.rows, [0, len(events)], rejected)
    checked = checked_messages([message for request in batch for message in request.content], as_of)
    events = arrivals_of_messages(checked, time_zone)
    starts = np.cumsum([0, *(len(request.content) for request in batch)])
    bounds = np.searchsorted(events.rows, starts)
    own = events.rows - np.repeat(starts[:-1], np.diff(bounds))
    refused: list[list[dict[str, Any]]] = [[] for _ in batch]
    if len(events) < len(checked.reasons):
        for row in _refused(checked.rejected(), batch[0].source):
            number = int(np.searchsorted(starts, row["row"], side="right")) - 1
            refused[number].append(row | {"row": row["row"] - int(starts[number])})
    return TakenEvents(events, own, bounds.tolist(), refused)


def add_late(batch: Sequence[Request], taken: TakenEvents, outcome: Outcome) -> None:
    """Count events that came too late among the rows that are refused."""
    late = np.flatnonzero(outcome.status == TOO_LATE)
    if not len(late):
        return
    numbers = np.searchsorted(taken.bounds, late, side="right") - 1
    named = taken.events.table().select("event_id", "account_id")[late].iter_rows()
    for number, row, (event_id, account_id) in zip(
        numbers.tolist(), taken.rows[late].tolist(), named, strict=True
    ):
        ids = {"row": row, "event_id": event_id, "account_id": account_id}
        taken.rejected[number].append(ids | {"source": batch[number].source, "reason": "too_late"})
    for number in np.unique(numbers).tolist():
        taken.rejected[number].sort(key=lambda each: int(each["row"]))


def dead_letters(batch: Sequence[Request], taken: TakenEvents) -> list[dict[str, Any]]:
    """The rows that were refused, of requests that say what they were: each with the reason."""
    return [
        request.letter(row["row"]) | {"reason": row["reason"]}
        for request, rows in zip(batch, taken.rejected, strict=True)
        if request.letter is not None
        for row in rows
    ]


def _refused(rejected: pl.DataFrame, source: str) -> list[dict[str, Any]]:
    return [
        {"row": row["row"], "source": source, "reason": row["reason"]}
        | {name: _text(row.get(name)) for name in ("event_id", "account_id")}
        for row in rejected.iter_rows(named=True)
    ]


def _text(value: object) -> str | None:
    return None if value is None else str(value).replace("\0", "\ufffd")[:ID_BYTES_MAX]
