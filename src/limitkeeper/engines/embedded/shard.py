"""A shard: the accounts that one thread works on, and all that is known of them."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from limitkeeper.app.features import Books, numbers_of, register_accounts
from limitkeeper.connectors.events import id_text
from limitkeeper.core.alerts.arms import ArmRules, arm_of_bucket
from limitkeeper.core.alerts.standing import NO_SLOT, Standing, renumber_rules
from limitkeeper.core.alerts.terms import WatchTerms
from limitkeeper.core.alerts.watch import (
    LOOKED,
    Looks,
    Part,
    Reading,
    Watched,
    assessed_upon,
    read_upon,
    watched,
)
from limitkeeper.core.behaviour.change import CHANGE_QUANTITIES, ChangeDetection
from limitkeeper.core.behaviour.events import ACCEPTED, EventBatch
from limitkeeper.core.behaviour.state import Behaviour
from limitkeeper.core.compliance.buckets import buckets_of
from limitkeeper.core.relations.quantities import RELATION_QUANTITIES
from limitkeeper.core.strategy.account import PRODUCT_CODES
from limitkeeper.core.strategy.holdout import HOLDOUT_DRAW, NO_HOLDOUT, HoldoutTerms, holdout_draws

CHANGE_NAMES = tuple(quantity.name for quantity in CHANGE_QUANTITIES)
RELATION_NAMES = tuple(quantity.name for quantity in RELATION_QUANTITIES)

RelationsOf = Callable[[NDArray[np.int64]], NDArray[np.float64]]
"""What relations say of a shard's accounts, ``(3, n)``."""


@dataclass(frozen=True, slots=True)
class Applied:
    """What came of a shard's events, in their order.

    Parameters
    ----------
    batch
        The events.
    features, status
        Of every event; NaN where it was not applied.
    rows
        Which were applied: the looks of ``part`` are these.
    part
        What is to be watched.
    """

    batch: EventBatch
    features: NDArray[np.float64]
    status: NDArray[np.uint8]
    rows: NDArray[np.int64]
    part: Part


class Hashed:
    """A number of each account by a hash of its id, worked out once for as long as the salt stays.

    Parameters
    ----------
    numbers_of
        Of ids, under a salt.
    """

    def __init__(self, numbers_of: Callable[[Sequence[str], Any], NDArray[Any]]) -> None:
        self.numbers_of = numbers_of
        self.salt: object = None
        self.numbers = numbers_of((), None)

    def of(self, ids: Sequence[str], salt: object) -> NDArray[Any]:
        """The number of each account, ``(accounts,)``."""
        if salt != self.salt:
            self.salt, self.numbers = salt, self.numbers[:0]
        new = ids[len(self.numbers) :]
        if new:
            self.numbers = np.concatenate([self.numbers, self.numbers_of(new, salt)])
        return self.numbers

    def rename(self, number: int, name: str) -> None:
        """Work an account's number out again, where it was."""
        if number < len(self.numbers):
            self.numbers[number] = self.numbers_of([name], self.salt)[0]


