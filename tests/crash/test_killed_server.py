import json
import sqlite3
from pathlib import Path

import httpx
import polars as pl
import pytest

from limitkeeper.store.sql import Store
from tests.crash.killed_server import KilledServer, send, send_while_killing
from tests.live_engines import engine, left_behind, life, state_bytes

EVENTS = 12_000
BATCH = 400


@pytest.fixture(scope="module")
def accounts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("accounts") / "accounts.parquet"
    life().accounts.write_parquet(path)
    return path


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, accounts: Path) -> tuple:
    folder = tmp_path_factory.mktemp("undisturbed") / "data"
    folder.mkdir()
    return run(KilledServer(f"sqlite:///{folder}/store.db", folder, accounts), kills=0)


def run(server: KilledServer, kills: int) -> tuple:
    """What a run leaves behind: alerts, proposals, and the state to the byte."""
    server.start()
    events = life().events[:EVENTS]
    server.await_ready()
    sent = send_while_killing(server, events, BATCH, kills, seed=7, longest_seconds=0.6) if kills else send(
        server, events, BATCH
    )  # fmt: skip
    assert sent == EVENTS
    server.await_ready()
    assert server.stop() == 0
    running = engine(server.store, server.folder / "snapshots")
    found = left_behind(running.store), state_bytes(running)
    running.stop()
    return found


def test_killed_server_ends_as_one_that_was_left_alone(
    undisturbed: tuple, accounts: Path, store_url: str, tmp_path: Path
) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    server = KilledServer(store_url, folder, accounts)
    behind, state = run(server, kills=3)
    assert server.kills == 3
    assert server.snapshots() > 3, "kills meet snapshots, too, not the journal alone"
    assert behind["alerts"]
    assert json.dumps(behind) == json.dumps(undisturbed[0])
    assert state == undisturbed[1]


def test_what_was_acknowledged_is_in_the_store(accounts: Path, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    server = KilledServer(f"sqlite:///{folder}/store.db", folder, accounts)
    server.start()
    server.await_ready()
    send(server, life().events[:BATCH], BATCH)
    before = httpx.get(f"{server.url}/v1/accounts/{life().events['account_id'][0]}").json()
    server.kill()
    with sqlite3.connect(folder / "store.db") as database:
        counts = json.loads(database.execute("select counts from store_heads").fetchone()[0])
    assert sum(counts["events"].values()) == BATCH
    server.await_ready()
    after = httpx.get(f"{server.url}/v1/accounts/{life().events['account_id'][0]}").json()
    assert before["standing"] == after["standing"]
    assert {k: v for k, v in before["features"].items() if not k.startswith("days_since")} == {
        k: v for k, v in after["features"].items() if not k.startswith("days_since")
    }
    assert server.stop() == 0


def test_second_server_on_the_same_store_refuses_to_start(accounts: Path, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    first = KilledServer(f"sqlite:///{folder}/store.db", folder, accounts)
    first.start()
    first.await_ready()
    second = KilledServer(first.store, folder, accounts)
    second.start()
    assert second.process is not None
    assert second.process.wait(60) == 1
    assert "Another server runs on this store" in (tmp_path / "data.log").read_text()
    assert first.stop() == 0


def test_store_can_be_read_while_the_server_runs(accounts: Path, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    server = KilledServer(f"sqlite:///{folder}/store.db", folder, accounts)
    server.start()
    server.await_ready()
    reader = Store(server.store)
    send(server, life().events[:1_000], 500)
    assert sum(reader.counts()["events"].values()) == 1_000
    reader.close()
    assert server.stop() == 0
    assert isinstance(life().events, pl.DataFrame)
