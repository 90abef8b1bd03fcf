"""The reading of the bank's answers in processes that kill themselves, each at a later step, going on where one died.

A step is a statement, a commit, or what the broker is told. Run as ``python -m tests.crash.answer_steps``, with a JSON
object: the store's URL, a folder, the broker, the topic and its messages. What is printed is how many were killed
before one came to the end.
"""

import json
import os
import signal
import sys
import traceback
from itertools import count
from pathlib import Path
from typing import Any

from limitkeeper.connectors.kafka import KafkaReader, KafkaSource
from limitkeeper.shells.feeds import bank
from tests.crash.workflow_steps import Steps
from tests.live_engines import engine

AT_ONCE = 4
"""Answers in one transaction, so that there are several."""

STRIDE = 3
"""How many steps later each process dies than the one before."""


def read(plan: dict[str, Any], last: int) -> None:
    """Read the topic to its end, or to a step."""
    bank.ANSWERS_AT_ONCE = AT_ONCE
    running = engine(plan["store"], Path(plan["folder"]))
    steps = Steps(last)
    steps.watch(running.store)
    KafkaReader.tell_offsets = steps.around(KafkaReader.tell_offsets)  # type: ignore[method-assign]
    feed = bank.AnswerFeed(running, KafkaSource(plan["servers"], plan["topic"], group=plan["topic"]))
    while sum(running.store.next_offsets(plan["topic"]).values()) < plan["messages"]:
        feed.round()
    feed.loop.end()
    running.stop()


def main() -> None:
    """Read in one process after another, until one ends by itself."""
    plan = json.loads(sys.argv[1])
    for killed in count():
        child = os.fork()
        if child == 0:
            code = 1
            try:
                read(plan, 1 + killed * STRIDE)
                code = 0
            except BaseException:  # noqa: BLE001 - told by the exit code
                traceback.print_exc()
            os._exit(code)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if status != -signal.SIGKILL:
            print(killed)
            sys.exit(status)


if __name__ == "__main__":
    main()
