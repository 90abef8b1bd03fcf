"""A challenger against the model that decides: what is compared, on whom, and that nothing is replaced."""

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from limitkeeper.app.renewal import compared_models, grade_changes, proposed_renewal
from limitkeeper.connectors.models import defined, model_folder_written, model_from_folder
from limitkeeper.core.kernel.errors import InputError, ModelError
from limitkeeper.core.risk.model import Model
from limitkeeper.core.risk.scorecard import Scorecard
from limitkeeper.shells.cli.main import application
from limitkeeper.shells.report.page import report_words
from limitkeeper.shells.report.renewal_page import renewal_html
from tests.monitored_model import CARD, HOSTILE, LINES, accounts, bare_model


def blind_model() -> Model:
    """A model that reads the job alone, of which the outcomes know little."""
    return replace(bare_model(), scorecard=Scorecard(LINES[1:], CARD.base_points - 500))


def test_a_model_against_itself_differs_in_nothing() -> None:
    found = compared_models(bare_model(), bare_model(), accounts(2_000, 8))
    assert found["auc_difference"] == pytest.approx([0.0, 0.0, 0.0])
    assert found["brier_difference"] == pytest.approx([0.0, 0.0, 0.0])
    assert found["ranks"] == "undecided"
    assert found["grades"]["same"]["accounts"] == found["accounts"]


def test_the_model_that_reads_more_ranks_better_and_is_said_to() -> None:
    frame = accounts(2_000, 9)
    found = compared_models(blind_model(), bare_model(), frame, ["product"])
    assert found["ranks"] == "better"
    assert found["auc_difference"][0] == pytest.approx(found["proposed"]["auc"] - found["incumbent"]["auc"])
    assert (found["characteristics_gone"], found["characteristics_new"]) == ([], ["late"])
    assert [row["group"] for row in found["groups"]["product"]["proposed"]] == ["cash", "purchase"]
    assert compared_models(bare_model(), blind_model(), frame)["ranks"] == "worse"
    worse, better = found["grades"]["worse"], found["grades"]["better"]
    assert worse["bad_rate"] > better["bad_rate"], "who is moved down defaults more often"


def test_accounts_without_an_outcome_are_left_out_and_counted() -> None:
    frame = accounts(1_000, 10)
    found = compared_models(bare_model(), blind_model(), frame)
    assert found["left_out"] == frame["bad"].null_count()
    assert found["accounts"] + found["left_out"] == 1_000


def test_too_few_defaults_make_no_comparison() -> None:
    with pytest.raises(InputError, match="to compare on"):
        compared_models(bare_model(), blind_model(), accounts(1_000, 11).filter(pl.col("bad") == 0))
    with pytest.raises(InputError, match="in all"):
        proposed_renewal(bare_model(), accounts(1_000, 11).with_columns(bad=pl.lit(None, pl.Int64)))


def test_only_a_pd_model_has_a_challenger() -> None:
    with pytest.raises(ModelError, match="challenger"):
        proposed_renewal(replace(bare_model(), kind="lgd"), accounts(200, 1))


def test_every_account_is_counted_once_in_the_change_of_grades() -> None:
    draws = np.random.default_rng(0)
    found = grade_changes((draws.random(500) < 0.2).astype(float), draws.random(500), draws.random(500))
    assert sum(map(sum, found["counts"])) == 500
    assert sum(found[name]["accounts"] for name in ("better", "same", "worse")) == 500


@pytest.mark.parametrize("language", ["en", "zh"])
def test_page_says_that_it_is_a_proposal_and_escapes_names(language: str) -> None:
    comparison = compared_models(blind_model(), bare_model(), accounts(1_000, 12), ["product"])
    comparison |= {"compared_on": "given", "characteristics_new": [HOSTILE]}
    page = renewal_html(defined(comparison), language)
    assert report_words(language, "renewal")["proposal_note"] in page
    assert HOSTILE not in page
    assert report_words("en", "renewal").keys() == report_words("zh", "renewal").keys()


def files_of(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def test_training_a_challenger_compares_and_replaces_nothing(tmp_path: Path) -> None:
    own, out, newer = tmp_path / "model", tmp_path / "proposed", tmp_path / "newer.parquet"
    model_folder_written(bare_model(), own)
    before = files_of(own)
    accounts(1_200, 13).write_parquet(newer)
    asked = ["train", str(newer), "--target", "bad", "--drop", "account_id", "--protected", "product"]
    result = CliRunner().invoke(application, [*asked, "--challenger-of", str(own), "--out", str(out)])
    assert result.exit_code == 0, result.output
    assert report_words("en", "renewal")["proposal_note"] in result.output.replace("\n", " ")
    assert files_of(own) == before
    proposed = model_from_folder(out)
    comparison = proposed.card["comparison"]
    assert (comparison["incumbent_hash"], comparison["proposed_hash"]) == (bare_model().hash, proposed.hash)
    known = accounts(1_200, 13)["bad"].drop_nulls().len()
    assert proposed.card["rows"]["accepted"] + comparison["accounts"] == known
    assert set(comparison["groups"]) == {"product"}
    assert (out / "comparison.html").is_file()
    for wrong in (["--out", str(own)], ["--out", str(out), "--positive", "bad"]):
        refused = CliRunner().invoke(application, [*asked, "--challenger-of", str(own), *wrong])
        assert refused.exit_code == 2
    assert files_of(own) == before
