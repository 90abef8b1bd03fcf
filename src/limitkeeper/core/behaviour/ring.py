"""The ring of each account: its last 180 days of events and its last bills, in two arenas.

An account is a row of ``accounts``; its live events lie together in ``events[:, start + head : start + tail]``,
in time order. When the block is full its live part moves to the front, or, where it is more than three quarters
of the block, to a block of twice the size; blocks that were left are kept for others of that size. Windows are
90 days; a ring keeps 180, since an event may come 90 days late and looks 90 days back itself.

What left the ring is folded into ``BASE_*``, so that balance and limit can be told as of any event in it.
"""

import numpy as np
from numpy.typing import NDArray

from limitkeeper.core.behaviour.events import (
    BALANCE_SET,
    CASH_ADVANCE,
    CHARGE,
    DAY_US,
    DECLINED,
    FLAG,
    FLAG_WITHDRAWN,
    HOUR_US,
    LIMIT_SET,
    MISSING_ID,
    PURCHASE,
    REFUND,
    REPAYMENT,
    UNKNOWN_CENTS,
)
from limitkeeper.core.kernel.compiled import compiled
from limitkeeper.core.kernel.prefetch import prefetch

WINDOWS_US = (HOUR_US, DAY_US, 7 * DAY_US, 30 * DAY_US, 90 * DAY_US)
"""The windows, shortest first."""

WINDOW_US = WINDOWS_US[-1]
"""The longest window."""

LATENESS_US = 90 * DAY_US
"""An event older than this before its account's newest is refused."""

RING_US = WINDOW_US + LATENESS_US
"""What a ring keeps before its newest event."""

RING_EVENTS_LEAST = 8
RING_EVENTS_MAX = 4_000
"""Events kept of one account; beyond this the oldest goes, and ``window_bounded`` says so."""

BILLS_LEAST = 4
BILLS_MAX = 16
"""Bills kept: twelve count, and a late event sees its own twelve while at most four closed after it."""

# The columns of ``accounts``; ``START_1H`` and the four after it are the places where the windows of the newest
# event start.
(
    START, CAPACITY, HEAD, TAIL, NEWEST_US, START_1H, START_1D, START_7D, START_30D, START_90D, OPENED_US, CUSTOMER,
    BALANCE, LIMIT, REFERENCE, BASE_BALANCE, BASE_LIMIT, BASE_REFERENCE, DROPPED_US, BILL_START, BILL_CAPACITY,
    BILL_COUNT,
) = range(22)  # fmt: skip
ACCOUNT_FIELDS = 22

WINDOW_COUNT = 5

# The rows of ``events`` and of ``bills``.
TS, AMOUNT, MERCHANT, DEVICE, CITY, EVENT = range(6)
EVENT_ROWS = 6
PAID, MINIMUM, DAYS_LATE = 2, 3, 4
BILL_ROWS = 5

# The byte beside each event: its kind, and what the scan asks of it.
KIND_BITS, NIGHT_BIT, ROUND_BIT = 15, 16, 32
ROUND_CENTS = 10_000

# The columns of ``sums``: running sums before each event, modulo 2**64, and after the last one: the sum over a
# window is one difference.
COUNTS, SPEND, SQUARES, CASH, REFUNDED = range(5)
SUM_COLUMNS = 5

# Five counts lie in one integer, twelve bits each: no window holds as many as 4,096 events.
COUNT_BITS = 12
COUNT_MASK = (1 << COUNT_BITS) - 1
SPENDS, NIGHTS, ROUNDS, DECLINES, FLAGS = (COUNT_BITS * place for place in range(5))
"""Flags are last: they alone may fall, and so take nothing from another count."""

# The rows of ``links``: how many places back the event lies that had the same id before (spends only, but for devices),
# so that an id is counted once in a window: where its link leads out of it.
LINK_ROWS = 3
TAGS = 3
"""The row behind the links: the low bits of each event's id, so that a search reads a quarter of the memory."""

