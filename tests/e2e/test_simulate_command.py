"""``limitkeeper simulate`` as its user runs it, and what can be done with its files."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from typer.testing import CliRunner, Result

from limitkeeper.core.behaviour.features import FEATURE_NAMES
from limitkeeper.shells.cli.main import application, main

FILES = ("events.parquet", "accounts.parquet", "truth.parquet", "training.parquet", "simulated.json")


def run(*words: object) -> Result:
    return CliRunner().invoke(application, ["simulate", *map(str, words)])


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Path]:
    out = tmp_path_factory.mktemp("life") / "new"
    done = run("--accounts", 1_200, "--days", 180, "--seed", 3, "--out", out, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout), out


def test_files_hold_what_the_counts_say(simulated: tuple[dict[str, Any], Path]) -> None:
    summary, out = simulated
    events, truth = pl.read_parquet(out / "events.parquet"), pl.read_parquet(out / "truth.parquet")
    assert summary["events"] == events.height == sum(summary["events_by_kind"].values())
    assert truth.height == 1_200 == sum(row["accounts"] for row in summary["accounts_by_kind"].values())
    defaulted = sum(row["defaulted"] for row in summary["accounts_by_kind"].values())
    assert defaulted == truth["defaulted_at"].count() > 0
    training = pl.read_parquet(out / "training.parquet")
    assert summary["training"]["rows"] == training.height
    assert summary["training"]["defaulted"] == training["defaulted"].sum()


def test_folder_says_that_it_is_simulated(simulated: tuple[dict[str, Any], Path]) -> None:
    summary, out = simulated
    kept = json.loads((out / "simulated.json").read_text(encoding="utf-8"))
    assert kept["simulated"] is True
    assert kept == {name: value for name, value in summary.items() if name != "out"}
    assert (kept["seed"], kept["accounts"], kept["days"]) == (3, 1_200, 180)
    readme = (out / "README.txt").read_text(encoding="utf-8")
    assert "No row is of a real person" in readme
    assert "seed 3" in readme


def test_features_command_takes_every_event_but_the_duplicates(
    simulated: tuple[dict[str, Any], Path], tmp_path: Path
) -> None:
    _, out = simulated
    words = [out / "events.parquet", "--accounts", out / "accounts.parquet", "--out", tmp_path / "f.parquet"]
    done = CliRunner().invoke(
        application, ["features", *map(str, words), "--as-of", "2027-01-01T00:00:00Z", "--json"]
    )
    assert done.exit_code == 0, done.output
    counts = json.loads(done.stdout)
    events = pl.read_parquet(out / "events.parquet")
    assert counts["rejected"] == 0
    assert counts["accepted"] == events["event_id"].n_unique()
    assert counts["duplicate"] == events.height - counts["accepted"] > 0


def test_model_learned_from_the_training_table_ranks_accounts_well(
    simulated: tuple[dict[str, Any], Path], tmp_path: Path
) -> None:
    _, out = simulated
    words = ["train", str(out / "training.parquet"), "--target", "defaulted", "--drop", "account_id"]
    done = CliRunner().invoke(application, [*words, "--out", str(tmp_path / "model"), "--json"])
    assert done.exit_code == 0, done.output
    card = json.loads(done.stdout)
    assert 0.75 < card["champion"]["auc"] < 0.98
    assert set(card["inputs"]) <= set(FEATURE_NAMES)


def test_same_seed_writes_the_same_files_and_another_seed_others(tmp_path: Path) -> None:
    for name, seed in (("one", 1), ("two", 1), ("other", 2)):
        assert run("--accounts", 40, "--days", 60, "--seed", seed, "--out", tmp_path / name).exit_code == 0
    for file in FILES:
        same, again, other = ((tmp_path / name / file).read_bytes() for name in ("one", "two", "other"))
        assert same == again, file
        assert same != other, file


def test_table_shows_kinds_and_what_to_do_next(tmp_path: Path) -> None:
    done = run("--accounts", 30, "--days", 30, "--out", tmp_path / "life")
    assert done.exit_code == 0, done.output
    assert "salaried" in done.stdout
    assert "limitkeeper train" in done.stdout


def test_days_out_of_range_end_with_1_a_sentence_and_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "life"
    monkeypatch.setattr("sys.argv", ["limitkeeper", "simulate", "--days", "0", "--out", str(out)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    assert "'days' is out of range" in " ".join(capsys.readouterr().err.split())
    assert not out.exists()
