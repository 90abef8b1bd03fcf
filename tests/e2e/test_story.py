"""One customer's story through the real HTTP interface, on each store: docs/tutorial.md tells it.

Event, alert, proposal, question, votes, notice by mail, a reduction in effect, an appeal with a document, another
reviewer, the limit restored, the customer told; and the audit holds.
"""

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from limitkeeper.app.regulation import evaluation_document
from limitkeeper.connectors.mail import MailServer
from limitkeeper.connectors.webhook import Webhook
from limitkeeper.core.access.actors import COMMITTEE, COMPLIANCE, CUSTOMER, OFFICER
from limitkeeper.core.behaviour.events import DAY_US
from limitkeeper.core.kernel.instants import day_of
from limitkeeper.shells.cli.main import application
from limitkeeper.store.appeal_tables import appeal_evidence
from limitkeeper.store.audit_tables import audit_events
from limitkeeper.store.case_tables import case_acts, cases
from limitkeeper.store.limit_tables import limit_entries
from limitkeeper.store.notice_tables import notices
from limitkeeper.store.tables import proposals
from tests.postman import Postman, postman
from tests.receiver import Receiver
from tests.receiving_bank import Bank
from tests.unit.connectors.test_evidence import drawn_pdf
from tests.workflow_server import Person, WorkflowServer, awaited, workflow_server

LINE, CUSTOMER_ID, LIMIT_CENTS = "line-7", "kim", 19_000_000


@pytest.fixture
def mail() -> Iterator[Postman]:
    with postman() as found:
        yield found


@pytest.fixture
def core() -> Iterator[Receiver]:
    """The core banking system, which takes commands."""
    found = Receiver()
    yield found
    found.shutdown()
    found.server_close()


@pytest.fixture
def server(store_url: str, tmp_path: Path, mail: Postman, core: Receiver) -> Iterator[WorkflowServer]:
    accounts = pl.DataFrame(
        {"account_id": [LINE], "customer_id": [CUSTOMER_ID], "limit_cents": [float(LIMIT_CENTS)]}
    )
    sender = MailServer("127.0.0.1", mail.port, "credit@lender.test", "lender.test", is_encrypted=False)
    webhook = Webhook(core.url, bytes(range(32)))
    with workflow_server(store_url, tmp_path, accounts, {"mail": sender.send}, webhook=webhook) as found:
        yield found


def late_bills(now_us: int) -> list[dict]:
    """Six bills, of which the last five were paid a week late."""
    found = []
    for k in range(6):
        at = dt.datetime.fromtimestamp(now_us / 1e6, dt.UTC) - dt.timedelta(days=30 * (5 - k), minutes=1)
        found.append({"event_id": f"b-{k}", "account_id": LINE, "ts": at.isoformat(), "kind": "bill", "amount": 900_000,
                      "paid": 900_000, "minimum_due": 90_000, "days_past_due": 8 if k else 0})  # fmt: skip
    return found


def staffed(server: WorkflowServer) -> None:
    """Three officers with mandates of the second tier, three members of the committee, an inspector, and the customer."""
    for name in ("ann", "bob", "cem"):
        server.person(name, OFFICER)
    members = [server.person(f"member-{k}", COMMITTEE) for k in range(3)]
    for name in ("ann", "bob", "cem"):
        members[0].post("/v1/mandates", {"person_id": name, "tier": 2})
    for k, member in enumerate(members):
        member.post("/v1/mandates", {"person_id": f"member-{(k + 1) % 3}", "tier": 3})
    server.person("ivy", COMPLIANCE)
    kim = server.person("kim", CUSTOMER, customer_id=CUSTOMER_ID)
    home = f"/v1/customers/{CUSTOMER_ID}"
    wish = {"language": "en", "quiet_from_hour": 0, "quiet_to_hour": 0}
    kim.asked("PATCH", home, wish, headers={"If-Match": kim.asked("GET", home).headers["etag"]})
    kim.post(f"{home}/contacts", {"channel": "mail", "address": "kim@mail.test", "consents": True})


