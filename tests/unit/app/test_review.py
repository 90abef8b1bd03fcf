"""A portfolio's review: what is filled in, set aside, carried over from the last one."""

import datetime as dt
import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from limitkeeper.app.policy import market_parameters
from limitkeeper.app.portfolio import Portfolio, portfolio_of_accounts
from limitkeeper.app.review import Models, decisions, input_columns, portrait, reviewed_portfolio
from limitkeeper.app.strategies import loaded_strategy, strategy_path
from limitkeeper.core.kernel.errors import InputError
from limitkeeper.core.risk.model import InputColumn, Model
from tests.simulated_accounts import simulated_scorecard

DAY = dt.date(2026, 1, 1)
CARD = simulated_scorecard(characteristics=2)
MODELS = Models(
    Model("pd", "bad", "1", "a year", tuple(InputColumn(n, "number") for n in CARD.names), (), (), CARD)
)


def lines(**columns: list) -> Portfolio:
    count = len(columns["account_id"])
    frame = pl.DataFrame({"x0": [2.0] * count, "x1": [2.0] * count, **columns}, strict=False)
    as_of = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    return portfolio_of_accounts(frame, name="p", market="CN", currency="CNY", as_of=as_of)


def decided(
    portfolio: Portfolio,
    previous: pl.DataFrame | None = None,
    strategy: str = "standard",
    models: Models = MODELS,
) -> pl.DataFrame:
    parameters = market_parameters("CN", DAY)
    rules = loaded_strategy(strategy_path(strategy))
    review = reviewed_portfolio(portfolio, models, rules, parameters, previous=previous)
    return decisions(review.reviewed)


def test_customers_total_is_the_sum_of_the_limits_of_all_lines() -> None:
    frame, _ = portrait(
        lines(account_id=[1, 2, 3, 4], customer_id=[7, 7, 8, None], limit_cents=[100, 200, 50, 60])
    )
    assert frame["customer_limit_total_cents"].to_list() == [300, 300, 50, 60]


def test_stated_total_is_kept() -> None:
    frame, _ = portrait(
        lines(account_id=[1], customer_id=[7], limit_cents=[100], customer_limit_total_cents=[900])
    )
    assert frame["customer_limit_total_cents"].to_list() == [900]


def test_product_has_its_code() -> None:
    frame, _ = portrait(lines(account_id=[1, 2], product=["purchase", "cash"]))
    assert frame["product_code"].to_list() == [0.0, 1.0]


def test_column_that_the_portfolio_lacks_is_unknown_not_zero() -> None:
    columns = input_columns(pl.DataFrame({"pd": [0.5, None]}), ("pd", "lgd"))
    assert np.isnan(columns["lgd"]).all()
    assert np.isnan(columns["pd"]).tolist() == [False, True]


def test_column_of_words_where_numbers_belong_is_refused() -> None:
    with pytest.raises(InputError, match="no column of numbers"):
        input_columns(pl.DataFrame({"utilisation": ["high"]}), ("utilisation",))


def test_account_with_an_infinite_characteristic_is_set_aside_with_its_reason() -> None:
    portfolio = lines(account_id=[1, 2], x0=[float("inf"), 1.0], limit_cents=[100, 100])
    rules = loaded_strategy(strategy_path("standard"))
    review = reviewed_portfolio(portfolio, MODELS, rules, market_parameters("CN", DAY))
    assert review.reviewed.account_ids == (2,)
    assert review.portfolio.rejects["reason"].to_list() == ["infinite_value: x0"]
    assert review.portfolio.accounts.height + review.portfolio.rejects.height == review.portfolio.read


def test_portfolio_of_infinities_only_is_an_error_that_says_so() -> None:
    with pytest.raises(InputError, match="no account that the models can read"):
        decided(lines(account_id=[1], x0=[float("inf")]))


def test_line_above_the_market_cap_comes_down_and_says_that_the_cap_did_it() -> None:
    row = decided(lines(account_id=[1], limit_cents=[40_000_000], balance_cents=[1_000_000])).row(
        0, named=True
    )
    assert (row["action"], row["limit_after_cents"]) == ("decrease", 30_000_000)
    assert row["reason_codes"][0] == "regulatory_cap"
    assert "line_cap" in row["constraints"]


def test_trace_says_how_sure_the_pd_is_where_the_models_card_does() -> None:
    def score(models: Models) -> dict[str, float | None]:
        one = lines(account_id=[1], limit_cents=[500_000], balance_cents=[0])
        found: dict[str, float | None] = json.loads(decided(one, models=models)["trace"][0])["score"]
        return found

    older = score(MODELS)
    pd = older["pd"]
    assert pd is not None
    assert (older["pd_low"], older["pd_high"]) == (None, None)
    parts = ((pd / 2, 0.1, 0.2), (pd, 0.01, 0.4), (None, 0.5, 0.6))
    bins = [{"pd_to": end, "mean_pd": pd, "low": low, "high": high} for end, low, high in parts]
    card = {"champion": {"calibration_bins": bins}}
    sure = score(replace(MODELS, pd=replace(MODELS.pd, card=card)))
    assert (sure["pd"], sure["pd_low"], sure["pd_high"]) == (pd, pytest.approx(0.01), pytest.approx(0.4))


def test_flagged_line_is_frozen_and_stays_so_until_the_release_holds() -> None:
    flagged = lines(account_id=[1], limit_cents=[500_000], balance_cents=[0], flag_count_90d=[1.0])
    first = decided(flagged)
    assert first["action"].to_list() == ["freeze"]
    unknown_now = lines(account_id=[1], limit_cents=[500_000], balance_cents=[0])
    assert decided(unknown_now, previous=first)["action"].to_list() == ["freeze"]
    clear_now = lines(account_id=[1], limit_cents=[500_000], balance_cents=[0], flag_count_90d=[0.0])
    assert decided(clear_now, previous=first)["action"].to_list() == ["none"]


def test_last_review_under_another_strategy_is_not_carried_over() -> None:
    flagged = lines(account_id=[1], limit_cents=[500_000], balance_cents=[0], flag_count_90d=[1.0])
    other = decided(flagged, strategy="cautious")
    unknown_now = lines(account_id=[1], limit_cents=[500_000], balance_cents=[0])
    assert decided(unknown_now, previous=other)["action"].to_list() == ["none"]


def test_line_without_a_limit_or_a_balance_gets_a_decision_with_unknown_value() -> None:
    row = decided(lines(account_id=[1], limit_cents=[None])).row(0, named=True)
    assert row["limit_after_cents"] is None
    assert row["ead_cents_before"] is None
    assert json.loads(row["trace"])["limit"] == {"before_cents": None, "after_cents": None}


def test_previous_file_that_is_no_review_is_refused() -> None:
    with pytest.raises(InputError, match="no column 'hits'"):
        decided(lines(account_id=[1]), previous=pl.DataFrame({"account_id": [1]}))
