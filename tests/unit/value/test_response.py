"""What a change of limit does to balance, spend and cost."""

import datetime as dt

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from limitkeeper.app.policy import market_parameters
from limitkeeper.core.value.response import RESPONSE_NAMES, debt_response, response_terms_in_force

TERMS = response_terms_in_force(market_parameters("CN", dt.date(2026, 1, 1)))


def response(limit: float, after: float, balance: float, profit: float = 0.0) -> dict[str, float]:
    written = np.empty((len(RESPONSE_NAMES), 1))
    columns = [np.array([x]) for x in (limit, after, balance, balance, 100_000.0, profit)]
    debt_response(*columns, TERMS, written)
    return dict(zip(RESPONSE_NAMES, written[:, 0].tolist(), strict=True))


def test_raise_is_borrowed_by_twelve_percent_and_costs_nothing() -> None:
    after = response(100_000, 150_000, 40_000)
    assert after["balance_after_cents"] == 46_000
    assert after["change_cost_cents"] == 0


def test_cut_leaves_what_is_owed_owed_and_less_of_it_carried() -> None:
    after = response(100_000, 50_000, 40_000)
    assert after["balance_after_cents"] == 40_000
    assert after["revolving_after_cents"] == 34_000


def test_line_that_cannot_be_drawn_any_more_has_no_spend() -> None:
    assert response(100_000, 40_000, 40_000)["spend_after_cents"] == 0


def test_unchanged_limit_changes_nothing() -> None:
    after = response(100_000, 100_000, 40_000, profit=9_000)
    assert list(after.values()) == [40_000, 40_000, 100_000, 0]


@given(st.integers(1, 10**9), st.integers(0, 10**9), st.integers(0, 10**9))
def test_deeper_cut_never_costs_less_nor_leaves_more_spend(limit: int, first: int, second: int) -> None:
    mild, deep = sorted((min(first, limit), min(second, limit)), reverse=True)
    a, b = response(limit, mild, 0, profit=5_000), response(limit, deep, 0, profit=5_000)
    assert b["change_cost_cents"] >= a["change_cost_cents"]
    assert b["spend_after_cents"] <= a["spend_after_cents"]
