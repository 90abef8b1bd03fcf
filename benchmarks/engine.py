"""The embedded engine: events to committed results, with a million accounts, durable; restart; memory."""

import datetime as dt
import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from limitkeeper.app.live import Arm
from limitkeeper.app.strategies import loaded_strategy, strategy_path
from limitkeeper.connectors.events import ReadEvents, normalised
from limitkeeper.core.behaviour.events import DAY_US
from limitkeeper.core.compliance.buckets import BUCKETS
from limitkeeper.engines.embedded.engine import Engine
from limitkeeper.engines.embedded.requests import Request
from limitkeeper.engines.embedded.settings import BATCH_EVENTS, Settings
from limitkeeper.engines.embedded.start import Place, running_engine
from limitkeeper.engines.embedded.warming import warming

ACCOUNTS = int(os.environ.get("BENCH_ACCOUNTS", "1000000"))
EVENTS = int(os.environ.get("BENCH_EVENTS", "4000000"))
DAYS = 30
START_US = 20_500 * DAY_US
NOW = dt.datetime(2026, 11, 23, tzinfo=dt.UTC)
NOW_US = int(NOW.timestamp()) * 1_000_000
TURN_EVENTS = 524_288
KINDS = np.array([0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 5, 6, 6, 6], np.int16)


def batch(
    draws: np.random.Generator, ids: pl.Series, first: int, size: int, start_us: int, end_us: int
) -> ReadEvents:
    """Events as they come, in time order, spread over the accounts; read already, as a way in does it."""
    account = draws.integers(0, len(ids), size)
    count = pl.int_range(first, first + size, eager=True).cast(pl.String)
    names = {
        "event_id": "e" + count,
        "account_id": ids.gather(account),
        "merchant_id": pl.Series(draws.integers(0, 200_000, size)).cast(pl.String),
        "device_id": pl.Series(account * 2 + draws.integers(0, 2, size)).cast(pl.String),
        "city": pl.Series(draws.integers(0, 300, size)).cast(pl.String),
        "counterparty_id": pl.Series([None] * size, dtype=pl.String),
    }
    times = np.sort(draws.integers(start_us, end_us, size))
    figures = np.full((size, 4), np.nan)
    figures[:, 0] = np.exp(draws.normal(8.5, 1.0, size)).astype(np.int64)
    return ReadEvents(
        normalised(names, times, draws.choice(KINDS, size), figures, np.ones(size, np.bool_)),
        pl.DataFrame({"row": [], "reason": []}, schema={"row": pl.Int64, "reason": pl.String}),
    )


def run() -> dict[str, Any]:
    """Measure, in a folder of its own that is removed afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="limitkeeper-bench-"))
    try:
        return _measured(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def started_engine(folder: Path) -> Engine:
    """An engine over a store in a folder, recovered and running."""
    return running_engine(Place(f"sqlite:///{folder}/store.db", Settings(folder, 0.0)), lambda: NOW_US)


def _measured(folder: Path) -> dict[str, Any]:
    draws = np.random.default_rng(0)
    ids = "a" + pl.int_range(0, ACCOUNTS, eager=True).cast(pl.String)
    accounts = pl.DataFrame(
        {"account_id": ids, "limit_cents": draws.integers(3, 60, ACCOUNTS) * 100_000,
         "opened_at": ["2024-01-01"] * ACCOUNTS}
    )  # fmt: skip
    engine = started_engine(folder)
    rows: list[dict[str, Any]] = []
    started = time.perf_counter()
    engine.submit(Request("accounts", accounts)).result()
    rows.append({"what": f"{ACCOUNTS:,} accounts stated", "seconds": round(time.perf_counter() - started, 2)})
    parts = [
        batch(draws, ids, first, BATCH_EVENTS, *(
            int(START_US + DAYS * DAY_US * place / EVENTS) for place in (first, first + BATCH_EVENTS)
        ))
        for first in range(0, EVENTS, BATCH_EVENTS)
    ]  # fmt: skip
    engine.submit(Request("events", parts[0], BATCH_EVENTS)).result()  # kernels compile
    rows.append(
        {
            "what": "events to committed results, in process",
            "rate": round(_rate(engine, parts[1:])),
            "unit": "events/s",
        }
    )
    counts = {f"{name}.{label}": value for (name, label), value in engine.counts.items()}
    live = engine.state_bytes()
    rows.append({"what": f"state at {EVENTS / ACCOUNTS:.0f} live events an account", "rate": round(live / ACCOUNTS),
                 "unit": "bytes/account"})  # fmt: skip
    rows += _with_challenger(engine, draws, ids)
    started = time.perf_counter()
    engine.stop()
    rows.append(
        {"what": "orderly stop with its snapshot", "seconds": round(time.perf_counter() - started, 2)}
    )
    started = time.perf_counter()
    again = started_engine(folder)
    rows.append(
        {"what": f"restart with {ACCOUNTS:,} accounts", "seconds": round(time.perf_counter() - started, 2)}
    )
    again.stop()
    return {"name": "engine", "rows": rows, "notes": [f"SQLite, synchronous=FULL; {counts}"]}


def _rate(engine: Engine, parts: list[ReadEvents]) -> float:
    """Events a second, each part one request."""
    started, waiting = time.perf_counter(), []
    for part in parts:
        waiting.append(engine.submit(Request("events", part, BATCH_EVENTS)))
        if len(waiting) > 2:  # as a client would: a few in flight
            waiting.pop(0).result()
    for each in waiting:
        each.result()
    return BATCH_EVENTS * len(parts) / (time.perf_counter() - started)


def _with_challenger(engine: Engine, draws: np.random.Generator, ids: pl.Series) -> list[dict[str, Any]]:
    """The champion alone and beside a challenger, in turns, so that both meet the same accounts and machine."""
    champion = engine.policies
    cautious = loaded_strategy(strategy_path("cautious"))
    share = range(BUCKETS - BUCKETS // 10, BUCKETS)
    both = champion.with_arms([*champion.arms, Arm(cautious, None, share)])
    for _ in warming(engine, both):
        pass
    rates: dict[bool, list[float]] = {False: [], True: []}
    taking: list[float] = []
    start_us, first = START_US + DAYS * DAY_US, EVENTS
    for has_challenger in (True, False, True, False):
        started = time.perf_counter()
        engine.submit(Request("policy", both if has_challenger else champion)).result()
        taking.append(time.perf_counter() - started)
        span_us = DAYS * DAY_US * TURN_EVENTS // EVENTS
        size = BATCH_EVENTS
        parts = [
            batch(draws, ids, first + k * size, size, *(
                start_us + span_us * place // (TURN_EVENTS // size) for place in (k, k + 1)
            ))
            for k in range(TURN_EVENTS // size)
        ]  # fmt: skip
        rates[has_challenger].append(_rate(engine, parts))
        start_us, first = start_us + span_us, first + TURN_EVENTS
    alone, beside = (sum(rates[each]) / len(rates[each]) for each in (False, True))
    return [
        {"what": f"{TURN_EVENTS:,} more, the champion alone", "rate": round(alone), "unit": "events/s"},
        {"what": f"{TURN_EVENTS:,} more, beside a challenger on 10 % of the accounts", "rate": round(beside),
         "unit": "events/s", "ratio": round(beside / alone, 2)},
        {"what": "a release takes over, the longest of four", "seconds": round(max(taking), 2)},
    ]  # fmt: skip
