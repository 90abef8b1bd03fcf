"""``limitkeeper campaign`` at the command line; decisions of a strategy that is not live are refused."""

import json
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from limitkeeper.core.kernel.errors import InputError, PolicyError
from limitkeeper.shells.cli.main import application
from limitkeeper.store.sql import Store
from tests.simulated_accounts import campaign_rows

TOLD = ("--reason", "product_change", "--as", "sue")


def run(folder: Path, *arguments: str, code: int = 0) -> str:
    result = CliRunner().invoke(application, ["campaign", *arguments, "--data", str(folder)])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result.stdout


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    Store(f"sqlite:///{tmp_path}/limitkeeper.db").close()
    return tmp_path


def test_campaign_is_looked_at_proposed_split_and_cancelled(folder: Path) -> None:
    rows, left, picture = folder / "lower.csv", folder / "left.csv", folder / "impact.svg"
    pl.concat([campaign_rows(4), campaign_rows(1)]).write_csv(rows)
    more = ("--dry-run", "--left-out", str(left), "--picture", str(picture))
    assert "Nothing was proposed" in run(folder, "propose", str(rows), *TOLD, *more)
    assert pl.read_csv(left).rows() == [(5, "a00000", "refused", "account_repeated")]
    assert picture.read_text(encoding="utf-8").startswith("<svg")
    assert json.loads(run(folder, "list", "--as", "sue", "--json")) == []
    made = json.loads(run(folder, "propose", str(rows), *TOLD, "--json"))
    shown = json.loads(run(folder, "show", made["campaign_id"], "--as", "sue", "--json"))
    assert (shown["name"], shown["state"], shown["impact"]) == ("lower", "open", made["impact"])
    campaign_rows(6)[4:].write_csv(folder / "more.csv")
    told = run(folder, "propose", str(folder / "more.csv"), *TOLD, "--dry-run")
    assert "Counted for the tier with other campaigns of sue (1): 6 accounts in all." in " ".join(
        told.split()
    )
    assert "It would need tier 2 (campaign)." in told
    run(folder, "split", made["campaign_id"], "--as", "sue", code=2)
    split = run(folder, "split", made["campaign_id"], "--where", "segment = gold", "--as", "sue", "--json")
    parts = json.loads(split)["parts"]
    run(folder, "cancel", parts[0], "--words", "the board said no", "--as", "sue")
    states = {
        each["campaign_id"]: (each["state"], each["items"])
        for each in json.loads(run(folder, "list", "--as", "sue", "--json"))
    }
    assert states == {made["campaign_id"]: ("split", 4), parts[0]: ("cancelled", 2), parts[1]: ("open", 2)}
    assert "lower (2)" in run(folder, "show", parts[1], "--as", "sue")


@pytest.mark.parametrize("column", ["decision_id", "strategy_hash"])
def test_decisions_of_a_strategy_that_is_not_live_are_refused(folder: Path, column: str) -> None:
    rows = folder / "decisions.csv"
    campaign_rows(2).with_columns(pl.lit("d").alias(column)).write_csv(rows)
    for more in ((), ("--dry-run",)):
        with pytest.raises(PolicyError, match="not live"):
            run(folder, "propose", str(rows), *TOLD, *more)
    assert json.loads(run(folder, "list", "--as", "sue", "--json")) == []


def test_impact_tells_how_groups_are_treated_where_a_file_of_attributes_is_given(folder: Path) -> None:
    rows, people = folder / "lower.csv", folder / "people.csv"
    campaign_rows(400).filter(pl.col("segment") == "gold").write_csv(rows)
    sex = pl.when(pl.col("segment") == "gold").then(pl.lit("female")).otherwise(pl.lit("male"))
    campaign_rows(400).select("account_id", sex.alias("sex")).write_csv(people)
    given = ("--attributes", str(people), "--protected", "sex")
    shown = run(folder, "propose", str(rows), *TOLD, *given, "--dry-run")
    assert "screens of fairness that fail" in shown
    made = json.loads(run(folder, "propose", str(rows), *TOLD, *given, "--json"))
    assert made["impact"]["fairness"]["failed"]
    with pytest.raises(InputError, match="go together"):
        run(folder, "propose", str(rows), *TOLD, *given[:2])
