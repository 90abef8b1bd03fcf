"""Appeals by HTTP, over a real server and each store: by a customer with a PDF, by facts, and by nobody else."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from limitkeeper.core.access.actors import COMMITTEE, COMPLIANCE, CUSTOMER, OFFICER, STRATEGIST
from limitkeeper.core.behaviour.events import DAY_US
from tests.unit.connectors.test_evidence import image, pdf
from tests.workflow_server import Person, WorkflowServer, awaited, workflow_server

ACCOUNTS = pl.DataFrame(
    {"account_id": ["a-1", "b-1"], "customer_id": ["c-1", "c-2"], "limit_cents": [1_000_000.0, 500_000.0],
     "opening_balance_cents": [300_000.0, 0.0]}
)  # fmt: skip


@pytest.fixture
def server(store_url: str, tmp_path: Path) -> Iterator[WorkflowServer]:
    with workflow_server(store_url, tmp_path, ACCOUNTS) as found:
        yield found


def moment(server: WorkflowServer, days_ago: float = 0.0) -> str:
    return dt.datetime.fromtimestamp(server.clock() / 1e6 - days_ago * 86_400, dt.UTC).isoformat()


def event(server: WorkflowServer, name: str, kind: str, ts: str, **more: object) -> None:
    shop = server.service(f"shop-{name}", "events.send")
    sent = {"event_id": name, "account_id": "a-1", "ts": ts, "kind": kind, **more}
    assert shop.post("/v1/events", sent)["accepted"] == 1


def staffed(server: WorkflowServer) -> tuple[Person, Person, Person]:
    """Ann and bob with mandates of the second tier, eva with one of the third."""
    chief = server.person("chief", COMMITTEE)
    people = [server.person(name, OFFICER) for name in ("ann", "bob")]
    eva = server.person("eva", COMMITTEE)
    for name, tier in (("ann", 2), ("bob", 2), ("eva", 3)):
        chief.post("/v1/mandates", {"person_id": name, "tier": tier})
    return people[0], people[1], eva


def frozen(server: WorkflowServer, kim: Person, ts: str) -> None:
    event(server, "flagged", "flag", ts, reason="cash-out")
    awaited(lambda: kim.get("/v1/lines/a-1")["is_frozen"])


def act(person: Person, appeal_id: str, doing: str, content: object = None, status: int | None = None) -> Any:
    """What an act on an appeal answers, decided on as it is now."""
    seen = person.asked("GET", f"/v1/appeals/{appeal_id}").headers["etag"]
    path = f"/v1/appeals/{appeal_id}/{doing}"
    return person.asked("POST", path, content, status=status, headers={"If-Match": seen}).json()


def sent(person: Person, appeal_id: str, content: bytes, status: int | None = None, **more: Any) -> Any:
    file = {"file": ("receipt.exe", content, "application/x-msdownload")}
    return person.asked("POST", f"/v1/appeals/{appeal_id}/evidence", status=status, files=file, **more).json()


def test_customer_appeals_with_a_pdf_and_another_officer_gives_the_line_back(server: WorkflowServer) -> None:
    ann, bob, _ = staffed(server)
    kim, flagged_at = server.person("kim", CUSTOMER, customer_id="c-1"), moment(server)
    frozen(server, kim, flagged_at)
    (case,) = awaited(lambda: ann.get("/v1/cases", params={"account_id": "a-1"})["items"])
    for doing in ("claim", "approve"):
        ann.acted(case["case_id"], doing, "confirmed")

    wish, once = {"account_id": "a-1", "text": "That was my sister's shop."}, {"Idempotency-Key": "k"}
    appeal = kim.asked("POST", "/v1/appeals", wish, status=201, headers=once).json()
    assert kim.asked("POST", "/v1/appeals", wish, status=201, headers=once).json() == appeal
    kim.asked("POST", "/v1/appeals", wish, status=409)
    appeal_id = appeal["appeal_id"]
    assert appeal["case_id"] == case["case_id"]
    assert "parties" not in appeal
    file = sent(kim, appeal_id, pdf(), 201)
    assert sent(kim, appeal_id, pdf(), 201)["evidence_id"] == file["evidence_id"]
    assert file["kind"] == "pdf"

    (waiting,) = bob.get("/v1/appeals", params={"tier": 2, "is_live": True})["items"]
    assert {"ann", "kim", "c-1"} <= set(waiting["parties"])
    assert act(ann, appeal_id, "claim", status=409)["rule"] == "appeal_party"
    bob.asked("POST", f"/v1/appeals/{appeal_id}/claim", status=428)
    act(bob, appeal_id, "claim")
    read = bob.asked("GET", f"/v1/appeals/{appeal_id}/evidence/{file['evidence_id']}")
    assert (read.content, read.headers["content-type"]) == (pdf(), "application/pdf")
    assert read.headers["content-disposition"] == 'attachment; filename="evidence.pdf"'
    act(bob, appeal_id, "ask", {"words": "Whose shop is it?"})
    asked = kim.get(f"/v1/appeals/{appeal_id}")
    assert (asked["state"], asked["acts"][-1]["words"]) == ("asked", "Whose shop is it?")
    assert asked["reply_until"]
    old = {"If-Match": f'"{asked["version"]}"'}
    kim.post(f"/v1/appeals/{appeal_id}/answer", {"words": "Hers."})
    answer = {
        "outcome": "granted",
        "words": "It is.",
        "corrections": [{"kind": "flag_withdrawn", "ts": flagged_at}],
    }
    bob.asked("POST", f"/v1/appeals/{appeal_id}/decide", answer, status=412, headers=old)
    act(bob, appeal_id, "decide", answer | {"outcome": "maybe"}, status=422)
    granted = act(bob, appeal_id, "decide", answer)
    assert (granted["state"], granted["outcome"]) == ("granted", "bob")

    awaited(lambda: not kim.get("/v1/lines/a-1")["is_frozen"])
    monitor = server.service("monitor", "accounts.read")
    awaited(lambda: monitor.get("/v1/accounts/a-1")["features"]["flag_count_90d"] == 0)
    awaited(lambda: not monitor.get("/v1/accounts/a-1")["standing"]["is_frozen"])
    new = bob.get(f"/v1/cases/{granted['new_case_id']}")
    assert (new["kind"], new["state"], new["outcome"]) == ("appeal", "approved", "bob")
    assert kim.get(f"/v1/appeals/{appeal_id}")["outcome"] == "person"
    kinds = {each["kind"] for each in kim.get("/v1/notices")["items"]}
    assert {"line_frozen", "appeal_received", "appeal_asked", "appeal_decided"} <= kinds
    counts = server.person("sid", STRATEGIST).get("/v1/appeals/statistics")
    assert (counts["by_rule"][0]["rule"], counts["all"]["overturned_share"]) == ("violation_flagged", 1.0)
    ivy = server.person("ivy", COMPLIANCE)
    acts = {each["act"] for each in ivy.get("/v1/audit", params={"actor_id": "bob"})["items"]}
    assert {"appeal.read", "appeal.look", "appeal.grant", "appeal.correct", "case.approve"} <= acts
    assert ivy.get("/v1/audit/verify")["holds"]


def test_facts_that_are_put_right_settle_an_appeal_without_anybody(server: WorkflowServer) -> None:
    kim, flagged_at = server.person("kim", CUSTOMER, customer_id="c-1"), moment(server)
    frozen(server, kim, flagged_at)
    appeal_id = awaited(lambda: submitted(kim))
    event(server, "withdrawn", "flag_withdrawn", flagged_at)
    server.clock.forward(DAY_US // 3)
    kim = server.logged_in("kim")
    found = awaited(lambda: (one := kim.get(f"/v1/appeals/{appeal_id}"))["state"] == "granted" and one)
    assert found["outcome"] == "facts"
    assert found["acts"][-1]["words"].startswith("- ")
    awaited(lambda: not kim.get("/v1/lines/a-1")["is_frozen"])


def submitted(kim: Person) -> str | None:
    """The appeal against the newest decision, as soon as its case is there."""
    answer = kim.client.post("/v1/appeals", json={"account_id": "a-1", "text": "Not me."})
    return str(answer.json()["appeal_id"]) if answer.status_code == 201 else None


def test_appeal_goes_to_the_third_tier_and_back_to_nobody(server: WorkflowServer) -> None:
    _, bob, eva = staffed(server)
    kim = server.person("kim", CUSTOMER, customer_id="c-1")
    frozen(server, kim, moment(server))
    appeal_id = awaited(lambda: submitted(kim))
    act(bob, appeal_id, "claim")
    act(bob, appeal_id, "decide", {"outcome": "upheld", "words": "The shop says so."})
    again = kim.post(f"/v1/appeals/{appeal_id}/again", {"words": "The shop is wrong."})
    assert again["instance"] == 2
    act(eva, appeal_id, "claim")
    act(eva, appeal_id, "decide", {"outcome": "upheld", "words": "It is not."})
    kim.asked("POST", f"/v1/appeals/{appeal_id}/again", {"words": "It is."}, status=409)
    kim.asked("POST", f"/v1/appeals/{appeal_id}/withdraw", status=409)


def test_customer_reads_adds_and_does_nothing_of_another(server: WorkflowServer) -> None:
    kim, sam = (
        server.person(name, CUSTOMER, customer_id=of) for name, of in (("kim", "c-1"), ("c-1", "c-2"))
    )
    frozen(server, kim, moment(server))
    appeal_id = awaited(lambda: submitted(kim))
    file = sent(kim, appeal_id, image("PNG"))["evidence_id"]
    # He who logs in as c-1 is customer c-2: another's id for a name opens nothing.
    sam.asked("POST", "/v1/appeals", {"account_id": "a-1", "text": "Mine."}, status=403)
    sam.asked("GET", f"/v1/appeals/{appeal_id}", status=403)
    sam.asked("GET", f"/v1/appeals/{appeal_id}/evidence/{file}", status=403)
    sent(sam, appeal_id, pdf(), 403)
    for doing in ("answer", "again"):
        sam.asked("POST", f"/v1/appeals/{appeal_id}/{doing}", {"words": "x"}, status=403)
    sam.asked("POST", f"/v1/appeals/{appeal_id}/withdraw", status=403)
    assert sam.get("/v1/appeals")["items"] == []
    sam.asked("GET", "/v1/appeals?customer_id=c-1", status=403)
    for doing in ("claim", "decide"):
        kim.asked("POST", f"/v1/appeals/{appeal_id}/{doing}", {"words": "x"}, status=403)
    assert [each["appeal_id"] for each in kim.get("/v1/appeals")["items"]] == [appeal_id]
    assert kim.post(f"/v1/appeals/{appeal_id}/withdraw")["state"] == "withdrawn"
    assert submitted(kim) not in (None, appeal_id)


def test_what_is_no_evidence_is_refused_and_keeps_nothing(server: WorkflowServer) -> None:
    kim = server.person("kim", CUSTOMER, customer_id="c-1")
    frozen(server, kim, moment(server))
    appeal_id = awaited(lambda: submitted(kim))
    path = f"/v1/appeals/{appeal_id}/evidence"
    assert "PDF" in sent(kim, appeal_id, b"MZ\x90\x00" + bytes(60), 422)["allowed"]
    sent(kim, appeal_id, pdf(b"/OpenAction 5 0 R"), 422)
    sent(kim, appeal_id, b"a" * 5_100_000, 413)
    sent(kim, appeal_id, b"a" * 5_000_001, 422)
    kim.asked("POST", path, {"file": "x"}, status=422)
    kim.asked("POST", path, status=422, files={"other": ("a.txt", b"paid")})
    odd = kim.client.post(path, content=b"--x", headers={"content-type": "multipart/form-data"})
    assert odd.status_code == 422
    two = [("file", ("a.txt", b"one")), ("file", ("b.txt", b"two"))]
    kim.asked("POST", path, status=422, files=two)
    kim.asked("GET", f"{path}/nothing", status=404)
    assert kim.get(f"/v1/appeals/{appeal_id}")["evidence"] == []
