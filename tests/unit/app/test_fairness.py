"""Planted discrimination in a model is found, and the search finds an alternative that does not have it."""

from typing import Any

import numpy as np
import polars as pl
import pytest

from limitkeeper.app.fairness import attributes_of, model_fairness
from limitkeeper.app.fairness_alternatives import model_alternatives
from limitkeeper.app.policy import screens_in_force
from limitkeeper.core.compliance.alternatives import DROPPED
from limitkeeper.core.compliance.screens import blocking, screened
from limitkeeper.core.kernel.columns import Columns
from limitkeeper.core.kernel.errors import InputError
from limitkeeper.core.kernel.hashing import content_hash
from limitkeeper.core.risk.model import InputColumn, Model
from limitkeeper.learn.constrained import constrained_scores
from limitkeeper.learn.proxies import proxies
from limitkeeper.learn.table import Table, champion_part
from tests.fairness_rows import POLICY_DAY

POLICY = screens_in_force(POLICY_DAY)
ROWS = 4_000


def lender_table(seed: int = 0) -> pl.DataFrame:
    """Accounts of two sexes; one defaults more for a reason that no other column holds, ``shop`` tells the sex."""
    chance = np.random.default_rng(seed)
    sex = chance.choice(["a", "b"], ROWS)
    risk, income = chance.normal(size=(2, ROWS))
    odds = -1.6 + 0.9 * risk - 0.5 * income + 1.4 * (sex == "b")
    bad = chance.random(ROWS) < 1 / (1 + np.exp(-odds))
    shop = (sex == "b") + chance.normal(size=ROWS) * 0.3
    columns = {"sex": sex, "risk": risk, "income": income, "shop": shop, "bad": bad.astype(int)}
    return pl.DataFrame(columns)


def model_of(frame: pl.DataFrame, names: tuple[str, ...]) -> Model:
    table = Table(Columns(names, frame.select(names).to_numpy().T.copy()), frame["bad"].to_numpy().astype(float), {},
                  np.empty(0))  # fmt: skip
    part = champion_part(table, np.arange(frame.height), 0)
    inputs = tuple(InputColumn(name, "number") for name in names)
    return Model("pd", "bad", "1", "as the target defines it", inputs, (), part.derivations, part.scorecard)


@pytest.fixture(scope="module")
def table() -> pl.DataFrame:
    return lender_table()


@pytest.fixture(scope="module")
def proxied(table: pl.DataFrame) -> Model:
    return model_of(table[: ROWS // 2], ("risk", "income", "shop"))


@pytest.fixture(scope="module")
def report(table: pl.DataFrame, proxied: Model) -> dict[str, Any]:
    return model_fairness(table[ROWS // 2 :], proxied, ["sex"], POLICY)


def test_model_with_a_planted_proxy_is_blocked_and_the_proxy_is_named(report: dict[str, Any]) -> None:
    failed = {each["screen"] for each in report["findings"] if each["blocks"]}
    assert {"adverse_impact_ratio", "score_difference", "proxy"} <= failed
    assert report["proxies"][0]["features"][0]["name"] == "shop"


def test_model_without_the_proxy_is_not_blocked(table: pl.DataFrame) -> None:
    fair = model_fairness(
        table[ROWS // 2 :], model_of(table[: ROWS // 2], ("risk", "income")), ["sex"], POLICY
    )
    assert fair["failed"] == []
    assert fair["proxies"][0]["auc"]["value"] < 0.6


def test_report_screens_again_to_what_it_says_and_is_named_by_its_content(
    report: dict[str, Any], table: pl.DataFrame, proxied: Model
) -> None:
    assert [each.to_document() for each in screened(report, POLICY)] == report["findings"]
    assert report["failed"] == list(blocking(screened(report, POLICY)))
    again = model_fairness(table[ROWS // 2 :], proxied, ["sex"], POLICY)
    assert content_hash(again) == content_hash(report)


def test_search_finds_the_model_without_the_proxy_and_a_constrained_one(
    table: pl.DataFrame, proxied: Model
) -> None:
    told: list[tuple[str, int, int]] = []
    found = model_alternatives(
        table, proxied, ["sex"], POLICY, progress=lambda task, done, total: told.append((task, done, total))
    )
    stands = found["tried"][0]
    assert not found["already_passes"]
    assert stands["adverse_impact_ratio"]["value"] < 0.8
    dropped = next(each for each in found["tried"] if (each["kind"], each["name"]) == (DROPPED, "shop"))
    assert dropped["adverse_impact_ratio"]["value"] > 0.9
    best = found["tried"][found["best"]]
    assert best["adverse_impact_ratio"]["value"] >= 0.8
    assert stands["quality"] - 0.05 < best["quality"]
    assert best["quality"] >= dropped["quality"]
    assert told[-1][1] == told[-1][2] == len(found["tried"]) - 1


def test_constrained_fit_narrows_the_gap_as_its_bound_narrows_and_is_the_same_twice() -> None:
    frame = lender_table(1)[:1_500]
    matrix = frame.select("risk", "income", "shop").to_numpy()
    bad, codes = frame["bad"].to_numpy().astype(float), (frame["sex"] == "b").cast(pl.Int64).to_numpy()
    scores = constrained_scores(matrix, bad, codes, matrix, (0.10, 0.01))
    again = constrained_scores(matrix, bad, codes, matrix, (0.10, 0.01))
    gaps = [score[codes == 1].mean() - score[codes == 0].mean() for score in scores]
    assert gaps[0] > 2 * abs(gaps[1])
    assert all(np.array_equal(one, other) for one, other in zip(scores, again, strict=True))


def test_features_that_tell_nothing_of_a_group_give_about_one_half(table: pl.DataFrame) -> None:
    columns = Columns(("risk", "still"), np.stack([table["risk"].to_numpy(), np.ones(ROWS)]))
    (found,) = proxies(columns, attributes_of(table.select("sex")), seed=0, group_accounts_least=100)
    assert abs(found["auc"]["value"] - 0.5) < 0.05
    assert [each["name"] for each in found["features"]] in ([], ["risk"])


def test_column_that_tells_a_group_only_by_where_it_is_missing_is_a_proxy(table: pl.DataFrame) -> None:
    missing = np.where(table["sex"].to_numpy() == "b", np.nan, 0.0)
    columns = Columns(("risk", "asked"), np.stack([table["risk"].to_numpy(), missing]))
    (found,) = proxies(columns, attributes_of(table.select("sex")), seed=0, group_accounts_least=100)
    assert found["auc"]["value"] > 0.99
    assert found["features"][0]["name"] == "asked"


def test_share_touched_and_columns_that_cannot_be_are_refused(table: pl.DataFrame, proxied: Model) -> None:
    with pytest.raises(InputError, match="share touched"):
        model_fairness(table, proxied, ["sex"], POLICY, touched_share=1.0)
    with pytest.raises(InputError, match="no column 'gender'"):
        model_fairness(table, proxied, ["gender"], POLICY)
