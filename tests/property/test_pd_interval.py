"""Random models and PDs: what a model says is never outside what its PD may be."""

import math

from hypothesis import given
from hypothesis import strategies as st

from limitkeeper.core.risk.pd_bands import PdBand, pd_interval

shares = st.floats(0.0, 1.0)


@st.composite
def bands(draw: st.DrawFn) -> list[PdBand]:
    """The bands of a model that may be as wrong in each as it likes."""
    ends = sorted(draw(st.lists(shares, max_size=9, unique=True)))
    return [PdBand(end, draw(shares), *sorted((draw(shares), draw(shares)))) for end in (*ends, math.inf)]


@given(bands(), shares)
def test_interval_of_a_pd_holds_the_pd_and_is_one_of_shares(of_model: list[PdBand], pd: float) -> None:
    low, high = pd_interval(of_model, pd) or (math.nan, math.nan)
    assert 0.0 <= low <= pd <= high <= 1.0


@given(bands())
def test_missing_pd_has_no_interval(of_model: list[PdBand]) -> None:
    assert pd_interval(of_model, math.nan) is None


@given(shares, shares, shares)
def test_interval_of_a_model_that_is_clearly_wrong_reaches_as_far_as_its_pd(
    pd: float, mean_pd: float, rate: float
) -> None:
    low, high = pd_interval([PdBand(math.inf, mean_pd, rate, rate)], pd) or (math.nan, math.nan)
    assert pd in (low, high)
