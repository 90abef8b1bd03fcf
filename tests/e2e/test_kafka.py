"""Events from a real Apache Kafka broker, through rebalances, a restart of the broker and kills of the server."""

import base64
import json
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from confluent_kafka import Consumer, Producer

from limitkeeper.connectors.kafka import KafkaSource
from limitkeeper.connectors.messages import COLUMNS
from limitkeeper.engines.embedded.engine import Engine
from limitkeeper.engines.embedded.requests import Request
from limitkeeper.engines.embedded.settings import Settings
from limitkeeper.engines.embedded.start import Place, running_engine
from limitkeeper.shells.feeds.kafka import DEAD_TOPIC
from limitkeeper.shells.serving import Ways, open_ways
from tests.broker.kafka import Broker
from tests.crash.killed_server import KilledServer
from tests.live_engines import NOW_US, left_behind, life, sent, state_bytes
from tests.live_engines import engine as plain_engine

PARTITIONS = 3
SECONDS = 60.0


@pytest.fixture
def topic(broker: Broker) -> str:
    """A new topic with its dead-letter topic."""
    name = f"events-{uuid.uuid4().hex[:8]}"
    broker.new_topic(name, PARTITIONS)
    broker.new_topic(f"{name}.dead", 1)
    return name


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Engine]:
    settings = Settings(tmp_path, 0.0, outbox_topics=frozenset({DEAD_TOPIC}))
    found = running_engine(Place(f"sqlite:///{tmp_path}/store.db", settings), lambda: NOW_US)
    yield found
    found.stop()


def produce(broker: Broker, topic: str, rows: list[bytes], *, by_account: bool = True) -> None:
    """Produce messages, those of an account in one partition, so that its order holds."""
    producer = Producer({"bootstrap.servers": broker.servers, "linger.ms": 5})
    for row in rows:
        key = json.loads(row)["account_id"] if by_account else None
        producer.produce(topic, row, key)
        producer.poll(0)
    assert producer.flush(30) == 0


def rows_of(events: pl.DataFrame) -> list[bytes]:
    text = events.select(name for name in COLUMNS if name in events.columns).with_columns(
        pl.col("ts").dt.strftime("%Y-%m-%dT%H:%M:%S%.6fZ")
    )
    return [json.dumps(row).encode() for row in text.iter_rows(named=True)]


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


def read_in(engine: Engine) -> int:
    return sum(count for (name, _), count in engine.counts.copy().items() if name == "events")


def messages_of(broker: Broker, topic: str, count: int) -> list[dict[str, Any]]:
    consumer = Consumer({"bootstrap.servers": broker.servers, "group.id": uuid.uuid4().hex,
                         "auto.offset.reset": "earliest"})  # fmt: skip
    consumer.subscribe([topic])
    found: list[dict[str, Any]] = []

    def all_there() -> bool:
        came = consumer.consume(100, 0.5)
        found.extend(json.loads(message.value()) for message in came if not message.error())
        return len(found) >= count

    until(all_there)
    consumer.close()
    return found


def test_events_of_a_topic_count_once_and_the_rest_is_a_dead_letter(
    broker: Broker, topic: str, running: Engine
) -> None:
    good = rows_of(life().events[:300])
    bad = [b"{broken", b"", b'{"event_id": "x", "account_id": "a", "ts": "soon", "kind": "login"}']
    produce(broker, topic, good)
    produce(broker, topic, good[:20])
    produce(broker, topic, bad, by_account=False)
    with open_ways(running, Ways(KafkaSource(broker.servers, topic, group=topic))):
        until(lambda: read_in(running) == 323)
        dead = messages_of(broker, f"{topic}.dead", 3)
        until(lambda: running.store.due_messages(NOW_US, 10) == [])
    counts = running.store.counts()
    repeated = 300 - life().events[:300]["event_id"].n_unique()
    assert counts["events"] == {"accepted": 300 - repeated, "duplicate": 20 + repeated, "rejected": 3}
    assert counts["rejects"] == {"unreadable": 2, "ts_unreadable": 1}
    assert sorted((base64.b64decode(each["body_base64"]), each["reason"]) for each in dead) == [
        (b"", "unreadable"), (bad[2], "ts_unreadable"), (b"{broken", "unreadable"),
    ]  # fmt: skip
    assert {each["from"]["topic"] for each in dead} == {topic}
    assert sum(running.store.next_offsets(topic).values()) == 323


