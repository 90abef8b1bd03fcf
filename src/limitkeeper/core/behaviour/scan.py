"""The scan: every feature of an account as of one instant, from its ring and its bills."""

import math

import numpy as np
from numpy.typing import NDArray

from limitkeeper.core.behaviour.events import CASH_ADVANCE, DAY_US, DECLINED, FLAG, FLAG_WITHDRAWN, REFUND
from limitkeeper.core.behaviour.features import FEATURE_NAMES
from limitkeeper.core.behaviour.ring import (
    AMOUNT,
    AMOUNT_TOP,
    BILL_COUNT,
    BILL_START,
    DAYS_LATE,
    DROPPED_US,
    HEAD,
    KIND_BITS,
    MARK,
    MINIMUM,
    NEWEST_US,
    NIGHT_BIT,
    OPENED_US,
    PAID,
    ROUND_BIT,
    START,
    TS,
    UNLINKED,
    WINDOW_COUNT,
    WINDOW_US,
    WINDOWS_US,
    Matrix,
    Words,
    amount_of,
    first_since,
    time_at,
)  # fmt: skip
from limitkeeper.core.kernel.compiled import compiled

# Five counts lie in one integer, twelve bits each: no window holds as many as 4,096 events.
COUNT_BITS = 12
COUNT_MASK = (1 << COUNT_BITS) - 1
SPENDS, NIGHTS, ROUNDS, DECLINES, FLAGS = (COUNT_BITS * place for place in range(5))
"""Flags are last: they alone may fall, and so take nothing from another count."""

SPENDS_FOR_ZSCORE = 5
EXACT_TOTAL_CENTS = 3_037_000_499
"""Below this sum of spends, the sum of their squares fits 63 bits."""

WEEK, MONTH = 2, 3
"""Places of two windows among the five."""

BILLS_COUNTED = 12
RECENT_BILLS = 6
FEW_BILLS = 3


(COUNT_1H, COUNT_1D, COUNT_7D, COUNT_30D, COUNT_90D, SUM_1H, SUM_1D, SUM_7D, SUM_30D, SUM_90D, MEAN_30D, MEAN_90D,
 STD_30D, STD_90D, MAX_30D, ZSCORE, VELOCITY, CASH_SHARE, NIGHT_SHARE, ROUND_SHARE, MERCHANTS, DEVICES, CITIES,
 TOP_SHARE, REFUND_SHARE, DECLINED_7D, SINCE_SPEND, BILLS_12, PAID_FULL_6, MINIMUM_ONLY_6, LATE_6, LATE_12, DPD_MAX_12,
 DPD_MEAN_6, STREAK, COMPLETE_3, COMPLETE_6, COMPLETE_12, BALANCE_NOW, LIMIT_NOW, UTILISATION, SINCE_OPENED,
 SINCE_CREDIT, FLAGS_90D, BOUNDED) = range(len(FEATURE_NAMES))  # fmt: skip


@compiled
def counted(counts: int, which: int) -> int:
    """One of the counts that lie in one integer."""
    return (counts >> which) & COUNT_MASK


@compiled
def sums_of(
    marks: NDArray[np.uint8], amounts: NDArray[np.uint32], tops: NDArray[np.uint8], low: int, high: int
) -> tuple[int, int, int, int, int]:
    """Counts in one integer, spend, its squares, cash and refunds of the events in ``[low, high)``, modulo 2**64.

    No branch depends on the data.
    """
    counts = spend = squares = cash = refunded = 0
    for at in range(low, high):
        mark, amount = int(marks[at]), amount_of(amounts[at], tops[at])
        kind = mark & KIND_BITS
        is_spend = 1 if kind <= CASH_ADVANCE else 0
        night, round_amount = (mark & NIGHT_BIT) != 0, (mark & ROUND_BIT) != 0
        # A withdrawal stands at the time of its flag, so that no window holds one without the other.
        flags = (kind == FLAG) - (kind == FLAG_WITHDRAWN)
        counts += (
            (is_spend << SPENDS) + ((is_spend & night) << NIGHTS) + ((is_spend & round_amount) << ROUNDS)
            + ((kind == DECLINED) << DECLINES) + (flags << FLAGS)
        )  # fmt: skip
        spend += amount * is_spend
        squares += amount * amount * is_spend
        cash += amount * (kind == CASH_ADVANCE)
        refunded += amount * (kind == REFUND)
    return counts, spend, squares, cash, refunded


