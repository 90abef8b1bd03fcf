"""A model over its vintages: what drifts is raised within one period, and what does not raises nothing."""

import datetime as dt
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from limitkeeper.app.monitoring import VINTAGES_MAX, is_alert, monitored
from limitkeeper.app.monitoring_figures import SEGMENTS_MAX, Vintage, outcome_of
from limitkeeper.app.monitoring_policy import monitoring_terms
from limitkeeper.app.simulation import TARGET
from limitkeeper.connectors.models import defined
from limitkeeper.core.kernel.errors import InputError, ModelError, PolicyError
from limitkeeper.core.risk.model import Model
from limitkeeper.simulation.drift import with_feature_scaled, with_labels_drawn_anew, with_odds_multiplied
from tests.drifting_lives import WORSE_MIX, pd_of, portraits, scorecard_model

TERMS = monitoring_terms(dt.date(2026, 1, 1))
SEEDS = range(100, 150)
SEED_ACCOUNTS = 300


@pytest.fixture(scope="module")
def model() -> Model:
    return scorecard_model(portraits(2_500, 1), portraits(1_500, 2))


@pytest.fixture(scope="module")
def quiet() -> pl.DataFrame:
    return portraits(1_500, 3)


def raised(model: Model, *frames: pl.DataFrame, segment: str | None = None) -> dict[tuple[str, ...], str]:
    """The level of each figure that stands after the last of some vintages."""
    vintages = [Vintage(f"v{k}", frame) for k, frame in enumerate(frames)]
    found = monitored(model, vintages, TERMS, segment=segment)
    return {(each["kind"], each["name"], each["segment"]): each["level"] for each in found["alerts"]}


def test_fifty_seeds_without_drift_raise_nothing(model: Model) -> None:
    vintages = [Vintage(f"seed {seed}", portraits(SEED_ACCOUNTS, seed)) for seed in SEEDS]
    found = monitored(model, vintages, TERMS)
    assert all(vintage["looked_at"] >= 5 for vintage in found["vintages"])
    levels = [figure["level"] for vintage in found["vintages"] for figure in vintage["figures"]]
    assert set(levels) == {"fine"}
    # One period in a hundred may hold a figure that chance does not explain: of fifty, three at most (once in 600).
    smallest = [
        min(figure["p_adjusted"] for figure in vintage["figures"] if not figure["why_not"])
        for vintage in found["vintages"]
    ]
    assert sum(each <= TERMS.false_alarm_share for each in smallest) <= 3


def test_another_mix_of_people_moves_the_score_at_once(model: Model, quiet: pl.DataFrame) -> None:
    found = raised(model, quiet, portraits(1_000, 4, WORSE_MIX))
    assert found["psi", "", ""] == "alert"
    assert any(key[0] == "csi" for key in found)


def test_one_feature_that_moved_is_named(model: Model, quiet: pl.DataFrame) -> None:
    found = raised(model, quiet, with_feature_scaled(portraits(1_000, 5), "utilisation", 3.0))
    named = {key[1] for key, level in found.items() if key[0] == "csi" and level == "alert"}
    assert named == {"utilisation"}


def test_a_recession_moves_calibration_and_not_the_portfolio(model: Model, quiet: pl.DataFrame) -> None:
    later = portraits(1_000, 6)
    found = raised(model, quiet, with_odds_multiplied(later, TARGET, pd_of(model, later), 5.0, 6))
    assert found["calibration", "", ""] == "alert"
    assert not {"psi", "csi", "auc"} & {key[0] for key in found}


def test_labels_that_mean_something_else_take_the_ranking_away(model: Model, quiet: pl.DataFrame) -> None:
    found = raised(model, quiet, with_labels_drawn_anew(portraits(1_000, 7), TARGET, 0.6, 7))
    assert found["auc", "", ""] == "alert"
    assert not {"psi", "csi", "calibration"} & {key[0] for key in found}


def test_an_alert_stands_with_the_period_that_raised_it_and_goes_when_it_is_over(
    model: Model, quiet: pl.DataFrame
) -> None:
    scaled = with_feature_scaled(quiet, "utilisation", 3.0)
    found = monitored(model, [Vintage(n, f) for n, f in (("a", quiet), ("b", scaled), ("c", scaled))], TERMS)
    standing = next(each for each in found["alerts"] if each["name"] == "utilisation")
    assert (standing["since"], standing["is_new"]) == ("b", False)
    assert is_alert(found)
    assert raised(model, scaled, quiet) == {}


def test_outcomes_that_are_not_known_are_not_judged(model: Model, quiet: pl.DataFrame) -> None:
    half = quiet.with_columns(pl.when(pl.int_range(pl.len()) % 2 == 0).then(pl.col(TARGET)).alias(TARGET))
    found = monitored(model, [Vintage("a", quiet.drop(TARGET)), Vintage("b", half)], TERMS)
    first, second = found["vintages"]
    assert first["outcomes"] == 0
    assert second["outcomes"] == (quiet.height + 1) // 2
    why = {figure["kind"]: figure["why_not"] for figure in first["figures"]}
    assert (why["auc"], why["calibration"], why["psi"]) == ("outcome_unknown", "outcome_unknown", None)
    assert json.loads(json.dumps(defined(found), allow_nan=False))["vintages"][0]["name"] == "a"


