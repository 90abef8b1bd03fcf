"""A database that goes away and comes back, a disk that is full for a while: nothing is lost, nothing comes twice."""

import json
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest

from tests.crash.killed_server import KilledServer
from tests.crash.outages import Disk, Sending, database, disk
from tests.live_engines import life

EVENTS = 4_000
BATCH = 100
EVENT = {"event_id": "e-1", "account_id": "sim-1", "ts": "2026-05-30T08:00:00Z", "kind": "login"}


@pytest.fixture(scope="module")
def accounts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("accounts") / "accounts.parquet"
    life().accounts.write_parquet(path)
    return path


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, accounts: Path) -> tuple:
    folder = tmp_path_factory.mktemp("undisturbed") / "data"
    folder.mkdir()
    with Sending(
        KilledServer(f"sqlite:///{folder}/store.db", folder, accounts), life().events[:EVENTS], BATCH
    ) as run:
        return run.ended()


def told_of_the_outage(server: KilledServer) -> bool:
    return "store_failing" in server.folder.with_suffix(".log").read_text()


def test_database_that_is_stopped_and_started_again_loses_nothing(
    undisturbed: tuple, accounts: Path, required: Callable[[str], Path], tmp_path: Path
) -> None:
    required("postgres")
    folder = tmp_path / "data"
    folder.mkdir()
    with (
        database(tmp_path / "postgres") as server,
        Sending(KilledServer(server.url, folder, accounts), life().events[:EVENTS], BATCH) as run,
    ):
        run.await_some()
        server.leave()
        run.await_not_ready()
        before = run.server.counted_events()
        assert run.acknowledged == []
        server.come_back()
        behind, state = run.ended()
    assert before < EVENTS
    assert told_of_the_outage(run.server)
    assert json.dumps(behind) == json.dumps(undisturbed[0])
    assert state == undisturbed[1]


@contextmanager
def held(server: KilledServer) -> Iterator[None]:
    """Somebody else has the database for himself, and the server waits to write."""
    database = sqlite3.connect(server.folder / "store.db", isolation_level=None)
    database.execute("begin exclusive")
    with suppress(httpx.ReadTimeout):
        httpx.post(f"{server.url}/v1/events", json=EVENT, timeout=1)
    yield
    database.close()


@pytest.fixture
def stopping(accounts: Path, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A server that was asked to stop while it could not write, and takes nothing more."""
    folder = tmp_path / "data"
    folder.mkdir()
    server = KilledServer(f"sqlite:///{folder}/store.db", folder, accounts)
    server.start()
    server.await_ready()
    assert server.process is not None
    with held(server):
        server.process.send_signal(signal.SIGTERM)
        until = time.monotonic() + 60
        with suppress(httpx.HTTPError):
            while time.monotonic() < until:
                httpx.get(f"{server.url}/healthz", timeout=5)
                time.sleep(0.05)
        yield server.process


def test_server_that_is_stopped_while_it_cannot_write_ends_and_says_that_it_failed(
    stopping: subprocess.Popen[bytes],
) -> None:
    assert stopping.wait(120) == 1


def test_second_signal_ends_a_server_that_cannot_write_at_once(stopping: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 60
    while stopping.poll() is None and time.monotonic() < until:
        stopping.send_signal(signal.SIGTERM)  # one that comes as the web server ends means nothing yet
        time.sleep(0.2)
    assert stopping.returncode == -signal.SIGTERM


@pytest.fixture
def full_disk(required: Callable[[str], Path], tmp_path: Path) -> Iterator[Disk]:
    required("small_disk")
    with disk(tmp_path / "disk") as found:
        yield found


def test_full_disk_delays_the_answer_and_loses_nothing(
    undisturbed: tuple, accounts: Path, full_disk: Disk
) -> None:
    folder = full_disk.folder / "data"
    folder.mkdir()
    with Sending(
        KilledServer(f"sqlite:///{folder}/store.db", folder, accounts), life().events[:EVENTS], BATCH
    ) as run:
        run.await_some()
        run.await_not_ready(full_disk.fill)
        assert run.acknowledged == []
        full_disk.free()
        behind, state = run.ended()
    assert json.dumps(behind) == json.dumps(undisturbed[0])
    assert state == undisturbed[1]
