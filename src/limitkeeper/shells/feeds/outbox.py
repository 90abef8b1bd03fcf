"""Messages out: what the outbox holds goes to its channel, and what could not be applied to its dead-letter topic."""

from collections.abc import Mapping
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


def webhook_channel(webhook: Webhook) -> Channel:
    """The channel to a webhook; a message has the same id however often it is sent."""

    def send(row: Mapping[str, Any], now_us: int) -> None:
        webhook.send(f"limitkeeper-{row['id']}", now_us // 1_000_000, message_body(row))

    return send


def outbox_loop(
    engine: Engine,
    webhook: Webhook | None,
    kafka: KafkaSource | None,
    *,
    tells_engine: bool = False,
    bank: BankTopics | None = None,
) -> Loop:
    """The thread that sends what the outbox holds; with ``tells_engine`` also to the monitor itself."""
    channels: dict[str, Channel] = {}
    if tells_engine:
        channels[ENGINE_TOPIC] = engine_channel(engine)
    if webhook:
        channels |= dict.fromkeys((*TOLD_TOPICS, BANK_TOPIC), webhook_channel(webhook))
    if kafka:
        channels[DEAD_TOPIC] = dead_letter_channel(kafka)
    if bank:
        channels[BANK_TOPIC] = bank_channel(bank.commands)
    if bank and bank.answers:
        channels[DEAD_ANSWER_TOPIC] = dead_letter_channel(bank.answers)

    for status, text in (
        ("waiting", "Messages of the outbox that wait."),
        ("dead", "Messages that were given up."),
    ):
        engine.gauges[f"outbox_{status}"] = (text, partial(engine.store.message_count, status))

    def work() -> bool:
        sent, failed = deliver_due(engine.store, channels.get, engine.now_us)
        return sent + failed > 0

    return Loop("outbox", work, LOOK_SECONDS, webhook.close if webhook else None)
