"""Evidence held against the audit on every store: what is edited, taken away or put in is found, with where."""

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from limitkeeper.app.appeal_evidence import Evidence, evidence_added
from limitkeeper.app.audit import Search, found_events
from limitkeeper.app.consents import consent_changed
from limitkeeper.app.erasure import person_erased
from limitkeeper.app.evidence import KINDS
from limitkeeper.app.life import drafted
from limitkeeper.app.limits import LimitChange, planned
from limitkeeper.app.mandates import absence_ended, absence_noted, mandate_ended, mandate_given
from limitkeeper.app.notices import deliver_notices, read_marked
from limitkeeper.app.people import person_added, person_ended, roles_set
from limitkeeper.app.regulation import evaluation_document
from limitkeeper.app.retention import retention_kept
from limitkeeper.app.rights import request_extended, request_made
from limitkeeper.app.strategies import strategy_path
from limitkeeper.app.verification import EDITED_BEFORE, NO_END, PUT_IN, evidence_verified
from limitkeeper.connectors.sealing import Seal
from limitkeeper.core.access.actors import COMPLIANCE, CUSTOMER, OFFICER, OPERATOR, STRATEGIST, SYSTEM, Actor
from limitkeeper.core.access.chain import FIRST_HASH
from limitkeeper.core.approval.mandates import Absence, Mandate
from limitkeeper.core.behaviour.events import DAY_US, NEVER_US
from limitkeeper.core.kernel.instants import day_of
from limitkeeper.shells.cli.main import application
from limitkeeper.store import migrations
from limitkeeper.store.audit_tables import audit_events, audit_heads
from limitkeeper.store.case_tables import absences, case_acts, cases, mandates
from limitkeeper.store.life_tables import release_acts, releases
from limitkeeper.store.limit_tables import limit_entries, lines
from limitkeeper.store.notice_tables import notices
from limitkeeper.store.people_tables import people
from limitkeeper.store.rights_tables import consent_acts, rights_requests
from limitkeeper.store.sql import Store
from limitkeeper.store.work import work
from tests import appealed_decisions as past
from tests.mandated import mandated
from tests.vaults import seal_of

NOW_US, KIM = past.NOW_US, past.KIM
OF_MANY = {"entry_cancelled"}
"""Kinds that only events of many rows mark: held where campaigns are tested."""

IVY, SAM = Actor("ivy", frozenset({COMPLIANCE})), Actor("sam", frozenset({STRATEGIST}))


@pytest.fixture
def seal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Seal:
    """A vault of this test's own: it destroys a key."""
    found = seal_of(tmp_path)
    monkeypatch.setattr(past, "DESK", past.desk_of(found))
    return found


