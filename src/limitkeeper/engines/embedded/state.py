"""The state of all accounts behind a running server: shards, relations, and the clock of events.

What is on a clock (freezes that nobody confirmed, steps that are due, relations) happens at the boundaries of
event time: when the first event beyond a boundary arrives, or when the server's clock passes it. So the result is
a pure function of the entries of the journal, in their order, and not of when they were written.
"""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import InitVar, dataclass, field
from functools import partial
from itertools import islice
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from limitkeeper.app.features import Books, register_accounts
from limitkeeper.connectors.events import id_hashes, id_text
from limitkeeper.core.alerts.arms import ArmRules, ArmWatched, watched_by_arm
from limitkeeper.core.alerts.due import (
    check_freeze,
    confirm_freeze,
    due_accounts,
    lift_freeze,
    next_due_us,
)
from limitkeeper.core.alerts.fold import OPENED
from limitkeeper.core.alerts.portfolio import DailyRates, UnusualRate
from limitkeeper.core.alerts.standing import ALERT_TRIGGERS
from limitkeeper.core.behaviour.events import ACCEPTED, DAY_US, LONG_AGO_US, EventBatch
from limitkeeper.core.behaviour.features import FEATURE_NAMES
from limitkeeper.core.kernel.errors import InputError
from limitkeeper.core.relations.state import DECLARED_KINDS
from limitkeeper.core.strategy.account import PRODUCT_CODES
from limitkeeper.engines.embedded.arrivals import Arrivals
from limitkeeper.engines.embedded.boundaries import BOUNDARY_US, SHARDS
from limitkeeper.engines.embedded.consent import Unlinked
from limitkeeper.engines.embedded.outcome import Outcome, Step
from limitkeeper.engines.embedded.shard import Applied, Shard
from limitkeeper.engines.embedded.terms import LiveTerms
from limitkeeper.engines.embedded.web import Web, web_number

FEW_EVENTS = 512
"""Up to so many, handing a shard's part to another thread costs more than it saves."""


