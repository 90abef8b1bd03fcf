"""OpenTelemetry traces of micro-batches, where they are configured by the standard environment variables."""

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from limitkeeper import __version__
from limitkeeper.core.kernel.errors import InputError
from limitkeeper.engines.embedded.engine import Engine
from limitkeeper.engines.embedded.requests import Worked

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter

ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")

LINKS_MAX = 128
"""Requests of a micro-batch that its span links to at most."""


def add_traces(engine: Engine) -> Callable[[], None]:
    """Have each micro-batch told as a span with its two parts, linked to the requests in it; gives what ends it.

    Nothing is done where no endpoint is configured.

    Raises
    ------
    InputError
        When the packages are not installed.
    """
    if not any(os.environ.get(name) for name in ENDPOINTS):
        return lambda: None
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    except ImportError as error:
        raise InputError(
            "OpenTelemetry is configured, but its packages are not installed.",
            value=", ".join(name for name in ENDPOINTS if os.environ.get(name)),
            advice="pip install 'limitkeeper[telemetry]'",
        ) from error
    return traced(engine, OTLPSpanExporter())


def traced(engine: Engine, exporter: "SpanExporter") -> Callable[[], None]:
    """Have an engine's micro-batches exported as spans; gives what ends it."""
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.trace import Link, get_current_span, set_span_in_context
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    resource = Resource.create({"service.name": "limitkeeper", "service.version": __version__})
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    tracer, propagator = provider.get_tracer("limitkeeper", __version__), TraceContextTextMapPropagator()

    def tell(worked: Worked) -> None:
        callers = [propagator.extract({"traceparent": trace}) for trace in worked.traces[:LINKS_MAX]]
        contexts = [get_current_span(caller).get_span_context() for caller in callers]
        links = [Link(context) for context in contexts if context.is_valid]
        counts = {"requests": worked.requests, "events": worked.events, "sequence": worked.sequence}
        attributes = {f"limitkeeper.{name}": value for name, value in counts.items()}
        batch = tracer.start_span(
            f"micro-batch {worked.kind}", start_time=worked.started_ns, links=links, attributes=attributes
        )
        inside = set_span_in_context(batch)
        parts = (
            ("assess", worked.started_ns, worked.applied_ns),
            ("commit", worked.applied_ns, worked.written_ns),
        )
        for name, start_ns, end_ns in parts:
            tracer.start_span(name, inside, start_time=start_ns).end(end_ns)
        batch.end(worked.written_ns)

    engine.watchers.append(tell)
    return provider.shutdown
