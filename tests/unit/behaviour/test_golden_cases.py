"""The golden cases of the features, each a sentence with its numbers."""

import math

import numpy as np
import pytest

from limitkeeper.core.behaviour.events import AMOUNT_CENTS_MAX, NEVER_US, UNKNOWN_CENTS
from limitkeeper.core.behaviour.features import FEATURE_NAMES
from limitkeeper.core.behaviour.ring import RING_EVENTS_MAX, WINDOWS_US
from limitkeeper.core.behaviour.state import Behaviour
from limitkeeper.core.kernel.errors import InputError
from tests.behaviour_events import STATUS, batch, last_features, rows
from tests.features_in_sql import CONTRACT
from tests.oracle_of_features import DAY, Event

NOW = 20_000 * DAY
WINDOWS = dict(zip(("1h", "1d", "7d", "30d", "90d"), WINDOWS_US, strict=True))
NEVER_MISSING = {
    *(name for name in CONTRACT if "_count_" in name or name.startswith("spend_sum_")),
    "bills_12", "on_time_streak", "balance_cents",
}  # fmt: skip


def purchase(amount: int, before: int = 0, **more: int) -> Event:
    return Event(account=0, ts=NOW - before, kind="purchase", amount=amount, **more)


def event(kind: str, amount: int = 0, before: int = 0) -> Event:
    return Event(account=0, ts=NOW - before, kind=kind, amount=amount)


def bill(amount: int, paid: int, months: int, minimum_due: int = -1, days_past_due: int = 0) -> Event:
    return Event(
        account=0, ts=NOW - months * 30 * DAY, kind="bill", amount=amount, paid=paid,
        minimum_due=minimum_due, days_past_due=days_past_due,
    )  # fmt: skip


def login() -> Event:
    return event("login")


@pytest.fixture
def account() -> Behaviour:
    behaviour = Behaviour()
    behaviour.add_accounts(1)
    return behaviour


def test_empty_account_has_counts_of_zero_and_everything_else_missing(account: Behaviour) -> None:
    portrait = rows(account.portraits(NOW))[0]
    for name in CONTRACT:
        assert portrait[name] == 0.0 if name in NEVER_MISSING else math.isnan(portrait[name]), name


def test_no_account_has_no_portrait() -> None:
    assert Behaviour().portraits(NOW).shape == (0, len(FEATURE_NAMES))


def test_one_purchase_of_123_45_is_its_own_count_sum_mean_and_maximum() -> None:
    found = last_features(purchase(12_345, merchant=7))
    for window in WINDOWS:
        assert (found[f"spend_count_{window}"], found[f"spend_sum_{window}_cents"]) == (1.0, 12_345.0)
    assert found["spend_mean_30d_cents"] == found["spend_max_30d_cents"] == found["balance_cents"] == 12_345.0
    assert math.isnan(found["spend_std_30d_cents"])
    assert math.isnan(found["days_since_last_spend"])
    assert found["spend_velocity_7d_90d"] == pytest.approx(90 / 7)
    assert found["merchant_top_share_30d"] == 1.0
    assert (found["days_since_opened"], found["days_since_first_credit"]) == (0.0, 0.0)


def test_of_two_at_the_same_instant_the_first_does_not_see_the_second(account: Behaviour) -> None:
    values, _ = account.apply(batch([purchase(100, id=1), purchase(300, id=2)]))
    first, second = rows(values)
    assert (first["spend_count_1h"], first["spend_sum_1h_cents"]) == (1.0, 100.0)
    assert (second["spend_count_1h"], second["spend_sum_1h_cents"]) == (2.0, 400.0)
    assert second["spend_std_30d_cents"] == 100.0
    assert second["days_since_last_spend"] == 0.0


@pytest.mark.parametrize("window", WINDOWS)
def test_event_exactly_as_old_as_the_window_counts(window: str) -> None:
    found = last_features(purchase(100, before=WINDOWS[window]), login())
    assert (found[f"spend_count_{window}"], found[f"spend_sum_{window}_cents"]) == (1.0, 100.0)


@pytest.mark.parametrize("window", WINDOWS)
def test_event_one_microsecond_older_than_the_window_does_not_count(window: str) -> None:
    found = last_features(purchase(100, before=WINDOWS[window] + 1), login())
    assert (found[f"spend_count_{window}"], found[f"spend_sum_{window}_cents"]) == (0.0, 0.0)


