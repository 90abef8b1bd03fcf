"""``limitkeeper rights`` and ``limitkeeper vault`` as a compliance officer types them."""

import base64
import json
import time
from pathlib import Path

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from limitkeeper.app.notices import contact_added, deliver_notices
from limitkeeper.app.vault import VAULT_VARIABLE, seal_at
from limitkeeper.connectors.sealing import KEY_VARIABLE, OLD_VARIABLE
from limitkeeper.core.access.actors import SYSTEM
from limitkeeper.core.behaviour.events import DAY_US, HOUR_US
from limitkeeper.shells.cli.main import application
from limitkeeper.store.notice_tables import notices
from limitkeeper.store.sql import Store
from limitkeeper.store.work import work

RUNNER = CliRunner()
OLD_KEY, NEW_KEY = (base64.b64encode(bytes([k]) * 32).decode() for k in (1, 2))


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A server's folder with a customer of whom a mail address is known."""
    monkeypatch.delenv(VAULT_VARIABLE)
    monkeypatch.setenv(KEY_VARIABLE, OLD_KEY)
    store = Store(f"sqlite:///{tmp_path / 'limitkeeper.db'}")
    with work(store, SYSTEM, 1_790_000_000_000_000) as w:
        contact_added(w, seal_at(tmp_path), "kim", "mail", "kim@mail.test", 0)
    store.close()
    return tmp_path


def run(data: Path, *words: str, code: int = 0) -> str:
    found = RUNNER.invoke(application, [*words, "--data", str(data)])
    assert found.exit_code == code, found.output + str(found.exception)
    return found.output


def made(data: Path, kind: str) -> str:
    return run(data, "rights", "make", "kim", kind, "--as", "ann").splitlines()[-1]


