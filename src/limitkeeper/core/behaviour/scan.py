"""The scan: every feature of an account as of one instant, from its ring and its bills."""

import math

import numpy as np
from numpy.typing import NDArray

from limitkeeper.core.behaviour.events import (
    CASH_ADVANCE,
    DAY_US,
    DECLINED,
    FLAG,
    HOUR_US,
    MISSING_ID,
    REFUND,
)
from limitkeeper.core.behaviour.features import FEATURE_NAMES
from limitkeeper.core.behaviour.ring import (
    AMOUNT,
    BILL_COUNT,
    BILL_START,
    CITY,
    DAYS_LATE,
    DEVICE,
    DROPPED_US,
    HEAD,
    KIND_BITS,
    MERCHANT,
    MINIMUM,
    NIGHT_BIT,
    OPENED_US,
    PAID,
    RING_EVENTS_MAX,
    ROUND_BIT,
    START,
    TS,
    WINDOW_US,
    Matrix,
    lower_bound,
)
from limitkeeper.core.kernel.compiled import compiled

SPENDS_FOR_ZSCORE = 5
BILLS_COUNTED = 12
RECENT_BILLS = 6
FEW_BILLS = 3

TABLE_SLOTS = 2 * RING_EVENTS_MAX
"""Slots of the table in which distinct ids are counted: half of them stay free."""

(COUNT_1H, COUNT_1D, COUNT_7D, COUNT_30D, COUNT_90D, SUM_1H, SUM_1D, SUM_7D, SUM_30D, SUM_90D, MEAN_30D, MEAN_90D,
 STD_30D, STD_90D, MAX_30D, ZSCORE, VELOCITY, CASH_SHARE, NIGHT_SHARE, ROUND_SHARE, MERCHANTS, DEVICES, CITIES,
 TOP_SHARE, REFUND_SHARE, DECLINES, SINCE_SPEND, BILLS_12, PAID_FULL_6, MINIMUM_ONLY_6, LATE_6, LATE_12, DPD_MAX_12,
 DPD_MEAN_6, STREAK, COMPLETE_3, COMPLETE_6, COMPLETE_12, BALANCE_NOW, LIMIT_NOW, UTILISATION, SINCE_OPENED,
 SINCE_CREDIT, FLAGS, BOUNDED) = range(len(FEATURE_NAMES))  # fmt: skip


@compiled
def spend_tally(marks: NDArray[np.uint8], amounts: NDArray[np.int64], low: int, high: int) -> tuple[int, int]:
    """Number and sum of the spends in ``[low, high)``."""
    count, total = 0, 0
    for at in range(low, high):
        spend = (marks[at] & KIND_BITS) <= CASH_ADVANCE
        count += spend
        total += amounts[at] * spend
    return count, total


@compiled
def kind_sum(marks: NDArray[np.uint8], amounts: NDArray[np.int64], low: int, high: int, kind: int) -> int:
    """Sum of the amounts of a kind in ``[low, high)``."""
    total = 0
    for at in range(low, high):
        total += amounts[at] * ((marks[at] & KIND_BITS) == kind)
    return total


@compiled
def kind_count(marks: NDArray[np.uint8], low: int, high: int, kind: int) -> int:
    """Number of events of a kind in ``[low, high)``."""
    count = 0
    for at in range(low, high):
        count += (marks[at] & KIND_BITS) == kind
    return count


