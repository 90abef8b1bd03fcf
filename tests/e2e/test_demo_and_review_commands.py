"""The main job through the real commands: the demo on the Taiwan set, then its model on a lender's own files."""

import datetime as dt
import json
import math
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from limitkeeper.app.fairness import decided_fairness, decided_rows
from limitkeeper.app.policy import FAIRNESS_SCREENS, screens_in_force
from limitkeeper.app.strategies import strategy_path
from limitkeeper.app.taiwan import taiwan_accounts, taiwan_events
from limitkeeper.app.taiwan_fairness import SCREENS_DAY
from limitkeeper.connectors.taiwan import taiwan_statements
from limitkeeper.core.decision.identity import decision_id

ROOT = Path(__file__).parents[2]


def command(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "limitkeeper.shells.cli.main", *arguments],
        cwd=cwd, capture_output=True, text=True, check=False, env={**os.environ, "COLUMNS": "200"},
    )  # fmt: skip


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory, required: Callable[[str], Path]) -> Path:
    required("shared_data")
    out = tmp_path_factory.mktemp("demo")
    done = command("demo", "--out", str(out))
    assert done.returncode == 0, done.stderr
    assert "Decisions by action" in done.stdout
    return out


@pytest.fixture(scope="session")
def summary(demo: Path) -> dict[str, Any]:
    return json.loads((demo / "summary.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def decided(demo: Path) -> pl.DataFrame:
    return pl.read_parquet(demo / "decisions.parquet")


def test_console_of_an_earlier_run_is_not_served_where_there_was_none(tmp_path: Path) -> None:
    done = command("demo", "--only-serve", "--out", str(tmp_path / "none"))
    assert done.returncode == 1
    assert "limitkeeper demo --serve" in done.stderr


def test_demo_reviews_the_test_split_and_judges_every_decision(summary: dict[str, Any]) -> None:
    assert summary["portfolio"]["accounts"] == 9_000
    assert sum(row["accounts"] for row in summary["actions"]) == 9_000
    assert sum(row["defaulters"] for row in summary["actions"]) == summary["outcome"]["defaulters"] > 1_500
    assert {line["name"] for line in summary["curves"]["lines"]} == {
        "model",
        "random",
        "PAY_0",
        "utilisation",
    }
    assert [group["attribute"] for group in summary["groups"]] == [
        "sex", "age_band", "marital_status", "education",
    ]  # fmt: skip


def test_demo_finds_defaulters_far_better_than_chance(summary: dict[str, Any]) -> None:
    outcome = summary["outcome"]
    assert outcome["share_of_defaulters_touched"] > 2 * outcome["share_touched"]
    assert (
        summary["value"]["after"]["expected_loss_cents"] < summary["value"]["before"]["expected_loss_cents"]
    )
    areas = {line["name"]: line["area"] for line in summary["curves"]["lines"]}
    assert areas["model"] > max(areas["random"], areas["PAY_0"], areas["utilisation"])


def test_every_decision_carries_its_trace_and_at_most_four_reasons(decided: pl.DataFrame) -> None:
    for row in decided.sample(500, seed=1).iter_rows(named=True):
        trace = json.loads(row["trace"])
        assert trace["decision_id"] == row["decision_id"]
        assert trace["limit"]["after_cents"] == row["limit_after_cents"]
        assert len(trace["reasons"]) == len(row["reasons_en"]) == len(row["reasons_zh"]) <= 4
        assert (row["action"] == "none") == (not row["reasons_en"])
        hit = [rule["id"] for rule in trace["rules"] if rule["hit"]]
        assert row["rule"] == (hit[0] if hit else None)


def test_points_of_a_trace_sum_to_the_score(demo: Path, decided: pl.DataFrame) -> None:
    base = json.loads((demo / "model/model.json").read_text(encoding="utf-8"))["scorecard"]["base_points"]
    for text in decided.sample(200, seed=3)["trace"]:
        score = json.loads(text)["score"]
        given = [each["points"] for each in score["characteristics"]]
        assert math.isclose(base + sum(given), score["points"], abs_tol=1e-6)
        worst = sorted(-points for points in given if points < 0)[::-1][:4]
        assert [each["points_lost"] for each in score["lost_most"]] == pytest.approx(worst)
        assert 0.0 <= score["pd_low"] < score["pd_high"] <= 1.0


def test_value_of_a_trace_is_the_formulas_on_its_inputs(decided: pl.DataFrame) -> None:
    for text in decided.sample(200, seed=2)["trace"]:
        trace = json.loads(text)
        inputs, before = trace["inputs"], trace["value"]["before"]
        limit, balance = inputs["limit_cents"], inputs["balance_cents"]
        ead = max(balance + max(inputs["ccf"], 0.0) * max(limit - balance, 0.0), 0.0)
        pd = 1.0 if inputs["is_defaulted"] else trace["score"]["pd"]
        assert math.isclose(before["ead_cents"], ead, rel_tol=1e-12)
        assert math.isclose(before["expected_loss_cents"], pd * inputs["lgd"] * ead, rel_tol=1e-12)


def test_nobody_is_told_that_the_limit_is_in_use_who_uses_little(decided: pl.DataFrame) -> None:
    told = decided.filter(pl.col("reason_codes").list.contains("utilisation_high"))
    assert told.height > 50
    assert (told["balance_cents"] >= 0.5 * told["limit_before_cents"]).all()


def test_limit_never_falls_below_the_balance_unless_the_line_closes(decided: pl.DataFrame) -> None:
    cut = decided.filter(
        (pl.col("limit_after_cents") < pl.col("limit_before_cents")) & (pl.col("action") != "close")
    )
    assert cut.height > 100
    assert (cut["limit_after_cents"] >= cut["balance_cents"]).all()


def test_protected_attributes_are_in_no_file_but_the_figures_by_group(
    demo: Path, decided: pl.DataFrame
) -> None:
    model = json.loads((demo / "model/model.json").read_text(encoding="utf-8"))
    names = {column["name"] for column in model["inputs"]}
    assert not names & {
        "sex",
        "age_band",
        "marital_status",
        "education",
        "SEX",
        "AGE",
        "MARRIAGE",
        "EDUCATION",
    }
    assert "marital_status" not in decided["trace"][0]


def test_report_is_one_page_that_asks_no_host_for_anything(demo: Path) -> None:
    page = (demo / "report.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert "src=" not in page
    assert "Taiwan credit cards" in page


@pytest.fixture(scope="session")
def portfolio(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lender's own files: 600 of the accounts under other names and in whole dollars, some rows broken."""
    folder = tmp_path_factory.mktemp("portfolio")
    statements = taiwan_statements(folder).head(600)
    accounts = taiwan_accounts(statements).with_columns(
        (pl.col("limit_cents") / 100).alias("limit_dollars"), pl.col("account_id").alias("card")
    )
    accounts = accounts.drop("account_id", "limit_cents")
    broken = accounts.tail(3).with_columns(
        pl.Series("card", [1, None, 70_000]), limit_dollars=pl.Series([1.0, 1.0, -5.0])
    )
    pl.concat([accounts, broken]).write_csv(folder / "accounts.csv")
    events = taiwan_events(statements)
    stray = events.head(2).with_columns(pl.Series("event_id", ["x", "y"]), amount=pl.Series([-1, 5]))
    stray = stray.with_columns(account_id=pl.Series([1, 999_999]))
    pl.concat([events, stray, events.tail(1)]).write_parquet(folder / "events.parquet")
    mapping = {
        "name": "Own cards", "market": "TW", "currency": "TWD", "as_of": "2005-09-30T23:59:59+00:00",
        "accounts": {
            "file": "accounts.csv", "columns": {"account_id": "card", "limit_cents": "limit_dollars"},
            "multiply": {"limit_cents": 100},
        },
        "events": {"file": "events.parquet"},
        "outcome": {"column": "default_next_month"},
        "protected": ["sex", "age_band", "marital_status", "education"],
    }  # fmt: skip
    (folder / "portfolio.yaml").write_text(yaml.safe_dump(mapping), encoding="utf-8")
    return folder


def review(portfolio: Path, demo: Path, *more: str) -> subprocess.CompletedProcess[str]:
    return command("review", str(portfolio / "portfolio.yaml"), "--model", str(demo / "model"), *more)


def test_dry_run_prints_the_result_and_writes_nothing(portfolio: Path, demo: Path, tmp_path: Path) -> None:
    done = review(portfolio, demo, "--out", str(tmp_path / "none"), "--dry-run", "--lang", "zh")
    assert done.returncode == 0, done.stderr
    assert "按处置方式" in done.stdout
    assert not (tmp_path / "none").exists()


def test_reviewing_twice_gives_the_same_decisions_under_the_same_ids(
    portfolio: Path, demo: Path, tmp_path: Path
) -> None:
    for name in ("first", "second"):
        assert review(portfolio, demo, "--out", str(tmp_path / name)).returncode == 0
    first, second = ((tmp_path / name / "decisions.parquet").read_bytes() for name in ("first", "second"))
    assert first == second
    row = pl.read_parquet(tmp_path / "first/decisions.parquet").row(0, named=True)
    versions = json.loads(row["trace"])["versions"]
    as_of = dt.datetime(2005, 9, 30, 23, 59, 59, tzinfo=dt.UTC)
    assert row["decision_id"] == decision_id(
        row["account_id"], as_of, versions["strategy"], versions["model"]
    )
    again = review(
        portfolio, demo, "--out", str(tmp_path / "third"),
        "--previous", str(tmp_path / "first/decisions.parquet"), "--json",
    )  # fmt: skip
    assert json.loads(again.stdout)["portfolio"]["accounts"] == 600


def test_own_files_give_the_decisions_of_the_demo(
    portfolio: Path, demo: Path, decided: pl.DataFrame, tmp_path: Path
) -> None:
    assert review(portfolio, demo, "--out", str(tmp_path)).returncode == 0
    own = pl.read_parquet(tmp_path / "decisions.parquet")
    both = own.join(decided, on="account_id", suffix="_demo")
    assert both.height > 150
    for name in ("points", "pd", "action", "limit_after_cents", "marginal_profit_cents", "reasons_zh"):
        assert both[name].equals(both[f"{name}_demo"].alias(name), null_equal=True), name


def test_broken_rows_are_set_aside_with_reasons_and_nothing_is_lost(
    portfolio: Path, demo: Path, tmp_path: Path
) -> None:
    done = review(portfolio, demo, "--out", str(tmp_path), "--json")
    counts = json.loads(done.stdout)["portfolio"]
    assert (counts["accounts_read"], counts["accounts"], counts["accounts_refused"]) == (603, 600, 3)
    rejects = pl.read_parquet(tmp_path / "rejects.parquet")
    assert sorted(rejects["reason"]) == ["account_id_missing", "account_id_twice", "limit_cents_negative"]
    events = pl.read_parquet(tmp_path / "event_rejects.parquet")
    assert sorted(events["reason"]) == ["amount_negative", "duplicate", "unknown_account"]


def test_model_trained_on_other_columns_is_refused_with_the_missing_one(
    portfolio: Path, demo: Path, tmp_path: Path
) -> None:
    frame = pl.read_csv(portfolio / "accounts.csv").drop("PAY_0")
    frame.write_csv(tmp_path / "accounts.csv")
    for name in ("events.parquet", "portfolio.yaml"):
        (tmp_path / name).write_bytes((portfolio / name).read_bytes())
    done = review(tmp_path, demo, "--dry-run")
    assert done.returncode == 1
    assert "PAY_0" in done.stderr
    assert "Traceback" not in done.stderr


def test_empty_portfolio_is_refused_in_words(portfolio: Path, demo: Path, tmp_path: Path) -> None:
    pl.read_csv(portfolio / "accounts.csv").head(0).write_csv(tmp_path / "accounts.csv")
    for name in ("events.parquet", "portfolio.yaml"):
        (tmp_path / name).write_bytes((portfolio / name).read_bytes())
    done = review(tmp_path, demo, "--dry-run")
    assert done.returncode == 1
    assert "no account to review" in done.stderr


def test_tampered_model_is_refused(portfolio: Path, demo: Path, tmp_path: Path) -> None:
    for path in (demo / "model").iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    text = (tmp_path / "model.json").read_text(encoding="utf-8")
    (tmp_path / "model.json").write_text(text.replace("0.5", "0.6", 1), encoding="utf-8")
    done = command("review", str(portfolio / "portfolio.yaml"), "--model", str(tmp_path), "--dry-run")
    assert done.returncode == 1
    assert "not as it was" in done.stderr


def fairness(portfolio: Path, demo: Path, out: Path, *more: str) -> subprocess.CompletedProcess[str]:
    given = ("--model", str(demo / "model"), "--out", str(out))
    return command("fairness", "strategy", str(portfolio / "portfolio.yaml"), *given, *more)


def test_committed_fairness_report_is_that_of_the_demos_decisions(
    decided: pl.DataFrame, summary: dict[str, Any], tmp_path: Path
) -> None:
    committed = json.loads((ROOT / "docs/fairness/taiwan.json").read_text(encoding="utf-8"))
    people = taiwan_accounts(taiwan_statements(tmp_path))
    protected = [part["attribute"] for part in committed["attributes"]]
    found = decided_fairness(
        "strategy", {"name": "standard"}, decided_rows(decided),
        people.join(decided.select(pl.col("account_id").cast(pl.Int64)), on="account_id", how="semi"),
        protected, screens_in_force(SCREENS_DAY), outcome="default_next_month",
    )  # fmt: skip
    assert committed["subject"]["strategy"] == summary["versions"]["strategy"]
    for part, kept in zip(found["attributes"], committed["attributes"], strict=True):
        for group, said in zip(part["groups"], kept["groups"], strict=True):
            assert (group["group"], group["accounts"], group["bad"]) == (
                said["group"], said["accounts"], said["bad"]
            )  # fmt: skip
            assert group["touched"] == pytest.approx(said["touched"], rel=0.05, abs=2)
    if (
        committed["subject"]["model"] == summary["versions"]["model"]
    ):  # another processor may round a fit otherwise
        for key in ("attributes", "intersections", "accounts", "touched"):
            assert found[key] == committed[key], key


def test_strategy_with_a_threshold_that_hits_the_young_fails_and_the_standard_one_does_not(
    portfolio: Path, demo: Path, tmp_path: Path
) -> None:
    standard = fairness(portfolio, demo, tmp_path / "standard", "--json")
    assert standard.returncode == 0, standard.stderr
    assert json.loads(standard.stdout)["failed"] == []
    text = strategy_path("standard").read_text(encoding="utf-8")
    planted = text.replace("pd >= pd_raised and raroc < hurdle_rate", "limit_cents <= 5000000", 1)
    assert planted != text
    (tmp_path / "planted.yaml").write_text(planted, encoding="utf-8")
    bound = yaml.safe_load(FAIRNESS_SCREENS.read_text(encoding="utf-8"))["group_accounts_least"] | {
        "values": {"2002-01-01": 40}
    }
    (tmp_path / "own.yaml").write_text(yaml.safe_dump({"group_accounts_least": bound}), encoding="utf-8")
    done = fairness(
        portfolio, demo, tmp_path / "planted", "--strategy", str(tmp_path / "planted.yaml"), "--alternatives",
        "--screens", str(tmp_path / "own.yaml"), "--lang", "zh",
    )  # fmt: skip
    assert done.returncode == 3, done.stderr
    assert "不得上线" in done.stdout
    report = json.loads((tmp_path / "planted/fairness.json").read_text(encoding="utf-8"))
    assert any("age_band" in each for each in report["failed"])
    assert report["alternatives"]["tried"][0]["kind"] == "as_it_is"
    assert "替代方案" in (tmp_path / "planted/fairness.html").read_text(encoding="utf-8")
