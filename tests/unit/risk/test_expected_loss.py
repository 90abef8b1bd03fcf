"""Exposure at default and expected loss."""

import numpy as np

from limitkeeper.core.risk.expected_loss import expected_loss_cents, exposure_at_default_cents


def test_exposure_is_the_balance_and_the_converted_part_of_the_undrawn_limit() -> None:
    assert exposure_at_default_cents(400.0, 1000.0, 0.5) == 700.0


def test_balance_above_the_limit_is_the_exposure() -> None:
    assert exposure_at_default_cents(1200.0, 1000.0, 0.5) == 1200.0


def test_customer_in_credit_is_never_a_negative_exposure() -> None:
    assert exposure_at_default_cents(-500.0, 0.0, 0.1) == 0.0


def test_unknown_limit_balance_or_conversion_gives_unknown_exposure() -> None:
    with np.errstate(invalid="ignore"):
        for arguments in ((np.nan, 1.0, 0.5), (1.0, np.nan, 0.5), (1.0, 2.0, np.nan)):
            assert np.isnan(exposure_at_default_cents(*arguments))


def test_expected_loss_is_the_product() -> None:
    assert expected_loss_cents(0.02, 0.5, 700_000.0) == 7000.0
