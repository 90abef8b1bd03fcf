"""``limitkeeper fairness`` on a store, through the real command."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from limitkeeper.core.access.actors import SYSTEM
from limitkeeper.store.limit_tables import limit_entries
from limitkeeper.store.sql import Store
from limitkeeper.store.work import work
from tests.fairness_rows import DAY_US, entry, hitting_campaign, people

START_US = 1_782_864_000_000_000
"""2026-07-01."""


def command(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "limitkeeper.shells.cli.main", "fairness", *arguments],
        cwd=folder, capture_output=True, text=True, check=False, env={**os.environ, "COLUMNS": "200"},
    )  # fmt: skip


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a server whose ledger cut a hundred women in July, and a file of people beside it."""
    folder = tmp_path_factory.mktemp("server")
    people().write_parquet(folder / "people.parquet")
    store = Store(f"sqlite:///{folder / 'limitkeeper.db'}")
    store.take({})
    hit = set(hitting_campaign()["account_id"])
    with work(store, SYSTEM, START_US) as w:
        for account in people()["account_id"]:
            w.add(limit_entries, entry(account, 1, "open", 100_000, START_US - DAY_US))
            if account in hit:
                w.add(limit_entries, entry(account, 2, "decrease", -40_000, START_US + 30 * DAY_US))
    store.close()
    return folder


def test_period_in_which_one_group_was_cut_fails_and_leaves_report_and_page(server: Path) -> None:
    given = ("--attributes", "people.parquet", "--protected", "sex", "--outcome", "defaulted", "--data", ".")
    done = command(server, "period", "--from", "2026-07-01", "--to", "2026-07-31", *given, "--lang", "zh")
    assert done.returncode == 3, done.stderr
    assert "不得上线" in done.stdout
    report = json.loads((server / "out/fairness/fairness.json").read_text(encoding="utf-8"))
    assert any(each.startswith("adverse_impact_ratio of sex 'female' is 0.667") for each in report["failed"])
    assert '<html lang="zh-CN">' in (server / "out/fairness/fairness.html").read_text(encoding="utf-8")
    before = command(server, "period", "--from", "2026-07-01", "--to", "2026-07-30", *given, "--json")
    assert before.returncode == 0, before.stderr
    assert json.loads(before.stdout)["touched"] == 0


def test_campaign_and_day_that_there_are_not_are_refused_in_words(server: Path) -> None:
    given = ("--attributes", "people.parquet", "--protected", "sex", "--data", ".")
    done = command(server, "campaign", "none", *given)
    assert done.returncode == 1
    assert "no such campaign" in done.stderr
    done = command(server, "period", "--from", "July", "--to", "2026-07-31", *given)
    assert done.returncode == 2
    assert "no day such as" in done.stderr
