"""One look at a running server from outside: its metrics, readiness, latest alerts and proposals."""

import datetime as dt
import time
from typing import Any

import httpx
from prometheus_client.parser import text_string_to_metric_families

from limitkeeper.core.kernel.errors import LimitkeeperError
from limitkeeper.shells.terminal.figures import Look, Metrics

TIMEOUT = httpx.Timeout(5.0, connect=2.0)

LATEST = 8
"""Alerts and proposals that a look asks for."""

PREFIX = "limitkeeper_"
GAUGES = (
    "accounts", "sequence", "waiting_events", "queue_bound_events", "waiting_seconds", "event_time_lag_seconds",
    "state_bytes", "listeners",
)  # fmt: skip
WORKFLOW_GAUGES = ("notices_waiting", "notices_waiting_seconds", "notices_dead", "campaigns_failing")
"""Those that a server has only with Workflow."""


class ServerAwayError(LimitkeeperError):
    """Nothing answers at the URL, or something that is no Limitkeeper server."""


def metrics_from_text(text: str) -> Metrics:
    """What a server counts, from the text of its ``/metrics``.

    Raises
    ------
    ServerAwayError
        When it is not the text of a Limitkeeper server.

    Examples
    --------
    >>> metrics_from_text("up 1")
    Traceback (most recent call last):
    limitkeeper.shells.terminal.look.ServerAwayError: What answers is no Limitkeeper server: it has no accounts.
    """
    counters: dict[str, dict[str, int]] = {}
    gauges: dict[str, float] = {}
    latency: dict[float, int] = {}
    try:
        for family in text_string_to_metric_families(text):
            name = family.name.removeprefix(PREFIX)
            if family.type == "counter":
                counters[name] = {
                    label: int(sample.value) for sample in family.samples for label in sample.labels.values()
                }
            elif name in (*GAUGES, *WORKFLOW_GAUGES):
                gauges[name] = family.samples[0].value
            elif name == "batch_seconds":
                latency = {
                    float(sample.labels["le"]): int(sample.value)
                    for sample in family.samples
                    if sample.name.endswith("_bucket") and sample.labels["kind"] == "events"
                }
    except (ValueError, KeyError, IndexError) as error:
        raise ServerAwayError("What answers is no Limitkeeper server: its metrics cannot be read.") from error
    if missing := [name for name in GAUGES if name not in gauges]:
        raise ServerAwayError(f"What answers is no Limitkeeper server: it has no {missing[0]}.")
    return Metrics(counters, gauges, latency)


def look(client: httpx.Client) -> Look:
    """What the server says now.

    Raises
    ------
    ServerAwayError
        When it does not answer, or is no Limitkeeper server.
    """
    try:
        readiness = client.get("/readyz")
        text = client.get("/metrics").raise_for_status().text
        seconds = time.monotonic()
        metrics, ready = metrics_from_text(text), readiness.json()
        return Look(
            dt.datetime.now(dt.UTC),
            seconds,
            bool(ready["ready"]),
            float(ready["store_failing_seconds"]),
            metrics,
            _latest(client, "/v1/alerts"),
            _latest(client, "/v1/proposals"),
        )
    except httpx.TransportError as error:
        raise ServerAwayError(
            f"No server answers ({str(error) or type(error).__name__}).",
            value=client.base_url,
            advice="Start it with 'limitkeeper serve', or say where it is with --url.",
        ) from error
    except (httpx.HTTPStatusError, ValueError, LookupError, TypeError) as error:
        raise ServerAwayError(
            "What answers is no Limitkeeper server.", value=client.base_url, advice="Check --url."
        ) from error


def _latest(client: httpx.Client, path: str) -> list[dict[str, Any]] | None:
    """The latest rows, or None where they cannot be had: the metrics are told all the same."""
    try:
        answer = client.get(path, params={"limit": LATEST})
    except httpx.TimeoutException:
        return None
    rows: list[dict[str, Any]] | None = answer.json() if answer.is_success else None
    return rows
