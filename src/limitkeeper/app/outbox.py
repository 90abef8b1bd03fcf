"""The outbox: messages that were written with what they tell of, sent until they are taken or given up."""

import json
from collections.abc import Callable, Collection, Mapping
from typing import Any

from limitkeeper.core.kernel.errors import LimitkeeperError
from limitkeeper.core.kernel.instants import instant_text
from limitkeeper.store.records import Sent
from limitkeeper.store.sql import Store

ROUND_MESSAGES = 100
"""Messages that are sent before what became of them is written."""

RETRY_SECONDS = (1, 5, 30, 120, 600, 1_800, 3_600, 7_200, 14_400, 28_800)
"""Waits after each attempt that failed; after the last a message is dead, until somebody sends it again."""

ERROR_LETTERS = 500


Channel = Callable[[Mapping[str, Any], int], None]
"""Takes a message at a time; raises a :class:`LimitkeeperError` where it does not."""


def deliver_due(
    store: Store,
    channel_of: Callable[[str], Channel | None],
    now_us: Callable[[], int],
    *,
    only: Collection[str] = (),
    but: Collection[str] = (),
    is_over: Callable[[], bool] = lambda: False,
) -> tuple[int, int]:
    """Send the messages that are due, the oldest first, and write what became of each; how many were sent, and failed.

    A message that was sent when the process died before that was written is sent again, under the same id.

    Parameters
    ----------
    store
        Whose outbox.
    channel_of
        The channel of a topic; a topic without one waits.
    now_us
        The clock, UTC microseconds.
    only, but
        Topics that are sent, or that are not.
    is_over
        Asked before each message: whether the rest waits for another time.
    """
    results = []
    for row in store.due_messages(now_us(), ROUND_MESSAGES, only, but):
        if is_over():
            break
        channel = channel_of(row["topic"])
        attempts = row["attempts"] + 1
        problem = None if channel else "there is no channel for this topic"
        try:
            if channel:
                channel(row, now_us())
        except LimitkeeperError as error:
            problem = str(error)[:ERROR_LETTERS]
        if problem is None:
            results.append(Sent(row["id"], "sent", attempts, now_us(), None))
        elif attempts > len(RETRY_SECONDS):
            results.append(Sent(row["id"], "dead", attempts, now_us(), problem))
        else:
            due_us = now_us() + RETRY_SECONDS[attempts - 1] * 1_000_000
            results.append(Sent(row["id"], "waiting", attempts, due_us, problem))
    if results:
        store.mark_messages(results)
    sent = sum(each.status == "sent" for each in results)
    return sent, len(results) - sent


def message_body(row: Mapping[str, Any]) -> bytes:
    """A message of the outbox as others get it: ``type``, ``timestamp`` and ``data``, as Standard Webhooks has them."""
    data = json.loads(row["content"])
    stamp = data.get("at") or instant_text(row["due_us"])
    document = {"type": row["topic"], "timestamp": stamp, "data": data}
    return json.dumps(document, ensure_ascii=False).encode()
