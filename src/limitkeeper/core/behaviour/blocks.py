"""The blocks of an arena in which rings lie: their sizes, those that were left, and their compaction.

A block that is too small is left for the next size, an eighth larger. What was left is kept for others of that size, but
accounts grow together, and then nobody comes for the small ones: where an arena is full, all rings are laid side by
side in a new one, each in the smallest block that takes one event more.
"""

import numpy as np
from numpy.typing import NDArray

from limitkeeper.core.kernel.compiled import compiled

Arena = NDArray[np.int64] | NDArray[np.uint32]

BLOCK_EVENTS = 4
"""Blocks are whole multiples of this."""

BLOCK_EVENTS_LARGEST = 4_400
"""At least a fifteenth more than a ring ever holds, so that the largest ring moves to the front of its block."""


def _capacities() -> tuple[int, ...]:
    found = [BLOCK_EVENTS]
    while found[-1] < BLOCK_EVENTS_LARGEST:
        found.append(found[-1] + max(found[-1] // (8 * BLOCK_EVENTS), 1) * BLOCK_EVENTS)
    return tuple(found)


CAPACITIES = np.array(_capacities(), np.int64)
"""Sizes of block, the smallest first."""

ROOM = 12
"""A new arena has a twelfth of what lies in it as room: what is left behind grows to no more before it is laid anew."""

NO_BLOCK = 0xFFFF_FFFF
"""No start of a block: starts fit 32 bits, as a full arena of so many events would take 163 GB."""

LINK = 0
"""The row of an arena in which a block that was left names the one left before it."""


@compiled
def order_of(count: int) -> int:
    """The number of the smallest size that takes so many."""
    order = 0
    while CAPACITIES[order] < count:
        order += 1
    return order


@compiled
def taken_block(
    capacity: int,
    tops: NDArray[np.int64],
    which: int,
    free: NDArray[np.int64],
    arena: Arena,
) -> int:
    """The start of a block of a capacity, one that was left or a new one; ``NO_BLOCK`` where the arena is full."""
    order = order_of(capacity)
    start = free[order]
    if start != NO_BLOCK:
        free[order] = arena[LINK, start]
        return start
    if tops[which] + capacity > arena.shape[1]:
        return NO_BLOCK
    start = tops[which]
    tops[which] += capacity
    return start


@compiled
def leave_block(start: int, capacity: int, free: NDArray[np.int64], arena: Arena) -> None:
    """Keep a block for others of its size."""
    order = order_of(capacity)
    arena[LINK, start] = free[order]
    free[order] = start


def room_for(count: int, least: int) -> int:
    """The width of an arena in which so much lies, with room for at least so much more."""
    return count + max(count // ROOM, least)
