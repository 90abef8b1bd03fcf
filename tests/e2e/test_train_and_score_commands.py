"""The commands on 30,000 real accounts: the figures they must reach, and what they write."""

import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest

DATA = Path(__file__).parents[3] / "shared" / "data" / "uci350_taiwan" / "uci350.parquet"
COMMAND = [sys.executable, "-m", "limitkeeper.shells.cli.main"]
PROTECTED = ("SEX", "AGE", "MARRIAGE", "EDUCATION")

pytestmark = pytest.mark.skipif(not DATA.exists(), reason="../shared/data is not here")


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Path]:
    out = tmp_path_factory.mktemp("taiwan") / "model"
    options = ["--drop", "ID", "--protected", ",".join(PROTECTED), "--out", str(out), "--json"]
    done = run("train", str(DATA), "--target", "default_next_month", *options)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), out


@pytest.mark.parametrize(("model", "least"), [("champion", 0.776), ("challenger", 0.785)])
def test_discrimination_and_calibration_reach_the_targets(
    trained: tuple[dict[str, Any], Path], model: str, least: float
) -> None:
    figures = trained[0][model]
    assert figures["auc"] >= least
    assert figures["auc_mean_of_folds"] >= least
    assert figures["auc_95"][0] < figures["auc"] < figures["auc_95"][1]
    assert 0.9 <= figures["calibration_slope"] <= 1.1
    assert abs(figures["calibration_intercept"]) < 0.1
    assert figures["ece"] < 0.015
    assert figures["psi"] < 0.01


def test_no_protected_column_reached_the_model(trained: tuple[dict[str, Any], Path]) -> None:
    for name in ("model.json", "challenger.json"):
        text = (trained[1] / name).read_text()
        assert not any(column in text for column in PROTECTED)
    assert set(trained[0]["groups"]) == set(PROTECTED)


def test_utilisation_and_lateness_were_found_without_being_named(
    trained: tuple[dict[str, Any], Path],
) -> None:
    derived = {each["name"] for each in trained[0]["characteristics"]}
    assert any("_over_LIMIT_BAL" in name or name.startswith("LIMIT_BAL_less") for name in derived)
    assert any(name.startswith("PAY_m") for name in derived)


def test_every_account_is_scored_with_reasons_and_the_mean_pd_is_the_bad_rate(
    trained: tuple[dict[str, Any], Path], tmp_path: Path
) -> None:
    out = tmp_path / "scores.parquet"
    done = run(
        "score", str(trained[1]), str(DATA), "--out", str(out), "--keep", "ID", "--challenger", "--json"
    )
    assert done.returncode == 0, done.stderr
    counts = json.loads(done.stdout)
    assert (counts["read"], counts["accepted"], counts["rejected"]) == (30_000, 30_000, 0)
    scored = pl.read_parquet(out)
    bad_rate = float(pl.read_parquet(DATA)["default_next_month"].mean() or math.nan)  # type: ignore[arg-type]
    assert scored["pd"].mean() == pytest.approx(bad_rate, abs=0.01)
    assert scored["challenger_pd"].mean() == pytest.approx(bad_rate, abs=0.01)
    riskiest = scored.sort("pd").tail(3_000)
    assert riskiest["reason_4"].null_count() == 0
    assert riskiest.filter(pl.col("reason_1_points_lost") < pl.col("reason_2_points_lost")).height == 0


def test_a_table_of_another_lender_is_refused_with_the_columns_it_lacks(
    trained: tuple[dict[str, Any], Path], tmp_path: Path
) -> None:
    pl.read_parquet(DATA).head(5).rename({"PAY_0": "PAY_1"}).write_csv(tmp_path / "other.csv")
    done = run("score", str(trained[1]), str(tmp_path / "other.csv"), "--out", str(tmp_path / "scores.csv"))
    assert done.returncode == 1
    assert "no PAY_0" in done.stderr
    assert "Did you mean" in done.stderr
    assert not (tmp_path / "scores.csv").exists()


def test_a_list_of_missing_codes_that_is_none_is_a_usage_error(tmp_path: Path) -> None:
    done = run("train", str(DATA), "--target", "x", "--missing=-9,nine", "--out", str(tmp_path / "model"))
    assert done.returncode == 2
    assert "no list of numbers" in done.stderr
