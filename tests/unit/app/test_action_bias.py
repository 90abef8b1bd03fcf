"""A review that holds some out of cuts, and what is measured on them."""

import datetime as dt
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from limitkeeper.app import fairness_alternatives
from limitkeeper.app.action_bias import action_bias
from limitkeeper.app.monitoring_figures import Vintage, measured
from limitkeeper.app.policy import market_parameters, screens_in_force
from limitkeeper.app.portfolio import portfolio_of_accounts
from limitkeeper.app.review import Models, Review, decisions, reviewed_portfolio
from limitkeeper.app.scoring import characteristic_columns
from limitkeeper.app.strategies import loaded_strategy, strategy_path
from limitkeeper.core.decision.trace import Reviewed
from limitkeeper.core.drift.reference import reference_of
from limitkeeper.core.kernel.errors import InputError
from limitkeeper.core.kernel.parameters import Parameters
from limitkeeper.core.strategy.actions import Action
from limitkeeper.core.strategy.constraints import Constraint
from limitkeeper.core.strategy.proposals import Proposals
from tests.monitored_model import CARD, bare_model

DAY = dt.date(2026, 1, 1)
AS_OF = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
ACCOUNTS = 6_000
SPARED = 0.5
"""Share of the defaults that a cut avoids."""


def frame() -> pl.DataFrame:
    draws = np.random.default_rng(20)
    limits = draws.integers(20, 200, ACCOUNTS) * 50_000
    return pl.DataFrame({
        "account_id": np.arange(ACCOUNTS), "late": draws.choice([0.0, 1.0, 3.0, 5.0], ACCOUNTS, p=[0.4, 0.2, 0.2, 0.2]),
        "job": draws.choice(["clerk", "cook"], ACCOUNTS), "limit_cents": limits,
        "balance_cents": (limits * draws.uniform(0, 0.4, ACCOUNTS)).astype(int),
    })  # fmt: skip


def reviewed(tmp_path: Path, share: float, salt: int = 2026) -> Reviewed:
    return review(parameters(tmp_path, share, salt)).reviewed


def parameters(tmp_path: Path, share: float, salt: int = 2026) -> Parameters:
    own = tmp_path / "own.yaml"
    values = {"holdout_share": share, "holdout_salt": salt}
    own.write_text("".join(
        f"{name}: {{description: a, description_zh: a, unit: a, source: a, values: {{2002-01-01: {value}}}}}\n"
        for name, value in values.items()
    ))  # fmt: skip
    return market_parameters("CN", DAY, own)


def review(in_force: Parameters) -> Review:
    portfolio = portfolio_of_accounts(frame(), name="p", market="CN", currency="CNY", as_of=AS_OF)
    rules = loaded_strategy(strategy_path("standard"))
    return reviewed_portfolio(portfolio, Models(bare_model()), rules, in_force)