def decided_by_the_committee(server: WorkflowServer) -> dict[str, Any]:
    """Bills come late; the monitor proposes; Ann asks, Bob answers, she sends the case up, and the committee votes."""
    ann, bob = server.logged_in("ann"), server.logged_in("bob")
    bank = server.service("core-bank", "events.send")
    assert bank.post("/v1/events", late_bills(server.clock()))["accepted"] == 6
    alerts = ann.asked("GET", "/v1/alerts", params={"account_id": LINE}).json()
    assert "declining_repayment_capacity" in {alert["trigger"] for alert in alerts}
    (case,) = awaited(lambda: ann.get("/v1/cases", params={"account_id": LINE})["items"])
    assert (case["action"], case["required_tier"], case["state"]) == ("decrease", 2, "open")
    case_id = case["case_id"]
    ann.acted(case_id, "claim")
    ann.acted(case_id, "ask", "Was the salary late, or is there more?")
    bob.acted(case_id, "answer", "The employer pays on the 5th now; bills fall due on the 1st.")
    assert ann.acted(case_id, "send-up", "More than a wrong day, I think.")["tier"] == 3
    for k, choice in enumerate(("for", "against", "for")):
        case = server.logged_in(f"member-{k}").acted(case_id, f"vote-{choice}", "as argued")
    assert case["state"] == "approved"
    return dict(case)


def told_and_in_effect(server: WorkflowServer, mail: Postman, case: dict[str, Any]) -> None:
    """The customer is told by mail; the limit changes when the days of notice are over, not before."""
    (letter,) = awaited(lambda: mail.taken)
    assert letter["To"] == "kim@mail.test"
    assert server.logged_in("kim").get(f"/v1/lines/{LINE}")["limit_cents"] == LIMIT_CENTS
    server.clock.forward(8 * DAY_US)
    kim = server.logged_in("kim")
    awaited(lambda: kim.get(f"/v1/lines/{LINE}")["limit_cents"] == case["limit_after_cents"])
    why = kim.get(f"/v1/lines/{LINE}/decisions/{case['case_id']}")["paragraphs"]
    assert "late" in " ".join(why).lower()


def granted_by_another(server: WorkflowServer) -> None:
    """The customer appeals with a document; who had a part in the decision does not answer; Cem does, and grants it."""
    kim, ann, cem = (server.logged_in(name) for name in ("kim", "ann", "cem"))
    text = "My employer pays on the 5th; the bank moved the day."
    appeal_id = kim.post("/v1/appeals", {"account_id": LINE, "text": text})["appeal_id"]
    content = drawn_pdf()
    file = {"file": ("letter.pdf", content, "application/pdf")}
    evidence = kim.asked("POST", f"/v1/appeals/{appeal_id}/evidence", files=file).json()
    assert on_appeal(ann, appeal_id, "claim", status=409)["rule"] == "appeal_party"
    on_appeal(cem, appeal_id, "claim")
    letter = cem.asked("GET", f"/v1/appeals/{appeal_id}/evidence/{evidence['evidence_id']}")
    assert letter.content == content
    answer = {"outcome": "granted", "words": "The day of payment was moved by us."}
    assert on_appeal(cem, appeal_id, "decide", answer)["state"] == "granted"


def on_appeal(
    person: Person, appeal_id: str, doing: str, content: object = None, status: int | None = None
) -> Any:
    """What an act on an appeal answers, decided on as it is now."""
    seen = person.asked("GET", f"/v1/appeals/{appeal_id}").headers["etag"]
    path, headers = f"/v1/appeals/{appeal_id}/{doing}", {"If-Match": seen}
    return person.asked("POST", path, content, status=status, headers=headers).json()