@compiled
def squared_deviations(
    marks: NDArray[np.uint8],
    amounts: NDArray[np.uint32],
    tops: NDArray[np.uint8],
    low: int,
    high: int,
    count: int,
    total: int,
    squares: int,
) -> float:
    """Sum of the squared deviations of the spends in ``[low, high)`` from their mean.

    With ``m`` the whole part of the mean and ``r = total - count * m``, it is
    ``sum((x - m)**2) - r**2 / count``, whose first term is ``squares - 2 * m * total + count * m**2``. All of
    it is exact modulo 2**64, and so exact where the term fits: ``sum(x**2) <= total**2 < 2**63``. Larger
    amounts are summed one by one.
    """
    whole = total // count
    rest = total - count * whole
    if total < EXACT_TOTAL_CENTS:
        term = float(squares - 2 * whole * total + count * whole * whole)
    else:
        term = 0.0
        for at in range(low, high):
            if (marks[at] & KIND_BITS) <= CASH_ADVANCE:
                deviation = float(amount_of(amounts[at], tops[at]) - whole)
                term += deviation * deviation
    deviations = term - rest * rest / count
    return 0.0 if deviations < 0.0 else deviations


@compiled
def write_spend(
    events: Words,
    marks: NDArray[np.uint8],
    starts: tuple[int, int, int, int, int],
    end: int,
    own_cents: int,
    out: NDArray[np.float64],
) -> None:
    """Write the features of counts and sums; each window's are the shorter one's and those of what lies before it.

    ``own_cents`` is the amount of the event itself where it is a spend, the last before ``end``; else -1.
    """
    kinds, amounts, tops, s30, s90 = marks[MARK], events[AMOUNT], marks[AMOUNT_TOP], starts[3], starts[4]
    counts90 = v90 = squares90 = cash90 = refunded90 = 0
    counts30 = v30 = squares30 = cash30 = counts7 = 0
    before = end
    for window in range(WINDOW_COUNT):
        counts, spend, squares, cash, refunded = sums_of(kinds, amounts, tops, starts[window], before)
        before = starts[window]
        counts90, v90, squares90 = counts90 + counts, v90 + spend, squares90 + squares
        cash90, refunded90 = cash90 + cash, refunded90 + refunded
        out[COUNT_1H + window] = counted(counts90, SPENDS)
        out[SUM_1H + window] = v90
        if window == WEEK:
            counts7 = counts90
        if window == MONTH:
            counts30, v30, squares30, cash30 = counts90, v90, squares90, cash90
    n30, n90 = counted(counts30, SPENDS), counted(counts90, SPENDS)
    out[MEAN_30D] = v30 / n30 if n30 > 0 else math.nan
    out[MEAN_90D] = v90 / n90 if n90 > 0 else math.nan
    out[STD_30D] = out[STD_90D] = out[ZSCORE] = math.nan
    if n30 > 1:
        out[STD_30D] = math.sqrt(
            squared_deviations(kinds, amounts, tops, s30, end, n30, v30, squares30) / n30
        )
    if n90 > 1:
        out[STD_90D] = math.sqrt(
            squared_deviations(kinds, amounts, tops, s90, end, n90, v90, squares90) / n90
        )
    if own_cents >= 0 and n90 > SPENDS_FOR_ZSCORE:
        others, total = n90 - 1, v90 - own_cents
        squares = squares90 - own_cents * own_cents
        spread = squared_deviations(kinds, amounts, tops, s90, end - 1, others, total, squares)
        if spread > 0.0:
            out[ZSCORE] = (own_cents - total / others) / math.sqrt(spread / others)
    out[VELOCITY] = (out[SUM_7D] / 7.0) / (v90 / 90.0) if v90 > 0 else math.nan
    out[CASH_SHARE] = cash30 / v30 if v30 > 0 else math.nan
    out[NIGHT_SHARE] = counted(counts30, NIGHTS) / n30 if n30 > 0 else math.nan
    out[ROUND_SHARE] = counted(counts30, ROUNDS) / n30 if n30 > 0 else math.nan
    bought = v90 - cash90
    out[REFUND_SHARE] = refunded90 / bought if bought > 0 else math.nan
    out[DECLINED_7D] = counted(counts7, DECLINES)
    out[FLAGS_90D] = max(counts90 >> FLAGS, 0)


@compiled
def days_since_spend(
    events: Words,
    marks: NDArray[np.uint8],
    links: NDArray[np.uint16],
    newest_us: int,
    low: int,
    high: int,
    t: int,
) -> float:
    """Days from the last spend in ``[low, high)`` to ``t``; NaN where there is none."""
    at = high - 1
    while at >= low:
        if (marks[MARK, at] & KIND_BITS) <= CASH_ADVANCE:
            return (t - time_at(events, links, newest_us, at)) / DAY_US
        at -= 1
    return math.nan


