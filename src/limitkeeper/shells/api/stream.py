"""The live stream: what is committed as Server-Sent Events, and what a listener missed who comes back.

An id ends a micro-batch: only its last message has one. So whoever is cut off within it is told all of it again, and
nobody is told of a part.
"""

import asyncio
import contextlib
import heapq
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise
from typing import Any

import msgspec
import sqlalchemy as sa
from starlette.concurrency import iterate_in_threadpool

from limitkeeper.engines.embedded.engine import Engine
from limitkeeper.engines.embedded.requests import BusyError
from limitkeeper.store.sql import Store

LISTENERS_MAX = 256
"""Listeners of the stream at a time."""

STREAM_MESSAGES = 10_000
"""Messages that wait for one listener; one that is slower is told so, and begins again from the store."""

HEARTBEAT_SECONDS = 15.0

PAGE_ROWS = 1_000
"""Rows that are read at once for a listener who comes back."""

LAGGED = {"advice": "Come back with Last-Event-ID to be told what was missed."}


@dataclass(frozen=True, slots=True)
class Changed:
    """A table whose rows say by which micro-batch they were changed last.

    Parameters
    ----------
    table, columns
        What is read; its one primary key is told apart by.
    topic
        Of the messages.
    document
        Of a row.
    """

    table: sa.Table
    columns: Sequence[sa.Column[Any]]
    topic: str
    document: Callable[[dict[str, Any]], Any]


def sse(topic: str, content: object, sequence: int | None = None) -> bytes:
    r"""A Server-Sent Event.

    Examples
    --------
    >>> sse("lagged", {}, 3)
    b'id: 3\nevent: lagged\ndata: {}\n\n'
    """
    head = b"" if sequence is None else f"id: {sequence}\n".encode()
    return head + f"event: {topic}\ndata: ".encode() + msgspec.json.encode(content) + b"\n\n"


class Follower:
    """The messages that wait for one listener; a slow one loses them, and is told."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.waiting: asyncio.Queue[bytes] = asyncio.Queue(STREAM_MESSAGES)
        self.has_lagged = False

    def listen(self, messages: list[dict[str, Any]]) -> None:
        """Take a micro-batch's messages from the engine's thread."""
        self.loop.call_soon_threadsafe(self._put, messages)

    def _put(self, messages: list[dict[str, Any]]) -> None:
        if self.has_lagged:
            return
        last = len(messages) - 1
        for place, message in enumerate(messages):
            if self.waiting.full():
                while not self.waiting.empty():
                    self.waiting.get_nowait()
                self.waiting.put_nowait(sse("lagged", LAGGED))
                self.has_lagged = True
                return
            sequence = message["sequence"] if place == last else None
            self.waiting.put_nowait(sse(message["topic"], message, sequence))

    async def chunk(self) -> bytes:
        """The next message, or a sign of life where none comes for a while."""
        try:
            return await asyncio.wait_for(self.waiting.get(), HEARTBEAT_SECONDS)
        except TimeoutError:
            return b": still here\n\n"

    @property
    def is_over(self) -> bool:
        """Whether it was told that it lagged: what it was told before ends with the last id that it has."""
        return self.has_lagged and self.waiting.empty()


@contextlib.contextmanager
def listening(engine: Engine) -> Iterator[Follower]:
    """A place among the listeners, given back when the listener leaves.

    Raises
    ------
    BusyError
        When every place is taken.
    """
    if len(engine.listeners) >= LISTENERS_MAX:
        raise BusyError(
            "Too many listen to the stream.",
            value=len(engine.listeners),
            allowed=LISTENERS_MAX,
            advice="Come again later, or read /v1/alerts and /v1/proposals.",
        )
    follower = Follower()
    engine.listeners = [
        *engine.listeners,
        follower.listen,
    ]  # a new list: the engine's thread goes through the old
    try:
        yield follower
    finally:
        engine.listeners = [each for each in engine.listeners if each != follower.listen]


async def followed(
    engine: Engine, store: Store, follower: Follower, last: int | None, changed: Sequence[Changed]
) -> AsyncIterator[bytes]:
    """The messages from now on, after those missed since a sequence; it ends where the listener has lagged."""
    yield b": limitkeeper\n\n"
    if last is not None:
        async for chunk in iterate_in_threadpool(missed(store, last, changed)):
            yield chunk
    while not engine.stopping and not follower.is_over:
        yield await follower.chunk()


def missed(store: Store, last: int, changed: Sequence[Changed]) -> Iterator[bytes]:
    """What changed since a sequence, as it is now, in the order of the micro-batches; an id ends each of them."""
    rows = heapq.merge(*(_rows_since(store, last, each) for each in changed), key=lambda row: row[0])
    for row, following in pairwise(chain(rows, [None])):
        assert row is not None
        sequence, topic, document = row
        ends = following is None or following[0] != sequence
        yield sse(topic, document, sequence if ends else None)


def _rows_since(store: Store, last: int, of: Changed) -> Iterable[tuple[int, str, Any]]:
    (key,) = of.table.primary_key
    marks = of.table.c.sequence, key
    query = sa.select(*of.columns).order_by(*marks).limit(PAGE_ROWS)
    place = of.table.c.sequence > last
    while True:
        rows = store.rows(query.where(place))
        for row in rows:
            yield row["sequence"], of.topic, of.document(row)
        if len(rows) < PAGE_ROWS:
            return
        place = sa.tuple_(*marks) > sa.tuple_(rows[-1]["sequence"], rows[-1][key.name])
