"""A real server over HTTP, as a sender, an operator and a listener meet it."""

import io
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import polars as pl
import pytest
from prometheus_client.parser import text_string_to_metric_families

from limitkeeper.engines.embedded.engine import Engine
from limitkeeper.engines.embedded.settings import QUEUE_EVENTS
from limitkeeper.shells.api.answers import BODY_BYTES_MAX
from limitkeeper.shells.serving import web_server
from tests.live_engines import engine

ARROW = {"content-type": "application/vnd.apache.arrow.stream"}
PARQUET = {"content-type": "application/vnd.apache.parquet"}
EVENT = {
    "event_id": "e",
    "account_id": "a",
    "ts": "2026-06-01T08:00:00Z",
    "kind": "purchase",
    "amount": 25_000,
}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[httpx.Client, Engine]]:
    folder: Path = tmp_path_factory.mktemp("server")
    work = engine(f"sqlite:///{folder}/store.db", folder)
    server = web_server(work, "127.0.0.1", 0)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
        stated = [{"account_id": "a", "limit_cents": 1_000_000}]
        assert client.post("/v1/accounts", json=stated).status_code == 200
        yield client, work
    server.should_exit = True
    thread.join()
    work.stop()


def event(name: str, **changed: object) -> dict:
    return EVENT | {"event_id": name} | changed


