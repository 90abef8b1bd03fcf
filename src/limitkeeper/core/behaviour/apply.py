"""Events applied to rings: the kernel that takes a batch, and the one that tells every account as of a time."""

import numpy as np
from numpy.typing import NDArray

from limitkeeper.core.behaviour.bills import corrected_bill, inserted_bill
from limitkeeper.core.behaviour.events import (
    ACCEPTED,
    BILL,
    BILL_CORRECTED,
    CASH_ADVANCE,
    DECLINED,
    DUPLICATE,
    FLAG,
    FLAG_WITHDRAWN,
    LOGIN,
    LONG_AGO_US,
    TOO_LATE,
)
from limitkeeper.core.behaviour.laying import has_room
from limitkeeper.core.behaviour.ring import (
    ACCOUNT_FIELDS,
    BALANCE,
    CITY,
    CUSTOMER,
    DEVICE,
    DROPPED_US,
    EVENT,
    HEAD,
    ID_BITS,
    ID_MASK,
    LATENESS_US,
    LIMIT,
    MARK,
    MERCHANT,
    MIDDLES,
    NEWEST_US,
    OPENED_US,
    REFERENCE,
    START,
    START_1D,
    START_1H,
    START_7D,
    START_30D,
    START_90D,
    TAG_BITS,
    TAG_MASK,
    TAGS,
    TAIL,
    WINDOW_COUNT,
    WORDS_A_LINE,
    Ids,
    Matrix,
    Words,
    advance_windows,
    event_mark,
    evict,
    first_since,
    insert_place,
    is_known_event,
    prefetch_ring,
    settled,
    settled_until,
    short_id,
    time_at,
    write_links,
    write_time_and_amount,
)
from limitkeeper.core.behaviour.scan import window_starts, write_features
from limitkeeper.core.kernel.compiled import compiled
from limitkeeper.core.kernel.prefetch import prefetch

AHEAD = 4
"""Events by which a ring is asked for before it is needed."""