@dataclass
class LiveState:
    """All accounts, and the clock of events."""

    terms: LiveTerms
    shards: list[Shard] = field(default_factory=lambda: [Shard() for _ in range(SHARDS)])
    elsewhere: dict[str, int] = field(default_factory=dict)
    unlinked: Unlinked = field(default_factory=Unlinked)
    watermark_us: int = LONG_AGO_US
    rates: DailyRates = field(default_factory=DailyRates)
    kept_web: InitVar[Web | None] = None
    web: Web = field(init=False)

    def __post_init__(self, kept_web: Web | None) -> None:
        self.web = kept_web or Web(self.terms.relations_allowed)
        self.hold_unlinked(self.unlinked.ids)
        self._pool = ThreadPoolExecutor(len(self.shards), thread_name_prefix="shard")

    def close(self) -> None:
        """End its threads."""
        self._pool.shutdown()

    def __len__(self) -> int:
        return sum(len(shard.ids) for shard in self.shards)

    def shard_numbers(self, account_ids: list[str], hashes: NDArray[np.int64]) -> NDArray[np.int64]:
        """The shard of each account, by the hash of its id, or where its customer's other lines are."""
        found = (hashes & 0x7FFF_FFFF) % len(self.shards)
        if self.elsewhere:
            for row, account in enumerate(account_ids):
                found[row] = self.elsewhere.get(account, found[row])
        return found

    def _shards_of(self, ids: pl.Series) -> NDArray[np.int64]:
        return self.shard_numbers(ids.to_list(), id_hashes(ids))

    def register(self, accounts: pl.DataFrame) -> None:
        """Add accounts that are stated and not known; lines of one customer go to one shard.

        Raises
        ------
        InputError
            When a column cannot be read.
        """
        if "account_id" not in accounts.columns:
            raise InputError("The accounts have no column 'account_id'.", allowed=", ".join(accounts.columns))
        if (
            "product" in accounts.columns
            and not accounts["product"].drop_nulls().is_in(list(PRODUCT_CODES)).all()
        ):
            raise InputError("A product is unknown.", allowed=", ".join(PRODUCT_CODES))
        register_accounts(Books(), accounts)  # raises before any shard has changed
        ids = id_text(accounts["account_id"])
        own = self._shards_of(ids)
        keys = id_text(accounts["customer_id"]).fill_null(ids) if "customer_id" in accounts.columns else ids
        wanted = np.where((keys == ids).to_numpy(), own, self._shards_of(keys))
        names = ids.to_list()
        known = np.array(
            [
                name in self.shards[place].books.numbers
                for name, place in zip(names, own.tolist(), strict=True)
            ],
            np.bool_,
        )
        for number, shard in enumerate(self.shards):
            part = accounts.filter(pl.Series(~known & (wanted == number)))
            if part.height:
                shard.register(part)
        moved = np.flatnonzero(~known & (wanted != own))
        self.elsewhere |= {names[row]: int(wanted[row]) for row in moved}
        new = accounts.filter(pl.Series(~known))
        self.web.grow(self.shards)
        if self.unlinked:  # also known accounts: their owner may be told only now
            if "customer_id" in accounts.columns:
                self.unlinked.own(dict(zip(names, id_text(accounts["customer_id"]), strict=True)))
            self.hold_unlinked(names)
        self._declare(new)

    def _declare(self, accounts: pl.DataFrame) -> None:
        """Link accounts to the guarantors and contacts that they stated; both must be known by now, and consent."""
        for kind in DECLARED_KINDS:
            name = f"{kind}_account_id"
            if name not in accounts.columns:
                continue
            stated = accounts.select("account_id", name).drop_nulls()
            for first, second in zip(id_text(stated["account_id"]), id_text(stated[name]), strict=True):
                place, other = self.number(first), self.number(second)
                if (
                    place
                    and other
                    and place != other
                    and not (first in self.unlinked or second in self.unlinked)
                ):
                    self.web.relations.declare(web_number(*place), web_number(*other), kind)

    def number(self, account_id: str) -> tuple[int, int] | None:
        """Shard and number of an account, or None where it is not known."""
        shard = self.elsewhere.get(account_id)
        if shard is None:
            shard = int(self.shard_numbers([account_id], id_hashes([account_id]))[0])
        number = self.shards[shard].books.numbers.get(account_id)
        return None if number is None else (shard, number)

    def apply(self, events: Arrivals) -> Outcome:
        """Apply events in arrival order; boundaries of time between them take their turn."""
        status, steps = np.empty(len(events), np.uint8), list[Step]()
        features = np.empty((len(events), len(FEATURE_NAMES)))
        marks = np.maximum.accumulate(np.concatenate([[self.watermark_us], events.batch.ts_us]))
        hours = marks // BOUNDARY_US
        behind_seeds = self.web.behind_seeds(events.batch, hours[1:] > hours[:-1])
        start = 0
        while start < len(events):
            stop = self._next_boundary(marks, behind_seeds, start)
            if stop == start:
                steps += self.look_due(int(marks[start + 1]) // BOUNDARY_US * BOUNDARY_US)
                stop = self._next_boundary(marks, behind_seeds, start, passed=True)
            steps += self._apply_segment(events, start, stop, features, status)
            self.watermark_us = int(marks[stop])
            start = stop
        unusual = self._rated(marks[1:] // DAY_US, status, steps)
        return Outcome(features, status, steps, unusual)

    def _next_boundary(
        self, marks: NDArray[np.int64], behind_seeds: NDArray[np.bool_], start: int, *, passed: bool = False
    ) -> int:
        """The first event from ``start`` on before which somebody is due, or the end.

        Parameters
        ----------
        marks
            The clock of events before the first event and after each.
        behind_seeds
            Whether an event that may make an account bad lies since the boundary before.
        start
            The event that is next.
        passed
            Whether the boundary just before it has had its turn.
        """
        hours = marks // BOUNDARY_US
        if hours[start] == hours[-1] and marks[start] != LONG_AGO_US:
            return len(marks) - 1
        arms, now_us = self.terms.arms, int(marks[start])
        if now_us == LONG_AGO_US:  # the clock starts with the first event
            passed, now_us = True, int(marks[start + 1])
        # What is decided from here on can be due after the shortest wait at the earliest.
        soonest_us = now_us + min(
            min(arm.waits.freeze_confirmation_us, arm.waits.freeze_us, *arm.waits.steps_us) for arm in arms
        )
        due_us = min(
            soonest_us,
            self.web.due_us(self.terms.relations_refresh_us),
            *(next_due_us(shard.standing, arm.waits) for shard in self.shards for arm in arms),
        )
        crossed = np.diff(hours) > 0
        due = crossed & (hours[1:] * BOUNDARY_US >= due_us)
        due |= crossed & behind_seeds
        due[: start + passed] = False
        found = np.flatnonzero(due)
        return int(found[0]) if len(found) else len(marks) - 1

    def _apply_segment(
        self,
        events: Arrivals,
        start: int,
        stop: int,
        features: NDArray[np.float64],
        status: NDArray[np.uint8],
    ) -> list[Step]:
        """Apply the events of ``[start, stop)``, each shard its own, and write their features and status."""
        ids, batch = events.account_ids, events.batch
        hashes = events.account_hashes[start:stop]
        owners = self.shard_numbers(ids[start:stop] if self.elsewhere else [], hashes)
        wheres = [start + np.flatnonzero(owners == number) for number in range(SHARDS)]
        numbered = [(number, where) for number, where in enumerate(wheres) if len(where)]
        before = [len(shard.ids) for shard in self.shards]
        work = partial(self._apply_parts, ids, batch)
        if stop - start > FEW_EVENTS:
            done = [each.result() for each in [self._pool.submit(work, [each]) for each in numbered]]
        else:
            done = [work(numbered)]
        steps, numbers = list[Step](), np.empty(stop - start, np.int64)
        for parts, found in done:
            for number, where, applied in parts:
                features[where], status[where] = applied.features, applied.status
                numbers[where - start] = applied.batch.account * SHARDS + number
            rows = np.concatenate([where[applied.rows] for _, where, applied in parts])
            for arm, own, seen in found:
                steps.append(Step(rows[own], ids, batch.ts_us[rows[own]], seen, arm=arm))
        self.web.grow(self.shards)
        if self.unlinked:
            self.hold_unlinked(
                each
                for count, shard in zip(before, self.shards, strict=True)
                for each in islice(shard.ids, count, None)
            )
        taken = start + np.flatnonzero(status[start:stop] == ACCEPTED)
        self.web.observe(numbers[taken - start], batch.part(taken), events.counterparty_hashes[taken])
        return steps

    def _apply_parts(
        self, ids: list[str], batch: EventBatch, numbered: list[tuple[int, NDArray[np.int64]]]
    ) -> tuple[list[tuple[int, NDArray[np.int64], Applied]], list[ArmWatched]]:
        """Apply the events of some shards and watch what they lead to, together."""
        parts = []
        for number, where in numbered:
            own = [ids[row] for row in where.tolist()]
            relations = self.web.relations_of(number)
            held = self.terms.watch.holdout
            parts.append((number, where, self.shards[number].apply(own, batch.part(where), relations, held)))
        looks = [applied.part for *_, applied in parts]
        return parts, watched_by_arm(looks, self._arms_of(parts), [arm.watch for arm in self.terms.arms])

    def _arms_of(
        self, parts: Sequence[tuple[int, NDArray[np.int64], Applied]]
    ) -> list[NDArray[np.uint8]] | None:
        """Of each shard's looks the arm of each, None where there is one arm only."""
        terms = self.terms
        if len(terms.arms) == 1:
            return None
        return [
            terms.arms_of(self.shards[number], applied.part.looks.account) for number, _, applied in parts
        ]

    def decide_by(self, terms: LiveTerms, before: Sequence[ArmRules]) -> None:
        """Let other terms decide from now on: rules keep their past by their id, whoever's an account becomes.

        Parameters
        ----------
        terms
            From now on.
        before
            How the masks of rules are numbered now.
        """
        for shard in self.shards:
            shard.renumber(before, terms.rules, terms.market)
        self.terms = terms

    def tick(self, as_of_us: int) -> tuple[list[Step], list[UnusualRate]]:
        """Let the clock of events come to a time: what is due at the last boundary before it, and unusual days."""
        if self.watermark_us == LONG_AGO_US or as_of_us <= self.watermark_us:
            return [], []
        crossed = as_of_us // BOUNDARY_US > self.watermark_us // BOUNDARY_US
        self.watermark_us = as_of_us
        if not crossed:
            return [], []
        steps = self.look_due(as_of_us // BOUNDARY_US * BOUNDARY_US)
        over = [(as_of_us // DAY_US, 0, np.zeros(ALERT_TRIGGERS, np.int64))]
        nothing = np.empty(0, np.int64), np.empty(0, np.uint8)
        return steps, self._rated(*nothing, steps) + self.rates.observe(over, self.terms.rates)

    def _rated(
        self, event_days: NDArray[np.int64], status: NDArray[np.uint8], steps: list[Step]
    ) -> list[UnusualRate]:
        """Count accepted events and opened alerts by day of the clock of events; the days that are over and were unusual.

        Parameters
        ----------
        event_days, status
            Of each event of the batch, shape ``(n,)``; the days rise.
        steps
            What came of them.
        """
        opened: dict[int, NDArray[np.int64]] = {}
        for step in steps:
            new = step.watched.alerts == OPENED
            if new.any():
                days = step.ts_us // DAY_US if step.rows is None else event_days[step.rows]
                for row in np.flatnonzero(new.any(axis=1)).tolist():
                    opened.setdefault(int(days[row]), np.zeros(ALERT_TRIGGERS, np.int64))[:] += new[row]
        accepted = event_days[status == ACCEPTED]
        if len(accepted) and accepted[0] == accepted[-1]:
            counts = {int(accepted[0]): len(accepted)}
        else:
            counts = dict(
                zip(*(each.tolist() for each in np.unique(accepted, return_counts=True)), strict=True)
            )
        none = np.zeros(ALERT_TRIGGERS, np.int64)
        days_seen = sorted(counts.keys() | opened.keys())
        return self.rates.observe(
            ((day, counts.get(day, 0), opened.get(day, none)) for day in days_seen), self.terms.rates
        )

    def look_due(self, as_of_us: int) -> list[Step]:
        """Lift the freezes that are over, and look again at the lines that are due."""
        self.web.refresh(self.shards, as_of_us, self.terms.relations_refresh_us)
        steps = []
        terms = self.terms
        for number, shard in enumerate(self.shards):
            several = len(terms.arms) > 1
            arms = terms.arms_of(shard, np.arange(len(shard.ids))) if several else None
            for place, arm in enumerate(terms.arms):
                among = None if arms is None else arms == place
                due = due_accounts(shard.standing, as_of_us, arm.waits, among)
                if len(due.looked_at):
                    found = shard.look(due.looked_at, as_of_us, arm.watch, self.web.relations_of(number))
                    ids = [shard.ids[account] for account in due.looked_at.tolist()]
                    ts_us = np.full(len(ids), as_of_us, np.int64)
                    steps.append(Step(None, ids, ts_us, found, due, place))
        return steps

    def tell_appeals(self, account_id: str, *, is_open: bool) -> None:
        """Keep whether an appeal of an account is open.

        Raises
        ------
        InputError
            When there is no such account.
        """
        shard, number = self._known(account_id)
        shard.standing.tell_appeals(number, is_open=is_open)

    def tell_consent(self, ids: Sequence[str], *, is_withdrawn: bool, needs_consent: bool) -> None:
        """Keep whether a customer's consent to relations was withdrawn; arguments as of :meth:`Unlinked.tell`."""
        self.web.grow(self.shards)
        told = {"is_withdrawn": is_withdrawn, "needs_consent": needs_consent}
        self.unlinked.tell(ids, self.web.relations, self._web_number, **told)

    def hold_unlinked(self, ids: Iterable[str]) -> None:
        """Hold those of accounts to it whose customers withdrew their consent to relations."""
        self.unlinked.hold(ids, self.web.relations, self._web_number)

    def _web_number(self, account_id: str) -> int | None:
        place = self.number(account_id)
        return None if place is None else web_number(*place)

    def settle_freeze(self, account_id: str, *, confirm: bool, since_us: int | None = None) -> None:
        """Confirm or lift an account's freeze: that which began at a time, where one is given.

        Raises
        ------
        InputError
            When there is no such account, it is not frozen, or another freeze stands.
        """
        shard, number = self._known(account_id)
        check_freeze(shard.standing, number, since_us)
        settle = confirm_freeze if confirm else lift_freeze
        settle(shard.standing, number)

    def _known(self, account_id: str) -> tuple[Shard, int]:
        place = self.number(account_id)
        if place is None:
            raise InputError("There is no such account.", value=account_id)
        return self.shards[place[0]], place[1]

    def arrays(self) -> list[dict[str, NDArray[Any]]]:
        """The state of each shard as arrays, then the relations'."""
        return [*(shard.arrays() for shard in self.shards), self.web.arrays()]

    def notes(self) -> dict[str, Any]:
        """What the state holds besides its arrays, as JSON."""
        return {
            "elsewhere": self.elsewhere,
            "unlinked": self.unlinked.ids,
            "watermark_us": self.watermark_us,
            "rates": self.rates.note(),
        }

    @classmethod
    def from_arrays(
        cls, terms: LiveTerms, arrays: list[dict[str, NDArray[Any]]], notes: dict[str, Any]
    ) -> "LiveState":
        """The state that arrays and notes hold."""
        shards = [Shard.from_arrays(part) for part in arrays[:-1]]
        web = Web.from_arrays(arrays[-1], allowed=terms.relations_allowed)
        rates = DailyRates.from_note(notes["rates"])
        unlinked = Unlinked(dict(notes.get("unlinked", {})))  # none in a snapshot from before
        return cls(terms, shards, dict(notes["elsewhere"]), unlinked, notes["watermark_us"], rates, web)