def test_group_that_changes_loses_and_doubles_nothing(broker: Broker, topic: str, running: Engine) -> None:
    source = KafkaSource(broker.servers, topic, group=topic)
    rows = rows_of(life().events[:3_000])
    other = Consumer({"bootstrap.servers": broker.servers, "group.id": source.group,
                      "enable.auto.commit": False, "auto.offset.reset": "earliest"})  # fmt: skip
    with open_ways(running, Ways(source)):
        produce(broker, topic, rows[:1_000])
        until(lambda: read_in(running) == 1_000)
        other.subscribe([topic])
        until(lambda: other.poll(0.2) is None and bool(other.assignment()))
        taken = len(other.assignment())
        produce(broker, topic, rows[1_000:2_000])
        until(lambda: 1_000 < read_in(running) < 2_000)  # some are the other's now
        other.close()
        until(
            lambda: read_in(running) >= 2_000
        )  # it left without having written anything: they are ours again
        produce(broker, topic, rows[2_000:])
        until(lambda: read_in(running) >= 3_000)
    assert 0 < taken < PARTITIONS
    assert read_in(running) == 3_000
    assert sum(running.store.next_offsets(topic).values()) == 3_000


def test_broker_that_restarts_loses_and_doubles_nothing(
    required: Callable[[str], Path], tmp_path: Path, running: Engine
) -> None:
    own = Broker(tmp_path / "kafka", required("kafka"))
    own.start()
    own.new_topic("events", PARTITIONS)
    rows = rows_of(life().events[:2_000])
    try:
        with open_ways(running, Ways(KafkaSource(own.servers, "events"))):
            produce(own, "events", rows[:1_000])
            until(lambda: read_in(running) == 1_000)
            own.stop(at_once=True)
            own.start()
            produce(own, "events", rows[1_000:])
            until(lambda: read_in(running) >= 2_000)
    finally:
        own.stop()
    assert read_in(running) == 2_000


def test_server_killed_while_it_reads_a_topic_ends_as_one_left_alone(broker: Broker, tmp_path: Path) -> None:
    one = f"events-{uuid.uuid4().hex[:8]}"
    broker.new_topic(one, 1)  # one partition: one order, whatever happens
    events = life().events[:8_000]
    accounts = tmp_path / "accounts.parquet"
    life().accounts.write_parquet(accounts)
    folder = tmp_path / "killed"
    folder.mkdir()
    server = KilledServer(f"sqlite:///{folder}/store.db", folder, accounts,
                          more=("--kafka", broker.servers, "--kafka-topic", one, "--kafka-group", one))  # fmt: skip
    server.start()
    for start in range(0, events.height, 2_000):
        produce(broker, one, rows_of(events[start : start + 2_000]))
        server.await_ready()
        time.sleep(0.3)
        server.kill()
    server.await_ready()
    until(lambda: server.counted_events() >= events.height)
    assert server.counted_events() == events.height
    assert server.stop() == 0
    alone = plain_engine(f"sqlite:///{tmp_path}/alone.db", tmp_path / "alone")
    alone.submit(Request("accounts", pl.read_parquet(accounts))).result()
    sent(alone, events)
    again = plain_engine(server.store, folder / "snapshots")
    assert json.dumps(left_behind(again.store)) == json.dumps(left_behind(alone.store))
    assert state_bytes(again) == state_bytes(alone)
    again.stop()
    alone.stop()


def test_topic_that_does_not_exist_yet_is_waited_for(broker: Broker, running: Engine) -> None:
    name = f"later-{uuid.uuid4().hex[:8]}"
    with open_ways(running, Ways(KafkaSource(broker.servers, name, group=name))):
        time.sleep(1.0)
        broker.new_topic(name, 1)
        produce(broker, name, rows_of(life().events[:10]))
        until(lambda: read_in(running) == 10)
