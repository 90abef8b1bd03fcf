"""Golden values and oracles of the capital formula (domain: Basel CRE31)."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from limitkeeper.core.value.capital import (
    CONFIDENCE_QUANTILE,
    capital_ratio,
    defaulted_capital_ratio,
    floored,
)


@pytest.mark.parametrize(
    ("pd", "lgd", "risk_weight"),
    [
        (0.01, 0.45, "17.22%"),
        (0.01, 0.85, "32.53%"),
        (0.02, 0.80, "51.42%"),
        (0.001, 0.50, "3.01%"),
        (0.0005, 0.50, "1.68%"),
    ],
)
def test_risk_weight_is_the_golden_value(pd: float, lgd: float, risk_weight: str) -> None:
    assert f"{12.5 * capital_ratio(pd, lgd, 0.04):.2%}" == risk_weight


@given(st.floats(1e-9, 1 - 1e-9), st.floats(0, 1), st.floats(0.01, 0.5))
def test_capital_is_what_scipy_computes(pd: float, lgd: float, correlation: float) -> None:
    stressed = norm.cdf(
        (1 - correlation) ** -0.5 * norm.ppf(pd) + (correlation / (1 - correlation)) ** 0.5 * norm.ppf(0.999)
    )
    assert capital_ratio(pd, lgd, correlation) == pytest.approx(lgd * stressed - pd * lgd, abs=1e-12)


def test_confidence_quantile_is_the_inverse_normal_at_99_9_percent() -> None:
    assert norm.ppf(0.999) == CONFIDENCE_QUANTILE


def test_capital_at_the_ends_of_pd_is_nothing() -> None:
    assert capital_ratio(0.0, 0.5, 0.04) == 0.0
    assert capital_ratio(1.0, 0.5, 0.04) == 0.0


def test_unknown_pd_gives_unknown_capital() -> None:
    with np.errstate(invalid="ignore"):
        assert np.isnan(capital_ratio(np.nan, 0.5, 0.04))
        assert np.isnan(floored(np.nan, 0.001))


def test_capital_in_default_is_the_lgd_above_the_best_estimate_and_never_negative() -> None:
    assert defaulted_capital_ratio(0.8, 0.6) == pytest.approx(0.2)
    assert defaulted_capital_ratio(0.5, 0.6) == 0.0
