"""``limitkeeper life`` as four people type it, from draft to live and back, and the server that takes nothing else."""

import json
import re
from pathlib import Path

import polars as pl
import pytest
import yaml
from typer.testing import CliRunner

from limitkeeper.app.audit import Search, found_events
from limitkeeper.app.exports import METADATA_KEY
from limitkeeper.app.life_evidence import UNVOUCHED
from limitkeeper.app.people import person_added
from limitkeeper.connectors.models import model_folder_written
from limitkeeper.connectors.tables import table_written
from limitkeeper.core.access.actors import OPERATOR, SYSTEM
from limitkeeper.shells.cli.main import application
from limitkeeper.store.sql import Store
from limitkeeper.store.work import work
from tests.contract.test_life import MODEL, REGISTER, portfolio
from tests.fairness_screens import screen_of

RUNNER = CliRunner()
IMPACT = """
purpose: limits follow risk
necessity: no milder means
effect_on_rights: a limit may fall
safeguards: appeal
"""


@pytest.fixture
def url(tmp_path: Path) -> str:
    found = f"sqlite:///{tmp_path / 'limitkeeper.db'}"
    Store(found).close()
    (tmp_path / "impact.yaml").write_text(IMPACT, encoding="utf-8")
    return found


def run(url: str, *words: str, code: int = 0) -> str:
    found = RUNNER.invoke(application, [*words, "--store", url])
    assert found.exit_code == code, found.output + str(found.exception)
    return found.output


def live(url: str, folder: Path, strategy: str, *more: str) -> str:
    release = run(url, "life", "draft", strategy, *more, "--as", "sam").splitlines()[-1]
    assert "met      CN.pipl_6_purpose" in run(url, "life", "validate", release[:8], "--as", "sam")
    (found,) = (
        each for each in json.loads(run(url, "life", "list", "--json")) if each["release_id"] == release
    )
    (folder / "screen.json").write_text(json.dumps(screen_of(found)), encoding="utf-8")
    run(url, "life", "assess", release, "--assessment", str(folder / "impact.yaml"),
        "--screen", str(folder / "screen.json"), "--as", "ivy")  # fmt: skip
    assert "one is missing" in run(url, "life", "approve", release, "--words", "seen", "--as", "kim")
    # The store knows nobody, so that each person is trusted with every role: ivy fills the one that is left.
    assert "approved" in run(url, "life", "approve", release, "--words", "seen", "--as", "ivy")
    assert "would be live" in run(url, "life", "live", release, "--dry-run", "--as", "kim")
    assert "100.00%" in run(url, "life", "live", release, "--as", "kim")
    return release


def test_strategy_comes_to_live_by_commands_and_is_rolled_back_by_one(url: str, tmp_path: Path) -> None:
    one = live(url, tmp_path, "standard")
    two = live(url, tmp_path, "cautious")
    assert f"live: {one[:8]}" in run(url, "life", "rollback", "--words", "too many cuts", "--as", "kim")
    states = {each["release_id"]: each["state"] for each in json.loads(run(url, "life", "list", "--json"))}
    assert states == {one: "live", two: "retired"}
    assert "standard 2026-11, no model: live, champion of 100.00% of the accounts" in run(url, "life", "list")
    shown = run(url, "life", "show", one)
    assert "assessment.safeguards: appeal" in shown
    assert "words: seen" in shown
    chinese = run(url, "life", "show", one, "--lang", "zh")
    findings = [line for line in chinese.splitlines() if " CN." in line]
    assert findings
    assert [line for line in findings if not re.search("[一-鿿]{4}", line.partition(": ")[2])] == []
    assert "sam 完成校验 -> 已校验" in chinese


def test_server_with_workflow_takes_nothing_that_is_not_live(url: str, tmp_path: Path) -> None:
    refused = RUNNER.invoke(
        application, ["serve", "--workflow", "--data", str(tmp_path / "d"), "--store", url]
    )
    assert refused.exit_code != 0
    assert "No strategy is live in this market" in str(refused.exception)
    live(url, tmp_path, "cautious")
    other = RUNNER.invoke(
        application, ["serve", "--strategy", "standard", "--data", str(tmp_path / "d"), "--store", url]
    )
    assert "not the strategy that is live" in str(other.exception)
    assert "--workflow" in RUNNER.invoke(application, ["serve", "--trial", "--store", url]).output


