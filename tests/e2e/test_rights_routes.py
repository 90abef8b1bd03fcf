"""Persons' rights by HTTP, over a real server: requests and their clock, copies, erasure, consents, aggregates."""

import datetime as dt
import json
import secrets
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import sqlalchemy as sa

from limitkeeper.app.approval_policy import approval_policy
from limitkeeper.app.campaign_rows import rows_taken
from limitkeeper.app.campaigns import Proposal, proposed, standing_of
from limitkeeper.app.cases import case_withdrawn
from limitkeeper.app.verification import evidence_verified
from limitkeeper.core.access.actors import COMMITTEE, COMPLIANCE, CUSTOMER, OFFICER, STRATEGIST, Actor
from limitkeeper.core.behaviour.events import DAY_US
from limitkeeper.engines.embedded.snapshot import snapshots_read
from limitkeeper.engines.embedded.state import LiveState
from limitkeeper.store.appeal_tables import appeals
from limitkeeper.store.entries import entry_table
from limitkeeper.store.schema import metadata
from limitkeeper.store.sql import Store
from limitkeeper.store.tables import outbox
from limitkeeper.store.work import work
from tests.simulated_accounts import campaign_rows
from tests.workflow_server import Person, WorkflowServer, awaited, workflow_server

ADDRESS, BACKUP = "lou.li@mail.test", "backup.db"
LINE, OLD_LINE = "line-of-rae", "line-of-lou"
RAE, LOU = (f"{name}-{secrets.token_hex(4)}" for name in ("rae", "lou"))
"""Whose lines are closed; the vault is shared with other tests, so that nobody is called as another's customer."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkflowServer]:
    folder: Path = tmp_path_factory.mktemp("rights")
    accounts = pl.DataFrame(
        {"account_id": [LINE, OLD_LINE], "customer_id": [RAE, LOU], "limit_cents": [1_000_000.0] * 2}
    )
    with workflow_server(f"sqlite:///{folder}/store.db", folder, accounts) as found:
        for name, role in (("ivy", COMPLIANCE), ("ann", OFFICER), ("max", COMMITTEE)):
            found.let_in(name, role)
        yield found


@pytest.fixture
def ivy(server: WorkflowServer) -> Person:
    """Of compliance."""
    return server.session("ivy")


@pytest.fixture
def kim_id() -> str:
    return f"kim-{secrets.token_hex(4)}"


@pytest.fixture
def kim(server: WorkflowServer, kim_id: str) -> Person:
    """A customer of whom a telephone number is known."""
    server.let_in(f"login of {kim_id}", CUSTOMER, customer_id=kim_id)
    found = server.session(f"login of {kim_id}")
    sms = {"channel": "sms", "address": "+8613912345678", "consents": True}
    found.post(f"/v1/customers/{kim_id}/contacts", sms)
    version = {"If-Match": found.asked("GET", f"/v1/customers/{kim_id}").headers["etag"]}
    awake = {"quiet_from_hour": 0, "quiet_to_hour": 0}  # whenever the tests run
    found.asked("PATCH", f"/v1/customers/{kim_id}", awake, headers=version)
    return found


def made(person: Person, kind: str, **more: object) -> str:
    return str(person.post("/v1/rights-requests", {"kind": kind, **more})["request_id"])


def acted(
    person: Person, request_id: str, act: str, words: str | None = None, *, status: int = 200, **more: str
) -> Any:
    """What an act on a request as it is now answers."""
    path = f"/v1/rights-requests/{request_id}"
    headers = {"If-Match": person.asked("GET", path).headers["etag"], **more}
    said = None if words is None else {"words": words}
    return person.asked("POST", f"{path}/{act}", said, status=status, headers=headers).json()


def test_customer_asks_for_and_takes_his_own_copy_which_answers_his_request(
    server: WorkflowServer, kim: Person, kim_id: str, ivy: Person
) -> None:
    asked = kim.post("/v1/rights-requests", {"kind": "copy", "words": "all of it, please"})
    assert (asked["state"], asked["customer_id"], "verified_by" in asked) == ("verified", kim_id, False)
    path = f"/v1/rights-requests/{asked['request_id']}"
    answer = kim.asked("GET", f"{path}/copy")
    assert answer.headers["content-disposition"] == 'attachment; filename="personal-data.json"'
    assert answer.headers["cache-control"] == "no-store"
    copy = answer.json()
    assert (copy["customer_id"], copy["made_by"]) == (kim_id, f"login of {kim_id}")
    assert copy["data"]["contacts"][0]["address"] == "+8613912345678"
    assert copy["data"]["rights_acts"][0]["words"] == "all of it, please"
    whole = kim.get(path)
    assert (whole["state"], [each["act"] for each in whole["acts"]]) == ("done", ["make", "answer"])
    assert whole["acts"][1]["outcome"]["contacts"] == 1
    page = kim.asked("GET", f"{path}/copy", params={"format": "html", "language": "zh"})
    assert "我们保存的您的个人信息" in page.text
    assert "+8613912345678" in page.text
    assert page.headers["content-disposition"] == 'attachment; filename="personal-data.html"'
    again = kim.get(f"{path}/copy")
    assert "rights.copy" in [each["act"] for each in again["who_looked"]]
    assert ivy.get(path)["acts"][1]["by"] == f"login of {kim_id}"
    server.clock.forward(31 * DAY_US)
    late = server.session(f"login of {kim_id}").asked("GET", f"{path}/copy", status=409).json()
    assert (late["rule"], late["detail_zh"]) == ("copy_over", "获取副本的期限已过。")


def test_copy_has_the_portrait_and_the_journal_is_a_part_of_its_own(
    server: WorkflowServer, kim: Person, kim_id: str
) -> None:
    bank, line = server.service(f"bank of {kim_id}", "events.send", "accounts.state"), f"line of {kim_id}"
    bank.post(
        "/v1/accounts",
        [{"account_id": line, "customer_id": kim_id, "limit_cents": 900_000}, {"account_id": f"not {line}"}],
    )
    now = dt.datetime.fromtimestamp(server.clock() / 1e6, dt.UTC).isoformat()
    events = [{"event_id": f"{name}-1", "account_id": name, "ts": now, "kind": "purchase", "amount": 12_300,
               "merchant_id": f"shop of {name}"} for name in (line, f"not {line}")]  # fmt: skip
    bank.post("/v1/events", events)
    path = f"/v1/rights-requests/{made(kim, 'copy')}/copy"
    copy = kim.get(path)
    (portrait,), (event,) = copy["data"]["portrait"], copy["data"]["history"]
    assert (portrait["account_id"], portrait["features"]["limit_cents"]) == (line, 900_000)
    assert (event["account_id"], event["what"], event["amount_cents"]) == (line, "purchase", 12_300)
    assert copy["left_out"] == [{"part": "journal", "rows_here": 0, "at": f"{path}/journal"}]
    assert "purchase" in kim.asked("GET", path, params={"format": "html"}).text
    answer = kim.asked("GET", f"{path}/journal")
    assert answer.headers["content-disposition"] == 'attachment; filename="journal.jsonl"'
    first, *rows, last = (json.loads(each) for each in answer.text.splitlines())
    assert (first["customer_id"], first["part"]) == (kim_id, "journal")
    assert [(each["entry"], each["account_id"]) for each in rows] == [("accounts", line), ("events", line)]
    assert (rows[1]["event_id"], rows[1]["merchant_id"]) == (f"{line}-1", f"shop of {line}")
    assert last == {"is_whole": True, "rows": 2}
    server.session("ann").asked("GET", f"{path}/journal", status=403)
    kim.asked("GET", f"{path}/sessions_of_others", status=422)


def test_customer_sees_and_does_nothing_with_the_requests_and_consents_of_another(
    server: WorkflowServer, kim: Person, kim_id: str
) -> None:
    request_id, other = made(kim, "copy"), f"sam-{kim_id}"
    server.let_in(kim_id, CUSTOMER, customer_id=other)  # logs in by the name that is kim's id
    sam, path = server.session(kim_id), f"/v1/rights-requests/{request_id}"
    for where in (
        path,
        f"{path}/copy",
        f"/v1/rights-requests?customer_id={kim_id}",
        f"/v1/customers/{kim_id}/consents",
    ):
        sam.asked("GET", where, status=403)
    sam.asked("POST", "/v1/rights-requests", {"kind": "erase", "customer_id": kim_id}, status=403)
    sam.asked("POST", f"/v1/customers/{kim_id}/consents", {"scope": "bureau", "gives": False}, status=403)
    taken = sam.asked("POST", f"{path}/withdraw", status=409, headers={"If-Match": '"1"'}).json()
    assert taken["rule"] == "own"
    for act in ("verify", "extend", "answer", "partly", "refuse", "erase"):
        sam.asked("POST", f"{path}/{act}", status=403, headers={"If-Match": '"1"'})
    assert sam.get("/v1/rights-requests")["items"] == []
    assert [each["request_id"] for each in kim.get("/v1/rights-requests")["items"]] == [request_id]


def test_request_that_an_officer_brings_is_answered_once_it_is_known_who_asks(
    server: WorkflowServer, ivy: Person, kim: Person, kim_id: str
) -> None:
    ann = server.session("ann")
    ann.asked("POST", "/v1/rights-requests", {"kind": "access"}, status=422)
    request_id = made(ann, "access", customer_id=kim_id, words="asked at the counter")
    path = f"/v1/rights-requests/{request_id}"
    ann.asked("GET", path, status=403)
    unknown = ivy.asked("GET", f"{path}/copy", status=409).json()
    assert (unknown["rule"], unknown["detail_zh"]) == ("identity", "尚未核验请求人身份。")
    assert acted(ivy, request_id, "verify", " ", status=409)["rule"] == "words"
    ivy.asked("POST", f"{path}/verify", {"words": "passport"}, status=428)
    assert acted(ivy, request_id, "verify", "passport seen")["verified_by"] == "ivy"
    stale = ivy.asked(
        "POST", f"{path}/refuse", {"words": "no"}, status=412, headers={"If-Match": '"1"'}
    ).json()
    assert stale["rule"] == "version"
    assert acted(ivy, request_id, "answer", "told by telephone", status=409)["rule"] == "kind"
    refused = acted(ivy, request_id, "refuse", "You had a copy yesterday.")
    assert (refused["state"], refused["is_live"]) == ("refused", False)
    told = kim.get(path)["acts"]
    assert [(each["act"], each["words"]) for each in told] == [
        ("make", "asked at the counter"), ("verify", "passport seen"), ("refuse", "You had a copy yesterday."),
    ]  # fmt: skip
    assert not [each for each in told if "by" in each]


def test_clock_is_extended_once_and_its_customer_reads_why_and_until_when(
    server: WorkflowServer, ivy: Person, kim: Person, kim_id: str
) -> None:
    asked = kim.post("/v1/rights-requests", {"kind": "explain", "words": "all forty of them"})
    path = f"/v1/rights-requests/{asked['request_id']}"
    longer, seen = {"days": 20, "words": "Forty decisions of three years."}, {"If-Match": '"1"'}

    def refused(person: Person, given: dict[str, Any], status: int, version: str = '"1"') -> Any:
        headers = {"If-Match": version}
        return person.asked("POST", f"{path}/extend", given, status=status, headers=headers).json()

    forbidden = [refused(each, longer, 403) for each in (kim, server.session("ann"))]
    assert {each["detail_zh"] for each in forbidden} == {"您无权执行此操作。"}
    assert refused(ivy, longer | {"words": " "}, 409)["rule"] == "words"
    most = ivy.get(path)["extensible_days"]
    assert refused(ivy, longer | {"days": most + 1}, 422)["allowed"] == f"1 to {most}"
    assert not {"extensible_days", "known_accounts"} & set(kim.get(path))
    found = ivy.asked("POST", f"{path}/extend", longer, headers=seen | {"Idempotency-Key": kim_id}).json()
    first, second = (dt.datetime.fromisoformat(each["answer_until_at"]) for each in (asked, found))
    assert (second - first, found["extended_days"]) == (dt.timedelta(days=20), 20)
    again = refused(ivy, longer, 409, '"2"')
    assert (again["rule"], again["detail_zh"]) == ("extended", "请求的答复期限只能延长一次。")
    (notice,) = [each for each in kim.get("/v1/notices")["items"] if each["kind"] == "data_request_extended"]
    assert longer["words"] in kim.get(f"/v1/notices/{notice['notice_id']}")["paragraphs"]
    assert [(each["act"], each["words"]) for each in kim.get(path)["acts"]][1:] == [
        ("extend", longer["words"])
    ]
    server.clock.forward(16 * DAY_US)
    assert not server.session("ivy").get(path)["is_overdue"]
    server.clock.forward(20 * DAY_US)
    assert server.session("ivy").get(path)["is_overdue"]
    late = made(server.session("ann"), "explain", customer_id=kim_id)
    server.clock.forward(16 * DAY_US)
    path = f"/v1/rights-requests/{late}"
    over = refused(server.session("ivy"), longer, 409)
    assert (over["rule"], over["detail_zh"]) == ("clock_over", "答复期限已过，不能再延长。")


def test_request_that_is_answered_in_part_ends_so_and_its_customer_reads_both_parts(
    kim: Person, ivy: Person, kim_id: str
) -> None:
    request_id = made(kim, "correct")
    path, seen = f"/v1/rights-requests/{request_id}", {"If-Match": '"1"'}
    parts = {"words": "Your address is corrected.", "rest": "Your income stays: it was confirmed."}
    for lacking in (parts | {"rest": ""}, {"rest": "x"}, {}):
        assert (
            ivy.asked("POST", f"{path}/partly", lacking, status=409, headers=seen).json()["rule"] == "words"
        )
    wrong = ivy.asked("POST", f"{path}/answer", parts, status=422, headers=seen).json()
    assert wrong["detail_zh"] == "只有部分办理时才说明未予办理的内容。"
    assert ivy.asked("POST", f"{path}/partly", parts, headers=seen).json()["state"] == "partly"
    assert acted(ivy, request_id, "refuse", "all of it", status=409)["rule"] == "state"
    mine = {"customer_id": kim_id, "state": "partly"}
    assert [each["request_id"] for each in ivy.get("/v1/rights-requests", params=mine)["items"]] == [
        request_id
    ]
    *_, last = kim.get(path)["acts"]
    notice = kim.get("/v1/notices")["items"][0]
    assert (last["act"], notice["kind"]) == ("partly", "data_request_partly_answered")
    told = "\n".join(kim.get(f"/v1/notices/{notice['notice_id']}")["paragraphs"])
    assert [text for text in parts.values() if text not in last["words"] or text not in told] == []


def test_person_takes_his_own_request_back_while_it_waits(kim: Person, ivy: Person) -> None:
    request_id = made(kim, "human")
    assert acted(ivy, request_id, "withdraw", status=409)["rule"] == "own"
    assert acted(kim, request_id, "withdraw")["state"] == "withdrawn"
    assert acted(kim, request_id, "withdraw", status=409)["rule"] == "state"


def test_desk_lists_requests_by_their_clock_and_page_by_page(ivy: Person, kim: Person, kim_id: str) -> None:
    first, second, third = (made(kim, kind) for kind in ("explain", "correct", "explain"))
    mine = {"customer_id": kim_id}
    found = ivy.get("/v1/rights-requests", params=mine | {"limit": 2})
    assert [each["request_id"] for each in found["items"]] == [first, second]
    behind = ivy.get("/v1/rights-requests", params=mine | {"limit": 2, "cursor": found["next"]})
    assert ([each["request_id"] for each in behind["items"]], behind["next"]) == ([third], None)
    acted(ivy, first, "answer", "The rule was late_repeatedly.")
    for wanted, there in (({"kind": "explain"}, [first, third]), ({"is_live": True}, [second, third]),
                          ({"state": "done"}, [first])):  # fmt: skip
        found = ivy.get("/v1/rights-requests", params=mine | wanted)
        assert [each["request_id"] for each in found["items"]] == there
    clocks = [each["answer_until_at"] for each in ivy.get("/v1/rights-requests")["items"]]
    assert clocks == sorted(clocks)


def test_erasure_that_retention_bars_is_refused_with_that_reason(server: WorkflowServer, ivy: Person) -> None:
    server.let_in("rae", CUSTOMER, customer_id=RAE)
    server.session("rae").post(f"/v1/lines/{LINE}/requests", {"limit_cents": 0})
    request_id = made(server.session("rae"), "erase")
    bars = server.session("rae").get(f"/v1/rights-requests/{request_id}")["bars"]
    assert "line_open" in [each["code"] for each in bars]
    server.clock.forward(3 * DAY_US)
    rae, ivy = server.session("rae"), server.session("ivy")
    awaited(lambda: rae.get(f"/v1/lines/{LINE}")["is_closed"])
    [bar] = ivy.get(f"/v1/rights-requests/{request_id}")["bars"]
    assert bar["code"] == "retention"
    barred = acted(ivy, request_id, "erase", status=409)
    assert barred["rule"] == "retention"
    assert bar["en"] in barred["detail"]
    assert bar["zh"] in barred["detail_zh"]
    acted(ivy, request_id, "refuse", bar["en"])
    told = rae.get(f"/v1/rights-requests/{request_id}")
    assert (told["state"], told["acts"][-1]["words"], told["bars"]) == ("refused", bar["en"], [])


def test_erased_person_is_gone_and_asks_for_nothing_more(
    server: WorkflowServer, kim: Person, kim_id: str, ivy: Person
) -> None:
    request_id = made(kim, "erase", words="forget me")
    path, key = f"/v1/rights-requests/{request_id}", {"Idempotency-Key": request_id}
    assert acted(ivy, request_id, "answer", "done", status=409)["rule"] == "kind"
    (notice,) = kim.get("/v1/notices")["items"]
    assert (notice["kind"], notice["account_id"]) == ("erasure_announced", None)
    awaited(lambda: not ivy.get(path)["bars"])  # the notice is out
    erased = acted(ivy, request_id, "erase", **key)
    assert erased["state"] == "done"
    assert erased["customer_id"].startswith("erased-")
    again = ivy.asked("POST", f"{path}/erase", headers={"If-Match": '"1"', **key}).json()
    assert again == erased, "sent again, it is answered as the first time"
    whole = ivy.get(path)
    assert [(each["act"], each["words"]) for each in whole["acts"]] == [("make", ""), ("erase", "")]
    assert whole["acts"][1]["outcome"]["contacts"] == 1
    gone = ivy.asked(
        "POST", "/v1/rights-requests", {"kind": "access", "customer_id": kim_id}, status=409
    ).json()
    assert gone["type"].endswith(":erased")
    assert server.nobody().asked(
        "POST", "/v1/login", {"person_id": f"login of {kim_id}", "password": "x"}, status=401
    )
    assert ivy.get("/v1/audit/verify")["holds"]


def test_consent_given_and_withdrawn_shows_as_a_ledger_with_the_words_that_were_shown(
    kim: Person, kim_id: str
) -> None:
    path = f"/v1/customers/{kim_id}/consents"
    before = kim.get(path)
    assert not any(each["holds"] for each in before["scopes"])
    words = next(each for each in before["scopes"] if each["scope"] == "relations")["texts"][0]
    assert words["en"].startswith("I agree that links")
    assert words["zh"].startswith("我同意")
    kim.asked("POST", path, {"scope": "relations", "gives": True}, status=422)
    given = {"scope": "relations", "gives": True, "text_version": words["version"]}
    once = {"Idempotency-Key": "given"}
    stands = kim.post(path, given, headers=once)
    assert kim.post(path, given, headers=once) == stands
    assert [each["scope"] for each in stands["scopes"] if each["holds"]] == ["relations"]
    after = kim.post(path, {"scope": "relations", "gives": False})
    assert not any(each["holds"] for each in after["scopes"])
    kim.asked("POST", path, {"scope": "relations", "gives": False}, status=422)
    ledger = kim.get(path, params={"limit": 1})
    assert [(each["act"], each["text_version"]) for each in ledger["items"]] == [
        ("withdrawn", words["version"])
    ]
    older = kim.get(path, params={"cursor": ledger["next"]})
    assert [each["act"] for each in older["items"]] == ["given"]
    assert older["items"][0]["text_hash"] == ledger["items"][0]["text_hash"]


def test_request_to_withdraw_a_consent_is_done_by_its_answer_and_the_monitor_holds_to_it(
    server: WorkflowServer, ivy: Person, kim: Person, kim_id: str
) -> None:
    path = f"/v1/customers/{kim_id}/consents"
    for scope in ("relations", "bureau"):
        kim.post(path, {"scope": scope, "gives": True, "text_version": "2026-11"})
    request_id = made(kim, "withdraw_consent", words="no links")
    which = {"words": "withdrawn", "scopes": ["relations"]}
    answer = f"/v1/rights-requests/{request_id}/answer"
    assert (
        "Say which" in ivy.asked("POST", answer, {"words": "?"}, status=422, headers={"If-Match": '"1"'}).text
    )
    ivy.asked("POST", answer, which, headers={"If-Match": '"1"'})
    *_, last = kim.get(f"/v1/rights-requests/{request_id}")["acts"]
    assert last["outcome"] == {"relations": "withdrawn"}
    assert [each["scope"] for each in kim.get(path)["scopes"] if each["holds"]] == ["bureau"]
    assert awaited(lambda: kim_id in server.engine.state.unlinked)


def test_aggregate_spends_of_a_budget_that_ends(ivy: Person, kim: Person) -> None:
    pytest.importorskip("opendp")
    wanted = {"from": "2026-01-01", "to": "2026-01-31", "epsilon": 1.5, "segments": ["gold"]}
    once = {"Idempotency-Key": "january"}
    found = ivy.post("/v1/aggregates", wanted, headers=once)
    assert ivy.post("/v1/aggregates", wanted, headers=once) == found
    assert {each["segment"] for each in found["counts"]} == {"gold", None}
    ivy.post("/v1/aggregates", wanted | {"epsilon": 2})
    over = ivy.asked("POST", "/v1/aggregates", wanted, status=422).json()
    assert over["value"] == "3.5 spent, 1.5 asked"
    budget = ivy.get("/v1/aggregates")
    assert (budget["spent"], budget["budget_left"]) == (3.5, 0.5)
    assert [(each["epsilon"], each["by"]) for each in budget["items"]] == [(2, "ivy"), (1.5, "ivy")]
    for days in ({"from": "2026-02-01"}, {"to": "9999-12-31"}):
        assert (
            "days up to today"
            in ivy.asked("POST", "/v1/aggregates", wanted | days, status=422).json()["allowed"]
        )
    kim.asked("GET", "/v1/aggregates", status=403)


def lived_and_closed(server: WorkflowServer) -> tuple[str, str]:
    """Lou's line was frozen, she appealed, withdrew a consent and closed it, and asks to be erased years later.

    The path of her appeal, and her request.
    """
    server.let_in("lou-logs-in", CUSTOMER, customer_id=LOU)
    server.session("max").post("/v1/mandates", {"person_id": "ann", "tier": 2})
    in_a_campaign(server)
    now = dt.datetime.fromtimestamp(server.clock() / 1e6, dt.UTC).isoformat()
    flag = {"event_id": "f", "account_id": OLD_LINE, "ts": now, "kind": "flag", "reason": "cash-out"}
    assert server.service("bank", "events.send").post("/v1/events", flag)["accepted"] == 1
    ann, lou = server.session("ann"), server.session("lou-logs-in")
    (case,) = awaited(lambda: ann.get("/v1/cases", params={"account_id": OLD_LINE})["items"])
    for act in ("claim", "approve"):
        ann.acted(case["case_id"], act, "seen")
    appeal = (
        f"/v1/appeals/{lou.post('/v1/appeals', {'account_id': OLD_LINE, 'text': 'Not me.'})['appeal_id']}"
    )
    lou.asked("POST", f"{appeal}/evidence", files={"file": ("r.txt", b"I paid.", "text/plain")})
    lou.post(f"{appeal}/withdraw")
    lou.post(f"/v1/customers/{LOU}/contacts", {"channel": "mail", "address": ADDRESS, "consents": True})
    version = {"If-Match": lou.asked("GET", f"/v1/customers/{LOU}").headers["etag"]}
    awake = {"quiet_from_hour": 0, "quiet_to_hour": 0}
    lou.asked("PATCH", f"/v1/customers/{LOU}", awake, headers=version)
    for scope, gives in (("bureau", True), ("relations", True), ("relations", False)):
        lou.post(f"/v1/customers/{LOU}/consents", {"scope": scope, "gives": gives, "text_version": "2026-11"})
    awaited(lambda: LOU in server.engine.state.unlinked)
    lou.post(f"/v1/lines/{OLD_LINE}/requests", {"limit_cents": 0})
    server.clock.forward(5 * DAY_US)
    awaited(lambda: server.session("lou-logs-in").get(f"/v1/lines/{OLD_LINE}")["is_closed"])
    awaited(lambda: server.session("ann").get(f"/v1/accounts/{OLD_LINE}")["features"]["limit_cents"] == 0)
    server.clock.forward(2_200 * DAY_US)
    return appeal, made(server.session("lou-logs-in"), "erase")


def in_a_campaign(server: WorkflowServer) -> None:
    """Let Lou's line have been in a campaign that nobody decided on."""
    rows = campaign_rows(1).with_columns(account_id=pl.lit(OLD_LINE), customer_id=pl.lit(LOU))
    with work(server.engine.store, Actor("sue", frozenset({STRATEGIST})), server.clock()) as w:
        taken = rows_taken(rows, standing_of(w, rows["account_id"]), reasons=["product_change"])
        campaign_id = proposed(w, Proposal("autumn", taken, 0), approval_policy())
        case_withdrawn(w, campaign_id, "nobody decided on it")