@compiled
def squared_deviations(
    marks: NDArray[np.uint8], amounts: NDArray[np.int64], low: int, high: int, mean: float
) -> float:
    """Sum of the squared deviations of the spends in ``[low, high)`` from a mean.

    Four sums side by side: a fixed order, and the processor need not wait for each addition.
    """
    a, b, c, d = 0.0, 0.0, 0.0, 0.0
    at = low
    while at + 3 < high:
        w = (amounts[at] - mean) * ((marks[at] & KIND_BITS) <= CASH_ADVANCE)
        x = (amounts[at + 1] - mean) * ((marks[at + 1] & KIND_BITS) <= CASH_ADVANCE)
        y = (amounts[at + 2] - mean) * ((marks[at + 2] & KIND_BITS) <= CASH_ADVANCE)
        z = (amounts[at + 3] - mean) * ((marks[at + 3] & KIND_BITS) <= CASH_ADVANCE)
        a += w * w
        b += x * x
        c += y * y
        d += z * z
        at += 4
    while at < high:
        w = (amounts[at] - mean) * ((marks[at] & KIND_BITS) <= CASH_ADVANCE)
        a += w * w
        at += 1
    return (a + b) + (c + d)


@compiled
def write_spend(
    marks: NDArray[np.uint8],
    amounts: NDArray[np.int64],
    ts: NDArray[np.int64],
    end: int,
    t: int,
    own_cents: int,
    out: NDArray[np.float64],
) -> int:
    """Write the features of amounts and counts; ``own_cents`` is -1 unless the event is a spend.

    Returns where the 30-day window starts.
    """
    s90 = lower_bound(ts, 0, end, t - WINDOW_US)
    s30 = lower_bound(ts, s90, end, t - 30 * DAY_US)
    s7 = lower_bound(ts, s30, end, t - 7 * DAY_US)
    s1 = lower_bound(ts, s7, end, t - DAY_US)
    n1h, v1h = spend_tally(marks, amounts, lower_bound(ts, s1, end, t - HOUR_US), end)
    n1, v1 = spend_tally(marks, amounts, s1, end)
    n7, v7 = spend_tally(marks, amounts, s7, end)
    n30, v30 = spend_tally(marks, amounts, s30, end)
    n90, v90 = spend_tally(marks, amounts, s90, s30)
    n90, v90 = n90 + n30, v90 + v30
    out[COUNT_1H], out[COUNT_1D], out[COUNT_7D], out[COUNT_30D], out[COUNT_90D] = n1h, n1, n7, n30, n90
    out[SUM_1H], out[SUM_1D], out[SUM_7D], out[SUM_30D], out[SUM_90D] = v1h, v1, v7, v30, v90
    out[MEAN_30D] = v30 / n30 if n30 > 0 else math.nan
    out[MEAN_90D] = v90 / n90 if n90 > 0 else math.nan
    out[STD_30D] = math.nan
    if n30 > 1:
        out[STD_30D] = math.sqrt(squared_deviations(marks, amounts, s30, end, v30 / n30) / n30)
    write_deviation(marks, amounts, s90, end, n90, v90, own_cents, out)
    out[VELOCITY] = (v7 / 7.0) / (v90 / 90.0) if v90 > 0 else math.nan
    cash30 = kind_sum(marks, amounts, s30, end, CASH_ADVANCE)
    cash90 = kind_sum(marks, amounts, s90, s30, CASH_ADVANCE) + cash30
    out[CASH_SHARE] = cash30 / v30 if v30 > 0 else math.nan
    refunds = kind_sum(marks, amounts, s90, end, REFUND)
    out[REFUND_SHARE] = refunds / (v90 - cash90) if v90 > cash90 else math.nan
    out[DECLINES] = kind_count(marks, s7, end, DECLINED)
    out[FLAGS] = kind_count(marks, s90, end, FLAG)
    out[SINCE_SPEND] = math.nan
    at = end - 1 if own_cents < 0 else end - 2
    while at >= s90:
        if (marks[at] & KIND_BITS) <= CASH_ADVANCE:
            out[SINCE_SPEND] = (t - ts[at]) / DAY_US
            break
        at -= 1
    return s30


