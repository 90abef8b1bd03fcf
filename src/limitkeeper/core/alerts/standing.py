"""What stands of each line between events: limits given and taken, freezes, open alerts, the open proposal.

Every account has a dense row (limit, last use, the customer's total). An account to which something happened has
a row of *standing* besides, found through its slot; most accounts never need one.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from limitkeeper.core.behaviour.events import (
    BILL,
    CASH_ADVANCE,
    DAY_US,
    FLAG,
    FLAG_WITHDRAWN,
    LIMIT_SET,
    LONG_AGO_US,
    NEVER_US,
)
from limitkeeper.core.kernel.compiled import compiled
from limitkeeper.core.kernel.errors import InputError

WITHOUT_APPEALS, STANDING_FORMAT = 1, 2
"""The format that was written before appeals were told of, which is still read; and the one that is written."""

UNKNOWN_CENTS = -1
NO_SLOT = -1

# The columns of the dense rows.
LIMIT, LAST_USE_US, CUSTOMER_TOTAL = range(3)
DENSE_FIELDS = 3

ALERT_TRIGGERS = 4
"""Triggers that raise alerts, in the order of ``Trigger``; an improvement is proposed, not alerted."""

# The columns of a standing; then come those of each trigger's alert.
(
    HITS_KEPT, LAST_DECREASE_US, LAST_INCREASE_US, LAST_FREEZE_US, BEFORE_REDUCTION, FROZEN_SINCE_US, FROZEN_RULE,
    FROZEN_FOR_VIOLATION, FREEZE_CONFIRMED, BARRED_RULES, DEFAULTED, FLAGGED_US, PROPOSED_ACTION, PROPOSED_LIMIT,
    PROPOSED_US, LOOKED_US,
) = range(16)  # fmt: skip
ALERT_FIELDS = 5
OPENED_US, SEEN_US, COUNT, SEVERITY, RULES = range(ALERT_FIELDS)
FIRST_ALERT = 16
APPEALS = FIRST_ALERT + ALERT_TRIGGERS * ALERT_FIELDS
STANDING_FIELDS = APPEALS + 1

NOT_TOLD, NO_APPEAL, OPEN_APPEAL = range(3)
"""What was told of the appeals of a line: nothing yet; that none is open; that one is."""

DEFAULT_DAYS = 90
"""Days past due of a bill from which the account is in default; a bill on time ends it."""

STATED_NAMES = (
    "product_code",
    "customer_limit_total_cents",
    "limit_before_reduction_cents",
    "days_since_last_decrease",
    "days_since_last_increase",
    "days_since_last_use",
    "is_defaulted",
)
"""What events alone say of a line, in the order of :func:`write_stated`."""

DECIDED_NAMES = (
    "is_frozen",
    "is_frozen_for_violation",
    "days_frozen",
    "days_since_last_action",
    "has_open_appeal",
)
"""What decisions, and appeals against them, say of a line, in the order of :func:`write_decided`."""

Matrix = NDArray[np.int64]


@compiled
def new_standing(row: NDArray[np.int64]) -> None:
    """Write a standing in which nothing has happened yet."""
    row[:] = 0
    row[LAST_DECREASE_US] = row[LAST_INCREASE_US] = row[LAST_FREEZE_US] = LONG_AGO_US
    row[BEFORE_REDUCTION] = UNKNOWN_CENTS
    row[FROZEN_SINCE_US] = NEVER_US
    row[FROZEN_RULE] = -1
    row[FLAGGED_US] = row[PROPOSED_US] = row[LOOKED_US] = LONG_AGO_US
    row[PROPOSED_LIMIT] = UNKNOWN_CENTS


@compiled
def slot_of(slots: NDArray[np.int32], rows: Matrix, top: NDArray[np.int64], account: int) -> int:
    """The slot of an account's standing, taken now where it has none; there must be room."""
    if slots[account] == NO_SLOT:
        slots[account] = top[0]
        new_standing(rows[top[0]])
        top[0] += 1
    return int(slots[account])


@compiled
def days_between(then_us: int, now_us: int) -> float:
    """Days from then to now, 0 where then is later, NaN where it never was."""
    if then_us == LONG_AGO_US or then_us == NEVER_US:  # noqa: PLR1714, SIM109 - compiled
        return np.nan
    return max(now_us - then_us, 0) / DAY_US


