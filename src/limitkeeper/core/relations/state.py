"""The relations of all accounts: ids seen and declarations in, links and contagion out, state kept between calls."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from limitkeeper.core.behaviour.events import DAY_US
from limitkeeper.core.kernel.errors import InputError, did_you_mean
from limitkeeper.core.relations.contagion import count_bad_neighbours, settle, write_columns
from limitkeeper.core.relations.links import (
    LINK_DAYS,
    NO_KEY,
    PLACES_LEAST,
    keep_pairs,
    linked,
    observe_ids,
)
from limitkeeper.core.relations.neighbourhood import Picture, SharedId, accounts_near, shared_ids
from limitkeeper.core.relations.quantities import RELATION_QUANTITIES

RELATIONS_FORMAT = 1
"""Raised when what ``arrays`` gives changes its meaning."""

DECLARED_KINDS = ("guarantor", "contact")
"""Relations that a customer declares, with the other's consent."""

ACCOUNTS_MAX = np.iinfo(np.int32).max

Numbers = NDArray[np.int64]
Table = tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.uint16]]


class Relations:
    """Who is linked to whom, as of the last refresh.

    An id that is kept takes at most 22 bytes for each account it was seen with (14 in a table that is never less than
    64 % full after its first growth); an account takes 21 bytes, and each direction of a link 12.

    Parameters
    ----------
    allowed
        Whether the market allows relations to be used. Where not, nothing is kept and every column is NaN.

    Examples
    --------
    >>> relations = Relations()
    >>> relations.add_accounts(3)
    >>> device = np.array([7, 7, 9])
    >>> relations.observe(np.arange(3), device, np.zeros(3, np.int64), np.zeros(3, np.int64))
    >>> relations.refresh(0, np.array([True, False, False]))
    >>> relations.columns(np.arange(3)).round(2).tolist()
    [[1.0, 1.0, 0.0], [0.0, 1.0, nan], [0.54, 0.46, 0.0]]
    """

    def __init__(self, *, allowed: bool = True) -> None:
        self.allowed = allowed
        self.count = 0
        self._table = _empty_table(PLACES_LEAST)
        self._taken = np.zeros(1, np.int64)
        self._declared = {kind: np.zeros(0, np.int64) for kind in DECLARED_KINDS}
        self._withheld = np.zeros(0, np.int64)
        self._settle_on(np.zeros(0, np.int64), np.zeros(0, np.bool_))

    def add_accounts(self, count: int) -> None:
        """Add accounts; they are numbered on from those there, and linked at the next refresh.

        Raises
        ------
        InputError
            When there are more than can be numbered.
        """
        if self.count + count > ACCOUNTS_MAX:
            raise InputError("There are too many accounts.", value=self.count + count, allowed=ACCOUNTS_MAX)
        self.count += count

    def observe(self, account: Numbers, device: Numbers, counterparty: Numbers, ts_us: Numbers) -> None:
        """Keep with which ids accounts were seen; all of shape ``(n,)``.

        Parameters
        ----------
        account
            Numbers of accounts.
        device, counterparty
            64-bit hashes of the ids, 0 where missing.
        ts_us
            Event times, UTC microseconds; kept by the day.

        Raises
        ------
        InputError
            When an account is not there.
        """
        self._check(account)
        if len(self._withheld):
            taken = ~np.isin(account, self._withheld)
            account, device, counterparty, ts_us = (
                each[taken] for each in (account, device, counterparty, ts_us)
            )
        done = 0
        while self.allowed and done < len(account):
            done = observe_ids(*self._table, self._taken, account, device, counterparty, ts_us, done)
            if done < len(account):
                self._move(places=len(self._table[0]) * 5 // 4, oldest_day=0)

    def declare(self, first: Numbers | int, second: Numbers | int, kind: str) -> None:
        """Link accounts by a declaration to which the other consented; it holds until revoked.

        Parameters
        ----------
        first, second
            The account that declares, and the one declared; shape ``(n,)`` or one each.
        kind
            One of :data:`DECLARED_KINDS`.

        Raises
        ------
        InputError
            When an account is not there or declares itself, or the kind is not known.
        """
        new = self._declarations(first, second, kind)
        if self.allowed:
            self._declared[kind] = np.union1d(self._declared[kind], new)

    def revoke(self, first: Numbers | int, second: Numbers | int, kind: str) -> None:
        """Take declarations back; one that was not made changes nothing. Arguments as of :meth:`declare`."""
        self._declared[kind] = np.setdiff1d(self._declared[kind], self._declarations(first, second, kind))

    def revoke_all(self, account: Numbers) -> None:
        """Take back every declaration from or to accounts, shape ``(n,)``; their links end at the next refresh."""
        self._check(account)
        for kind, pairs in self._declared.items():
            touched = np.isin(pairs >> 32, account) | np.isin(pairs & 0xFFFFFFFF, account)
            self._declared[kind] = pairs[~touched]

    def withhold(self, account: Numbers) -> None:
        """Use accounts' relations no more: their columns are missing from now on, and no id of theirs is kept.

        What links others to them ends at the next refresh. It is not among :meth:`arrays`: whoever keeps them withholds
        again.

        Parameters
        ----------
        account
            Numbers of accounts, shape ``(n,)``.

        Raises
        ------
        InputError
            When an account is not there.
        """
        self.revoke_all(account)
        self._withheld = np.union1d(self._withheld, account)
        _, accounts, days = self._table
        days[np.isin(accounts, account)] = 0  # too old to link: forgotten at the next refresh

    def release(self, account: Numbers) -> None:
        """Use accounts' relations again, shape ``(n,)``, by what is seen or declared from now on."""
        self._withheld = np.setdiff1d(self._withheld, account)

    def refresh(self, as_of_us: int, bad: NDArray[np.bool_]) -> None:
        """Compute links and contagion anew, and forget the ids that expired.

        Parameters
        ----------
        as_of_us
            UTC microseconds; an id links accounts that were seen with it in the :data:`LINK_DAYS` days before.
        bad
            Accounts in default or closed for violation, shape ``(accounts,)``.

        Raises
        ------
        InputError
            When ``bad`` is not of every account.
        """
        self._check_bad(bad)
        if not self.allowed:
            return
        oldest_day = as_of_us // DAY_US - LINK_DAYS
        keys, _, days = self._table
        live = int(np.count_nonzero((keys != NO_KEY) & (days >= oldest_day)))
        if live < self._taken[0]:
            self._move(places=max(PLACES_LEAST, live * 25 // 16), oldest_day=oldest_day)
        declared = np.concatenate(list(self._declared.values()))
        pairs = np.column_stack([declared >> 32, declared & 0xFFFFFFFF])
        self._settle_on(linked(*self._table, oldest_day, pairs), np.zeros(self.count, np.bool_))
        self.refresh_near(np.flatnonzero(bad), bad)

    def refresh_near(self, seeds: Numbers, bad: NDArray[np.bool_]) -> Numbers:
        """Compute again what accounts that became bad, or are so no more, change around them.

        Changes run along the links of the last refresh until they are below 2**-17. The columns then are those that
        a refresh on the same links gives, to :data:`~limitkeeper.core.relations.contagion.TOLERANCE`.

        Parameters
        ----------
        seeds
            Accounts whose ``bad`` changed; any that did not are harmless.
        bad
            As of :meth:`refresh`.

        Returns
        -------
        Accounts whose columns were computed again, in order.

        Raises
        ------
        InputError
            When ``bad`` is not of every account, or a seed is not there.
        """
        self._check_bad(bad)
        self._check(seeds)
        known = len(self._bad)  # accounts that came since the last refresh have no links yet
        seeds = np.unique(seeds[seeds < known])
        seeds = seeds[(self._bad[seeds] != bad[seeds]) & (self._starts[seeds + 1] > self._starts[seeds])]
        if not self.allowed or not len(seeds):
            return np.zeros(0, np.int64)
        self._bad[seeds] = bad[seeds]
        marks = np.zeros(known, np.uint8)
        marks[seeds] = 1
        queue, changed = np.empty(known, np.int32), np.empty(known, np.int32)
        queue[: len(seeds)] = seeds
        settle(
            self._starts, self._neighbours, self._bad, self._contagion, self._told, marks, queue, changed,
            len(seeds),
        )  # fmt: skip
        touched = np.flatnonzero(marks)
        count_bad_neighbours(self._starts, self._neighbours, self._bad, touched, self._bad_neighbours)
        return touched

    def columns(self, account: Numbers) -> NDArray[np.float64]:
        """What relations say of accounts, shape ``(3, n)`` as :data:`RELATION_QUANTITIES`.

        Raises
        ------
        InputError
            When an account is not there.
        """
        self._check(account)
        out = np.full((len(RELATION_QUANTITIES), len(account)), np.nan)
        if self.allowed:
            write_columns(self._starts, self._bad_neighbours, self._contagion, account, out)
            if len(self._withheld):
                out[:, np.isin(account, self._withheld)] = np.nan
        return out

    def picture(self, account: int, oldest_day: int) -> Picture:
        """The accounts near one along the links of the last refresh, and what links them.

        Parameters
        ----------
        account
            In the middle.
        oldest_day
            An id seen before it is told of no more; see :data:`LINK_DAYS`.

        Raises
        ------
        InputError
            When the account is not there.
        """
        self._check(np.array([account]))
        if not self.allowed or account >= len(self._bad) or account in self._withheld:
            return Picture([account], [0], [], [])
        near, hops = accounts_near(self._starts, self._neighbours, self._contagion, account)
        shown = ~np.isin(near, self._withheld)
        near, hops = (np.array(each)[shown].tolist() for each in (near, hops))
        pairs = [(low, high) for low, first in enumerate(near) for high, second in enumerate(near)
                 if low < high and self._is_linked(first, second)]  # fmt: skip
        linked = set(pairs)
        shared = [
            each
            for each in shared_ids(*self._table, oldest_day, near, self.count)
            if (each.first, each.second) in linked
        ]
        for kind, declared in self._declared.items():
            one, other = declared >> 32, declared & 0xFFFFFFFF
            which = np.isin(one, near) & np.isin(other, near)
            shared += [
                SharedId(near.index(first), near.index(second), kind, None)
                for first, second in zip(one[which].tolist(), other[which].tolist(), strict=True)
            ]
        return Picture(near, hops, pairs, shared)

    def _is_linked(self, first: int, second: int) -> bool:
        place = int(np.searchsorted(self._links, first << 32 | second))
        return place < len(self._links) and bool(self._links[place] == first << 32 | second)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The whole state as arrays, to be kept; :meth:`from_arrays` takes them back."""
        keys, accounts, days = self._table
        return {
            "format": np.array([RELATIONS_FORMAT, self.count], np.int64),
            "keys": keys,
            "accounts": accounts,
            "days": days,
            **{f"declared_{kind}": pairs for kind, pairs in self._declared.items()},
            "links": self._links,
            "bad": self._bad,
            "contagion": self._contagion,
            "told": self._told,
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], *, allowed: bool = True) -> "Relations":
        """The state that arrays hold; where relations are not allowed any more, only that the accounts are there.

        Raises
        ------
        InputError
            When an array is missing or they are of another format.
        """
        relations = cls(allowed=allowed)
        missing = set(relations.arrays()) - set(arrays)
        if missing or arrays["format"][0] != RELATIONS_FORMAT:
            raise InputError(
                "These arrays are no relations of this version.",
                value=sorted(arrays),
                allowed=f"format {RELATIONS_FORMAT} with {', '.join(relations.arrays())}",
                advice="Build the state again from the events.",
            )
        relations.count = int(arrays["format"][1])
        if not allowed:
            return relations
        relations._table = (
            np.array(arrays["keys"], np.int64),
            np.array(arrays["accounts"], np.int32),
            np.array(arrays["days"], np.uint16),
        )
        relations._taken[0] = np.count_nonzero(relations._table[0] != NO_KEY)
        relations._declared = {
            kind: np.array(arrays[f"declared_{kind}"], np.int64) for kind in DECLARED_KINDS
        }
        relations._settle_on(np.array(arrays["links"], np.int64), np.array(arrays["bad"], np.bool_))
        relations._contagion = np.array(arrays["contagion"], np.int32)
        relations._told = np.array(arrays["told"], np.int32)
        return relations

    def _settle_on(self, links: Numbers, bad: NDArray[np.bool_]) -> None:
        """Take links, in order; no contagion has run along them yet."""
        count = len(bad)
        self._links, self._bad = links, bad
        self._starts = np.searchsorted(links, np.arange(count + 1) << 32).astype(np.int64)
        self._neighbours = (links & 0xFFFFFFFF).astype(np.int32)
        self._contagion, self._told = np.zeros(count, np.int32), np.zeros(count, np.int32)
        self._bad_neighbours = np.zeros(count, np.int32)
        count_bad_neighbours(self._starts, self._neighbours, bad, np.arange(count), self._bad_neighbours)

    def _move(self, places: int, oldest_day: int) -> None:
        """To a table of so many places, without pairs that were seen before a day."""
        table = _empty_table(places)
        self._taken[0] = keep_pairs(*table, *self._table, oldest_day)
        self._table = table

    def _declarations(self, first: Numbers | int, second: Numbers | int, kind: str) -> Numbers:
        if kind not in DECLARED_KINDS:
            raise InputError(
                "There is no such relation.",
                value=kind,
                allowed=", ".join(DECLARED_KINDS),
                advice=did_you_mean(kind, DECLARED_KINDS),
            )
        one, other = np.atleast_1d(np.asarray(first, np.int64)), np.atleast_1d(np.asarray(second, np.int64))
        self._check(one)
        self._check(other)
        if (one == other).any():
            raise InputError("An account declares itself.", value=int(one[one == other][0]))
        return one << 32 | other

    def _check(self, account: Numbers) -> None:
        if len(account) and not (account.min() >= 0 and account.max() < self.count):
            raise InputError(
                "There is no such account.",
                value=int(account.max() if account.min() >= 0 else account.min()),
                allowed=f"0 to {self.count - 1}",
            )

    def _check_bad(self, bad: NDArray[np.bool_]) -> None:
        if len(bad) != self.count:
            raise InputError(
                "Not every account is told to be bad or not.", value=len(bad), allowed=self.count
            )


def _empty_table(places: int) -> Table:
    return np.zeros(places, np.int64), np.zeros(places, np.int32), np.zeros(places, np.uint16)
