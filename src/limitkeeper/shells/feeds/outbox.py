"""Messages out: what the outbox holds goes to its channel, and what could not be applied to its dead-letter topic."""

from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import Any

from limitkeeper.app.bank import BANK_TOPIC
from limitkeeper.app.limits import ENGINE_TOPIC
from limitkeeper.app.outbox import Channel, deliver_due, message_body
from limitkeeper.connectors.kafka import KafkaSource
from limitkeeper.connectors.webhook import Webhook
from limitkeeper.engines.embedded.engine import Engine
from limitkeeper.engines.embedded.findings import TOLD_TOPICS
from limitkeeper.shells.feeds.bank import DEAD_ANSWER_TOPIC, BankTopics, bank_channel
from limitkeeper.shells.feeds.kafka import DEAD_TOPIC, dead_letter_channel
from limitkeeper.shells.feeds.loop import Loop
from limitkeeper.shells.feeds.workflow import engine_channel

LOOK_SECONDS = 0.25
"""Between two looks, where something was written meanwhile."""

SILENCE_SECONDS = 1.0
"""And so long more where nothing was by this process: commands write too, and what failed becomes due again."""


def webhook_channel(webhook: Webhook) -> Channel:
    """The channel to a webhook; a message has the same id however often it is sent."""

    def send(row: Mapping[str, Any], now_us: int) -> None:
        webhook.send(f"limitkeeper-{row['id']}", now_us // 1_000_000, message_body(row))

    return send


def outbox_loops(
    engine: Engine,
    webhook: Webhook | None,
    kafka: KafkaSource | None,
    *,
    tells_engine: bool = False,
    bank: BankTopics | None = None,
) -> list[Loop]:
    """The threads that send what the outbox holds: whoever is slow to take it holds up nobody else.

    Parameters
    ----------
    engine
        Whose store.
    webhook, kafka, bank
        Where to, as far as there is one.
    tells_engine
        Whether messages go to the monitor itself.
    """
    for status, text in (
        ("waiting", "Messages of the outbox that wait."),
        ("dead", "Messages that were given up."),
    ):
        engine.gauges[f"outbox_{status}"] = (text, partial(engine.store.message_count, status))
    topics: dict[str, Channel] = {}
    if kafka:
        topics[DEAD_TOPIC] = dead_letter_channel(kafka)
    if bank:
        topics[BANK_TOPIC] = bank_channel(bank.commands)
    if bank and bank.answers:
        topics[DEAD_ANSWER_TOPIC] = dead_letter_channel(bank.answers)
    own = {ENGINE_TOPIC: engine_channel(engine)} if tells_engine else {}
    posted = {}
    if webhook:
        posted = dict.fromkeys({*TOLD_TOPICS, BANK_TOPIC} - topics.keys(), webhook_channel(webhook))
    loops = [
        _loop(engine, name, channels, only=list(channels))
        for name, channels in (("outbox_engine", own), ("outbox_kafka", topics))
        if channels
    ]
    # What has no channel is told of here as well: it waits, and then it is dead.
    return [
        *loops,
        _loop(engine, "outbox", posted, but=[*own, *topics], end=webhook.close if webhook else None),
    ]


def _loop(
    engine: Engine,
    name: str,
    channels: Mapping[str, Channel],
    only: Collection[str] = (),
    but: Collection[str] = (),
    end: Callable[[], None] | None = None,
) -> Loop:
    def work() -> bool:
        is_over = loop.stopping.is_set
        found = deliver_due(engine.store, channels.get, engine.now_us, only=only, but=but, is_over=is_over)
        return sum(found) > 0

    loop = Loop(name, work, LOOK_SECONDS, end, engine.store.outbox_bell, SILENCE_SECONDS)
    return loop