@compiled
def last_change_us(slots: NDArray[np.int32], rows: Matrix, account: int) -> int:
    """When the limit last went up or down, ``LONG_AGO_US`` where it never did."""
    if slots[account] == NO_SLOT:
        return LONG_AGO_US
    row = rows[slots[account]]
    return int(max(row[LAST_DECREASE_US], row[LAST_INCREASE_US]))


@compiled
def write_stated(
    dense: Matrix,
    products: NDArray[np.uint8],
    slots: NDArray[np.int32],
    rows: Matrix,
    top: NDArray[np.int64],
    customers: NDArray[np.int64],
    accounts: NDArray[np.int64],
    times_us: NDArray[np.int64],
    kinds: NDArray[np.int16],
    amounts: NDArray[np.int64],
    days_late: NDArray[np.int64],
    out: NDArray[np.float64],
) -> None:
    """Apply what events say, one by one, and write what stands after each; rows of ``out`` are ``STATED_NAMES``.

    A ``limit_set`` below the limit in force is a decrease, one above it an increase; the limit before the first
    reduction is kept until it is reached again. One that is older than the last change says nothing of what
    stands now. ``kinds`` of -1 changes nothing: somebody only looks.
    """
    for i in range(accounts.shape[0]):
        account, t, kind = accounts[i], times_us[i], kinds[i]
        own, total = dense[account], dense[customers[account]]
        if 0 <= kind <= CASH_ADVANCE:
            own[LAST_USE_US] = max(own[LAST_USE_US], t)
        elif kind == LIMIT_SET and t >= last_change_us(slots, rows, account):
            amount, limit = amounts[i], own[LIMIT]
            total[CUSTOMER_TOTAL] += amount - max(limit, 0)
            own[LIMIT] = amount
            if limit != UNKNOWN_CENTS and amount != limit:  # noqa: PLR1714 - compiled
                row = rows[slot_of(slots, rows, top, account)]
                if amount < limit:
                    row[LAST_DECREASE_US] = t
                    if row[BEFORE_REDUCTION] == UNKNOWN_CENTS:
                        row[BEFORE_REDUCTION] = limit
                else:
                    row[LAST_INCREASE_US] = t
                    if amount >= row[BEFORE_REDUCTION]:
                        row[BEFORE_REDUCTION] = UNKNOWN_CENTS
        elif kind == BILL:
            if days_late[i] >= DEFAULT_DAYS:
                rows[slot_of(slots, rows, top, account), DEFAULTED] = 1
            elif days_late[i] == 0 and slots[account] != NO_SLOT:
                rows[slots[account], DEFAULTED] = 0
        elif kind == FLAG:
            slot = slot_of(slots, rows, top, account)
            rows[slot, FLAGGED_US] = max(rows[slot, FLAGGED_US], t)
        elif kind == FLAG_WITHDRAWN and slots[account] != NO_SLOT and rows[slots[account], FLAGGED_US] == t:
            rows[slots[account], FLAGGED_US] = LONG_AGO_US
        out[0, i] = products[account]
        out[1, i] = total[CUSTOMER_TOTAL] if own[LIMIT] != UNKNOWN_CENTS else np.nan
        out[2, i] = out[3, i] = out[4, i] = np.nan
        out[5, i] = days_between(own[LAST_USE_US], t)
        out[6, i] = 0.0
        if slots[account] != NO_SLOT:
            row = rows[slots[account]]
            if row[BEFORE_REDUCTION] != UNKNOWN_CENTS:
                out[2, i] = row[BEFORE_REDUCTION]
            out[3, i] = days_between(row[LAST_DECREASE_US], t)
            out[4, i] = days_between(row[LAST_INCREASE_US], t)
            out[6, i] = row[DEFAULTED]


