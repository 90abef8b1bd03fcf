"""From an event to a limit that has changed and a customer who was told, over a real engine and each store."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
import sqlalchemy as sa

from limitkeeper.app.appeals import AppealDesk, appeal_acted, appeal_submitted
from limitkeeper.app.approval_policy import approval_policy
from limitkeeper.app.cases import case_acted, terms_in_force
from limitkeeper.app.decisions import Effects, effects
from limitkeeper.app.due_changes import effected_due
from limitkeeper.app.erased_ids import ERASE_IDS
from limitkeeper.app.freezes import freezes_followed, settled_by_hand
from limitkeeper.app.limits import entries_of, entry_of
from limitkeeper.app.line_requests import SeenLine
from limitkeeper.app.notice_policy import notice_policy
from limitkeeper.app.notices import contact_added, deliver_notices, is_out
from limitkeeper.app.outbox import deliver_due
from limitkeeper.app.proposal_cases import cases_of_proposals
from limitkeeper.app.told import Told
from limitkeeper.connectors.letters import Letter
from limitkeeper.core.access.actors import CUSTOMER, OFFICER, SYSTEM, Actor
from limitkeeper.core.access.chain import first_break
from limitkeeper.core.approval.refusals import RefusedError
from limitkeeper.core.behaviour.events import DAY_US, NEVER_US
from limitkeeper.core.limits.ledger import Line, line_of
from limitkeeper.engines.embedded.engine import Engine
from limitkeeper.engines.embedded.portrait import portrait
from limitkeeper.engines.embedded.requests import Request
from limitkeeper.shells.feeds.workflow import engine_channel, monitors_look
from limitkeeper.store.audit_tables import audit_events, audit_heads
from limitkeeper.store.case_tables import cases, mandates
from limitkeeper.store.notice_tables import notices
from limitkeeper.store.sql import Store
from limitkeeper.store.tables import outbox, proposals
from limitkeeper.store.work import Work, work
from tests.live_engines import NOW_US, engine, life, sent
from tests.vaults import SEAL

POLICY = approval_policy()
ON_APPROVED = effects(SEAL, notice_policy("CN"))
ANN = Actor("ann", frozenset({OFFICER}))
NOON_US = NOW_US + DAY_US // 6  # in Shanghai


@pytest.fixture
def running(store_url: str, tmp_path: Path) -> Iterator[Engine]:
    found = engine(store_url, tmp_path / "snapshots")
    found.submit(Request("accounts", life().accounts)).result()
    sent(found, life().events)
    with work(found.store, SYSTEM, NOON_US) as w:
        w.add(mandates, {"mandate_id": "m", "person_id": "ann", "tier": 2, "actions": "[]", "cut_cents_max": None,
                         "exposure_cents_max": None, "from_us": 0, "to_us": NEVER_US, "version": 1})  # fmt: skip
    yield found
    found.stop()


def approved(running: Engine, action: str) -> dict:
    """A case that is approved: small cuts by the system, a freeze by an officer."""
    store = running.store
    cases_of_proposals(store, POLICY, NOON_US, ON_APPROVED)
    query = sa.select(cases).where(cases.c.action == action, cases.c.state.in_(("open", "approved")))
    row = store.rows(query.order_by(cases.c.case_id))[0]
    with work(store, SYSTEM, NOON_US) as w:
        contact_added(w, SEAL, row["customer_id"], "mail", "kim@mail.test", 0)
    for version, act in ((1, "claim"), (2, "approve")) if row["state"] == "open" else ():
        with work(store, ANN, NOON_US) as w:
            case_acted(
                w,
                SEAL,
                row["case_id"],
                version,
                act,
                terms_in_force(w, POLICY),
                ON_APPROVED,
                "seen and agreed",
            )
    return row


def test_approved_cut_is_told_first_then_in_force_in_ledger_and_monitor(running: Engine) -> None:
    case, store, mail = approved(running, "decrease"), running.store, list[Letter]()
    effected_due(store, NOON_US + 8 * DAY_US, is_out)
    assert (
        portrait(running, case["account_id"], NOON_US)["features"]["limit_cents"]
        == case["limit_before_cents"]
    )
    assert deliver_notices(store, {"mail": mail.append}, SEAL, lambda: NOON_US)["sent"] == 1
    (letter,) = (each for each in mail if each.address == "kim@mail.test")
    assert "1." in letter.text
    effected_due(store, NOON_US + 9 * DAY_US, is_out)
    with work(store, SYSTEM, NOON_US) as w:
        line = line_of(entry_of(row) for row in entries_of(w, case["account_id"]))
    assert line.limit_cents == case["limit_after_cents"]
    channels = {"engine.event": engine_channel(running), "bank.command": lambda _row, _now: None}
    running.now_us = lambda: NOON_US + 9 * DAY_US
    deliver_due(store, channels.get, running.now_us)
    deliver_due(store, channels.get, running.now_us)
    features = portrait(running, case["account_id"], running.now_us())["features"]
    assert features["limit_cents"] == case["limit_after_cents"]


def flag(running: Engine) -> None:
    """A violation of today, which freezes a line."""
    when = dt.datetime.fromtimestamp(NOW_US / 1e6 - 60, dt.UTC)
    event = {
        "event_id": "flagged",
        "account_id": life().accounts["account_id"][0],
        "ts": when,
        "kind": "flag",
    }
    sent(running, pl.DataFrame([event]))


def test_approved_freeze_is_confirmed_in_the_monitor_and_does_not_lapse(running: Engine) -> None:
    flag(running)
    case = approved(running, "freeze")
    channels = {"engine.event": engine_channel(running), "bank.command": lambda _row, _now: None}
    deliver_due(running.store, channels.get, lambda: NOON_US)
    (row,) = running.store.rows(sa.select(notices).where(notices.c.kind == "line_frozen"))
    assert row["account_id"] == case["account_id"]
    query = sa.select(outbox.c.status).where(outbox.c.subject == case["case_id"])
    assert [each["status"] for each in running.store.rows(query)] == ["sent"]
    later_us = NOW_US + 10 * DAY_US
    running.submit(Request("tick", pl.DataFrame({"as_of_us": [later_us]}))).result()
    assert portrait(running, case["account_id"], later_us)["standing"]["frozen_since"] is not None


def test_rows_that_the_monitor_wrote_before_it_knew_of_an_erasure_are_renamed_once_it_does(
    running: Engine,
) -> None:
    flag(running)
    account, query = life().accounts["account_id"][0], sa.select(proposals.c.account_id)
    assert account in {row["account_id"] for row in running.store.rows(query)}
    with work(running.store, SYSTEM, NOON_US) as w:
        w.send("engine.event", "x", {ERASE_IDS: {account: "erased-0123456789abcdef"}})
    deliver_due(running.store, {"engine.event": engine_channel(running)}.get, lambda: NOON_US)
    found = {row["account_id"] for row in running.store.rows(query)}
    assert (account in found, "erased-0123456789abcdef" in found) == (False, True)


def test_monitor_knows_of_an_open_appeal_until_it_is_withdrawn_however_late_it_is_told(
    running: Engine,
) -> None:
    case, store = approved(running, "decrease"), running.store
    account, desk = case["account_id"], AppealDesk(ON_APPROVED, POLICY)
    kim = Actor("kim", frozenset({CUSTOMER}), case["customer_id"])

    def told() -> float | None:
        deliver_due(store, {"engine.event": engine_channel(running)}.get, lambda: NOON_US)
        look = monitors_look(running)(account)
        assert look is not None
        return look["inputs"]["has_open_appeal"]

    assert told() is None
    with work(store, kim, NOON_US) as w:
        appeal_id = appeal_submitted(w, desk, case["case_id"], account, "I paid on time.")
    assert told() == 1
    (first,) = store.rows(sa.select(outbox).where(outbox.c.subject == appeal_id))
    with work(store, kim, NOON_US) as w:
        appeal_acted(w, desk, appeal_id, 1, "withdraw")
    assert told() == 0
    engine_channel(running)(first, NOON_US)
    assert told() == 0


def customer_of(account: str) -> str:
    rows = life().accounts.filter(pl.col("account_id") == account)
    return str(rows["customer_id"][0]) if "customer_id" in rows.columns else account


def test_freeze_of_the_monitor_is_in_the_ledger_and_told_at_once_and_over_when_nobody_confirms(
    running: Engine,
) -> None:
    flag(running)
    store, account = running.store, life().accounts["account_id"][0]
    assert freezes_followed(store, ON_APPROVED, NOON_US) >= 1
    effected_due(store, NOON_US, is_out)
    (told,) = store.rows(sa.select(notices).where(notices.c.account_id == account))
    assert (told["kind"], told["customer_id"]) == ("line_frozen", customer_of(account))
    assert line(store, account).is_frozen
    assert freezes_followed(store, ON_APPROVED, NOON_US) == 0
    later_us = NOW_US + 4 * DAY_US
    running.submit(Request("tick", pl.DataFrame({"as_of_us": [later_us]}))).result()
    assert freezes_followed(store, ON_APPROVED, later_us) >= 1
    effected_due(store, later_us, is_out)
    assert not line(store, account).is_frozen
    kinds = [row["kind"] for row in store.rows(sa.select(notices).where(notices.c.account_id == account))]
    assert sorted(kinds) == ["freeze_lifted", "line_frozen"]
    with work(store, SYSTEM, later_us) as w:
        entries = [(row["action"], row["why"]) for row in entries_of(w, account)]
    assert entries[1:] == [("freeze", "terms_breach"), ("thaw", "nobody confirmed it in time")]


def test_freeze_that_is_over_before_it_was_written_is_not_told(running: Engine) -> None:
    flag(running)
    later_us = NOW_US + 4 * DAY_US
    running.submit(Request("tick", pl.DataFrame({"as_of_us": [later_us]}))).result()
    freezes_followed(running.store, ON_APPROVED, later_us)
    account = life().accounts["account_id"][0]
    assert running.store.rows(sa.select(notices).where(notices.c.account_id == account)) == []


def test_freeze_whose_notice_fails_is_entered_and_told_later_and_once(running: Engine) -> None:
    flag(running)
    store, account = running.store, life().accounts["account_id"][0]

    class Failing(Effects):
        def tell(self, w: Work, told: Told) -> str:
            super().tell(w, told)
            raise OSError("the machine is away")

    with pytest.raises(OSError, match="away"):
        freezes_followed(store, Failing(SEAL, notice_policy("CN")), NOON_US)
    assert store.rows(sa.select(notices)) == []
    for _ in range(2):
        freezes_followed(store, ON_APPROVED, NOON_US)
    effected_due(store, NOON_US, is_out)
    assert [row["kind"] for row in store.rows(sa.select(notices).where(notices.c.account_id == account))] == [
        "line_frozen"
    ]
    assert line(store, account).is_frozen


def test_confirmed_freeze_is_told_as_confirmed_and_stands_once_in_the_ledger(running: Engine) -> None:
    flag(running)
    account = life().accounts["account_id"][0]
    freezes_followed(running.store, ON_APPROVED, NOON_US)
    effected_due(running.store, NOON_US, is_out)
    approved(running, "freeze")
    effected_due(running.store, NOON_US, is_out)
    query = sa.select(notices).where(notices.c.account_id == account).order_by(notices.c.made_us)
    assert sorted(row["kind"] for row in running.store.rows(query)) == ["freeze_confirmed", "line_frozen"]
    with work(running.store, SYSTEM, NOON_US) as w:
        assert [row["action"] for row in entries_of(w, account)] == ["open", "freeze"]


def test_freeze_whose_case_was_approved_is_told_as_confirmed_once_though_the_monitor_confirms_it_later(
    running: Engine,
) -> None:
    flag(running)
    freezes_followed(running.store, ON_APPROVED, NOON_US)
    effected_due(running.store, NOON_US, is_out)
    approved(running, "freeze")
    deliver_due(running.store, {"engine.event": engine_channel(running)}.get, lambda: NOON_US)
    assert freezes_followed(running.store, ON_APPROVED, NOON_US) == 1
    assert told_kinds(running) == ["freeze_confirmed", "line_frozen"]


def test_freeze_that_is_confirmed_by_hand_is_told_to_its_customer_once(running: Engine) -> None:
    flag(running)
    freezes_followed(running.store, ON_APPROVED, NOON_US)
    effected_due(running.store, NOON_US, is_out)
    account = life().accounts["account_id"][0]
    table = pl.DataFrame({"account_id": [account], "confirm": [True], "ts_us": [NOON_US]})
    running.submit(Request("freeze", table)).result()
    for _ in range(2):
        freezes_followed(running.store, ON_APPROVED, NOON_US)
    assert told_kinds(running) == ["freeze_confirmed", "line_frozen"]


def told_kinds(running: Engine) -> list[str]:
    """What the customer of the line that is flagged was told of."""
    account = life().accounts["account_id"][0]
    query = sa.select(notices.c.kind).where(notices.c.account_id == account)
    return sorted(row["kind"] for row in running.store.rows(query))


def test_freeze_is_not_settled_by_hand_before_its_case_is_open_but_where_it_never_has_one(
    running: Engine,
) -> None:
    flag(running)
    store, account = running.store, life().accounts["account_id"][0]
    with work(store, ANN, NOON_US) as w, pytest.raises(RefusedError) as refused:
        settle(w, account, after_sequence=0)
    with (
        work(store, Actor("nobody", frozenset({OFFICER})), NOON_US) as w,
        pytest.raises(RefusedError) as without,
    ):
        settle(w, account, after_sequence=running.sequence)
    assert without.value.rule == "mandate"
    with work(store, ANN, NOON_US) as w:
        settle(w, account, after_sequence=running.sequence)
    cases_of_proposals(store, POLICY, NOON_US, ON_APPROVED)
    (case,) = store.rows(sa.select(cases).where(cases.c.action == "freeze"))
    assert (refused.value.rule, refused.value.value) == ("freeze_case", case["case_id"])


def settle(w: Work, account: str, after_sequence: int) -> None:
    seen = SeenLine(1_000_000, 0)
    settled_by_hand(
        w, SEAL, POLICY, account, seen, confirm=True, words="I know him.", after_sequence=after_sequence
    )


def line(store: Store, account: str) -> Line:
    with work(store, SYSTEM, NOON_US) as w:
        return line_of(entry_of(row) for row in entries_of(w, account))


def test_every_act_of_the_way_stands_in_an_unbroken_audit(running: Engine) -> None:
    flag(running)
    approved(running, "decrease")
    approved(running, "freeze")
    deliver_notices(running.store, {"mail": lambda _letter: None}, SEAL, lambda: NOON_US)
    effected_due(running.store, NOON_US + 9 * DAY_US, is_out)
    events = running.store.rows(sa.select(audit_events).order_by(audit_events.c.number))
    (head,) = running.store.rows(sa.select(audit_heads))
    assert first_break(events, (head["number"], head["hash"])) is None
    assert {"case.open", "case.claim", "case.approve", "notice.write", "limit.plan", "limit.effect"} <= {
        each["act"] for each in events
    }
