"""Features of events: our rings and scan in steady state, and what others do with the same stream.

Peers: Bytewax (its stateful step, with windows in plain Python), river (its rolling statistics), and DuckDB (all
features as one window query over the whole table).
"""

import datetime as dt
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from limitkeeper.core.behaviour.events import CASH_ADVANCE, DAY_US, EventBatch
from limitkeeper.core.behaviour.ring import HEAD, TAIL, WINDOWS_US
from limitkeeper.core.behaviour.state import Behaviour
from tests.features_in_sql import CONTRACT, sql_events, sql_features
from tests.simulated_events import START_US, simulated_batch

ACCOUNTS = 8_000
RING_EVENTS = 150
RING_DAYS = 180
MEASURED_DAYS = 120
BATCH_EVENTS = 4_096
SINGLE_EVENTS = 20_000
PEER_ACCOUNTS = 600
PEER_EVENTS = 40_000

Event = tuple[int, int, int, int]
"""Account, time, kind and amount: what the peers in plain Python look at."""


def run() -> dict[str, Any]:
    """Events a second on one core, and the time of a single event."""
    stream = simulated_batch(ACCOUNTS, RING_DAYS + MEASURED_DAYS, RING_EVENTS / RING_DAYS, seed=0)
    warm = int(np.searchsorted(stream.ts_us, START_US + RING_DAYS * DAY_US))
    behaviour = Behaviour()
    behaviour.add_accounts(ACCOUNTS)
    behaviour.apply(stream.part(slice(0, warm)))
    live = behaviour._accounts[:, TAIL] - behaviour._accounts[:, HEAD]  # noqa: SLF001 - the figure of the claim
    met = float((live**2).sum() / live.sum())
    batches = (len(stream) - SINGLE_EVENTS - warm) // BATCH_EVENTS
    parts = [
        stream.part(slice(warm + k * BATCH_EVENTS, warm + (k + 1) * BATCH_EVENTS)) for k in range(batches)
    ]
    times = timed(behaviour.apply, parts)
    ours = BATCH_EVENTS / float(np.median(times))
    first = warm + batches * BATCH_EVENTS
    singles = [stream.part(slice(k, k + 1)) for k in range(first, len(stream))]
    latencies = timed(behaviour.apply, singles) * 1e6
    rows: list[dict[str, Any]] = [
        row(f"limitkeeper: {len(CONTRACT)} features, batches of {BATCH_EVENTS:,}", ours, ours),
        row("limitkeeper: the same, account by account (backfill)", backfill_rate(stream, warm), ours),
        {"what": "limitkeeper: one event a call, median", "rate": float(np.median(latencies)), "unit": "us"},
        {"what": "limitkeeper: one event a call, p99", "rate": float(np.quantile(latencies, 0.99)), "unit": "us"},
        *peer_rows(ours),
    ]  # fmt: skip
    return {
        "name": "features",
        "rows": rows,
        "notes": [
            f"Simulated stream, seed 0, in time order: {ACCOUNTS:,} accounts interleaved, {len(stream):,} events.",
            (
                f"Ours is measured when rings are full, after {RING_DAYS} days: {live.mean():.0f} events in the mean "
                f"ring, {met:.0f} in the one that an event meets, {live.max()} in the longest. One thread; median "
                f"over {batches} batches."
            ),
            "A single event goes through the same public call, Behaviour.apply, on a batch of one.",
            (
                f"Peers see the same kind of stream with {PEER_ACCOUNTS:,} accounts, seed 1: Bytewax and river "
                f"{PEER_EVENTS:,} events after {RING_DAYS} days, DuckDB its whole table; one thread each."
            ),
            (
                "Bytewax and river give fewer features: spend count and sum in five windows, mean and standard "
                "deviation of 30 and 90 days (14 of 44)."
            ),
            (
                "Bytewax's windowing gives no result per event: its stateful step holds the windows in plain Python. "
                "river's windows move on at spends only."
            ),
            "DuckDB gives all 44, but of a whole table at once: it keeps no state between calls.",
        ],
    }


def row(what: str, rate: float | None, ours: float) -> dict[str, Any]:
    """A rate of events, or that the peer is not installed."""
    known = rate is not None
    return {
        "what": what,
        "rate": rate if known else "not installed",
        "unit": "events/s per core",
        "ratio_to_ours": rate / ours if rate is not None else None,
    }


def backfill_rate(stream: EventBatch, warm: int) -> float:
    """Events a second after the warm-up when they come account by account, as from a file."""
    behaviour = Behaviour()
    behaviour.add_accounts(ACCOUNTS)
    behaviour.apply(stream.part(slice(0, warm)))
    rest = stream.part(slice(warm, len(stream)))
    sorted_rest = rest.part(np.argsort(rest.account, kind="stable"))
    begun = time.perf_counter()
    behaviour.apply(sorted_rest)
    return len(rest) / (time.perf_counter() - begun)


def timed(work: Callable[[EventBatch], object], parts: list[EventBatch]) -> NDArray[np.float64]:
    """Seconds of each call."""
    times = np.empty(len(parts))
    for k, part in enumerate(parts):
        begun = time.perf_counter()
        work(part)
        times[k] = time.perf_counter() - begun
    return times


