"""Commands to the bank and its answers by a real Kafka broker: each answer counts once, whatever is sent twice."""

import base64
import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from confluent_kafka import Consumer, Producer
from typer.testing import CliRunner

from limitkeeper.app.due_changes import effected_due
from limitkeeper.app.limits import LimitChange, planned
from limitkeeper.connectors.kafka import KafkaSource
from limitkeeper.core.access.actors import SYSTEM
from limitkeeper.engines.embedded.engine import Engine
from limitkeeper.engines.embedded.settings import Settings
from limitkeeper.engines.embedded.start import Place, running_engine
from limitkeeper.shells.cli.main import application
from limitkeeper.shells.feeds.bank import BankTopics
from limitkeeper.shells.serving import Ways, open_ways
from limitkeeper.store.audit_tables import audit_events
from limitkeeper.store.limit_tables import limit_entries
from limitkeeper.store.work import work
from tests.broker.kafka import Broker
from tests.live_engines import NOW_US
from tests.receiving_bank import Bank
from tests.workflow_server import awaited

ACCOUNTS = [f"a-{k}" for k in range(6)]


@pytest.fixture
def running(tmp_path: Path, store_url: str) -> Iterator[Engine]:
    found = running_engine(Place(store_url, Settings(tmp_path, 0.0)), lambda: NOW_US)
    yield found
    found.stop()


def messages_of(broker: Broker, topic: str, count: int) -> list[tuple[str, bytes, int]]:
    """Key, body and partition of messages of a topic."""
    consumer = Consumer({"bootstrap.servers": broker.servers, "group.id": uuid.uuid4().hex,
                         "auto.offset.reset": "earliest"})  # fmt: skip
    consumer.subscribe([topic])
    found: list[tuple[str, bytes, int]] = []

    def all_there() -> bool:
        found.extend(
            (message.key().decode(), message.value(), message.partition())
            for message in consumer.consume(100, 0.5)
            if not message.error()
        )
        return len(found) >= count

    awaited(all_there)
    consumer.close()
    return found


def states(engine: Engine) -> list[str]:
    query = sa.select(limit_entries.c.bank_state).where(limit_entries.c.action != "open")
    return sorted(row["bank_state"] for row in engine.store.rows(query))


def effect(engine: Engine, after_cents: int, at_us: int) -> None:
    with work(engine.store, SYSTEM, at_us) as w:
        for each in ACCOUNTS:
            planned(w, LimitChange(each, "decrease", 1_000, after_cents, at_us, "risk"))
    effected_due(engine.store, at_us, lambda _w, _notice: True)


def test_commands_go_keyed_by_account_and_answers_count_once_across_a_restart(
    broker: Broker, running: Engine
) -> None:
    topic = f"bank-{uuid.uuid4().hex[:8]}"
    answers = f"{topic}-answers"
    for name, partitions in ((topic, 3), (answers, 2), (f"{answers}.dead", 1)):
        broker.new_topic(name, partitions)
    ways = Ways(
        bank=BankTopics(*(KafkaSource(broker.servers, each, group=topic) for each in (topic, answers)))
    )
    bank, producer = Bank(), Producer({"bootstrap.servers": broker.servers})
    effect(running, 600, NOW_US - 2)
    effect(running, 300, NOW_US - 1)
    with open_ways(running, ways):
        told = messages_of(broker, topic, 2 * len(ACCOUNTS))
        partitions: dict[str, set[int]] = {}
        for key, body, partition in told:
            assert json.loads(body)["data"]["account_id"] == key
            partitions.setdefault(key, set()).add(partition)
        assert [len(partitions[each]) for each in ACCOUNTS] == [1] * len(ACCOUNTS)
        said = [bank.take(body) for _, body, _ in reversed(told)]  # the newer ones first
        for each in (*said, *said):
            producer.produce(answers, json.dumps(each))
        assert producer.flush(30) == 0
        awaited(lambda: sum(running.store.next_offsets(answers).values()) == 2 * len(said))
    half = len(ACCOUNTS)
    assert states(running) == ["done"] * half + ["superseded"] * half
    assert {line[2:] for line in bank.lines.values()} == {(300, False)}
    bad: list[Any] = [b"{broken", b'{"command_id": "x", "outcome": "done"}',
                      json.dumps(said[0] | {"outcome": "perhaps"}).encode()]  # fmt: skip
    for body in bad:
        producer.produce(answers, body)
    assert producer.flush(30) == 0
    with open_ways(running, ways):
        dead = [json.loads(body) for _, body, _ in messages_of(broker, f"{answers}.dead", len(bad))]
        awaited(lambda: sum(running.store.next_offsets(answers).values()) == 2 * len(said) + len(bad))
    assert sorted(base64.b64decode(each["body_base64"]) for each in dead) == sorted(bad)
    assert states(running) == ["done"] * half + ["superseded"] * half
    acts = sa.select(audit_events.c.actor_id).where(audit_events.c.act == "limit.acknowledge")
    noted = [row["actor_id"] for row in running.store.rows(acts)]
    assert noted == [f"kafka:{answers}"] * len(said)  # the second answers changed nothing


@pytest.mark.parametrize(
    "given",
    [("--bank-topic", "b"), ("--kafka", "h:1", "--bank-topic", "b"), ("--bank-acknowledgements", "a")],
)
def test_bank_topic_without_what_it_needs_is_a_usage_error(tmp_path: Path, given: tuple[str, ...]) -> None:
    result = CliRunner().invoke(application, ["serve", "--data", str(tmp_path), *given])
    assert result.exit_code == 2
