"""What the OpenAPI page says, held against a real server; and the page for people in a real browser."""

import json
import shlex
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count, pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from jsonschema import Draft202012Validator

from limitkeeper.app.outbox import deliver_due
from limitkeeper.engines.embedded.engine import Engine
from limitkeeper.engines.embedded.findings import TOLD_TOPICS
from limitkeeper.engines.embedded.requests import Request
from limitkeeper.engines.embedded.settings import Settings
from limitkeeper.engines.embedded.start import Place, running_engine
from limitkeeper.shells.api import examples
from limitkeeper.shells.api.pages.page import examples_of, routes
from limitkeeper.shells.api.stream import LISTENERS_MAX
from limitkeeper.shells.serving import web_server
from limitkeeper.store.tables import portfolio_alerts
from tests.live_engines import NOW_US, life, sent
from tests.workflow_server import closed

DIFFERENT = {
    "sequence",
    "decision_id",
    "proposal_id",
    "strategy",
    "parameters",
    "regulation",
    "program",
    "due_at",
}
"""Fields whose values change with strategy, rules or program: an example has one of them, not the one."""


class Served:
    """A server that runs, what it says of itself, and who asks it."""

    def __init__(self, folder: Path) -> None:
        settings = Settings(folder, 0.0, outbox_topics=TOLD_TOPICS)
        self.engine = running_engine(Place(f"sqlite:///{folder}/store.db", settings), lambda: NOW_US)
        self.server = web_server(self.engine, "127.0.0.1", 0)
        self.thread = threading.Thread(target=self.server.run)
        self.thread.start()
        while not self.server.started:
            time.sleep(0.01)
        self.port = self.server.servers[0].sockets[0].getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}"
        self.client = httpx.Client(base_url=self.address, timeout=30)
        self.document = self.client.get("/openapi.json").json()

    def close(self) -> None:
        self.client.close()
        self.server.should_exit = True
        self.thread.join()
        self.engine.stop()

    def operation(self, method: str, path: str) -> dict[str, Any]:
        return self.document["paths"][path][method]

    def faults(self, method: str, path: str, status: int, answer: object) -> list[str]:
        """Where an answer departs from what is said of it: also by a field that is not told of."""
        (content,) = self.operation(method, path)["responses"][str(status)]["content"].values()
        return self.faults_of(content["schema"], answer)

    def faults_of(self, schema: dict[str, Any], answer: object) -> list[str]:
        rules = Draft202012Validator(closed({**schema, "components": self.document["components"]}))
        return [f"{error.json_path}: {error.message}" for error in rules.iter_errors(answer)]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    found = Served(tmp_path_factory.mktemp("served"))
    yield found
    found.close()


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server that has seen simulated lives."""
    found = Served(tmp_path_factory.mktemp("busy"))
    lives = life(60, 150, 3)
    found.engine.submit(Request("accounts", lives.accounts)).result()
    sent(found.engine, lives.events)
    yield found
    found.close()


def is_within(example: Any, real: Any) -> bool:
    """Whether an example says nothing but what a real answer says, which may be longer."""
    if isinstance(example, dict) and isinstance(real, dict):
        return all(
            name in real and (name in DIFFERENT or is_within(each, real[name]))
            for name, each in example.items()
        )
    if isinstance(example, list) and isinstance(real, list):
        return (example != []) <= (real != []) and all(
            any(is_within(each, other) for other in real) for each in example
        )
    if isinstance(example, str) and isinstance(real, str) and "\n" in example:
        return set(example.splitlines()) <= set(real.splitlines())
    return bool(example == real)


def give_up(engine: Engine) -> None:
    """Let time pass until what waits in the outbox was given up, as nobody takes it."""
    days = count()
    while sum(deliver_due(engine.store, {}.get, lambda: NOW_US + next(days) * 86_400_000_000)):
        pass


def go_wild(engine: Engine) -> None:
    """Keep a day on which a trigger's alerts were far from usual, as an engine keeps one."""
    with engine.store.database.begin() as connection:
        connection.execute(portfolio_alerts.insert(), examples.PORTFOLIO_ALERT)


STEPS: tuple[tuple[str, str, str], ...] = (
    ("post", "/v1/accounts", ""),
    ("post", "/v1/events", "one"),
    ("post", "/v1/assess", ""),
    ("post", "/v1/events", "many"),
    ("get", "/metrics", ""),
    ("get", "/v1/alerts", ""),
    ("get", "/v1/alerts/{alert_id}", ""),
    ("post", "/v1/alerts/{alert_id}/acknowledge", ""),
    ("get", "/v1/portfolio/alerts", ""),
    ("get", "/v1/proposals", ""),
    ("get", "/v1/proposals/{proposal_id}", ""),
    ("get", "/v1/accounts/{account_id}", ""),
    ("get", "/v1/outbox", ""),
    ("post", "/v1/outbox/{message_id}/retry", ""),
    ("post", "/v1/accounts/{account_id}/freeze/confirm", ""),
    ("post", "/v1/accounts/{account_id}/freeze/lift", ""),
    ("get", "/healthz", ""),
    ("get", "/readyz", ""),
)
"""Every route, in an order in which each has something to tell; the stream is tried on its own."""