@compiled
def distinct_count(links: NDArray[np.uint16], low: int, high: int) -> int:
    """Number of distinct ids in ``[low, high)``: of those events whose link leads out of it."""
    count = 0
    for at in range(low, high):
        count += at - int(links[at]) < low
    return count


@compiled
def largest_sum_cents(
    links: NDArray[np.uint16],
    amounts: NDArray[np.uint32],
    tops: NDArray[np.uint8],
    low: int,
    high: int,
    totals: NDArray[np.int64],
) -> int:
    """The largest sum of spends with one known id in ``[low, high)``.

    Each event adds its amount to the sum at the event its link leads to; ``totals[0]`` is nothing, for links
    that lead out of the window. No branch depends on the data.
    """
    totals[0] = 0
    largest = 0
    for at in range(low, high):
        link = int(links[at])
        place = at - link - low
        inside = (link != UNLINKED) & (place >= 0)
        total = amount_of(amounts[at], tops[at]) * (link != UNLINKED) + totals[(place + 1) * inside]
        totals[at - low + 1] = total
        largest = max(largest, total)
    return largest


@compiled
def write_patterns(
    events: Words,
    marks: NDArray[np.uint8],
    links: NDArray[np.uint16],
    low: int,
    high: int,
    totals: NDArray[np.int64],
    out: NDArray[np.float64],
) -> None:
    """Write the features of the 30-day window that look at single events: the largest, distinct ids."""
    kinds, amounts, tops = marks[MARK], events[AMOUNT], marks[AMOUNT_TOP]
    largest = 0
    for at in range(low, high):
        amount = amount_of(amounts[at], tops[at])
        largest = max(largest, amount * ((kinds[at] & KIND_BITS) <= CASH_ADVANCE))
    out[MAX_30D] = largest if out[COUNT_30D] > 0.0 else math.nan
    out[MERCHANTS] = distinct_count(links[0], low, high)
    out[DEVICES] = distinct_count(links[1], low, high)
    out[CITIES] = distinct_count(links[2], low, high)
    out[TOP_SHARE] = math.nan
    if out[MERCHANTS] > 0.0 and out[SUM_30D] > 0.0:
        out[TOP_SHARE] = largest_sum_cents(links[0], amounts, tops, low, high, totals) / out[SUM_30D]


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
def window_starts(
    account: NDArray[np.int64], events: Words, links: NDArray[np.uint16], end: int, t: int
) -> tuple[int, int, int, int, int]:
    """Where the windows before ``t`` start among the ring's events before ``end``, places in the arena."""
    first, stop, newest = account[START] + account[HEAD], account[START] + end, account[NEWEST_US]
    s90 = first_since(events, links, newest, first, stop, t - WINDOWS_US[4])
    s30 = first_since(events, links, newest, s90, stop, t - WINDOWS_US[3])
    s7 = first_since(events, links, newest, s30, stop, t - WINDOWS_US[2])
    s1 = first_since(events, links, newest, s7, stop, t - WINDOWS_US[1])
    return first_since(events, links, newest, s1, stop, t - WINDOWS_US[0]), s1, s7, s30, s90


@compiled
def write_features(
    account: NDArray[np.int64],
    starts: tuple[int, int, int, int, int],
    end: int,
    t: int,
    own_cents: int,
    state: tuple[int, int, int],
    first_credit_us: int,
    events: Words,
    marks: NDArray[np.uint8],
    links: NDArray[np.uint16],
    bills: Matrix,
    totals: NDArray[np.int64],
    out: NDArray[np.float64],
) -> None:
    """Write every feature of an account as of ``t``, shape ``(45,)``.

    Parameters
    ----------
    account
        Its row of ``accounts``.
    starts
        Where the windows start, shortest first, places in the arena.
    end
        The ring's events before this place in the ring count.
    t
        The instant, UTC microseconds.
    own_cents
        The amount of the event itself where it is a spend, the last before ``end``; else -1.
    state
        Balance, limit and reference limit as of the event, cents.
    first_credit_us
        The customer's first credit event known.
    """
    stop = account[START] + end
    write_spend(events, marks, starts, stop, own_cents, out)
    write_patterns(events, marks, links, starts[3], stop, totals, out)
    before = stop if own_cents < 0 else stop - 1
    out[SINCE_SPEND] = days_since_spend(events, marks, links, account[NEWEST_US], starts[4], before, t)
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