def test_declined_counts_for_exactly_7_days_and_a_flag_for_exactly_90() -> None:
    week, quarter = 7 * DAY, 90 * DAY
    assert last_features(event("declined", before=week), login())["declined_count_7d"] == 1.0
    assert last_features(event("declined", before=week + 1), login())["declined_count_7d"] == 0.0
    assert last_features(event("flag", before=quarter), login())["flag_count_90d"] == 1.0
    assert last_features(event("flag", before=quarter + 1), login())["flag_count_90d"] == 0.0


def test_flag_that_is_withdrawn_at_its_own_time_counts_in_no_window() -> None:
    for days in (0, 30, 90):
        before = days * DAY
        found = last_features(event("flag", before=before), event("flag_withdrawn", before=before), login())
        assert found["flag_count_90d"] == 0.0
    other = event("flag", before=10 * DAY)
    found = last_features(
        event("flag", before=20 * DAY), other, event("flag_withdrawn", before=20 * DAY), login()
    )
    assert found["flag_count_90d"] == 1.0


def test_withdrawal_of_a_flag_that_nobody_raised_counts_as_none() -> None:
    assert last_features(event("flag_withdrawn"), login())["flag_count_90d"] == 0.0
    assert math.isnan(last_features(event("flag_withdrawn"))["days_since_first_credit"])


def test_corrected_bill_stands_in_the_place_of_the_bill_of_its_time() -> None:
    late, right = bill(100, 0, 2, days_past_due=40), bill(100, 100, 2)
    put_right = Event(**{**right.__dict__, "kind": "bill_corrected"})
    found = last_features(bill(100, 100, 3), late, bill(100, 100, 1), put_right, login())
    assert (found["bills_12"], found["late_share_6"], found["on_time_streak"]) == (3.0, 0.0, 3.0)
    assert (found["completeness_3"], found["days_past_due_max_12"]) == (1.0, 0.0)


def test_correction_of_a_bill_that_is_not_here_is_all_that_is_known_of_it() -> None:
    found = last_features(Event(account=0, ts=NOW, kind="bill_corrected", amount=100, paid=50), login())
    assert (found["bills_12"], found["completeness_3"]) == (1.0, 0.5)


def test_duplicate_is_not_applied_and_the_first_one_holds(account: Behaviour) -> None:
    events = [purchase(100, id=1), purchase(900, id=1), purchase(50, id=2)]
    values, status = account.apply(batch(events))
    assert [STATUS[code] for code in status] == ["accepted", "duplicate", "accepted"]
    assert np.isnan(values[1]).all()
    assert rows(values)[2]["spend_sum_1h_cents"] == 150.0


def test_duplicate_in_a_later_call_is_known_too(account: Behaviour) -> None:
    account.apply(batch([purchase(100, id=1, before=60 * DAY)]))
    _, status = account.apply(batch([purchase(100, id=1)]))
    assert STATUS[status[0]] == "duplicate"


def test_late_event_sees_its_own_time_and_counts_for_every_later_one(account: Behaviour) -> None:
    events = [
        purchase(100, before=13 * DAY, id=1),
        purchase(1_000, id=2),
        purchase(50, before=5 * DAY, id=3),
        purchase(1, id=4),
    ]
    values, status = account.apply(batch(events))
    assert not status.any()
    _, newest, late, last = rows(values)
    assert newest["spend_sum_7d_cents"] == 1_000.0  # given out before the late one came
    assert (late["spend_sum_7d_cents"], late["spend_sum_30d_cents"], late["balance_cents"]) == (
        50.0,
        150.0,
        150.0,
    )
    assert late["days_since_last_spend"] == 8.0
    assert (last["spend_sum_7d_cents"], last["balance_cents"]) == (1_051.0, 1_151.0)


def test_event_90_days_late_is_taken_and_one_microsecond_later_is_too_late(account: Behaviour) -> None:
    events = [purchase(1, id=1), purchase(1, before=90 * DAY, id=2), purchase(1, before=90 * DAY + 1, id=3)]
    _, status = account.apply(batch(events))
    assert [STATUS[code] for code in status] == ["accepted", "accepted", "too_late"]


def test_late_event_looks_back_90_days_of_its_own(account: Behaviour) -> None:
    events = [
        purchase(1, before=180 * DAY + 1, id=1),
        purchase(20, before=180 * DAY, id=2),
        purchase(300, id=3),
        purchase(4_000, before=90 * DAY, id=4),
    ]
    values, _ = account.apply(batch(events))
    assert rows(values)[3]["spend_sum_90d_cents"] == 4_020.0