@pytest.fixture(scope="module")
def decided(tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
    return decisions(reviewed(tmp_path_factory.mktemp("holdout"), 0.10))


def held(found: pl.DataFrame) -> pl.DataFrame:
    return found.filter(pl.col("constraints").list.contains("held_out"))


def test_held_out_accounts_are_told_in_their_trace_why_in_both_languages(decided: pl.DataFrame) -> None:
    rows = held(decided)
    assert rows.height > 50
    assert set(rows["action"].to_list()) == {"none"}
    assert (rows["limit_after_cents"] == rows["limit_before_cents"]).all()
    assert rows["reason_codes"].list.len().sum() == 0, "nothing was done: nothing is to be explained"
    trace = json.loads(rows["trace"][0])
    assert (trace["action"]["asked"], trace["action"]["taken"]) == ("decrease", "none")
    assert trace["held_out"]["share"] == 0.10
    assert "10.0%" in trace["held_out"]["en"]
    assert "随机留出" in trace["held_out"]["zh"]
    others = decided.filter(~pl.col("constraints").list.contains("held_out"))
    assert not any("held_out" in json.loads(text) for text in others["trace"].head(500).to_list())


def test_who_could_be_held_out_is_recorded_whether_he_was_or_not(decided: pl.DataFrame) -> None:
    possible = decided.filter(pl.col("holdout_share").is_not_null())
    assert set(possible["holdout_share"].to_list()) == {0.10}
    assert set(possible["action"].to_list()) == {"decrease", "none"}
    assert held(decided).height / possible.height == pytest.approx(0.10, abs=0.03)


def held_ids(found: Reviewed) -> np.ndarray:
    return np.flatnonzero(found.assessment.proposals.constraints & Constraint.HELD_OUT)


def test_the_same_policy_holds_the_same_out_and_a_new_salt_others(
    decided: pl.DataFrame, tmp_path: Path
) -> None:
    known = held(decided)["account_id"].to_list()
    assert held_ids(reviewed(tmp_path, 0.10)).tolist() == known
    other = held_ids(reviewed(tmp_path, 0.10, salt=2027))
    assert np.isin(other, known).mean() < 0.25


def test_alternatives_hold_out_the_same_accounts_as_what_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_force = parameters(tmp_path, 0.10)
    found = review(in_force)
    sexes = pl.DataFrame({"sex": ["f", "m"] * (ACCOUNTS // 2)})
    found = replace(found, portfolio=replace(found.portfolio, protected=sexes))
    monkeypatch.setattr(fairness_alternatives, "variants", lambda strategy, _: [("the same", strategy)])
    told = fairness_alternatives.threshold_alternatives(found, in_force, screens_in_force(DAY))
    stands, same = told["tried"]
    assert {**same, "kind": stands["kind"], "name": stands["name"]} == stands


def test_without_a_share_every_decision_is_the_one_of_a_policy_that_knows_none(tmp_path: Path) -> None:
    none, some = reviewed(tmp_path, 0.0), reviewed(tmp_path, 0.10)
    assert none.holdout is None
    rest = np.setdiff1d(np.arange(ACCOUNTS), held_ids(some))
    for name in Proposals.__slots__:
        before, after = (getattr(each.assessment.proposals, name) for each in (none, some))
        assert np.array_equal(before[rest], after[rest]), name
    assert set(none.assessment.proposals.effects[held_ids(some)].tolist()) == {Action.DECREASE}
    assert not np.array_equal(none.assessment.value_after, some.assessment.value_after), (
        "value follows the limit"
    )


def outcomes(decided: pl.DataFrame, seed: int) -> pl.DataFrame:
    """What became of the accounts: the model is right of who is left alone, and a cut avoids half of the defaults."""
    draws = np.random.default_rng(seed)
    pd = CARD.scored(characteristic_columns(bare_model(), frame())).pd
    cut = decided["action"].is_in(["decrease", "freeze", "close"]).to_numpy()
    bad = draws.random(ACCOUNTS) < np.where(cut, SPARED * pd, pd)
    return frame().with_columns(bad=pl.Series(bad.astype(int)))


def bias_of(accounts: pl.DataFrame, decided: pl.DataFrame | None) -> dict[str, Any] | None:
    reference = reference_of(CARD, characteristic_columns(bare_model(), accounts))
    return action_bias(measured(bare_model(), reference, Vintage("v", accounts, decided)))


def test_cuts_that_work_make_a_right_model_look_wrong_and_the_hold_out_rights_it(
    decided: pl.DataFrame,
) -> None:
    covered = 0
    for seed in range(20):
        found = bias_of(outcomes(decided, seed), decided)
        assert found is not None
        assert found["observed_to_expected"][2] < 1.0, "as it happened, too few default"
        covered += (
            found["weighted_observed_to_expected"][1] <= 1.0 <= found["weighted_observed_to_expected"][2]
        )
        assert found["difference"][0] < 0.0
        assert found["bad_rate_cut"] == pytest.approx(SPARED * found["bad_rate_held_out"], abs=0.08)
    # A 95 % interval covers 19 of 20 on average; fewer than 16 once in 400.
    assert covered >= 16


def test_who_is_represented_by_nobody_is_left_out_and_counted(decided: pl.DataFrame) -> None:
    accounts = outcomes(decided, 1)
    found = bias_of(accounts, decided)
    assert found is not None
    taken = decided.filter(pl.col("action").is_in(["decrease", "freeze", "close"]))
    assert found["not_represented"] == taken["holdout_share"].null_count()
    assert found["cut"] == taken["holdout_share"].is_not_null().sum()
    assert found["held_out"] == held(decided).height


def test_without_decisions_or_a_hold_out_nothing_is_told(decided: pl.DataFrame) -> None:
    accounts = outcomes(decided, 2)
    assert bias_of(accounts, None) is None
    assert bias_of(accounts, decided.filter(~pl.col("constraints").list.contains("held_out"))) is None


def test_decisions_that_do_not_belong_are_refused(decided: pl.DataFrame) -> None:
    accounts = outcomes(decided, 3)
    with pytest.raises(InputError, match="lack columns"):
        bias_of(accounts, decided.drop("holdout_share"))
    with pytest.raises(InputError, match="no lists of words"):
        bias_of(accounts, decided.with_columns(constraints=pl.lit("held_out")))
    with pytest.raises(InputError, match="no column 'account_id'"):
        bias_of(accounts.drop("account_id"), decided)
    with pytest.raises(InputError, match="different types"):
        bias_of(accounts.with_columns(pl.col("account_id").cast(pl.String)), decided)