def named_in_tables(store: Store, marks: tuple[str, ...]) -> list[tuple[str, str]]:
    """Columns that hold one of some texts, and what they hold."""
    return [
        (f"{table.name}.{column}", str(value))
        for table in metadata.sorted_tables
        for row in store.rows(sa.select(table))
        for column, value in row.items()
        if any(mark in str(value) for mark in marks)
    ]


def named_in_files(folder: Path, marks: tuple[str, ...]) -> list[tuple[str, str]]:
    """Files of a server that hold one of some texts, and which; a backup from before aside."""
    files = [each for each in folder.rglob("*") if each.is_file() and each.name != BACKUP]
    assert {"store.db", "snapshot.json"} <= {each.name for each in files}
    return [(each.name, mark) for each in files for mark in marks if mark.encode() in each.read_bytes()]


def test_erasure_leaves_nothing_in_any_table_file_journal_snapshot_log_or_memory_that_leads_back(
    server: WorkflowServer, capfd: pytest.CaptureFixture[str]
) -> None:
    """The last one: it lets years pass."""
    appeal, request_id = lived_and_closed(server)
    ivy = server.session("ivy")
    awaited(lambda: not ivy.get(f"/v1/rights-requests/{request_id}")["bars"])  # the notice is out
    database, accounts = Path(str(server.engine.store.url.database)), len(server.engine.state)
    with sqlite3.connect(database) as opened, sqlite3.connect(database.parent / BACKUP) as copy:
        opened.backup(copy)
    assert acted(server.session("ivy"), request_id, "erase")["state"] == "done"
    told = server.session("ann").get(appeal)
    assert (told["is_erased"], {each["words"] for each in told["acts"]}) == (True, {""})
    file = f"{appeal}/evidence/{told['evidence'][0]['evidence_id']}"
    assert server.session("ann").asked("GET", file, status=409).json()["type"].endswith(":erased")
    store, engine = server.engine.store, server.engine
    awaited(lambda: not store.rows(sa.select(outbox.c.id).where(outbox.c.content.contains(OLD_LINE))))
    marks = (LOU, "lou-logs-in", OLD_LINE, ADDRESS, "Not me.", "I paid.")
    assert named_in_tables(store, marks) == []
    entries = "".join(str(entry_table(each.content).to_dicts()) for each in store.entries_after(0))
    assert [mark for mark in marks if mark in entries] == []
    assert "erased-" in entries
    assert LINE in entries, "of others it is as it was"
    assert LOU not in engine.state.unlinked
    assert (engine.state.number(OLD_LINE), len(engine.state)) == (None, accounts)
    folder = Path(str(store.url.database)).parent
    assert named_in_files(folder, marks) == []
    backup = (folder / BACKUP).read_bytes()
    assert [mark for mark in (ADDRESS, "Not me.", "I paid.") if mark.encode() in backup] == []
    logged = "".join(capfd.readouterr())
    assert [mark for mark in marks if mark in logged] == []
    assert ivy.get("/v1/audit/verify")["holds"]
    found = evidence_verified(store)
    assert (found.faults, found.audit.broken) == ([], None)
    (kept,) = store.rows(sa.select(appeals.c.parties))
    assert [each.startswith("erased-") for each in json.loads(kept["parties"])] == [False, True]
    snapshot = next(iter(snapshots_read(engine.settings.folder)))[1]
    assert snapshot is not None
    again = LiveState.from_arrays(engine.policy.terms, snapshot.shards, snapshot.notes)
    assert sorted(each for shard in again.shards for each in shard.ids) == sorted(
        each for shard in engine.state.shards for each in shard.ids
    )
    again.close()