TAG_MASK = 0xFFFF
SMALL_ROWS = LINK_ROWS + 1
UNLINKED = 0
"""An event that is not counted: its id is missing, or it is no spend."""

FIRST = 65_535
"""No event of the 30 days before it has the same id; further back than any ring reaches."""

NO_BLOCK = -1

WORDS_A_LINE = 8
"""int64 in a line of the processor's cache."""

Matrix = NDArray[np.int64]


@compiled
def event_mark(kind: int, night: bool, amount_cents: int) -> int:
    """The byte of an event: kind, whether it is at night, whether its amount is round."""
    mark = kind
    if night:
        mark |= NIGHT_BIT
    if amount_cents > 0 and amount_cents % ROUND_CENTS == 0:
        mark |= ROUND_BIT
    return mark


@compiled
def write_sums(
    sums: Matrix, marks: NDArray[np.uint8], amounts: NDArray[np.int64], low: int, high: int
) -> None:
    """Write the running sums after each event in ``[low, high)``, from what ``sums[low]`` holds on."""
    for at in range(low, high):
        mark, amount = int(marks[at]), amounts[at]
        kind = mark & KIND_BITS
        spend = 1 if kind <= CASH_ADVANCE else 0
        night, round_amount = (mark & NIGHT_BIT) != 0, (mark & ROUND_BIT) != 0
        # A withdrawal stands at the time of its flag, so that no window holds one without the other.
        flags = (kind == FLAG) - (kind == FLAG_WITHDRAWN)
        counts = (
            (spend << SPENDS) + ((spend & night) << NIGHTS) + ((spend & round_amount) << ROUNDS)
            + ((kind == DECLINED) << DECLINES) + (flags << FLAGS)
        )  # fmt: skip
        sums[at + 1, COUNTS] = sums[at, COUNTS] + counts
        sums[at + 1, SPEND] = sums[at, SPEND] + amount * spend
        sums[at + 1, SQUARES] = sums[at, SQUARES] + amount * amount * spend
        sums[at + 1, CASH] = sums[at, CASH] + amount * (kind == CASH_ADVANCE)
        sums[at + 1, REFUNDED] = sums[at, REFUNDED] + amount * (kind == REFUND)


@compiled
def link_of(ids: NDArray[np.int64], marks: NDArray[np.uint8], low: int, at: int, all_kinds: bool) -> int:
    """How far back from ``at`` the same id lies in ``[low, at)``."""
    key = ids[at]
    if key == MISSING_ID or not (all_kinds or (marks[at] & KIND_BITS) <= CASH_ADVANCE):
        return UNLINKED
    last = -1
    if all_kinds:
        for k in range(low, at):
            last = k if ids[k] == key else last
    else:
        for k in range(low, at):
            last = k if (ids[k] == key) & ((marks[k] & KIND_BITS) <= CASH_ADVANCE) else last
    return at - last if last >= 0 else FIRST


@compiled
def write_links(
    events: Matrix, marks: NDArray[np.uint8], links: NDArray[np.uint16], low: int, at: int, end: int
) -> None:
    """Link the event at ``at`` to those from ``low`` on, and the next one of its id, before ``end``, to it."""
    for row in range(LINK_ROWS):
        ids, all_kinds = events[MERCHANT + row], MERCHANT + row == DEVICE
        links[row, at] = link_of(ids, marks, low, at, all_kinds)
        if links[row, at] == UNLINKED:
            continue
        for k in range(at + 1, end):
            if ids[k] == ids[at] and links[row, k] != UNLINKED:
                links[row, k] = k - at
                break


@compiled
def insert_place(
    events: Matrix, marks: NDArray[np.uint8], links: NDArray[np.uint16], at: int, end: int
) -> None:
    """Shift the events in ``[at, end)`` by one place, for one that belongs before them."""
    for row in range(EVENT_ROWS):
        for k in range(end, at, -1):
            events[row, k] = events[row, k - 1]
    for k in range(end, at, -1):
        marks[k] = marks[k - 1]
    for row in range(LINK_ROWS):
        for k in range(end, at, -1):
            link = links[row, k - 1]
            # A link that leads across the new place is one longer.
            crosses = link not in (UNLINKED, FIRST) and k - 1 - int(link) < at
            links[row, k] = link + np.uint16(1) if crosses else link
    for k in range(end, at, -1):
        links[TAGS, k] = links[TAGS, k - 1]


