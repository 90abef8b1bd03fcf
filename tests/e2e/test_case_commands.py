"""An officer's way at the command line: a violation, its case, the decision, the customer's mail, the audit."""

import datetime as dt
import json
import time
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from limitkeeper.app.customer_preferences import preferences_set
from limitkeeper.app.notices import contact_added
from limitkeeper.connectors.sealing import KEY_VARIABLE
from limitkeeper.core.access.actors import SYSTEM
from limitkeeper.core.approval.refusals import RefusedError
from limitkeeper.shells.cli.main import application
from limitkeeper.store.audit_tables import audit_events
from limitkeeper.store.sql import Store
from limitkeeper.store.work import work
from tests.crash.killed_server import KilledServer
from tests.live_engines import life
from tests.postman import postman
from tests.vaults import MASTER_KEY_TEXT, SEAL

PATIENCE_SECONDS = 30


def invoke(folder: Path, *arguments: str, code: int = 0) -> str:
    result = CliRunner().invoke(application, [*arguments, "--data", str(folder)])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result.stdout


def awaited(folder: Path, *arguments: str) -> list[dict]:
    """What a command shows as JSON, as soon as it shows something."""
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        if found := json.loads(invoke(folder, *arguments, "--json")):
            return found
        time.sleep(0.2)
    raise AssertionError("nothing came")


def test_violation_becomes_a_case_that_an_officer_decides_and_the_customer_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(KEY_VARIABLE, MASTER_KEY_TEXT)
    folder, accounts = tmp_path / "data", tmp_path / "accounts.parquet"
    folder.mkdir()
    life().accounts.write_parquet(accounts)
    account, customer = life().accounts.select("account_id", "customer_id").row(0)
    store_url = f"sqlite:///{folder}/limitkeeper.db"
    with postman() as mail:
        more = (
            "--clock",
            "wall",
            "--workflow",
            "--trial",
            "--mail",
            f"smtp://127.0.0.1:{mail.port}?from=credit@lender.test",
        )
        server = KilledServer(store_url, folder, accounts, more=more)
        server.start()
        server.await_ready()
        store = Store(store_url)
        with work(store, SYSTEM, time.time_ns() // 1_000) as w:
            preferences_set(w, customer, {"language": "en", "quiet_from_hour": 0, "quiet_to_hour": 0})
            contact_added(w, SEAL, customer, "mail", "kim@mail.test", 0)
        event = {
            "event_id": "v",
            "account_id": account,
            "ts": dt.datetime.now(dt.UTC).isoformat(),
            "kind": "flag",
        }
        assert httpx.post(f"{server.url}/v1/events", json=event).status_code == 401
        made = invoke(folder, "key", "make", "shop", "--scope", "events.send", "--as", "chief", "--json")
        key = {"Authorization": f"Bearer {json.loads(made)['key']}"}
        assert httpx.post(f"{server.url}/v1/events", json=event, headers=key).json()["accepted"] == 1

        (case,) = awaited(folder, "case", "list", "--as", "ann", "--tier", "2")
        assert (case["action"], case["tier_rules"]) == ("freeze", ["freeze"])
        invoke(folder, "mandate", "give", "ann", "--tier", "2", "--as", "chief")
        with pytest.raises(RefusedError):
            invoke(folder, "case", "claim", case["case_id"], "--as", "bob")
        invoke(folder, "case", "claim", case["case_id"], "--as", "ann")
        assert "approved" in invoke(
            folder, "case", "approve", case["case_id"], "--as", "ann", "--words", "seen"
        )
        (ended,) = json.loads(invoke(folder, "case", "list", "--as", "ann", "--ended", "--json"))
        shown = json.loads(invoke(folder, "case", "show", ended["case_id"], "--as", "ann", "--json"))
        assert [each["act"] for each in shown["acts"]] == ["open", "claim", "approve"]
        assert account in invoke(folder, "case", "list", "--as", "ann", "--ended")
        assert "seen" in invoke(folder, "case", "show", ended["case_id"], "--as", "ann")

        until = time.monotonic() + PATIENCE_SECONDS
        while len(mail.taken) < 2:
            assert time.monotonic() < until, "no mail came"
            time.sleep(0.1)
        assert {message["To"] for message in mail.taken} == {"kim@mail.test"}
        assert sorted("stands" in message["Subject"] for message in mail.taken) == [False, True]
        assert "ann" in invoke(folder, "mandate", "list")
        assert server.stop() == 0
    assert json.loads(invoke(folder, "audit", "verify", "--json"))["holds"]
    acts = [each["act"] for each in json.loads(invoke(folder, "audit", "search", "--as", "ivy", "--json"))]
    assert "case.list" in acts
    assert {"case.approve", "notice.write", "notice.out", "limit.effect", "mandate.give"} <= set(acts)
    with store.database.begin() as connection:
        connection.execute(audit_events.update().where(audit_events.c.number == 3).values(actor_id="nobody"))
    broken = json.loads(invoke(folder, "audit", "verify", "--json", code=1))
    assert broken["broken"]["number"] == 3
    assert "does not hold at event 3" in invoke(folder, "audit", "verify", code=1)
    store.close()


def test_absence_is_noted_by_somebody_else_than_the_deputy_shown_and_ended(tmp_path: Path) -> None:
    Store(f"sqlite:///{tmp_path}/limitkeeper.db").close()
    invoke(tmp_path, "mandate", "give", "ann", "--tier", "2", "--as", "chief")
    with pytest.raises(RefusedError):
        invoke(tmp_path, "mandate", "absent", "ann", "chief", "--as", "chief")

    def deputies() -> list[tuple[str | None, str | None]]:
        listed = json.loads(invoke(tmp_path, "mandate", "list", "--json"))
        return [(each["deputy"], each["absence_id"]) for each in listed]

    assert deputies() == [(None, None)]
    said = invoke(tmp_path, "mandate", "absent", "ann", "bob", "--as", "chief")
    ((deputy, absence_id),) = deputies()
    assert deputy == "bob"
    assert str(absence_id) in said
    invoke(tmp_path, "mandate", "end-absence", str(absence_id), "--as", "chief")
    assert deputies() == [(None, None)]


def test_audit_is_searched_by_days(tmp_path: Path) -> None:
    Store(f"sqlite:///{tmp_path}/limitkeeper.db").close()
    invoke(tmp_path, "mandate", "give", "ann", "--tier", "2", "--as", "chief")
    search = ("audit", "search", "--act", "mandate.give", "--as", "ivy", "--json")
    (given,) = json.loads(invoke(tmp_path, *search))
    day = given["at"][:10]
    assert json.loads(invoke(tmp_path, *search, "--from", day, "--to", day)) == [given]
    assert json.loads(invoke(tmp_path, *search, "--to", "2020-01-01")) == []
    invoke(tmp_path, *search, "--from", "soon", code=2)
