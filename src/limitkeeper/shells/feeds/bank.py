"""The bank by Kafka: commands go to one topic, keyed by account; its answers come from another, each counted once."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from limitkeeper.app.bank import acknowledged, answer_of_message
from limitkeeper.app.outbox import Channel, message_body
from limitkeeper.connectors.kafka import KafkaReader, KafkaSource, KafkaWriter, Place
from limitkeeper.core.access.actors import SERVICE, Actor
from limitkeeper.core.kernel.errors import InputError, LimitkeeperError
from limitkeeper.core.limits.ledger import LedgerError
from limitkeeper.engines.embedded.engine import Engine
from limitkeeper.engines.embedded.findings import subject_id
from limitkeeper.shells.feeds.kafka import KEPT_BYTES, POLL_SECONDS
from limitkeeper.shells.feeds.loop import Loop
from limitkeeper.store.work import MissingError, Work, work

DEAD_ANSWER_TOPIC = "bank.dead"
"""The outbox's topic for answers of the bank that could not be kept."""

ANSWERS_AT_ONCE = 1_000
"""Answers that are kept in one transaction."""


@dataclass(frozen=True, slots=True)
class BankTopics:
    """Where the bank is told, and where it answers; None where it answers by HTTP."""

    commands: KafkaSource
    answers: KafkaSource | None = None


def bank_channel(source: KafkaSource) -> Channel:
    """The channel of commands: those of an account are in one partition, so that one reader has them all."""
    writer = KafkaWriter(source)

    def send(row: Mapping[str, Any], _now_us: int) -> None:
        writer.send(source.topic, json.loads(row["content"])["account_id"], message_body(row))

    return send


class AnswerFeed:
    """Reads the bank's answers: each is kept with the offset behind it, or goes to the dead-letter topic with it."""

    def __init__(self, engine: Engine, source: KafkaSource) -> None:
        self.engine, self.source = engine, source
        self.actor = Actor(f"kafka:{source.topic}", frozenset({SERVICE}))
        self.reader: KafkaReader | None = None
        self.loop = Loop("bank", self.round, rest_seconds=0.0, end=self._leave)

    def _joined(self) -> KafkaReader:
        topic, store = self.source.topic, self.engine.store
        member = subject_id("bank member", store.name)
        return KafkaReader(self.source, member, lambda: store.next_offsets(topic), lambda: None)

    def _leave(self) -> None:
        reader, self.reader = self.reader, None
        if reader is not None:
            reader.close()

    def round(self) -> bool:
        """Read what is there, and keep it."""
        self.reader = self.reader or self._joined()
        try:
            found = self.reader.messages(POLL_SECONDS)
            for first in range(0, len(found), ANSWERS_AT_ONCE):
                self.reader.tell_offsets(self._kept(found[first : first + ANSWERS_AT_ONCE]))
        except BaseException:
            self._leave()
            raise
        return True

    def _kept(self, found: list[tuple[Place, bytes]]) -> dict[int, int]:
        """Keep some answers and the offsets behind them in one transaction; the next offset of each partition."""
        offsets: dict[int, int] = {}
        with work(self.engine.store, self.actor, self.engine.as_of_us()) as w:
            for (partition, offset), body in found:
                offsets[partition] = offset + 1
                try:
                    acknowledged(w, *answer_of_message(body))
                except (InputError, LedgerError, MissingError) as error:
                    self._refuse(w, (partition, offset), body, error)
            w.move_offsets(self.source.topic, offsets)
        return offsets

    def _refuse(self, w: Work, place: Place, body: bytes, error: LimitkeeperError) -> None:
        partition, offset = place
        letter = {
            "from": {"topic": self.source.topic, "partition": partition, "offset": offset},
            "reason": error.problem,
            "bytes": len(body),
            "body_base64": base64.b64encode(body[:KEPT_BYTES]).decode(),
        }
        w.send(DEAD_ANSWER_TOPIC, subject_id(self.source.topic, partition, offset), letter)
