"""The bounded queue in front of the engine, and how its requests become micro-batches."""

import threading
import time
from collections import deque

from limitkeeper.engines.embedded.requests import BusyError, Request, StoppedError
from limitkeeper.engines.embedded.settings import BATCH_EVENTS, QUEUE_EVENTS

GATHER_SECONDS = 0.003
"""Single events wait so long for others at most."""

PAUSE_SECONDS = 0.0004
"""Where none comes for so long, none is waited for."""

GATHER_EVENTS = 512
"""Nobody waits when so many are there."""

RECENT_BATCHES = 16
"""So many micro-batches back it is looked how many events were on their way at once."""


class RequestQueue:
    """Requests in the order of their coming; never more events than :data:`QUEUE_EVENTS`, but for one large request."""

    def __init__(self) -> None:
        self._waiting: deque[Request] = deque()
        self._wake = threading.Condition()
        self.waiting_events = 0
        self.closed = False
        self._unanswered_events = 0
        self._held_events = deque([GATHER_EVENTS], RECENT_BATCHES)

    @property
    def waiting_seconds(self) -> float:
        """How long the oldest request has waited."""
        with self._wake:
            return time.monotonic() - self._waiting[0].since if self._waiting else 0.0

    def put(self, request: Request) -> None:
        """Put a request at the end.

        Raises
        ------
        BusyError
            When too much waits already.
        StoppedError
            When nothing more is taken.
        """
        size = max(request.events, 1)
        with self._wake:
            if self.closed:
                raise StoppedError("The engine has stopped.", advice="Try again when it runs.")
            if self.waiting_events and self.waiting_events + size > QUEUE_EVENTS:
                raise BusyError("Too many events wait.", value=self.waiting_events, allowed=QUEUE_EVENTS)
            self._waiting.append(request)
            self.waiting_events += size
            if len(self._waiting) == 1 or self._all_are_here():  # who gathers looks again by itself
                self._wake.notify()

    def close(self) -> None:
        """Take nothing more; what waits is still given out."""
        with self._wake:
            self.closed = True
            self._wake.notify()

    def emptied(self) -> list[Request]:
        """All that waits, which waits no longer; nothing more is taken."""
        with self._wake:
            self.closed = True
            left, self._waiting, self.waiting_events = list(self._waiting), deque(), 0
        return left

    def next_batch(self) -> list[Request] | None:
        """The requests of the next micro-batch, waited for: events together, anything else alone. None at the end."""
        with self._wake:
            while not self._waiting:
                if self.closed:
                    return None
                self._wake.wait()
            if isinstance(self._waiting[0].content, list):
                self._let_gather()
            batch = [self._waiting.popleft()]
            events = batch[0].events
            # Messages of many requests are one micro-batch; a table is large, and one by itself.
            while isinstance(batch[0].content, list) and self._waiting:
                following = self._waiting[0]
                if not isinstance(following.content, list) or events + following.events > BATCH_EVENTS:
                    break
                batch.append(self._waiting.popleft())
                events += following.events
            self._held_events.append(self.waiting_events + self._unanswered_events)
            taken = _size(batch)
            self.waiting_events -= taken
            if batch[0].kind == "events":
                self._unanswered_events += taken
        return batch

    def answered(self, batch: list[Request]) -> None:
        """Know that a micro-batch of events is answered: who waited for it may send again."""
        with self._wake:
            self._unanswered_events -= _size(batch)

    def _let_gather(self) -> None:
        """Wait while few events wait and more keep coming, for a moment: many together cost little more than one."""
        until = time.monotonic() + GATHER_SECONDS
        waiting = 0
        while (
            waiting < self.waiting_events < GATHER_EVENTS
            and not self._all_are_here()
            and time.monotonic() < until
        ):
            waiting = self.waiting_events
            self._wake.wait(PAUSE_SECONDS)

    def _all_are_here(self) -> bool:
        """Whether as many events wait as were lately on their way at once, so that nobody is left who might come."""
        return not self._unanswered_events and self.waiting_events >= max(self._held_events)


def _size(batch: list[Request]) -> int:
    return sum(max(request.events, 1) for request in batch)