@compiled
def apply_events(
    accounts: Matrix,
    first_credit: NDArray[np.int64],
    events: Words,
    ids: Ids,
    marks: NDArray[np.uint8],
    links: NDArray[np.uint16],
    bills: Matrix,
    tops: NDArray[np.int64],
    free: Matrix,
    totals: NDArray[np.int64],
    batch: tuple[
        NDArray[np.int64],
        NDArray[np.int64],
        NDArray[np.uint8],
        NDArray[np.int64],
        NDArray[np.int64],
        NDArray[np.int64],
        NDArray[np.int64],
        NDArray[np.int64],
        NDArray[np.int64],
        NDArray[np.int64],
        NDArray[np.int64],
        NDArray[np.bool_],
    ],
    first: int,
    out: NDArray[np.float64],
    status: NDArray[np.uint8],
) -> int:
    """Apply a batch's events from ``first`` on; gives the event for which an arena must grow, or the count."""
    (
        owners,
        times,
        kinds,
        amounts,
        paid,
        minimum,
        days_late,
        merchants,
        devices,
        cities,
        event_ids,
        nights,
    ) = batch
    for i in range(first, owners.shape[0]):
        if i + 2 * AHEAD < owners.shape[0]:
            row = accounts[owners[i + 2 * AHEAD]]
            for word in range(0, ACCOUNT_FIELDS, WORDS_A_LINE):
                prefetch(row, word)
        if i + AHEAD < owners.shape[0]:
            prefetch_ring(accounts[owners[i + AHEAD]], events, ids, marks, links)
        account, t, kind, amount = accounts[owners[i]], times[i], int(kinds[i]), amounts[i]
        if account[NEWEST_US] > LONG_AGO_US and t < account[NEWEST_US] - LATENESS_US:
            status[i] = TOO_LATE
            out[i] = np.nan
            continue
        if is_known_event(account, ids, links, event_ids[i]):
            status[i] = DUPLICATE
            out[i] = np.nan
            continue
        if t <= account[DROPPED_US]:
            # It may be one that the full ring let go: nothing tells any more, and nothing may count twice.
            status[i] = TOO_LATE
            out[i] = np.nan
            continue
        if not has_room(account, events, ids, marks, links, tops, free[0]):
            return i
        if kind in (BILL, BILL_CORRECTED):
            bill = (t, amount, paid[i], minimum[i], days_late[i])
            is_put_right = kind == BILL_CORRECTED and corrected_bill(account, bills, bill)
            # A correction of a bill that is not here is all that is known of it.
            if not is_put_right and not inserted_bill(account, bills, tops, free[1], bill):
                return i
        newest = max(account[NEWEST_US], t)
        account[OPENED_US] = min(account[OPENED_US], t)
        evict(account, events, marks, links, newest)
        start, tail = account[START], account[TAIL]
        place = tail
        in_order = tail == account[HEAD] or time_at(events, links, newest, start + tail - 1) <= t
        if not in_order:
            place = first_since(events, links, newest, start + account[HEAD], start + tail, t + 1) - start
            insert_place(events, ids, marks, links, start + place, start + tail)
            for window in range(START_1H, START_1H + WINDOW_COUNT):
                # The place shifts where the event lies before it: it is then older than the window.
                account[window] += place < account[window]
        at = start + place
        write_time_and_amount(events, marks, links, at, t, amount)
        ids[MERCHANT, at], ids[DEVICE, at] = short_id(merchants[i]), short_id(devices[i])
        ids[CITY, at], ids[EVENT, at] = short_id(cities[i]), (event_ids[i] >> ID_BITS) & ID_MASK
        marks[MARK, at] = event_mark(kind, nights[i], amount)
        links[TAGS, at] = event_ids[i] & TAG_MASK
        links[MIDDLES, at] = (event_ids[i] >> TAG_BITS) & TAG_MASK
        account[TAIL] = tail + 1
        advance_windows(account, events, links)
        if in_order:
            starts = (
                start + account[START_1H], start + account[START_1D], start + account[START_7D],
                start + account[START_30D], start + account[START_90D],
            )  # fmt: skip
            now = settled(account[BALANCE], account[LIMIT], account[REFERENCE], kind, amount)
            state = now
        else:
            starts = window_starts(account, events, links, place + 1, t)
            state = settled_until(account, events, marks, place + 1)
            now = settled_until(account, events, marks, tail + 1)
        account[BALANCE], account[LIMIT], account[REFERENCE] = now
        write_links(ids, marks, links, starts[3], at, start + tail + 1)
        customer = account[CUSTOMER]
        if kind != LOGIN and kind != DECLINED and kind != FLAG and kind != FLAG_WITHDRAWN:  # noqa: PLR1714 - compiled, a tuple is slower
            first_credit[customer] = min(first_credit[customer], t)
        own = amount if kind <= CASH_ADVANCE else -1
        write_features(
            account, starts, place + 1, t, own, state, first_credit[customer], events, marks, links, bills,
            totals, out[i],
        )  # fmt: skip
        status[i] = ACCEPTED
    return owners.shape[0]


@compiled
def write_portraits(
    accounts: Matrix,
    first_credit: NDArray[np.int64],
    events: Words,
    marks: NDArray[np.uint8],
    links: NDArray[np.uint16],
    bills: Matrix,
    totals: NDArray[np.int64],
    which: NDArray[np.int64],
    as_of_us: int,
    out: NDArray[np.float64],
) -> None:
    """Write accounts' features as of an instant, as though something without an amount happened then."""
    for i in range(out.shape[0]):
        account = accounts[which[i]]
        start = account[START]
        first, stop = start + account[HEAD], start + account[TAIL]
        end = first_since(events, links, account[NEWEST_US], first, stop, as_of_us + 1) - start
        state = (account[BALANCE], account[LIMIT], account[REFERENCE])
        if end < account[TAIL]:
            state = settled_until(account, events, marks, end)
        starts = window_starts(account, events, links, end, as_of_us)
        write_features(
            account, starts, end, as_of_us, -1, state, first_credit[account[CUSTOMER]], events, marks, links, bills,
            totals, out[i],
        )  # fmt: skip
