"""The ring of each account: its last 180 days of events and its last bills, in two arenas.

An account is a row of ``accounts``; its live events lie together in ``events[:, start + head : start + tail]``,
in time order. When the block is full its live part moves to the front, or, where it is more than fifteen
sixteenths of it, to a larger block (``blocks``). Windows are 90 days; a ring keeps 180, since an event may come 90 days
late and looks 90 days back itself.

Of a time the lowest 48 bits are kept, 8.9 years: a ring reaches 180 days back from its newest event, so that they and
the newest tell it whole. Of an amount 40 bits are kept, which take the largest that there is.

What left the ring is folded into ``BASE_*``, so that balance and limit can be told as of any event in it.
"""

import numpy as np
from numpy.typing import NDArray

from limitkeeper.core.behaviour.events import (
    AMOUNT_CENTS_MAX,
    BALANCE_SET,
    CASH_ADVANCE,
    CHARGE,
    DAY_US,
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

# The rows of ``bills``, and of ``events``: there the lowest 32 bits of each.
TS, AMOUNT = range(2)
EVENT_ROWS = 2
PAID, MINIMUM, DAYS_LATE = 2, 3, 4
BILL_ROWS = 5

# The rows of ``marks``: a byte of the event's kind and of what the scan asks of it, and the upper 8 bits of its amount.
MARK, AMOUNT_TOP = range(2)
MARK_ROWS = 2
KIND_BITS, NIGHT_BIT, ROUND_BIT = 15, 16, 32
ROUND_CENTS = 10_000

# The rows of ``links``: how many places back the event lies that had the same id before (spends only, but for devices),
# so that an id is counted once in a window: where its link leads out of it.
LINK_ROWS = 3
TAGS, MIDDLES, TS_TOP = 3, 4, 5
"""The rows behind the links: the lowest 16 bits of each event's id, so that a search reads a quarter of the memory, the
16 above them, and the upper 16 of the event's time."""

TAG_BITS = 16
TAG_MASK = 0xFFFF
SMALL_ROWS = LINK_ROWS + 3

# The rows of ``ids``: 32 bits of each hash tell an account's own merchants, devices and cities apart; of an event's id
# these are the upper half, and all 64 are kept.
MERCHANT, DEVICE, CITY, EVENT = range(4)
ID_ROWS = 4
ID_BITS = 32
UNLINKED = 0
"""An event that is not counted: its id is missing, or it is no spend."""

FIRST = 65_535
"""No event of the 30 days before it has the same id; further back than any ring reaches."""

WORDS_A_LINE = 8
"""int64 in a line of the processor's cache."""

ID_MASK = 0xFFFF_FFFF

LOW_BITS, LOW_MASK = 32, 0xFFFF_FFFF
TIME_MASK = (1 << 48) - 1
"""What is kept of a time; all that a ring reaches is less."""

Matrix = NDArray[np.int64]
Words = NDArray[np.uint32]
Ids = NDArray[np.uint32]


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
def first_odd_amount(amounts_cents: NDArray[np.int64]) -> int:
    """The first place whose amount is none that a ring keeps, or the count."""
    for at in range(amounts_cents.shape[0]):
        if not 0 <= amounts_cents[at] <= AMOUNT_CENTS_MAX:
            return at
    return int(amounts_cents.shape[0])


@compiled
def amount_of(low: np.uint32, top: np.uint8) -> int:
    """An amount from its parts, cents."""
    return int(np.int64(low) | (np.int64(top) << LOW_BITS))


@compiled
def amount_at(events: Words, marks: NDArray[np.uint8], at: int) -> int:
    """The amount of the event at a place of the arena, cents."""
    return amount_of(events[AMOUNT, at], marks[AMOUNT_TOP, at])


@compiled
def time_at(events: Words, links: NDArray[np.uint16], newest_us: int, at: int) -> int:
    """The time of the event at a place of the arena, of a ring whose newest is given, UTC microseconds."""
    kept = int(np.int64(events[TS, at]) | (np.int64(links[TS_TOP, at]) << LOW_BITS))
    return newest_us - ((newest_us - kept) & TIME_MASK)


@compiled
def write_time_and_amount(
    events: Words, marks: NDArray[np.uint8], links: NDArray[np.uint16], at: int, ts_us: int, amount_cents: int
) -> None:
    """Write what is kept of an event's time and amount."""
    events[TS, at], links[TS_TOP, at] = ts_us & LOW_MASK, (ts_us & TIME_MASK) >> LOW_BITS
    events[AMOUNT, at], marks[AMOUNT_TOP, at] = amount_cents & LOW_MASK, amount_cents >> LOW_BITS


@compiled
def short_id(id_hash: int) -> np.uint32:
    """The halves of a hash folded into 32 bits; 0 where it is missing, and never else."""
    short = np.uint32((id_hash ^ (id_hash >> ID_BITS)) & ID_MASK)
    return np.uint32(1) if short == 0 and id_hash != MISSING_ID else short


@compiled
def link_of(ids: Ids, kinds: NDArray[np.uint8], low: int, at: int, all_kinds: bool) -> int:
    """How far back from ``at`` the same id lies in ``[low, at)``."""
    key = ids[at]
    if key == MISSING_ID or not (all_kinds or (kinds[at] & KIND_BITS) <= CASH_ADVANCE):
        return UNLINKED
    last = -1
    if all_kinds:
        for k in range(low, at):
            last = k if ids[k] == key else last
    else:
        for k in range(low, at):
            last = k if (ids[k] == key) & ((kinds[k] & KIND_BITS) <= CASH_ADVANCE) else last
    return at - last if last >= 0 else FIRST


@compiled
def write_links(
    ids: Ids, marks: NDArray[np.uint8], links: NDArray[np.uint16], low: int, at: int, end: int
) -> None:
    """Link the event at ``at`` to those from ``low`` on, and the next one of its id, before ``end``, to it."""
    for row in range(LINK_ROWS):
        own, all_kinds = ids[MERCHANT + row], MERCHANT + row == DEVICE
        links[row, at] = link_of(own, marks[MARK], low, at, all_kinds)
        if links[row, at] == UNLINKED:
            continue
        for k in range(at + 1, end):
            if own[k] == own[at] and links[row, k] != UNLINKED:
                links[row, k] = k - at
                break


@compiled
def insert_place(
    events: Words, ids: Ids, marks: NDArray[np.uint8], links: NDArray[np.uint16], at: int, end: int
) -> None:
    """Shift the events in ``[at, end)`` by one place, for one that belongs before them."""
    for row in range(EVENT_ROWS):
        for k in range(end, at, -1):
            events[row, k] = events[row, k - 1]
    for row in range(ID_ROWS):
        for k in range(end, at, -1):
            ids[row, k] = ids[row, k - 1]
    for row in range(MARK_ROWS):
        for k in range(end, at, -1):
            marks[row, k] = marks[row, k - 1]
    for row in range(LINK_ROWS):
        for k in range(end, at, -1):
            link = links[row, k - 1]
            # A link that leads across the new place is one longer.
            crosses = link not in (UNLINKED, FIRST) and k - 1 - int(link) < at
            links[row, k] = link + np.uint16(1) if crosses else link
    for row in range(LINK_ROWS, SMALL_ROWS):
        for k in range(end, at, -1):
            links[row, k] = links[row, k - 1]


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
    account: NDArray[np.int64], events: Words, marks: NDArray[np.uint8], end: int
) -> tuple[int, int, int]:
    """Balance, limit and reference after the ring's events before ``end``, from what left it onwards."""
    state = (account[BASE_BALANCE], account[BASE_LIMIT], account[BASE_REFERENCE])
    for at in range(account[START] + account[HEAD], account[START] + end):
        kind = marks[MARK, at] & KIND_BITS
        state = settled(state[0], state[1], state[2], kind, amount_at(events, marks, at))
    return state


