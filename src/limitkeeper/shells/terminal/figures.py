"""What two looks at a server say together: rates and latencies of the time between them. No input or output."""

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MINUTE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Metrics:
    """What a server counts.

    Parameters
    ----------
    counters
        Counts by label, of each counter (``events``: accepted, rejected, duplicate).
    gauges
        Values by name.
    latency
        Micro-batches of events that took at most so many seconds, by that bound (infinity: all); empty before
        the first.
    """

    counters: Mapping[str, Mapping[str, int]]
    gauges: Mapping[str, float]
    latency: Mapping[float, int]


@dataclass(frozen=True, slots=True)
class Look:
    """What a server said at one time.

    Parameters
    ----------
    at
        By this machine's clock.
    seconds
        By a clock that never goes back, for the time between two looks.
    ready
        Whether it takes events.
    store_failing_seconds
        For how long its store has not answered; 0 where it does.
    metrics
        What it counts.
    alerts, proposals
        The latest, newest first; None where the store behind them does not answer.
    """

    at: dt.datetime
    seconds: float
    ready: bool
    store_failing_seconds: float
    metrics: Metrics
    alerts: list[dict[str, Any]] | None
    proposals: list[dict[str, Any]] | None


def quantile_seconds(buckets: Mapping[float, int], share: float) -> float | None:
    """The time within which a share of the micro-batches was done, linear within a bucket.

    Parameters
    ----------
    buckets
        How many took at most so many seconds, by that bound; the last bound is infinity.
    share
        Above 0, up to 1.

    Returns
    -------
    float or None
        Seconds; the largest finite bound where it lies beyond it; None where there were none.

    Source
    ------
    Prometheus, ``histogram_quantile``.

    Examples
    --------
    >>> quantile_seconds({1.0: 8, 2.0: 10, math.inf: 10}, 0.9)
    1.5
    """
    rank = share * buckets.get(math.inf, 0)
    if not rank:
        return None
    below, floor = 0, 0.0
    for bound, count in sorted(buckets.items()):
        if bound == math.inf:
            break
        if count >= rank:
            return min(bound, floor + (bound - floor) * (rank - below) / (count - below))
        below, floor = count, bound
    return floor


def buckets_between(before: Mapping[float, int], after: Mapping[float, int]) -> Mapping[float, int]:
    """What came into a histogram between two looks; all of it where the server was started in between.

    Examples
    --------
    >>> buckets_between({0.1: 5, math.inf: 6}, {0.1: 7, math.inf: 9})
    {0.1: 2, inf: 3}
    >>> buckets_between({0.1: 5, math.inf: 6}, {0.1: 1, math.inf: 1})
    {0.1: 1, inf: 1}
    """
    if any(count < before.get(bound, 0) for bound, count in after.items()):
        return after
    return {bound: count - before.get(bound, 0) for bound, count in after.items()}


def rate(before: int, after: int, seconds: float) -> float | None:
    """How much a counter grew in a second; None where it fell, as behind another store, or no time passed.

    Examples
    --------
    >>> rate(100, 150, 2.0), rate(100, 10, 2.0)
    (25.0, None)
    """
    return (after - before) / seconds if after >= before and seconds > 0 else None


def figures(before: Look | None, now: Look) -> dict[str, Any]:
    """What a look says, with the rates and latencies since the look before.

    Parameters
    ----------
    before
        The look before; None where there is none, or the server was away in between: then what needs two looks
        is None.
    now
        This look.

    Returns
    -------
    dict
        Plain values, as ``limitkeeper top --json`` prints them.
    """
    gauges, latency = now.metrics.gauges, now.metrics.latency
    seconds = now.seconds - before.seconds if before else None

    def counted(name: str, unit: str, unit_seconds: float) -> dict[str, dict[str, float | None]]:
        old = before.metrics.counters.get(name, {}) if before else {}
        found: dict[str, dict[str, float | None]] = {}
        for label, total in now.metrics.counters.get(name, {}).items():
            grown = None if seconds is None else rate(old.get(label, 0), total, seconds / unit_seconds)
            found[label] = {"total": total, unit: grown}
        return found

    none_yet = {"total": 0, "per_second": None if seconds is None else 0.0}
    events = {
        outcome: counted("events", "per_second", 1.0).get(outcome, none_yet)
        for outcome in ("accepted", "rejected", "duplicate")
    }
    return {
        "at": now.at.isoformat(timespec="milliseconds"),
        "answers": True,
        "ready": now.ready,
        "store_failing_seconds": now.store_failing_seconds,
        "interval_seconds": None if seconds is None else round(seconds, 3),
        "events": events,
        "latency": {
            "interval": latency_figures(buckets_between(before.metrics.latency, latency)) if before else None,
            "since_start": latency_figures(latency),
        },
        "queue": {
            "waiting_events": int(gauges["waiting_events"]),
            "bound_events": int(gauges["queue_bound_events"]),
            "waiting_seconds": gauges["waiting_seconds"],
        },
        "event_time_lag_seconds": gauges["event_time_lag_seconds"],
        "notices": {
            "waiting": int(gauges["notices_waiting"]),
            "waiting_seconds": gauges["notices_waiting_seconds"],
            "dead": int(gauges["notices_dead"]),
        }
        if "notices_dead" in gauges
        else None,
        "campaigns_failing": int(gauges.get("campaigns_failing", 0)),
        **{name: int(gauges[name]) for name in ("accounts", "sequence", "state_bytes", "listeners")},
        **{
            name: counted(name, "per_minute", MINUTE_SECONDS)
            for name in ("alerts", "proposals", "decisions", "rejects")
        },
        "latest_alerts": now.alerts,
        "latest_proposals": now.proposals,
    }


def latency_figures(buckets: Mapping[float, int]) -> dict[str, float | None]:
    """How many micro-batches there were, and the time within which half and 99 in 100 of them were done.

    A time at the largest bound stands for that or longer.

    Examples
    --------
    >>> latency_figures({0.5: 10, math.inf: 10})
    {'micro_batches': 10, 'p50_seconds': 0.25, 'p99_seconds': 0.495, 'largest_bound_seconds': 0.5}
    """
    return {
        "micro_batches": buckets.get(math.inf, 0),
        "p50_seconds": quantile_seconds(buckets, 0.5),
        "p99_seconds": quantile_seconds(buckets, 0.99),
        "largest_bound_seconds": max((bound for bound in buckets if bound < math.inf), default=None),
    }
