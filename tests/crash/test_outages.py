"""A database that goes away and comes back, a disk that is full for a while: nothing is lost, nothing comes twice."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.crash.killed_server import KilledServer
from tests.crash.outages import Disk, Sending, database, disk
from tests.live_engines import life

EVENTS = 4_000
BATCH = 100


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