@compiled
def prefetch_ring(
    account: NDArray[np.int64],
    events: Words,
    ids: Ids,
    marks: NDArray[np.uint8],
    links: NDArray[np.uint16],
) -> None:
    """Start to load what the account's next event will touch: ids, amounts, the last 30 days, where the windows start."""
    start, tail = account[START], account[START] + account[TAIL]
    for at in range(start + account[HEAD], tail, 4 * WORDS_A_LINE):
        prefetch(links[TAGS], at)
    recent = start + account[START_30D]
    for at in range(start + account[START_90D], tail + 1, 2 * WORDS_A_LINE):
        prefetch(events[AMOUNT], at)
    for at in range(start + account[START_90D], tail + 1, 8 * WORDS_A_LINE):
        prefetch(marks[MARK], at)
        prefetch(marks[AMOUNT_TOP], at)
    for at in range(recent, tail + 1, 2 * WORDS_A_LINE):
        prefetch(ids[MERCHANT], at)
        prefetch(ids[DEVICE], at)
        prefetch(ids[CITY], at)
    for at in range(recent, tail + 1, 4 * WORDS_A_LINE):
        prefetch(links[0], at)
        prefetch(links[1], at)
        prefetch(links[2], at)
    for window in range(START_1H, START_1H + WINDOW_COUNT):
        prefetch(events[TS], start + account[window])
        prefetch(links[TS_TOP], start + account[window])
    prefetch(events[TS], tail)
    prefetch(links[TS_TOP], tail)


