"""A customer's way at the command line: he sees, asks, takes back, is explained; staff restores and sends again."""

import datetime as dt
import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from limitkeeper.app.due_changes import effected_due
from limitkeeper.app.limits import LimitChange, planned
from limitkeeper.app.people import person_added
from limitkeeper.connectors.sealing import KEY_VARIABLE
from limitkeeper.core.access.actors import COMPLIANCE, CUSTOMER, OFFICER, OPERATOR, SYSTEM
from limitkeeper.core.access.rights import ForbiddenError
from limitkeeper.core.kernel.errors import InputError
from limitkeeper.shells.cli.main import application
from limitkeeper.store.audit_tables import audit_events
from limitkeeper.store.notice_tables import notices
from limitkeeper.store.sql import Store
from limitkeeper.store.tables import proposals, stated_accounts
from limitkeeper.store.work import work
from tests.vaults import MASTER_KEY_TEXT

TRACE = {
    "decision_id": "d",
    "inputs": {"limit_cents": 600_000.0, "balance_cents": 300_000.0, "on_time_streak": 2.0},
    "rules": [],
    "reasons": [],
}


def invoke(folder: Path, *arguments: str, code: int = 0) -> str:
    result = CliRunner().invoke(application, [*arguments, "--data", str(folder)])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result.stdout


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    monkeypatch.setenv(KEY_VARIABLE, MASTER_KEY_TEXT)
    found, now_us = Store(f"sqlite:///{tmp_path}/limitkeeper.db"), time.time_ns() // 1_000
    with work(found, SYSTEM, now_us) as w:
        w.add(stated_accounts, {"account_id": "a-1", "customer_id": "c-1", "segment": None})
        w.add(proposals, {"proposal_id": "p", "account_id": "a-1", "decision_id": "d", "action": "alert",
                          "rule": "r", "limit_before_cents": 600_000, "limit_after_cents": 600_000,
                          "made_us": now_us, "status": "superseded", "status_us": now_us, "reason": None,
                          "trace": json.dumps(TRACE), "sequence": 1})  # fmt: skip
        planned(w, LimitChange("a-1", "decrease", 1_000_000, 600_000, now_us, "risk", "c-1"))
        for name, role, of in (("kim", CUSTOMER, "c-1"), ("sam", CUSTOMER, "c-2"), ("ann", OFFICER, None),
                               ("root", OPERATOR, None), ("ivy", COMPLIANCE, None)):  # fmt: skip
            person_added(w, name, (role,), None, of)
    effected_due(found, now_us, lambda _w, _notice: True)
    yield found
    found.close()


def test_customer_sees_his_line_in_his_words_and_lowers_closes_and_takes_back(
    store: Store, tmp_path: Path
) -> None:
    (line,) = json.loads(invoke(tmp_path, "account", "list", "c-1", "--as", "kim", "--json"))
    assert (line["limit_cents"], line["old_limit_cents"]) == (600_000, 1_000_000)
    assert "6,000.00" in invoke(tmp_path, "account", "list", "c-1", "--as", "kim")
    english = invoke(tmp_path, "account", "show", "a-1", "--as", "kim", "--language", "en")
    assert "Your limit can rise again up to ¥10,000.00" in english
    assert "您的额度可以恢复" in invoke(tmp_path, "account", "show", "a-1", "--as", "kim", "--language", "zh")
    portrait = invoke(tmp_path, "account", "portrait", "a-1", "--as", "kim", "--language", "en")
    assert "You owe ¥3,000.00 on this line." in portrait
    with pytest.raises(InputError, match="owed"):
        invoke(tmp_path, "account", "lower", "a-1", "--limit", "100000", "--as", "kim")
    assert "takes effect at" in invoke(
        tmp_path, "account", "lower", "a-1", "--limit", "400000", "--as", "kim"
    )
    assert "taken back" in invoke(tmp_path, "account", "take-back", "a-1", "--as", "kim")
    asked = json.loads(invoke(tmp_path, "account", "close", "a-1", "--as", "kim", "--json"))
    assert (asked["action"], asked["limit_after_cents"]) == ("close", 0)
    told = invoke(tmp_path, "account", "explain", "a-1", asked["case_id"], "--as", "kim", "--language", "en")
    assert "You asked for this yourself." in told
    found = json.loads(invoke(tmp_path, "notice", "list", "--customer", "c-1", "--as", "kim", "--json"))
    assert found[0]["kind"] == "closed_at_request"
    assert "waiting" in invoke(tmp_path, "notice", "show", found[0]["notice_id"], "--as", "ann")
    assert json.loads(invoke(tmp_path, "audit", "verify", "--json"))["holds"]
    acts = {row["act"] for row in store.rows(sa.select(audit_events).where(audit_events.c.actor_id == "kim"))}
    assert {
        "line.list",
        "line.look",
        "portrait.look",
        "decision.explain",
        "line.take_back",
        "notice.list",
    } <= acts


