"""The inverse normal against scipy's."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtr, ndtri

from limitkeeper.core.value.normal import normal_cdf, normal_quantile


@given(st.floats(1e-300, 1.0, exclude_max=True))
def test_quantile_is_scipys_to_the_last_digits(p: float) -> None:
    np.testing.assert_allclose(normal_quantile(p), ndtri(p), rtol=2e-15, atol=2e-16)


@given(st.floats(-37, 8))
def test_cdf_is_scipys_to_the_last_digits(z: float) -> None:
    np.testing.assert_allclose(normal_cdf(z), ndtr(z), rtol=1e-12)


def test_quantile_outside_its_range_is_unknown_and_infinite_at_the_ends() -> None:
    with np.errstate(invalid="ignore"):
        ends = normal_quantile(np.array([0.0, 1.0, -0.1, 1.1, np.nan]))
    assert ends[0] == -np.inf
    assert ends[1] == np.inf
    assert np.isnan(ends[2:]).all()
