"""What the console's pages are drawn from, over a real server with a model: the overview and the views of an account."""

import datetime as dt
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import sqlalchemy as sa

from limitkeeper.app.limits import LimitChange, planned
from limitkeeper.app.notices import written
from limitkeeper.core.access.actors import COMPLIANCE, CUSTOMER, OFFICER, OPERATOR, STRATEGIST, SYSTEM
from limitkeeper.core.behaviour.events import DAY_US
from limitkeeper.core.notice.notice import NoticeFacts
from limitkeeper.store.audit_tables import shown_accounts
from limitkeeper.store.limit_tables import limit_entries
from limitkeeper.store.work import work
from tests.live_model import live_model
from tests.vaults import SEAL
from tests.workflow_server import Person, WorkflowServer, awaited, workflow_server

LINES = ("a-1", "a-2", "a-3", "a-4")
LIMIT_CENTS = 1_000_000
OUT = {"state": "out"}


@dataclass
class Bank:
    """A server whose lines have spent, of which one is flagged, and who asks it."""

    server: WorkflowServer
    people: dict[str, Person]

    def moment(self, days_ago: float = 0.0) -> str:
        us = self.server.clock() - int(days_ago * DAY_US)
        return dt.datetime.fromtimestamp(us / 1e6, dt.UTC).isoformat()


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bank]:
    folder: Path = tmp_path_factory.mktemp("overview")
    accounts = pl.DataFrame({"account_id": LINES, "customer_id": ["c-1", "c-1", "c-2", "c-2"],
                             "limit_cents": [float(LIMIT_CENTS)] * len(LINES)})  # fmt: skip
    url = f"sqlite:///{folder}/store.db"
    with workflow_server(url, folder, accounts, model=live_model()) as server:
        people = {role: server.person(role, role) for role in (COMPLIANCE, OFFICER, OPERATOR, STRATEGIST)}
        people["till"] = server.service("till", "events.send", "accounts.read")
        found = Bank(server, people)
        lived(found)
        yield found


def lived(bank: Bank) -> None:
    """Spending and a bill of each line, a device that two share, and a flag on the first."""
    events = [
        event(bank, line, days, "purchase", amount=(k + 1) * 50_000, device_id=f"d-{max(k, 1)}")
        for k, line in enumerate(LINES)
        for days in (40, 20, 10, 5)
    ]
    bill = {"paid": 0, "minimum_due": 10_000, "days_past_due": 0}
    events += [event(bank, line, 9, "bill", amount=(k + 1) * 100_000, **bill) for k, line in enumerate(LINES)]
    events.append(event(bank, "a-1", 0, "flag", reason="cash-out"))
    events.sort(key=lambda each: each["ts"])
    assert bank.people["till"].post("/v1/events", events)["accepted"] == len(events)
    path = "/v1/accounts/a-1/timeline"  # until the case is opened and the ledger has the freeze

    def states() -> list[str]:
        items = bank.people[OFFICER].get(path, params={"kind": ["case", "limit"]})["items"]
        return sorted(each["state"] for each in items)

    awaited(lambda: states() == ["effective", "effective", "open"])


def event(bank: Bank, line: str, days_ago: float, kind: str, **more: object) -> dict[str, Any]:
    name = f"{line}-{kind}-{days_ago}"
    return {"event_id": name, "account_id": line, "ts": bank.moment(days_ago), "kind": kind, **more}


def of(rows: list[dict[str, Any]], **wanted: object) -> dict[str, Any]:
    """The only row that has some values."""
    (found,) = (row for row in rows if wanted.items() <= row.items())
    return found


