"""The running server over HTTP: batches of events, and single events with their assessment, at concurrency 16.

Beside them what bounds them on this machine: an answer that does nothing, by the same web server to the same client,
and a write that waits for the disk.
"""

import asyncio
import contextlib
import io
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import polars as pl
import uvicorn
from starlette.types import Receive, Scope, Send

from limitkeeper.connectors.models import model_folder_written
from tests.live_model import live_model

SINGLES = int(os.environ.get("BENCH_SINGLES", "20000"))
BATCHES = int(os.environ.get("BENCH_BATCHES", "60"))
BATCH_EVENTS = 20_000
ACCOUNTS = 100_000
CONCURRENCY = 16
ROUNDS = 3
WARMING = 1_600
WRITES = 400
PORT, BARE_PORT = 8_751, 8_752


def run() -> dict[str, Any]:
    """Measure a server process from this one; both share the machine's cores."""
    with tempfile.TemporaryDirectory(prefix="limitkeeper-bench-") as name:
        folder = Path(name)
        with _served(folder / "plain"):
            rows = [
                _batches("application/vnd.apache.arrow.stream"),
                _batches("application/json"),
                _singles("by the rules"),
                _nothing_done(),
                _disk_writes(folder),
            ]
        model = model_folder_written(live_model(), folder / "model")
        with _served(folder / "scored", "--model", str(model)):
            _batches("application/vnd.apache.arrow.stream")
            rows.insert(3, _singles("by a scorecard and the rules"))
    return {
        "name": "http",
        "rows": rows,
        "notes": [
            "The client runs on the same cores as the server.",
            (
                "Single events: asyncio streams over kept connections, about 40 us of processor time a request; "
                f"the median of {ROUNDS} rounds of {SINGLES:,}. The scorecard is made by hand, of two live features."
            ),
            "SQLite, synchronous=FULL: every answer comes after its commit.",
        ],
    }


@contextlib.contextmanager
def _served(folder: Path, *more: str) -> Iterator[None]:
    """A server process on a folder of its own, while the block lasts."""
    folder.mkdir()
    command = [sys.executable, "-m", "limitkeeper.shells.cli.main", "serve", "--data", str(folder), "--clock", "event",
               "--port", str(PORT), "--snapshot-minutes", "0", *more]  # fmt: skip
    with (folder / "log").open("wb") as log, subprocess.Popen(command, stderr=log, stdout=log) as server:
        try:
            _await_ready()
            yield
        finally:
            server.terminate()
            server.wait(60)


def _await_ready(port: int = PORT) -> None:
    for _ in range(600):
        try:
            if httpx.get(f"http://127.0.0.1:{port}/readyz").status_code == 200:
                return
        except httpx.HTTPError:
            time.sleep(0.1)
    raise TimeoutError("the server did not start")


async def _bare_answer(_scope: Scope, receive: Receive, send: Send) -> None:
    """An answer as long as an assessment, and nothing else."""
    await receive()
    content = b"{" + b" " * 240 + b"}"
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": content})


def _serve_bare() -> None:
    uvicorn.run(_bare_answer, port=BARE_PORT, access_log=False, log_config=None, lifespan="off")


def _nothing_done() -> dict[str, Any]:
    """What the web server and the client can do at most."""
    server = multiprocessing.get_context("spawn").Process(target=_serve_bare)
    server.start()
    try:
        _await_ready(BARE_PORT)
        rate, latencies = asyncio.run(_load(_requests(3 * 10**9), BARE_PORT))
    finally:
        server.terminate()
        server.join(60)
    return {
        "what": f"for comparison: an answer that does nothing, concurrency {CONCURRENCY}",
        **_figures(rate, latencies),
    }


def _disk_writes(folder: Path) -> dict[str, Any]:
    """How long a write takes that waits for the disk, as every commit does."""
    seconds = []
    with (folder / "writes").open("wb", buffering=0) as file:
        for _ in range(WRITES):
            file.write(b"\1" * 8_192)
            started = time.perf_counter()
            os.fdatasync(file.fileno())
            seconds.append(time.perf_counter() - started)
    middle, high = np.quantile(np.array(seconds) * 1e3, [0.5, 0.99])
    return {"what": "for comparison: 8 KB written to disk, fdatasync",
            "p50_ms": round(float(middle), 2), "p99_ms": round(float(high), 2)}  # fmt: skip


