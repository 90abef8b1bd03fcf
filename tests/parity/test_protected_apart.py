"""Protected attributes are out of reach of whatever decides: nothing changes when they do."""

import datetime as dt

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from limitkeeper.app.policy import market_parameters
from limitkeeper.app.portfolio import Portfolio, portfolio_of_accounts
from limitkeeper.app.review import Models, decisions, reviewed_portfolio
from limitkeeper.app.strategies import loaded_strategy, strategy_path
from limitkeeper.core.kernel.errors import ModelError
from limitkeeper.core.risk.model import InputColumn, Model
from tests.simulated_accounts import simulated_scorecard

DAY = dt.date(2026, 1, 1)
CARD = simulated_scorecard(characteristics=2)
MODEL = Model(
    "pd", "bad", "1", "a year", tuple(InputColumn(name, "number") for name in CARD.names), (), (), CARD
)
COUNT = 40


def portfolio(sex: list[str | None], age: list[int | None]) -> Portfolio:
    frame = pl.DataFrame({
        "account_id": [f"a-{k}" for k in range(COUNT)], "x0": [k % 7 / 2.0 for k in range(COUNT)],
        "x1": [k % 5 / 2.0 for k in range(COUNT)], "limit_cents": [1_000_000.0] * COUNT,
        "balance_cents": [900_000.0 - 20_000 * k for k in range(COUNT)], "sex": sex, "age_band": age,
    }, strict=False)  # fmt: skip
    as_of = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    return portfolio_of_accounts(
        frame, name="p", market="CN", currency="CNY", as_of=as_of, protected=("sex", "age_band")
    )


def decided(lines: Portfolio, model: Model = MODEL) -> pl.DataFrame:
    rules = loaded_strategy(strategy_path("standard"))
    return decisions(reviewed_portfolio(lines, Models(model), rules, market_parameters("CN", DAY)).reviewed)


FIRST = decided(portfolio(["f"] * COUNT, [30] * COUNT))


@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.sampled_from(["f", "m", None]), min_size=COUNT, max_size=COUNT),
    st.lists(st.one_of(st.none(), st.integers(18, 90)), min_size=COUNT, max_size=COUNT),
)
def test_decisions_are_the_same_bit_for_bit_whatever_the_protected_attributes_say(
    sex: list[str | None], age: list[int | None]
) -> None:
    assert decided(portfolio(sex, age)).equals(FIRST)


def test_accounts_that_are_scored_have_no_protected_column() -> None:
    lines = portfolio(["f"] * COUNT, [30] * COUNT)
    assert not {"sex", "age_band"} & set(lines.accounts.columns)
    assert lines.protected is not None
    assert lines.protected.columns == ["sex", "age_band"]


def test_model_that_asks_for_a_protected_attribute_finds_none() -> None:
    asking = Model(
        "pd", "bad", "1", "a year", (*MODEL.inputs, InputColumn("age_band", "number")), (), (), CARD
    )
    with pytest.raises(ModelError, match="age_band"):
        decided(portfolio(["f"] * COUNT, [30] * COUNT), asking)