def test_overview_tells_everybody_inside_what_waits_and_what_is_new(bank: Bank) -> None:
    for role in (OFFICER, OPERATOR, STRATEGIST):
        found = bank.people[role].get("/v1/overview")
    violations = of(found["alerts"], trigger="suspected_violation")
    counts = ("open", "current", "last_day", "day_before")
    assert [violations[name] for name in counts] == [1, 1, 1, 0]
    freezes = of(found["proposals"], action="freeze")
    assert (freezes["open"], freezes["last_day"]) == (1, 1)
    second = of(found["cases"], tier=2)
    assert (second["open"], second["past_reminder"], second["due_within_day"]) == (1, 0, 1)
    (case,) = bank.people[OFFICER].get("/v1/cases")["items"]
    assert second["soonest_due_at"] == case["due_at"]
    assert found["appeals"] == {"open": 0, "due_within_day": 0, "soonest_due_at": None}
    assert found["notices"] == {"undelivered": 0}
    frozen = of(found["limits"], action="freeze")
    assert (frozen["last_day"], frozen["day_before"], frozen["change_last_day_cents"]) == (1, 0, 0)
    assert found["events"]["accepted"] == 21
    bank.people["till"].asked("GET", "/v1/overview", status=403)


def test_alert_that_was_not_seen_in_the_quiet_days_is_over(bank: Bank) -> None:
    officer, since = bank.people[OFFICER], bank.moment(days_ago=7)
    now, over = {"current": "true"}, {"current": "false"}
    found = [
        officer.get("/v1/alerts", params=given) for given in ({}, now, over, now | {"account_id": "a-1"})
    ]
    seen = [{each["alert_id"]: each["seen_at"] >= since for each in rows} for rows in found]
    assert set(seen[1].values()) == {True}
    assert set(seen[2].values()) <= {False}
    assert seen[1] | seen[2] == seen[0]
    assert 0 < len(seen[3]) <= len(seen[1])


def test_portfolio_has_a_value_and_a_map_of_all_accounts(bank: Bank) -> None:
    portfolio = bank.people[OFFICER].get("/v1/overview")["portfolio"]
    assert (portfolio["accounts"], portfolio["sampled_accounts"]) == (len(LINES), len(LINES))
    assert portfolio["missing"] is None
    assert portfolio["limit_cents"] == LIMIT_CENTS * len(LINES)
    assert portfolio["balance_cents"] == 4 * 50_000 * (1 + 2 + 3 + 4)
    assert portfolio["ead_cents"] > portfolio["expected_loss_cents"] > 0
    assert sum(map(sum, portfolio["grid"]["accounts"])) == len(LINES)


def test_other_limits_of_a_line_are_valued_around_its_own(bank: Bank) -> None:
    officer = bank.people[OFFICER]
    grid = officer.get("/v1/accounts/a-4/economics")
    assert (grid["missing"], grid["is_frozen"], grid["now"]["limit_cents"]) == (None, False, LIMIT_CENTS)
    limits = [each["limit_cents"] for each in grid["limits"]]
    assert (limits[0], limits[10], limits[-1], len(limits)) == (0, LIMIT_CENTS, 2 * LIMIT_CENTS, 21)
    assert grid["limits"][10] == grid["now"]
    for name in ("ead_cents", "expected_loss_cents", "economic_capital_cents"):
        figures = [each[name] for each in grid["limits"]]
        assert figures == sorted(figures)
        assert figures[0] < figures[-1]
    asked = officer.get("/v1/accounts/a-4/economics", params={"limit_cents": [LIMIT_CENTS, 300_000]})
    assert asked["limits"][0] == grid["now"]
    assert asked["limits"][1] == grid["limits"][3]


def test_value_of_the_portfolio_is_that_of_its_accounts(bank: Bank) -> None:
    officer = bank.people[OFFICER]
    portfolio = officer.get("/v1/overview")["portfolio"]
    now = [officer.get(f"/v1/accounts/{line}/economics")["now"] for line in LINES]
    for name in ("ead_cents", "expected_loss_cents", "economic_profit_cents"):
        assert portfolio[name] == pytest.approx(sum(each[name] for each in now), abs=len(LINES))


def test_limits_that_are_none_or_too_many_are_refused(bank: Bank) -> None:
    officer, path = bank.people[OFFICER], "/v1/accounts/a-4/economics"
    officer.asked("GET", path, params={"limit_cents": [-1]}, status=422)
    officer.asked("GET", path, params={"limit_cents": list(range(65))}, status=422)
    officer.asked("GET", "/v1/accounts/nobody/economics", status=404)
    bank.people[OPERATOR].asked("GET", path, status=403)


