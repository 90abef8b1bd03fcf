"""Rings laid in blocks: moved to the front of their own, to a larger one, or all of them side by side in a new arena."""

import numpy as np
from numpy.typing import NDArray

from limitkeeper.core.behaviour.blocks import CAPACITIES, NO_BLOCK, leave_block, order_of, taken_block
from limitkeeper.core.behaviour.ring import (
    BILLS_LEAST,
    CAPACITY,
    EVENT_ROWS,
    HEAD,
    ID_ROWS,
    MARK_ROWS,
    SMALL_ROWS,
    START,
    START_1H,
    TAIL,
    WINDOW_COUNT,
    Ids,
    Matrix,
    Words,
)
from limitkeeper.core.kernel.compiled import compiled


@compiled
def move(
    events: Words,
    ids: Ids,
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
    for row in range(ID_ROWS):
        for k in range(count):
            ids[row, target + k] = ids[row, source + k]
    for row in range(MARK_ROWS):
        for k in range(count):
            marks[row, target + k] = marks[row, source + k]
    for row in range(SMALL_ROWS):
        for k in range(count):
            links[row, target + k] = links[row, source + k]


@compiled
def has_room(
    account: NDArray[np.int64],
    events: Words,
    ids: Ids,
    marks: NDArray[np.uint8],
    links: NDArray[np.uint16],
    tops: NDArray[np.int64],
    free: NDArray[np.int64],
) -> bool:
    """Make room for one more event; False where the arena must grow first."""
    capacity, head, tail = account[CAPACITY], account[HEAD], account[TAIL]
    if tail < capacity:
        return True
    live = tail - head
    if capacity > 0 and live * 16 <= capacity * 15:
        move(events, ids, marks, links, account[START] + head, account[START], live)
    else:
        larger = CAPACITIES[order_of(max(capacity, BILLS_LEAST) + 1)]
        start = taken_block(larger, tops, 0, free, events)
        if start == NO_BLOCK:
            return False
        if capacity > 0:
            move(events, ids, marks, links, account[START] + head, start, live)
            leave_block(account[START], capacity, free, events)
        account[START], account[CAPACITY] = start, larger
    account[HEAD], account[TAIL] = 0, live
    for window in range(START_1H, START_1H + WINDOW_COUNT):
        account[window] -= head
    return True


@compiled
def lay_rings(
    accounts: Matrix,
    old: tuple[Words, Ids, NDArray[np.uint8], NDArray[np.uint16]],
    new: tuple[Words, Ids, NDArray[np.uint8], NDArray[np.uint16]],
) -> int:
    """Lay rings side by side in another arena, each in the smallest block that takes an event more; where they end.

    With no room in the new arena, only where they would end is told.
    """
    (events, ids, marks, links), (new_events, new_ids, new_marks, new_links) = old, new
    moves = new_events.shape[1] > 0
    top = 0
    for owner in range(accounts.shape[0]):
        account = accounts[owner]
        if account[CAPACITY] == 0:
            continue
        head, live = account[HEAD], account[TAIL] - account[HEAD]
        capacity = CAPACITIES[order_of(max(live, BILLS_LEAST) + 1)]
        if moves:
            source = account[START] + head
            new_events[:, top : top + live] = events[:, source : source + live]
            new_ids[:, top : top + live] = ids[:, source : source + live]
            new_marks[:, top : top + live] = marks[:, source : source + live]
            new_links[:, top : top + live] = links[:, source : source + live]
            account[START], account[CAPACITY], account[HEAD], account[TAIL] = top, capacity, 0, live
            for window in range(START_1H, START_1H + WINDOW_COUNT):
                account[window] -= head
        top += capacity
    return top
