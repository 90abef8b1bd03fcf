"""A person's rights on every store: a copy of everything, an erasure that leaves nothing, consents, clocks."""

import html
import json
import re
import shutil
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest
import sqlalchemy as sa

from limitkeeper.app.appeal_evidence import Evidence, evidence_added, evidence_read
from limitkeeper.app.appeal_reading import appeal_read
from limitkeeper.app.approval_policy import approval_policy
from limitkeeper.app.audit import verified as audit_verified
from limitkeeper.app.campaign_rows import rows_taken
from limitkeeper.app.campaigns import Proposal, proposed, standing_of
from limitkeeper.app.consents import consent_changed, consents_of, relations_consent
from limitkeeper.app.customer_preferences import preferences_set
from limitkeeper.app.erased_ids import late_rows_renamed
from limitkeeper.app.erasure import CHANGED, BarredError, bars_to_erasure, person_erased, traces_removed
from limitkeeper.app.life import drafted
from limitkeeper.app.limits import ENGINE_TOPIC, LimitChange, planned
from limitkeeper.app.looks import Shown, page_noted
from limitkeeper.app.notices import contact_added, deliver_notices
from limitkeeper.app.people import key_made, person_added
from limitkeeper.app.personal_copy import BEYOND, part_rows, personal_copy
from limitkeeper.app.personal_data import IMPERSONAL, PERSONAL, personal_rows
from limitkeeper.app.regulation import evaluation_document
from limitkeeper.app.rights import (
    copy_given,
    part_given,
    request_answered,
    request_extended,
    request_made,
    request_verified,
    request_withdrawn,
)
from limitkeeper.app.rights_documents import request_documents, request_read
from limitkeeper.app.strategies import strategy_path
from limitkeeper.app.verification import evidence_verified
from limitkeeper.connectors.letters import Letter, LetterError
from limitkeeper.connectors.sealing import ErasedError, Seal, SealError
from limitkeeper.core.access.actors import COMPLIANCE, CUSTOMER, SERVICE, STRATEGIST, SYSTEM, Actor
from limitkeeper.core.access.rights import ForbiddenError
from limitkeeper.core.behaviour.events import DAY_US
from limitkeeper.core.compliance.requests import RequestError
from limitkeeper.core.kernel.errors import InputError
from limitkeeper.core.kernel.instants import day_end_us, day_of
from limitkeeper.shells.report.copy_page import copy_html
from limitkeeper.store.appeal_tables import appeals
from limitkeeper.store.audit_tables import audit_events, shown_accounts
from limitkeeper.store.campaign_tables import campaign_items, campaigns
from limitkeeper.store.case_tables import cases
from limitkeeper.store.limit_tables import limit_entries, lines
from limitkeeper.store.notice_tables import contacts
from limitkeeper.store.people_tables import people, sessions
from limitkeeper.store.rights_tables import rights_acts, rights_requests
from limitkeeper.store.schema import metadata
from limitkeeper.store.sql import Store
from limitkeeper.store.tables import outbox, proposals, stated_accounts
from limitkeeper.store.vault import Vault
from limitkeeper.store.work import work
from tests import appealed_decisions as past
from tests.simulated_accounts import campaign_rows
from tests.statements import sent_statements
from tests.vaults import seal_of

NOW_US, KIM = past.NOW_US, past.KIM
LATER_US = NOW_US + 2_200 * DAY_US
"""After retention."""
IVY = Actor("ivy", frozenset({COMPLIANCE}))
MAIL, PHONE, FILE_NAME, PROOF = (
    "kim.wang@mail.test",
    "+8613912345678",
    "wang-passport.txt",
    "passport E12345678",
)
ON_CASE = "agreed with her husband"
MARKERS = (MAIL, PHONE, FILE_NAME, PROOF, "I paid on time", "kim-login", "Mrs Wang called", ON_CASE,
           "my name is Wang")  # fmt: skip


@pytest.fixture
def seal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Seal:
    """A vault of this test's own: it destroys keys."""
    found = seal_of(tmp_path)
    monkeypatch.setattr(past, "DESK", past.desk_of(found))
    return found


@pytest.fixture
def store(store_url: str, seal: Seal) -> Iterator[Store]:
    found = lived(store_url, seal)
    yield found
    found.close()


def lived(store_url: str, seal: Seal) -> Store:
    """A store of kim, whose line ``a`` was cut; she appealed, it was upheld, and the line was closed years ago."""
    found = Store(store_url)
    found.take({"market": "CN"})
    past.staffed(found)
    case_id = past.decided(found)
    past.in_effect(found)
    appeal_id = past.submitted(found, case_id)
    with work(found, KIM, NOW_US + 2 * DAY_US) as w:
        evidence_added(w, past.DESK, appeal_id, Evidence("text", FILE_NAME, PROOF.encode()))
        preferences_set(w, "a", {"language": "en"})
        contact_added(w, seal, "a", "mail", MAIL, 0)
        contact_added(w, seal, "a", "sms", PHONE, 1)
        consent_changed(w, "a", "relations", gives=True)
    past.act(found, appeal_id, "bob claim", "bob uphold")
    with work(found, SYSTEM, NOW_US + 30 * DAY_US) as w:
        w.connection.execute(sa.text("UPDATE case_acts SET words = 'Mrs Wang called' WHERE act = 'claim'"))
        w.add(people, {"person_id": "kim-login", "roles": '["customer"]', "customer_id": "a", "password_hash": "x",
                       "failures": 0, "locked_until_us": 0, "is_active": True, "version": 1})  # fmt: skip
        w.add(sessions, {"token_hash": "t", "person_id": "kim-login", "begun_us": 1, "seen_us": 1, "ended_us": None,
                         "version": 1})  # fmt: skip
        planned(w, LimitChange("a", "close", 400_000, 0, NOW_US + 30 * DAY_US, "inactive", "a"))
    past.in_effect(found, NOW_US + 40 * DAY_US)
    return found


