"""Answers of the bank are read by a process that dies at any step: each counts once, and so does each that is none."""

import json
import subprocess
import sys
import uuid
from collections import Counter
from pathlib import Path

import sqlalchemy as sa
from confluent_kafka import Producer

from limitkeeper.app.due_changes import effected_due
from limitkeeper.app.limits import LimitChange, planned
from limitkeeper.core.access.actors import SYSTEM
from limitkeeper.core.access.chain import first_break
from limitkeeper.shells.feeds.bank import DEAD_ANSWER_TOPIC
from limitkeeper.store.audit_tables import audit_events
from limitkeeper.store.limit_tables import limit_entries
from limitkeeper.store.tables import outbox
from limitkeeper.store.work import work
from tests.broker.kafka import Broker
from tests.live_engines import NOW_US, engine

ACCOUNTS = [f"a-{k}" for k in range(4)]

OUTCOMES = ("failed", "superseded", "failed", "superseded")
"""The bank's answers to each command, of which the last holds; those read twice would be noted again."""


def test_answers_count_once_wherever_their_reader_is_killed(
    broker: Broker, store_url: str, tmp_path: Path
) -> None:
    topic = f"answers-{uuid.uuid4().hex[:8]}"
    broker.new_topic(topic, 1)
    running = engine(store_url, tmp_path / "snapshots")
    with work(running.store, SYSTEM, NOW_US - 1) as w:
        for name in ACCOUNTS:
            planned(w, LimitChange(name, "decrease", 1_000, 600, NOW_US - 1, "risk"))
    effected_due(running.store, NOW_US - 1, lambda _w, _notice: True)
    told = sa.select(limit_entries.c.entry_id).where(limit_entries.c.action == "decrease")
    entries = [row["entry_id"] for row in running.store.rows(told)]
    running.stop()
    bodies = [json.dumps({"command_id": entry, "outcome": outcome}).encode()
              for entry in entries for outcome in OUTCOMES]  # fmt: skip
    bodies[5:5], bodies[11:11] = [b"{broken"], [b'{"command_id": "x", "outcome": "done"}']
    producer = Producer({"bootstrap.servers": broker.servers})
    for body in bodies:
        producer.produce(topic, body)
    assert producer.flush(30) == 0
    plan = {"store": store_url, "folder": str(tmp_path / "snapshots"), "servers": broker.servers, "topic": topic,
            "messages": len(bodies)}  # fmt: skip
    command = [sys.executable, "-m", "tests.crash.answer_steps", json.dumps(plan)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == 0, done.stderr[-3000:]
    assert int(done.stdout.split()[-1]) >= 5
    running = engine(store_url, tmp_path / "snapshots")
    store = running.store
    states = Counter(
        row["bank_state"] for row in store.rows(sa.select(limit_entries)) if row["action"] != "open"
    )
    assert states == {"superseded": len(ACCOUNTS)}
    events = store.rows(sa.select(audit_events).order_by(audit_events.c.number))
    assert first_break(events) is None
    noted = [each["subject"] for each in events if each["act"] == "limit.acknowledge"]
    assert Counter(noted) == {f"account:{name}": len(OUTCOMES) for name in ACCOUNTS}
    dead = store.rows(sa.select(outbox.c.content).where(outbox.c.topic == DEAD_ANSWER_TOPIC))
    assert sorted(json.loads(row["content"])["from"]["offset"] for row in dead) == [5, 11]
    assert store.next_offsets(topic) == {0: len(bodies)}
    running.stop()
