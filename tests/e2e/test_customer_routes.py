"""What a customer sees and does by HTTP, over a real server and each store; and that he sees nothing of others."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from limitkeeper.app.limits import LimitChange, planned
from limitkeeper.connectors.letters import Letter, LetterRefusedError
from limitkeeper.core.access.actors import COMMITTEE, COMPLIANCE, CUSTOMER, OFFICER, OPERATOR, SYSTEM
from limitkeeper.core.behaviour.events import DAY_US
from limitkeeper.store.work import work
from tests.workflow_server import Person, WorkflowServer, awaited, workflow_server

ACCOUNTS = pl.DataFrame(
    {"account_id": ["a-1", "a-2", "b-1"], "customer_id": ["c-1", "c-1", "c-2"],
     "limit_cents": [1_000_000.0, 200_000.0, 500_000.0], "opening_balance_cents": [300_000.0, 0.0, 0.0]}
)  # fmt: skip


class Mail(list[Letter]):
    """Letters that were taken; those to an address that is refused are not."""

    refused: str | None = None

    def __call__(self, letter: Letter) -> None:
        if letter.address == self.refused:
            raise LetterRefusedError("no such user")
        self.append(letter)


@pytest.fixture
def mail() -> Mail:
    return Mail()


@pytest.fixture
def server(store_url: str, tmp_path: Path, mail: Mail) -> Iterator[WorkflowServer]:
    with workflow_server(store_url, tmp_path, ACCOUNTS, {"mail": mail}) as found:
        yield found


def event(server: WorkflowServer, name: str, kind: str, **more: object) -> None:
    shop = server.service(f"shop-{name}", "events.send")
    now = dt.datetime.fromtimestamp(server.clock() / 1e6, dt.UTC).isoformat()
    sent = {"event_id": name, "account_id": "a-1", "ts": now, "kind": kind, **more}
    assert shop.post("/v1/events", sent)["accepted"] == 1


def never_quiet(person: Person, customer_id: str) -> None:
    """Let a customer be written to at any hour, in English."""
    path = f"/v1/customers/{customer_id}"
    seen = person.asked("GET", path).headers["etag"]
    wish = {"language": "en", "quiet_from_hour": 0, "quiet_to_hour": 0}
    person.asked("PATCH", path, wish, headers={"If-Match": seen})


def test_customer_sees_lowers_takes_back_and_closes_his_line_and_is_told(
    server: WorkflowServer, mail: Mail
) -> None:
    kim = server.person("kim", CUSTOMER, customer_id="c-1")
    never_quiet(kim, "c-1")
    kim.post("/v1/customers/c-1/contacts", {"channel": "mail", "address": "kim@mail.test", "consents": True})
    assert [each["account_id"] for each in kim.get("/v1/lines")["items"]] == ["a-1", "a-2"]
    whole = kim.get("/v1/lines/a-1")
    assert (whole["limit_cents"], whole["balance_cents"], whole["ledger"]) == (1_000_000, 300_000, [])
    assert "You owe ¥3,000.00 on this line." in kim.get("/v1/lines/a-1/portrait")["words"]
    chinese = kim.get("/v1/lines/a-1/portrait", params={"language": "zh"})["words"]
    assert "该账户当前欠款¥3,000.00。" in chinese

    refused = kim.asked("POST", "/v1/lines/a-1/requests", {"limit_cents": 100_000}, status=422).json()
    assert refused["allowed"].startswith("300000")
    wish = {"limit_cents": 400_000}
    once = {"Idempotency-Key": "k-1"}
    asked = kim.post("/v1/lines/a-1/requests", wish, headers=once)
    assert kim.post("/v1/lines/a-1/requests", wish, headers=once) == asked
    assert (asked["state"], asked["can_be_taken_back"]) == ("approved", True)
    kim.asked("POST", "/v1/lines/a-1/requests", {"limit_cents": 350_000}, status=409)
    taken = kim.post("/v1/lines/a-1/requests/take-back")
    assert [each["can_be_taken_back"] for each in taken["requests"]] == [False]
    kim.asked("POST", "/v1/lines/a-1/requests/take-back", status=409)
    kim.post("/v1/lines/a-1/requests", {"limit_cents": 0})
    server.clock.forward(3 * DAY_US)
    kim = server.logged_in("kim")
    closed = awaited(lambda: (found := kim.get("/v1/lines/a-1"))["is_closed"] and found)
    assert (closed["limit_cents"], closed["balance_cents"]) == (0, 300_000)
    assert sum(each["delta_cents"] for each in closed["ledger"]) == 0
    assert closed["restoration"]["old_limit_cents"] is None
    told = kim.get("/v1/notices")["items"]
    assert sorted(each["kind"] for each in told) == [
        "closed_at_request",
        "lowered_at_request",
        "request_taken_back",
    ]
    assert any("instalments go on as agreed" in part for part in told[0]["paragraphs"])
    awaited(lambda: len(mail) == 3)
    assert {letter.address for letter in mail} == {"kim@mail.test"}
    notice = kim.get(f"/v1/notices/{told[0]['notice_id']}")
    assert [each["state"] for each in notice["deliveries"]] == ["sent"]
    assert kim.post(f"/v1/notices/{told[0]['notice_id']}/read")["read_at"]


def test_freeze_is_explained_to_its_customer_and_he_is_told_that_it_is_over(server: WorkflowServer) -> None:
    kim, ann = server.person("kim", CUSTOMER, customer_id="c-1"), server.person("ann", OFFICER)
    never_quiet(kim, "c-1")
    event(server, "flagged", "flag", reason="cash-out")
    frozen = awaited(lambda: (found := kim.get("/v1/lines/a-1"))["is_frozen"] and found)
    assert [each["action"] for each in frozen["ledger"]] == ["open", "freeze"]
    (case,) = awaited(lambda: ann.get("/v1/cases", params={"account_id": "a-1"})["items"])
    assert case["customer_id"] == "c-1"
    preview = ann.get(f"/v1/cases/{case['case_id']}/notice/preview")["notices"]
    assert "pause stands" in preview["en"]["paragraphs"][1]
    assert "暂停目前继续有效" in preview["zh"]["paragraphs"][1]
    found = kim.get(f"/v1/lines/a-1/decisions/{case['case_id']}")
    assert found["rules"][0]["text"] == "A violation was flagged within 90 days."
    assert found["rules"][0]["values"][0]["text"] == "1"
    assert "appeal" in found["paragraphs"][-1]
    server.clock.forward(4 * DAY_US)
    kim = server.logged_in("kim")
    event(server, "later", "purchase", amount=100)
    awaited(lambda: not kim.get("/v1/lines/a-1")["is_frozen"])
    assert {each["kind"] for each in kim.get("/v1/notices")["items"]} == {"line_frozen", "freeze_lifted"}
    inspector = server.person("ivy", COMPLIANCE)
    acts = {each["act"] for each in inspector.get("/v1/audit", params={"actor_id": "kim"})["items"]}
    assert {"line.look", "decision.explain", "notice.list", "customer.prefer"} <= acts
    assert inspector.get("/v1/audit/verify")["holds"]


def test_customer_sees_nothing_of_another_and_changes_nothing_of_his(server: WorkflowServer) -> None:
    kim, sam = (
        server.person(name, CUSTOMER, customer_id=of) for name, of in (("kim", "c-1"), ("c-1", "c-2"))
    )
    kim.post("/v1/lines/a-1/requests", {"limit_cents": 400_000})
    notice = kim.get("/v1/notices")["items"][0]["notice_id"]
    kim.post("/v1/customers/c-1/contacts", {"channel": "sms", "address": "+8613900000000", "consents": True})
    contact = kim.get("/v1/customers/c-1")["contacts"][0]
    assert contact["address"] == "+8613900000000"
    path = f"/v1/customers/c-1/contacts/{contact['contact_id']}"
    # He who logs in as c-1 is customer c-2: another's id for a name opens nothing.
    for method, where, body in (
        ("GET", "/v1/lines/a-1", None), ("GET", "/v1/lines/a-1/portrait", None), ("GET", "/v1/customers/c-1", None),
        ("GET", "/v1/lines?customer_id=c-1", None), ("GET", "/v1/notices?customer_id=c-1", None),
        ("GET", "/v1/notices?account_id=a-1", None),
        ("GET", f"/v1/notices/{notice}", None), ("POST", f"/v1/notices/{notice}/read", None),
        ("POST", "/v1/lines/a-1/requests", {"limit_cents": 1}), ("POST", "/v1/lines/a-1/requests/take-back", None),
        ("POST", f"{path}/consent", {"consents": False}), ("DELETE", path, None),
        ("POST", "/v1/customers/c-1/contacts", {"channel": "mail", "address": "x@y.test", "consents": True}),
        ("POST", "/v1/lines/a-1/restorations", {}), ("GET", "/v1/notices/states", None),
        ("GET", "/v1/lines/a-1/decisions/none", None),
    ):  # fmt: skip
        sam.asked(method, where, body, status=403)
    sam.asked("PATCH", "/v1/customers/c-1", {"language": "en"}, headers={"If-Match": '"0"'}, status=403)
    kim.asked("GET", "/v1/lines/nothing", status=403)
    assert [each["account_id"] for each in sam.get("/v1/lines")["items"]] == ["b-1"]
    assert sam.get("/v1/notices")["items"] == []
    ann = server.person("ann", OFFICER)
    assert ann.get("/v1/customers/c-1")["contacts"][0]["address"] == "+86***00"
    ann.asked("GET", "/v1/lines/nothing", status=404)
    ann.asked("GET", "/v1/lines", status=422)
    forgotten = kim.asked("DELETE", path, headers={"Idempotency-Key": "d-1"}).json()
    assert forgotten["contacts"] == []


def test_preference_set_on_what_has_changed_is_refused_and_refusal_of_automation_reaches_the_tiers(
    server: WorkflowServer,
) -> None:
    kim, ann = server.person("kim", CUSTOMER, customer_id="c-1"), server.person("ann", OFFICER)
    path = "/v1/customers/c-1"
    kim.asked("PATCH", path, {"refuses_automation": True}, status=428)
    kim.asked("PATCH", path, {"refuses_automation": True}, headers={"If-Match": '"0"'})
    kim.asked("PATCH", path, {"refuses_automation": False}, headers={"If-Match": '"0"'}, status=412)
    kim.asked("PATCH", path, {"time_zone": "Mars"}, headers={"If-Match": '"1"'}, status=422)
    event(server, "flagged", "flag")
    (case,) = awaited(lambda: ann.get("/v1/cases", params={"account_id": "a-1"})["items"])
    assert "refused_automation" in case["tier_rules"]
    assert case["facts"]["refused_automation"] is True


def test_notice_that_nobody_took_is_seen_by_an_operator_and_sent_again(
    server: WorkflowServer, mail: Mail
) -> None:
    kim, root = server.person("kim", CUSTOMER, customer_id="c-1"), server.person("root", OPERATOR)
    never_quiet(kim, "c-1")
    kim.post("/v1/customers/c-1/contacts", {"channel": "mail", "address": "kim@mail.test", "consents": True})
    mail.refused = "kim@mail.test"
    kim.post("/v1/lines/a-1/requests", {"limit_cents": 400_000})
    (dead,) = awaited(lambda: root.get("/v1/notices/states")["items"])
    root.asked("GET", f"/v1/notices/{dead['notice_id']}", status=403)
    mail.refused = None
    assert root.post(f"/v1/notices/{dead['notice_id']}/retry")["state"] == "waiting"
    awaited(lambda: len(mail) == 1)
    awaited(lambda: kim.get(f"/v1/notices/{dead['notice_id']}")["state"] == "out")
    root.asked("POST", f"/v1/notices/{dead['notice_id']}/retry", status=422)


def test_restoration_is_proposed_by_one_and_decided_by_another(server: WorkflowServer) -> None:
    ann, bob, chief = (
        server.person(name, role) for name, role in (("ann", OFFICER), ("bob", OFFICER), ("chief", COMMITTEE))
    )
    never_quiet(server.person("kim", CUSTOMER, customer_id="c-1"), "c-1")
    for name in ("ann", "bob"):
        chief.post("/v1/mandates", {"person_id": name, "tier": 2})
    ann.asked("POST", "/v1/lines/a-1/restorations", {}, status=409)
    ann.asked("POST", "/v1/lines/a-1/entries/none/cancel", {"why": "x"}, status=404)
    with work(server.engine.store, SYSTEM, server.clock()) as w:
        planned(w, LimitChange("a-1", "decrease", 1_000_000, 400_000, w.now_us, "risk", "c-1"))
    awaited(lambda: ann.get("/v1/lines/a-1")["limit_cents"] == 400_000)
    case = ann.post("/v1/lines/a-1/restorations", {"limit_cents": 2_000_000})
    assert (case["kind"], case["limit_after_cents"], case["tier_rules"]) == (
        "restoration",
        1_000_000,
        ["raise"],
    )
    assert ann.acted(case["case_id"], "claim", status=409)["rule"] == "four_eyes"
    bob.acted(case["case_id"], "claim")
    bob.acted(case["case_id"], "approve", "behaves well")
    found = awaited(lambda: (line := bob.get("/v1/lines/a-1"))["limit_cents"] == 650_000 and line)
    assert [each["target_cents"] for each in found["planned"]] == [900_000, 1_000_000]
    step = found["planned"][0]["entry_id"]
    assert bob.post(f"/v1/lines/a-1/entries/{step}/cancel", {"why": "new facts"})["state"] == "cancelled"
    assert bob.get("/v1/lines/a-1")["planned"] == []
    kinds = {each["kind"] for each in ann.get("/v1/notices", params={"customer_id": "c-1"})["items"]}
    assert kinds == {"limit_restored_in_steps", "restoration_stopped"}