def test_refund_above_the_purchases_gives_a_share_above_one_and_a_credit_balance() -> None:
    found = last_features(purchase(10_000), event("refund", 15_000))
    assert (found["refund_share_90d"], found["balance_cents"]) == (1.5, -5_000.0)
    assert found["spend_sum_1h_cents"] == 10_000.0  # a refund does not undo a spend
    assert math.isnan(last_features(event("refund", 15_000))["refund_share_90d"])


def test_purchase_after_a_limit_cut_is_measured_against_the_limit_before_the_cut() -> None:
    found = last_features(event("limit_set", 100_000), event("limit_set", 40_000), purchase(30_000))
    assert (found["limit_cents"], found["utilisation"]) == (40_000.0, 0.3)


def test_second_cut_is_measured_against_the_limit_just_before_it() -> None:
    found = last_features(
        event("limit_set", 100_000), event("limit_set", 50_000), event("limit_set", 40_000), purchase(30_000)
    )
    assert found["utilisation"] == 0.6


def test_equal_limit_reassesses_the_cut() -> None:
    cut = [event("limit_set", 100_000), event("limit_set", 40_000), event("limit_set", 40_000)]
    assert last_features(*cut, purchase(30_000))["utilisation"] == 0.75


def test_limit_of_zero_without_a_cut_has_no_utilisation_and_one_after_a_cut_has() -> None:
    assert math.isnan(last_features(event("limit_set", 0), purchase(100))["utilisation"])
    frozen = last_features(event("limit_set", 1_000), event("limit_set", 0), purchase(100))
    assert (frozen["limit_cents"], frozen["utilisation"]) == (0.0, 0.1)


def test_balance_is_what_was_set_last_and_what_followed() -> None:
    found = last_features(
        purchase(77), event("balance_set", 1_000), purchase(200), event("cash_advance", 300), event("charge", 5),
        event("repayment", 400), event("refund", 50), event("bill", 9_999),
    )  # fmt: skip
    assert found["balance_cents"] == 1_055.0


def test_zscore_needs_five_spends_before_and_a_spread() -> None:
    before = [purchase(amount, before=DAY) for amount in (100, 200, 300, 400)]
    assert math.isnan(last_features(*before, purchase(900))["spend_zscore_90d"])
    five = [*before, purchase(500, before=DAY)]
    assert last_features(*five, purchase(900))["spend_zscore_90d"] == pytest.approx(600 / math.sqrt(20_000))
    assert math.isnan(last_features(*five, event("refund", 900))["spend_zscore_90d"])
    equal = [purchase(100, before=DAY)] * 5
    assert math.isnan(last_features(*equal, purchase(900))["spend_zscore_90d"])


def test_standard_deviation_of_large_amounts_that_differ_by_a_cent_is_half_a_cent() -> None:
    found = last_features(purchase(10**12), purchase(10**12 - 1))
    assert found["spend_std_90d_cents"] == 0.5


def test_missing_merchant_is_not_counted_but_its_spend_is_in_the_denominator() -> None:
    found = last_features(purchase(300), purchase(100, merchant=5))
    assert (found["merchant_count_30d"], found["merchant_top_share_30d"]) == (1.0, 0.25)
    assert math.isnan(last_features(purchase(300))["merchant_top_share_30d"])


def test_round_share_counts_whole_multiples_of_100_00_but_not_zero() -> None:
    found = last_features(purchase(10_000), purchase(20_000), purchase(0), purchase(10_001))
    assert found["round_share_30d"] == 0.5


def test_bill_of_zero_is_a_bill_but_no_billed_one() -> None:
    found = last_features(bill(0, 0, 2), bill(1_000, 1_000, 1), bill(0, 0, 0))
    assert (found["bills_12"], found["paid_full_share_6"], found["completeness_3"]) == (3.0, 1.0, 1.0)
    alone = last_features(bill(0, 0, 0))
    assert alone["bills_12"] == alone["on_time_streak"] == 1.0
    assert math.isnan(alone["late_share_12"])
    assert math.isnan(alone["completeness_12"])


