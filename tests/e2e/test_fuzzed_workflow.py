"""Every route of Workflow asked at random, by people of every role, of things that there are and things that are not."""

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import polars as pl
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode

from limitkeeper.app.strategies import strategy_names, strategy_path
from limitkeeper.connectors.letters import Letter, LetterRefusedError
from limitkeeper.core.access.actors import (
    COMMITTEE,
    COMPLIANCE,
    CUSTOMER,
    OFFICER,
    ROLES,
    SERVICE,
    STAFF_ROLES,
    STRATEGIST,
)
from limitkeeper.core.access.rights import RIGHTS
from tests.fairness_screens import screen_of
from tests.unit.connectors.test_evidence import pdf
from tests.workflow_server import Person, WorkflowServer, awaited, workflow_server

LINES = ("a-1", "a-2", "b-1", "b-2")
CUSTOMERS = {"a-1": "c-1", "a-2": "c-1", "b-1": "c-2", "b-2": "c-2"}

ENDING = ("/v1/logout", "/v1/stream")
"""Routes that end a session, and one that does not end."""

OLD_VERSION = '"900"'

EXAMPLES = 12
"""Of each route."""

SEED = 7

PATIENCE_SECONDS = 120.0
"""On a new machine an answer may wait for its kernels to be compiled."""


@dataclass
class Fuzzed:
    """A server in the middle of its work, who asks it, and the ids of what there is."""

    server: WorkflowServer
    people: dict[str, Person]
    ids: dict[str, list[str]]
    session: requests.Session = field(default_factory=requests.Session)


def refused(_letter: Letter) -> None:
    raise LetterRefusedError("no such user")


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fuzzed]:
    folder: Path = tmp_path_factory.mktemp("fuzzed")
    accounts = pl.DataFrame({"account_id": LINES, "customer_id": list(CUSTOMERS.values()),
                             "limit_cents": [1_000_000.0] * len(LINES)})  # fmt: skip
    with workflow_server(f"sqlite:///{folder}/store.db", folder, accounts, {"mail": refused}) as server:
        found = at_work(server)
        with found.session:
            yield found


def at_work(server: WorkflowServer) -> Fuzzed:
    """Frozen lines, of which one's case is decided, told of and appealed against; mandates, absences, a contact."""
    scopes = [act for act, roles in RIGHTS.items() if SERVICE in roles]
    for role in (*STAFF_ROLES, CUSTOMER):
        server.let_in(f"a-{role}", role, customer_id="c-1" if role == CUSTOMER else None)
    server.let_in("gone", OFFICER)
    people = {role: server.session(f"a-{role}") for role in (*STAFF_ROLES, CUSTOMER)}
    people |= {SERVICE: server.service("bank", *scopes), "nobody": server.nobody()}
    bank, kim, officer, chief = (people[each] for each in (SERVICE, CUSTOMER, OFFICER, COMMITTEE))
    mandate = chief.post("/v1/mandates", {"person_id": f"a-{OFFICER}", "tier": 2})
    away = chief.post("/v1/absences", {"person_id": "gone", "deputy_id": f"a-{OFFICER}", "days": 3})
    kim.post("/v1/customers/c-1/contacts", {"channel": "mail", "address": "kim@mail.test", "consents": True})
    flags = [{"event_id": f"flag-{line}", "account_id": line, "ts": moment(server), "kind": "flag", "reason": "cash-out"}
             for line in LINES]  # fmt: skip
    assert bank.post("/v1/events", flags)["accepted"] == len(LINES)
    cases = awaited(lambda: every(officer.get("/v1/cases")["items"], len(LINES)))
    decided = next(case["case_id"] for case in cases if case["account_id"] == "a-1")
    for act in ("claim", "approve"):
        officer.acted(decided, act, "seen")
    kim.post("/v1/lines/a-2/requests", {"limit_cents": 500_000})
    appeal = kim.post("/v1/appeals", {"account_id": "a-1", "text": "It was not me."})["appeal_id"]
    evidence = kim.asked(
        "POST", f"/v1/appeals/{appeal}/evidence", files={"file": ("r.pdf", pdf(), "application/pdf")}
    )
    evidence_id = evidence.json()["evidence_id"]
    rights = [
        officer.post("/v1/rights-requests", {"kind": kind, "customer_id": "c-1"})
        for kind in ("correct", "erase")
    ]
    rights.append(kim.post("/v1/rights-requests", {"kind": "copy", "words": "Mine."}))
    found = {"account_id": list(LINES), "customer_id": ["c-1", "c-2"], "case_id": [case["case_id"] for case in cases],
             "mandate_id": [mandate["mandate_id"]], "absence_id": [away["absence_id"]], "appeal_id": [appeal],
             "evidence_id": [evidence_id], "person_id": ["gone"], "service_id": ["gone"], "message_id": ["1"],
             "request_id": [each["request_id"] for each in rights]}  # fmt: skip
    found["alert_id"] = [each["alert_id"] for each in officer.get("/v1/alerts")]
    found["proposal_id"] = [each["proposal_id"] for each in officer.get("/v1/proposals")]
    found["notice_id"] = [each["notice_id"] for each in kim.get("/v1/notices")["items"]]
    found["entry_id"] = [
        each["entry_id"] for line in LINES for each in officer.get(f"/v1/lines/{line}")["ledger"]
    ]
    found |= releases(people)
    found["contact_id"] = [each["contact_id"] for each in kim.get("/v1/customers/c-1")["contacts"]]
    assert all(found.values()), found
    return Fuzzed(server, people, found)


