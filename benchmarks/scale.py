"""The cost of an event as accounts grow: from ten thousand to five million, each with as many live events.

Each size has a process of its own, so that the memory is its own.
"""

import gc
import multiprocessing
import os
import resource
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.engine import DAYS, START_US, batch, started_engine
from limitkeeper.core.behaviour.events import DAY_US
from limitkeeper.engines.embedded.requests import Request
from limitkeeper.engines.embedded.settings import BATCH_EVENTS

SIZES = [int(each) for each in os.environ.get("BENCH_SIZES", "10000,100000,1000000,5000000").split(",")]
EVENTS_EACH = 4
"""Events of each account; the first half fills the rings, the second is measured."""

FULL_RINGS = (int(os.environ.get("BENCH_FULL_ACCOUNTS", "300000")), 40)
"""Accounts, and the events of each at which memory is bounded."""

MANY_ACCOUNTS = 1_000_000
"""From so many accounts on, what a process holds besides them is little in its resident memory."""

ACCOUNTS_AT_ONCE = 1_000_000


def run() -> dict[str, Any]:
    """Measure each size in a folder of its own that is removed afterwards."""
    rows = []
    for accounts, events_each in [*((size, EVENTS_EACH) for size in SIZES), FULL_RINGS]:
        folder = Path(tempfile.mkdtemp(prefix="limitkeeper-bench-"))
        try:
            with multiprocessing.get_context("spawn").Pool(1) as process:
                rows.append(process.apply(_measured, (folder, accounts, events_each)))
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    return {
        "name": "scale",
        "rows": rows,
        "notes": [
            f"in process, SQLite, synchronous=FULL, micro-batches of {BATCH_EVENTS:,} events in order of time",
            "resident: what the process grew by while it ran, its ids, indexes, buffers and free room included",
        ],
    }


def _measured(folder: Path, accounts: int, events_each: int) -> dict[str, Any]:
    draws, before_bytes = np.random.default_rng(0), _resident_bytes()
    ids = "a" + pl.int_range(0, accounts, eager=True).cast(pl.String)
    engine = started_engine(folder)
    for first in range(0, accounts, ACCOUNTS_AT_ONCE):
        part = ids[first : first + ACCOUNTS_AT_ONCE]
        stated = {"account_id": part, "limit_cents": draws.integers(3, 60, len(part)) * 100_000}
        engine.submit(Request("accounts", pl.DataFrame(stated))).result()
    events = max(events_each * accounts, 8 * BATCH_EVENTS)
    seconds, measured, half = 0.0, 0, events // 2
    for first in range(0, events, BATCH_EVENTS):
        between = (int(START_US + DAYS * DAY_US * place / events) for place in (first, first + BATCH_EVENTS))
        events_read = batch(draws, ids, first, BATCH_EVENTS, *between)
        started = time.perf_counter()
        engine.submit(Request("events", events_read, BATCH_EVENTS)).result()
        if first >= half:
            seconds += time.perf_counter() - started
            measured += BATCH_EVENTS
    row = {
        "what": f"{accounts:,} accounts, {events / accounts:.0f} live events each",
        "microseconds_per_event": round(seconds / measured * 1e6, 2),
        "rate": round(measured / seconds),
        "unit": "events/s",
        "state_bytes_per_account": round(engine.state_bytes() / accounts),
    }
    if accounts >= MANY_ACCOUNTS:
        row["resident_bytes_per_account"] = round((_resident_bytes() - before_bytes) / accounts)
    started = time.perf_counter()
    engine.stop()
    row["stop_seconds"] = round(time.perf_counter() - started, 2)
    del engine  # five million accounts are in memory once, as they are after a real restart
    gc.collect()
    started = time.perf_counter()
    again = started_engine(folder)
    row["restart_seconds"] = round(time.perf_counter() - started, 2)
    again.stop()
    return row


def _resident_bytes() -> int:
    """The memory of this process that is in use now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()