@pytest.fixture
def store(store_url: str, seal: Seal) -> Iterator[Store]:
    """Line ``a`` was cut; its customer appealed with a file, in vain, asks why and consents; a strategy was drafted."""
    found = Store(store_url)
    found.take({"market": "CN"})
    past.staffed(found)
    case_id = past.decided(found)
    past.in_effect(found)
    appeal_id = past.submitted(found, case_id)
    with work(found, KIM, NOW_US + 2 * DAY_US) as w:
        evidence_added(w, past.DESK, appeal_id, Evidence("text", "paid.txt", b"I paid on 3 June."))
    past.act(found, appeal_id, "bob claim", "bob uphold")
    with work(found, SYSTEM, NOW_US + 30 * DAY_US) as w:
        planned(w, LimitChange("a", "close", 400_000, 0, NOW_US + 30 * DAY_US, "inactive", "a"))
    past.in_effect(found, NOW_US + 40 * DAY_US)
    with work(found, SAM, NOW_US) as w:
        text = strategy_path("standard").read_text(encoding="utf-8")
        drafted(w, text, "standard", "CN", None, None)
    with work(found, KIM, NOW_US) as w:
        consent_changed(w, "a", "relations", gives=True)
        request_made(w, seal, "a", "explain", "why so little?")
    deliver_notices(found, {}, seal, lambda: NOW_US + 101 * DAY_US // 2)
    with work(found, KIM, NOW_US + 51 * DAY_US) as w:
        read_marked(w, w.rows(sa.select(notices))[-1]["notice_id"])
    with work(found, SYSTEM, NOW_US + 51 * DAY_US) as w:
        mandate_given(w, Mandate("gus", 2, frozenset({"freeze"}), 5_000, 9_000), past.POLICY)
        absence_ended(w, absence_noted(w, Absence("eva", "fay", 0), past.POLICY))
        mandated(w, ("gil", 3), ("hal", 3))
        mandate_given(w, Mandate("ian", 3), past.POLICY)  # waits for a second member, as does what follows
        absence_noted(w, Absence("eva", "ian", 0), past.POLICY)
        person_added(w, "kim", [CUSTOMER], None, "a")
        person_added(w, "una", [OPERATOR])
        person_added(w, "vic", [OFFICER])
        roles_set(w, "vic", [COMPLIANCE])
        person_ended(w, "vic")
    yield found
    found.close()


def edited(value: object) -> object:
    """Another value of the same kind, different in as little as can be."""
    if isinstance(value, bytes):
        return value[:-1] + bytes([value[-1] ^ 1])
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value - 1 if value == NEVER_US else value + 1
    return f"{value[:-1]}{chr(ord(value[-1]) ^ 1)}" if isinstance(value, str) and value else None


def changed(store: Store, statement: Any) -> None:
    """Do something to the database behind the program's back."""
    with store.database.begin() as connection:
        connection.execute(statement)


def same_row(kind: str, row: dict[str, Any]) -> sa.ColumnElement[bool]:
    table = KINDS[kind].table
    return sa.and_(*(column == row[column.name] for column in table.primary_key.columns))


def test_what_was_written_holds_and_every_kind_of_evidence_is_among_it(store: Store) -> None:
    found = evidence_verified(store)
    assert (found.faults, found.audit.broken, found.gone) == ([], None, 0)
    events = store.rows(sa.text("SELECT detail FROM audit_events"))  # type: ignore[arg-type]
    named = {name.partition(":")[0] for row in events for name in json.loads(row["detail"]).get("kept", ())}
    assert named == set(KINDS) - OF_MANY


@pytest.mark.parametrize("kind", sorted(set(KINDS) - OF_MANY))
def test_edit_of_any_column_of_evidence_is_found_with_the_row_and_the_event_that_knew_it(
    store: Store, kind: str
) -> None:
    table, since = KINDS[kind].table, KINDS[kind].since
    keys = {column.name for column in table.primary_key.columns}
    query = sa.select(table) if since is None else sa.select(table).where(table.c[since].is_not(None))
    row = [each for each in store.rows(query) if KINDS[kind].has(each)][-1]
    for name in KINDS[kind].columns:
        other = edited(row[name])
        if name in keys or other is None:
            continue
        changed(store, table.update().where(same_row(kind, row)).values({name: other}))
        faults = [each for each in evidence_verified(store).faults if each.event is not None]
        assert faults, f"{table.name}.{name}"
        assert {each.where for each in faults} == {f"{table.name} {KINDS[kind].key(row)}"}
        changed(store, table.update().where(same_row(kind, row)).values({name: row[name]}))
    assert evidence_verified(store).holds
    changed(store, table.delete().where(same_row(kind, row)))
    problems = {each.problem for each in evidence_verified(store).faults if each.event is not None}
    assert problems == {"the row is missing"}


@pytest.mark.parametrize("kind", sorted(name for name, kind in KINDS.items() if kind.is_whole))
def test_row_that_was_put_in_is_found_where_the_audit_knows_every_one(store: Store, kind: str) -> None:
    table = KINDS[kind].table
    *_, key = table.primary_key.columns
    row = next(each for each in store.rows(sa.select(table)) if KINDS[kind].has(each))
    forged = row | {key.name: 99 if isinstance(row[key.name], int) else "f" * 32}
    if table is limit_entries:
        forged["number"] = 99
    changed(store, table.insert().values(forged))
    where = f"{table.name} {KINDS[kind].key(forged)}"
    assert where in {each.where for each in evidence_verified(store).faults}


def test_notice_that_never_went_out_and_is_said_to_have_is_found(store: Store) -> None:
    with work(store, KIM, NOW_US) as w:
        request_made(w, past.DESK.seal, "a", "access", "")
    [row] = store.rows(sa.select(notices).where(notices.c.out_us.is_(None)))
    assert evidence_verified(store).holds
    changed(store, notices.update().where(notices.c.notice_id == row["notice_id"]).values(out_us=NOW_US))
    assert evidence_verified(store).faults == [(f"notices {row['notice_id']}", PUT_IN, None)]


def test_edit_that_a_later_act_carries_on_is_found_at_that_act(store: Store) -> None:
    [row] = store.rows(sa.select(rights_requests))
    changed(store, rights_requests.update().values(answer_until_us=row["answer_until_us"] + DAY_US))
    with work(store, IVY, NOW_US + DAY_US) as w:
        request_extended(w, past.DESK.seal, row["request_id"], row["version"], 5, "many decisions")
    [fault] = evidence_verified(store).faults
    [event] = found_events(store, Search(act="rights.extend"))
    assert (fault.where, fault.event) == (f"rights_requests {row['request_id']}", event["number"])
    assert "edited before this act" in fault.problem


def test_row_that_was_put_in_or_a_sum_that_was_moved_is_found(store: Store) -> None:
    row = store.rows(sa.select(limit_entries))[0]
    changed(store, limit_entries.insert().values(row | {"entry_id": "forged", "number": 99}))
    changed(store, cases.update().values(state="refused"))
    act = store.rows(sa.select(case_acts))[0]
    found = evidence_verified(store)
    wanted = ["lines a", f"cases {act['case_id']}", "limit_entries forged"]
    assert [each.where for each in found.faults] == wanted
    changed(store, lines.update().values(limit_cents=5))
    assert "limit 5" in evidence_verified(store).faults[0].problem


@pytest.mark.parametrize(
    "values",
    [
        {"state": "live", "is_champion": True, "buckets": 10_000},
        {"approvals": '[["kim", "committee"], ["ivy", "compliance"]]'},
        {"screens_failed": "[]"},
        {"justified_by": "ivy"},
        {"bucket_from": 5},
        {"version": 7},
        {"approvals": "no JSON"},
    ],
)
def test_release_that_its_acts_do_not_lead_to_is_found_with_its_name(
    store: Store, values: dict[str, Any]
) -> None:
    [row] = store.rows(sa.select(releases))
    changed(store, releases.update().values(**values))
    assert [each.where for each in evidence_verified(store).faults] == [f"releases {row['release_id']}"]


def test_release_that_was_put_in_and_an_act_that_nobody_did_are_found(store: Store) -> None:
    [row] = store.rows(sa.select(releases))
    [act] = store.rows(sa.select(release_acts))
    forged = row | {"release_id": "f" * 32, "state": "live"}
    changed(store, releases.insert().values(forged))
    assert [each.where for each in evidence_verified(store).faults] == [f"releases {'f' * 32}"]
    changed(store, releases.delete().where(releases.c.release_id == "f" * 32))
    done = {"version": 2, "act": "live", "state": "live", "detail": '{"buckets": 10000, "bucket_from": 0}'}
    changed(store, release_acts.insert().values(act | done))
    live = {"version": 2, "state": "live", "is_champion": True, "buckets": 10_000}
    changed(store, releases.update().values(**live))
    [fault] = evidence_verified(store).faults
    assert fault.where == f"releases {row['release_id']}"
    assert fault.problem == "the audit has no event of its act 2 (live by sam)"


def test_act_that_another_person_is_said_to_have_done_is_found(store: Store) -> None:
    changed(store, release_acts.update().values(actor_id="kim"))
    changed(store, releases.update().values(author_id="kim"))
    problems = [each.problem for each in evidence_verified(store).faults if each.event is None]
    assert problems == ["its act 1 (draft by kim) is not what the audit keeps of it"]


@pytest.mark.parametrize("kind", sorted(name for name, kind in KINDS.items() if kind.by is not None))
def test_act_that_is_said_to_be_another_persons_is_found_with_the_event_of_who_did_it(
    store: Store, kind: str
) -> None:
    of = KINDS[kind]
    assert of.by is not None
    row = store.rows(sa.select(of.table))[-1]
    changed(store, of.table.update().where(same_row(kind, row)).values({of.by: "mallory"}))
    [fault] = [each for each in evidence_verified(store).faults if each.event is not None]
    assert (fault.where, fault.problem) == (f"{of.table.name} {of.key(row)}", f"{of.by} is not who did it")


def test_what_waits_and_is_hidden_from_who_must_answer_is_found(store: Store) -> None:
    [row] = store.rows(sa.select(rights_requests))
    changed(store, rights_requests.update().values(is_live=False))
    changed(store, cases.update().values(is_live=True))
    places = [each.where.split()[0] for each in evidence_verified(store).faults]
    assert places == ["cases", "rights_requests"], row


def test_mandate_and_person_from_before_the_audit_kept_a_hash_hold_from_their_end_on(
    store: Store,
) -> None:
    row = {"mandate_id": "old", "person_id": "hal", "tier": 2, "actions": "[]", "cut_cents_max": None,
           "exposure_cents_max": None, "from_us": 0, "to_us": NEVER_US, "version": 1}  # fmt: skip
    with work(store, SYSTEM, NOW_US) as w:
        w.add(mandates, row)
        w.note("mandate.give", "person:hal", {"mandate": "old", "tier": 2})
        row = w.rows(sa.select(people).where(people.c.person_id == "vic"))[0]
        w.add(people, row | {"person_id": "hal", "is_active": True})
        w.note("person.add", "person:hal", {"roles": ["officer"]})
    assert evidence_verified(store).faults == []
    with work(store, SYSTEM, NOW_US) as w:
        mandate_ended(w, "old", past.POLICY)
        person_ended(w, "hal")
    assert evidence_verified(store).faults == []
    changed(store, mandates.update().where(mandates.c.mandate_id == "old").values(to_us=NEVER_US))
    changed(store, people.update().where(people.c.person_id == "hal").values(is_active=True))
    assert [each.where for each in evidence_verified(store).faults] == ["mandates old", "people hal"]


@pytest.mark.parametrize("table", [mandates, absences])
def test_change_that_waits_and_is_said_to_be_confirmed_is_found(store: Store, table: sa.Table) -> None:
    [row] = store.rows(sa.select(table).where(table.c.pending.is_not(None)))
    changed(store, table.update().values(pending=None, asked_by=None))
    [fault] = evidence_verified(store).faults
    assert fault.where == f"{table.name} {row[table.primary_key.columns[0].name]}"
    assert fault.event is not None


@pytest.mark.parametrize(
    ("table", "values"), [(cases, {"outcome": "mallory"}), (cases, {"votes": '[["m", "m", "for", ""]]'}),
                          (lines, {"is_frozen": True}), (people, {"customer_id": "a", "roles": '["officer"]'})],
)  # fmt: skip
def test_what_its_acts_or_its_ledger_do_not_lead_to_is_found(
    store: Store, table: sa.Table, values: dict[str, Any]
) -> None:
    changed(store, table.update().values(**values))
    assert {each.where.split()[0] for each in evidence_verified(store).faults} == {table.name}


def test_planned_change_that_is_only_said_to_have_ended_is_found(store: Store) -> None:
    later_us = NOW_US + 60 * DAY_US
    with work(store, SYSTEM, later_us) as w:
        entry_id = planned(w, LimitChange("z", "close", 900_000, 0, later_us, "inactive", "z"))
    assert evidence_verified(store).holds
    for end in ({"state": "cancelled"}, {"state": "effective", "delta_cents": 0, "effective_us": later_us}):
        changed(store, limit_entries.update().where(limit_entries.c.entry_id == entry_id).values(**end))
        assert evidence_verified(store).faults == [(f"limit_entries {entry_id}", NO_END, None)]


def test_content_that_retention_or_an_erasure_took_away_is_counted_and_no_fault(
    store: Store, seal: Seal
) -> None:
    late_us = NOW_US + 2_200 * DAY_US
    retention_kept(store, late_us)
    found = evidence_verified(store)
    assert (found.holds, found.gone) == (True, 5)
    with work(store, KIM, late_us) as w:
        request_id = request_made(w, seal, "a", "erase", "forget me")
    with work(store, IVY, late_us) as w:
        person_erased(w, seal, request_id, 1)
    found = evidence_verified(store)
    assert (found.faults, found.gone) == ([], 5), "what he said of two requests is kept as it is now"


def made_earlier(store: Store) -> None:
    """Let a store be one of revision 0005, whose audit knows nothing."""
    for table in (audit_events, release_acts, releases, mandates, absences, people):
        changed(store, table.delete())
    changed(store, audit_heads.update().values(number=0, hash=FIRST_HASH))
    changed(store, sa.text("DROP TABLE shown_accounts"))
    changed(store, sa.text("UPDATE store_revision SET version_num = '0005'"))


def upgraded(store: Store) -> None:
    """Bring a store up to now."""
    for table, column in itertools.product(("mandates", "absences"), ("pending", "asked_by")):
        changed(store, sa.text(f"ALTER TABLE {table} DROP COLUMN {column}"))
    changed(store, sa.text("DROP INDEX audit_events_by_time"))
    with store.database.begin() as connection:
        migrations.upgrade(connection)


def test_rows_from_before_the_audit_knew_them_hold_from_the_upgrade_on(store: Store) -> None:
    made_earlier(store)
    assert {each.problem for each in evidence_verified(store).faults} == {PUT_IN, NO_END}
    upgraded(store)
    assert evidence_verified(store).faults == []
    changed(store, notices.update().where(notices.c.read_us.is_not(None)).values(read_us=5))
    changed(store, consent_acts.update().values(act="withdrawn"))
    places = [each.where.split()[0] for each in evidence_verified(store).faults]
    assert sorted(places) == ["consent_acts", "notices", "notices"], (
        "the row, and the event that has one less"
    )


@pytest.mark.parametrize("is_edited", [False, True])
def test_erasure_of_rows_that_events_of_many_hold_is_no_fault_but_an_edit_before_it_is(
    store: Store, seal: Seal, is_edited: bool
) -> None:
    made_earlier(store)
    upgraded(store)
    if is_edited:
        changed(store, limit_entries.update().values(why="for nothing"))
        changed(store, consent_acts.update().values(text_version="9"))
    late_us = NOW_US + 2_200 * DAY_US
    with work(store, KIM, late_us) as w:
        request_id = request_made(w, seal, "a", "erase", "forget me")
    with work(store, IVY, late_us) as w:
        person_erased(w, seal, request_id, 1)
    found = evidence_verified(store)
    problems = {(each.where.split()[0], each.problem) for each in found.faults if each.event is not None}
    assert not is_edited or problems >= {
        ("limit_entries", EDITED_BEFORE),
        ("consent_acts", EDITED_BEFORE),
    }
    assert is_edited or found.faults == []


def test_command_says_what_holds_where_it_does_not_and_whether_exported_facts_stand(
    store: Store, store_url: str, tmp_path: Path
) -> None:
    day = day_of(NOW_US)
    facts = evaluation_document(store, "CN", day, day_of(NOW_US + 60 * DAY_US), NOW_US)
    assert facts["subjects"] == 5, "the limit as it was found, the cut, the closing, the appeal, the request"
    path = tmp_path / "facts.json"
    path.write_text(json.dumps(facts))

    def verified(*more: str) -> tuple[int, str]:
        found = CliRunner().invoke(application, ["audit", "verify", "--store", store_url, *more])
        return found.exit_code, found.output

    code, text = verified("--all", "--facts", str(path))
    assert code == 0, text
    assert "rows of evidence were held against it" in text
    path.write_text(json.dumps(facts | {"audit": {"events": 5, "hash": "0" * 64}}))
    code, text = verified("--facts", str(path))
    assert (code, "audit_events 5" in text) == (1, True)
    changed(store, limit_entries.update().where(limit_entries.c.action == "close").values(delta_cents=-1))
    assert verified()[0] == 0, "the chain alone does not see it"
    code, text = verified("--all", "--json")
    (line, entry) = json.loads(text)["faults"]
    assert (code, line["where"], entry["where"].split()[0]) == (1, "lines a", "limit_entries")
    assert entry["event"] > 0
