"""The running server over HTTP: batches of events, and single events with their assessment, at concurrency 16."""

import asyncio
import io
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import polars as pl

SINGLES = int(os.environ.get("BENCH_SINGLES", "20000"))
BATCHES = int(os.environ.get("BENCH_BATCHES", "60"))
BATCH_EVENTS = 20_000
ACCOUNTS = 100_000
CONCURRENCY = 16
PORT = 8_751


def run() -> dict[str, Any]:
    """Measure a server process from this one; both share the machine's cores."""
    with tempfile.TemporaryDirectory(prefix="limitkeeper-bench-") as folder:
        command = [sys.executable, "-m", "limitkeeper.shells.cli.main", "serve", "--data", folder, "--clock", "event",
                   "--port", str(PORT), "--snapshot-minutes", "0"]  # fmt: skip
        with (
            (Path(folder) / "log").open("wb") as log,
            subprocess.Popen(command, stderr=log, stdout=log) as server,
        ):
            try:
                _await_ready()
                rows = [
                    _batches("application/vnd.apache.arrow.stream"),
                    _batches("application/json"),
                    _singles(),
                ]
            finally:
                server.terminate()
                server.wait(60)
    return {"name": "http", "rows": rows, "notes": ["The client runs on the same cores as the server."]}


def _await_ready() -> None:
    for _ in range(600):
        try:
            if httpx.get(f"http://127.0.0.1:{PORT}/readyz").status_code == 200:
                return
        except httpx.HTTPError:
            time.sleep(0.1)
    raise TimeoutError("the server did not start")


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


def _singles() -> dict[str, Any]:
    events = _events(2 * 10**9, SINGLES, 99).with_columns(pl.col("ts").dt.strftime("%Y-%m-%dT%H:%M:%S%.6fZ"))
    requests = []
    for event in events.iter_rows(named=True):
        body = json.dumps(event).encode()
        requests.append(
            b"POST /v1/events?assess=true HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
            + f"content-length: {len(body)}\r\n\r\n".encode() + body
        )  # fmt: skip

    async def client(mine: list[bytes], latencies: list[float]) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", PORT)
        for request in mine:
            started = time.perf_counter()
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200"), head
            length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            await reader.readexactly(length)
            latencies.append(time.perf_counter() - started)
        writer.close()

    async def load() -> tuple[float, list[float]]:
        latencies: list[float] = []
        await asyncio.gather(*(client(requests[k:1600:CONCURRENCY], []) for k in range(CONCURRENCY)))
        started = time.perf_counter()
        await asyncio.gather(
            *(client(requests[1600 + k :: CONCURRENCY], latencies) for k in range(CONCURRENCY))
        )
        return time.perf_counter() - started, latencies

    seconds, latencies = asyncio.run(load())
    quantiles = np.quantile(np.array(latencies) * 1e3, [0.5, 0.99])
    return {"what": f"one event a request with its assessment, concurrency {CONCURRENCY}",
            "rate": round(len(latencies) / seconds), "unit": "requests/s",
            "p50_ms": round(float(quantiles[0]), 2), "p99_ms": round(float(quantiles[1]), 2)}  # fmt: skip
