"""What a crash leaves: snapshots cut short, journals without a snapshot, databases that go away."""

import json
import shutil
import threading
from concurrent.futures import Future
from pathlib import Path

import polars as pl
import pytest
import sqlalchemy as sa
from structlog.testing import capture_logs

from limitkeeper.connectors.events import read_events
from limitkeeper.engines.embedded import writer
from limitkeeper.engines.embedded.engine import Engine
from limitkeeper.engines.embedded.requests import Answer, Request, StoppedError
from limitkeeper.engines.embedded.settings import Settings
from limitkeeper.engines.embedded.snapshot import REFUSED_KEPT, set_aside, snapshot_paths, snapshots_read
from limitkeeper.store import sql
from limitkeeper.store.database import StoreError
from limitkeeper.store.records import Commit
from limitkeeper.store.sql import Store
from tests.live_engines import engine, left_behind, life, sent, state_bytes
from tests.workflow_server import awaited

EVENTS = 6_000


@pytest.fixture
def running(tmp_path: Path) -> Engine:
    found = engine(f"sqlite:///{tmp_path / 'store.db'}", tmp_path)
    found.submit(Request("accounts", life().accounts)).result()
    return found


def abandoned(crashed: Engine) -> None:
    """Leave an engine as a crash would: nothing is worked off, no snapshot is taken."""
    crashed.store.close()


def test_journal_alone_gives_the_same_state(running: Engine, tmp_path: Path) -> None:
    sent(running, life().events[:EVENTS], [1_000, 2_500])
    before = state_bytes(running)
    abandoned(running)
    again = engine(f"sqlite:///{tmp_path / 'store.db'}", tmp_path)
    assert state_bytes(again) == before
    again.stop()


def test_snapshot_and_the_journal_after_it_give_the_same_state(running: Engine, tmp_path: Path) -> None:
    sent(running, life().events[:3_000])
    running.take_snapshot()
    sent(running, life().events[3_000:EVENTS], [700])
    before, behind = state_bytes(running), left_behind(running.store)
    abandoned(running)
    again = engine(f"sqlite:///{tmp_path / 'store.db'}", tmp_path)
    assert state_bytes(again) == before
    assert left_behind(again.store) == behind
    again.stop()


