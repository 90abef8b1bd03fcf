"""The queue in front of the engine: whom it waits for before it gives out a micro-batch."""

import threading

import pytest

from limitkeeper.engines.embedded.queue import RECENT_BATCHES, RequestQueue
from limitkeeper.engines.embedded.requests import Request

CLIENTS = 3


class CountedWaits(threading.Condition):
    """A condition that counts how often it is waited for."""

    waits = 0

    def wait(self, timeout: float | None = None) -> bool:
        """Wait no longer than asked."""
        self.waits += 1
        return super().wait(timeout)


@pytest.fixture
def queue() -> RequestQueue:
    """A queue whose three clients each sent again when they were answered, many times."""
    found = RequestQueue()
    found._wake = CountedWaits()
    for _ in range(RECENT_BATCHES):
        found.answered(_taken(found, CLIENTS))
    found._wake.waits = 0
    return found


def _taken(queue: RequestQueue, sent: int) -> list[Request]:
    for _ in range(sent):
        queue.put(Request("events", [None], 1))
    batch = queue.next_batch()
    assert batch is not None
    return batch


def _waits(queue: RequestQueue) -> int:
    assert isinstance(queue._wake, CountedWaits)
    return queue._wake.waits


def test_nobody_is_waited_for_when_all_clients_are_here(queue: RequestQueue) -> None:
    assert len(_taken(queue, CLIENTS)) == CLIENTS
    assert _waits(queue) == 0


def test_a_client_that_is_still_to_come_is_waited_for(queue: RequestQueue) -> None:
    assert len(_taken(queue, CLIENTS - 1)) == CLIENTS - 1
    assert _waits(queue) > 0


def test_others_are_waited_for_while_a_micro_batch_is_unanswered(queue: RequestQueue) -> None:
    first = _taken(queue, CLIENTS)
    _taken(queue, CLIENTS)
    assert _waits(queue) > 0
    queue.answered(first)


def test_fewer_clients_are_soon_all_there_are(queue: RequestQueue) -> None:
    for _ in range(RECENT_BATCHES):
        queue.answered(_taken(queue, 1))
    before = _waits(queue)
    _taken(queue, 1)
    assert before > 0
    assert _waits(queue) == before