@compiled
def write_decided(
    slots: NDArray[np.int32],
    rows: Matrix,
    accounts: NDArray[np.int64],
    times_us: NDArray[np.int64],
    stated: NDArray[np.float64],
    out: NDArray[np.float64],
    hits_before: NDArray[np.int64],
    barred: NDArray[np.int64],
) -> None:
    """Write what earlier decisions say of each line as of its event; rows of ``out`` are ``DECIDED_NAMES``."""
    for i in range(accounts.shape[0]):
        out[0, i] = out[1, i] = 0.0
        out[2, i] = out[4, i] = np.nan
        hits_before[i] = barred[i] = 0
        # The last action is the newest of a decrease, an increase and a freeze: fmin leaves the missing out.
        since = np.fmin(stated[3, i], stated[4, i])
        slot = slots[accounts[i]]
        if slot != NO_SLOT:
            row = rows[slot]
            since = np.fmin(since, days_between(row[LAST_FREEZE_US], times_us[i]))
            if row[FROZEN_SINCE_US] != NEVER_US:
                out[0, i] = 1.0
                out[1, i] = row[FROZEN_FOR_VIOLATION]
                out[2, i] = days_between(row[FROZEN_SINCE_US], times_us[i])
            hits_before[i], barred[i] = row[HITS_KEPT], row[BARRED_RULES]
            if row[APPEALS] != NOT_TOLD:
                out[4, i] = row[APPEALS] == OPEN_APPEAL
        out[3, i] = since


