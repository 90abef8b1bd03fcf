"""What a limit earns, costs and binds, against the formulas written out."""

import datetime as dt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from limitkeeper.app.policy import market_parameters
from limitkeeper.core.value.capital import capital_ratio
from limitkeeper.core.value.economics import VALUE_NAMES, limit_values, raroc, terms_in_force

TERMS = terms_in_force(market_parameters("CN", dt.date(2026, 1, 1)))


def values(rows: list[dict[str, float]]) -> np.ndarray:
    names = (
        "pd", "lgd", "ccf", "transactor", "defaulted", "limit_cents", "balance_cents", "revolving_cents",
        "spend_annual_cents",
    )  # fmt: skip
    columns = [np.array([row[name] for row in rows]) for name in names]
    written = np.empty((len(VALUE_NAMES), len(rows)))
    limit_values(*columns, TERMS, written)
    return written


ACCOUNT = {
    "pd": 0.02, "lgd": 0.8, "ccf": 0.4, "transactor": 0.0, "defaulted": 0.0, "limit_cents": 1_000_000.0,
    "balance_cents": 400_000.0, "revolving_cents": 300_000.0, "spend_annual_cents": 900_000.0,
}  # fmt: skip


def test_value_of_an_account_is_the_formulas_written_out() -> None:
    ead = 400_000 + 0.4 * 600_000
    loss = 0.02 * 0.8 * ead
    capital = float(capital_ratio(0.02, 0.8, 0.04)) * ead
    revenue = 0.18 * 300_000 + 0.006 * 900_000 - 0.03 * 400_000
    profit = revenue - 3600 - loss - (0.12 - 0.02) * capital
    on_capital = (revenue - 3600 - loss + 0.02 * capital) / capital
    expected = [ead, loss, capital, revenue, on_capital, profit]
    np.testing.assert_allclose(values([ACCOUNT])[:, 0], expected, rtol=1e-14)


def test_floors_apply_to_capital_but_the_loss_keeps_the_estimated_pd() -> None:
    ead, loss, capital, *_ = values([{**ACCOUNT, "pd": 0.0, "lgd": 0.1, "ccf": 0.0}])[:, 0]
    assert ead == 400_000 + 0.1 * 600_000
    assert loss == 0.0
    assert capital == pytest.approx(float(capital_ratio(0.001, 0.5, 0.04)) * ead)


def test_transactor_has_the_lower_pd_floor() -> None:
    revolver, transactor = values([{**ACCOUNT, "pd": 0.0}, {**ACCOUNT, "pd": 0.0, "transactor": 1.0}])[2]
    assert transactor < revolver


def test_account_in_default_binds_only_the_lgd_above_its_estimate() -> None:
    _, loss, capital, *_ = values([{**ACCOUNT, "defaulted": 1.0, "lgd": 0.8}])[:, 0]
    assert loss == pytest.approx(0.8 * 640_000)
    assert capital == 0.0


def test_raroc_without_capital_is_unknown_not_infinite() -> None:
    assert np.isnan(raroc(1.0, 0.0, 0.0, 0.0, 0.02))


def test_unknown_limit_makes_every_value_that_needs_it_unknown() -> None:
    written = values([{**ACCOUNT, "limit_cents": np.nan}])[:, 0]
    unknown = dict(zip(VALUE_NAMES, np.isnan(written).tolist(), strict=True))
    assert unknown == {name: name != "revenue_cents" for name in VALUE_NAMES}


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(-1e9, 1e9), st.floats(0, 1e9)), min_size=1, max_size=9))
def test_row_alone_has_the_bits_of_the_batch(accounts: list[tuple[float, float, float]]) -> None:
    rows = [{**ACCOUNT, "pd": pd, "balance_cents": b, "limit_cents": lim} for pd, b, lim in accounts]
    batch = values(rows)
    for k, row in enumerate(rows):
        assert values([row])[:, 0].tobytes() == batch[:, k].tobytes()
