"""``limitkeeper top`` beside a real ``limitkeeper serve``."""

import fcntl
import functools
import http.server
import json
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import polars as pl
import pytest

from tests.crash.killed_server import KilledServer

TOP = [sys.executable, "-m", "limitkeeper.shells.cli.main", "top"]
ODD_ID = "odd\x1b[2J"

EVENTS = [
    {
        "event_id": "e-1",
        "account_id": "a",
        "ts": "2026-06-01T08:00:00Z",
        "kind": "purchase",
        "amount": 25_000,
    },
    {"event_id": "e-2", "account_id": "a", "ts": "2026-06-01T09:00:00Z", "kind": "login"},
    {"event_id": "e-2", "account_id": "a", "ts": "2026-06-01T09:00:00Z", "kind": "login"},
    {"event_id": "e-3", "account_id": "a", "ts": "2026-06-01T09:30:00Z", "kind": "purchase", "amount": -1},
    {
        "event_id": "e-4",
        "account_id": ODD_ID,
        "ts": "2026-06-01T10:00:00Z",
        "kind": "flag",
        "reason": "cash-out",
    },
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KilledServer]:
    folder: Path = tmp_path_factory.mktemp("top")
    accounts, data = folder / "accounts.parquet", folder / "data"
    data.mkdir()
    stated = {"account_id": ["a", ODD_ID], "limit_cents": [1_000_000, 500_000]}
    pl.DataFrame(stated).write_parquet(accounts)
    running = KilledServer(f"sqlite:///{folder}/store.db", data, accounts, snapshot_minutes=0.0)
    running.start()
    running.await_ready()
    send(running, EVENTS)
    yield running
    running.stop()


def send(server: KilledServer, events: list[dict[str, Any]]) -> None:
    httpx.post(f"{server.url}/v1/events", json=events, timeout=30).raise_for_status()


def top(*words: str, **changed: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"COLUMNS": "120"} | changed
    return subprocess.run(
        [*TOP, *words], capture_output=True, text=True, timeout=60, check=False, env=environment
    )


@contextmanager
def watching(*words: str) -> Iterator[tuple[subprocess.Popen[str], Iterator[dict[str, Any]]]]:
    """``limitkeeper top --json`` that goes on, and what it says line by line."""
    with subprocess.Popen([*TOP, "--json", *words], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process, map(json.loads, process.stdout)
        finally:
            process.kill()


def test_one_look_as_json_is_what_was_sent(server: KilledServer) -> None:
    done = top("--url", server.url, "--once", "--json", "--every", "0.2")
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    totals = {outcome: row["total"] for outcome, row in found["events"].items()}
    assert totals == {"accepted": 3, "rejected": 1, "duplicate": 1}
    assert (found["url"], found["ready"], found["accounts"]) == (server.url, True, 2)
    assert {reason: row["total"] for reason, row in found["rejects"].items()} == {"amount_negative": 1}
    assert {trigger: row["total"] for trigger, row in found["alerts"].items()} == {"suspected_violation": 1}
    assert sum(row["total"] for row in found["decisions"].values()) == 3
    assert found["decisions"]["freeze"]["total"] == 1
    (alert,), (proposal,) = found["latest_alerts"], found["latest_proposals"]
    assert (alert["account_id"], alert["rules"], alert["hits"]) == (ODD_ID, ["violation_flagged"], 1)
    assert (proposal["account_id"], proposal["action"], proposal["status"]) == (ODD_ID, "freeze", "open")
    batches = found["latency"]["since_start"]
    assert batches["micro_batches"] == 1
    assert 0 < batches["p50_seconds"] <= batches["p99_seconds"]
    assert found["interval_seconds"] >= 0.2
    assert found["latency"]["interval"]["micro_batches"] == 0
    assert found["queue"]["waiting_events"] == 0 < found["queue"]["bound_events"]
    assert found["state_bytes"] > 0


@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("en", ("✔ ready", "suspected violation", "amount_negative", "2 accounts", "freeze", "5,000.00")),
        ("zh", ("✔ 就绪", "疑似违规", "amount_negative", "2 个账户", "冻结", "5,000.00")),
    ],
)
def test_one_look_on_paper_tells_what_was_sent(
    server: KilledServer, language: str, told: tuple[str, ...]
) -> None:
    done = top("--url", server.url, "--once", "--every", "0.2", "--lang", language)
    assert done.returncode == 0, done.stderr
    for text in told:
        assert text in done.stdout
    assert "odd�[2J" in done.stdout
    assert "\x1b" not in done.stdout


