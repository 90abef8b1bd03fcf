"""A real server with Workflow, people who log in, and every answer held against what its OpenAPI page says."""

import hashlib
import secrets
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx
import polars as pl
from jsonschema import Draft202012Validator

from limitkeeper.app.approval_policy import approval_policy
from limitkeeper.app.decisions import effects
from limitkeeper.app.notice_policy import notice_policy
from limitkeeper.app.oidc_login import OidcLogins
from limitkeeper.app.people import key_made, person_added
from limitkeeper.connectors.letters import Channel
from limitkeeper.connectors.webhook import Webhook
from limitkeeper.core.access.actors import CUSTOMER, SYSTEM
from limitkeeper.core.risk.model import Model
from limitkeeper.engines.embedded.engine import Engine
from limitkeeper.engines.embedded.requests import Request
from limitkeeper.engines.embedded.settings import Settings
from limitkeeper.engines.embedded.start import Decisive, Place, running_engine
from limitkeeper.shells.feeds.workflow import Workflow
from limitkeeper.shells.serving import Ways, open_ways, web_server
from limitkeeper.store.people_tables import sessions
from limitkeeper.store.work import work
from tests.vaults import SEAL

PASSWORD = "a long enough password"  # noqa: S105 - of people that are none

PATIENCE_SECONDS = 30.0

TRUST = ssl.create_default_context()
"""Read once: each client would read the machine's certificates again, and needs none here."""

T = TypeVar("T")


@dataclass
class Clock:
    """A clock that tests move; time passes on it as well."""

    ahead_us: int = 0

    def __call__(self) -> int:
        """UTC microseconds."""
        return time.time_ns() // 1_000 + self.ahead_us

    def forward(self, us: int) -> None:
        """Let time pass at once."""
        self.ahead_us += us


@dataclass
class Person:
    """Somebody who talks to the server; each answer is held against the OpenAPI page.

    Parameters
    ----------
    client
        With his token.
    document
        The OpenAPI page, its components closed.
    """

    client: httpx.Client
    document: Mapping[str, Any]

    def get(self, path: str, **more: Any) -> Any:
        """What a GET answers, which must be well."""
        return self.asked("GET", path, **more).json()

    def post(self, path: str, content: object = None, **more: Any) -> Any:
        """What a POST answers, which must be well."""
        return self.asked("POST", path, content, **more).json()

    def asked(
        self, method: str, path: str, content: object = None, *, status: int | None = None, **more: Any
    ) -> httpx.Response:
        """An answer: of one status, or any below 300."""
        given = more if content is None else more | {"json": content}
        answer = self.client.request(method, path, **given)
        expected = answer.status_code < 300 if status is None else answer.status_code == status
        assert expected, (method, path, answer.status_code, answer.text)
        assert self.faults(method.lower(), answer.request.url.path, answer) == [], (method, path, answer.text)
        return answer

    def faults(self, method: str, path: str, answer: httpx.Response) -> list[str]:
        """Where an answer departs from what is said of it: also by a field that is not told of."""
        told = next(
            each[method]["responses"]
            for name, each in self.document["paths"].items()
            if _fits(name, path) and method in each
        )
        if str(answer.status_code) not in told:
            return [f"the status {answer.status_code} is not told of"]
        media = answer.headers.get("content-type", "").split(";")[0]
        content = told[str(answer.status_code)]["content"]
        if media not in content:
            return [f"{media} is not told of"]
        if not media.endswith("json"):
            return []
        schema = closed(content[media]["schema"]) | {"components": self.document["components"]}
        return [
            f"{error.json_path}: {error.message}"
            for error in Draft202012Validator(schema).iter_errors(answer.json())
        ]

    def acted(self, case_id: str, act: str, words: str = "", *, status: int | None = None) -> Any:
        """What an act on a case answers, decided on as it is now."""
        seen = self.asked("GET", f"/v1/cases/{case_id}").headers["etag"]
        path, headers = f"/v1/cases/{case_id}/{act}", {"If-Match": seen}
        return self.asked("POST", path, {"words": words}, status=status, headers=headers).json()


