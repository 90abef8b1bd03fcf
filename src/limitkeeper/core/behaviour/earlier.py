"""A state that an earlier version kept, brought up: a snapshot outlives the journal's entries that led to it."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from limitkeeper.core.behaviour.blocks import LINK, NO_BLOCK
from limitkeeper.core.behaviour.ring import LOW_BITS, LOW_MASK, TIME_MASK

EARLIER_FORMAT = 2
"""The format before the state's: 64 bits each of an event's time and amount, and -1 where there is no block."""


def brought_up(arrays: Mapping[str, NDArray[np.integer[Any]]]) -> dict[str, NDArray[np.integer[Any]]]:
    """The arrays of a state of the earlier format, as the state keeps them now but for the number of the format."""
    times, amounts = arrays["events"]
    bills, free = arrays["bills"].copy(), arrays["free"] & LOW_MASK
    for start in free[1].tolist():
        while start != NO_BLOCK:
            bills[LINK, start] &= LOW_MASK
            start = int(bills[LINK, start])  # noqa: PLW2901 - a list's next
    return {
        **arrays,
        "events": (arrays["events"] & LOW_MASK).astype(np.uint32),
        "marks": np.stack([arrays["marks"], (amounts >> LOW_BITS).astype(np.uint8)]),
        "links": np.vstack([arrays["links"], ((times & TIME_MASK) >> LOW_BITS).astype(np.uint16)]),
        "bills": bills,
        "free": free,
    }