def test_last_six_bills_are_the_newest_six_with_an_amount_among_the_last_twelve() -> None:
    bills = [bill(1_000, 0, 11 - k, days_past_due=9 * (k < 3)) for k in range(9)]
    found = last_features(*bills, bill(0, 0, 2), bill(0, 0, 1), bill(0, 0, 0))
    assert (found["late_share_6"], found["late_share_12"]) == (0.0, 3 / 9)
    assert (found["days_past_due_max_12"], found["days_past_due_mean_6"]) == (9.0, 0.0)
    assert found["on_time_streak"] == 9.0


def test_thirteenth_bill_back_is_forgotten() -> None:
    found = last_features(*(bill(1_000, 1_000, 12 - k, days_past_due=60 * (k == 0)) for k in range(13)))
    assert (found["bills_12"], found["late_share_12"], found["on_time_streak"]) == (12.0, 0.0, 12.0)


def test_bill_with_an_unknown_minimum_leaves_the_share_of_minimum_payers() -> None:
    known = bill(1_000, 100, 1, minimum_due=100)
    assert last_features(known, bill(1_000, 100, 0))["minimum_only_share_6"] == 1.0
    assert last_features(known, bill(1_000, 99, 0, minimum_due=100))["minimum_only_share_6"] == 0.5
    assert last_features(known, bill(1_000, 1_000, 0, minimum_due=100))["minimum_only_share_6"] == 0.5
    assert math.isnan(last_features(bill(1_000, 100, 0))["minimum_only_share_6"])


def test_overpaid_bill_does_not_make_up_for_another_one() -> None:
    found = last_features(bill(1_000, 5_000, 1), bill(1_000, 500, 0))
    assert (found["completeness_3"], found["paid_full_share_6"]) == (0.75, 0.5)


def test_bills_outlive_the_windows() -> None:
    found = last_features(bill(1_000, 1_000, 24), purchase(1))
    assert (found["bills_12"], found["paid_full_share_6"]) == (1.0, 1.0)


def test_login_opens_the_account_but_is_no_credit_event() -> None:
    assert math.isnan(last_features(login())["days_since_first_credit"])
    found = last_features(event("login", before=10 * DAY), purchase(1, before=4 * DAY - 1), login())
    assert (found["days_since_opened"], found["days_since_first_credit"]) == (10.0, 3.0)


def test_first_credit_is_that_of_the_customer_over_all_accounts() -> None:
    behaviour = Behaviour()
    behaviour.add_accounts(2, customer=np.zeros(2, np.int64))
    other = Event(account=1, ts=NOW, kind="purchase", amount=1, id=2)
    values, _ = behaviour.apply(batch([purchase(1, before=300 * DAY, id=1), other]))
    assert rows(values)[1]["days_since_first_credit"] == 300.0
    assert rows(values)[1]["days_since_opened"] == 0.0


def test_stated_opening_limit_and_balance_hold_before_any_event() -> None:
    behaviour = Behaviour()
    behaviour.add_accounts(
        2,
        opened_us=np.array([NOW - 400 * DAY, NEVER_US]),
        first_credit_us=np.array([NOW - 500 * DAY, NEVER_US]),
        opening_balance_cents=np.array([2_500, 0]),
        limit_cents=np.array([10_000, UNKNOWN_CENTS]),
    )
    stated, silent = rows(behaviour.portraits(NOW))
    assert (stated["utilisation"], stated["days_since_opened"], stated["days_since_first_credit"]) == (
        0.25,
        400,
        500,
    )
    assert math.isnan(silent["limit_cents"])
    assert math.isnan(silent["days_since_opened"])


def test_hot_account_keeps_its_newest_events_and_says_that_it_was_bounded(account: Behaviour) -> None:
    minute = DAY // 1_440
    size = RING_EVENTS_MAX + 1_000
    events = [purchase(1, before=(size - k) * minute, id=k + 1) for k in range(size)]
    values, status = account.apply(batch(events))
    assert not status.any()
    found = rows(values)
    assert (found[RING_EVENTS_MAX - 1]["window_bounded"], found[RING_EVENTS_MAX]["window_bounded"]) == (
        0.0,
        1.0,
    )
    assert found[-1]["spend_count_90d"] == RING_EVENTS_MAX
    assert found[-1]["spend_count_1h"] == 61.0  # a short window is whole
    assert found[-1]["balance_cents"] == size  # what left the ring is in the balance
    _, again = account.apply(batch([events[0], events[999], events[1_000], events[-1]]))
    assert [STATUS[code] for code in again] == ["too_late", "too_late", "duplicate", "duplicate"]
    after = rows(account.portraits(NOW + 91 * DAY))[0]
    assert (after["balance_cents"], after["window_bounded"], after["spend_count_90d"]) == (size, 0.0, 0.0)