@compiled
def settled(balance: int, limit: int, reference: int, kind: int, amount: int) -> tuple[int, int, int]:
    """Balance, limit and reference limit after an event, cents.

    The reference is the limit before the lender's last reduction while that has not been reassessed, else
    unknown: a ``limit_set`` below the limit in force starts it, one that is not lower ends it.
    """
    if kind in (PURCHASE, CASH_ADVANCE, CHARGE):
        balance += amount
    elif kind in (REFUND, REPAYMENT):
        balance -= amount
    elif kind == BALANCE_SET:
        balance = amount
    elif kind == LIMIT_SET:
        reference = limit if amount < limit else UNKNOWN_CENTS
        limit = amount
    return balance, limit, reference


@compiled
def settled_until(
    account: NDArray[np.int64], events: Matrix, marks: NDArray[np.uint8], end: int
) -> tuple[int, int, int]:
    """Balance, limit and reference after the ring's events before ``end``, from what left it onwards."""
    state = (account[BASE_BALANCE], account[BASE_LIMIT], account[BASE_REFERENCE])
    for at in range(account[START] + account[HEAD], account[START] + end):
        state = settled(state[0], state[1], state[2], marks[at] & KIND_BITS, events[AMOUNT, at])
    return state


@compiled
def prefetch_ring(
    account: NDArray[np.int64],
    events: Matrix,
    sums: Matrix,
    marks: NDArray[np.uint8],
    links: NDArray[np.uint16],
) -> None:
    """Start to load what the account's next event will touch: ids, the last 30 days, where the windows start."""
    start, tail = account[START], account[START] + account[TAIL]
    for at in range(start + account[HEAD], tail, 4 * WORDS_A_LINE):
        prefetch(links[TAGS], at)
    recent = start + account[START_30D]
    for at in range(recent, tail + 1, WORDS_A_LINE):
        prefetch(events[AMOUNT], at)
        prefetch(events[MERCHANT], at)
        prefetch(events[DEVICE], at)
        prefetch(events[CITY], at)
    for at in range(recent, tail + 1, 4 * WORDS_A_LINE):
        prefetch(links[0], at)
        prefetch(links[1], at)
        prefetch(links[2], at)
        prefetch(marks, at)
    for window in range(START_1H, START_1H + WINDOW_COUNT):
        prefetch(events[TS], start + account[window])
        prefetch(sums[:, SPEND], start + account[window])
    prefetch(events[TS], tail)
    prefetch(sums[:, SPEND], tail)


@compiled
def lower_bound(values: NDArray[np.int64], low: int, high: int, x: int) -> int:
    """The first place in ``[low, high)`` whose value is at least ``x``, or ``high``."""
    while low < high:
        middle = (low + high) >> 1
        if values[middle] < x:
            low = middle + 1
        else:
            high = middle
    return low


@compiled
def taken_block(
    capacity: int, tops: NDArray[np.int64], which: int, free: NDArray[np.int64], arena: Matrix
) -> int:
    """The start of a block of a capacity, one that was left or a new one; -1 where the arena is full."""
    order = 0
    while (1 << order) < capacity:
        order += 1
    start = free[order]
    if start != NO_BLOCK:
        free[order] = arena[TS, start]
        return start
    if tops[which] + capacity > arena.shape[1]:
        return NO_BLOCK
    start = tops[which]
    tops[which] += capacity
    return start


@compiled
def leave_block(start: int, capacity: int, free: NDArray[np.int64], arena: Matrix) -> None:
    """Keep a block for others of its size."""
    order = 0
    while (1 << order) < capacity:
        order += 1
    arena[TS, start] = free[order]
    free[order] = start


