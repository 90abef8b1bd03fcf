"""Relations between the accounts of all shards, recomputed at boundaries of event time.

They are recomputed whole after a period, and near accounts that have changed sides at the first boundary after an
accepted event that may have turned one bad. What was sent twice moves nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from limitkeeper.core.alerts.standing import DEFAULT_DAYS
from limitkeeper.core.behaviour.events import BILL, FLAG, LONG_AGO_US, NEVER_US, EventBatch
from limitkeeper.core.relations.state import Relations
from limitkeeper.engines.embedded.boundaries import SHARDS
from limitkeeper.engines.embedded.shard import RelationsOf, Shard


def web_number(shard: int, account: int) -> int:
    """An account's number among those of all shards."""
    return account * SHARDS + shard


@dataclass
class Web:
    """Relations over all shards, and when they were recomputed."""

    allowed: bool
    relations: Relations = field(init=False)
    refreshed_us: int = LONG_AGO_US
    seeds_wait: bool = False
    bad: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, np.bool_))

    def __post_init__(self) -> None:
        self.relations = Relations(allowed=self.allowed)

    def grow(self, shards: Sequence[Shard]) -> None:
        """Let relations grow with the accounts."""
        wanted = max(len(shard.ids) for shard in shards) * SHARDS
        if wanted > self.relations.count:
            self.relations.add_accounts(wanted - self.relations.count)

    def relations_of(self, shard: int) -> RelationsOf:
        """What relations say of a shard's accounts; of those that came since, nothing yet."""
        return partial(self._relations, shard)

    def _relations(self, shard: int, accounts: NDArray[np.int64]) -> NDArray[np.float64]:
        numbers = accounts * SHARDS + shard
        if len(numbers) and numbers.max() < self.relations.count:
            return self.relations.columns(numbers)
        found = np.full((3, len(numbers)), np.nan)
        known = numbers < self.relations.count
        found[:, known] = self.relations.columns(numbers[known])
        return found

    def observe(
        self, numbers: NDArray[np.int64], events: EventBatch, counterparty: NDArray[np.int64]
    ) -> None:
        """Keep with which devices and counterparties accounts were seen, and whether any may have turned bad.

        Parameters
        ----------
        numbers, counterparty
            Whose events, and with whom, as hashes, shape ``(n,)``.
        events
            Accepted ones, in their order.
        """
        if self.allowed and len(numbers):
            self.relations.observe(numbers, events.device, counterparty, events.ts_us)
            self.seeds_wait = self.seeds_wait or bool(_possible_seeds(events).any())

    def due_us(self, period_us: int) -> int:
        """When they are next recomputed whole."""
        if not self.allowed:
            return NEVER_US
        return LONG_AGO_US if self.refreshed_us == LONG_AGO_US else self.refreshed_us + period_us

    def behind_seeds(self, events: EventBatch, crossed: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Before which events a boundary lies that may have an accepted seed behind it, shape ``(n,)``."""
        found = np.zeros(len(events), np.bool_)
        if not (self.allowed and crossed.any()):
            return found
        before = np.concatenate([[0], np.cumsum(_possible_seeds(events))])
        places = np.flatnonzero(crossed)
        found[places] = np.diff(before[places], prepend=0) > 0
        found[places[:1]] |= self.seeds_wait
        return found

    def refresh(self, shards: Sequence[Shard], as_of_us: int, period_us: int) -> None:
        """Recompute what is due: all of it, or, where a seed waits, what is near accounts that have changed sides."""
        if not self.allowed:
            return
        bad = np.zeros(self.relations.count, np.bool_)
        for number, shard in enumerate(shards):
            found = shard.standing.bad_accounts(as_of_us)
            bad[number : number + SHARDS * len(found) : SHARDS] = found
        if as_of_us >= self.due_us(period_us):
            self.relations.refresh(as_of_us, bad)
            self.refreshed_us = as_of_us
        elif self.seeds_wait:
            before = np.zeros(len(bad), np.bool_)
            before[: len(self.bad)] = self.bad
            seeds = np.flatnonzero(bad != before)
            if len(seeds):
                self.relations.refresh_near(seeds, bad)
        else:  # a flag that only grew old waits for the next whole turn
            return
        self.bad, self.seeds_wait = bad, False

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The relations as arrays."""
        clock = np.array([self.refreshed_us, int(self.seeds_wait)], np.int64)
        return {**self.relations.arrays(), "web_clock": clock, "web_bad": self.bad}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], *, allowed: bool) -> "Web":
        """The relations that arrays hold."""
        web = cls(allowed)
        web.relations = Relations.from_arrays(arrays, allowed=allowed)
        web.refreshed_us, web.seeds_wait = int(arrays["web_clock"][0]), bool(arrays["web_clock"][1])
        web.bad = np.array(arrays["web_bad"], np.bool_)
        return web


def _possible_seeds(events: EventBatch) -> NDArray[np.bool_]:
    """Which events may make an account a seed: any violation, or a bill as late as a default."""
    found: NDArray[np.bool_] = (events.kind == FLAG) | (
        (events.kind == BILL) & (events.days_past_due >= DEFAULT_DAYS)
    )
    return found
