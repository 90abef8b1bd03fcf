"""What a table suggests to derive, under any names."""

import numpy as np
import pytest

from limitkeeper.core.kernel.columns import Columns
from limitkeeper.learn.proposals import proposed_derivations, series_of

ROWS = 2_000


@pytest.fixture(scope="module")
def lender() -> Columns:
    """A limit, six balances that follow it, six payments that follow the balances, ten unrelated ratios."""
    draws = np.random.default_rng(0)
    limit = draws.lognormal(10, 0.6, ROWS).round()
    use = draws.beta(2, 3, ROWS)
    columns = {"credit_line": limit}
    for month in range(1, 7):
        columns[f"bal{month}"] = (limit * np.clip(use + draws.normal(0, 0.1, ROWS), 0, 1)).round()
        columns[f"paid{month}"] = (columns[f"bal{month}"] * draws.beta(1, 8, ROWS)).round()
    for number in range(1, 11):
        columns[f"attr{number}"] = draws.normal(number, number, ROWS)
    return Columns(tuple(columns), np.array(list(columns.values())))


def test_months_of_one_quantity_are_a_series_and_numbered_strangers_are_not(lender: Columns) -> None:
    assert {members[0] for members in series_of(lender)} == {"bal1", "paid1"}
    assert all(len(members) == 6 for members in series_of(lender))


def test_utilisation_pay_ratio_undrawn_and_aggregates_are_proposed(lender: Columns) -> None:
    names = {derivation.name for derivation in proposed_derivations(lender, ())}
    expected = (
        "bal1_over_credit_line bal_mean_over_credit_line credit_line_less_bal1 paid1_over_previous_bal2"
    )
    assert {*expected.split(), "paid_over_bal", "bal_newest_minus_mean", "paid_positive_count"} <= names
    assert not any("attr1_mean" in name for name in names)


def test_the_same_is_found_where_names_say_nothing(lender: Columns) -> None:
    months = [f"{stem}{month}" for stem in ("bal", "paid") for month in range(1, 7)]
    order = ["credit_line", "attr1", *months]
    nameless = Columns(tuple(f"X{k}" for k in range(1, 15)), lender.values[lender.rows(order)])
    proposed = {(each.operation, each.of, each.over) for each in proposed_derivations(nameless, ())}
    assert ("mean", ("X3",), ("X1",)) in proposed
    assert ("mean", ("X9",), ("X4",)) in proposed


def test_proposals_do_not_depend_on_which_rows_hold_a_missing_code(lender: Columns) -> None:
    values = lender.values.copy()
    values[1, ::10] = -9.0
    with_codes = proposed_derivations(Columns(lender.names, values), (-9.0,))
    assert {each.name for each in with_codes} == {each.name for each in proposed_derivations(lender, ())}