@compiled
def move(
    events: Matrix,
    sums: Matrix,
    marks: NDArray[np.uint8],
    links: NDArray[np.uint16],
    source: int,
    target: int,
    count: int,
) -> None:
    """Move events to a place before them, or to another block."""
    for row in range(EVENT_ROWS):
        for k in range(count):
            events[row, target + k] = events[row, source + k]
    for k in range(count):
        marks[target + k] = marks[source + k]
    for row in range(SMALL_ROWS):
        for k in range(count):
            links[row, target + k] = links[row, source + k]
    for k in range(count + 1):
        for column in range(SUM_COLUMNS):
            sums[target + k, column] = sums[source + k, column]


@compiled
def has_room(
    account: NDArray[np.int64],
    events: Matrix,
    sums: Matrix,
    marks: NDArray[np.uint8],
    links: NDArray[np.uint16],
    tops: NDArray[np.int64],
    free: NDArray[np.int64],
) -> bool:
    """Make room for one more event; False where the arena must grow first."""
    capacity, head, tail = account[CAPACITY], account[HEAD], account[TAIL]
    if tail + 1 < capacity:  # one place more, for the sums after the last event
        return True
    live = tail - head
    if capacity > 0 and live * 4 <= capacity * 3:
        move(events, sums, marks, links, account[START] + head, account[START], live)
    else:
        larger = max(capacity * 2, RING_EVENTS_LEAST)
        start = taken_block(larger, tops, 0, free, events)
        if start == NO_BLOCK:
            return False
        if capacity == 0:
            sums[start] = 0
        else:
            move(events, sums, marks, links, account[START] + head, start, live)
            leave_block(account[START], capacity, free, events)
        account[START], account[CAPACITY] = start, larger
    account[HEAD], account[TAIL] = 0, live
    for window in range(START_1H, START_1H + WINDOW_COUNT):
        account[window] -= head
    return True


@compiled
def evict(account: NDArray[np.int64], events: Matrix, marks: NDArray[np.uint8]) -> None:
    """Let go what is older than the ring reaches, and, where the ring is full, the oldest."""
    oldest_us = account[NEWEST_US] - RING_US
    start = account[START]
    while account[HEAD] < account[TAIL]:
        at = start + account[HEAD]
        full = account[TAIL] - account[HEAD] >= RING_EVENTS_MAX
        if events[TS, at] >= oldest_us and not full:
            break
        if events[TS, at] >= oldest_us:
            account[DROPPED_US] = max(account[DROPPED_US], events[TS, at])
        after = settled(
            account[BASE_BALANCE], account[BASE_LIMIT], account[BASE_REFERENCE],
            marks[at] & KIND_BITS, events[AMOUNT, at],
        )  # fmt: skip
        account[BASE_BALANCE], account[BASE_LIMIT], account[BASE_REFERENCE] = after
        account[HEAD] += 1


@compiled
def advance_windows(account: NDArray[np.int64], ts: NDArray[np.int64]) -> None:
    """Move the windows of the newest event to where they start now: never back, since time does not."""
    start, tail, newest = account[START], account[TAIL], account[NEWEST_US]
    for window in range(WINDOW_COUNT):
        place = max(account[START_1H + window], account[HEAD])
        while place < tail and ts[start + place] < newest - WINDOWS_US[window]:
            place += 1
        account[START_1H + window] = place


@compiled
def is_known_event(account: NDArray[np.int64], events: Matrix, links: NDArray[np.uint16], event: int) -> bool:
    """Whether the ring holds an event of that id: by its tag, and only where one agrees by the whole id.

    The search has no early exit, so that it is vectorised.
    """
    low, high = account[START] + account[HEAD], account[START] + account[TAIL]
    tag = np.uint16(event & TAG_MASK)
    tags = links[TAGS, low:high]
    agree = np.uint16(0)
    for k in range(tags.shape[0]):
        agree |= np.uint16(tags[k] == tag)
    if agree == 0:
        return False
    for at in range(low, high):  # noqa: SIM110 - numba compiles the loop, not any()
        if events[EVENT, at] == event:
            return True
    return False