@compiled
def write_deviation(
    marks: NDArray[np.uint8],
    amounts: NDArray[np.int64],
    s90: int,
    end: int,
    count: int,
    total: int,
    own_cents: int,
    out: NDArray[np.float64],
) -> None:
    """Write the 90-day standard deviation and the z-score, from one pass over the spends before this one.

    ``M2 = M2_before + (x - mean_before) * (x - mean)`` adds the event itself (Welford, Technometrics 1962).
    """
    out[STD_90D], out[ZSCORE] = math.nan, math.nan
    if own_cents < 0:
        if count > 1:
            out[STD_90D] = math.sqrt(squared_deviations(marks, amounts, s90, end, total / count) / count)
        return
    before = count - 1
    if before == 0:
        return
    mean_before = (total - own_cents) / before
    squares = squared_deviations(marks, amounts, s90, end - 1, mean_before)
    spread = squares / before
    if before >= SPENDS_FOR_ZSCORE and spread > 0.0:
        out[ZSCORE] = (own_cents - mean_before) / math.sqrt(spread)
    squares += (own_cents - mean_before) * (own_cents - total / count)
    out[STD_90D] = math.sqrt(max(squares, 0.0) / count)


@compiled
def distinct(
    ids: NDArray[np.int64],
    marks: NDArray[np.uint8],
    amounts: NDArray[np.int64],
    low: int,
    high: int,
    all_kinds: bool,
    keys: NDArray[np.int64],
    stamps: NDArray[np.int64],
    sums: NDArray[np.int64],
) -> tuple[int, int]:
    """Number of distinct known ids in ``[low, high)``, and the largest sum of spends of one of them.

    The table is never cleared: a slot counts only under the stamp of this call (``stamps[-1]``).
    """
    slots = 16
    while slots < 2 * (high - low):
        slots *= 2
    stamps[-1] += 1
    stamp = stamps[-1]
    count, largest = 0, 0
    for at in range(low, high):
        key = ids[at]
        spend = (marks[at] & KIND_BITS) <= CASH_ADVANCE
        if key == MISSING_ID or not (spend or all_kinds):
            continue
        slot = (key ^ (key >> 32)) & (slots - 1)
        while stamps[slot] == stamp and keys[slot] != key:
            slot = (slot + 1) & (slots - 1)
        if stamps[slot] != stamp:
            stamps[slot], keys[slot], sums[slot] = stamp, key, 0
            count += 1
        sums[slot] += amounts[at] * spend
        largest = max(largest, sums[slot])
    return count, largest


@compiled
def write_patterns(
    events: Matrix,
    marks: NDArray[np.uint8],
    low: int,
    high: int,
    keys: NDArray[np.int64],
    stamps: NDArray[np.int64],
    sums: NDArray[np.int64],
    out: NDArray[np.float64],
) -> None:
    """Write the features of the 30-day window that look at single events: night, round, ids, largest."""
    count, night, round_amounts, largest = 0, 0, 0, 0
    amounts = events[AMOUNT]
    for at in range(low, high):
        mark = marks[at]
        spend = (mark & KIND_BITS) <= CASH_ADVANCE
        count += spend
        night += spend & ((mark & NIGHT_BIT) != 0)
        round_amounts += spend & ((mark & ROUND_BIT) != 0)
        largest = max(largest, amounts[at] * spend)
    out[MAX_30D] = largest if count > 0 else math.nan
    out[NIGHT_SHARE] = night / count if count > 0 else math.nan
    out[ROUND_SHARE] = round_amounts / count if count > 0 else math.nan
    merchants, top = distinct(events[MERCHANT], marks, amounts, low, high, False, keys, stamps, sums)
    out[MERCHANTS] = merchants
    out[TOP_SHARE] = top / out[SUM_30D] if merchants > 0 and out[SUM_30D] > 0.0 else math.nan
    out[DEVICES] = distinct(events[DEVICE], marks, amounts, low, high, True, keys, stamps, sums)[0]
    out[CITIES] = distinct(events[CITY], marks, amounts, low, high, False, keys, stamps, sums)[0]