class Standing:
    """What stands of each line; grows with the accounts.

    Examples
    --------
    >>> standing = Standing()
    >>> standing.add_accounts(np.array([100_000, -1]), np.array([0, 1], np.uint8), np.array([0, 1]))
    >>> standing.count, standing.dense[:, LIMIT].tolist()
    (2, [100000, -1])
    """

    def __init__(self) -> None:
        self.count = 0
        self.dense = np.zeros((0, DENSE_FIELDS), np.int64)
        self.products = np.zeros(0, np.uint8)
        self.slots = np.zeros(0, np.int32)
        self.marks = np.zeros(0, np.int32)
        self.mark = 0
        self.rows = np.zeros((256, STANDING_FIELDS), np.int64)
        self.top = np.zeros(1, np.int64)

    def add_accounts(
        self,
        limits_cents: NDArray[np.int64],
        products: NDArray[np.uint8],
        customers: NDArray[np.int64],
    ) -> None:
        """Add accounts, numbered on; arguments of shape ``(n,)``.

        Parameters
        ----------
        limits_cents
            Limit before any event, -1 where unknown.
        products
            Code of the product, 0 or 1.
        customers
            Number of the account that stands for the customer, as the behaviour has it.
        """
        total = self.count + len(limits_cents)
        if total > len(self.dense):
            size = max(total, 2 * len(self.dense))
            self.dense = _grown(self.dense, size)
            self.products = _grown(self.products, size)
            self.slots = _grown(self.slots, size)
            self.marks = _grown(self.marks, size)
        new = slice(self.count, total)
        self.dense[new, LIMIT] = limits_cents
        self.dense[new, LAST_USE_US] = LONG_AGO_US
        self.dense[new, CUSTOMER_TOTAL] = 0
        np.add.at(self.dense[:, CUSTOMER_TOTAL], customers, np.maximum(limits_cents, 0))
        self.products[new] = products
        self.slots[new] = NO_SLOT
        self.marks[new] = 0
        self.count = total

    def make_room(self, slots: int) -> None:
        """Room for so many more standings."""
        need = int(self.top[0]) + slots
        if need > len(self.rows):
            self.rows = _grown(self.rows, max(need, 2 * len(self.rows)))

    def tell_appeals(self, account: int, *, is_open: bool) -> None:
        """Keep whether an appeal of an account is open, as it is now.

        Examples
        --------
        >>> standing = Standing()
        >>> standing.add_accounts(np.array([100_000]), np.array([0], np.uint8), np.array([0]))
        >>> standing.tell_appeals(0, is_open=True)
        >>> bool(standing.rows[standing.slots[0], APPEALS] == OPEN_APPEAL)
        True
        """
        self.make_room(1)
        row = self.rows[slot_of(self.slots, self.rows, self.top, account)]
        row[APPEALS] = OPEN_APPEAL if is_open else NO_APPEAL

    def bad_accounts(self, as_of_us: int, window_days: int = 90) -> NDArray[np.bool_]:
        """Accounts in default, or with a violation flagged within the window, shape ``(accounts,)``."""
        slots = self.slots[: self.count]
        found = np.zeros(self.count, np.bool_)
        known = slots != NO_SLOT
        rows = self.rows[slots[known]]
        flagged = rows[:, FLAGGED_US] > as_of_us - window_days * DAY_US
        found[known] = (rows[:, DEFAULTED] == 1) | flagged
        return found

    def of_one(self, account: int, customer: int) -> "Standing":
        """One account's standing alone, with its customer's total."""
        one = Standing()
        one.add_accounts(self.dense[[account], LIMIT], self.products[[account]], np.zeros(1, np.int64))
        one.dense[0] = self.dense[account]
        one.dense[0, CUSTOMER_TOTAL] = self.dense[customer, CUSTOMER_TOTAL]
        if self.slots[account] != NO_SLOT:
            one.rows[0], one.slots[0], one.top[0] = self.rows[self.slots[account]], 0, 1
        return one

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The whole state as arrays; :meth:`from_arrays` takes them back."""
        return {
            "standing_format": np.array([STANDING_FORMAT], np.int64),
            "dense": self.dense[: self.count],
            "products": self.products[: self.count],
            "slots": self.slots[: self.count],
            "rows": self.rows[: self.top[0]],
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> "Standing":
        """The state that arrays hold.

        Raises
        ------
        InputError
            When an array is missing or they are of another format.
        """
        standing = cls()
        missing = set(standing.arrays()) - set(arrays)
        rows_format = None if missing else arrays["standing_format"].tolist()
        if rows_format not in ([WITHOUT_APPEALS], [STANDING_FORMAT]):
            raise InputError("These arrays are no standing of this version.", value=sorted(arrays))
        standing.count = len(arrays["dense"])
        standing.dense = np.array(arrays["dense"], np.int64)
        standing.products = np.array(arrays["products"], np.uint8)
        standing.slots = np.array(arrays["slots"], np.int32)
        standing.marks = np.zeros(standing.count, np.int32)
        standing.top[0] = len(arrays["rows"])
        told = int(rows_format == [STANDING_FORMAT])
        standing.rows = np.full((standing.top[0], STANDING_FIELDS), NOT_TOLD, np.int64)
        standing.rows[:, : APPEALS + told] = arrays["rows"]
        standing.make_room(256)
        return standing


def renumber_rules(
    standing: Standing, slots: NDArray[np.int32], before: Sequence[str], after: Sequence[str]
) -> None:
    """Let masks of rules follow the rules' ids to another strategy; what it does not have is forgotten.

    Parameters
    ----------
    standing
        Changed.
    slots
        Of the accounts that go over.
    before, after
        Ids of the rules of both strategies, in order.
    """
    if tuple(before) == tuple(after):
        return
    places = _places(before, after)
    alerts = [FIRST_ALERT + trigger * ALERT_FIELDS + RULES for trigger in range(ALERT_TRIGGERS)]
    rows = standing.rows
    for column in (HITS_KEPT, BARRED_RULES, *alerts):
        rows[slots, column] = renumbered(rows[slots, column], before, after)
    frozen = slots[rows[slots, FROZEN_RULE] >= 0]
    rows[frozen, FROZEN_RULE] = np.array([*places, -1])[rows[frozen, FROZEN_RULE]]


def renumbered(masks: NDArray[np.int64], before: Sequence[str], after: Sequence[str]) -> NDArray[np.int64]:
    """Masks of rules as another strategy numbers them; what it does not have is forgotten.

    Examples
    --------
    >>> renumbered(np.array([0b11, 0b10]), ["a", "b"], ["b", "c"]).tolist()
    [1, 1]
    """
    moved = np.zeros(len(masks), np.int64)
    for old, new in enumerate(_places(before, after)):
        if new >= 0:
            moved |= (masks >> old & 1) << new
    return moved


def _places(before: Sequence[str], after: Sequence[str]) -> list[int]:
    """The place of each rule in another strategy, -1 where it is not there."""
    return [after.index(rule) if rule in after else -1 for rule in before]


def _grown(array: NDArray[Any], size: int) -> NDArray[Any]:
    grown = np.zeros((size, *array.shape[1:]), array.dtype)
    grown[: len(array)] = array
    return grown
