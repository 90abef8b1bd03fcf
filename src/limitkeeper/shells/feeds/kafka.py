"""Events from a Kafka topic: offsets are written with what the events led to, so a message counts once."""

import base64
import contextlib
from collections.abc import Mapping
from typing import Any

from limitkeeper.app.outbox import Channel
from limitkeeper.connectors.kafka import KafkaReader, KafkaSource, KafkaWriter, Place
from limitkeeper.connectors.messages import read_each
from limitkeeper.core.kernel.errors import LimitkeeperError
from limitkeeper.engines.embedded.engine import Engine
from limitkeeper.engines.embedded.findings import subject_id
from limitkeeper.engines.embedded.requests import Request
from limitkeeper.shells.feeds.loop import Loop
from limitkeeper.shells.feeds.submission import handed_over

POLL_SECONDS = 0.25

KEPT_BYTES = 100_000
"""Of a message that goes to the dead-letter topic; the original stays in its own topic."""

DEAD_TOPIC = "kafka.dead"
"""The outbox's topic for messages that could not be applied."""


class KafkaFeed:
    """Reads while the engine works: one batch is being written, and one is being read.

    Whatever fails, it leaves the group and joins it again: what was read and not written is then read once more.
    """

    def __init__(self, engine: Engine, source: KafkaSource) -> None:
        self.engine, self.source = engine, source
        self.under_way: Request | None = None
        self.reader: KafkaReader | None = None
        self.behind = 0
        engine.gauges["kafka_behind_messages"] = (
            "Messages of the topic that are not read yet, as far as is known.",
            lambda: float(self.behind),
        )
        self.loop = Loop("kafka", self.round, rest_seconds=0.0, end=self._leave)

    def _joined(self) -> KafkaReader:
        topic, store = self.source.topic, self.engine.store
        # One server runs on a store: its name is the server's, whichever process it is.
        member = subject_id("kafka member", store.name)
        return KafkaReader(self.source, member, lambda: store.next_offsets(topic), self._settle)

    def _leave(self) -> None:
        reader, self.reader = self.reader, None
        if reader is not None:
            reader.close()

    def _settle(self) -> None:
        """Wait until what was handed over is written; what the engine gave up is read again later."""
        request, self.under_way = self.under_way, None
        if request is not None:
            with contextlib.suppress(LimitkeeperError):
                request.answer.result()

    def round(self) -> bool:
        """Read what is there, and hand it over when the batch before is written."""
        if self.engine.stopping:
            self.loop.stopping.set()
            return False
        self.reader = self.reader or self._joined()
        try:
            found = self.reader.messages(POLL_SECONDS)
            self.behind = self.reader.waiting_messages()
            before = self.under_way
            if before is not None and (found or before.answer.done()):
                before.answer.result()
                self.under_way = None
                self.reader.tell_offsets({part: offset for (_, part), offset in before.offsets.items()})
            if found:
                request = self._request(found)
                handed_over(self.engine, request, self.loop.stopping)
                self.under_way = request
        except BaseException:
            self._leave()
            raise
        return True

    def _request(self, found: list[tuple[Place, bytes]]) -> Request:
        read = read_each([body for _, body in found], self.engine.latest_time())
        offsets: dict[tuple[str, int], int] = {}
        for (partition, offset), _ in found:
            offsets[self.source.topic, partition] = offset + 1

        def letter(row: int) -> dict[str, Any]:
            (partition, offset), body = found[row]
            return {
                "topic": DEAD_TOPIC,
                "subject": subject_id(self.source.topic, partition, offset),
                "from": {"topic": self.source.topic, "partition": partition, "offset": offset},
                "bytes": len(body),
                "body_base64": base64.b64encode(body[:KEPT_BYTES]).decode(),
            }

        return Request("events", read, len(found), f"kafka {self.source.topic}", offsets, letter=letter)


def dead_letter_channel(source: KafkaSource) -> Channel:
    """The channel of messages that could not be applied: the topic's dead-letter topic, keyed by where they were."""
    writer = KafkaWriter(source)

    def send(row: Mapping[str, Any], _now_us: int) -> None:
        writer.send(source.dead_topic, row["subject"], row["content"].encode())

    return send
