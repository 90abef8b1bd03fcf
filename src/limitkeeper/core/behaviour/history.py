"""What a ring still holds of an account, event by event, and its bills: to be shown, not to decide on."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from limitkeeper.core.behaviour.ring import (
    AMOUNT,
    AMOUNT_TOP,
    BILL_COUNT,
    BILL_START,
    EVENT,
    HEAD,
    ID_BITS,
    KIND_BITS,
    LOW_BITS,
    MARK,
    MIDDLES,
    NEWEST_US,
    START,
    TAG_BITS,
    TAGS,
    TAIL,
    TIME_MASK,
    TS,
    TS_TOP,
    Ids,
    Matrix,
    Words,
)


class History(NamedTuple):
    """An account's live events in order of time, arrays of shape ``(n,)``, and its bills.

    Parameters
    ----------
    ts_us, kind, amount_cents
        Of each event.
    event
        The 64-bit hash of its id, uint64.
    bills
        Rows are ``TS, AMOUNT, PAID, MINIMUM, DAYS_LATE`` of the ring, shape ``(5, m)``.
    """

    ts_us: NDArray[np.int64]
    kind: NDArray[np.uint8]
    amount_cents: NDArray[np.int64]
    event: NDArray[np.uint64]
    bills: Matrix


def history_of(
    account: NDArray[np.int64],
    events: Words,
    ids: Ids,
    marks: NDArray[np.uint8],
    links: NDArray[np.uint16],
    bills: Matrix,
) -> History:
    """What is held of an account, by its row and the arenas; copied, so that the state may move on."""
    live = slice(int(account[START] + account[HEAD]), int(account[START] + account[TAIL]))
    low = events[:, live].astype(np.int64)
    kept = low[TS] | links[TS_TOP, live].astype(np.int64) << LOW_BITS
    tags, middles, upper = (
        part.astype(np.uint64) for part in (links[TAGS, live], links[MIDDLES, live], ids[EVENT, live])
    )
    first_bill = int(account[BILL_START])
    return History(
        ts_us=account[NEWEST_US] - ((account[NEWEST_US] - kept) & TIME_MASK),
        kind=marks[MARK, live] & np.uint8(KIND_BITS),
        amount_cents=low[AMOUNT] | marks[AMOUNT_TOP, live].astype(np.int64) << LOW_BITS,
        event=tags | middles << np.uint64(TAG_BITS) | upper << np.uint64(ID_BITS),
        bills=bills[:, first_bill : first_bill + int(account[BILL_COUNT])].copy(),
    )
