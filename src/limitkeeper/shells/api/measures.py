"""The server seen from outside: Prometheus metrics, health, readiness."""

import time
from collections.abc import Iterable

from fastapi import APIRouter, Depends
from fastapi.responses import Response
from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric

from limitkeeper.core.behaviour.events import LONG_AGO_US
from limitkeeper.engines.embedded.engine import Engine
from limitkeeper.engines.embedded.requests import Worked
from limitkeeper.engines.embedded.settings import QUEUE_EVENTS
from limitkeeper.shells.api.access import May
from limitkeeper.shells.api.answers import answer
from limitkeeper.shells.api.documents import HEALTHY, METRICS, READY

LATENCY_BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)

STORE_PATIENCE_SECONDS = 5.0
"""A store that fails for longer makes the server unready."""

COUNTERS = {
    "events": ("outcome", "Events by outcome: read = accepted + rejected + duplicate."),
    "rejects": ("reason", "Rows refused, by reason."),
    "alerts": ("trigger", "Alerts opened, by trigger."),
    "proposals": ("action", "Proposals made, by action."),
    "portfolio_alerts": ("trigger", "Days on which a trigger's alerts were far from usual."),
    "decisions": ("action", "Looks at an account, by what came of them."),
}


def event_time_lag_seconds(engine: Engine) -> float:
    """How far the newest event's time is behind the clock, 0 before the first."""
    watermark_us = engine.state.watermark_us
    return max(engine.as_of_us() - watermark_us, 0) / 1e6 if watermark_us != LONG_AGO_US else 0.0


def alerts_quiet_us(engine: Engine) -> int:
    """Since when the quiet days of alerts are: a hit now adds to an alert that was seen since then."""
    return engine.as_of_us() - engine.policy.terms.watch.fold.quiet_us


class EngineCollector:
    """The engine's counters and gauges as Prometheus reads them; counters go on over a restart."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def collect(self) -> Iterable[Metric]:
        """Every metric as of now."""
        engine = self.engine
        for name, (label, text) in COUNTERS.items():
            family = CounterMetricFamily(f"limitkeeper_{name}", text, labels=[label])
            for (counter, of), count in sorted(engine.counts.copy().items()):
                if counter == name:
                    family.add_metric([of], count)
            yield family
        lag = event_time_lag_seconds(engine)
        gauges = {
            "accounts": ("Accounts known.", len(engine.state)),
            "sequence": ("Micro-batches committed.", engine.sequence),
            "waiting_events": ("Events that wait in the queue.", engine.queue.waiting_events),
            "queue_bound_events": ("Events that may wait.", QUEUE_EVENTS),
            "waiting_seconds": ("How long the oldest request has waited.", engine.queue.waiting_seconds),
            "event_time_lag_seconds": ("How far the newest event's time is behind the clock.", lag),
            "state_bytes": ("Bytes of the accounts' state.", engine.state_bytes()),
            "listeners": ("Listeners of the stream.", len(engine.listeners)),
        }
        for name, (text, value) in gauges.items():
            yield GaugeMetricFamily(f"limitkeeper_{name}", text, value=float(value))
        for name, (text, gauge) in engine.gauges.items():
            yield GaugeMetricFamily(f"limitkeeper_{name}", text, value=gauge())


def measures_router(engine: Engine) -> APIRouter:
    """The routes of metrics and health."""
    router = APIRouter(tags=["operation"])
    registry = CollectorRegistry()
    latency = Histogram(
        "limitkeeper_batch_seconds",
        "From the start of work on a micro-batch to its commit.",
        ["kind"],
        buckets=LATENCY_BUCKETS,
        registry=registry,
    )
    registry.register(EngineCollector(engine))

    def observe(worked: Worked) -> None:
        latency.labels(worked.kind).observe((worked.written_ns - worked.started_ns) / 1e9)

    engine.watchers.append(observe)

    @router.get(
        "/metrics", response_class=Response, responses=METRICS, dependencies=[Depends(May("metrics.read"))]
    )
    async def metrics() -> Response:
        """Metrics for Prometheus."""
        return Response(generate_latest(registry), media_type="text/plain; version=0.0.4; charset=utf-8")

    @router.get("/healthz", responses=HEALTHY)
    async def healthy() -> Response:
        """Whether the process is alive and its engine has not failed."""
        alive = engine.failure is None
        return answer({"alive": alive}, 200 if alive else 503)

    @router.get("/readyz", responses=READY)
    async def ready() -> Response:
        """Whether events are taken: the engine runs and its store answers."""
        since = engine.store_failing_since
        failing = 0.0 if since is None else time.monotonic() - since
        takes = not engine.stopping and failing < STORE_PATIENCE_SECONDS
        document = {"ready": takes, "store_failing_seconds": round(failing, 1), "sequence": engine.sequence}
        return answer(document, 200 if takes else 503)

    return router
