"""The outbox on each real store: what is sent, what waits, what is given up, and that nothing is forgotten."""

import json
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

import pytest

from limitkeeper.app.outbox import RETRY_SECONDS, ROUND_MESSAGES, deliver_due, message_body
from limitkeeper.connectors.webhook import DeliveryError
from limitkeeper.store.records import Commit
from limitkeeper.store.sql import Store

SECOND_US = 1_000_000


class Clock:
    """A clock that tests turn."""

    def __init__(self) -> None:
        self.us = 1_000 * SECOND_US

    def __call__(self) -> int:
        return self.us


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    found = Store(store_url)
    found.take({})
    yield found
    found.close()


def put(store: Store, count: int, clock: Clock, topic: str = "alert.opened") -> None:
    rows = [{"subject": f"s{k}", "topic": topic, "due_us": clock.us, "content": json.dumps({"k": k})}
            for k in range(count)]  # fmt: skip
    store.write(Commit(1, "events", 0, clock.us, b"", outbox=rows))


def statuses(store: Store) -> list[tuple[str, int]]:
    from limitkeeper.store.tables import outbox

    return [(row["status"], row["attempts"]) for row in store.rows(outbox.select().order_by(outbox.c.id))]


def test_message_is_sent_once(store: Store) -> None:
    clock, taken = Clock(), list[str]()
    put(store, 2, clock)

    def channel(row: Mapping[str, Any], _now_us: int) -> None:
        taken.append(row["subject"])

    assert deliver_due(store, {"alert.opened": channel}.get, clock) == (2, 0)
    assert deliver_due(store, {"alert.opened": channel}.get, clock) == (0, 0)
    assert taken == ["s0", "s1"]
    assert statuses(store) == [("sent", 1), ("sent", 1)]


def test_message_that_is_refused_comes_again_later_each_time_and_is_dead_in_the_end(store: Store) -> None:
    clock, times = Clock(), list[int]()
    put(store, 1, clock)

    def refusing(_row: Mapping[str, Any], now_us: int) -> None:
        times.append(now_us // SECOND_US - 1_000)
        raise DeliveryError("The webhook refused the message.", value=500)

    for _ in range(200_000):
        if statuses(store)[0][0] == "dead":
            break
        due = store.due_messages(2**62, 1)[0]["due_us"]
        clock.us = max(clock.us, due)
        deliver_due(store, {"alert.opened": refusing}.get, clock)
    waits = [later - earlier for earlier, later in pairwise(times)]
    assert waits == list(RETRY_SECONDS)
    assert statuses(store) == [("dead", len(RETRY_SECONDS) + 1)]
    assert store.due_messages(2**62, 10) == []


def test_one_message_that_fails_holds_up_no_other(store: Store) -> None:
    clock, taken = Clock(), list[str]()
    put(store, 3, clock)

    def channel(row: Mapping[str, Any], _now_us: int) -> None:
        if row["subject"] == "s1":
            raise DeliveryError("no")
        taken.append(row["subject"])

    assert deliver_due(store, {"alert.opened": channel}.get, clock) == (2, 1)
    assert taken == ["s0", "s2"]
    assert statuses(store) == [("sent", 1), ("waiting", 1), ("sent", 1)]


def test_round_is_bounded(store: Store) -> None:
    clock = Clock()
    put(store, ROUND_MESSAGES + 5, clock)
    channel = {"alert.opened": lambda _row, _now_us: None}
    assert deliver_due(store, channel.get, clock) == (ROUND_MESSAGES, 0)
    assert deliver_due(store, channel.get, clock) == (5, 0)


def test_message_for_which_there_is_no_channel_waits(store: Store) -> None:
    clock = Clock()
    put(store, 1, clock, topic="kafka.dead")
    assert deliver_due(store, {}.get, clock) == (0, 1)
    assert statuses(store) == [("waiting", 1)]


def test_dead_message_is_sent_again_when_somebody_asks(store: Store) -> None:
    clock = Clock()
    put(store, 1, clock)
    (row,) = store.due_messages(clock.us, 1)
    assert not store.revive_message(row["id"], clock.us), "it is not dead"
    from limitkeeper.store.records import Sent

    store.mark_messages([Sent(row["id"], "dead", 11, clock.us, "no")])
    assert store.revive_message(row["id"], clock.us)
    assert statuses(store) == [("waiting", 0)]


def test_sent_messages_go_with_the_journal_and_those_that_wait_stay(store: Store) -> None:
    clock = Clock()
    put(store, 2, clock)
    from limitkeeper.store.records import Sent

    store.mark_messages([Sent(1, "sent", 1, clock.us, None)])
    store.trim(0, clock.us + 1)
    assert statuses(store) == [("waiting", 0)]


def test_body_says_kind_time_and_what() -> None:
    row = {
        "topic": "alert.opened",
        "due_us": 0,
        "content": json.dumps({"at": "2026-06-01T08:00:00+00:00", "说": 1}),
    }
    assert json.loads(message_body(row)) == {
        "type": "alert.opened", "timestamp": "2026-06-01T08:00:00+00:00",
        "data": {"at": "2026-06-01T08:00:00+00:00", "说": 1},
    }  # fmt: skip


def test_topics_are_sent_apart_and_a_round_that_is_over_leaves_the_rest_as_it_was(store: Store) -> None:
    clock, taken = Clock(), list[str]()
    mixed = [{"subject": f"{topic} {k}", "topic": topic, "due_us": clock.us, "content": "{}"}
             for k in range(3) for topic in ("alert.opened", "engine.event")]  # fmt: skip
    store.write(Commit(1, "events", 0, clock.us, b"", outbox=mixed))

    def channel(row: Mapping[str, Any], _now_us: int) -> None:
        taken.append(row["subject"])

    channels = dict.fromkeys(("alert.opened", "engine.event"), channel)
    assert deliver_due(store, channels.get, clock, only=["engine.event"]) == (3, 0)
    assert taken == [f"engine.event {k}" for k in range(3)]
    assert deliver_due(store, channels.get, clock, but=["engine.event"], is_over=lambda: len(taken) > 4) == (
        2,
        0,
    )
    assert statuses(store).count(("waiting", 0)) == 1
    assert deliver_due(store, channels.get, clock) == (1, 0)