def test_every_example_is_what_the_server_answers(served: Served) -> None:
    assert {(m, p) for p, each in served.document["paths"].items() for m in each} - {
        ("get", "/v1/stream")
    } == {(method, path) for method, path, _ in STEPS}
    for method, path, case in STEPS:
        operation = served.operation(method, path)
        if path == "/v1/outbox":
            give_up(served.engine)
        if path == "/v1/portfolio/alerts":
            go_wild(served.engine)
        names = {"account_id": "a-7", "alert_id": examples.ALERT["alert_id"], "message_id": 1}
        if "{proposal_id}" in path:
            names["proposal_id"] = served.client.get("/v1/proposals").json()[0]["proposal_id"]
        body = operation.get("requestBody", {}).get("content", {}).get("application/json")
        (shown,) = operation["responses"]["200"]["content"].values()
        pick = "Several, with ?assess=true" if case == "many" else None
        given = {"json": picked(body, pick)} if body else {}
        query = {"assess": True} if case == "many" else None
        answer = served.client.request(method, path.format(**names), params=query, **given)
        assert answer.status_code == 200, (path, answer.text)
        is_json = answer.headers["content-type"] == "application/json"
        real = answer.json() if is_json else answer.text
        assert served.faults_of(shown["schema"], real) == [], path
        assert is_within(picked(shown, pick), real), (path, real)


def picked(content: dict[str, Any], title: str | None) -> Any:
    """The example with a title, or the first."""
    found = dict(examples_of(content))
    return found[title or next(iter(found))]


def test_stream_tells_what_is_said_of_it(busy: Served) -> None:
    schema = busy.operation("get", "/v1/stream")["responses"]["200"]["content"]["text/event-stream"]["schema"]
    data: dict[str, list[Any]] = {}
    with ExitStack() as stack:
        live = stack.enter_context(busy.client.stream("GET", "/v1/stream", headers={"Last-Event-ID": "0"}))
        lines = live.iter_lines()
        for k, kind in enumerate(["flag", "login"]):
            event = examples.FLAG | {"event_id": f"e-{k}", "kind": kind}
            assert httpx.post(f"{busy.address}/v1/events", json=event).status_code == 200
        topic = ""
        for line in lines:
            topic = line.removeprefix("event: ") if line.startswith("event: ") else topic
            if line.startswith("data: "):
                data.setdefault(topic, []).append(json.loads(line.removeprefix("data: ")))
            if topic == "proposal.made" and line == "":
                break
    assert data.keys() >= {"alert.now", "proposal.now", "alert.opened", "proposal.made"}
    for topic, messages in data.items():
        for message in messages:
            assert busy.faults_of(schema["contentSchema"], message) == [], topic
    assert is_within(examples_data(examples.STREAM), data["alert.opened"][-1])


def examples_data(text: str) -> Any:
    """The data of an event as text."""
    return json.loads(text.split("data: ")[1])


def test_answers_on_simulated_lives_have_the_fields_that_are_told(busy: Served) -> None:
    alerts = busy.client.get("/v1/alerts", params={"limit": 1000}).json()
    proposals = busy.client.get("/v1/proposals", params={"limit": 1000}).json()
    assert min(len(alerts), len(proposals)) > 10
    assert busy.faults("get", "/v1/alerts", 200, alerts) == []
    assert busy.faults("get", "/v1/proposals", 200, proposals) == []
    asked = [("/v1/alerts/{}", "{alert_id}", each["alert_id"]) for each in alerts[:8]]
    asked += [("/v1/proposals/{}", "{proposal_id}", each["proposal_id"]) for each in proposals[:8]]
    asked += [("/v1/accounts/{}", "{account_id}", f"sim-{k}") for k in range(1, 41)]
    for path, name, value in asked:
        answer = busy.client.get(path.format(value))
        assert answer.status_code == 200
        assert busy.faults("get", path.format(name), 200, answer.json()) == [], value


@pytest.mark.parametrize(
    ("method", "path", "name", "status"),
    [
        ("get", "/v1/alerts?trigger=suspected_violaton", "/v1/alerts", 422),
        ("get", "/v1/alerts?limit=0", "/v1/alerts", 422),
        ("get", "/v1/proposals?status=closed", "/v1/proposals", 422),
        ("get", "/v1/outbox?status=deadly", "/v1/outbox", 422),
        ("get", "/v1/alerts/none", "/v1/alerts/{alert_id}", 404),
        ("get", "/v1/accounts/none", "/v1/accounts/{account_id}", 404),
        ("post", "/v1/outbox/x/retry", "/v1/outbox/{message_id}/retry", 422),
        ("post", "/v1/events", "/v1/events", 422),
    ],
)
def test_errors_are_told_as_the_document_says(
    busy: Served, method: str, path: str, name: str, status: int
) -> None:
    answer = busy.client.request(method, path)
    assert answer.status_code == status
    assert busy.faults(method, name, status, answer.json()) == []