@compiled
def first_since(
    events: Words, links: NDArray[np.uint16], newest_us: int, low: int, high: int, since_us: int
) -> int:
    """The first place in ``[low, high)`` of a ring whose time is at least ``since_us``, or ``high``."""
    while low < high:
        middle = (low + high) >> 1
        if time_at(events, links, newest_us, middle) < since_us:
            low = middle + 1
        else:
            high = middle
    return low


@compiled
def evict(
    account: NDArray[np.int64],
    events: Words,
    marks: NDArray[np.uint8],
    links: NDArray[np.uint16],
    newest_us: int,
) -> None:
    """Let go what is older than the ring reaches with its newest, now ``newest_us``, and, where it is full, the oldest.

    What is let go may lie years before the newest now, but not before the newest there was.
    """
    oldest_us = newest_us - RING_US
    start = account[START]
    while account[HEAD] < account[TAIL]:
        at = start + account[HEAD]
        full = account[TAIL] - account[HEAD] >= RING_EVENTS_MAX
        ts_us = time_at(events, links, account[NEWEST_US], at)
        if ts_us >= oldest_us and not full:
            break
        if ts_us >= oldest_us:
            account[DROPPED_US] = max(account[DROPPED_US], ts_us)
        after = settled(
            account[BASE_BALANCE], account[BASE_LIMIT], account[BASE_REFERENCE],
            marks[MARK, at] & KIND_BITS, amount_at(events, marks, at),
        )  # fmt: skip
        account[BASE_BALANCE], account[BASE_LIMIT], account[BASE_REFERENCE] = after
        account[HEAD] += 1
    account[NEWEST_US] = newest_us


@compiled
def advance_windows(account: NDArray[np.int64], events: Words, links: NDArray[np.uint16]) -> None:
    """Move the windows of the newest event to where they start now: never back, since time does not."""
    start, tail, newest = account[START], account[TAIL], account[NEWEST_US]
    for window in range(WINDOW_COUNT):
        place = max(account[START_1H + window], account[HEAD])
        from_us = newest - WINDOWS_US[window]
        while place < tail and time_at(events, links, newest, start + place) < from_us:
            place += 1
        account[START_1H + window] = place


@compiled
def is_known_event(account: NDArray[np.int64], ids: Ids, links: NDArray[np.uint16], event: int) -> bool:
    """Whether the ring holds an event of that id: by its tag, and only where one agrees by the other bits.

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
    middle, upper = np.uint16((event >> TAG_BITS) & TAG_MASK), np.uint32((event >> ID_BITS) & ID_MASK)
    for at in range(low, high):
        if links[TAGS, at] == tag and links[MIDDLES, at] == middle and ids[EVENT, at] == upper:
            return True
    return False
