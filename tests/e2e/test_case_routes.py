"""Cases, mandates, logins and the audit by HTTP, over a real server and each store."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from limitkeeper.core.access.actors import COMMITTEE, COMPLIANCE, OFFICER, OPERATOR, STRATEGIST
from tests.console_forms import Browser
from tests.workflow_server import PASSWORD, Person, WorkflowServer, awaited, workflow_server


@pytest.fixture
def server(store_url: str, tmp_path: Path) -> Iterator[WorkflowServer]:
    accounts = pl.DataFrame({"account_id": ["a-1"], "limit_cents": [500_000.0]})
    with workflow_server(store_url, tmp_path, accounts) as found:
        yield found


def frozen_case(server: WorkflowServer, officer: Person) -> str:
    """The case of a line that is flagged now."""
    shop = server.service("shop", "events.send")
    now = dt.datetime.fromtimestamp(server.clock() / 1e6, dt.UTC).isoformat()
    event = {"event_id": "v", "account_id": "a-1", "ts": now, "kind": "flag", "reason": "cash-out"}
    assert shop.post("/v1/events", event)["accepted"] == 1
    (case,) = awaited(lambda: officer.get("/v1/cases", params={"is_live": True})["items"])
    return str(case["case_id"])


def test_officer_with_a_mandate_decides_and_everything_stands_in_the_audit(server: WorkflowServer) -> None:
    ann, chief = server.person("ann", OFFICER), server.person("chief", COMMITTEE)
    inspector = server.person("ivy", COMPLIANCE)
    case_id = frozen_case(server, ann)
    refused = ann.acted(case_id, "claim", status=409)
    assert (refused["rule"], refused["title"]) == ("mandate", "Refused by a rule")
    assert refused["detail_zh"]
    given = chief.post("/v1/mandates", {"person_id": "ann", "tier": 2})
    assert [each["person_id"] for each in ann.get("/v1/mandates")["items"]] == ["ann"]
    ann.acted(case_id, "claim")
    assert ann.acted(case_id, "approve", "seen")["state"] == "approved"
    whole = ann.get(f"/v1/cases/{case_id}")
    assert [each["act"] for each in whole["acts"]] == ["open", "claim", "approve"]
    assert chief.post(f"/v1/mandates/{given['mandate_id']}/end")["to_at"]
    assert inspector.get("/v1/audit/verify")["holds"]
    acts = {each["act"] for each in inspector.get("/v1/audit", params={"actor_id": "ann"})["items"]}
    assert {"case.claim", "case.approve", "case.look"} <= acts
    (looked,) = inspector.get("/v1/audit", params={"act": "case.approve"})["items"]
    at = {"act": "case.approve", "from_at": looked["at"]}
    assert inspector.get("/v1/audit", params=at)["items"] == [looked]
    assert inspector.get("/v1/audit", params=at | {"to_at": looked["at"]})["items"] == []
    inspector.asked("GET", "/v1/audit", params={"from_at": "2026-09-30"}, status=422)  # of which zone?
    absent = {"person_id": "ann", "deputy_id": "bob", "days": 3}
    assert chief.post("/v1/absences", absent)["deputy_id"] == "bob"
    (away,) = chief.get("/v1/absences")["items"]
    assert away["person_id"] == "ann"
    own = chief.asked("POST", "/v1/absences", absent | {"deputy_id": "chief"}, status=409).json()
    assert (own["rule"], own["advice_zh"]) == ("four_eyes", "请由其他人员登记。")
    ann.asked("POST", f"/v1/absences/{away['absence_id']}/end", status=403)
    assert chief.post(f"/v1/absences/{away['absence_id']}/end")["version"] == 2
    assert chief.get("/v1/absences")["items"] == []


def test_freeze_whose_case_waits_is_settled_by_that_case_alone(server: WorkflowServer) -> None:
    ann = server.person("ann", OFFICER)
    ann.asked("POST", "/v1/accounts/a-1/freeze/lift", {"words": "Too early."}, status=422)
    case_id = frozen_case(server, ann)
    for act in ("confirm", "lift"):
        path = f"/v1/accounts/a-1/freeze/{act}"
        refused = ann.asked("POST", path, {"words": "I know him."}, status=409).json()
        assert (refused["rule"], refused["value"]) == ("freeze_case", case_id)
        assert refused["advice"] == "Decide on this case."
        assert "案件" in refused["detail_zh"]
        assert refused["advice_zh"] == "请对该案件作出决定。"
    assert ann.get(f"/v1/cases/{case_id}")["is_live"]
    standing = ann.get("/v1/accounts/a-1")["standing"]
    assert (standing["is_frozen"], standing["freeze_is_confirmed"]) == (True, False)
    page = Browser(server, "ann").page("/console/accounts/a-1")
    assert f'href="/console/cases/{case_id}">To the case' in page
    assert "/freeze/" not in page


def told_kinds(customer: Person) -> list[str]:
    return sorted(each["kind"] for each in customer.get("/v1/notices")["items"])


def test_refused_freeze_is_lifted_and_its_customer_told_once(server: WorkflowServer) -> None:
    ann, chief = server.person("ann", OFFICER), server.person("chief", COMMITTEE)
    kim = server.person("kim", customer_id="a-1")
    chief.post("/v1/mandates", {"person_id": "ann", "tier": 2})
    case_id = frozen_case(server, ann)
    awaited(lambda: kim.get("/v1/lines/a-1")["is_frozen"])
    ann.acted(case_id, "claim")
    assert ann.acted(case_id, "refuse", "A mistake of the merchant.")["state"] == "refused"
    awaited(lambda: not kim.get("/v1/lines/a-1")["is_frozen"])
    assert not ann.get("/v1/accounts/a-1")["standing"]["is_frozen"]
    awaited(lambda: "thaw" in [each["action"] for each in kim.get("/v1/lines/a-1")["ledger"]])
    assert told_kinds(kim) == ["freeze_lifted", "line_frozen"]


def test_approved_freeze_is_lifted_by_a_case_that_somebody_else_decides_on(server: WorkflowServer) -> None:
    ann, bob, chief = (
        server.person("ann", OFFICER),
        server.person("bob", OFFICER),
        server.person("chief", COMMITTEE),
    )
    inspector, kim = server.person("ivy", COMPLIANCE), server.person("kim", customer_id="a-1")
    chief.post("/v1/mandates", {"person_id": "ann", "tier": 2})
    case_id = frozen_case(server, ann)
    awaited(lambda: kim.get("/v1/lines/a-1")["is_frozen"])
    ann.acted(case_id, "claim")
    ann.acted(case_id, "approve", "Seen.")
    awaited(lambda: ann.get("/v1/accounts/a-1")["standing"]["freeze_is_confirmed"])
    path, said = "/v1/accounts/a-1/freeze/lift", "He paid the merchant back."
    assert ann.asked("POST", path, status=409).json()["rule"] == "reason"
    browser = Browser(server, "ann")
    browser.sent(browser.page("/console/accounts/a-1"), path, words=said)
    (case,) = ann.get("/v1/cases", params={"is_live": True})["items"]
    lift_id = case["case_id"]
    assert (case["action"], case["tier_rules"], case["exposure_cents"]) == ("thaw", ["thaw"], 500_000)
    assert f'href="/console/cases/{lift_id}">To the case' in browser.page("/console/accounts/a-1")
    refused = bob.asked("POST", path, {"words": said}, status=409).json()
    assert (refused["rule"], refused["value"]) == ("freeze_case", lift_id)
    assert ann.acted(lift_id, "claim", status=409)["rule"] == "four_eyes"
    small = chief.post("/v1/mandates", {"person_id": "bob", "tier": 2, "exposure_cents_max": 499_999})
    assert bob.acted(lift_id, "claim", status=409)["rule"] == "mandate"
    chief.post(f"/v1/mandates/{small['mandate_id']}/end")
    chief.post(
        "/v1/mandates", {"person_id": "bob", "tier": 2, "actions": ["thaw"], "exposure_cents_max": 500_000}
    )
    assert kim.get("/v1/lines/a-1")["is_frozen"]
    bob.acted(lift_id, "claim")
    assert bob.acted(lift_id, "approve", "So it is.")["state"] == "approved"
    awaited(lambda: not kim.get("/v1/lines/a-1")["is_frozen"])
    assert told_kinds(kim) == ["freeze_confirmed", "freeze_lifted", "line_frozen"]
    ann.asked("POST", path, {"words": said}, status=422)
    assert [(each["act"], each["words"]) for each in ann.get(f"/v1/cases/{lift_id}")["acts"]] == [
        ("open", ""), ("comment", said), ("claim", ""), ("approve", "So it is."),
    ]  # fmt: skip
    assert inspector.get("/v1/audit/verify")["holds"]


def test_act_on_what_has_changed_is_refused_and_one_sent_again_is_done_once(server: WorkflowServer) -> None:
    ann, chief = server.person("ann", OFFICER), server.person("chief", COMMITTEE)
    chief.post("/v1/mandates", {"person_id": "ann", "tier": 2})
    case_id = frozen_case(server, ann)
    path = f"/v1/cases/{case_id}/claim"
    assert ann.asked("POST", path, status=428).json()["allowed"]
    ann.asked("POST", path, headers={"If-Match": "x"}, status=422)
    once = {"If-Match": '"1"', "Idempotency-Key": "k-1"}
    first = ann.asked("POST", path, headers=once)
    again = ann.asked("POST", path, headers=once)
    assert (first.json(), first.headers["etag"]) == (again.json(), again.headers["etag"])
    assert first.headers["etag"] == '"2"'
    ann.asked("POST", path, headers={"If-Match": '"1"'}, status=412)
    other = f"/v1/cases/{case_id}/release"
    assert "another request" in ann.asked("POST", other, headers=once, status=422).json()["detail"]
    assert len(ann.get(f"/v1/cases/{case_id}")["acts"]) == 2


def test_nobody_acts_without_login_right_or_session(server: WorkflowServer) -> None:
    nobody, sam = server.nobody(), server.person("sam", STRATEGIST)
    for path in ("/v1/cases", "/v1/me", "/v1/audit", "/v1/alerts", "/metrics"):
        assert nobody.asked("GET", path, status=401).headers["www-authenticate"] == "Bearer"
    nobody.asked("POST", "/v1/events", {}, status=401)
    nobody.asked("POST", "/v1/login", {"person_id": "sam", "password": "wrong one"}, status=401)
    assert sam.get("/v1/me")["person_id"] == "sam"
    assert "case.read" in sam.get("/v1/me")["acts"]
    assert server.service("shop", "events.send").get("/v1/me")["roles"] == ["service"]
    sam.asked("GET", "/v1/audit", status=403)
    sam.asked("POST", "/v1/mandates", {"person_id": "sam", "tier": 2}, status=403)
    sam.asked("POST", "/v1/cases/none/claim", status=403)
    sam.asked("GET", "/v1/cases/none", status=404)
    sam.post("/v1/logout")
    sam.asked("GET", "/v1/cases", status=401)
    assert nobody.asked("GET", "/healthz", status=200)


def test_pages_of_cases_follow_each_other_without_gap_or_repetition(server: WorkflowServer) -> None:
    ann = server.person("ann", OFFICER)
    shop = server.service("shop", "events.send", "accounts.state")
    names = [f"p-{k}" for k in range(7)]
    shop.post("/v1/accounts", [{"account_id": name, "limit_cents": 100_000} for name in names])
    now = dt.datetime.fromtimestamp(server.clock() / 1e6, dt.UTC).isoformat()
    flags = [{"event_id": f"f-{name}", "account_id": name, "ts": now, "kind": "flag"} for name in names]
    assert shop.post("/v1/events", flags)["accepted"] == 7
    awaited(lambda: len(ann.get("/v1/cases")["items"]) == 7)
    seen, cursor = [], None
    while True:
        query = {"limit": 3} | ({"cursor": cursor} if cursor else {})
        found = ann.get("/v1/cases", params=query)
        seen += [each["account_id"] for each in found["items"]]
        cursor = found["next"]
        if cursor is None:
            break
    assert sorted(seen) == names
    for bad in ("x", "W10", "WyJhIiwgMV0", "WzFlNDAwLCJhIl0"):
        ann.asked("GET", "/v1/cases", params={"cursor": bad}, status=422)


def test_operator_lets_people_and_services_in_and_ends_them(server: WorkflowServer) -> None:
    chief = server.person("root", OPERATOR)
    new = {"person_id": "dan", "roles": [OFFICER], "password": PASSWORD}
    assert chief.post("/v1/people", new)["has_password"]
    chief.asked("POST", "/v1/people", new, status=422)
    dan = server.logged_in("dan")
    dan.asked("GET", "/v1/people", status=403)
    dan.asked("POST", "/v1/people/root/password", {"password": PASSWORD}, status=403)
    chief.post("/v1/people/dan/roles", {"roles": [COMMITTEE]})
    assert dan.post("/v1/people/dan/password", {"password": PASSWORD + "!"})["person_id"] == "dan"
    chief.asked("POST", "/v1/people/root/roles", {"roles": [COMPLIANCE]}, status=403)
    assert [each["person_id"] for each in chief.get("/v1/people")["items"]] == ["dan", "root"]
    assert not chief.post("/v1/people/dan/unlock")["is_locked"]
    assert not chief.post("/v1/people/dan/end")["is_active"]
    made = chief.post("/v1/keys", {"service_id": "bank", "scopes": ["events.send"], "days": 1})
    assert made["key"].startswith("lk_")
    chief.asked("POST", "/v1/keys", {"service_id": "bank", "scopes": ["case.act"], "days": 1}, status=422)
    assert [each["service_id"] for each in chief.get("/v1/keys")["items"]] == ["bank"]
    assert chief.post("/v1/keys/bank/end") == {"service_id": "bank", "ended": 1}
