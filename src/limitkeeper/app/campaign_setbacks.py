"""Campaigns that cannot be worked off for now: each rests by itself, so that none holds up the others."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

REST_SECONDS = (5, 60, 300, 1_800, 3_600)
"""Rests of one campaign after each failure in a row; after the last it is tried again each time so long after."""

Failed = Callable[[Mapping[str, Any], Exception, int, int], None]
"""Told of a campaign's row, of what went wrong, how often in a row, and when it is tried again, UTC microseconds."""


def untold(_row: Mapping[str, Any], _error: Exception, _failures: int, _again_us: int) -> None:
    """Where nobody is told of each failure."""


@dataclass
class Setbacks:
    """What failed of campaigns, as far as they did not go on since; kept by whoever works them off, over its rounds.

    Parameters
    ----------
    told
        Told of each failure.
    """

    told: Failed = untold
    _of: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)

    def resting(self, now_us: int) -> list[tuple[str, str]]:
        """The campaigns that are not to be tried yet, each with the state in which it failed."""
        return [key for key, (_, again_us) in self._of.items() if now_us < again_us]

    def failed(self, row: Mapping[str, Any], error: Exception, now_us: int) -> None:
        """Let a campaign rest that failed; what is cancelled then is tried at once, since its state is another."""
        failures = self._of.get(_key(row), (0, 0))[0] + 1
        again_us = now_us + REST_SECONDS[min(failures, len(REST_SECONDS)) - 1] * 1_000_000
        self._of = {key: each for key, each in self._of.items() if key[0] != row["campaign_id"]}
        self._of[_key(row)] = (failures, again_us)
        self.told(row, error, failures, again_us)

    def went_on(self, row: Mapping[str, Any]) -> None:
        """Forget that a campaign failed."""
        self._of = {key: each for key, each in self._of.items() if key[0] != row["campaign_id"]}

    def count(self) -> int:
        """How many campaigns failed when they were tried last."""
        return len(self._of)


def _key(row: Mapping[str, Any]) -> tuple[str, str]:
    return row["campaign_id"], row["state"]
