"""The bank over the real server: it is told by webhook, answers with its key, and an operator tells it again."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from limitkeeper.app.limits import LimitChange, planned
from limitkeeper.connectors.webhook import Webhook
from limitkeeper.core.access.actors import COMPLIANCE, OFFICER, OPERATOR, SYSTEM
from limitkeeper.store.work import work
from tests.receiver import Receiver
from tests.receiving_bank import Bank
from tests.workflow_server import Person, WorkflowServer, awaited, workflow_server

COMMANDS = "/v1/bank/commands"
ACCOUNTS = ("a-1", "a-2", "a-3")


@pytest.fixture
def core() -> Iterator[Receiver]:
    found = Receiver()
    yield found
    found.shutdown()
    found.server_close()


@pytest.fixture
def server(store_url: str, tmp_path: Path, core: Receiver) -> Iterator[WorkflowServer]:
    webhook = Webhook(core.url, bytes(range(32)))
    with workflow_server(store_url, tmp_path, webhook=webhook) as found:
        yield found


def states(person: Person, state: str, **more: Any) -> list[str]:
    """The accounts of commands of a state, page by page."""
    found, cursor = list[str](), None
    while True:
        given = {"state": state, "limit": 2, **more} | ({"cursor": cursor} if cursor else {})
        page = person.get(COMMANDS, params=given)
        found += [each["account_id"] for each in page["items"]]
        cursor = page["next"]
        if cursor is None:
            return found


def test_bank_answers_with_its_key_and_what_failed_is_told_again(
    server: WorkflowServer, core: Receiver
) -> None:
    with work(server.engine.store, SYSTEM, server.clock()) as w:
        ids = {
            each: planned(w, LimitChange(each, "decrease", 1_000, 600, w.now_us, "risk")) for each in ACCOUNTS
        }
    awaited(lambda: len(core.taken) == len(ACCOUNTS))
    ann, root = server.person("ann", OFFICER), server.person("root", OPERATOR)
    service, other = server.service("core-bank", "limit.acknowledge"), server.service("other", "events.send")
    assert sorted(states(ann, "told")) == list(ACCOUNTS)
    assert states(ann, "told", account_id="a-2") == ["a-2"]

    bank = Bank()
    bank.refuses = {"a-3"}
    for _, body in core.taken:
        said = bank.take(body)
        path = f"{COMMANDS}/{said.pop('command_id')}/acknowledgement"
        other.asked("POST", path, said, status=403)
        first = service.post(path, said)
        assert service.post(path, said) == first
        assert first["state"] == said["outcome"]
    assert (sorted(states(ann, "done")), states(ann, "failed")) == (["a-1", "a-2"], ["a-3"])

    again = f"{COMMANDS}/{ids['a-3']}/retry"
    ann.asked("POST", again, status=403)
    key = {"idempotency-key": "again"}
    assert [root.post(again, headers=key)["state"] for _ in range(2)] == ["told", "told"]
    root.asked("POST", again, status=409)
    root.asked("POST", f"{COMMANDS}/{ids['a-1']}/retry", status=409)
    awaited(lambda: len(core.taken) == len(ACCOUNTS) + 1)
    bank.refuses = set()
    told = core.taken[-1][1]
    assert json.loads(told)["data"]["command_id"] == ids["a-3"]
    assert bank.take(told)["outcome"] == "done"
    service.post(f"{COMMANDS}/{ids['a-3']}/acknowledgement", {"outcome": "done"})
    assert states(server.person("ivy", COMPLIANCE), "failed") == []


def test_answer_that_says_nothing_known_is_refused(server: WorkflowServer) -> None:
    service, root = server.service("core-bank", "limit.acknowledge"), server.person("root", OPERATOR)
    for said in (
        {},
        {"outcome": "perhaps"},
        {"outcome": "done", "detail": "x" * 501},
        {"outcome": "done", "x": 1},
    ):
        service.asked("POST", f"{COMMANDS}/{'f' * 32}/acknowledgement", said, status=422)
    service.asked("POST", f"{COMMANDS}/{'f' * 32}/acknowledgement", {"outcome": "done"}, status=404)
    root.asked("POST", f"{COMMANDS}/{'f' * 32}/retry", status=404)
    root.asked("GET", COMMANDS, params={"state": "none"}, status=422)
    root.asked("GET", COMMANDS, params={"cursor": "x"}, status=422)