def test_story_of_a_customer_from_event_to_restored_limit(
    server: WorkflowServer, mail: Postman, core: Receiver, store_url: str, tmp_path: Path
) -> None:
    staffed(server)
    case = decided_by_the_committee(server)
    told_and_in_effect(server, mail, case)
    granted_by_another(server)

    # The limit is whole again, the bank and the monitor know it, the customer is told, and the audit holds.
    kim, ann, ivy = (server.logged_in(name) for name in ("kim", "ann", "ivy"))
    awaited(lambda: kim.get(f"/v1/lines/{LINE}")["limit_cents"] == LIMIT_CENTS)
    assert sum(each["delta_cents"] for each in kim.get(f"/v1/lines/{LINE}")["ledger"]) == LIMIT_CENTS
    awaited(lambda: ann.get(f"/v1/accounts/{LINE}")["features"]["limit_cents"] == LIMIT_CENTS)
    awaited(lambda: len(mail.taken) == 3)
    assert [str(letter["Subject"])[:9] for letter in mail.taken] == ["Your cred", "We have y", "Our answe"]
    kinds = {each["kind"] for each in kim.get("/v1/notices")["items"]}
    assert kinds == {"limit_decreased", "appeal_received", "appeal_decided"}

    def commands() -> list[bytes]:
        return [body for _, body in core.taken if json.loads(body)["type"] == "bank.command"]

    awaited(lambda: len(commands()) == 2)
    bank = Bank()
    taken = [bank.take(body) for body in commands()]
    assert [each["outcome"] for each in taken] == ["done", "done"]
    assert bank.limits[LINE] == [case["limit_after_cents"], LIMIT_CENTS]
    assert ivy.get("/v1/audit/verify")["holds"]
    acts = {each["act"] for each in ivy.get("/v1/audit", params={"limit": 500})["items"]}
    assert {"case.ask", "case.send_up", "case.vote_for", "notice.out", "limit.effect", "appeal.grant"} <= acts
    evidence_stands(server, store_url, tmp_path)


def evidence_stands(server: WorkflowServer, store_url: str, folder: Path) -> None:
    """What the story left is held against the audit by command: it stands, no rule failed, and any edit is found."""
    store, now_us, path = server.engine.store, server.clock(), folder / "facts.json"
    first, last = day_of(now_us - 20 * DAY_US), day_of(now_us)
    facts = evaluation_document(store, "CN", first, last, now_us)
    assert (facts["subjects"], facts["failures"]) == (3, []), (
        "the limit as it was found, the reduction, the appeal"
    )
    assert {each["id"]: each["counts"] for each in facts["rules"]}["CN.pipl_24_reasons"] == {"met": 1}
    path.write_text(json.dumps(facts))

    def found() -> tuple[bool, list[str]]:
        command = ["audit", "verify", "--all", "--json", "--facts", str(path), "--store", store_url]
        told = json.loads(CliRunner().invoke(application, command).stdout.splitlines()[-1])
        return told["holds"], [each["where"].split()[0] for each in told["faults"]]

    assert found() == (True, [])
    edits = [
        (proposals, "trace", lambda text: text + " "),
        (appeal_evidence, "content", lambda sealed: sealed[:-1] + bytes([sealed[-1] ^ 1])),
        (limit_entries, "delta_cents", lambda cents: cents + 1),
        (case_acts, "words", lambda text: text[1:]),
        (notices, "content", lambda sealed: sealed[1:]),
        (audit_events, "actor_id", lambda name: name + " "),
    ]
    for table, column, edit in edits:
        rows = store.rows(sa.select(table).where(table.c[column].is_not(None)))
        decided = {each["proposal_id"] for each in store.rows(sa.select(cases.c.proposal_id))}
        row = next(
            row for row in rows if row[column] and (table is not proposals or row["proposal_id"] in decided)
        )
        mine = sa.and_(*(each == row[each.name] for each in table.primary_key.columns))
        for value in (edit(row[column]), row[column]):
            with store.database.begin() as connection:
                connection.execute(table.update().where(mine).values({column: value}))
            holds, where = found()
            assert holds == (value == row[column])
            assert holds or table in (audit_events, limit_entries) or where == [table.name]
