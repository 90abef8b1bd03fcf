"""Every store keeps the same contract: SQLite and PostgreSQL."""

from dataclasses import replace

import pytest
import sqlalchemy as sa

from limitkeeper.store.database import StoreError
from limitkeeper.store.entries import entry_mark
from limitkeeper.store.lock import StoreTakenError
from limitkeeper.store.records import Commit, ProposalChange
from limitkeeper.store.sql import Store
from limitkeeper.store.tables import alerts, journal, outbox, proposals, rejects

SETTINGS = {"market": "CN"}


def alert(name: str, **changed: object) -> dict:
    return {
        "alert_id": name, "account_id": "a", "trigger": "suspected_violation", "severity": "mild", "rules": "[]",
        "hits": 1, "opened_us": 1, "seen_us": 1, "decision_id": "d", "trace": "{}",
    } | changed  # fmt: skip


def proposal(name: str, action: str = "decrease", made_us: int = 1) -> dict:
    return {
        "proposal_id": name, "account_id": "a", "decision_id": "d", "action": action, "rule": "r",
        "limit_before_cents": 100, "limit_after_cents": 50, "made_us": made_us, "trace": "{}",
    }  # fmt: skip


def commit(sequence: int, **parts: object) -> Commit:
    return Commit(sequence, "events", 1, 7, b"content", **parts)  # type: ignore[arg-type]


@pytest.fixture
def store(store_url: str) -> Store:
    taken = Store(store_url)
    taken.take(SETTINGS)
    yield taken
    taken.close()


def test_new_store_begins_at_nothing_and_remembers_its_last_batch(store: Store, store_url: str) -> None:
    store.write(commit(1))
    store.write(commit(2))
    store.close()
    again = Store(store_url)
    assert again.take(SETTINGS) == 2
    assert [entry.sequence for entry in again.entries_after(0)] == [1, 2]
    assert [entry.content for entry in again.entries_after(1)] == [b"content"]
    again.close()


def test_second_server_on_a_store_is_refused(store: Store, store_url: str) -> None:
    second = Store(store_url)
    with pytest.raises(StoreTakenError, match="Another server"):
        second.take(SETTINGS)
    second.close()
    store.write(commit(1))  # the first is not disturbed


def test_store_of_other_settings_is_refused(store: Store, store_url: str) -> None:
    store.close()
    other = Store(store_url)
    with pytest.raises(StoreError, match="other settings"):
        other.take({"market": "TW"})
    other.close()


def test_batch_that_was_written_already_is_not_written_twice(store: Store) -> None:
    first = commit(1, counts={("events", "accepted"): 5})
    store.write(first)
    store.write(first)
    assert store.counts() == {"events": {"accepted": 5}}
    assert len(store.rows(sa.select(journal.c.sequence))) == 1


def test_engine_that_was_overtaken_cannot_write(store: Store) -> None:
    store.write(commit(1))
    store.epoch -= 1
    with pytest.raises(StoreTakenError):
        store.write(commit(2))


def test_batch_out_of_turn_is_refused_and_leaves_nothing(store: Store) -> None:
    with pytest.raises(StoreTakenError):
        store.write(commit(3, alerts=[alert("x")]))
    assert store.rows(sa.select(alerts)) == []


def test_alert_is_opened_once_updated_and_seen(store: Store) -> None:
    store.write(commit(1, alerts=[alert("x")]))
    store.change(alerts.update().values(status="acknowledged"))
    seen = {"which": "x", "severity": "mild", "rules": "[1]", "hits": 2, "seen_us": 5}
    store.write(commit(2, seen=[seen]))
    (row,) = store.rows(sa.select(alerts))
    assert (row["hits"], row["seen_us"], row["status"], row["sequence"]) == (2, 5, "acknowledged", 2)
    store.write(commit(3, alerts=[alert("x", severity="severe", hits=3)]))
    (row,) = store.rows(sa.select(alerts))
    assert (row["severity"], row["status"], row["opened_us"]) == ("severe", "open", 1)


def test_new_proposal_supersedes_the_open_one_of_its_account(store: Store) -> None:
    changes = [
        ProposalChange("a", made, "superseded", None, proposal(name, action, made))
        for made, name, action in ((1, "p", "decrease"), (2, "q", "freeze"))
    ]
    store.write(commit(1, proposals=changes))
    rows = {row["proposal_id"]: row for row in store.rows(sa.select(proposals))}
    assert (rows["p"]["status"], rows["p"]["status_us"]) == ("superseded", 2)
    assert rows["q"]["status"] == "open"
    store.write(commit(2, proposals=[ProposalChange("a", 9, "lapsed", "freeze_not_confirmed")]))
    (row,) = store.rows(sa.select(proposals).where(proposals.c.proposal_id == "q"))
    assert (row["status"], row["reason"], row["status_us"]) == ("lapsed", "freeze_not_confirmed", 9)


def test_lapsed_freeze_leaves_a_proposed_decrease_open(store: Store) -> None:
    made = ProposalChange("a", 1, "superseded", None, proposal("p"))
    store.write(commit(1, proposals=[made, ProposalChange("a", 2, "lapsed", "freeze_over")]))
    assert store.rows(sa.select(proposals))[0]["status"] == "open"


def test_counters_rejects_outbox_and_offsets_are_kept(store: Store) -> None:
    parts = {
        "counts": {("events", "rejected"): 1},
        "rejects": [{"source": "s", "event_id": None, "account_id": "é", "reason": "ts_missing"}],
        "outbox": [{"subject": "x", "topic": "alert.opened", "content": "{}", "due_us": 3}],
        "offsets": {("t", 0): 10},
    }
    store.write(commit(1, **parts))
    store.write(commit(2, counts={("events", "rejected"): 2}, offsets={("t", 0): 12, ("t", 1): 4}))
    assert store.counts()["events"]["rejected"] == 3
    assert store.rows(sa.select(rejects))[0]["account_id"] == "é"
    assert store.rows(sa.select(outbox))[0]["status"] == "waiting"
    assert store.next_offsets("t") == {0: 12, 1: 4}
    assert store.next_offsets("other") == {}


def test_journal_is_trimmed_by_age_and_never_beyond_the_snapshot(store: Store) -> None:
    for sequence in (1, 2, 3):
        store.write(commit(sequence))
    assert store.trim(sequence=2, before_us=7) == 0
    assert store.trim(sequence=2, before_us=8) == 2
    assert [entry.sequence for entry in store.entries_after(0)] == [3]


def test_entry_has_a_mark_of_its_own_as_long_as_the_journal_holds_it(store: Store) -> None:
    store.write(commit(1))
    store.write(replace(commit(2), content=b"other"))
    store.write(replace(commit(3), committed_us=6))
    marks = [store.mark(sequence) for sequence in (1, 2, 3)]
    assert marks[0] == entry_mark("events", 7, b"content")
    assert len(set(marks)) == 3
    store.trim(sequence=1, before_us=8)
    assert store.mark(1) is None


def test_url_that_is_none_is_refused() -> None:
    with pytest.raises(StoreError, match="cannot be read"):
        Store("no url")