def releases(people: dict[str, Person]) -> dict[str, list[str]]:
    """A draft, and a release that waits for its approvals; texts of strategies that hold."""
    sam, texts = (
        people[STRATEGIST],
        [strategy_path(name).read_text(encoding="utf-8") for name in strategy_names()],
    )
    ids = [sam.post("/v1/releases", {"strategy": text})["release_id"] for text in texts[:2]]
    parts = ("purpose", "necessity", "effect_on_rights", "safeguards")
    screen = screen_of(sam.get(f"/v1/releases/{ids[0]}"))
    assessed = {"assessment": dict.fromkeys(parts, "said"), "screen": screen}
    for who, act, body in ((sam, "validate", None), (people[COMPLIANCE], "assess", assessed)):
        path = f"/v1/releases/{ids[0]}"
        who.post(f"{path}/{act}", body, headers={"If-Match": who.asked("GET", path).headers["etag"]})
    return {
        "release_id": ids,
        "strategy_id": [*ids, "live"],
        "strategy": [f"{text}# again\n" for text in texts],
    }


def moment(server: WorkflowServer) -> str:
    return dt.datetime.fromtimestamp(server.clock() / 1e6, dt.UTC).isoformat()


def every(items: Sequence[Any], count: int) -> Sequence[Any] | None:
    return items if len(items) == count else None


def body_named(body: Any, ids: dict[str, list[str]], draw: Callable[[Any], Any]) -> Any:
    """A body whose ids, at the top, are of what there is."""
    if not isinstance(body, dict):
        return body
    return body | {name: draw(st.sampled_from(ids[name])) for name in body if name in ids}


def version_seen(person: Person, path: str) -> str:
    """What stands before an act as the thing's version, where it can be read."""
    read = path if "/customers/" in path else path.rsplit("/", 1)[0]
    return person.client.get(read).headers.get("etag", '"1"')


def asked_at_random(fuzzed: Fuzzed, operation: Any) -> Callable[[Callable[[Any], Any]], tuple[Person, Any]]:
    """Who asks, and what: more often somebody who may, as the page says, of a thing that there is."""
    told = operation.definition.raw
    right, wrong = (operation.as_strategy(generation_mode=each) for each in GenerationMode)
    takes = "requestBody" in told or bool(told.get("parameters"))
    rightly = st.sampled_from([True, True, True, not takes])
    able = [role for role in fuzzed.people if role in RIGHTS.get(told.get("x-act"), ROLES)]
    names = st.sampled_from([*able * 5, *fuzzed.people])
    has_version = any(each["name"] == "If-Match" for each in told.get("parameters", ()))

    def question(draw: Callable[[Any], Any]) -> tuple[Person, Any]:
        person = fuzzed.people[draw(names)]
        case = draw(right if draw(rightly) else wrong)
        if draw(st.integers(0, 5)):
            case.path_parameters |= {
                name: draw(st.sampled_from(fuzzed.ids[name]))
                for name in case.path_parameters
                if name in fuzzed.ids
            }
            case.body = body_named(case.body, fuzzed.ids, draw)
            if has_version:
                now = version_seen(person, case.formatted_path)
                case.headers["If-Match"] = draw(st.sampled_from([now, now, now, OLD_VERSION]))
        return person, case

    return question


def answered(fuzzed: Fuzzed, person: Person, case: Any) -> httpx.Response:
    """What the server answers somebody."""
    token = {"authorization": person.client.headers.get("authorization", "")}
    fuzzed.session.cookies.clear()  # nobody comes in by another's
    answer = case.call(
        base_url=fuzzed.server.address, session=fuzzed.session, headers=token, timeout=PATIENCE_SECONDS
    )
    headers = {name: values[0] for name, values in answer.headers.items()}
    request = httpx.Request(case.method, str(answer.request.url))
    return httpx.Response(answer.status_code, headers=headers, content=answer.content, request=request)


def operations(server: WorkflowServer) -> list[Any]:
    """Each route, those that end something last, so that the others find it."""
    schema = schemathesis.openapi.from_dict(dict(server.document))
    found = [each.ok() for each in schema.get_all_operations()]
    kept = [each for each in found if each.path not in ENDING]
    return sorted(kept, key=lambda each: (each.method != "get", "end" in each.path, each.path))


def answers_of(fuzzed: Fuzzed, operation: Any) -> list[tuple[int, list[str], str]]:
    """What one route answers to many questions: each status, where it departs from what is said of it, and the text."""
    found, question = [], asked_at_random(fuzzed, operation)

    @seed(SEED)
    @settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.data())
    def ask(data: st.DataObject) -> None:
        person, case = question(data.draw)
        answer = answered(fuzzed, person, case)
        faults = person.faults(operation.method, operation.path, answer)
        found.append((answer.status_code, faults, f"{answer.request.url} {answer.text[:500]}"))

    ask()
    return found


def test_every_route_answers_anybody_as_its_page_says(fuzzed: Fuzzed) -> None:
    answers = {operation.label: answers_of(fuzzed, operation) for operation in operations(fuzzed.server)}
    faults = {
        (label, status, *wrong): text
        for label, given in answers.items()
        for status, wrong, text in given
        if wrong
    }
    assert faults == {}
    assert {status for given in answers.values() for status, *_ in given} >= {
        200,
        201,
        401,
        403,
        404,
        409,
        412,
        422,
    }
    well = [label for label, given in answers.items() if any(status < 300 for status, *_ in given)]
    assert len(well) > len(answers) * 2 // 3
    assert fuzzed.people[COMPLIANCE].get("/v1/audit/verify")["holds"]