@dataclass
class Shard:
    """The accounts of one shard: their behaviour, what stands of them, and change detection."""

    books: Books = field(default_factory=Books)
    standing: Standing = field(default_factory=Standing)
    change: ChangeDetection = field(default_factory=ChangeDetection)
    ids: list[str] = field(default_factory=list)
    _buckets: Hashed = field(default_factory=lambda: Hashed(buckets_of))
    _draws: Hashed = field(default_factory=lambda: Hashed(holdout_draws))

    def register(self, accounts: pl.DataFrame) -> None:
        """Add accounts that are stated; those that are known stay as they are.

        Raises
        ------
        InputError
            When a stated column cannot be read.
        """
        known = self.books.numbers
        new = accounts.filter(pl.Series([each not in known for each in id_text(accounts["account_id"])]))
        register_accounts(self.books, new)
        products = np.zeros(new.height, np.uint8)
        if "product" in new.columns:
            products = new["product"].replace_strict(PRODUCT_CODES, default=0.0).cast(pl.UInt8).to_numpy()
        self._follow(id_text(new["account_id"]).to_list(), products)

    def numbered(self, account_ids: Sequence[str]) -> NDArray[np.int64]:
        """The number of each account; those that are new are added."""
        before = len(self.books.numbers)
        found = numbers_of(self.books, account_ids)
        added = len(self.books.numbers) - before
        if added:
            new = list(islice(reversed(self.books.numbers), added))[::-1]
            self._follow(new, np.zeros(added, np.uint8))
        return found

    def rename(self, number: int, name: str) -> str:
        """Call an account by another id from now on; the one before."""
        before, self.ids[number] = self.ids[number], name
        numbers = self.books.numbers
        # In its place: the order of the ids is that of the numbers.
        self.books.numbers = {name if each == before else each: place for each, place in numbers.items()}
        for hashed in (self._buckets, self._draws):
            hashed.rename(number, name)
        return before

    def _follow(self, ids: list[str], products: NDArray[np.uint8]) -> None:
        """Let standing and change detection grow with the behaviour."""
        if not ids:
            return
        self.ids += ids
        behaviour, first = self.books.behaviour, self.standing.count
        self.standing.add_accounts(behaviour.limits_cents()[first:], products, behaviour.customers()[first:])
        self.change.add_accounts(len(ids))

    def buckets(self, salt: str) -> NDArray[Any]:
        """The bucket of each account under a market's name, ``(accounts,)``."""
        return self._buckets.of(self.ids, salt)

    def arms(self, of_bucket: NDArray[np.uint8], salt: str, accounts: NDArray[np.int64]) -> NDArray[np.uint8]:
        """The arm of accounts, ``(n,)``; where the champion has every bucket, none is worked out."""
        if not of_bucket.any():
            return np.zeros(len(accounts), np.uint8)
        found: NDArray[np.uint8] = of_bucket[self.buckets(salt)[accounts]]
        return found

    def renumber(self, before: Sequence[ArmRules], after: Sequence[ArmRules], salt: str) -> None:
        """Let masks of rules follow the rules' ids from the arm that an account was of to the one that it is of."""
        if before == after:
            return
        slots = self.standing.slots[: self.standing.count]
        known = np.flatnonzero(slots != NO_SLOT)
        left, entered = (
            self.arms(arm_of_bucket([each.buckets for each in rules]), salt, known)
            for rules in (before, after)
        )
        for old, of_old in enumerate(before):
            for new, of_new in enumerate(after):
                own = slots[known[(left == old) & (entered == new)]]
                renumber_rules(self.standing, own, of_old.rules, of_new.rules)

    def apply(
        self,
        account_ids: Sequence[str],
        events: EventBatch,
        relations: RelationsOf,
        holdout: HoldoutTerms = NO_HOLDOUT,
    ) -> Applied:
        """Apply events in their order; what they lead to is to be watched before any others are applied.

        Parameters
        ----------
        account_ids, events
            Whose they are, and what they are, in arrival order.
        relations
            What relations say of accounts, by their numbers.
        holdout
            Who is held out by chance.
        """
        batch = events.of_accounts(self.numbered(account_ids))
        features, status = self.books.behaviour.apply(batch)
        changes = self.change.apply(
            batch.account, batch.kind, batch.ts_us, batch.amount_cents, batch.paid_cents, status
        )
        rows = np.flatnonzero(status == ACCEPTED)
        which = slice(None) if len(rows) == len(status) else rows  # where all are, nothing is copied
        account = batch.account[which]
        looks = Looks(
            account=account,
            ts_us=batch.ts_us[which],
            kind=batch.kind[which].astype(np.int16),
            amount_cents=batch.amount_cents[which],
            days_past_due=batch.days_past_due[which],
            features=features[which],
            others=self._others(account, changes[which], relations(account), holdout),
        )
        return Applied(batch, features, status, rows, self._part(looks))

    def _part(self, looks: Looks) -> Part:
        return Part(self.standing, self.books.behaviour.customers(), looks)

    def look(
        self, accounts: NDArray[np.int64], as_of_us: int, terms: WatchTerms, relations: RelationsOf
    ) -> Watched:
        """Look at accounts as of a time, without an event."""
        return watched([self._part(self._looks(accounts, as_of_us, relations, terms.holdout))], terms)

    def seen(
        self, accounts: NDArray[np.int64], as_of_us: int, terms: WatchTerms, relations: RelationsOf
    ) -> tuple[NDArray[np.float64], Watched]:
        """Accounts' features as of a time, ``(n, 45)``, and how they are assessed; nothing is decided or changed."""
        looks = self._looks(accounts, as_of_us, relations, terms.holdout)
        return looks.features, assessed_upon(read_upon(self._part(looks), terms), terms)

    def read(
        self, accounts: NDArray[np.int64], as_of_us: int, each: Sequence[WatchTerms], relations: RelationsOf
    ) -> list[Reading]:
        """What each of several terms reads of accounts as of a time; nothing is assessed, decided or changed."""
        part = self._part(self._looks(accounts, as_of_us, relations, each[0].holdout))
        return [read_upon(part, terms) for terms in each]

    def _looks(
        self, accounts: NDArray[np.int64], as_of_us: int, relations: RelationsOf, holdout: HoldoutTerms
    ) -> Looks:
        nothing = np.zeros(len(accounts), np.int64)
        return Looks(
            account=accounts,
            ts_us=np.full(len(accounts), as_of_us, np.int64),
            kind=np.full(len(accounts), LOOKED, np.int16),
            amount_cents=nothing,
            days_past_due=nothing,
            features=self.books.behaviour.portraits(as_of_us, accounts),
            others=self._others(accounts, self.change.scores(accounts), relations(accounts), holdout),
        )

    def _others(
        self,
        accounts: NDArray[np.int64],
        changes: NDArray[np.float64],
        relations: NDArray[np.float64],
        holdout: HoldoutTerms,
    ) -> dict[str, NDArray[np.float64]]:
        columns = {name: np.ascontiguousarray(changes[:, k]) for k, name in enumerate(CHANGE_NAMES)}
        columns |= {name: relations[k] for k, name in enumerate(RELATION_NAMES)}
        if holdout.share:
            columns[HOLDOUT_DRAW] = self._draws.of(self.ids, holdout.salt)[accounts]
        return columns

    def state_bytes(self) -> int:
        """Bytes of its arrays, as far as they are used."""
        parts = (self.books.behaviour.arrays(), self.standing.arrays(), self.change.arrays())
        return sum(array.nbytes for arrays in parts for array in arrays.values())

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The whole state as arrays; ids as JSON."""
        parts = {
            "behaviour": self.books.behaviour.arrays(),
            "standing": self.standing.arrays(),
            "change": self.change.arrays(),
        }
        found = {f"{part}.{name}": array for part, arrays in parts.items() for name, array in arrays.items()}
        found["ids"] = np.frombuffer(json.dumps(self.ids, ensure_ascii=False).encode(), np.uint8)
        return found

    @classmethod
    def from_arrays(cls, arrays: dict[str, NDArray[Any]]) -> "Shard":
        """The shard that arrays hold."""

        def part(name: str) -> dict[str, NDArray[Any]]:
            return {
                key.split(".", 1)[1]: value for key, value in arrays.items() if key.startswith(f"{name}.")
            }

        ids = json.loads(arrays["ids"].tobytes())
        numbers = dict(zip(ids, range(len(ids)), strict=True))
        return cls(
            Books(Behaviour.from_arrays(part("behaviour")), numbers),
            Standing.from_arrays(part("standing")),
            ChangeDetection.from_arrays(part("change")),
            ids,
        )
