"""The ledger on every store: planned, in effect after its notice, told once, cancelled, undone."""

import json
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from limitkeeper.app.bank import BANK_TOPIC
from limitkeeper.app.due_changes import effected_due
from limitkeeper.app.limits import (
    ENGINE_TOPIC,
    LimitChange,
    cancelled,
    entries_of,
    entry_of,
    equal_steps,
    planned,
    steps_planned,
    undone,
)
from limitkeeper.core.access.actors import OFFICER, SYSTEM, Actor
from limitkeeper.core.limits.ledger import LedgerError, line_of
from limitkeeper.store.limit_tables import limit_entries, lines
from limitkeeper.store.sql import Store
from limitkeeper.store.tables import outbox
from limitkeeper.store.work import Work, work

NOW_US = 1_790_000_000_000_000
ANN = Actor("ann", frozenset({OFFICER}))


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    found = Store(store_url)
    yield found
    found.close()


def change(action: str = "decrease", after_cents: int | None = 600, **changed: object) -> LimitChange:
    facts: dict[str, object] = {"account_id": "a", "action": action, "limit_before_cents": 1_000,
                                "limit_after_cents": after_cents, "effective_us": NOW_US + 10, "why": "risk"}  # fmt: skip
    return LimitChange(**(facts | changed))  # type: ignore[arg-type]


def plan(store: Store, *changes: LimitChange) -> list[str]:
    with work(store, ANN, NOW_US) as w:
        return [planned(w, each) for each in changes]


def is_out(_w: Work, _notice: str) -> bool:
    return True


def is_not_out(_w: Work, _notice: str) -> bool:
    return False


def line(store: Store) -> tuple[int, bool]:
    (row,) = store.rows(sa.select(lines))
    with work(store, SYSTEM, NOW_US) as w:
        found = line_of(entry_of(each) for each in entries_of(w, "a"))
    assert (found.limit_cents, found.is_frozen) == (row["limit_cents"], bool(row["is_frozen"]))
    return found.limit_cents, found.is_frozen


def messages(store: Store, topic: str) -> list[dict]:
    rows = store.rows(sa.select(outbox).where(outbox.c.topic == topic).order_by(outbox.c.id))
    return [json.loads(row["content"]) for row in rows]


def test_planned_cut_takes_effect_at_its_time_and_is_told_once(store: Store) -> None:
    (entry_id,) = plan(store, change())
    assert effected_due(store, NOW_US + 9, is_out) == 0
    assert line(store) == (1_000, False)
    assert effected_due(store, NOW_US + 10, is_out) == 1
    assert effected_due(store, NOW_US + 10, is_out) == 0
    assert line(store) == (600, False)
    (command,) = messages(store, BANK_TOPIC)
    assert (command["command_id"], command["limit_cents"]) == (entry_id, 600)
    (event,) = messages(store, ENGINE_TOPIC)
    assert (event["kind"], event["amount"]) == ("limit_set", 600)


def test_change_waits_until_its_notice_is_out(store: Store) -> None:
    plan(store, change(notice_id="n"))
    assert effected_due(store, NOW_US + 10, is_not_out) == 1
    assert effected_due(store, NOW_US + 11, is_not_out) == 0
    assert line(store) == (1_000, False)
    assert effected_due(store, NOW_US + 3_600_000_000, is_out) == 1
    assert line(store) == (600, False)


def test_steps_of_a_gradual_cut_come_one_after_another_and_can_be_cancelled(store: Store) -> None:
    cut = change(after_cents=100)
    with work(store, ANN, NOW_US) as w:
        ids = steps_planned(w, cut, equal_steps(cut, 3, wait_us=100))
    effected_due(store, NOW_US + 10, is_out)
    assert line(store) == (700, False)
    with work(store, ANN, NOW_US + 20) as w:
        cancelled(w, ids[2], "behaviour improved")
    effected_due(store, NOW_US + 1_000, is_out)
    assert line(store) == (400, False)


def test_what_is_effective_is_undone_by_another_entry_and_only_once(store: Store) -> None:
    (entry_id,) = plan(store, change())
    effected_due(store, NOW_US + 10, is_out)
    with work(store, ANN, NOW_US + 20) as w:
        undone(w, entry_id, "appeal granted", NOW_US + 20)
    with pytest.raises(LedgerError, match="already"), work(store, ANN, NOW_US + 20) as w:
        undone(w, entry_id, "again", NOW_US + 20)
    with pytest.raises(LedgerError, match="Undo"), work(store, ANN, NOW_US + 20) as w:
        cancelled(w, entry_id, "too late")
    effected_due(store, NOW_US + 20, is_out)
    assert line(store) == (1_000, False)
    deltas = [
        row["delta_cents"] for row in store.rows(sa.select(limit_entries).order_by(limit_entries.c.number))
    ]
    assert deltas == [1_000, -400, 400]


def test_freeze_ends_by_itself_when_its_time_is_over(store: Store) -> None:
    plan(store, change("freeze", None, effective_us=NOW_US, until_us=NOW_US + 50))
    effected_due(store, NOW_US, is_out)
    assert line(store) == (1_000, True)
    effected_due(store, NOW_US + 49, is_out)
    assert line(store) == (1_000, True)
    effected_due(store, NOW_US + 50, is_out)
    effected_due(store, NOW_US + 50, is_out)
    assert line(store) == (1_000, False)
    assert [command["is_frozen"] for command in messages(store, BANK_TOPIC)] == [True, False]
    assert messages(store, ENGINE_TOPIC) == []


def test_cut_to_a_limit_that_is_lower_already_is_cancelled_and_nobody_is_told(store: Store) -> None:
    plan(store, change(after_cents=300), change(after_cents=500, effective_us=NOW_US + 20))
    effected_due(store, NOW_US + 20, is_out)
    assert line(store) == (300, False)
    assert len(messages(store, BANK_TOPIC)) == 1


def test_limit_that_was_not_known_when_the_ledger_began_is_known_from_the_next_change_on(
    store: Store,
) -> None:
    plan(store, change("freeze", None, limit_before_cents=0, effective_us=NOW_US))
    effected_due(store, NOW_US, is_out)
    assert line(store) == (0, True)
    plan(store, change(after_cents=600))
    assert line(store) == (1_000, True)
    effected_due(store, NOW_US + 10, is_out)
    assert line(store) == (600, True)
    plan(store, change("close", 0, effective_us=NOW_US + 20))
    effected_due(store, NOW_US + 20, is_out)
    plan(store, change("restore", 500, effective_us=NOW_US + 30))  # a closed line's limit of 0 is known
    assert line(store) == (0, True)
