"""The last bills of each account, in time order, in an arena of their own, 40 bytes each: one more, or one put right."""

import numpy as np
from numpy.typing import NDArray

from limitkeeper.core.behaviour.blocks import NO_BLOCK, leave_block, taken_block
from limitkeeper.core.behaviour.ring import (
    BILL_CAPACITY,
    BILL_COUNT,
    BILL_ROWS,
    BILL_START,
    BILLS_LEAST,
    BILLS_MAX,
    TS,
    Matrix,
)
from limitkeeper.core.kernel.compiled import compiled


@compiled
def corrected_bill(account: NDArray[np.int64], bills: Matrix, bill: tuple[int, int, int, int, int]) -> bool:
    """Put the last bill of a time right, cents and days; False where none of that time is kept."""
    at = account[BILL_START] + account[BILL_COUNT] - 1
    while at >= account[BILL_START] and bills[TS, at] > bill[0]:
        at -= 1
    if at < account[BILL_START] or bills[TS, at] != bill[0]:
        return False
    for row in range(BILL_ROWS):
        bills[row, at] = bill[row]
    return True


@compiled
def inserted_bill(
    account: NDArray[np.int64],
    bills: Matrix,
    tops: NDArray[np.int64],
    free: NDArray[np.int64],
    bill: tuple[int, int, int, int, int],
) -> bool:
    """Insert a bill in time order, the oldest going where there are too many; False where the arena must grow."""
    capacity, count = account[BILL_CAPACITY], account[BILL_COUNT]
    if count == capacity and capacity < BILLS_MAX:
        larger = max(capacity * 2, BILLS_LEAST)
        start = taken_block(larger, tops, 1, free, bills)
        if start == NO_BLOCK:
            return False
        for row in range(BILL_ROWS):
            for k in range(count):
                bills[row, start + k] = bills[row, account[BILL_START] + k]
        if capacity > 0:
            leave_block(account[BILL_START], capacity, free, bills)
        account[BILL_START], account[BILL_CAPACITY] = start, larger
    start = account[BILL_START]
    place = count
    while place > 0 and bills[TS, start + place - 1] > bill[0]:
        place -= 1
    if count == BILLS_MAX:
        if place == 0:
            return True
        place -= 1
        for row in range(BILL_ROWS):
            for k in range(place):
                bills[row, start + k] = bills[row, start + k + 1]
    else:
        for row in range(BILL_ROWS):
            for k in range(count, place, -1):
                bills[row, start + k] = bills[row, start + k - 1]
        account[BILL_COUNT] = count + 1
    for row in range(BILL_ROWS):
        bills[row, start + place] = bill[row]
    return True
