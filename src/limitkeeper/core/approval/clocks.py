"""Clocks of a case on its tier: a reminder, then the next tier, and at the end a stated outcome."""

from collections.abc import Mapping
from dataclasses import dataclass

from limitkeeper.core.behaviour.events import HOUR_US

REMIND, ESCALATE, END = "remind", "escalate", "end"


@dataclass(frozen=True, slots=True)
class TierClock:
    """How long a case may lie on a tier, hours from its coming there.

    Parameters
    ----------
    remind_hours, escalate_hours, end_hours
        Reminder; sending up to the next tier, None on the third; the end, where the case lapses.
    """

    remind_hours: float
    escalate_hours: float | None
    end_hours: float

    def next_due(self, since_us: int, after: str | None) -> tuple[str, int]:
        """What comes after a stage of the clock, and when, UTC microseconds.

        Examples
        --------
        >>> TierClock(1, 2, 3).next_due(0, None), TierClock(1, None, 3).next_due(0, "remind")
        (('remind', 3600000000), ('end', 10800000000))
        """
        stages = [(REMIND, self.remind_hours), (ESCALATE, self.escalate_hours), (END, self.end_hours)]
        order = {None: 0, REMIND: 1, ESCALATE: 2, END: 2}
        for stage, hours in stages[order[after] :]:
            if hours is not None:
                return stage, since_us + int(hours * HOUR_US)
        raise AssertionError("a clock has an end")


Clocks = Mapping[int, TierClock]
"""Of each tier."""
