"""``limitkeeper bank`` and ``limitkeeper reconcile`` at the command line."""

import json
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from limitkeeper.app.bank import acknowledged
from limitkeeper.app.due_changes import effected_due
from limitkeeper.app.limits import LimitChange, planned
from limitkeeper.core.access.actors import SYSTEM
from limitkeeper.core.limits.ledger import LedgerError
from limitkeeper.shells.cli.main import application
from limitkeeper.store.sql import Store
from limitkeeper.store.work import work

NOW_US = 1_700_000_000_000_000  # long ago: the bank should have answered


def run(folder: Path, *arguments: str, code: int = 0) -> str:
    result = CliRunner().invoke(application, [*arguments, "--data", str(folder)])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result.stdout


@pytest.fixture
def told(tmp_path: Path) -> dict[str, str]:
    """A store with a command of each state; the command of each account."""
    store = Store(f"sqlite:///{tmp_path}/limitkeeper.db")
    with work(store, SYSTEM, NOW_US) as w:
        found = {
            each: planned(w, LimitChange(each, "decrease", 1_000, 600, NOW_US, "risk")) for each in "abc"
        }
    effected_due(store, NOW_US, lambda _w, _notice: True)
    with work(store, SYSTEM, NOW_US + 1) as w:
        acknowledged(w, found["a"], "done")
        acknowledged(w, found["b"], "failed", "locked")
    store.close()
    return found


def test_failed_command_is_listed_and_told_again_once(tmp_path: Path, told: dict[str, str]) -> None:
    listed = ("bank", "list", "--as", "root")
    (failed,) = json.loads(run(tmp_path, *listed, "--json"))
    assert (failed["command_id"], failed["state"], failed["detail"]) == (told["b"], "failed", "locked")
    assert "locked" in run(tmp_path, *listed)
    assert "told again" in run(tmp_path, "bank", "retry", told["b"], "--as", "root")
    with pytest.raises(LedgerError, match="failed"):
        run(tmp_path, "bank", "retry", told["b"], "--as", "root")
    assert "No command is failed" in run(tmp_path, *listed)
    waiting = json.loads(run(tmp_path, *listed, "--state", "told", "--account", "b", "--json"))
    assert [each["account_id"] for each in waiting] == ["b"]
    run(tmp_path, *listed, "--state", "none", code=2)


def test_reconcile_tells_by_its_exit_code_and_its_file_what_differs(
    tmp_path: Path, told: dict[str, str]
) -> None:
    bank, out = tmp_path / "bank.csv", tmp_path / "differences.csv"
    pl.DataFrame({"account_id": ["a", "b", "z"], "limit": ["6.00", "10.00", "1.00"]}).write_csv(bank)
    text = run(tmp_path, "reconcile", str(bank), "--out", str(out), code=3)
    assert "other_limit" in text or "limits differ" in text
    assert sorted(pl.read_csv(out).select("account_id", "kind").rows()) == [
        ("b", "failed"), ("b", "other_limit"), ("c", "missing_there"), ("c", "unacknowledged"), ("z", "missing_here"),
    ]  # fmt: skip
    assert pl.read_csv(out)["export"].str.contains(r"^local 20\S+ operation audit \d+ [0-9a-f]{64}$").all()
    found = json.loads(run(tmp_path, "reconcile", str(bank), "--ledger-only", "--json", code=3))
    assert found["differences"] == {"missing_there": 1, "other_limit": 1, "unacknowledged": 1, "failed": 1}
    store = Store(f"sqlite:///{tmp_path}/limitkeeper.db")
    with work(store, SYSTEM, NOW_US + 2) as w:
        for each in ("b", "c"):
            acknowledged(w, told[each], "done")
    store.close()
    pl.DataFrame({"account_id": ["a", "b", "c"], "limit_cents": [600, 600, 600]}).write_csv(bank)
    assert json.loads(run(tmp_path, "reconcile", str(bank), "--json"))["differences"] == {}