def _events(first: int, count: int, seed: int) -> pl.DataFrame:
    draws = np.random.default_rng(seed)
    account = draws.integers(0, ACCOUNTS, count)
    times = 1_780_000_000_000_000 + (first + np.arange(count)) * 1_000
    return pl.DataFrame(
        {
            "event_id": pl.Series(np.arange(first, first + count)).cast(pl.String),
            "account_id": pl.Series(account).cast(pl.String),
            "ts": pl.Series(times).cast(pl.Datetime("us", "UTC")),
            "kind": draws.choice(["purchase", "purchase", "login", "repayment"], count),
            "amount": draws.integers(100, 50_000, count),
            "merchant_id": pl.Series(draws.integers(0, 10_000, count)).cast(pl.String),
            "device_id": pl.Series(account).cast(pl.String),
        }
    )


def _body(events: pl.DataFrame, kind: str) -> bytes:
    if kind == "application/json":
        return events.with_columns(pl.col("ts").dt.strftime("%Y-%m-%dT%H:%M:%S%.6fZ")).write_json().encode()
    content = io.BytesIO()
    events.write_ipc_stream(content)
    return content.getvalue()


def _batches(kind: str) -> dict[str, Any]:
    base = 10**9 if kind == "application/json" else 0
    bodies = [_body(_events(base + k * BATCH_EVENTS, BATCH_EVENTS, k), kind) for k in range(BATCHES)]
    with httpx.Client(timeout=60) as client:
        headers = {"content-type": kind}
        client.post(
            f"http://127.0.0.1:{PORT}/v1/events", content=bodies[0], headers=headers
        ).raise_for_status()

        async def send() -> float:
            async with httpx.AsyncClient(timeout=60) as waiting:
                gate = asyncio.Semaphore(4)

                async def one(body: bytes) -> None:
                    async with gate:
                        url = f"http://127.0.0.1:{PORT}/v1/events"
                        (await waiting.post(url, content=body, headers=headers)).raise_for_status()

                started = time.perf_counter()
                await asyncio.gather(*(one(body) for body in bodies[1:]))
                return time.perf_counter() - started

        seconds = asyncio.run(send())
    rate = round((BATCHES - 1) * BATCH_EVENTS / seconds)
    return {"what": f"events in batches of {BATCH_EVENTS:,}, {kind}", "rate": rate, "unit": "events/s"}  # fmt: skip


def _requests(first: int) -> list[bytes]:
    """Requests of one event each, as they go over the wire."""
    events = _events(first, SINGLES, 99).with_columns(pl.col("ts").dt.strftime("%Y-%m-%dT%H:%M:%S%.6fZ"))
    requests = []
    for event in events.iter_rows(named=True):
        body = json.dumps(event).encode()
        requests.append(
            b"POST /v1/events?assess=true HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
            + f"content-length: {len(body)}\r\n\r\n".encode() + body
        )  # fmt: skip
    return requests


async def _client(mine: list[bytes], port: int, latencies: list[float]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for request in mine:
        started = time.perf_counter()
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        await reader.readexactly(length)
        latencies.append(time.perf_counter() - started)
    writer.close()


async def _load(requests: list[bytes], port: int) -> tuple[float, list[float]]:
    """Requests a second, and the latency of each."""
    latencies: list[float] = []
    warming, measured = requests[:WARMING], requests[WARMING:]
    await asyncio.gather(*(_client(warming[k::CONCURRENCY], port, []) for k in range(CONCURRENCY)))
    started = time.perf_counter()
    await asyncio.gather(*(_client(measured[k::CONCURRENCY], port, latencies) for k in range(CONCURRENCY)))
    return len(latencies) / (time.perf_counter() - started), latencies


def _singles(by: str) -> dict[str, Any]:
    rounds = [asyncio.run(_load(_requests((20 + number) * 10**8), PORT)) for number in range(ROUNDS)]
    rate, latencies = sorted(rounds, key=lambda each: each[0])[ROUNDS // 2]
    return {
        "what": f"one event a request with its assessment {by}, concurrency {CONCURRENCY}",
        **_figures(rate, latencies),
    }


def _figures(rate: float, latencies: list[float]) -> dict[str, Any]:
    middle, high = np.quantile(np.array(latencies) * 1e3, [0.5, 0.99])
    return {"rate": round(rate), "unit": "requests/s",
            "p50_ms": round(float(middle), 2), "p99_ms": round(float(high), 2)}  # fmt: skip