def test_misspelt_filter_is_told_what_was_meant(busy: Served) -> None:
    answer = busy.client.get("/v1/alerts", params={"trigger": "suspected_violaton"}).json()
    assert answer["advice"] == "Did you mean 'suspected_violation'?"
    assert "abnormal_consumption" in answer["allowed"]


def test_path_and_method_that_are_not_served_are_told_as_errors(busy: Served) -> None:
    nowhere, wrong = busy.client.get("/v1/nowhere"), busy.client.delete("/v1/alerts")
    assert (nowhere.status_code, nowhere.json()["value"]) == (404, "GET /v1/nowhere")
    assert (wrong.status_code, wrong.json()["allowed"], wrong.headers["allow"]) == (405, "GET", "GET")


def test_store_that_is_away_is_told_as_unavailable(busy: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(busy.engine.store, "database", sa.create_engine("sqlite:////nowhere/at/all.db"))
    answer = busy.client.get("/v1/alerts")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert busy.faults("get", "/v1/alerts", 503, answer.json()) == []


def listener(port: int) -> tuple[socket.socket, str]:
    """A connection that listens to the stream, and the first line that it heard."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=30)
    connection.sendall(b"GET /v1/stream HTTP/1.1\r\nHost: here\r\n\r\n")
    return connection, connection.recv(4096).decode()


def test_listener_beyond_the_bound_waits_until_one_leaves(busy: Served) -> None:
    with ExitStack() as stack:
        listeners = [listener(busy.port) for _ in range(LISTENERS_MAX)]
        for connection, _ in listeners:
            stack.enter_context(connection)
        assert {heard.split("\r\n")[0] for _, heard in listeners} == {"HTTP/1.1 200 OK"}
        with busy.client.stream("GET", "/v1/stream") as answer:  # one that is let in would never end
            assert (answer.status_code, answer.headers.get("retry-after")) == (429, "1")
            answer.read()
        assert busy.faults("get", "/v1/stream", 429, answer.json()) == []
        listeners[0][0].close()
        wait_for(lambda: len(busy.engine.listeners) < LISTENERS_MAX)
        with busy.client.stream("GET", "/v1/stream") as heard:
            assert next(heard.iter_lines()) == ": limitkeeper"
    wait_for(lambda: not busy.engine.listeners)


def wait_for(holds: Callable[[], bool]) -> None:
    """Wait until something holds; fail after a while."""
    end = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_fuzzed_questions_are_answered_as_the_document_says(busy: Served, tmp_path: Path) -> None:
    checks = (
        "not_a_server_error", "response_schema_conformance", "status_code_conformance",
        "content_type_conformance", "response_headers_conformance",
    )  # fmt: skip
    command = [
        Path(sys.executable).with_name("schemathesis"), "run", f"{busy.address}/openapi.json",
        "--max-examples", "25", "--checks", ",".join(checks), "--phases", "fuzzing,examples",
        "--include-method", "GET", "--exclude-path", "/v1/stream", "--seed", "7",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stdout[-3_000:]


def test_lines_to_copy_can_be_run(busy: Served) -> None:
    curl = shutil.which("curl")
    if curl is None:
        pytest.skip("this machine has no curl")
    for route in routes(busy.document, busy.address):
        if route["path"] != "/v1/stream":
            words = [*shlex.split(route["curl"].replace("\\\n", " ")), "-s", "-w", "\n%{http_code}"]
            done = subprocess.run([curl, *words[1:]], capture_output=True, text=True, check=True)
            status = done.stdout.splitlines()[-1]
            named = "{" in route["path"]
            assert status in route["operation"]["responses"] if named else status == "200", done.stdout


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_page_shows_without_error_outside_request_or_sideways_scroll(
    served: Served, chromium: Any, width: int, scheme: str
) -> None:
    said: list[str] = []
    asked: list[str] = []
    page = chromium.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(served.address)
    assert page.url == f"{served.address}/docs"
    levels = page.evaluate("[...document.querySelectorAll('h1,h2,h3,h4')].map(e => +e.tagName[1])")
    across = page.evaluate("document.documentElement.scrollWidth")
    unreachable = page.evaluate(
        "[...document.querySelectorAll('pre,.wide')].filter(e => e.tabIndex !== 0).length"
    )
    page.keyboard.press("Tab")
    first = page.evaluate("document.activeElement.getAttribute('href')")
    page.keyboard.press("Enter")
    place = page.evaluate("location.hash")
    page.click("#list_alerts pre.line")
    selected = page.evaluate("String(getSelection())")
    page.close()
    assert said == []
    assert [url for url in asked if not url.startswith((served.address, "data:"))] == []
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert across <= width
    assert unreachable == 0
    assert (first, place) == ("#content", "#content")
    assert selected.startswith("curl ")
    assert "/v1/alerts" in selected
