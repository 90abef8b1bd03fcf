"""A real server that is killed at random moments while a client sends, and sends again what was not acknowledged."""

import io
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
import weakref
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import polars as pl

ARROW = {"content-type": "application/vnd.apache.arrow.stream"}

START_SECONDS = 120.0


@dataclass
class KilledServer:
    """``limitkeeper serve`` as a process of its own, on a fixed port, so that it can come back."""

    store: str
    folder: Path
    accounts: Path
    snapshot_minutes: float = 0.003
    kills: int = 0
    more: tuple[str, ...] = ()
    port: int = field(init=False)
    process: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        command = [
            sys.executable, "-m", "limitkeeper.shells.cli.main", "serve", "--data", str(self.folder),
            "--store", self.store, "--accounts", str(self.accounts), "--clock", "event", "--port", str(self.port),
            "--snapshot-minutes", str(self.snapshot_minutes), *self.more,
        ]  # fmt: skip
        with self.log.open("ab") as log:
            environment = os.environ | {"PYTHONUNBUFFERED": "1"}
            self.process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
        weakref.finalize(self, self.process.kill)  # a test that fails leaves no server behind

    @property
    def log(self) -> Path:
        return self.folder.parent / f"{self.folder.name}.log"

    def snapshots(self) -> int:
        """How many snapshots its lives have written."""
        return self.log.read_bytes().count(b"snapshot_written")

    def await_ready(self) -> None:
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            with suppress(httpx.HTTPError):
                if httpx.get(f"{self.url}/readyz", timeout=5).status_code == 200:
                    return
            assert self.process is not None
            assert self.process.poll() is None, "the server ended by itself"
            time.sleep(0.1)
        raise AssertionError("the server did not start")

    def counted_events(self) -> int:
        """Events by its own counters, whatever became of them."""
        text = httpx.get(f"{self.url}/metrics").text
        lines = [line for line in text.splitlines() if line.startswith("limitkeeper_events_total{")]
        return sum(int(float(line.split()[-1])) for line in lines)

    def kill(self) -> None:
        """Kill it with no warning, and start it again."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.kills += 1
        self.start()

    def stop(self) -> int:
        """Ask it to stop in order; its exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(120)


def send(server: KilledServer, events: pl.DataFrame, batch: int) -> int:
    """Send events in their order, each batch again until it is acknowledged; how many events were acknowledged."""
    acknowledged = 0
    with httpx.Client(timeout=60) as client:
        for start in range(0, events.height, batch):
            body = io.BytesIO()
            part = events[start : start + batch]
            part.write_ipc_stream(body)
            while True:
                with suppress(httpx.HTTPError):
                    answer = client.post(f"{server.url}/v1/events", content=body.getvalue(), headers=ARROW)
                    if answer.status_code == 200:
                        counts = answer.json()
                        assert counts["read"] == part.height
                        acknowledged += counts["read"]
                        break
                time.sleep(0.05)
    return acknowledged


def send_while_killing(
    server: KilledServer,
    events: pl.DataFrame,
    batch: int,
    kills: int,
    seed: int,
    longest_seconds: float = 1.0,
) -> int:
    """Send events while the server is killed so many times at random moments."""
    done = threading.Event()
    chance = random.Random(seed)  # noqa: S311 - for moments, not secrets

    def killer() -> None:
        while server.kills < kills and not done.is_set():
            server.await_ready()
            time.sleep(chance.uniform(0.0, longest_seconds))
            server.kill()

    thread = threading.Thread(target=killer)
    thread.start()
    try:
        return send(server, events, batch)
    finally:
        done.set()
        thread.join()
