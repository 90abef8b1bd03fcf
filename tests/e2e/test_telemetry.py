"""Traces at a real OTLP endpoint on loopback."""

import sys
import time
from pathlib import Path

import httpx
import polars as pl
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from limitkeeper.core.kernel.errors import InputError
from limitkeeper.engines.embedded.requests import Request
from limitkeeper.shells.serving import Ways, open_ways
from limitkeeper.shells.telemetry import add_traces
from tests.crash.killed_server import KilledServer
from tests.live_engines import NOW_US, engine, life, sent
from tests.receiver import Receiver

TRACE = "0af7651916cd43dd8448eb211c80319c"
EVENT = {"event_id": "e", "account_id": "a", "ts": "2026-06-01T08:00:00Z", "kind": "login"}


def spans(receiver: Receiver) -> list:
    found = []
    for _, body in receiver.taken:
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            assert ("service.name", "limitkeeper") in [
                (each.key, each.value.string_value) for each in resource.resource.attributes
            ]
            found += [span for scope in resource.scope_spans for span in scope.spans]
    return found


def test_micro_batch_is_a_span_with_its_parts_linked_to_the_callers_trace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    accounts, folder = tmp_path / "accounts.parquet", tmp_path / "data"
    life().accounts.write_parquet(accounts)
    folder.mkdir()
    with Receiver() as receiver:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url.removesuffix("/hook"))
        server = KilledServer(f"sqlite:///{folder}/store.db", folder, accounts)
        server.start()
        server.await_ready()
        headers = {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}
        assert httpx.post(f"{server.url}/v1/events", json=EVENT, headers=headers).status_code == 200
        assert server.stop() == 0
        receiver.shutdown()
    by_name = {span.name: span for span in spans(receiver)}
    batch = by_name["micro-batch events"]
    assert {each.key: each.value.int_value for each in batch.attributes}["limitkeeper.events"] == 1
    assert [link.trace_id.hex() for link in batch.links] == [TRACE]
    for part in ("assess", "commit"):
        assert by_name[part].trace_id == batch.trace_id
        assert batch.start_time_unix_nano <= by_name[part].start_time_unix_nano
        assert by_name[part].end_time_unix_nano <= batch.end_time_unix_nano


def test_nothing_is_traced_where_nothing_is_configured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT", raising=False)
    running = engine(f"sqlite:///{tmp_path}/store.db", tmp_path)
    with open_ways(running, Ways()):
        sent(running, life().events[:10])
        assert running.watchers == []
    running.stop()


def test_broken_trace_context_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Receiver() as receiver:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url.removesuffix("/hook"))
        running = engine(f"sqlite:///{tmp_path}/store.db", tmp_path)
        end = add_traces(running)
        for trace in ("", "nonsense", "00-" + "0" * 32 + "-" + "0" * 16 + "-01"):
            request = Request("tick", pl.DataFrame({"as_of_us": [NOW_US]}), trace=trace)
            running.submit(request).result()
        time.sleep(0.1)
        end()
        running.stop()
        receiver.shutdown()
    assert [len(span.links) for span in spans(receiver) if span.name == "micro-batch tick"] == [0, 0, 0]


def test_configured_traces_without_their_packages_are_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    running = engine(f"sqlite:///{tmp_path}/store.db", tmp_path)
    with pytest.raises(InputError, match="not installed"):
        add_traces(running)
    running.stop()
