"""Commands to the bank on every store: in whatever order they come, the line ends right; answered, and told again."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import sqlalchemy as sa

from limitkeeper.app.bank import BANK_TOPIC, acknowledged, told_again
from limitkeeper.app.due_changes import effected_due
from limitkeeper.app.limits import LimitChange, planned
from limitkeeper.app.outbox import RETRY_SECONDS, deliver_due, message_body
from limitkeeper.connectors.webhook import Webhook
from limitkeeper.core.access.actors import SYSTEM
from limitkeeper.core.kernel.errors import InputError
from limitkeeper.core.limits.ledger import LedgerError
from limitkeeper.shells.feeds.outbox import webhook_channel
from limitkeeper.store.limit_tables import limit_entries
from limitkeeper.store.sql import Store
from limitkeeper.store.tables import outbox
from limitkeeper.store.work import MissingError, work
from tests.receiver import Receiver
from tests.receiving_bank import Bank

NOW_US = 1_790_000_000_000_000
SECRET = bytes(range(32))


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    found = Store(store_url)
    yield found
    found.close()


def effect(store: Store, after_cents: int | None, at_us: int, action: str = "decrease") -> str:
    """An entry that is in effect at once."""
    change = LimitChange("a", action, 1_000, after_cents, at_us, "risk")
    with work(store, SYSTEM, at_us) as w:
        entry_id = planned(w, change)
    effected_due(store, at_us, lambda _w, _notice: True)
    return entry_id


def row(store: Store, entry_id: str) -> dict[str, Any]:
    return store.rows(sa.select(limit_entries).where(limit_entries.c.entry_id == entry_id))[0]


def answered(store: Store, bank: Bank, body: bytes) -> None:
    """What the bank says of a command, kept as it says it."""
    said = bank.take(body)
    with work(store, SYSTEM, NOW_US) as w:
        acknowledged(w, said["command_id"], said["outcome"], said.get("detail", ""))


def test_older_command_that_is_retried_last_leaves_the_newer_limit(store: Store) -> None:
    older, newer = effect(store, 600, NOW_US), effect(store, 300, NOW_US + 1)
    core, bank, clock = Receiver(), Bank(), [NOW_US + 2]
    core.statuses = [503]
    webhook = Webhook(core.url, SECRET)
    channel = webhook_channel(webhook)
    try:
        for _ in range(2):
            deliver_due(store, {BANK_TOPIC: channel}.get, lambda: clock[0])
            clock[0] += RETRY_SECONDS[0] * 1_000_000
    finally:
        webhook.close()
        core.shutdown()
        core.server_close()
    _, *bodies = [body for _, body in core.taken]  # the first one was not taken
    assert [json.loads(body)["data"]["command_id"] for body in bodies] == [newer, older]
    for body in bodies:
        answered(store, bank, body)
    assert bank.lines["a"][2:] == (300, False)
    assert [row(store, each)["bank_state"] for each in (older, newer)] == ["superseded", "done"]


def test_step_that_was_planned_before_a_freeze_and_comes_after_it_is_the_newer_one(store: Store) -> None:
    with work(store, SYSTEM, NOW_US) as w:
        step = planned(w, LimitChange("a", "decrease", 1_000, 600, NOW_US + 50, "risk"))
    freeze = effect(store, None, NOW_US, "freeze")
    effected_due(store, NOW_US + 50, lambda _w, _notice: True)
    bank = Bank()
    for message in commands(store):
        answered(store, bank, message_body(message))
    assert row(store, step)["number"] < row(store, freeze)["number"]
    assert bank.lines["a"][2:] == (600, True)
    assert [row(store, each)["bank_state"] for each in (freeze, step)] == ["done", "done"]


def commands(store: Store, status: str = "waiting") -> list[dict[str, Any]]:
    query = sa.select(outbox).where(outbox.c.topic == BANK_TOPIC, outbox.c.status == status)
    return store.rows(query.order_by(outbox.c.id))


def test_command_that_failed_is_told_again_as_the_line_stands_now(store: Store) -> None:
    bank = Bank()
    bank.refuses = {"a"}
    first = effect(store, 600, NOW_US)
    answered(store, bank, message_body(commands(store)[0]))
    second = effect(store, 300, NOW_US + 1)
    answered(store, bank, message_body(commands(store)[1]))
    assert [row(store, each)["bank_state"] for each in (first, second)] == ["failed", "failed"]
    bank.refuses = set()
    with work(store, SYSTEM, NOW_US + 2) as w:
        assert told_again(w, first)["bank_state"] == "told"
    with pytest.raises(LedgerError, match="failed"), work(store, SYSTEM, NOW_US + 3) as w:
        told_again(w, first)
    told = commands(store)[-1]
    assert json.loads(told["content"])["command_id"] == first
    answered(store, bank, message_body(told))
    assert (bank.lines["a"][2:], row(store, first)["bank_state"]) == ((300, False), "done")


def test_command_that_was_given_up_on_the_way_is_told_again_once(store: Store) -> None:
    entry_id, now_us = effect(store, 600, NOW_US), NOW_US

    def nobody(_row: Mapping[str, Any], _now_us: int) -> None:
        raise InputError("Nobody listens.")

    for wait in (0, *RETRY_SECONDS):
        now_us += wait * 1_000_000
        deliver_due(store, {BANK_TOPIC: nobody}.get, lambda at_us=now_us: at_us)  # type: ignore[misc]
    assert (len(commands(store, "dead")), commands(store)) == (1, [])
    with work(store, SYSTEM, now_us) as w:
        told_again(w, entry_id)
    assert (commands(store, "dead"), len(commands(store))) == ([], 1)
    with pytest.raises(LedgerError, match="given up"), work(store, SYSTEM, now_us) as w:
        told_again(w, entry_id)


def test_answer_of_the_bank_is_kept_once_and_done_stays_done(store: Store) -> None:
    with work(store, SYSTEM, NOW_US) as w:
        entry_id = planned(w, LimitChange("a", "decrease", 1_000, 600, NOW_US + 10, "risk"))
    with pytest.raises(LedgerError, match="not told"), work(store, SYSTEM, NOW_US) as w:
        acknowledged(w, entry_id, "done")
    with pytest.raises(MissingError, match="no such command"), work(store, SYSTEM, NOW_US) as w:
        acknowledged(w, "f" * 32, "done")
    effected_due(store, NOW_US + 10, lambda _w, _notice: True)
    with pytest.raises(InputError, match="unknown"), work(store, SYSTEM, NOW_US) as w:
        acknowledged(w, entry_id, "perhaps")
    with pytest.raises(InputError, match="too long"), work(store, SYSTEM, NOW_US) as w:
        acknowledged(w, entry_id, "failed", "x" * 501)
    for said in ("done", "done", "superseded", "failed"):
        with work(store, SYSTEM, NOW_US + 11) as w:
            acknowledged(w, entry_id, said, "ok" if said == "done" else "")
    found = row(store, entry_id)
    assert (found["bank_state"], found["bank_detail"], found["version"]) == ("done", "ok", 3)
