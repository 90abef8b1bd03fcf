"""Events as columns: kinds, bounds, and the batch that the core takes."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from limitkeeper.core.kernel.errors import InputError

KINDS = (
    "purchase", "cash_advance", "refund", "repayment", "bill", "declined", "login", "charge", "limit_set",
    "balance_set", "flag", "flag_withdrawn", "bill_corrected",
)  # fmt: skip
"""Kinds of event; a kind's code is its position."""

(
    PURCHASE, CASH_ADVANCE, REFUND, REPAYMENT, BILL, DECLINED, LOGIN, CHARGE, LIMIT_SET, BALANCE_SET, FLAG,
    FLAG_WITHDRAWN, BILL_CORRECTED,
) = range(13)  # fmt: skip

CORRECTING_KINDS = ("flag_withdrawn", "bill_corrected")
"""These put right what an earlier event of their account said, at that event's own time."""

CREDIT_KINDS = frozenset(KINDS) - {"login", "declined", "flag", "flag_withdrawn"}
"""Kinds that are a credit event of the customer (CHL): credit is granted, used, billed or repaid."""

AMOUNT_CENTS_MAX = 10**12
"""The largest amount: sums over a whole ring stay exact in int64 and in float64."""

UNKNOWN_CENTS = -1
"""An amount that is not known."""

MISSING_ID = 0
"""The hash of an id that is missing."""

NEVER_US = np.iinfo(np.int64).max
"""A time that has not come: nothing known yet."""

LONG_AGO_US = np.iinfo(np.int64).min
"""Before any event."""

HOUR_US = 3_600_000_000
DAY_US = 24 * HOUR_US

ACCEPTED, DUPLICATE, TOO_LATE = 0, 1, 2
"""What became of an event: applied; known already; older than the ring reaches."""


@dataclass(frozen=True, slots=True)
class EventBatch:
    """Events of many accounts in arrival order; every array has shape ``(n,)``.

    Parameters
    ----------
    account
        Number of the account in the state, int64.
    ts_us
        Event time, UTC microseconds, int64.
    kind
        Position in :data:`KINDS`, uint8.
    amount_cents
        int64, 0 to :data:`AMOUNT_CENTS_MAX`; 0 where the kind has none.
    paid_cents, minimum_due_cents, days_past_due
        int64, of bills; ``minimum_due_cents`` is -1 where unknown.
    merchant, device, city
        64-bit hash of the id, int64; 0 where missing.
    event
        64-bit hash of the event's id, int64, never 0.
    night
        Whether the local hour is in [0, 6), bool.
    """

    account: NDArray[np.int64]
    ts_us: NDArray[np.int64]
    kind: NDArray[np.uint8]
    amount_cents: NDArray[np.int64]
    paid_cents: NDArray[np.int64]
    minimum_due_cents: NDArray[np.int64]
    days_past_due: NDArray[np.int64]
    merchant: NDArray[np.int64]
    device: NDArray[np.int64]
    city: NDArray[np.int64]
    event: NDArray[np.int64]
    night: NDArray[np.bool_]

    def __post_init__(self) -> None:
        lengths = set(map(len, event_columns(self)))
        if len(lengths) > 1:
            raise InputError("The columns of an event batch differ in length.", value=sorted(lengths))

    def __len__(self) -> int:
        return len(self.account)

    def of_accounts(self, account: NDArray[np.int64]) -> "EventBatch":
        """The events with the numbers of their accounts."""
        return EventBatch(account, *event_columns(self)[1:])

    def part(self, which: slice | NDArray[np.int64]) -> "EventBatch":
        """Some of the events, in the order asked for."""
        return EventBatch(*[column[which] for column in event_columns(self)])


event_columns: Callable[[EventBatch], tuple[Any, ...]] = attrgetter(
    *(field.name for field in fields(EventBatch))
)
"""The columns of a batch, in their order."""
