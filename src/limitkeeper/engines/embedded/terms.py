"""What decides about live events on a day: of each arm its own, and what all arms share."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from limitkeeper.core.alerts.arms import ArmRules, arm_of_bucket
from limitkeeper.core.alerts.due import Waits
from limitkeeper.core.alerts.portfolio import RateTerms
from limitkeeper.core.alerts.terms import WatchTerms
from limitkeeper.engines.embedded.shard import Shard


@dataclass(frozen=True, slots=True)
class ArmTerms:
    """What decides about the accounts of an arm, and how long their lines wait."""

    watch: WatchTerms
    waits: Waits
    buckets: range

    @property
    def rules(self) -> ArmRules:
        """How the masks of its accounts are numbered."""
        return ArmRules(self.buckets, tuple(rule.id for rule in self.watch.policy.strategy.strategy.rules))


@dataclass(frozen=True)
class LiveTerms:
    """What decides, of each arm: the champion, then challengers on buckets of accounts; and what all share."""

    arms: tuple[ArmTerms, ...]
    market: str
    time_zone: str
    relations_allowed: bool
    relations_refresh_us: int
    rates: RateTerms

    @property
    def watch(self) -> WatchTerms:
        """The champion's, by which the portfolio is looked at as a whole."""
        return self.arms[0].watch

    @cached_property
    def rules(self) -> tuple[ArmRules, ...]:
        """How the masks of each arm's accounts are numbered."""
        return tuple(arm.rules for arm in self.arms)

    @cached_property
    def _arm_of_bucket(self) -> NDArray[np.uint8]:
        return arm_of_bucket([arm.buckets for arm in self.arms])

    def arms_of(self, shard: Shard, accounts: NDArray[np.int64]) -> NDArray[np.uint8]:
        """The arm of accounts of a shard, ``(n,)``."""
        return shard.arms(self._arm_of_bucket, self.market, accounts)

    def arm_of(self, shard: Shard, number: int) -> int:
        """The arm of an account of a shard."""
        return int(self.arms_of(shard, np.array([number]))[0])
