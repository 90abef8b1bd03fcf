import json
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from limitkeeper.core.alerts.portfolio import USUAL_DAYS_MAX, DailyRates, RateTerms, rate_sigmas

TERMS = RateTerms(usual_days=28, least_days=14, sigmas=4.0, least_difference=10.0)


def day(number: int, events: int, alerts: int) -> tuple:
    return number, events, np.array([alerts, 0, 0, 0])


def observed(days: list[tuple], terms: RateTerms = TERMS) -> list:
    return DailyRates().observe(days, terms)


def test_rate_that_stays_as_it_was_is_not_unusual() -> None:
    chance = np.random.default_rng(1)
    assert observed([day(k, 10_000, int(chance.poisson(50))) for k in range(100)]) == []


def test_day_with_many_more_alerts_is_told_when_it_is_over() -> None:
    rates = DailyRates()
    assert rates.observe([day(k, 1_000, 10 + k % 3) for k in range(20)] + [day(20, 1_000, 60)], TERMS) == []
    (found,) = rates.observe([day(21, 1, 0)], TERMS)
    assert (found.day, found.trigger, found.alerts, found.events) == (20, 0, 60, 1_000)
    assert found.sigmas > 10


def test_day_with_hardly_any_alerts_is_told_too() -> None:
    (found,) = observed([day(k, 1_000, 100 + k % 5) for k in range(20)] + [day(20, 1_000, 5), day(21, 1, 0)])
    assert found.sigmas < -4


def test_twice_the_events_with_twice_the_alerts_is_not_unusual() -> None:
    assert (
        observed([day(k, 1_000, 50 + k % 3) for k in range(20)] + [day(20, 2_000, 101), day(21, 1, 0)]) == []
    )


def test_portfolio_whose_days_differ_anyway_is_judged_by_that() -> None:
    calm = [day(k, 1_000, 100) for k in range(20)] + [day(20, 1_000, 160), day(21, 1, 0)]
    wild = [day(k, 1_000, 50 if k % 2 else 150) for k in range(20)] + [day(20, 1_000, 160), day(21, 1, 0)]
    assert len(observed(calm)) == 1
    assert observed(wild) == []


def test_too_few_days_say_nothing() -> None:
    days = [day(k, 1_000, 10) for k in range(13)] + [day(13, 1_000, 500), day(14, 1, 0)]
    assert observed(days) == []
    assert len(observed([day(-1, 1_000, 10), *days])) == 1


def test_few_alerts_are_not_unusual_however_rare_they_are() -> None:
    assert observed([day(k, 100_000, 0) for k in range(20)] + [day(20, 100_000, 9), day(21, 1, 0)]) == []
    assert len(observed([day(k, 100_000, 0) for k in range(20)] + [day(20, 100_000, 11), day(21, 1, 0)])) == 1


def test_days_without_events_are_passed_over() -> None:
    with_gaps = [day(7 * k, 1_000, 10 + k % 3) for k in range(20)] + [day(200, 1_000, 60), day(201, 1, 0)]
    assert len(observed(with_gaps)) == 1


def test_what_is_remembered_is_bounded() -> None:
    rates = DailyRates()
    rates.observe([day(k, 1, 0) for k in range(2 * USUAL_DAYS_MAX)], TERMS)
    assert len(rates.past) == USUAL_DAYS_MAX


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 50), st.integers(0, 30)), min_size=1, max_size=60),
    st.data(),
)
def test_any_cut_and_any_restart_gives_the_same(
    steps: list[tuple[int, int, int]], data: st.DataObject
) -> None:
    days, number = [], 0
    for gap, events, alerts in steps:
        number += gap
        days.append(day(number, events, alerts))
    terms = RateTerms(10, 2, 1.0, 1.0)
    whole, cut, rates = observed(days, terms), [], DailyRates()
    at = data.draw(st.integers(0, len(days)))
    cut += rates.observe(days[:at], terms)
    cut += DailyRates.from_note(json.loads(json.dumps(rates.note()))).observe(days[at:], terms)
    assert cut == whole


@pytest.mark.parametrize("last", [0, 3, 40])
def test_sigmas_are_those_of_the_formula(last: int) -> None:
    counts, events = [4, 7, 5, 9, last], [100, 120, 90, 150, 110]
    usual = 25 / 460
    z = [(c - usual * n) / (usual * n) ** 0.5 for c, n in zip(counts, events, strict=True)]
    spread = max(1.0, sum(abs(b - a) for a, b in pairwise(z[:4])) / 3 / 1.128)
    expected, sigmas = rate_sigmas(counts, events)
    assert expected == pytest.approx(usual * 110)
    assert sigmas == pytest.approx(z[4] / spread)
