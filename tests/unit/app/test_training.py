"""What training refuses, rejects and promises, on a small made-up lender."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from limitkeeper.app.scoring import challenger_pd, characteristic_columns, scores
from limitkeeper.app.training import accepted_rows, card_page, trained_model
from limitkeeper.connectors.models import model_folder_written, model_from_folder
from limitkeeper.core.kernel.errors import InputError, ModelError
from limitkeeper.core.risk.model import Model

OPTIONS: dict[str, Any] = {
    "positive": "bad",
    "drop": ["account"],
    "protected": ["sex", "age"],
    "missing": [-9.0],
}


def lender(rows: int = 900) -> pl.DataFrame:
    draws = np.random.default_rng(11)
    late = draws.poisson(0.6, rows)
    income = draws.lognormal(9, 0.5, rows).round()
    debt = (income * draws.beta(2, 5, rows)).round()
    job = draws.choice(["clerk", "driver", "cook", "none"], rows, p=[0.4, 0.3, 0.25, 0.05])
    bureau = draws.integers(300, 800, rows).astype(float)
    bureau[:90] = -9.0
    score = -2.2 + 0.9 * late + 3.0 * debt / income + 0.8 * (job == "none") - 0.004 * (bureau - 550)
    return pl.DataFrame(
        {
            "account": np.arange(rows),
            "late_count": [None if k % 50 == 0 else int(value) for k, value in enumerate(late)],
            "income": income,
            "debt": debt,
            "job": job,
            "bureau": bureau,
            "sex": draws.choice(["f", "m"], rows),
            "age": draws.integers(18, 75, rows),
            "outcome": np.where(draws.uniform(size=rows) < 1 / (1 + np.exp(-score)), "bad", "good"),
        }
    )


@pytest.fixture(scope="module")
def frame() -> pl.DataFrame:
    return lender()


@pytest.fixture(scope="module")
def model(frame: pl.DataFrame) -> Model:
    return trained_model(frame, "outcome", **OPTIONS)


@pytest.fixture(scope="module")
def folder(model: Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return model_folder_written(model, tmp_path_factory.mktemp("model"), card_page(model))


def test_training_twice_gives_the_same_hash(frame: pl.DataFrame, model: Model) -> None:
    assert trained_model(frame, "outcome", **OPTIONS).hash == model.hash


def test_the_model_learned_what_was_there_to_learn(model: Model) -> None:
    assert model.card["champion"]["auc"] > 0.7
    assert model.card["challenger"]["auc"] > 0.7
    assert 0.8 < model.card["champion"]["calibration_slope"] < 1.2
    assert "late_count" in model.scorecard.names


def test_protected_and_dropped_columns_are_measured_or_gone_but_never_in_the_parameters(folder: Path) -> None:
    for name in ("model.json", "challenger.json"):
        text = (folder / name).read_text()
        assert not any(f'"{column}"' in text for column in ("sex", "age", "account"))
    card = json.loads((folder / "card.json").read_text())
    assert set(card["groups"]) == {"sex", "age"}
    assert sum(group["rows"] for group in card["groups"]["sex"]["champion"]) == 900


def test_a_folder_gives_back_the_same_model_and_the_same_bits(
    frame: pl.DataFrame, model: Model, folder: Path
) -> None:
    again = model_from_folder(folder)
    assert again == model
    assert again.hash == model.hash == model.card["model_hash"]
    columns = characteristic_columns(model, frame)
    for one, other in zip(again.scorecard.scored(columns), model.scorecard.scored(columns), strict=True):
        assert one.tobytes() == other.tobytes()
    np.testing.assert_array_equal(challenger_pd(again, frame), challenger_pd(model, frame))


def test_a_missing_code_has_points_of_its_own(model: Model) -> None:
    line = next(line for line in model.scorecard.characteristics if line.name == "bureau")
    assert line.codes == (-9.0,)
    assert model.missing_codes == (-9.0,)


def test_a_row_scores_alone_as_it_does_among_others(frame: pl.DataFrame, model: Model) -> None:
    whole = scores(model, frame, challenger=True).accepted
    for row in (0, 50, 899):
        alone = scores(model, frame.slice(row, 1), challenger=True).accepted
        assert alone.drop("row").equals(whole.slice(row, 1).drop("row"))


def test_the_page_stands_alone_and_shows_each_characteristic(model: Model, folder: Path) -> None:
    page = (folder / "card.html").read_text()
    assert page.count("<svg") == 3 + len(model.scorecard.characteristics)
    assert not any(reference in page for reference in ("src=", "@import", "<link", "<script"))
    assert all(f"<code>{line.name}</code>" in page for line in model.scorecard.characteristics)


@pytest.mark.parametrize("name", ["model.json", "challenger.json", "card.json", "card.html"])
def test_a_changed_or_missing_file_is_refused(folder: Path, tmp_path: Path, name: str) -> None:
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / name).write_bytes((folder / name).read_bytes() + b" ")
    with pytest.raises(ModelError, match="not as it was"):
        model_from_folder(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(ModelError, match=f"lacks '{name}'"):
        model_from_folder(tmp_path)


def test_a_folder_without_a_manifest_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no model folder"):
        model_from_folder(tmp_path)


def test_counts_of_scored_rows_reconcile_and_infinities_are_rejected_with_the_column(
    frame: pl.DataFrame, model: Model
) -> None:
    faulty = frame.with_columns(income=pl.when(pl.col("account") == 7).then(float("inf")).otherwise("income"))
    result = scores(model, faulty, keep=["account"])
    assert (result.read, result.accepted.height, result.rejected.height) == (900, 899, 1)
    assert result.rejected.row(0, named=True) == {"account": 7, "row": 7, "reason": "infinite_value: income"}
    assert result.accepted["account"].to_list() == [k for k in range(900) if k != 7]


def test_an_empty_table_gives_an_empty_result(frame: pl.DataFrame, model: Model) -> None:
    result = scores(model, frame.head(0))
    assert result.accepted.height == 0
    assert "pd" in result.accepted.columns


def test_an_unknown_word_scores_as_missing_and_is_noted(frame: pl.DataFrame, model: Model) -> None:
    result = scores(model, frame.with_columns(job=pl.lit("astronaut")))
    unknown = scores(model, frame.with_columns(job=pl.lit(None, dtype=pl.String)))
    assert result.accepted["pd"].equals(unknown.accepted["pd"])
    assert any(note.startswith("job: 900 rows") for note in result.notes)


def test_extra_columns_are_ignored_and_lacking_ones_named(frame: pl.DataFrame, model: Model) -> None:
    assert scores(model, frame.with_columns(extra=pl.lit(1))).accepted.equals(scores(model, frame).accepted)
    with pytest.raises(ModelError, match=r"no income.*Did you mean 'incomes'"):
        scores(model, frame.rename({"income": "incomes"}))
    with pytest.raises(ModelError, match="income is String"):
        scores(model, frame.with_columns(income=pl.lit("lots")))
    with pytest.raises(InputError, match="to keep"):
        scores(model, frame, keep=["id"])
    with pytest.raises(InputError, match="cannot be kept"):
        scores(model, frame.with_columns(pd=pl.lit(1)), keep=["pd"])


def test_rows_without_a_target_and_with_infinities_are_rejected_and_counted(frame: pl.DataFrame) -> None:
    faulty = frame.with_columns(
        outcome=pl.when(pl.col("account") < 20).then(None).otherwise("outcome"),
        income=pl.when(pl.col("account").is_in([10, 30])).then(float("-inf")).otherwise("income"),
    )
    accepted = accepted_rows(faulty, "outcome", "pd", "bad", ["account"], ["sex", "age"])
    assert accepted.frame.height == len(accepted.target) == 879
    assert accepted.rejected == {"target_missing": 20, "infinite_value": 1}


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        (lambda frame: frame.head(0), {}, "table is empty"),
        (lambda frame: frame.head(60), {}, "Too few rows"),
        (lambda frame: frame, {"target": "outcom"}, "Did you mean 'outcome'"),
        (lambda frame: frame, {"drop": ["acount"]}, "Did you mean 'account'"),
        (lambda frame: frame, {"protected": ["sexe"]}, "Did you mean 'sex'"),
        (lambda frame: frame, {"protected": ["age"]}, "cannot be learned from"),
        (lambda frame: frame.rename({"sex": "SEX"}), {"protected": ["age"]}, "Given: SEX"),
        (lambda frame: frame, {"positive": None}, "--positive"),
        (lambda frame: frame, {"positive": "worse"}, "never is 'worse'"),
        (lambda frame: frame, {"kind": "el"}, "no such kind"),
        (lambda frame: frame.with_columns(outcome=pl.lit("bad")), {}, "one class"),
        (lambda frame: frame.filter((pl.col("outcome") == "good") | (pl.col("account") < 25)), {}, "too few"),
        (lambda frame: frame.with_columns(income_duplicated_0=pl.col("income")), {}, "twice"),
        (lambda frame: frame.select("account", "outcome", "sex", "age"), {}, "No column is left"),
    ],
)  # fmt: skip
def test_what_cannot_be_learned_from_is_refused_with_advice(
    frame: pl.DataFrame, change: Any, options: dict[str, Any], message: str
) -> None:
    arguments = {"target": "outcome", **OPTIONS, **options}
    with pytest.raises(InputError, match=message):
        trained_model(change(frame), **arguments)