def test_account_is_compared_with_its_own_past_and_with_its_peers(bank: Bank) -> None:
    found = bank.people[OFFICER].get("/v1/accounts/a-4/comparison")
    assert (found["product"], found["peers"]["accounts"]) == ("purchase", len(LINES))
    assert [each["missing"] and each["missing"]["code"] for each in found["past"]] == [None, "not_opened"]
    used = of(found["features"], name="utilisation")
    assert (used["now"], used["days_30_ago"], used["days_90_ago"]) == (0.8, 0.2, None)
    assert (used["label"].startswith("Balance"), used["label_zh"].startswith("余额")) == (True, True)
    assert used["peers"]["p50"] == pytest.approx(0.5)
    assert used["peers"]["p10"] < used["peers"]["p90"] <= used["now"]
    assert of(found["features"], name="refund_share_90d")["peers"] == {
        f"p{k}": 0.0 for k in (10, 25, 50, 75, 90)
    }
    assert len(found["features"]) == 12


def test_relations_of_an_account_are_a_picture_of_who_shares_what(bank: Bank) -> None:
    found = bank.people[OFFICER].get("/v1/accounts/a-1/relations")
    assert found["missing"] is None
    assert [(each["account_id"], each["hops"]) for each in found["nodes"]] == [("a-1", 0), ("a-2", 1)]
    assert found["nodes"][0]["is_frozen"]
    (edge,) = found["edges"]
    assert {edge["first"], edge["second"]} == {"a-1", "a-2"}
    (by,) = edge["by"]
    assert (by["kind"], by["shared_ids"], by["seen_on"]) == ("device", 1, bank.moment(5)[:10])
    alone = bank.people[OFFICER].get("/v1/accounts/a-4/relations")
    assert ([each["account_id"] for each in alone["nodes"]], alone["edges"]) == (["a-4"], [])
    assert alone["linked_accounts"] == 0


def whole_timeline(person: Person, line: str, size: int, **more: object) -> list[dict[str, Any]]:
    """Everything on an account's axis, page by page."""
    found, cursor = list[dict[str, Any]](), None
    while True:
        given = {"limit": size, **more} | ({"cursor": cursor} if cursor else {})
        page = person.get(f"/v1/accounts/{line}/timeline", params=given)
        assert len(page["items"]) <= size
        found += page["items"]
        cursor = page["next"]
        if cursor is None:
            return found


