"""What is kept too long goes, class by class; what is younger, and what is evidence, stays."""

import contextlib
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from limitkeeper.app import retention
from limitkeeper.app.audit import verified
from limitkeeper.app.notices import notice_content
from limitkeeper.app.retention import kept_too_long, retention_kept
from limitkeeper.core.access.actors import SYSTEM, Actor
from limitkeeper.core.behaviour.events import DAY_US
from limitkeeper.store.appeal_tables import appeal_evidence
from limitkeeper.store.notice_tables import notices
from limitkeeper.store.people_tables import sessions
from limitkeeper.store.sql import Store
from limitkeeper.store.tables import journal, outbox, rejects
from limitkeeper.store.work import Work, work
from tests import appealed_decisions as past
from tests.vaults import SEAL

NOW_US = past.NOW_US + 2_000 * DAY_US
EMPTY = dict.fromkeys(("outbox_sent_days", "sessions_ended_days", "notice_content_days", "evidence_content_days",
                       "refused_rows_days", "shown_accounts_days"), 0)  # fmt: skip


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    found = Store(store_url)
    found.take({})
    yield found
    found.close()


def added(store: Store, days: float) -> None:
    """A row of each simple class, of so many days ago."""
    us = NOW_US - int(days * DAY_US)
    with work(store, SYSTEM, NOW_US) as w:
        w.add(outbox, {"subject": "s", "topic": "t", "content": "{}", "status": "sent", "attempts": 1, "due_us": us,
                       "error": None})  # fmt: skip
        w.add(outbox, {"subject": "s", "topic": "t", "content": "{}", "status": "dead", "attempts": 9, "due_us": us,
                       "error": "x"})  # fmt: skip
        w.add(sessions, {"token_hash": f"t{days}", "person_id": "ann", "begun_us": 1, "seen_us": 1, "ended_us": us,
                         "version": 1})  # fmt: skip
        sequence = int(100_000 - days * 10)
        w.add(
            journal, {"sequence": sequence, "kind": "events", "events": 1, "committed_us": us, "content": b""}
        )
        w.add(
            rejects,
            {"sequence": sequence, "source": "http", "event_id": "e", "account_id": "a", "reason": "r"},
        )


def count(store: Store, table: sa.Table) -> int:
    return int(store.rows(sa.select(sa.func.count().label("n")).select_from(table))[0]["n"])


def test_rows_go_when_their_days_are_over_and_not_before(store: Store) -> None:
    for days in (29.9, 30.1, 89.9, 90.1):
        added(store, days)
    for days in (1_094.9, 1_095.1):
        with work(store, SYSTEM, NOW_US - int(days * DAY_US)) as w:
            w.note("alert.list", "list:alert", {"accounts": 1}, shown=["a"])
    expected = EMPTY | {
        "shown_accounts_days": 1,
        "outbox_sent_days": 3,
        "sessions_ended_days": 1,
        "refused_rows_days": 1,
    }
    assert kept_too_long(store, NOW_US) == expected
    assert count(store, outbox) == 8
    assert retention_kept(store, NOW_US) == expected
    assert kept_too_long(store, NOW_US) == EMPTY
    assert (count(store, outbox), count(store, sessions), count(store, rejects)) == (5, 3, 3)
    assert verified(store).broken is None


def test_many_rows_go_in_bounded_transactions(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "ROWS_AT_ONCE", 2)
    for days in (*range(100, 105), 1):
        added(store, days)
    assert retention_kept(store, NOW_US)["sessions_ended_days"] == 5
    noted = store.rows(sa.text("SELECT count(*) AS n FROM audit_events WHERE act = 'retention.keep'"))  # type: ignore[arg-type]
    assert noted[0]["n"] == 9


def test_what_a_notice_said_goes_and_that_it_was_sent_stays(store: Store) -> None:
    past.staffed(store)
    past.decided(store)
    assert kept_too_long(store, past.NOW_US + 1_826 * DAY_US)["notice_content_days"] == 0
    assert retention_kept(store, NOW_US)["notice_content_days"] == count(store, notices) > 0
    row = store.rows(sa.select(notices))[0]
    assert row["kind"] == "limit_decreased_in_steps" or row["made_us"] == past.NOW_US
    assert notice_content(dict(row), SEAL).text == ""
    assert count(store, appeal_evidence) == 0


def test_row_that_is_needed_again_by_the_time_it_would_go_stays(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    added(store, 90.1)

    @contextlib.contextmanager
    def work_after_another(store: Store, actor: Actor, now_us: int) -> Iterator[Work]:
        with store.transaction() as connection:
            connection.execute(sessions.update().values(ended_us=None))
        with work(store, actor, now_us) as w:
            yield w

    monkeypatch.setattr(retention, "work", work_after_another)
    assert retention_kept(store, NOW_US)["sessions_ended_days"] == 0
    assert count(store, sessions) == 1