@pytest.mark.parametrize(
    "arguments",
    [("account", "list", "c-1"), ("account", "show", "a-1"), ("account", "portrait", "a-1"),
     ("account", "lower", "a-1", "--limit", "400000"), ("account", "close", "a-1"), ("account", "take-back", "a-1"),
     ("account", "restore", "a-1"), ("account", "customer", "c-1"), ("account", "explain", "a-1", "x"),
     ("account", "prefer", "c-1", "--language", "en"), ("account", "forget", "c-1", "x"), ("notice", "dead"),
     ("account", "contact", "c-1", "mail", "x@y.test", "--consent"), ("notice", "list", "--customer", "c-1")],
)  # fmt: skip
def test_customer_reaches_nothing_of_another(
    store: Store, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    with pytest.raises(ForbiddenError):
        invoke(tmp_path, *arguments, "--as", "sam")
    assert store.rows(sa.select(notices)) == []


@pytest.mark.usefixtures("store")
def test_customer_says_how_he_is_written_to(tmp_path: Path) -> None:
    invoke(tmp_path, "account", "prefer", "c-1", "--language", "en", "--refuse-automation", "--as", "kim")
    contact = invoke(
        tmp_path, "account", "contact", "c-1", "mail", "kim@mail.test", "--consent", "--as", "kim"
    ).strip()
    own = invoke(tmp_path, "account", "customer", "c-1", "--as", "kim")
    assert "A person decides always." in own
    assert "kim@mail.test" in own
    assert "k***@mail.test" in invoke(tmp_path, "account", "customer", "c-1", "--as", "ann")
    invoke(tmp_path, "account", "consent", "c-1", contact, "--withdraw", "--as", "kim")
    assert "not agreed" in invoke(tmp_path, "account", "customer", "c-1", "--as", "kim")
    invoke(tmp_path, "account", "forget", "c-1", contact, "--as", "kim")
    assert (
        json.loads(invoke(tmp_path, "account", "customer", "c-1", "--as", "kim", "--json"))["contacts"] == []
    )


def test_commands_tell_and_write_as_the_market_of_the_store_asks(store: Store, tmp_path: Path) -> None:
    store.take({"market": "US"})
    told = invoke(tmp_path, "account", "show", "a-1", "--as", "kim")
    assert "Your limit can rise again up to $10,000.00" in told
    invoke(tmp_path, "account", "close", "a-1", "--as", "kim")
    (row,) = store.rows(sa.select(notices).where(notices.c.account_id == "a-1"))
    assert row["language"] == "en"


def test_officer_restores_and_previews_and_operator_sends_again(store: Store, tmp_path: Path) -> None:
    case = json.loads(invoke(tmp_path, "account", "restore", "a-1", "--as", "ann", "--json"))
    assert (case["kind"], case["limit_after_cents"], case["tier"]) == ("restoration", 1_000_000, 2)
    preview = json.loads(invoke(tmp_path, "notice", "preview", case["case_id"], "--as", "ann", "--json"))
    assert "rises step by step" in preview["en"]["paragraphs"][1]
    assert "逐步恢复" in preview["zh"]["paragraphs"][1]
    assert "逐步恢复" in invoke(tmp_path, "notice", "preview", case["case_id"], "--as", "ann")
    invoke(tmp_path, "account", "close", "a-1", "--as", "kim")
    (row,) = store.rows(sa.select(notices))
    with pytest.raises(InputError, match="given up"):
        invoke(tmp_path, "notice", "retry", row["notice_id"], "--as", "root")
    now_us = int(dt.datetime.now(dt.UTC).timestamp() * 1e6)
    with work(store, SYSTEM, now_us) as w:
        w.change(notices, row["notice_id"], row["version"], {"state": "dead", "due_us": None})
    assert "closed_at_request" in invoke(tmp_path, "notice", "dead", "--as", "root")
    invoke(tmp_path, "notice", "retry", row["notice_id"], "--as", "root")
    assert json.loads(invoke(tmp_path, "notice", "dead", "--as", "root", "--json")) == []