def places(items: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    """Which they are; what becomes of them goes on meanwhile."""
    return [(each["at"], each["kind"], each["id"]) for each in items]


def test_timeline_has_everything_of_an_account_once_and_the_newest_first(bank: Bank) -> None:
    officer = bank.people[OFFICER]
    with work(bank.server.engine.store, SYSTEM, bank.server.clock()) as w:
        soon_us = w.now_us + 3 * DAY_US
        for target in (900_000, 600_000):
            planned(
                w, LimitChange("a-1", "decrease", LIMIT_CENTS, target, soon_us, "risk", customer_id="c-1")
            )
        written(w, SEAL, "c-1", "a-1", NoticeFacts("freeze_lifted", "**** a-1", "¥"), "en")
    items = officer.get("/v1/accounts/a-1/timeline", params={"limit": 500})["items"]
    for size in (1, 3, 7):
        assert places(whole_timeline(officer, "a-1", size)) == places(items)
    times = [each["at"] for each in items]
    assert times == sorted(times, reverse=True)
    kinds = Counter(each["kind"] for each in items)
    assert kinds == {"event": 5, "bill": 1, "alert": 1, "proposal": 1, "case": 1, "notice": 2, "limit": 4}
    assert [(each["kind"], each["state"]) for each in items[:2]] == [("limit", "planned")] * 2
    opened = of(items, kind="limit", what="open")
    assert (opened["limit_before_cents"], opened["limit_after_cents"]) == (0, LIMIT_CENTS)
    bill = of(items, kind="bill")
    assert (bill["amount_cents"], bill["paid_cents"], bill["days_past_due"]) == (100_000, 0, 0)
    spent = [each["amount_cents"] for each in items if each["what"] == "purchase"]
    assert spent == [50_000] * 4
    assert [each["at"][:10] for each in items if each["what"] == "purchase"] == [
        bank.moment(days)[:10] for days in (5, 10, 20, 40)
    ]
    some = whole_timeline(officer, "a-1", 2, kind=["bill", "alert"])
    assert places(some) == places([each for each in items if each["kind"] in ("bill", "alert")])


def test_timeline_leaves_out_what_its_reader_may_not_read_and_says_so(bank: Bank) -> None:
    path = "/v1/accounts/a-1/timeline"
    found = bank.people[STRATEGIST].get(path, params={"limit": 500})
    assert found["left_out"] == ["appeal", "limit", "notice"]
    assert not {"appeal", "limit", "notice"} & {each["kind"] for each in found["items"]}
    key = bank.people["till"].get(path, params={"limit": 500})  # a key without any other scope
    assert {each["kind"] for each in key["items"]} == {"event", "bill"}
    bank.people[OPERATOR].asked("GET", path, status=403)
    officer = bank.people[OFFICER]
    assert officer.get(path)["left_out"] == []
    officer.asked("GET", path, params={"kind": "bils"}, status=422)
    officer.asked("GET", path, params={"cursor": "WyJhLTciXQ"}, status=422)
    officer.asked("GET", "/v1/accounts/nobody/timeline", status=404)


def test_each_side_of_an_account_that_is_looked_at_leaves_who_looked(bank: Bank) -> None:
    officer, path = bank.people[OFFICER], "/v1/accounts/a-3"
    views = ("portrait", "economics", "comparison", "relations", "timeline")
    for view in views:
        officer.get(path if view == "portrait" else f"{path}/{view}")
    bank.people["till"].get(path)
    events = noted(bank, subject="account:a-3", act="account.look")
    looked = [(each["actor_id"], each["detail"]["view"]) for each in events]
    assert looked[:6] == [("till", "portrait"), *((OFFICER, view) for view in reversed(views))]
    officer.asked("GET", "/v1/accounts/nobody", status=404)
    officer.asked("GET", "/v1/accounts/nobody/relations", status=404)
    assert noted(bank, subject="account:nobody") == []


def test_alert_that_is_looked_at_and_acknowledged_leaves_who_did_it(bank: Bank) -> None:
    officer = bank.people[OFFICER]
    alert, proposal = officer.get("/v1/alerts")[0], officer.get("/v1/proposals")[0]
    path = f"/v1/alerts/{alert['alert_id']}"
    officer.get(path)
    bank.people[STRATEGIST].asked("POST", f"{path}/acknowledge", status=403)
    assert officer.post(f"{path}/acknowledge")["status"] == "acknowledged"
    acts = [(each["act"], each["actor_id"], each["detail"]["account"]) for each in
            noted(bank, subject=f"alert:{alert['alert_id']}")]  # fmt: skip
    assert acts == [("alert.acknowledge", OFFICER, "a-1"), ("alert.look", OFFICER, "a-1")]
    officer.get(f"/v1/proposals/{proposal['proposal_id']}")
    (event,) = noted(bank, subject=f"proposal:{proposal['proposal_id']}", act="proposal.look")
    assert (event["actor_id"], event["detail"]["account"]) == (OFFICER, proposal["account_id"])
    assert bank.people[COMPLIANCE].get("/v1/audit/verify")["holds"]


def test_page_of_a_list_leaves_one_look_with_how_many_accounts_it_showed(bank: Bank) -> None:
    strategist = bank.people[STRATEGIST]
    shown = {"alert": strategist.get("/v1/alerts"), "proposal": strategist.get("/v1/proposals"),
             "case": strategist.get("/v1/cases")["items"]}  # fmt: skip
    strategist.get("/v1/alerts")  # a screen that refreshes itself: the same look
    strategist.get("/v1/alerts", params={"account_id": "nobody"})
    with strategist.client.stream("GET", "/v1/stream"):
        pass
    for kind, rows in shown.items():
        (event,) = noted(bank, actor_id=STRATEGIST, act=f"{kind}.list")
        accounts = len({each["account_id"] for each in rows})
        purpose = "case_handling" if kind == "case" else "account_management"
        assert (event["subject"], event["detail"]) == (
            f"list:{kind}", {"accounts": accounts, "purpose": purpose},
        )  # fmt: skip
    (event,) = noted(bank, actor_id=STRATEGIST, act="stream.look")
    assert (event["subject"], event["detail"]) == (
        "stream:findings", {"purpose": "account_management"},
    )  # fmt: skip
    assert bank.people[COMPLIANCE].get("/v1/audit/verify")["holds"]


def test_list_of_what_is_asked_stuck_or_was_done_leaves_whose_accounts_it_showed(bank: Bank) -> None:
    officer, operator, ivy = (bank.people[role] for role in (OFFICER, OPERATOR, COMPLIANCE))
    officer.get("/v1/accounts/a-3")
    store, account_id = bank.server.engine.store, shown_accounts.c.account_id
    request = ivy.post("/v1/rights-requests", {"kind": "explain", "customer_id": "c-2"})
    bank.server.let_in("login of c-2", CUSTOMER, customer_id="c-2")
    with work(store, SYSTEM, bank.server.clock()) as w:
        w.send("freezes", "f-1", {"freeze_lifted": "a-4"}, due_us=bank.server.clock() + DAY_US)
        of_freeze = limit_entries.update().where(limit_entries.c.action == "freeze")
        w.connection.execute(of_freeze.values(bank_state="told"))
    appeal = officer.post("/v1/appeals", {"account_id": "a-1", "text": "I was abroad"})
    awaited(lambda: [each for each in operator.get("/v1/notices/states", params=OUT)["items"]
                     if each["account_id"] == "a-1"])  # fmt: skip
    seen = {
        "rights.list": (
            ivy,
            "/v1/rights-requests",
            {"customer_id": "c-2"},
            ["a-3", "a-4"],
            "request_handling",
        ),
        "appeal.list": (ivy, "/v1/appeals", {"customer_id": "c-1"}, ["a-1"], "oversight"),
        "bank.list": (operator, "/v1/bank/commands", {"state": "told"}, ["a-1"], "operation"),
        "outbox.list": (operator, "/v1/outbox", {"status": "waiting"}, ["a-4"], "operation"),
        "delivery.list": (operator, "/v1/notices/states", OUT, ["a-1"], "operation"),
        "person.list": (operator, "/v1/people", {}, ["a-3", "a-4"], "operation"),
        "audit.list": (ivy, "/v1/audit", {"subject": "account:a-3"}, ["a-3"], "oversight"),
    }
    told = {name: who.get(path, params=given) for name, (who, path, given, *_) in seen.items()}
    assert told["rights.list"]["items"][0]["request_id"] == request["request_id"]
    assert told["appeal.list"]["items"][0]["appeal_id"] == appeal["appeal_id"]
    for name, (who, _, _, accounts, purpose) in seen.items():
        events = noted(bank, act=name, actor_id=COMPLIANCE if who is ivy else OPERATOR)
        shown = {
            each["number"]: store.rows(sa.select(account_id).where(shown_accounts.c.number == each["number"]))
            for each in events
        }
        for each in events:
            assert each["detail"] == {"accounts": len(shown[each["number"]]), "purpose": purpose}, name
        # Messages and notices go on meanwhile, and whoever reads the audit here has looked at it before.
        assert any(set(accounts) <= {row["account_id"] for row in rows} for rows in shown.values()), name
    assert ivy.get("/v1/audit/verify")["holds"]


def noted(bank: Bank, **wanted: str) -> list[dict[str, Any]]:
    """Audit events, the newest first."""
    found: list[dict[str, Any]] = bank.people[COMPLIANCE].get("/v1/audit", params=wanted)["items"]
    return found