@dataclass
class WorkflowServer:
    """A server that runs in this process, over a store, with its Workflow loops.

    Parameters
    ----------
    engine
        Which runs.
    address
        Where it listens.
    clock
        Of everything.
    """

    engine: Engine
    address: str
    clock: Clock
    document: Mapping[str, Any] = field(default_factory=dict)
    clients: list[httpx.Client] = field(default_factory=list)

    def person(self, name: str, *roles: str, customer_id: str | None = None) -> Person:
        """Somebody with roles, logged in by the server's own login."""
        with work(self.engine.store, SYSTEM, self.clock()) as w:
            person_added(w, name, roles or (CUSTOMER,), PASSWORD, customer_id)
        return self.logged_in(name)

    def let_in(self, name: str, *roles: str, customer_id: str | None = None) -> None:
        """Somebody for whom another provider vouches: without a password, so that many come in quickly."""
        with work(self.engine.store, SYSTEM, self.clock()) as w:
            person_added(w, name, roles, None, customer_id)

    def session(self, name: str) -> Person:
        """A session of somebody who is let in, begun without the login."""
        token, now_us = secrets.token_urlsafe(32), self.clock()
        row = {"token_hash": hashlib.sha256(token.encode()).hexdigest(), "person_id": name, "begun_us": now_us,
               "seen_us": now_us, "ended_us": None, "version": 1}  # fmt: skip
        with work(self.engine.store, SYSTEM, now_us) as w:
            w.add(sessions, row)
        found = self.nobody()
        found.client.headers["authorization"] = f"Bearer {token}"
        return found

    def logged_in(self, name: str) -> Person:
        """Somebody who is let in already."""
        found = self.nobody()
        answer = found.post("/v1/login", {"person_id": name, "password": PASSWORD})
        found.client.headers["authorization"] = f"Bearer {answer['token']}"
        return found

    def service(self, name: str, *scopes: str) -> Person:
        """A service with a key for some acts."""
        with work(self.engine.store, SYSTEM, self.clock()) as w:
            key = key_made(w, name, scopes, 30)
        found = self.nobody()
        found.client.headers["authorization"] = f"Bearer {key}"
        return found

    def nobody(self) -> Person:
        """Somebody who is not logged in."""
        client = httpx.Client(base_url=self.address, timeout=60, verify=TRUST)
        self.clients.append(client)
        return Person(client, self.document)


@contextmanager
def workflow_server(
    store_url: str,
    folder: Path,
    accounts: pl.DataFrame | None = None,
    channels: Mapping[str, Channel] | None = None,
    clock: Clock | None = None,
    market: str = "CN",
    oidc: OidcLogins | None = None,
    port: int = 0,
    webhook: Webhook | None = None,
    model: Model | None = None,
) -> Iterator[WorkflowServer]:
    """A server with Workflow, until the end of the block."""
    clock = clock or Clock()
    engine = running_engine(
        Place(store_url, Settings(folder / "snapshots", 0.0), Decisive(model=model)), clock
    )
    if accounts is not None:
        engine.submit(Request("accounts", accounts)).result()
    on_approved = effects(SEAL, notice_policy(market))
    workflow = Workflow(approval_policy(), on_approved, SEAL, dict(channels or {}), oidc)
    server = web_server(engine, "127.0.0.1", port, workflow)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    found = WorkflowServer(engine, f"http://127.0.0.1:{port}", clock)
    try:
        with open_ways(engine, Ways(workflow=workflow, webhook=webhook)):
            found.document = documents(found.address, has_provider=oidc is not None)
            yield found
    finally:
        for client in found.clients:
            client.close()
        server.should_exit = True
        thread.join()
        engine.stop()


_documents: dict[bool, Mapping[str, Any]] = {}


def documents(address: str, *, has_provider: bool) -> Mapping[str, Any]:
    """What a server says of its answers, closed; the first of those with the same routes is asked."""
    if has_provider not in _documents:
        document = httpx.get(f"{address}/openapi.json", verify=TRUST).json()
        _documents[has_provider] = document | {"components": closed(document["components"])}
    return _documents[has_provider]


def awaited(look: Callable[[], T], seconds: float = PATIENCE_SECONDS) -> T:
    """What is found as soon as something is."""
    until = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > until:
            raise AssertionError("nothing came")
        with suppress(InterruptedError):
            time.sleep(0.05)


def closed(schema: Any) -> Any:
    """A schema whose objects have no other fields than those that it names."""
    if isinstance(schema, list):
        return [closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    found = {name: closed(each) for name, each in schema.items()}
    return {"additionalProperties": False, **found} if isinstance(found.get("required"), list) else found


def _fits(template: str, path: str) -> bool:
    parts, given = template.split("/"), path.split("/")
    return len(parts) == len(given) and all(
        part.startswith("{") or part == other for part, other in zip(parts, given, strict=True)
    )