@pytest.mark.parametrize("damage", ["cut", "empty", "archive", "no_document", "other_document", "flipped"])
def test_broken_snapshot_is_passed_over_for_the_one_before(
    running: Engine, tmp_path: Path, damage: str
) -> None:
    sent(running, life().events[:2_000])
    running.take_snapshot()
    sent(running, life().events[2_000:EVENTS])
    running.take_snapshot()
    before = state_bytes(running)
    abandoned(running)
    newest = snapshot_paths(tmp_path)[0]
    array = newest / "0.behaviour.events.npy"
    if damage == "cut":
        array.write_bytes(array.read_bytes()[: array.stat().st_size // 2])
    elif damage == "empty":
        array.write_bytes(b"")
    elif damage == "archive":
        array.write_bytes(b"PK\x03\x04" + array.read_bytes()[4:])
    elif damage == "other_document":
        (newest / "snapshot.json").write_text("[]")
    elif damage == "flipped":
        content = bytearray(array.read_bytes())
        content[len(content) // 2] ^= 1
        array.write_bytes(content)
    else:
        (newest / "snapshot.json").unlink()
    again = engine(f"sqlite:///{tmp_path / 'store.db'}", tmp_path)
    assert state_bytes(again) == before
    again.stop()


def test_two_snapshots_are_kept(running: Engine, tmp_path: Path) -> None:
    for start in range(0, 4_000, 1_000):
        sent(running, life().events[start : start + 1_000])
        running.take_snapshot()
    assert len(snapshot_paths(tmp_path)) == 2
    running.stop()


def cut_to_nothing(snapshot: Path) -> None:
    (snapshot / "0.behaviour.events.npy").write_bytes(b"")


def test_broken_snapshot_does_not_stand_for_one_that_is_kept(running: Engine, tmp_path: Path) -> None:
    sent(running, life().events[:1_000])
    good = running.take_snapshot()
    sent(running, life().events[1_000:2_000])
    broken = running.take_snapshot()
    abandoned(running)
    cut_to_nothing(broken)
    again = engine(f"sqlite:///{tmp_path / 'store.db'}", tmp_path)
    assert snapshot_paths(tmp_path) == [good]
    assert [path.name for path in tmp_path.glob("refused-*")] == [f"refused-{broken.name[-15:]}"]
    sent(again, life().events[2_000:3_000])
    newest = again.take_snapshot()
    assert snapshot_paths(tmp_path) == [newest, good]
    again.stop()


def test_snapshot_of_another_store_is_not_taken_once_this_one_has_passed_its_number(
    running: Engine, tmp_path: Path
) -> None:
    sent(running, life().events[:2_000])
    shutil.copytree(running.take_snapshot(), tmp_path / "other")
    running.stop()
    store = f"sqlite:///{tmp_path / 'new.db'}"
    own = engine(store, tmp_path / "snapshots")
    sent(own, life().events[3_000:EVENTS], [500, 1_000, 1_500])
    before = state_bytes(own)
    abandoned(own)
    others = tmp_path / "snapshots" / "snapshot-000000000000003"
    (tmp_path / "snapshots").mkdir(exist_ok=True)
    shutil.move(tmp_path / "other", others)
    again = engine(store, tmp_path / "snapshots")
    assert state_bytes(again) == before
    assert [path.name for path in (tmp_path / "snapshots").iterdir()] == ["refused-000000000000003"]
    again.stop()


def test_both_kept_snapshots_can_be_told_from_another_stores(running: Engine, tmp_path: Path) -> None:
    running.settings = Settings(tmp_path, 0.0, journal_days=-1.0)  # nothing is too young to be trimmed
    for start in range(0, 4_000, 1_000):
        sent(running, life().events[start : start + 1_000])
        running.take_snapshot()
    kept = [snapshot.sequence for _, snapshot in snapshots_read(tmp_path) if snapshot]
    assert running.store.journal_bounds()[0] == kept[-1] > 1
    for _, snapshot in snapshots_read(tmp_path):
        assert snapshot is not None
        assert snapshot.notes["mark"] == running.store.mark(snapshot.sequence)
    running.stop()


def test_snapshot_from_before_it_had_a_mark_is_taken(running: Engine, tmp_path: Path) -> None:
    sent(running, life().events[:1_000])
    before, path = state_bytes(running), running.take_snapshot()
    document = json.loads((path / "snapshot.json").read_text())
    del document["notes"]["mark"]
    (path / "snapshot.json").write_text(json.dumps(document))
    running.store.trim(running.sequence, 2**62)
    abandoned(running)
    again = engine(f"sqlite:///{tmp_path / 'store.db'}", tmp_path)
    assert state_bytes(again) == before
    again.stop()


def test_snapshot_while_the_database_is_away_is_left_for_later(
    running: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def mark(_store: Store, _sequence: int) -> str:
        raise sa.exc.OperationalError("select", {}, OSError("away"))

    monkeypatch.setattr(Store, "mark", mark)
    running.stop()
    assert running.failure is None
    assert snapshot_paths(tmp_path) == []


def test_few_of_the_snapshots_that_were_set_aside_are_kept(tmp_path: Path) -> None:
    for number in range(REFUSED_KEPT + 3):
        refused = tmp_path / f"snapshot-{99 - number:015d}"
        refused.mkdir()
        set_aside([refused])
    kept = sorted(path.name for path in tmp_path.iterdir())
    assert kept == sorted(f"refused-{99 - number:015d}" for number in range(3, REFUSED_KEPT + 3))


def test_start_that_fails_leaves_snapshots_where_they_are(running: Engine, tmp_path: Path) -> None:
    sent(running, life().events[:1_000])
    broken = running.take_snapshot()
    running.store.trim(sequence=2, before_us=2**62)
    abandoned(running)
    cut_to_nothing(broken)
    with pytest.raises(StoreError, match="lacks entries"):
        engine(f"sqlite:///{tmp_path / 'store.db'}", tmp_path)
    assert snapshot_paths(tmp_path) == [broken]


def test_orderly_stop_leaves_nothing_to_replay(running: Engine, tmp_path: Path) -> None:
    sent(running, life().events[:1_000])
    running.stop()
    with pytest.raises(StoppedError):
        running.submit(Request("accounts", life().accounts))
    again = engine(f"sqlite:///{tmp_path / 'store.db'}", tmp_path)
    assert again.sequence == running.sequence
    again.stop()


def test_snapshot_that_cannot_be_written_leaves_an_orderly_stop(running: Engine, tmp_path: Path) -> None:
    sent(running, life().events[:1_000])
    before = state_bytes(running)
    running.settings = Settings(tmp_path / "store.db", 0.0)  # a file, where no folder can be made
    running.stop()
    again = engine(f"sqlite:///{tmp_path / 'store.db'}", tmp_path)
    assert state_bytes(again) == before
    again.stop()


def test_missing_entries_are_told_and_not_passed_over(running: Engine, tmp_path: Path) -> None:
    sent(running, life().events[:2_000], [500, 1_000])
    running.store.trim(sequence=2, before_us=2**62)
    abandoned(running)
    with pytest.raises(StoreError, match="lacks entries"):
        engine(f"sqlite:///{tmp_path / 'store.db'}", tmp_path)
    shutil.rmtree(tmp_path)


class Outage:
    """A database that is away until it comes back."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        whole, self.attempted, self.is_over = Store.write, threading.Event(), threading.Event()

        def write(store: Store, commit: Commit) -> None:
            if not self.is_over.is_set():
                self.attempted.set()
                raise sa.exc.OperationalError("insert", {}, OSError("database or disk is full"))
            whole(store, commit)

        monkeypatch.setattr(Store, "write", write)


@pytest.fixture
def outage(running: Engine, monkeypatch: pytest.MonkeyPatch) -> Outage:
    assert running.sequence  # what was sent before is written
    return Outage(monkeypatch)


def submitted(running: Engine, events: pl.DataFrame) -> "Future[Answer]":
    found: Future[Answer] = running.submit(Request("events", read_events(events), events.height))
    return found


@pytest.mark.parametrize("is_asked_twice", [False, True])
def test_stop_while_the_database_is_away_gives_up_and_acknowledges_nothing(
    running: Engine, outage: Outage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_asked_twice: bool
) -> None:
    monkeypatch.setattr(writer, "GIVE_UP_SECONDS", 3_600.0 if is_asked_twice else 0.3)
    before, events = running.sequence, life().events[:1_000]
    answers = [submitted(running, events[:400]), submitted(running, events[400:])]
    assert outage.attempted.wait(20)
    if is_asked_twice:
        running.writer.hurry(0.0)
    with capture_logs():  # a traceback with all that it saw takes long to print
        running.stop()
    assert isinstance(running.failure, StoppedError)
    for answer in answers:
        with pytest.raises(StoppedError):
            answer.result(0)
    outage.is_over.set()
    again = engine(f"sqlite:///{tmp_path / 'store.db'}", tmp_path)
    assert again.sequence == before
    assert sum(answer.accepted + answer.duplicate for answer in sent(again, events)) == 1_000
    again.stop()


def test_stop_waits_for_a_database_that_comes_back_and_is_in_order(
    running: Engine, outage: Outage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "RETRY_SECONDS", (0.05,))
    answer = submitted(running, life().events[:1_000])
    assert outage.attempted.wait(20)
    back = threading.Timer(0.3, outage.is_over.set)
    back.start()
    running.stop()
    assert running.failure is None
    assert answer.result(0).sequence == running.sequence


def test_stop_does_not_wait_for_the_next_attempt(
    running: Engine, outage: Outage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "RETRY_SECONDS", (3_600.0,))
    answer = submitted(running, life().events[:1_000])
    assert outage.attempted.wait(20)
    outage.is_over.set()
    running.stop()
    assert answer.result(0).sequence == running.sequence


def test_writer_that_does_not_get_its_turn_tries_again(
    running: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sql, "TURN_SECONDS", 0.05)
    with running.store.turn():
        answer = submitted(running, life().events[:1_000])
        with pytest.raises(TimeoutError):
            answer.result(0.5)
        assert running.store_failing_since is not None
        assert running.failure is None
    assert answer.result(20).sequence
    running.stop()


def test_database_that_goes_away_delays_the_answer_and_loses_nothing(running: Engine, outage: Outage) -> None:
    read = life().events[:1_000]
    answers: list[int] = []
    sender = threading.Thread(target=lambda: answers.append(sum(a.accepted for a in sent(running, read))))
    sender.start()
    awaited(lambda: running.store_failing_since is not None)
    assert answers == []
    outage.is_over.set()
    sender.join(20)
    assert answers
    assert running.store_failing_since is None
    running.stop()
