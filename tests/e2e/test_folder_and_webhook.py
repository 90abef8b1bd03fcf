"""Files in a watched folder and messages to a webhook, through a real server process and a real endpoint."""

import base64
import json
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import polars as pl
import pytest
from standardwebhooks import Webhook as Verifier

from tests.crash.killed_server import KilledServer
from tests.live_engines import life
from tests.receiver import Receiver

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
FLAG = {"event_id": "e-flag", "account_id": "sim-1", "ts": "2026-05-30T08:00:00Z", "kind": "flag",
        "reason": "cash-out"}  # fmt: skip


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as found:
        yield found
        found.shutdown()


@pytest.fixture
def server(tmp_path: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> Iterator[KilledServer]:
    monkeypatch.setenv("LIMITKEEPER_WEBHOOK_SECRET", SECRET)
    accounts, folder, watched = tmp_path / "accounts.parquet", tmp_path / "data", tmp_path / "in"
    life().accounts.write_parquet(accounts)
    for each in (folder, watched):
        each.mkdir()
    found = KilledServer(f"sqlite:///{folder}/store.db", folder, accounts,
                         more=("--watch", str(watched), "--webhook", receiver.url))  # fmt: skip
    found.start()
    found.await_ready()
    yield found
    assert found.stop() == 0


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


def put(folder: Path, name: str, content: bytes) -> Path:
    """A file as a careful sender puts it: written under a hidden name, then renamed."""
    hidden = folder / f".{name}"
    hidden.write_bytes(content)
    os.utime(hidden, (1, 1))
    return hidden.rename(folder / name)


def summary(folder: Path, name: str) -> dict:
    return json.loads((folder / f"{name}.summary.json").read_text())


def test_files_are_taken_and_moved_with_what_came_of_them(server: KilledServer, tmp_path: Path) -> None:
    watched = tmp_path / "in"
    part = tmp_path / "part.parquet"
    life().events[:500].write_parquet(part)
    put(watched, "a.parquet", part.read_bytes())
    put(watched, "b.csv", b"event_id,account_id,ts,kind,amount\nx1,sim-1,2026-05-01,purchase,-5\nx2,sim-1\n")
    put(watched, "c.jsonl", json.dumps(FLAG).encode() + b"\n{broken\n")
    put(watched, "d.parquet", b"no parquet at all")
    until(lambda: not [path for path in watched.iterdir() if path.is_file()])
    done, rejected = watched / "done", watched / "rejected"
    assert sorted(path.name for path in done.iterdir() if path.suffix != ".json") == ["a.parquet", "c.jsonl"]
    assert sorted(path.name for path in rejected.iterdir() if path.suffix != ".json") == [
        "b.csv",
        "d.parquet",
    ]
    whole = summary(done, "a.parquet")
    assert whole["read"] == 500 == whole["accepted"] + whole["duplicate"]
    assert [(row["row"], row["reason"]) for row in summary(rejected, "b.csv")["rejects"]] == [
        (0, "amount_negative"), (1, "unreadable"),
    ]  # fmt: skip
    lines = summary(done, "c.jsonl")
    assert (lines["accepted"], lines["rejected"], lines["rejects"][0]["row"]) == (1, 1, 1)
    assert "cannot be read as parquet" in summary(rejected, "d.parquet")["problem"]["problem"]
    assert server.counted_events() == 504


def test_file_whose_name_is_no_utf_8_is_taken_and_its_refused_rows_are_told(
    server: KilledServer, tmp_path: Path
) -> None:
    watched, name = tmp_path / "in", os.fsdecode(b"caf\xe9.csv")
    put(watched, name, b"event_id,account_id,ts,kind\nx1,sim-1,2026-05-01,login\nx2,,2026-05-01,login\n")
    until((watched / "done" / name).exists)
    found = summary(watched / "done", name)
    assert (found["accepted"], [row["event_id"] for row in found["rejects"]]) == (1, ["x2"])
    assert httpx.get(f"{server.url}/readyz").status_code == 200
    with sqlite3.connect(tmp_path / "data" / "store.db") as database:
        sources = database.execute("select source from rejects").fetchall()
    assert sources == [("file caf\N{REPLACEMENT CHARACTER}.csv",)]


def test_file_that_was_half_taken_is_taken_again_and_changes_nothing(
    server: KilledServer, tmp_path: Path
) -> None:
    watched, part = tmp_path / "in", tmp_path / "part.parquet"
    pl.concat([life().events[:9_000]]).write_parquet(part)
    put(watched, "a.parquet", part.read_bytes())
    time.sleep(0.5)
    server.kill()
    server.await_ready()
    until((watched / "done" / "a.parquet").exists)
    found = summary(watched / "done", "a.parquet")
    assert found["read"] == 9_000 == found["accepted"] + found["duplicate"]
    with_it = {line.split("{")[1].split("}")[0]: float(line.split()[-1]) for line in metrics(server)}
    assert with_it['outcome="accepted"'] == life().events[:9_000]["event_id"].n_unique()


def metrics(server: KilledServer) -> list[str]:
    text = httpx.get(f"{server.url}/metrics").text
    return [line for line in text.splitlines() if line.startswith("limitkeeper_events_total{")]


def test_alert_reaches_the_webhook_signed_once_it_is_up_again(
    server: KilledServer, receiver: Receiver
) -> None:
    receiver.statuses += [503]
    assert httpx.post(f"{server.url}/v1/events", json=FLAG).json()["accepted"] == 1
    until(lambda: len({json.loads(body)["type"] for _, body in receiver.taken}) >= 2)
    until(lambda: len(receiver.taken) >= 3)
    verified = [Verifier(SECRET).verify(body, headers) for headers, body in receiver.taken]
    ids = [headers["webhook-id"] for headers, _ in receiver.taken]
    assert len(set(ids)) == len(ids) - 1, "what was refused is sent again under its id"
    alert = next(each for each in verified if each["type"] == "alert.opened")
    assert alert["data"]["account_id"] == "sim-1"
    assert alert["data"]["trigger"] == "suspected_violation"
    until(lambda: httpx.get(f"{server.url}/v1/outbox?status=waiting").json() == [])
    sent = httpx.get(f"{server.url}/v1/outbox?status=sent").json()
    assert {f"limitkeeper-{each['id']}" for each in sent} == set(ids)
    assert httpx.post(f"{server.url}/v1/outbox/{sent[0]['id']}/retry").status_code == 404