def vault_of(seal: Seal) -> Vault:
    assert isinstance(seal.keys, Vault)
    return seal.keys


def act(
    store: Store,
    actor: Actor,
    command: Callable[..., Any],
    *arguments: Any,
    now_us: int = LATER_US,
    **given: Any,
) -> Any:
    with work(store, actor, now_us) as w:
        return command(w, *arguments, **given)


def made(store: Store, seal: Seal, kind: str, actor: Actor = KIM, now_us: int = LATER_US) -> str:
    return str(act(store, actor, request_made, seal, "a", kind, "my name is Wang", now_us=now_us))


def erasable(store: Store, seal: Seal, now_us: int = LATER_US) -> str:
    """A request to erase kim, of which she has been told."""
    request_id = made(store, seal, "erase", now_us=now_us)
    deliver_notices(store, {}, seal, lambda: now_us + DAY_US // 2)  # by day where she is
    return request_id


def dump(store: Store) -> str:
    """Every row of every table, as text."""
    return "\n".join(repr(row) for table in metadata.sorted_tables for row in store.rows(sa.select(table)))


def test_every_table_is_known_to_hold_persons_or_says_why_not() -> None:
    assert set(PERSONAL) | set(IMPERSONAL) == set(metadata.tables)
    assert not set(PERSONAL) & set(IMPERSONAL)


def test_every_table_with_a_column_of_persons_is_one_of_persons() -> None:
    named = {
        table.name for table in metadata.sorted_tables if {"customer_id", "account_id"} & set(table.c.keys())
    }
    assert named <= set(PERSONAL)


def test_copy_has_everything_opened_and_nothing_of_others(store: Store, seal: Seal) -> None:
    request_id = made(store, seal, "access")
    found = act(store, IVY, copy_given, seal, request_id)
    text = json.dumps(found, ensure_ascii=False)
    for marker in MARKERS:
        assert marker in text, marker
    page = html.unescape(copy_html(found, "zh"))
    assert not [marker for marker in MARKERS if marker not in page]
    assert "ann" not in {each.get("maker_id") for rows in found["data"].values() for each in rows}
    assert not [name for name in ("password_hash", "token_hash", "parties") if name in text]
    assert {each["action"] for each in found["data"]["limit_entries"]} == {"open", "decrease", "close"}
    (given,) = store.rows(sa.select(audit_events).where(audit_events.c.act == "export.give"))
    mark = found["export"]
    assert (mark["by"], mark["purpose"], mark["audit_number"]) == (
        "ivy",
        "request_handling",
        json.loads(given["detail"])["audit_number"],
    )
    (head,) = store.rows(sa.select(audit_events.c.hash).where(audit_events.c.number == mark["audit_number"]))
    assert mark["audit_hash"] == head["hash"]
    assert mark["audit_hash"] in page
    assert "rights.copy" in [each["act"] for each in act(store, IVY, personal_copy, seal, "a")["who_looked"]]
    [document] = request_documents(store, LATER_US, ended=True)
    assert (document["state"], document["is_overdue"]) == ("done", False)


def test_copy_tells_by_role_and_purpose_who_looked_at_any_row_of_the_person(store: Store, seal: Seal) -> None:
    with work(store, SYSTEM, LATER_US) as w:
        rows = personal_rows(w, "a")
        person_added(w, "ivy", [COMPLIANCE], None)
        key_made(w, "till", ["accounts.read"], 30)
    case_id, appeal_id = rows["cases"][0]["case_id"], rows["appeals"][0]["appeal_id"]
    notice_id, request_id = rows["notices"][0]["notice_id"], made(store, seal, "human")
    till = Actor("till", frozenset({SERVICE}))
    for actor, noted, subject in (
        (IVY, "case.look", f"case:{case_id}"), (IVY, "appeal.read", f"appeal:{appeal_id}"),
        (IVY, "notice.look", f"notice:{notice_id}"), (till, "account.look", "account:a"),
        (IVY, "rights.look", f"request:{request_id}"), (Actor("gone", IVY.roles), "account.look", "account:a"),
        (IVY, "account.look", "account:b"),
    ):  # fmt: skip
        with work(store, actor, LATER_US + 1) as w:
            w.note(noted, subject)
    for accounts in (["a", "b"], ["b"]):
        with work(store, till, LATER_US + 1) as w:
            w.note("case.claim", "case:other")
            w.note("alert.list", "list:alert", {"accounts": len(accounts)}, shown=accounts)
    looked = act(store, IVY, personal_copy, seal, "a", now_us=LATER_US + 2)["who_looked"]
    last = [(each["act"], each["subject"], each["roles"], each["purpose"]) for each in looked[-7:]]
    assert last == [
        ("case.look", f"case:{case_id}", [COMPLIANCE], "oversight"),
        ("appeal.read", f"appeal:{appeal_id}", [COMPLIANCE], "oversight"),
        ("notice.look", f"notice:{notice_id}", [COMPLIANCE], "oversight"),
        ("account.look", "account:a", [SERVICE], "account_management"),
        ("rights.look", f"request:{request_id}", [COMPLIANCE], "request_handling"),
        ("account.look", "account:a", [], "oversight"),
        ("alert.list", "list:alert", [SERVICE], "account_management"),
    ]
    assert {"at", "act", "subject", "roles", "purpose"} == {name for each in looked for name in each}
    assert ["system"] in [each["roles"] for each in looked]


def test_copy_finds_looks_by_the_audits_index(store: Store, seal: Seal) -> None:
    with work(store, IVY, LATER_US) as w:
        w.note("alert.list", "list:alert", {"accounts": 1}, shown=["a"])
    with sent_statements(store.database) as sent:
        act(store, IVY, personal_copy, seal, "a")
    asked = [each for each in sent if each[0].startswith("SELECT") and "audit_events" in each[0]]
    assert asked
    explain = "EXPLAIN QUERY PLAN " if store.is_sqlite else "EXPLAIN "
    with store.database.connect() as connection:
        if not store.is_sqlite:
            connection.exec_driver_sql("SET enable_seqscan = off")  # of a few rows every plan would read all
        for statement, values in asked:
            plan = repr(connection.exec_driver_sql(explain + statement, values).all())
            assert re.search(r"audit_events_by_subject|audit_events_pkey|PRIMARY KEY", plan), plan


def test_copy_tells_times_by_names_that_are_always_the_same_and_a_wait_in_days(
    store: Store, seal: Seal
) -> None:
    with work(store, SYSTEM, LATER_US) as w:
        w.connection.execute(
            sa.update(limit_entries).where(limit_entries.c.action == "close").values(wait_us=60 * DAY_US)
        )
    data = act(store, IVY, personal_copy, seal, "a")["data"]
    assert {each["action"]: each["wait_days"] for each in data["limit_entries"]}["close"] == 60.0
    assert data["sessions"][0]["ended_at"] is None
    assert data["people"][0]["locked_until_at"] is None
    assert not [name for rows in data.values() for row in rows for name in row if name.endswith("_us")]


def test_copy_says_what_it_leaves_out_and_a_part_has_all_of_it(
    store: Store, seal: Seal, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = act(store, IVY, personal_copy, seal, "a", rows_max=None)
    found = act(store, IVY, personal_copy, seal, "a", rows_max=1)
    longer = {name: rows for name, rows in whole["data"].items() if len(rows) > 1}
    assert {"contacts", "case_acts", "appeal_acts", "notices"} <= set(longer)
    assert found["left_out"] == [
        *({"part": name, "rows_here": 1} for name in PERSONAL if name in longer),
        *({"part": name, "rows_here": 0} for name in BEYOND),
    ]
    assert [each["part"] for each in whole["left_out"]] == list(BEYOND)
    request_id = made(store, seal, "copy")
    given = act(store, KIM, copy_given, seal, request_id, {"portrait": [], "history": []}, rows_max=1)
    where = f"/v1/rights-requests/{request_id}/copy"
    assert {each["part"]: each["at"] for each in given["left_out"]}["journal"] == f"{where}/journal"
    monkeypatch.setattr("limitkeeper.app.personal_copy.PART_ROWS", 1)
    for name in ("contacts", "case_acts", "appeal_acts", "limit_entries"):
        about, person = act(store, KIM, part_given, request_id, name)
        assert about["export"] is None
        assert list(part_rows(store, seal, "a", person, name)) == longer[name]
    with pytest.raises(ForbiddenError):
        act(store, Actor("a", frozenset({CUSTOMER}), "b"), part_given, request_id, "contacts")


def test_copy_of_another_is_empty(store: Store, seal: Seal) -> None:
    assert act(store, IVY, personal_copy, seal, "nobody")["data"] == {}


def test_request_is_answered_only_when_it_is_known_who_asks(store: Store, seal: Seal) -> None:
    request_id = made(store, seal, "copy", IVY)
    with pytest.raises(RequestError) as error:
        act(store, IVY, copy_given, seal, request_id)
    assert error.value.rule == "identity"
    with pytest.raises(RequestError, match="state their words"):
        act(store, IVY, request_verified, seal, request_id, 1, " ")
    act(store, IVY, request_verified, seal, request_id, 1, "passport seen")
    assert act(store, IVY, copy_given, seal, request_id)["data"]


def test_person_takes_his_copy_himself_and_again_for_as_long_as_policy_says(store: Store, seal: Seal) -> None:
    request_id = made(store, seal, "copy")
    with pytest.raises(ForbiddenError):
        act(store, Actor("a", frozenset({CUSTOMER}), "b"), copy_given, seal, request_id)
    assert act(store, KIM, copy_given, seal, request_id)["made_by"] == KIM.actor_id
    end_us = day_end_us(LATER_US + 30 * DAY_US, ZoneInfo("Asia/Shanghai"))  # the day that he is told
    assert act(store, KIM, copy_given, seal, request_id, now_us=end_us)["data"]
    with pytest.raises(RequestError) as error:
        act(store, KIM, copy_given, seal, request_id, now_us=end_us + 1)
    assert error.value.rule == "copy_over"
    assert [row["act"] for row in store.rows(sa.select(rights_acts))] == ["make", "answer"]


def test_copy_that_is_taken_many_times_at_once_is_given_each_time_and_answers_once(
    store: Store, seal: Seal
) -> None:
    request_id, together = made(store, seal, "copy"), threading.Barrier(4)

    def taken(_: int) -> Any:
        together.wait()
        return act(store, KIM, copy_given, seal, request_id)["data"]["contacts"]

    with ThreadPoolExecutor(4) as threads:
        assert [len(each) for each in threads.map(taken, range(4))] == [2] * 4
    assert [row["act"] for row in store.rows(sa.select(rights_acts))] == ["make", "answer"]


@pytest.mark.parametrize("kind", ["access", "copy", "erase"])
def test_what_is_to_be_done_is_not_answered_by_words_alone(store: Store, seal: Seal, kind: str) -> None:
    request_id = made(store, seal, kind)
    for answer in (("answer", "done"), ("partly", "done", "the rest")):
        with pytest.raises(RequestError) as error:
            act(store, IVY, request_answered, seal, request_id, 1, *answer)
        assert error.value.rule == "kind"
    act(store, IVY, request_answered, seal, request_id, 1, "refuse", "not now")


def test_request_is_acted_on_as_it_was_seen(store: Store, seal: Seal) -> None:
    request_id = made(store, seal, "erase", IVY)
    act(store, IVY, request_verified, seal, request_id, 1, "passport seen")
    for command, more in ((request_withdrawn, {}), (person_erased, {}), (request_verified, {"words": "x"}),
                          (request_answered, {"act": "refuse", "words": "x"}),
                          (request_extended, {"days": 1, "words": "x"})):  # fmt: skip
        with pytest.raises(RequestError) as error:
            act(store, IVY, command, seal, request_id, 1, **more)
        assert (error.value.rule, error.value.value) == ("version", "version 1; it is 2")


def test_request_is_read_with_what_was_said_and_its_customer_is_not_told_by_whom(
    store: Store, seal: Seal
) -> None:
    request_id = made(store, seal, "correct", IVY)
    act(store, IVY, request_verified, seal, request_id, 1, "passport seen")
    for actor, inside in ((IVY, True), (KIM, False)):
        found = act(store, actor, request_read, seal, request_id)
        assert [each["words"] for each in found["acts"]] == ["my name is Wang", "passport seen"]
        assert ("verified_by" in found, "by" in found["acts"][0]) == (inside, inside)
    with pytest.raises(ForbiddenError):
        act(store, Actor("a", frozenset({CUSTOMER}), "b"), request_read, seal, request_id)


def test_refusal_gives_its_reason_and_an_answer_comes_once(store: Store, seal: Seal) -> None:
    request_id = made(store, seal, "correct")
    with pytest.raises(RequestError, match="state their words"):
        act(store, IVY, request_answered, seal, request_id, 1, "refuse", "")
    act(store, IVY, request_answered, seal, request_id, 1, "refuse", "it is right")
    with pytest.raises(RequestError, match="in its state"):
        act(store, IVY, request_answered, seal, request_id, 2, "answer", "")


def test_request_whose_time_is_over_is_listed_as_overdue(store: Store, seal: Seal) -> None:
    made(store, seal, "explain")
    assert [each["is_overdue"] for each in request_documents(store, LATER_US + 15 * DAY_US)] == [False]
    assert [each["is_overdue"] for each in request_documents(store, LATER_US + 15 * DAY_US + 1)] == [True]


def test_longer_clock_is_what_is_overdue_and_listed_and_stands_in_the_acts_and_the_audit(
    store: Store, seal: Seal
) -> None:
    first, second = made(store, seal, "explain"), made(store, seal, "correct", now_us=LATER_US + DAY_US)
    last_us = LATER_US + 15 * DAY_US
    act(store, IVY, request_extended, seal, first, 1, 30, "forty decisions", now_us=last_us)
    after = request_documents(store, last_us + 1)
    assert [(each["request_id"], each["extended_days"]) for each in after] == [(second, 0), (first, 30)]
    longer_us = last_us + 30 * DAY_US
    assert [
        [each["is_overdue"] for each in request_documents(store, us)] for us in (longer_us, longer_us + 1)
    ] == [[True, False], [True, True]]
    *_, done = act(store, IVY, request_read, seal, first)["acts"]
    assert (done["act"], done["words"], done["outcome"]) == (
        "extend", "forty decisions", {"extended_days": 30},
    )  # fmt: skip
    noted = sa.select(audit_events.c.actor_id).where(audit_events.c.act == "rights.extend")
    assert [row["actor_id"] for row in store.rows(noted)] == ["ivy"]
    assert act(store, IVY, personal_copy, seal, "a")["data"]["rights_requests"][0]["extended_days"] in (0, 30)
    assert audit_verified(store).broken is None


def test_clock_is_extended_once_before_it_runs_out_with_words_and_by_days_of_the_policy(
    store: Store, seal: Seal
) -> None:
    request_id, end_us = made(store, seal, "explain"), LATER_US + 15 * DAY_US
    for days, words, now_us, rule in ((30, "complex", end_us + 1, "clock_over"), (30, " ", end_us, "words")):
        with pytest.raises(RequestError) as error:
            act(store, IVY, request_extended, seal, request_id, 1, days, words, now_us=now_us)
        assert error.value.rule == rule
    with pytest.raises(InputError, match="Allowed: 1 to 30"):
        act(store, IVY, request_extended, seal, request_id, 1, 31, "complex")
    seen = [act(store, actor, request_read, seal, request_id) for actor in (IVY, KIM)]
    assert [each.get("extensible_days") for each in seen] == [30, None]
    act(store, IVY, request_extended, seal, request_id, 1, 1, "complex")
    assert act(store, IVY, request_read, seal, request_id)["extensible_days"] == 0
    with pytest.raises(RequestError) as error:
        act(store, IVY, request_extended, seal, request_id, 2, 1, "complex")
    assert error.value.rule == "extended"
    act(store, KIM, request_withdrawn, seal, request_id, 2)
    with pytest.raises(RequestError) as error:
        act(store, IVY, request_extended, seal, request_id, 3, 1, "complex")
    assert error.value.rule == "state"


def test_answer_in_part_is_an_end_and_needs_both_of_its_parts(store: Store, seal: Seal) -> None:
    request_id = made(store, seal, "correct")
    for words, rest in (("", "x"), ("x", " ")):
        with pytest.raises(RequestError) as error:
            act(store, IVY, request_answered, seal, request_id, 1, "partly", words, rest)
        assert error.value.rule == "words"
    for other in ("answer", "refuse"):
        with pytest.raises(InputError, match="Only an answer in part"):
            act(store, IVY, request_answered, seal, request_id, 1, other, "x", "y")
    after = act(store, IVY, request_answered, seal, request_id, 1, "partly", "the address", "the income")
    assert after.state == "partly"
    [document] = request_documents(store, LATER_US + 99 * DAY_US, ended=True)
    assert (document["state"], document["is_live"], document["is_overdue"]) == ("partly", False, False)


def test_person_withdraws_his_own_request_only(store: Store, seal: Seal) -> None:
    request_id = made(store, seal, "erase")
    with pytest.raises(RequestError, match="own request only"):
        act(store, IVY, request_withdrawn, seal, request_id, 1)
    assert act(store, KIM, request_withdrawn, seal, request_id, 1).state == "withdrawn"


def test_bounds_of_requests_hold(store: Store, seal: Seal) -> None:
    with pytest.raises(InputError, match="no such request"):
        made(store, seal, "acess")
    for _ in range(10):
        made(store, seal, "human")
    with pytest.raises(InputError, match="Too many requests"):
        made(store, seal, "human")


def test_retention_bars_an_erasure_until_its_day_and_says_which(store: Store, seal: Seal) -> None:
    request_id = erasable(store, seal, NOW_US + 50 * DAY_US)
    [bar] = act(store, IVY, bars_to_erasure, "a", now_us=NOW_US + 50 * DAY_US)
    assert bar.code == "retention"
    assert "2031" in bar.english
    with pytest.raises(InputError, match="law keeps the record"):
        act(store, IVY, person_erased, seal, request_id, 1, now_us=NOW_US + 50 * DAY_US)
    assert act(store, IVY, personal_copy, seal, "a")["data"]["contacts"]


def test_open_line_bars_an_erasure(store: Store, seal: Seal) -> None:
    with work(store, SYSTEM, LATER_US) as w:
        w.connection.execute(sa.text("UPDATE lines SET limit_cents = 1"))
    assert [each.code for each in act(store, IVY, bars_to_erasure, "a")] == ["line_open"]
    del seal


def test_closed_line_that_is_to_be_raised_bars_an_erasure(store: Store, seal: Seal) -> None:
    request_id = erasable(store, seal)
    act(store, SYSTEM, planned, LimitChange("a", "restore", 0, 400_000, LATER_US + DAY_US, "restored", "a"))
    with pytest.raises(BarredError, match="still open"):
        act(store, IVY, person_erased, seal, request_id, 1)


def stated(store: Store, **customers: str) -> None:
    """State whose accounts are; with a line that the ledger does not know."""
    with work(store, SYSTEM, LATER_US) as w:
        rows = [
            {"account_id": each, "customer_id": whose, "segment": None} for each, whose in customers.items()
        ]
        w.add(stated_accounts, *rows)


def test_line_that_only_the_monitor_knows_bars_an_erasure_unless_its_limit_is_nothing(
    store: Store, seal: Seal
) -> None:
    stated(store, b="a")
    for limits, codes in (({}, ["line_open"]), ({"b": 5.0}, ["line_open"]), ({"b": None}, ["line_open"]),
                          ({"b": 0.0, "a": 7.0}, [])):  # fmt: skip
        assert [each.code for each in act(store, IVY, bars_to_erasure, "a", limits)] == codes
    assert act(store, IVY, bars_to_erasure, "nobody") == []
    assert [each.code for each in act(store, IVY, bars_to_erasure, "lee", {"lee": 5.0})] == ["line_open"]
    del seal


def test_customer_without_accounts_is_given_and_erases_nothing_of_the_account_that_is_called_as_he_is(
    store: Store, seal: Seal
) -> None:
    stated(store, lee="cho")
    with work(store, SYSTEM, LATER_US) as w:
        planned(w, LimitChange("lee", "close", 900_000, 0, LATER_US, "inactive", "cho"))
        contact_added(w, seal, "lee", "mail", MAIL, 0)
    with work(store, IVY, LATER_US) as w:
        page_noted(w, "rights.list", Shown((), ("lee", "a")))
    lee = Actor("lee logs in", frozenset({CUSTOMER}), "lee")
    found = act(store, lee, personal_copy, seal, "lee")
    assert (set(found["data"]), [each["act"] for each in found["who_looked"]][-1:]) == (
        {"contacts"},
        ["rights.list"],
    )
    assert "rights.list" in [each["act"] for each in act(store, KIM, personal_copy, seal, "a")["who_looked"]]
    by = sa.select(shown_accounts.c.account_id).order_by(shown_accounts.c.account_id)
    assert [each["account_id"] for each in store.rows(by)] == ["a", "customer:lee"]
    rows = sa.select(lines).order_by(lines.c.account_id), sa.select(stated_accounts)
    before = [store.rows(each) for each in rows]
    request_id = str(act(store, lee, request_made, seal, "lee", "erase", ""))
    with work(store, SYSTEM, LATER_US) as w:
        w.connection.execute(contacts.update().values(is_broken=True))
    done = act(store, IVY, person_erased, seal, request_id, 1)
    assert (done["contacts"], done["lines"], done["limit_entries"]) == (1, 0, 0)
    assert [store.rows(each) for each in rows] == before
    assert [each["account_id"] for each in store.rows(by)] == ["a"]
    told = store.rows(sa.select(outbox.c.content).where(outbox.c.content.contains("erase_ids")))
    assert told == [], "the monitor would call that account otherwise"


def test_erasure_leaves_what_somebody_inside_did_who_is_called_as_the_customer(
    store: Store, seal: Seal
) -> None:
    homonym = Actor("a", frozenset({STRATEGIST}))
    with work(store, homonym, LATER_US) as w:
        drafted(w, strategy_path("standard").read_text(), "standard", "CN", None, None)
        w.send("bank", "x", {"account_id": "of-lee", "by": "a"})
        w.send("bank", "y", {"account_id": "a", "by": "b"})
    event = sa.select(audit_events).where(audit_events.c.act == "release.draft")
    before = store.rows(event)
    act(store, IVY, person_erased, seal, erasable(store, seal), 1)
    assert store.rows(event) == before
    assert [each for each in evidence_verified(store).faults if each.where.startswith("releases")] == []
    sent = store.rows(sa.select(outbox.c.content).where(outbox.c.topic == "bank"))
    assert [json.loads(each["content"])["account_id"] for each in sent] == ["of-lee"]


def test_what_the_monitor_wrote_after_an_erasure_under_the_old_id_is_renamed_as_the_erasure_did(
    store: Store, seal: Seal
) -> None:
    act(store, IVY, person_erased, seal, erasable(store, seal), 1)
    [told] = store.rows(sa.select(outbox.c.content).where(outbox.c.content.contains("erase_ids")))
    names = json.loads(told["content"])["erase_ids"]
    past.proposed(store, "decrease", number=2)
    with work(store, SYSTEM, LATER_US) as w:
        w.send("alert", "x", {"account_id": "a"})
        w.send("alert", "y", {"account_id": "b"})
    rows = [sa.select(proposals.c.account_id), sa.select(cases.c.account_id), sa.select(outbox.c.content)]
    found = [{value for row in store.rows(each) for value in row.values()} for each in rows]
    assert ["a" in each for each in found] == [True, True, False]
    faults = evidence_verified(store).faults  # words that the fixture edits
    done = act(store, SYSTEM, late_rows_renamed, names)
    assert (done["proposals"], done["cases"]) == (1, 1)
    found = [{value for row in store.rows(each) for value in row.values()} for each in rows]
    assert found[:2] == [{names["a"]}, {names["a"]}]
    assert sorted(each for each in found[2] if "erase_ids" not in each) == ['{"account_id": "b"}']
    verified = evidence_verified(store)
    assert (verified.audit.broken, verified.faults) == (None, faults)
    assert act(store, SYSTEM, late_rows_renamed, names) == {}


def test_facts_of_an_erased_persons_changes_are_counted_apart(store: Store, seal: Seal) -> None:
    first, last = day_of(NOW_US - DAY_US), day_of(NOW_US + 60 * DAY_US)
    request_id = erasable(store, seal)

    def evaluated() -> tuple[dict[str, Any], dict[str, dict[str, int]]]:
        found = evaluation_document(store, "CN", first, last, LATER_US)
        return found, {each["id"]: each["counts"] for each in found["rules"]}

    before, counts_before = evaluated()
    act(store, IVY, person_erased, seal, request_id, 1)
    after, counts = evaluated()
    assert (before["erased"], after["erased"], before["subjects"], after["subjects"]) == (0, 3, 4, 4)
    assert counts_before["CN.pipl_24_reasons"] == {"met": 1, "unknown": 1}
    assert counts["CN.pipl_24_reasons"] == {"erased": 2}
    assert counts["CN.pipl_69_evidence"] == {"met": 1, "erased": 1}, (
        "the closing: had it a case, or was it found so?"
    )
    assert counts["CN.internet_loans_cap"] == counts_before["CN.internet_loans_cap"], "its amount is there"
    assert {each["rule"] for each in after["failures"]} <= {each["rule"] for each in before["failures"]}


def test_campaign_that_an_erased_person_was_in_names_his_account_no_more(store: Store, seal: Seal) -> None:
    stated(store, b="a")
    rows = campaign_rows(2).with_columns(
        account_id=pl.Series(["b", "of-lee"]), customer_id=pl.Series(["a", "lee"])
    )
    with work(store, Actor("sue", frozenset({STRATEGIST})), LATER_US - DAY_US) as w:
        taken = rows_taken(rows, standing_of(w, rows["account_id"]), reasons=["product_change"])
        campaign_id = proposed(w, Proposal("autumn", taken, 0), approval_policy())
    assert [each.code for each in act(store, IVY, bars_to_erasure, "a", {"b": 0.0})] == ["case_open"]
    with work(store, SYSTEM, LATER_US) as w:
        w.connection.execute(cases.update().where(cases.c.case_id == campaign_id).values(is_live=False))
    act(store, IVY, person_erased, seal, erasable(store, seal), 1, {"b": 0.0})
    (campaign,) = store.rows(sa.select(campaigns.c.impact))
    largest = [each["account_id"] for each in json.loads(campaign["impact"])["largest"]]
    assert [each.startswith("erased-") for each in sorted(largest)] == [True, False]
    items = store.rows(sa.select(campaign_items.c.customer_id).order_by(campaign_items.c.number))
    assert sorted(str(each["customer_id"]) for each in items) == ["None", "lee"]


def test_erasure_leaves_nothing_in_any_table_that_leads_back(store: Store, seal: Seal) -> None:
    sealed_before = [
        (name, row) for name, rows in act(store, SYSTEM, personal_rows, "a").items() for row in rows
    ]
    request_id = erasable(store, seal)
    others = [made(store, seal, "explain"), made(store, seal, "copy", IVY)]
    done = act(store, IVY, person_erased, seal, request_id, 1)
    assert (done["contacts"], done["people"], done["sessions"], done["customers"]) == (2, 1, 1, 1)
    text = dump(store)
    assert not [marker for marker in MARKERS if marker in text]
    tried = 0
    for name, row in sealed_before:  # as a backup has them
        for column, place in PERSONAL[name].sealed.items():
            with pytest.raises(ErasedError):
                seal.opened(row[column], place.format_map(row), "a")
            tried += 1
    assert tried >= 8
    assert {each["customer_id"][:7] for each in store.rows(sa.select(rights_requests))} == {"erased-"}
    assert [each["words"] for each in act(store, IVY, request_read, seal, request_id)["acts"]] == ["", ""]
    assert request_documents(store, LATER_US) == [], "nobody could answer the others"
    for other in (act(store, IVY, request_read, seal, each) for each in others):
        assert (other["state"], other["acts"][-1]["act"], other["acts"][-1]["state"]) == (
            "moot",
            "end",
            "moot",
        )
    assert not [each for each in evidence_verified(store).faults if each.where.startswith("rights")]
    assert "erase" in [row["act"] for row in store.rows(sa.select(rights_acts))]
    assert audit_verified(store).broken is None


def test_letter_that_fails_while_its_customer_is_erased_leaves_no_address(store: Store, seal: Seal) -> None:
    request_id, tried = erasable(store, seal), list[str]()
    made(store, seal, "explain")

    def erasing(letter: Letter) -> None:
        tried.append(letter.address)
        act(store, IVY, person_erased, seal, request_id, 1)
        raise LetterError(f"550 nobody is {letter.address}")

    deliver_notices(store, {"mail": erasing}, seal, lambda: LATER_US + DAY_US // 2)
    assert tried == [MAIL]
    assert MAIL not in dump(store)


def test_appeal_of_an_erased_person_is_told_with_no_words(store: Store, seal: Seal) -> None:
    (appeal,) = store.rows(sa.select(appeals))
    before = act(store, IVY, appeal_read, seal, appeal["appeal_id"])
    assert (before["is_erased"], before["evidence"][0]["name"]) == (False, FILE_NAME)
    act(store, IVY, person_erased, seal, erasable(store, seal), 1)
    found = act(store, IVY, appeal_read, seal, appeal["appeal_id"])
    assert found["is_erased"]
    assert [each["act"] for each in found["acts"]] == [each["act"] for each in before["acts"]]
    assert {each["words"] for each in found["acts"]} | {each["name"] for each in found["evidence"]} == {""}
    evidence_id = found["evidence"][0]["evidence_id"]
    with pytest.raises(ErasedError, match="was erased"):
        act(store, IVY, evidence_read, seal, appeal["appeal_id"], evidence_id)


def test_ledger_stands_after_an_erasure_and_its_sum_is_the_limit(store: Store, seal: Seal) -> None:
    before = past.ledger_line(store)
    act(store, IVY, person_erased, seal, erasable(store, seal), 1)
    assert past.ledger_line(store) == before


def test_erasure_that_was_cut_off_after_the_key_was_destroyed_is_done_again(
    store: Store, seal: Seal, monkeypatch: pytest.MonkeyPatch
) -> None:
    request_id = erasable(store, seal)
    vault = vault_of(seal)

    def destroyed_and_killed(customer_id: str) -> bool:
        Vault.destroyed(vault, customer_id)
        raise KeyboardInterrupt

    monkeypatch.setattr(vault, "destroyed", destroyed_and_killed)
    with pytest.raises(KeyboardInterrupt):
        act(store, IVY, person_erased, seal, request_id, 1)
    monkeypatch.undo()
    seal.forget("a")
    act(store, IVY, person_erased, seal, request_id, 1)
    assert MAIL not in dump(store)
    assert store.rows(sa.select(rights_requests))[0]["state"] == "done"


def test_no_file_holds_a_word_of_the_person_after_an_erasure(tmp_path: Path, seal: Seal) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    found = lived(f"sqlite:///{folder / 'store.db'}", seal)
    traces_removed(found)
    backup = tmp_path / "backup.db"
    shutil.copy(folder / "store.db", backup)
    act(found, IVY, person_erased, seal, erasable(found, seal), 1)
    traces_removed(found)
    for path in (*folder.iterdir(), tmp_path / "vault.db"):
        content = path.read_bytes()
        assert not [marker for marker in MARKERS if marker.encode() in content], path
    found.close()
    sealed = (MAIL, PHONE, FILE_NAME, PROOF, ON_CASE, "I paid on time", "my name is Wang")
    assert not [marker for marker in sealed if marker.encode() in backup.read_bytes()], (
        "it was sealed when it was copied"
    )


def test_every_table_that_an_erasure_changes_is_cleaned_of_the_rows_of_before(
    store: Store, seal: Seal
) -> None:
    request_id = erasable(store, seal)
    with sent_statements(store.database) as sent:
        act(store, IVY, person_erased, seal, request_id, 1)
    words = [statement.split() for statement, _ in sent]
    changed = {each[1] for each in words if each[0] == "UPDATE"} | {
        each[2] for each in words if each[0] == "DELETE"
    }
    assert {"lines", "limit_entries", "notices", "appeals", "consent_acts", "stated_accounts"} <= changed
    assert changed - {table.name for table in CHANGED} <= {"audit_heads"}
    with sent_statements(store.database) as sent:
        traces_removed(store)
    vacuumed = [each.removeprefix("VACUUM ") for each, _ in sent if each.startswith("VACUUM")]
    is_sqlite = store.database.dialect.name == "sqlite"
    assert vacuumed == ([] if is_sqlite else [table.name for table in CHANGED])


def test_consents_are_a_ledger_with_the_words_that_were_shown(store: Store) -> None:
    act(store, KIM, consent_changed, "a", "bureau", gives=True)
    act(store, KIM, consent_changed, "a", "relations", gives=False)
    found = {each.scope: each.holds for each in act(store, KIM, consents_of, "a")}
    assert found == {"bureau": True, "relations": False}
    rows = store.rows(sa.text("SELECT act, text_hash FROM consent_acts ORDER BY number"))  # type: ignore[arg-type]
    assert [row["act"] for row in rows] == ["given", "given", "withdrawn"]
    assert rows[0]["text_hash"] == rows[2]["text_hash"]
    with pytest.raises(InputError, match="no consent to withdraw"):
        act(store, KIM, consent_changed, "a", "relations", gives=False)
    with pytest.raises(InputError, match="Did you mean 'sharing'"):
        act(store, KIM, consent_changed, "a", "sharin", gives=True)
    with pytest.raises(InputError, match="no such version"):
        act(store, KIM, consent_changed, "a", "sharing", gives=True, text_version="1999-01")


def test_answered_request_to_withdraw_a_consent_withdraws_it_and_tells_the_monitor(
    store: Store, seal: Seal
) -> None:
    request_id = made(store, seal, "withdraw_consent")
    act(store, IVY, request_answered, seal, request_id, 1, "answer", "done")
    assert {each.scope: each.holds for each in act(store, KIM, consents_of, "a")} == {"relations": False}
    *_, last = act(store, IVY, request_read, seal, request_id)["acts"]
    assert last["outcome"] == {"relations": "withdrawn"}
    topic = sa.select(outbox.c.content).where(outbox.c.topic == ENGINE_TOPIC)
    assert [json.loads(row["content"]) for row in store.rows(topic)][-1] == {"consent_of": "a"}
    told = act(store, IVY, relations_consent, "a")
    assert told == {"id": ["a"], "is_withdrawn": True, "needs_consent": True}


def test_answer_says_which_of_several_consents_is_withdrawn(store: Store, seal: Seal) -> None:
    act(store, KIM, consent_changed, "a", "bureau", gives=True)
    request_id = made(store, seal, "withdraw_consent")
    with pytest.raises(InputError, match="Say which consent"):
        act(store, IVY, request_answered, seal, request_id, 1, "answer", "done")
    with pytest.raises(InputError, match="Did you mean 'bureau'"):
        act(store, IVY, request_answered, seal, request_id, 1, "answer", "", scopes=["bureu"])
    with pytest.raises(InputError, match="names consents"):
        act(store, IVY, request_answered, seal, request_id, 1, "refuse", "no", scopes=["bureau"])
    act(store, IVY, request_answered, seal, request_id, 1, "answer", "", scopes=["bureau"])
    found = {each.scope: each.holds for each in act(store, KIM, consents_of, "a")}
    assert found == {"bureau": False, "relations": True}
    assert not act(store, IVY, relations_consent, "a")["is_withdrawn"]


def test_unknown_master_key_opens_no_copy(store: Store, seal: Seal, tmp_path: Path) -> None:
    del seal
    with pytest.raises(SealError):
        act(store, IVY, personal_copy, seal_of(tmp_path, bytes(32)), "a")