def test_few_accounts_are_shown_and_not_judged(model: Model, quiet: pl.DataFrame) -> None:
    figures = monitored(model, [Vintage("a", quiet.head(15))], TERMS)["vintages"][0]["figures"]
    assert {figure["why_not"] for figure in figures if figure["kind"] != "calibration"} == {"too_few"}


def test_segments_are_compared_with_their_own_first_vintage(model: Model, quiet: pl.DataFrame) -> None:
    def parted(frame: pl.DataFrame) -> pl.DataFrame:
        return frame.with_columns(
            part=pl.when(pl.int_range(pl.len()) % 2 == 0).then(pl.lit("x")).otherwise(pl.lit("y"))
        )

    worse = with_labels_drawn_anew(parted(quiet).filter(pl.col("part") == "y"), TARGET, 0.9, 1)
    later = pl.concat([parted(quiet).filter(pl.col("part") == "x"), worse])
    found = raised(model, parted(quiet), later, segment="part")
    assert ("auc", "", "y") in found
    assert ("auc", "", "x") not in found


def test_rows_that_no_model_can_read_are_counted(model: Model, quiet: pl.DataFrame) -> None:
    broken = quiet.with_columns(
        pl.when(pl.int_range(pl.len()) < 3)
        .then(float("inf"))
        .otherwise(pl.col("utilisation"))
        .alias("utilisation")
    )
    found = monitored(model, [Vintage("a", broken)], TERMS)["vintages"][0]
    assert (found["accounts"], found["rejected"]) == (quiet.height - 3, 3)


REFUSED: dict[str, tuple[Callable[[pl.DataFrame], list[Vintage]], str]] = {
    "none": (lambda _: [], "1 to"),
    "twice": (lambda frame: [Vintage("a", frame), Vintage("a", frame)], "name of its own"),
    "too many": (lambda frame: [Vintage(str(k), frame) for k in range(VINTAGES_MAX + 1)], "1 to 120"),
    "no account": (lambda frame: [Vintage("a", frame.head(0))], "no account"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_vintages_that_do_not_hold_are_refused(model: Model, quiet: pl.DataFrame, case: str) -> None:
    vintages, says = REFUSED[case]
    with pytest.raises(InputError, match=says):
        monitored(model, vintages(quiet), TERMS)


def test_column_that_is_missing_or_too_fine_is_refused(model: Model, quiet: pl.DataFrame) -> None:
    with pytest.raises(ModelError, match="lacks"):
        monitored(model, [Vintage("a", quiet.drop("utilisation"))], TERMS)
    with pytest.raises(InputError, match="no column 'product'"):
        monitored(model, [Vintage("a", quiet)], TERMS, segment="product")
    with pytest.raises(InputError, match=f"Allowed: {SEGMENTS_MAX}"):
        monitored(model, [Vintage("a", quiet)], TERMS, segment="account_id")


def test_model_without_its_reference_says_to_train_it_again(model: Model, quiet: pl.DataFrame) -> None:
    with pytest.raises(ModelError, match="Train it again"):
        monitored(replace(model, card={}), [Vintage("a", quiet)], TERMS)


@pytest.mark.parametrize(
    ("values", "positive", "outcome"),
    [
        ([0, 1, None], "1", [0.0, 1.0, np.nan]),
        ([True, False, None], "true", [1.0, 0.0, np.nan]),
        (["good", "good"], "bad", [0.0, 0.0]),
        ([0.0, float("nan")], "1", [0.0, np.nan]),
    ],
)
def test_outcome_is_read_as_at_training_and_one_class_is_no_error(
    values: list[Any], positive: str, outcome: list[float]
) -> None:
    assert outcome_of(pl.Series("y", values), positive).tolist() == pytest.approx(outcome, nan_ok=True)


def test_outcome_of_numbers_for_a_word_is_refused() -> None:
    with pytest.raises(InputError, match="holds numbers"):
        outcome_of(pl.Series("y", [1, 2]), "bad")


@pytest.mark.parametrize(
    ("name", "value"), [("psi_watch", 0.5), ("auc_alert", 0.0), ("false_alarm_share", 2), ("least_cases", 0)]
)
def test_thresholds_that_do_not_hold_are_refused(tmp_path: Path, name: str, value: float) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(
        f"{name}: {{description: a, description_zh: a, unit: a, source: a, values: {{2002-01-01: {value}}}}}\n"
    )
    with pytest.raises(PolicyError):
        monitoring_terms(dt.date(2026, 1, 1), path)
