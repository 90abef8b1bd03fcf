"""The behaviour of all accounts: events in, features out, state kept between calls."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from limitkeeper.core.behaviour.apply import apply_events, write_portraits
from limitkeeper.core.behaviour.blocks import CAPACITIES, NO_BLOCK, order_of, room_for
from limitkeeper.core.behaviour.earlier import EARLIER_FORMAT, brought_up
from limitkeeper.core.behaviour.events import (
    AMOUNT_CENTS_MAX,
    LONG_AGO_US,
    NEVER_US,
    UNKNOWN_CENTS,
    EventBatch,
    event_columns,
)
from limitkeeper.core.behaviour.features import FEATURE_NAMES
from limitkeeper.core.behaviour.history import History, history_of
from limitkeeper.core.behaviour.laying import lay_rings
from limitkeeper.core.behaviour.ring import (
    ACCOUNT_FIELDS,
    BALANCE,
    BASE_BALANCE,
    BASE_LIMIT,
    BASE_REFERENCE,
    BILL_CAPACITY,
    BILL_COUNT,
    BILL_ROWS,
    BILL_START,
    BILLS_LEAST,
    BILLS_MAX,
    CAPACITY,
    CUSTOMER,
    DROPPED_US,
    EVENT_ROWS,
    HEAD,
    ID_ROWS,
    LIMIT,
    MARK_ROWS,
    NEWEST_US,
    OPENED_US,
    REFERENCE,
    RING_EVENTS_MAX,
    SMALL_ROWS,
    START,
    START_1H,
    TAIL,
    WINDOW_COUNT,
    Ids,
    Words,
    first_odd_amount,
)
from limitkeeper.core.kernel.errors import InputError

STATE_FORMAT = 3
"""Raised when what ``arrays`` gives changes its meaning."""


class Behaviour:
    """The rings of all accounts.

    A micro-batch, single events and a whole history are the same call, with the same bits.

    Examples
    --------
    >>> from limitkeeper.core.behaviour.events import KINDS
    >>> behaviour = Behaviour()
    >>> behaviour.add_accounts(1, limit_cents=np.array([100_000]))
    >>> one, none = np.ones(1, np.int64), np.zeros(1, np.int64)
    >>> purchase = EventBatch(none, one, np.zeros(1, np.uint8), 25_000 * one, none, none, none, none, none, none,
    ...                       one, np.zeros(1, np.bool_))
    >>> features, status = behaviour.apply(purchase)
    >>> dict(zip(FEATURE_NAMES, features[0].tolist(), strict=True))["utilisation"]
    0.25
    """

    def __init__(self) -> None:
        # Zeros, though all is written before it is read: a state that is kept has the same bytes each time, and none
        # of what lay in memory before.
        self.count = 0
        self._accounts = np.zeros((0, ACCOUNT_FIELDS), np.int64)
        self._first_credit = np.zeros(0, np.int64)
        self._events, self._ids, self._marks, self._links = _arenas(1_024)
        self._bills = np.zeros((BILL_ROWS, 256), np.int64)
        self._tops = np.zeros(2, np.int64)
        self._free = np.full((2, len(CAPACITIES)), NO_BLOCK, np.int64)
        self._totals = np.empty(RING_EVENTS_MAX + 1, np.int64)

    def add_accounts(
        self,
        count: int,
        *,
        customer: NDArray[np.int64] | None = None,
        opened_us: NDArray[np.int64] | None = None,
        first_credit_us: NDArray[np.int64] | None = None,
        opening_balance_cents: NDArray[np.int64] | None = None,
        limit_cents: NDArray[np.int64] | None = None,
    ) -> None:
        """Add accounts; they are numbered on from those there.

        Parameters
        ----------
        count
            How many.
        customer
            Number of an account that stands for the customer of each, shape ``(count,)``; default is itself.
        opened_us, first_credit_us
            Stated opening and first credit event, UTC microseconds; ``NEVER_US`` where not stated.
        opening_balance_cents
            Default 0.
        limit_cents
            Limit before any event; -1 where unknown.

        Raises
        ------
        InputError
            When a customer is no account that there will be.
        """
        total = self.count + count
        if customer is not None and count and not (customer.min() >= 0 and customer.max() < total):
            raise InputError(
                "A customer is no account.", value=int(customer.max()), allowed=f"0 to {total - 1}"
            )
        rows = self._accounts
        if total > len(rows):
            grown = np.empty((max(total, 2 * len(rows)), ACCOUNT_FIELDS), np.int64)
            grown[: self.count] = rows[: self.count]
            first = np.empty(len(grown), np.int64)
            first[: self.count] = self._first_credit[: self.count]
            self._accounts, self._first_credit = grown, first
        new = self._accounts[self.count : total]
        new[:] = 0
        new[:, NEWEST_US] = new[:, DROPPED_US] = LONG_AGO_US
        new[:, OPENED_US] = NEVER_US if opened_us is None else opened_us
        new[:, REFERENCE] = new[:, BASE_REFERENCE] = UNKNOWN_CENTS
        balance = 0 if opening_balance_cents is None else opening_balance_cents
        limit = UNKNOWN_CENTS if limit_cents is None else limit_cents
        new[:, BALANCE], new[:, BASE_BALANCE] = balance, balance
        new[:, LIMIT], new[:, BASE_LIMIT] = limit, limit
        new[:, CUSTOMER] = np.arange(self.count, total) if customer is None else customer
        self._first_credit[self.count : total] = NEVER_US
        if first_credit_us is not None:
            np.minimum.at(self._first_credit, new[:, CUSTOMER], first_credit_us)
        self.count = total

    def customers(self) -> NDArray[np.int64]:
        """The account that stands for the customer of each account, shape ``(accounts,)``."""
        return self._accounts[: self.count, CUSTOMER]

    def limits_cents(self) -> NDArray[np.int64]:
        """The limit in force of each account, -1 where unknown, shape ``(accounts,)``."""
        return self._accounts[: self.count, LIMIT]

    def apply(self, batch: EventBatch) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
        """Apply events in their order; the features of each, and what became of it.

        Parameters
        ----------
        batch
            Events in arrival order, shape ``(n,)``; within an account that order decides among equal times.

        Returns
        -------
        Features ``(n, 45)`` as :data:`FEATURE_NAMES`, NaN where the event was not applied; and status ``(n,)``.

        Raises
        ------
        InputError
            When an account is not there, or an amount is none.
        """
        size = len(batch)
        out, status = np.empty((size, len(FEATURE_NAMES))), np.empty(size, np.uint8)
        if size and not (batch.account.min() >= 0 and batch.account.max() < self.count):
            raise InputError(
                "An event belongs to no account.",
                value=int(batch.account.max()),
                allowed=f"0 to {self.count - 1}",
            )
        odd = first_odd_amount(batch.amount_cents)
        if odd < size:
            amount, allowed = int(batch.amount_cents[odd]), f"0 to {AMOUNT_CENTS_MAX:,} cents"
            raise InputError("An event's amount is none.", value=amount, allowed=allowed)
        columns = event_columns(batch)
        done = 0
        while done < size:
            done = apply_events(
                self._accounts, self._first_credit, self._events, self._ids, self._marks, self._links, self._bills,
                self._tops, self._free, self._totals, columns, done, out, status,
            )  # fmt: skip
            if done < size:
                self._grow()
        return out, status

    def _grow(self) -> None:
        """A new arena where one cannot take another block of its largest size: rings side by side, bills as they lie."""
        if self._tops[0] + 2 * RING_EVENTS_MAX > self._events.shape[1]:
            rings, old = self._accounts[: self.count], (self._events, self._ids, self._marks, self._links)
            width = room_for(lay_rings(rings, old, _arenas(0)), 4 * RING_EVENTS_MAX)
            self._events, self._ids, self._marks, self._links = new = _arenas(width)
            self._tops[0] = lay_rings(rings, old, new)
            self._free[0] = NO_BLOCK
        if self._tops[1] + BILLS_MAX > self._bills.shape[1]:
            self._bills = _widened(self._bills, 2 * self._bills.shape[1] + BILLS_MAX)

    def portraits(self, as_of_us: int, accounts: NDArray[np.int64] | None = None) -> NDArray[np.float64]:
        """Accounts' features as of an instant, shape ``(accounts, 45)``; the state stays as it is.

        Parameters
        ----------
        as_of_us
            UTC microseconds; exact from 90 days before an account's newest event on.
        accounts
            Whose; all where not said.
        """
        which = np.arange(self.count) if accounts is None else accounts
        out = np.empty((len(which), len(FEATURE_NAMES)))
        write_portraits(
            self._accounts,
            self._first_credit,
            self._events,
            self._marks,
            self._links,
            self._bills,
            self._totals,
            which,
            as_of_us,
            out,
        )
        return out

    def arrays(self) -> dict[str, NDArray[np.integer[Any]]]:
        """The whole state as arrays, to be kept; :meth:`from_arrays` takes them back."""
        return {
            "format": np.array([STATE_FORMAT], np.int64),
            "accounts": self._accounts[: self.count],
            "first_credit": self._first_credit[: self.count],
            "events": self._events[:, : self._tops[0]],
            "ids": self._ids[:, : self._tops[0]],
            "marks": self._marks[:, : self._tops[0]],
            "links": self._links[:, : self._tops[0]],
            "bills": self._bills[:, : self._tops[1]],
            "tops": self._tops,
            "widths": np.array([self._events.shape[1], self._bills.shape[1]], np.int64),
            "free": self._free,
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[np.integer[Any]]]) -> "Behaviour":
        """The state that arrays hold, of this format or the one before it.

        Raises
        ------
        InputError
            When an array is missing or they are of another format.
        """
        behaviour = cls()
        missing = set(behaviour.arrays()) - set(arrays)
        if not missing and arrays["format"].tolist() == [EARLIER_FORMAT]:
            arrays = brought_up(arrays)
        elif missing or arrays["format"].tolist() != [STATE_FORMAT]:
            raise InputError(
                "These arrays are no state of this version.",
                value=sorted(arrays),
                allowed=f"format {STATE_FORMAT} with {', '.join(behaviour.arrays())}",
                advice="Build the state again from the events.",
            )
        behaviour.count = len(arrays["accounts"])
        for name in ("accounts", "first_credit", "tops", "free"):
            setattr(behaviour, f"_{name}", np.array(arrays[name], dtype=np.int64))
        # The arenas are as wide as they were: when one is full, and what lies where then, is part of the state.
        width, bills_width = arrays["widths"].tolist()
        for name in ("events", "ids", "marks", "links", "bills"):
            wide = bills_width if name == "bills" else width
            setattr(behaviour, f"_{name}", _widened(arrays[name], wide))
        return behaviour

    def history(self, account: int) -> History:
        """An account's live events and bills.

        Raises
        ------
        InputError
            When there is no such account.
        """
        arenas = self._events, self._ids, self._marks, self._links, self._bills
        return history_of(self._row(account), *arenas)

    def ring_bytes(self, account: int) -> bytes:
        """An account's ring as bytes: its row, its live events and its bills; independent of where they lay.

        Raises
        ------
        InputError
            When there is no such account.
        """
        row = self._row(account).copy()
        low, high = row[START] + row[HEAD], row[START] + row[TAIL]
        first_bill, bill_count = row[BILL_START], row[BILL_COUNT]
        first_credit = self._first_credit[row[CUSTOMER]]
        row[[START, CAPACITY, BILL_START, BILL_CAPACITY]] = 0
        row[START_1H : START_1H + WINDOW_COUNT] -= row[HEAD]
        row[HEAD], row[TAIL] = 0, high - low
        parts = (
            np.array([STATE_FORMAT, first_credit], np.int64),
            row,
            self._events[:, low:high],
            self._ids[:, low:high],
            self._bills[:, first_bill : first_bill + bill_count],
            self._links[:, low:high],
            self._marks[:, low:high],
        )
        return b"".join(np.ascontiguousarray(part).tobytes() for part in parts)

    def restore_ring(self, account: int, content: bytes) -> None:
        """Put a ring from :meth:`ring_bytes` in an account's place.

        Raises
        ------
        InputError
            When the bytes are no ring of this version, or there is no such account.
        """
        here = self._row(account)
        head = np.frombuffer(content[: 8 * (2 + ACCOUNT_FIELDS)], np.int64)
        if len(head) < 2 + ACCOUNT_FIELDS or head[0] != STATE_FORMAT:
            raise InputError("These bytes are no ring of this version.", value=f"{len(content)} bytes")
        row = head[2:].copy()
        live, bill_count = int(row[TAIL]), int(row[BILL_COUNT])
        sizes = (
            4 * EVENT_ROWS * live,
            4 * ID_ROWS * live,
            8 * BILL_ROWS * bill_count,
            2 * SMALL_ROWS * live,
            MARK_ROWS * live,
        )
        if len(content) != head.nbytes + sum(sizes):
            raise InputError("The ring's bytes are not whole.", value=f"{len(content)} bytes")
        first, second, third, fourth = (head.nbytes + sum(sizes[:parts]) for parts in (1, 2, 3, 4))
        capacity = int(CAPACITIES[order_of(max(live, BILLS_LEAST) + 1)])
        bill_capacity = int(CAPACITIES[order_of(bill_count)])
        while (
            self._tops[0] + capacity > self._events.shape[1]
            or self._tops[1] + bill_capacity > self._bills.shape[1]
        ):
            self._grow()
        start, bill_start = int(self._tops[0]), int(self._tops[1])
        self._tops += np.array([capacity, bill_capacity])
        events = np.frombuffer(content[head.nbytes : first], np.uint32).reshape(EVENT_ROWS, live)
        ids = np.frombuffer(content[first:second], np.uint32).reshape(ID_ROWS, live)
        bills = np.frombuffer(content[second:third], np.int64).reshape(BILL_ROWS, bill_count)
        self._events[:, start : start + live] = events
        self._ids[:, start : start + live] = ids
        marks = np.frombuffer(content[fourth:], np.uint8).reshape(MARK_ROWS, live)
        self._marks[:, start : start + live] = marks
        links = np.frombuffer(content[third:fourth], np.uint16).reshape(SMALL_ROWS, live)
        self._links[:, start : start + live] = links
        self._bills[:, bill_start : bill_start + bill_count] = bills
        customer = here[CUSTOMER]
        here[:] = row
        here[START], here[CAPACITY], here[BILL_START], here[BILL_CAPACITY] = (
            start,
            capacity,
            bill_start,
            bill_capacity,
        )
        here[CUSTOMER] = customer
        self._first_credit[customer] = min(self._first_credit[customer], int(head[1]))

    def _row(self, account: int) -> NDArray[np.int64]:
        if not 0 <= account < self.count:
            raise InputError("There is no such account.", value=account, allowed=f"0 to {self.count - 1}")
        row: NDArray[np.int64] = self._accounts[account]
        return row


def _arenas(width: int) -> tuple[Words, Ids, NDArray[np.uint8], NDArray[np.uint16]]:
    """Empty arenas of events, their ids, marks and links."""
    return (
        np.zeros((EVENT_ROWS, width), np.uint32),
        np.zeros((ID_ROWS, width), np.uint32),
        np.zeros((MARK_ROWS, width), np.uint8),
        np.zeros((SMALL_ROWS, width), np.uint16),
    )


def _widened(array: NDArray[Any], width: int) -> NDArray[Any]:
    """An array with room behind it, so that its last axis is that wide."""
    wide = np.zeros((*array.shape[:-1], width), array.dtype)
    wide[..., : array.shape[-1]] = array
    return wide