def test_unknown_release_is_told_where_to_look(url: str) -> None:
    found = RUNNER.invoke(application, ["life", "show", "beef", "--store", url])
    assert "limitkeeper life list" in str(found.exception)


def test_review_keeps_its_figures_with_each_release_for_who_may(url: str, tmp_path: Path) -> None:
    model_folder_written(MODEL, tmp_path / "model")
    (tmp_path / "columns.yaml").write_text(REGISTER, encoding="utf-8")
    release = live(
        url, tmp_path, "standard", "--model", str(tmp_path / "model"), "--register", str(tmp_path / "columns.yaml")
    )  # fmt: skip
    table_written(portfolio().accounts, tmp_path / "accounts.parquet")
    told = {"name": "november", "market": "CN", "currency": "CNY", "as_of": "2026-11-01T00:00:00+00:00",
            "accounts": {"file": "accounts.parquet"}}  # fmt: skip
    (tmp_path / "portfolio.yaml").write_text(yaml.safe_dump(told), encoding="utf-8")
    words = ("life", "review", str(tmp_path / "portfolio.yaml"), "--out", str(tmp_path / "out"))
    run(url, *words)
    for path in (tmp_path / "out" / "decisions.parquet", tmp_path / "out" / "shadow" / f"{release}.parquet"):
        assert json.loads(pl.read_parquet_metadata(path)[METADATA_KEY])["what"] == "decisions"
    (event,) = found_events(Store(url), Search(act="export.give"))
    assert event["subject"] == "export:decisions"
    assert json.loads(run(url, "life", "show", release, "--json"))["review"] is None
    run(url, *words, "--keep-as", "sam")
    kept = json.loads(run(url, "life", "show", release, "--json"))["review"]
    assert (kept["portfolio"], kept["accounts"], kept["by"]) == ("november", 400, "sam")
    assert kept["rules"]["violations_repeated"] == {"hits": 100, "decided": 100}
    with work(Store(url), SYSTEM, 1) as w:
        person_added(w, "olga", (OPERATOR,), "a long enough password")
    refused = RUNNER.invoke(application, [*words, "--as", "olga", "--store", url])
    assert "not yours to do" in str(refused.exception)
    refused = RUNNER.invoke(application, [*words, "--keep-as", "olga", "--store", url])
    assert "not yours to do" in str(refused.exception)


def test_gate_makes_the_report_of_a_portfolio_itself_and_others_can_make_it_again(
    url: str, tmp_path: Path
) -> None:
    model_folder_written(MODEL, tmp_path / "model")
    (tmp_path / "columns.yaml").write_text(REGISTER, encoding="utf-8")
    release = run(url, "life", "draft", "standard", "--model", str(tmp_path / "model"),
                  "--register", str(tmp_path / "columns.yaml"), "--as", "sam").splitlines()[-1]  # fmt: skip
    run(url, "life", "validate", release, "--as", "sam")
    accounts = portfolio().accounts
    sex = pl.Series("sex", ["female", "male"] * (accounts.height // 2))
    table_written(accounts.with_columns(sex), tmp_path / "accounts.parquet")
    told = {"name": "november", "market": "CN", "currency": "CNY", "as_of": "2026-11-01T00:00:00+00:00",
            "accounts": {"file": "accounts.parquet"}, "protected": ["sex"]}  # fmt: skip
    path = tmp_path / "portfolio.yaml"
    path.write_text(yaml.safe_dump(told), encoding="utf-8")
    words = ("life", "assess", release, "--assessment", str(tmp_path / "impact.yaml"), "--as", "sam")
    run(url, *words, code=1)
    run(url, *words, "--portfolio", str(path), "--seed", "7")
    act = json.loads(run(url, "life", "show", release, "--json"))["acts"][-1]
    screen = act["detail"]["screen"]
    assert UNVOUCHED not in screen["failed"]
    assert (screen["is_made_here"], screen["provenance"]["seed"]) == (True, 7)
    assert screen["provenance"]["portfolio"].startswith("sha256:")
    assert "The figures are the same." in run(url, "life", "recompute", release, str(path))
    table_written(accounts.with_columns(sex.reverse()), tmp_path / "accounts.parquet")
    other = run(url, "life", "recompute", release, str(path), code=3)
    assert "portfolio: recorded" in other
    assert "The figures are others." in other