@compiled
def write_bills(bills: Matrix, start: int, count: int, out: NDArray[np.float64]) -> None:
    """Write the features of the last twelve of ``count`` bills, in time order from ``start``."""
    first = max(count - BILLS_COUNTED, 0)
    out[BILLS_12] = count - first
    billed, late, late_6, days_max, days_6 = 0, 0, 0, 0, 0
    full_6, minimum_6, known_minimum_6, due, repaid = 0, 0, 0, 0, 0
    streak, unbroken = 0, True
    out[COMPLETE_3] = out[COMPLETE_6] = out[COMPLETE_12] = math.nan
    for newest in range(count - first):
        at = start + count - 1 - newest
        amount, paid, minimum, days = (
            bills[AMOUNT, at],
            bills[PAID, at],
            bills[MINIMUM, at],
            bills[DAYS_LATE, at],
        )
        unbroken = unbroken and days == 0
        streak += unbroken
        due += amount
        repaid += min(paid, amount)
        ratio = repaid / due if due > 0 else math.nan
        if newest < FEW_BILLS:
            out[COMPLETE_3] = ratio
        if newest < RECENT_BILLS:
            out[COMPLETE_6] = ratio
        out[COMPLETE_12] = ratio
        if amount > 0:
            billed += 1
            late += days > 0
            days_max = max(days_max, days)
            if billed <= RECENT_BILLS:
                late_6 += days > 0
                days_6 += days
                full_6 += paid >= amount
                known_minimum_6 += minimum >= 0
                minimum_6 += (minimum >= 0) & (minimum <= paid) & (paid < amount)
    recent = min(billed, RECENT_BILLS)
    out[PAID_FULL_6] = full_6 / recent if recent > 0 else math.nan
    out[MINIMUM_ONLY_6] = minimum_6 / known_minimum_6 if known_minimum_6 > 0 else math.nan
    out[LATE_6] = late_6 / recent if recent > 0 else math.nan
    out[LATE_12] = late / billed if billed > 0 else math.nan
    out[DPD_MAX_12] = days_max if billed > 0 else math.nan
    out[DPD_MEAN_6] = days_6 / recent if recent > 0 else math.nan
    out[STREAK] = streak


@compiled
def write_features(
    account: NDArray[np.int64],
    end: int,
    t: int,
    own_cents: int,
    state: tuple[int, int, int],
    first_credit_us: int,
    events: Matrix,
    marks: NDArray[np.uint8],
    bills: Matrix,
    keys: NDArray[np.int64],
    stamps: NDArray[np.int64],
    sums: NDArray[np.int64],
    out: NDArray[np.float64],
) -> None:
    """Write every feature of an account as of ``t``, shape ``(45,)``.

    Parameters
    ----------
    account
        Its row of ``accounts``.
    end
        The ring's events before this place count.
    t
        The instant, UTC microseconds.
    own_cents
        The amount of the event itself where it is a spend, the last before ``end``; else -1.
    state
        Balance, limit and reference limit as of the event, cents.
    first_credit_us
        The customer's first credit event known.
    """
    low, high = account[START] + account[HEAD], account[START] + end
    own = events[:, low:high]
    own_marks = marks[low:high]
    size = high - low
    s30 = write_spend(own_marks, own[AMOUNT], own[TS], size, t, own_cents, out)
    write_patterns(own, own_marks, s30, size, keys, stamps, sums, out)
    bill_start, bill_count = account[BILL_START], account[BILL_COUNT]
    while bill_count > 0 and bills[TS, bill_start + bill_count - 1] > t:
        bill_count -= 1
    write_bills(bills, bill_start, bill_count, out)
    balance, limit, reference = state
    out[BALANCE_NOW] = balance
    out[LIMIT_NOW] = limit if limit >= 0 else math.nan
    against = reference if reference >= 0 else limit
    out[UTILISATION] = balance / against if against > 0 else math.nan
    opened = account[OPENED_US]
    out[SINCE_OPENED] = (t - opened) // DAY_US if opened <= t else math.nan
    out[SINCE_CREDIT] = (t - first_credit_us) // DAY_US if first_credit_us <= t else math.nan
    out[BOUNDED] = 1.0 if account[DROPPED_US] >= t - WINDOW_US else 0.0
