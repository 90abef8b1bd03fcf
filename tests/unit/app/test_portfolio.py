"""What is set aside and set apart before a portfolio is reviewed."""

import datetime as dt

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from limitkeeper.app.portfolio import Portfolio, portfolio_of_accounts
from limitkeeper.core.kernel.errors import InputError

AS_OF = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def portfolio(accounts: pl.DataFrame, **options: object) -> Portfolio:
    return portfolio_of_accounts(accounts, name="p", market="CN", currency="CNY", as_of=AS_OF, **options)


def reasons(**column: list) -> list[str]:
    return portfolio(pl.DataFrame(column, strict=False)).rejects["reason"].to_list()


def test_second_row_of_an_account_is_refused() -> None:
    assert reasons(account_id=[1, 1, 2]) == ["account_id_twice"]


def test_row_without_an_account_is_refused() -> None:
    assert reasons(account_id=[1, None]) == ["account_id_missing"]


def test_negative_limit_is_refused() -> None:
    assert reasons(account_id=[1, 2], limit_cents=[5, -5]) == ["limit_cents_negative"]


def test_infinite_limit_is_refused() -> None:
    assert reasons(account_id=[1, 2], limit_cents=[5.0, float("inf")]) == ["limit_cents_not_a_number"]


def test_limit_that_is_text_is_refused() -> None:
    assert reasons(account_id=[1, 2], limit_cents=["5", "much"]) == ["limit_cents_not_a_number"]


def test_limit_with_parts_of_a_cent_is_refused() -> None:
    assert reasons(account_id=[1, 2], limit_cents=[5.0, 5.5]) == ["limit_cents_not_whole_minor_units"]


def test_unknown_product_is_refused() -> None:
    assert reasons(account_id=[1, 2], product=["cash", "gold"]) == ["product_unknown"]


def test_unknown_limit_is_kept_because_missing_is_allowed() -> None:
    assert reasons(account_id=[1, 2], limit_cents=[5.0, None]) == []


def test_outcome_and_protected_columns_are_apart_from_what_is_scored() -> None:
    frame = pl.DataFrame({"account_id": [1, 2], "sex": ["f", "m"], "bad": [0, 1], "income": [3, 4]})
    found = portfolio(frame, outcome="bad", protected=("sex",))
    assert set(found.accounts.columns) == {"account_id", "income", "product"}
    assert found.outcome is not None
    assert found.outcome.to_list() == [False, True]
    assert found.protected is not None
    assert found.protected.columns == ["sex"]


def test_text_outcome_is_read_by_its_positive_value() -> None:
    frame = pl.DataFrame({"account_id": [1, 2, 3], "status": ["B", "A", None]})
    found = portfolio(frame, outcome="status", positive="B")
    assert found.outcome is not None
    assert found.outcome.to_list() == [True, False, None]


def test_empty_portfolio_is_an_error_that_says_so() -> None:
    with pytest.raises(InputError, match="no account to review"):
        portfolio(pl.DataFrame({"account_id": []}, schema={"account_id": pl.Int64}))


def test_missing_column_gets_the_nearest_one() -> None:
    with pytest.raises(InputError, match="Did you mean 'acount_id'"):
        portfolio(pl.DataFrame({"acount_id": [1]}))


@given(st.lists(st.tuples(st.none() | st.integers(0, 5), st.none() | st.integers(-3, 3)), min_size=1))
def test_every_row_is_kept_or_refused_never_lost(rows: list[tuple[int | None, int | None]]) -> None:
    schema = {"account_id": pl.Int64, "limit_cents": pl.Int64}
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    try:
        found = portfolio(frame)
    except InputError:
        assert not any(account is not None and (limit is None or limit >= 0) for account, limit in rows[:1])
    else:
        assert found.accounts.height + found.rejects.height == found.read == len(rows)