def let_out(data: Path) -> None:
    """Do what a server does with the notices that wait, by day where the customer is."""
    store = Store(f"sqlite:///{data / 'limitkeeper.db'}")
    next_noon_us = (time.time_ns() // 1_000 // DAY_US + 1) * DAY_US + 4 * HOUR_US
    deliver_notices(store, {}, seal_at(data), lambda: next_noon_us)
    store.close()


def test_person_is_given_a_copy_and_then_erased(data: Path) -> None:
    request, out = made(data, "copy"), data / "kim.json"
    run(data, "rights", "verify", request, "--words", "passport seen", "--as", "ivy")
    assert "contacts 1" in run(data, "rights", "copy", request, "--out", str(out), "--as", "ivy")
    copy = json.loads(out.read_text(encoding="utf-8"))
    assert copy["data"]["contacts"][0]["address"] == "kim@mail.test"
    assert copy["made_by"] == "ivy"
    assert out.stat().st_mode & 0o077 == 0
    page = data / "kim.html"
    assert "contacts 1" in run(data, "rights", "copy", request, "--out", str(page), "--as", "ivy")
    assert "kim@mail.test" in page.read_text(encoding="utf-8")
    request = made(data, "erase")
    run(data, "rights", "verify", request, "--words", "passport seen", "--as", "ivy")
    shown = run(data, "rights", "show", request, "--as", "ivy")
    assert "verify: verified passport seen" in shown
    shown = run(data, "rights", "show", request, "--as", "ivy", "--json").partition("\n")[2]
    assert [bar["code"] for bar in json.loads(shown)["bars"]] == ["not_told"]
    barred = run(data, "rights", "erase", request, "--dry-run", "--as", "ivy", code=1)
    assert "not_told: The notice that tells him of the erasure has not gone out yet." in barred
    let_out(data)
    copy_of_before = (data / "limitkeeper.db").read_bytes()
    assert "Nothing bars it" in run(data, "rights", "erase", request, "--dry-run", "--as", "ivy")
    assert "contacts 1" in run(data, "rights", "erase", request, "--as", "ivy")
    assert "destroyed: 1" in run(data, "vault", "status")
    assert "No request waits" in run(data, "rights", "list", "--as", "ivy")
    found = RUNNER.invoke(
        application, ["rights", "make", "kim", "access", "--as", "ann", "--data", str(data)]
    )
    assert "erased" in str(found.exception)
    for suffix in ("-wal", "-shm"):
        (data / f"limitkeeper.db{suffix}").unlink(missing_ok=True)
    (data / "limitkeeper.db").write_bytes(copy_of_before)
    again = [run(data, "rights", "erase-again", "--as", "ivy").splitlines()[-1] for _ in range(2)]
    assert again == ["erased again: 1", "erased again: 0"]
    assert "No request waits" in run(data, "rights", "list", "--as", "ivy"), "the one that waited in the copy"
    store = Store(f"sqlite:///{data / 'limitkeeper.db'}")
    named = {row["customer_id"] for row in store.rows(sa.select(notices.c.customer_id))}
    assert [each.startswith("erased-") for each in named] == [True]
    store.close()
    assert run(data, "audit", "verify", "--all", "--json").count('"where"') == 0


def test_master_key_is_changed_and_everything_still_reads(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(KEY_VARIABLE, NEW_KEY)
    monkeypatch.setenv(OLD_VARIABLE, OLD_KEY)
    assert "1 keys are wrapped" in run(data, "vault", "rotate")
    monkeypatch.delenv(OLD_VARIABLE)
    assert json.loads(run(data, "vault", "rotate", "--json"))["wrapped_again"] == 0
    request, out = made(data, "access"), data / "kim.json"
    run(data, "rights", "verify", request, "--words", "passport seen", "--as", "ivy")
    run(data, "rights", "copy", request, "--out", str(out), "--as", "ivy")
    assert "kim@mail.test" in out.read_text(encoding="utf-8")


def test_overdue_requests_end_with_a_code_that_a_timer_can_watch(data: Path) -> None:
    made(data, "explain")
    assert run(data, "rights", "list", "--as", "ivy", "--overdue").endswith("No request waits.\n")
    store = Store(f"sqlite:///{data / 'limitkeeper.db'}")
    with work(store, SYSTEM, 1) as w:
        w.connection.exec_driver_sql("UPDATE rights_requests SET answer_until_us = 1")
    store.close()
    assert "OVERDUE" in run(data, "rights", "list", "--as", "ivy", "--overdue", code=3)


def test_clock_is_extended_and_the_request_is_answered_in_part(data: Path) -> None:
    request = made(data, "correct")
    run(data, "rights", "verify", request, "--words", "passport seen", "--as", "ivy")
    longer = ("rights", "extend", request, "--days", "20", "--as", "ivy")
    said = run(data, *longer, "--words", "two employers to ask")
    [listed] = json.loads(run(data, "rights", "list", "--as", "ivy", "--json").partition("\n")[2])
    assert f"answer until {listed['answer_until_at'][:10]}" in said
    assert ", 20 days longer" in run(data, "rights", "list", "--as", "ivy")
    again = RUNNER.invoke(application, [*longer, "--words", "three", "--data", str(data)])
    assert "is extended once" in str(again.exception)
    answer = ("rights", "answer", request, "--words", "the address", "--as", "ivy")
    both = RUNNER.invoke(application, [*answer, "--refuse", "--rest", "x", "--data", str(data)])
    assert "Only an answer in part" in str(both.exception)
    assert "partly" in run(data, *answer, "--rest", "the income is right")
    shown = run(data, "rights", "show", request, "--as", "ivy")
    assert "extend: verified two employers to ask" in shown
    assert "the income is right" in shown


def test_consent_is_given_shown_and_withdrawn(data: Path) -> None:
    run(data, "rights", "consent", "kim", "relations", "--as", "ann")
    assert "relations 2026-11: given" in run(data, "rights", "consent", "kim", "--as", "ann")
    assert "withdrawn" in run(data, "rights", "consent", "kim", "relations", "--withdraw", "--as", "ann")
