"""Change detection: its run lengths are those of the literature, it finds what changed, and it holds."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from limitkeeper.core.behaviour.change import (
    CHANGE_QUANTITIES,
    SCORE_LIMIT,
    ChangeDetection,
    ChangeTerms,
    StreamTerms,
)
from limitkeeper.core.behaviour.events import ACCEPTED, BILL, DAY_US, DUPLICATE, LOGIN, PURCHASE, TOO_LATE
from limitkeeper.core.kernel.errors import InputError

Matrix = NDArray[np.float64]
SPEND, REPAYMENT = 0, 1
BILL_CENTS = 10**9


def watched(
    change: ChangeDetection,
    kind: int,
    ts_us: NDArray[np.int64],
    amount_cents: NDArray[np.int64],
    paid_cents: NDArray[np.int64] | None = None,
    status: int = ACCEPTED,
) -> Matrix:
    """Scores of events given as matrices, shape ``(events, accounts)``, told in order of their rows."""
    events, accounts = amount_cents.shape
    n = events * accounts
    paid = np.zeros(n, np.int64) if paid_cents is None else paid_cents.ravel()
    scores = change.apply(
        np.tile(np.arange(accounts), events), np.full(n, kind, np.uint8), ts_us.ravel(), amount_cents.ravel(),
        paid, np.full(n, status, np.uint8),
    )  # fmt: skip
    return scores.reshape(events, accounts, 2)


def daily(events: int, accounts: int, first: int = 0) -> NDArray[np.int64]:
    return np.repeat(DAY_US * np.arange(first, first + events)[:, None], accounts, axis=1)


def change_of(accounts: int, terms: ChangeTerms | None = None) -> ChangeDetection:
    change = ChangeDetection(terms)
    change.add_accounts(accounts)
    return change


def scores_of_stream(stream: str, events: int, accounts: int, terms: ChangeTerms | None = None) -> Matrix:
    """Scores of accounts that never change: amounts lognormal, spends at random times, or shares normal."""
    chance, change = np.random.default_rng(7), change_of(accounts, terms)
    shape, times = (events, accounts), daily(events, accounts)
    if stream == "repayment":
        paid = BILL_CENTS * np.clip(chance.normal(0.5, 0.12, shape), 0, 1)
        bills = np.full(shape, BILL_CENTS)
        return watched(change, BILL, times, bills, paid.astype(np.int64))[..., REPAYMENT]
    amounts = np.full(shape, 10_000)
    if stream in {"amount", "spend"}:
        amounts = np.exp(chance.normal(12, 1, shape)).astype(np.int64)
    if stream in {"pace", "spend"}:
        times = np.cumsum(chance.exponential(1.5 * DAY_US, shape), axis=0).astype(np.int64)
    return watched(change, PURCHASE, times, amounts)[..., SPEND]


def run_length(scores: Matrix, warm_up_count: int) -> float:
    """Observations watched for each first alarm: the estimate that counts runs cut short at their length."""
    alarms = scores >= 1
    found = alarms.any(axis=0)
    lengths = np.where(found, alarms.argmax(axis=0) + 1, len(scores)) - warm_up_count
    return float(lengths.sum() / found.sum())


@pytest.mark.parametrize(("threshold", "published"), [(4.0, 335.4), (5.0, 930.9)])
@pytest.mark.parametrize("stream", ["amount", "pace", "repayment"])
def test_false_alarms_come_as_seldom_as_the_literature_says(
    stream: str, threshold: float, published: float
) -> None:
    """One-sided normal CUSUM, k 0.5; twice the two-sided 168 and 465 of Montgomery (2013), table 9.3."""
    each = StreamTerms(0.5, threshold, 20, 100_000)
    terms = ChangeTerms(each, each, deviation_limit=50.0, scale_least=1e-3)
    found = run_length(scores_of_stream(stream, 1_500, 1_000, terms), 20)
    assert found == pytest.approx(published, rel=0.2)


@pytest.mark.parametrize(
    ("stream", "documented", "warm_up_count"), [("spend", 14_000, 20), ("repayment", 800, 6)]
)
def test_false_alarms_of_the_default_come_as_seldom_as_documented(
    stream: str, documented: float, warm_up_count: int
) -> None:
    scores = scores_of_stream(stream, 1_500, 2_000)
    assert run_length(scores, warm_up_count) == pytest.approx(documented, rel=0.25)


def test_scores_are_missing_until_the_warm_up_is_over() -> None:
    spend = scores_of_stream("spend", 30, 5)
    assert np.isnan(spend[:19]).all()
    assert np.isfinite(spend[19:]).all()
    repayment = scores_of_stream("repayment", 10, 5)
    assert np.isnan(repayment[:5]).all()
    assert np.isfinite(repayment[5:]).all()


@pytest.mark.parametrize("factor", [4, 10])
def test_amounts_that_rise_lastingly_are_found_within_ten_spends(factor: int) -> None:
    chance, change = np.random.default_rng(1), change_of(200)
    usual = np.exp(chance.normal(9, 0.8, (60, 200))).astype(np.int64)
    raised = factor * np.exp(chance.normal(9, 0.8, (12, 200))).astype(np.int64)
    before = watched(change, PURCHASE, daily(60, 200), usual)
    after = watched(change, PURCHASE, daily(12, 200, 60), raised)[..., SPEND]
    assert (before[20:, :, SPEND] >= 1).any(axis=0).mean() <= 0.03
    assert np.median((after >= 1).argmax(axis=0) + 1) <= 10
    assert (after >= 1).any(axis=0).mean() > 0.75


def test_spending_twenty_times_as_often_is_found_though_amounts_stay() -> None:
    chance, change = np.random.default_rng(2), change_of(200)
    gaps = chance.exponential(2.0 * DAY_US, (60, 200))
    gaps[45:] /= 20
    times = np.cumsum(gaps, axis=0).astype(np.int64)
    scores = watched(change, PURCHASE, times, np.full((60, 200), 5_000))[..., SPEND]
    assert (scores[20:45] >= 1).any(axis=0).mean() <= 0.03
    assert (scores[45:] >= 1).any(axis=0).mean() > 0.95


def test_one_spend_alone_however_large_is_no_change() -> None:
    amounts = np.full((40, 1), 10_000)
    amounts[30] = 10**12
    assert watched(change_of(1), PURCHASE, daily(40, 1), amounts)[20:, 0, SPEND].max() < 0.5


def test_who_always_repaid_in_full_and_stops_is_found_by_the_second_bill() -> None:
    paid = np.full((9, 1), BILL_CENTS)
    paid[7:] = 0
    scores = watched(change_of(1), BILL, 30 * daily(9, 1), np.full((9, 1), BILL_CENTS), paid)[:, 0, REPAYMENT]
    assert (scores[5:8] < 1).all()
    assert scores[8] >= 1


def test_who_repays_more_than_before_is_no_alarm() -> None:
    paid = np.where(np.arange(20) < 10, 0.1, 1.0)[:, None] * BILL_CENTS
    scores = watched(
        change_of(1), BILL, 30 * daily(20, 1), np.full((20, 1), BILL_CENTS), paid.astype(np.int64)
    )
    assert np.nanmax(scores[..., REPAYMENT]) == 0.0


def test_bill_without_an_amount_and_overpaid_bill_say_what_they_are() -> None:
    nothing, over = change_of(1), change_of(1)
    watched(nothing, BILL, daily(8, 1), np.zeros((8, 1), np.int64))
    assert math.isnan(nothing.scores(np.zeros(1, np.int64))[0, REPAYMENT])
    bills = np.full((12, 1), 1_000)
    paid = np.where(np.arange(12) % 2 == 0, 1_000, 5_000)[:, None]
    assert np.nanmax(watched(over, BILL, daily(12, 1), bills, paid)[..., REPAYMENT]) == 0.0


def test_score_is_bounded_and_an_account_that_is_itself_again_recovers() -> None:
    amounts = np.full((140, 1), 10_000) + 1_000 * (np.arange(140) % 5)[:, None]
    amounts[40:60] *= 50
    scores = watched(change_of(1), PURCHASE, daily(140, 1), amounts)[:, 0, SPEND]
    assert np.nanmax(scores) == SCORE_LIMIT
    assert scores[50] >= 1
    assert scores[75] < 1


@pytest.mark.parametrize("status", [DUPLICATE, TOO_LATE])
def test_event_that_was_not_accepted_changes_nothing_and_is_told_the_present_scores(status: int) -> None:
    change = change_of(1)
    watched(change, PURCHASE, daily(30, 1), np.full((30, 1), 10_000))
    before = {name: array.tobytes() for name, array in change.arrays().items()}
    told = watched(change, PURCHASE, daily(1, 1, 40), np.full((1, 1), 10**9), status=status)
    assert told[0].tobytes() == change.scores(np.zeros(1, np.int64)).tobytes()
    assert {name: array.tobytes() for name, array in change.arrays().items()} == before


def test_event_older_than_the_newest_seen_changes_nothing_and_one_of_the_same_time_counts() -> None:
    change, one = change_of(1), np.full((1, 1), 10_000)
    watched(change, LOGIN, daily(1, 1, 10), one)
    before = change.arrays()["numbers"].tobytes()
    watched(change, PURCHASE, daily(1, 1, 10) - 1, one)
    assert change.arrays()["numbers"].tobytes() == before
    watched(change, PURCHASE, daily(1, 1, 10), one)
    assert change.arrays()["numbers"].tobytes() != before


def test_scores_do_not_depend_on_how_events_are_cut_nor_on_a_restart() -> None:
    chance, n = np.random.default_rng(3), 3_000
    account = chance.integers(0, 12, n)
    kind = chance.choice(np.array([PURCHASE, BILL, LOGIN], np.uint8), n, p=[0.7, 0.2, 0.1])
    ts_us = np.arange(n) * DAY_US // 4 - chance.integers(0, DAY_US, n)
    amount = np.exp(chance.normal(9, 1, n)).astype(np.int64)
    paid, status = (amount * chance.random(n)).astype(np.int64), chance.choice(2, n, p=[0.9, 0.1])
    columns = (account, kind, ts_us, amount, paid, status.astype(np.uint8))
    whole = change_of(12).apply(*columns)
    change, parts, start = change_of(12), [], 0
    for stop in (1, 2, 700, 701, 2_500, n):
        parts.append(change.apply(*(column[start:stop] for column in columns)))
        kept = {name: array.copy() for name, array in change.arrays().items()}
        change, start = ChangeDetection.from_arrays(kept), stop
    assert np.concatenate(parts).tobytes() == whole.tobytes()
    assert np.isfinite(whole).any(axis=0).all()


def test_account_takes_at_most_64_bytes() -> None:
    change = change_of(1_000)
    assert sum(array.nbytes for name, array in change.arrays().items() if name != "format") <= 64 * 1_000


def test_accounts_that_come_later_start_afresh() -> None:
    change = change_of(1)
    watched(change, PURCHASE, daily(30, 1), np.full((30, 1), 10_000))
    change.add_accounts(2)
    scores = change.scores(np.arange(3))
    assert scores[0, SPEND] == 0.0
    assert np.isnan(scores[1:]).all()


def test_quantities_say_their_range_and_warm_up() -> None:
    terms = ChangeTerms()
    spend, repayment = CHANGE_QUANTITIES
    assert f"fewer than {terms.spend.warm_up_count} spends" in spend.missing
    assert f"fewer than {terms.repayment.warm_up_count} bills" in repayment.missing


@pytest.mark.parametrize(
    "terms",
    [
        ChangeTerms(spend=StreamTerms(0.5, 8.0, 2, 200)),
        ChangeTerms(repayment=StreamTerms(0.5, 4.0, 30, 24)),
        ChangeTerms(spend=StreamTerms(0.5, 0.0, 20, 200)),
        ChangeTerms(scale_least=0.0),
    ],
)
def test_terms_that_cannot_hold_are_refused(terms: ChangeTerms) -> None:
    with pytest.raises(InputError, match="terms of change detection"):
        ChangeDetection(terms)


def test_unknown_account_and_foreign_arrays_are_refused() -> None:
    with pytest.raises(InputError, match="no account"):
        change_of(1).scores(np.array([1]))
    with pytest.raises(InputError, match="no change detection"):
        ChangeDetection.from_arrays({"format": np.array([99])})