def test_terminal_is_given_back_at_ctrl_c_with_0(server: KilledServer) -> None:
    main, side = pty.openpty()
    fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 110, 0, 0))
    environment = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
    with subprocess.Popen(
        [*TOP, "--url", server.url, "--every", "0.2"],
        stdin=side, stdout=side, stderr=side, env=environment | {"TERM": "xterm"}, start_new_session=True,
    ) as process:  # fmt: skip
        os.close(side)
        shown = b""
        while "Ctrl-C" not in shown.decode(errors="ignore"):
            shown += os.read(main, 65_536)
        process.send_signal(signal.SIGINT)
        while chunk := read_to_end(main):
            shown += chunk
        assert process.wait(30) == 0
    os.close(main)
    assert "✔ ready" in shown.decode()
    assert shown.rstrip().endswith(b"\x1b[?1049l")  # the screen from before is back


def read_to_end(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65_536)
    except OSError:  # how Linux says that the other side is closed
        return b""


def test_looks_go_on_while_the_server_is_away_and_end_with_0_at_ctrl_c(server: KilledServer) -> None:
    with watching("--url", server.url, "--every", "0.2") as (process, looks):
        first = next(looks)
        assert first["events"]["accepted"] == {"total": 3, "per_second": None}
        send(server, [EVENTS[0] | {"event_id": f"more-{k}"} for k in range(5)])
        found = [next(looks)]
        while (found[-1]["events"]["accepted"]["total"], since_start(found[-1])) != (8, 2):
            found.append(next(looks))
        assert sum(each["latency"]["interval"]["micro_batches"] for each in found) == 1
        grown = next(each for each in found if each["events"]["accepted"]["total"] == 8)
        rate = grown["events"]["accepted"]["per_second"]
        assert rate == pytest.approx(5 / grown["interval_seconds"], rel=0.01)
        assert server.stop() == 0
        away = next(found for found in looks if not found["answers"])
        assert "limitkeeper serve" in away["problem"]
        still = next(looks)
        assert (still["answers"], still["since"]) == (False, away["since"])
        assert still["at"] > away["at"]
        server.start()
        back = next(found for found in looks if found["answers"])
        assert back["events"]["accepted"] == {"total": 8, "per_second": None}
        assert since_start(back) == 0
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
    server.await_ready()


def since_start(found: dict[str, Any]) -> int:
    return found["latency"]["since_start"]["micro_batches"]


def test_nobody_there_ends_one_look_with_1_and_what_to_do() -> None:
    done = top("--url", "http://127.0.0.1:1", "--once", "--json")
    assert (done.returncode, done.stdout) == (1, "")
    assert "No server answers" in done.stderr
    assert "limitkeeper serve" in done.stderr


def test_another_kind_of_server_is_told_as_such(tmp_path: Path) -> None:
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as other:
        thread = threading.Thread(target=other.serve_forever)
        thread.start()
        done = top("--url", f"http://127.0.0.1:{other.server_port}", "--once")
        other.shutdown()
        thread.join()
    assert done.returncode == 1
    assert "no Limitkeeper server" in done.stderr


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--url", "ftp://127.0.0.1"), "http://HOST:PORT"),
        (("--url", "127.0.0.1:8750"), "http://HOST:PORT"),
        (("--url", "http://[::1"), "http://HOST:PORT"),
        (("--lang", "fr"), "en, zh"),
    ],
)
def test_option_that_does_not_hold_ends_with_1_and_what_is_allowed(words: tuple[str, ...], told: str) -> None:
    done = top("--once", *words)
    assert done.returncode == 1
    assert told in done.stderr
    assert "Traceback" not in done.stderr
