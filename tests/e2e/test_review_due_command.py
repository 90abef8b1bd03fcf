"""``limitkeeper review --due``: freezes and steps of a stopped server that are over by now."""

import datetime as dt
import json
from pathlib import Path

import polars as pl
import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from limitkeeper.core.kernel.errors import LimitkeeperError
from limitkeeper.shells.cli.main import application
from limitkeeper.store.sql import opened_store
from limitkeeper.store.tables import journal, proposals
from tests.live_engines import engine, sent

FLAGGED = dt.datetime(2026, 11, 20, 8, tzinfo=dt.UTC)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The folder of a server on which a line was frozen and nobody confirmed it."""
    running = engine(f"sqlite:///{tmp_path}/limitkeeper.db", tmp_path / "snapshots")
    rows = [{"event_id": "l", "account_id": "a", "ts": FLAGGED - dt.timedelta(days=200), "kind": "limit_set",
             "amount": 1_000_000},
            {"event_id": "f", "account_id": "a", "ts": FLAGGED, "kind": "flag", "amount": None}]  # fmt: skip
    sent(running, pl.DataFrame(rows))
    running.stop()
    return tmp_path


def invoke(*arguments: str) -> str:
    result = CliRunner().invoke(application, ["review", *arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.stdout


def rows(data: Path, table: sa.Table) -> list[dict]:
    store = opened_store(f"sqlite:///{data}/limitkeeper.db")
    found = store.rows(table.select())
    store.close()
    return found


def statuses(data: Path) -> list[str]:
    return [row["status"] for row in rows(data, proposals)]


def test_freeze_that_nobody_confirmed_is_lifted_and_told(data: Path) -> None:
    assert statuses(data) == ["open"]
    found = json.loads(invoke("--due", "--data", str(data), "--as-of", "2026-11-24T09:00:00", "--json"))
    lapsed = [each for each in found["messages"] if each["topic"] == "freeze.lapsed"]
    assert [(each["account_id"], each["reason"]) for each in lapsed] == [("a", "freeze_not_confirmed")]
    assert found["looked_at"] == 1
    assert statuses(data)[0] == "lapsed"


def test_dry_run_tells_the_same_and_writes_nothing(data: Path) -> None:
    before = len(rows(data, journal))
    arguments = ("--due", "--data", str(data), "--as-of", "2026-11-24T09:00:00", "--json")
    dry = json.loads(invoke(*arguments, "--dry-run"))
    assert statuses(data) == ["open"]
    assert len(rows(data, journal)) == before
    real = json.loads(invoke(*arguments))
    for each in real["messages"]:
        del each["sequence"]
    assert dry["messages"] == real["messages"]
    assert dry["looked_at"] == real["looked_at"]


def test_nothing_is_due_before_its_time(data: Path) -> None:
    assert "0 lines were due" in invoke("--due", "--data", str(data), "--as-of", "2026-11-21")


def test_table_names_the_account_and_what_happened(data: Path) -> None:
    text = invoke("--due", "--data", str(data), "--as-of", "2026-11-24T09:00:00", "--dry-run")
    assert "freeze.lapsed" in text
    assert "nothing was written" in text


def test_running_server_is_left_alone(data: Path) -> None:
    running = engine(f"sqlite:///{data}/limitkeeper.db", data / "snapshots")
    with pytest.raises(LimitkeeperError, match="Another server runs"):
        invoke("--due", "--data", str(data))
    running.stop()


def test_review_without_a_portfolio_says_what_it_needs() -> None:
    result = CliRunner().invoke(application, ["review"])
    assert result.exit_code == 2
    assert "--due" in result.output
