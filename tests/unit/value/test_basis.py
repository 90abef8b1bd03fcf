"""What the value formulas read from a portrait."""

import numpy as np

from limitkeeper.core.value.basis import BASIS_NAMES, value_basis


def basis(**features: float) -> dict[str, float]:
    names = ("balance_cents", "spend_sum_90d_cents", "paid_full_share_6", "completeness_12", "bills_12")
    written = np.empty((3, 1))
    value_basis(*[np.array([features.get(name, np.nan)]) for name in names], written)
    return dict(zip(BASIS_NAMES, written[:, 0].tolist(), strict=True))


def test_balance_of_an_account_without_bills_revolves_whole() -> None:
    assert basis(balance_cents=10_000)["revolving_cents"] == 10_000


def test_share_of_bills_repaid_in_full_does_not_revolve() -> None:
    assert basis(balance_cents=10_000, paid_full_share_6=0.75)["revolving_cents"] == 2_500


def test_customer_in_credit_has_nothing_that_revolves() -> None:
    assert basis(balance_cents=-500, paid_full_share_6=0.0)["revolving_cents"] == 0


def test_spend_of_ninety_days_stands_for_a_year() -> None:
    assert basis(balance_cents=0, spend_sum_90d_cents=9_000)["spend_annual_cents"] == 36_500


def test_transactor_needs_twelve_bills_all_repaid_in_full() -> None:
    assert basis(completeness_12=1.0, bills_12=12)["transactor"] == 1
    assert basis(completeness_12=1.0, bills_12=11)["transactor"] == 0
    assert basis(completeness_12=0.99, bills_12=12)["transactor"] == 0
