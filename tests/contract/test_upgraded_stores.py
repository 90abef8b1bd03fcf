"""A store from before Workflow, brought up: it knows whose its accounts are, and the ledger has what stands frozen."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import sqlalchemy as sa

from limitkeeper.app.decisions import effects
from limitkeeper.app.due_changes import effected_due
from limitkeeper.app.freezes import freezes_followed
from limitkeeper.app.known_notices import inbox
from limitkeeper.app.limits import entries_of, line_row
from limitkeeper.app.notice_policy import notice_policy
from limitkeeper.app.notices import is_out
from limitkeeper.app.ownership import account_ids_of, owner_of
from limitkeeper.app.rights import request_extended, request_made
from limitkeeper.app.rights_documents import request_documents
from limitkeeper.core.access.actors import SYSTEM
from limitkeeper.engines.embedded.engine import Engine
from limitkeeper.engines.embedded.requests import Request
from limitkeeper.engines.embedded.settings import Settings
from limitkeeper.engines.embedded.start import Decisive, Place, running_engine
from limitkeeper.store.database import database_at
from limitkeeper.store.entries import entry_bytes
from limitkeeper.store.records import Commit, ProposalChange
from limitkeeper.store.sql import Store
from limitkeeper.store.stated import add_stated
from limitkeeper.store.tables import freeze_changes, journal, proposals, stated_accounts, store_heads
from limitkeeper.store.work import work
from tests.contract.test_migrations import SETTINGS, before, run_script
from tests.vaults import SEAL

__all__ = ["before"]

NOW_US = 1_790_042_400_000_000
EFFECTS = effects(SEAL, notice_policy("CN"))
TRACE = {
    "reasons": [{"code": "late_recent", "en": "Late", "zh": "逾期", "help_en": "Pay", "help_zh": "还款"}]
}

STATED = (
    pl.DataFrame({"account_id": ["x-1", "x-2", "own"], "customer_id": ["kim", "kim", None], "segment": ["s", "t", "t"]}),
    pl.DataFrame({"account_id": [1.0, 2.0], "customer_id": [7.0, 2.0]}),
    pl.DataFrame({"account_id": ["x-1", "x-3"], "customer_id": ["another", "kim"], "segment": [None, "s"]}),
)  # fmt: skip
"""Three statements; the last says something else of an account that the first has."""

OWNERS = {
    "x-1": "kim",
    "x-2": "kim",
    "x-3": "kim",
    "own": "own",
    "1": "7",
    "2": "2",
    "a": "c",
    "never": "never",
}


def stated_before(url: str) -> None:
    """Let a store from before have statements in its journal."""
    settings = json.dumps(Decisive().store_settings(), sort_keys=True)
    database = database_at(url)
    with database.begin() as connection:
        connection.execute(journal.delete())
        connection.execute(
            journal.insert(),
            [
                {"sequence": number, "kind": "accounts", "events": 0, "committed_us": 7, "content": entry_bytes(table)}
                for number, table in enumerate(STATED, start=1)
            ],
        )  # fmt: skip
        connection.execute(sa.update(store_heads).values(sequence=len(STATED), settings=settings))
    database.dispose()


def proposed_before(url: str, **statuses: str) -> None:
    """Let a store from before have freezes of accounts, in these states."""
    database = database_at(url)
    rows: list[dict[str, Any]] = [
        {"proposal_id": f"p-{name}", "account_id": name, "decision_id": f"d-{name}", "action": "freeze", "rule": "r",
         "limit_before_cents": 500, "limit_after_cents": None, "made_us": NOW_US - 5, "status": status,
         "status_us": NOW_US - 5, "reason": None, "trace": json.dumps(TRACE), "sequence": 1}
        for name, status in statuses.items()
    ]  # fmt: skip
    with database.begin() as connection:
        connection.execute(proposals.insert(), rows)
    database.dispose()


def started(url: str, folder: Path) -> Engine:
    place = Place(url, Settings(folder / "snapshots", 0.0), Decisive())
    return running_engine(place, lambda: NOW_US)


def owners(store: Store) -> dict[str, str]:
    with work(store, SYSTEM, NOW_US) as w:
        return {name: owner_of(w, name).customer_id for name in OWNERS}


@pytest.mark.parametrize("first", ["serve", "store upgrade"])
def test_owners_that_journal_and_ledger_state_are_known_after_the_first_start(
    before: str, tmp_path: Path, first: str
) -> None:
    stated_before(before)
    if first == "store upgrade":
        store = Store(before, upgrades=True)
        store.upgrade()
        store.close()
    engine = started(before, tmp_path)
    try:
        assert owners(engine.store) == OWNERS
        with work(engine.store, SYSTEM, NOW_US) as w:
            assert account_ids_of(w, "kim") == ["x-1", "x-2", "x-3"]
            assert owner_of(w, "x-1").segment == "s"
    finally:
        engine.stop()


def test_owners_are_taken_up_once_and_an_erased_one_stays_erased(before: str, tmp_path: Path) -> None:
    stated_before(before)
    started(before, tmp_path).stop()
    database = database_at(before)
    with database.begin() as connection:
        erased = stated_accounts.update().where(stated_accounts.c.account_id == "x-1")
        connection.execute(erased.values(customer_id=None, segment=None))
    database.dispose()
    engine = started(before, tmp_path)
    try:
        assert owners(engine.store) == OWNERS | {"x-1": "x-1"}
        engine.submit(Request("accounts", STATED[0])).result()
        assert owners(engine.store) == OWNERS | {"x-1": "x-1"}
    finally:
        engine.stop()


def test_known_account_stated_again_gets_the_owner_that_is_missing_and_keeps_one_that_is_not(
    store_url: str, tmp_path: Path
) -> None:
    engine = started(store_url, tmp_path)
    try:
        engine.submit(Request("accounts", pl.DataFrame({"account_id": ["x-1", "x-2"]}))).result()
        assert owners(engine.store)["x-1"] == "x-1"
        for customer_id in ("kim", "another"):
            again = pl.DataFrame({"account_id": ["x-1"], "customer_id": [customer_id]})
            engine.submit(Request("accounts", again)).result()
            assert (owners(engine.store)["x-1"], owners(engine.store)["x-2"]) == ("kim", "x-2")
    finally:
        engine.stop()


def test_freezes_that_stand_at_the_upgrade_come_into_the_ledger_once_and_go_as_the_monitor_says(
    before: str,
) -> None:
    proposed_before(before, open="open", confirmed="confirmed", lapsed="lapsed", old="superseded", a="open")
    store = Store(before, upgrades=True)
    store.take(SETTINGS)
    with store.database.begin() as connection:
        owner = pl.DataFrame({"account_id": ["open"], "customer_id": ["kim"], "segment": [None]})
        add_stated(connection, owner.cast(pl.String))
    freezes_followed(store, EFFECTS, NOW_US)
    effected_due(store, NOW_US, is_out)
    assert freezes_followed(store, EFFECTS, NOW_US) == 0

    def frozen() -> dict[str, bool]:
        with work(store, SYSTEM, NOW_US) as w:
            found = {name: line_row(w, name) for name in ("open", "confirmed", "lapsed", "old", "a")}
            return {name: bool(row["is_frozen"]) for name, row in found.items() if row is not None}

    assert frozen() == {"open": True, "confirmed": True, "a": True}
    with work(store, SYSTEM, NOW_US) as w:
        (entry,) = [each for each in entries_of(w, "open") if each["action"] == "freeze"]
        assert entry["planned_us"] == NOW_US - 5
        assert [notice["kind"] for notice in inbox(w, SEAL, "kim")] == ["line_frozen"]
        assert "freeze" not in [each["action"] for each in entries_of(w, "a")]  # it stood there before
    lifted = [ProposalChange(name, NOW_US, "lifted", "by hand") for name in ("open", "a")]
    store.write(Commit(2, "freeze", 0, NOW_US, b"", proposals=lifted))
    freezes_followed(store, EFFECTS, NOW_US)
    effected_due(store, NOW_US, is_out)
    assert frozen() == {"open": False, "confirmed": True, "a": False}
    assert len(store.rows(sa.select(freeze_changes))) == 5
    store.close()


def test_request_from_before_clocks_could_be_extended_has_its_clock_and_can_be(store_url: str) -> None:
    made = Store(store_url)
    made.take(SETTINGS)
    with work(made, SYSTEM, NOW_US) as w:
        request_id = request_made(w, SEAL, "kim", "explain", "")
    (clock,) = [each["answer_until_at"] for each in request_documents(made, NOW_US)]
    made.close()
    run_script(
        store_url,
        "DROP TABLE shown_accounts; ALTER TABLE rights_requests DROP COLUMN extended_days; "
        "ALTER TABLE mandates DROP COLUMN pending; ALTER TABLE mandates DROP COLUMN asked_by; "
        "ALTER TABLE absences DROP COLUMN pending; ALTER TABLE absences DROP COLUMN asked_by; "
        "DROP INDEX audit_events_by_time; "
        "UPDATE store_revision SET version_num = '0004'",
    )
    store = Store(store_url, upgrades=True)
    store.upgrade()
    (document,) = request_documents(store, NOW_US)
    assert (document["answer_until_at"], document["extended_days"]) == (clock, 0)
    with work(store, SYSTEM, NOW_US) as w:
        assert request_extended(w, SEAL, request_id, 1, 30, "complex").extended_days == 30
    store.close()