def peer_rows(ours: float) -> list[dict[str, Any]]:
    """What each peer does with a smaller stream of the same kind."""
    stream = simulated_batch(PEER_ACCOUNTS, RING_DAYS + MEASURED_DAYS, RING_EVENTS / RING_DAYS, seed=1)
    warm = int(np.searchsorted(stream.ts_us, START_US + RING_DAYS * DAY_US))
    last = min(warm + PEER_EVENTS, len(stream))
    columns = (stream.account, stream.ts_us, stream.kind, stream.amount_cents)
    events: list[Event] = list(zip(*(column[:last].tolist() for column in columns), strict=True))
    table = sql_events(stream)
    begun = time.perf_counter()
    sql_features(table, threads=1)
    duckdb_rate = len(stream) / (time.perf_counter() - begun)
    return [
        row("Bytewax: 14 features, windows in plain Python", bytewax_rate(events, warm), ours),
        row("river: the same 14, its rolling statistics", river_rate(events, warm), ours),
        row("DuckDB: all 44 as one query over the table", duckdb_rate, ours),
    ]


class PlainWindows:
    """The spends of one account in 90 days, and sums over five windows, in plain Python."""

    def __init__(self) -> None:
        self.spends: tuple[deque[tuple[int, int]], ...] = tuple(deque() for _ in WINDOWS_US)
        self.sums = [0] * len(WINDOWS_US)
        self.squares = [0] * len(WINDOWS_US)

    def features(self, event: Event) -> list[float]:
        """The 14 features as of an event, which is taken in."""
        _, ts, kind, amount = event
        found: list[float] = []
        for window, (spends, size) in enumerate(zip(self.spends, WINDOWS_US, strict=True)):
            if kind <= CASH_ADVANCE:
                spends.append((ts, amount))
                self.sums[window] += amount
                self.squares[window] += amount * amount
            while spends and spends[0][0] < ts - size:
                _, old = spends.popleft()
                self.sums[window] -= old
                self.squares[window] -= old * old
            found += [len(spends), self.sums[window]]
        for window in (3, 4):
            count, total = len(self.spends[window]), self.sums[window]
            found.append(total / count if count else float("nan"))
            variance = (
                (count * self.squares[window] - total * total) / count**2 if count > 1 else float("nan")
            )
            found.append(variance**0.5)
        return found


def bytewax_rate(events: list[Event], warm: int) -> float | None:
    """Events a second of a Bytewax dataflow keyed by account; what warms it up is timed apart and taken off."""
    try:
        from bytewax import operators
        from bytewax.dataflow import Dataflow
        from bytewax.testing import TestingSink, TestingSource, run_main
    except ImportError:
        return None

    def step(windows: PlainWindows | None, event: Event) -> tuple[PlainWindows, list[float]]:
        windows = windows or PlainWindows()
        return windows, windows.features(event)

    def seconds(given: list[Event]) -> float:
        flow = Dataflow("features")
        source = operators.input("events", flow, TestingSource(given, batch_size=BATCH_EVENTS))
        keyed = operators.key_on("account", source, lambda event: str(event[0]))
        found: list[tuple[str, list[float]]] = []
        operators.output("out", operators.stateful_map("windows", keyed, step), TestingSink(found))
        begun = time.perf_counter()
        run_main(flow)
        taken = time.perf_counter() - begun
        if len(found) != len(given):
            raise AssertionError("Bytewax lost events")
        return taken

    return (len(events) - warm) / (seconds(events) - seconds(events[:warm]))


def river_rate(events: list[Event], warm: int) -> float | None:
    """Events a second of river's rolling statistics, one set an account."""
    try:
        from river import stats, utils
    except ImportError:
        return None

    def rolling() -> Iterator[Any]:
        # The far end of river's period is open: one microsecond more closes it.
        for size in WINDOWS_US:
            yield utils.TimeRolling(stats.Mean, dt.timedelta(microseconds=size + 1))
        for size in WINDOWS_US[3:]:
            yield utils.TimeRolling(stats.Var, dt.timedelta(microseconds=size + 1), ddof=0)

    accounts: dict[int, list[Any]] = {}
    epoch = dt.datetime(1970, 1, 1)  # noqa: DTZ001 - river compares plain times
    begun = time.perf_counter()
    for number, (account, ts, kind, amount) in enumerate(events):
        if number == warm:
            begun = time.perf_counter()
        windows = accounts.get(account)
        if windows is None:
            windows = accounts[account] = list(rolling())
        if kind <= CASH_ADVANCE:
            moment = epoch + dt.timedelta(microseconds=ts)
            for window in windows:
                window.update(amount, t=moment)
        found = [value for window in windows[:5] for value in (window.obj.n, window.obj.n * window.get())]
        found += [windows[3].get(), windows[4].get(), windows[5].get() ** 0.5, windows[6].get() ** 0.5]
    return (len(events) - warm) / (time.perf_counter() - begun)