def post(client: httpx.Client, body: object, query: str = "") -> dict:
    answer = client.post(f"/v1/events{query}", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_one_event_is_committed_and_told_once(running: tuple) -> None:
    client, _ = running
    first, again = post(client, event("one")), post(client, event("one"))
    assert (first["accepted"], first["duplicate"]) == (1, 0)
    assert (again["accepted"], again["duplicate"]) == (0, 1)
    assert again["sequence"] == first["sequence"] + 1


def test_bad_rows_are_refused_with_their_place_and_the_good_ones_taken(running: tuple) -> None:
    client, _ = running
    rows = [event("good"), event("bad", amount=-1), event("odd", kind="x"), event("late", ts="2001-01-01")]
    found = post(client, rows)
    assert [(row["row"], row["reason"]) for row in found["rejects"]] == [
        (1, "amount_negative"), (2, "kind_unknown"), (3, "too_late"),
    ]  # fmt: skip
    assert found["read"] == found["accepted"] + found["rejected"] + found["duplicate"] == 4


def test_event_file_is_taken_as_it_is(running: tuple) -> None:
    client, _ = running
    body = io.BytesIO()
    rows = [event(f"parquet-{k}") | {"note": "a column more"} for k in range(3)]
    pl.DataFrame(rows).write_parquet(body)
    assert client.post("/v1/events", content=body.getvalue(), headers=PARQUET).json()["accepted"] == 3


def test_lines_and_arrow_are_read_as_json_is(running: tuple) -> None:
    client, _ = running
    lines = "\n".join(json.dumps(event(f"line-{k}")) for k in range(3))
    answer = client.post("/v1/events", content=lines, headers={"content-type": "application/x-ndjson"})
    assert answer.json()["accepted"] == 3
    body = io.BytesIO()
    pl.DataFrame([event(f"arrow-{k}") for k in range(3)]).write_ipc_stream(body)
    assert client.post("/v1/events", content=body.getvalue(), headers=ARROW).json()["accepted"] == 3


def test_assessment_is_answered_where_it_is_asked_for(running: tuple) -> None:
    client, _ = running
    found = post(client, [event("assessed", kind="login", amount=None)], "?assess=true")
    (row,) = found["assessments"]
    assert (row["status"], row["assessment"]["action"]) == ("accepted", "none")


def test_hypothetical_event_is_decided_and_changes_nothing(running: tuple) -> None:
    client, work = running
    client.post("/v1/accounts", json=[{"account_id": "quiet", "limit_cents": 500_000}])
    before = client.get("/v1/accounts/quiet").json(), work.sequence, client.get("/v1/alerts").json()
    answer = client.post("/v1/assess", json=event("maybe", account_id="quiet", kind="flag", amount=None))
    assert answer.json()["assessment"]["action"] == "freeze"
    assert answer.json()["trace"]["action"]["rule"] == "violation_flagged"
    after = client.get("/v1/accounts/quiet").json(), work.sequence, client.get("/v1/alerts").json()
    assert before[0]["standing"] == after[0]["standing"]
    assert before[1:] == after[1:]


def test_violation_freezes_raises_an_alert_and_waits_for_a_person(running: tuple) -> None:
    client, _ = running
    client.post("/v1/accounts", json=[{"account_id": "bad", "limit_cents": 500_000}])
    post(client, event("flagged", account_id="bad", kind="flag", amount=None))
    (alert,) = client.get("/v1/alerts", params={"account_id": "bad"}).json()
    whole = client.get(f"/v1/alerts/{alert['alert_id']}").json()
    assert whole["trace"]["reasons"][0]["code"] == "terms_breach"
    assert client.post(f"/v1/alerts/{alert['alert_id']}/acknowledge").json()["status"] == "acknowledged"
    (proposal,) = client.get("/v1/proposals", params={"account_id": "bad"}).json()
    assert (proposal["action"], proposal["status"]) == ("freeze", "open")
    assert client.get("/v1/accounts/bad").json()["standing"]["is_frozen"]
    assert client.post("/v1/accounts/bad/freeze/confirm").status_code == 200
    assert client.post("/v1/accounts/bad/freeze/confirm").status_code == 422
    assert client.post("/v1/accounts/bad/freeze/lift").status_code == 200
    assert client.get(f"/v1/proposals/{proposal['proposal_id']}").json()["status"] == "lifted"


def test_listener_hears_of_an_alert_and_is_told_what_it_missed(running: tuple) -> None:
    client, work = running
    since, heard = work.sequence, []
    with client.stream("GET", "/v1/stream") as stream:
        lines = stream.iter_lines()
        assert next(lines) == ": limitkeeper"
        post(client, event("heard", account_id="heard", kind="flag", amount=None))
        for line in lines:
            heard.append(line)
            if line.startswith("data:") and "proposal" in heard[-2]:
                break
    assert "event: alert.opened" in heard
    with client.stream("GET", "/v1/stream", headers={"Last-Event-ID": str(since)}) as stream:
        for line in stream.iter_lines():
            if line == "event: alert.now":
                break


@pytest.mark.parametrize(
    ("path", "body", "kind", "status"),
    [
        ("/v1/events", b"{", "application/json", 422),
        ("/v1/events", b"[]", "application/json", 422),
        ("/v1/events", b"x", "text/plain", 422),
        ("/v1/events", b"x", ARROW["content-type"], 422),
        ("/v1/events", b"PAR1", PARQUET["content-type"], 422),
        ("/v1/events?assess=perhaps", b"{}", "application/json", 422),
        ("/v1/assess", b"{}", "application/json", 422),
        ("/v1/accounts", b"{}", "application/json", 422),
        ("/v1/accounts", b'[{"account_id": "n", "limit_cents": -5}]', "application/json", 422),
        (
            "/v1/accounts",
            b'[{"account_id": "p"}, {"account_id": "q", "limit_cents": 0.5}]',
            "application/json",
            422,
        ),
        ("/v1/accounts", b'[{"account_id": "n"}, {"account_id": "n"}]', "application/json", 422),
        ("/v1/accounts", b'[{"account_id": "n", "product": "gold"}]', "application/json", 422),
        ("/v1/accounts/nobody/freeze/lift", b"", "application/json", 404),
        ("/v1/alerts/nothing/acknowledge", b"", "application/json", 404),
    ],
)
def test_request_that_does_not_hold_is_refused_and_changes_nothing(
    running: tuple, path: str, body: bytes, kind: str, status: int
) -> None:
    client, work = running
    before = work.sequence, len(work.state)
    answer = client.post(path, content=body, headers={"content-type": kind})
    assert answer.status_code == status
    assert answer.json()["detail"]
    assert (work.sequence, len(work.state)) == before


def test_unknown_account_is_told_as_such(running: tuple) -> None:
    client, _ = running
    answer = client.get("/v1/accounts/nobody")
    assert (answer.status_code, answer.json()["value"]) == (404, "nobody")


def test_body_beyond_the_bound_is_refused(running: tuple) -> None:
    client, _ = running
    assert client.post("/v1/events", content=b" " * (BODY_BYTES_MAX + 1)).status_code == 413


def test_full_queue_says_when_to_come_again(running: tuple, monkeypatch: pytest.MonkeyPatch) -> None:
    client, work = running
    monkeypatch.setattr(work.queue, "waiting_events", QUEUE_EVENTS)
    answer = client.post("/v1/events", json=event("busy"))
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")


def test_metrics_reconcile_with_what_was_sent(running: tuple) -> None:
    client, _ = running

    def events() -> dict[str, float]:
        families = text_string_to_metric_families(client.get("/metrics").text)
        family = next(each for each in families if each.name == "limitkeeper_events")
        return {sample.labels["outcome"]: sample.value for sample in family.samples}

    before = events()
    post(client, [event("m1"), event("m1"), event("m2", amount=0.5)])
    after = events()
    changed = {name: after[name] - before.get(name, 0) for name in after}
    assert changed == {"accepted": 1, "duplicate": 1, "rejected": 1}


def test_server_is_alive_and_ready_and_describes_itself(running: tuple) -> None:
    client, _ = running
    assert client.get("/healthz").json() == {"alive": True}
    assert client.get("/readyz").json()["ready"]
    schema = client.get("/openapi.json").json()
    assert schema["paths"]["/v1/events"]["post"]["requestBody"]["required"]


def test_accounts_are_stated_with_their_links_and_known_ones_stay(running: tuple) -> None:
    client, work = running
    client.post("/v1/accounts", json=[{"account_id": "kept", "limit_cents": 100_000}])
    client.post("/v1/accounts", json=[{"account_id": "kept", "limit_cents": 900_000}])
    assert client.get("/v1/accounts/kept").json()["features"]["limit_cents"] == 100_000
    assert work.state.number("kept") is not None


def test_fuzzed_requests_never_meet_a_server_error(running: tuple, tmp_path: Path) -> None:
    client, work = running
    command = [
        Path(sys.executable).with_name("schemathesis"), "run", str(client.base_url.join("/openapi.json")),
        "--max-examples", "40", "--checks", "not_a_server_error", "--phases", "fuzzing,examples",
        "--exclude-path", "/v1/stream", "--seed", "7",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stdout[-3_000:]
    assert work.failure is None
    assert client.get("/readyz").json()["ready"]