def test_ring_that_empties_again_and_again_does_not_grow_the_arena(account: Behaviour) -> None:
    account.apply(batch([purchase(1, id=k + 1, before=200 * DAY - k) for k in range(100)]))
    size = account.arrays()["events"].shape[1]
    for day in range(100):
        account.apply(batch([Event(0, NOW + day * 2 * DAY, "purchase", 1, id=1_000 + day)]))
    assert account.arrays()["events"].shape[1] == size


def test_event_of_no_account_is_an_error_and_not_a_write_elsewhere(account: Behaviour) -> None:
    with pytest.raises(InputError, match="belongs to no account"):
        account.apply(batch([Event(1, NOW, "purchase", 1, id=1)]))


@pytest.mark.parametrize("amount", [-1, AMOUNT_CENTS_MAX + 1])
def test_amount_that_a_ring_cannot_keep_is_an_error_and_nothing_is_applied(
    account: Behaviour, amount: int
) -> None:
    before = account.ring_bytes(0)
    with pytest.raises(InputError, match="amount is none") as told:
        account.apply(batch([purchase(1, id=1), purchase(amount, id=2)]))
    assert told.value.value == amount
    assert account.ring_bytes(0) == before


def test_largest_amount_is_kept_to_the_cent(account: Behaviour) -> None:
    values, _ = account.apply(batch([purchase(AMOUNT_CENTS_MAX, id=1), purchase(AMOUNT_CENTS_MAX - 1, id=2)]))
    assert rows(values)[1]["spend_sum_1h_cents"] == 2 * AMOUNT_CENTS_MAX - 1
    late = rows(account.apply(batch([event("login", before=DAY)]))[0])[0]
    assert (late["balance_cents"], late["spend_sum_1h_cents"]) == (0.0, 0.0)
    assert rows(account.portraits(NOW))[0]["spend_max_30d_cents"] == AMOUNT_CENTS_MAX


@pytest.mark.parametrize("years", [1, 9, 20, 100])
def test_account_that_slept_for_years_lets_its_old_events_go_and_keeps_their_balance(
    account: Behaviour, years: int
) -> None:
    account.apply(batch([purchase(500, id=1), purchase(700, id=2)]))
    woken = Event(0, NOW + years * 365 * DAY, "purchase", 30, id=3)
    found = rows(account.apply(batch([woken]))[0])[0]
    assert (found["spend_count_90d"], found["spend_sum_90d_cents"], found["balance_cents"]) == (
        1.0,
        30.0,
        1_230.0,
    )
    assert math.isnan(found["days_since_last_spend"])


@pytest.mark.parametrize("now", [-30_000 * DAY, (1 << 48) - DAY, (1 << 48) + DAY, 9 * (1 << 48) + 5])
def test_times_before_1970_and_across_what_is_kept_of_them_are_told_whole(
    account: Behaviour, now: int
) -> None:
    history = [Event(0, now + day * 10 * DAY, "purchase", day + 1, id=day + 1) for day in (0, 3, 9, 12)]
    late = Event(0, now + 50 * DAY, "purchase", 100, id=100)
    found = rows(account.apply(batch([*history, late]))[0])
    assert [row["spend_sum_90d_cents"] for row in found] == [1.0, 5.0, 15.0, 27.0, 105.0]
    assert (found[3]["days_since_last_spend"], found[4]["days_since_last_spend"]) == (30.0, 20.0)


def test_bytes_that_are_no_whole_ring_are_refused(account: Behaviour) -> None:
    account.apply(batch([purchase(1, id=1)]))
    content = account.ring_bytes(0)
    with pytest.raises(InputError, match="not whole"):
        account.restore_ring(0, content[:-1])
    with pytest.raises(InputError, match="no ring"):
        account.restore_ring(0, b"")
    with pytest.raises(InputError, match="no such account"):
        account.ring_bytes(1)


def test_arrays_of_another_format_are_refused(account: Behaviour) -> None:
    arrays = account.arrays()
    with pytest.raises(InputError, match="no state of this version"):
        Behaviour.from_arrays({**arrays, "format": np.array([99])})
    with pytest.raises(InputError, match="no state of this version"):
        Behaviour.from_arrays({name: array for name, array in arrays.items() if name != "bills"})
