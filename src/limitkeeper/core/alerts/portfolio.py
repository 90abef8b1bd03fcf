"""A trigger's rate over the whole portfolio, day by day, against its usual level.

A broken feed, a rule gone wild or a real change shows here before anybody counts alerts.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from limitkeeper.core.alerts.standing import ALERT_TRIGGERS

USUAL_DAYS_MAX = 366
"""Days that are remembered at most."""

MEAN_MOVING_RANGE = 1.128
"""Mean of the absolute difference of two standard normal values (d2 for pairs)."""


class RateTerms(NamedTuple):
    """What is usual, and what is far from it.

    Parameters
    ----------
    usual_days
        Days with events before the one in question that say what is usual.
    least_days
        Fewer say nothing.
    sigmas
        Standard deviations beyond which a rate is unusual.
    least_difference
        Alerts more or fewer than expected, at least.
    """

    usual_days: int
    least_days: int
    sigmas: float
    least_difference: float


class UnusualRate(NamedTuple):
    """A trigger's alerts on a day, far from what was usual: ``day`` counts from 1970."""

    day: int
    trigger: int
    alerts: int
    events: int
    expected: float
    sigmas: float


def rate_sigmas(alerts: Sequence[int], events: Sequence[int]) -> tuple[float, float]:
    """How many alerts the last day was to have, and how many standard deviations it is away from that.

    With ``u = sum(alerts) / sum(events)`` of the days before, each day's ``z = (alerts - u events) / sqrt(u events)``
    and the last one's divided by ``max(1, mean |z[i] - z[i-1]| / 1.128)`` of the days before, so that a portfolio
    whose days differ more than chance alone would have them is not always unusual.

    Parameters
    ----------
    alerts, events
        Of each day, shape ``(n,)``, ``n >= 3``; events above 0. Where no alert came before, half a one did.

    Source
    ------
    D. B. Laney, Improved control charts for attributes, Quality Engineering 14(4), 2002 (the u'-chart).

    Examples
    --------
    >>> expected, sigmas = rate_sigmas([10, 12, 9, 11, 10, 40], [1000] * 6)
    >>> round(expected, 1), round(sigmas, 1)
    (10.4, 9.2)
    """
    before, exposed = np.array(alerts[:-1], np.float64), np.array(events[:-1], np.float64)
    usual = max(float(before.sum()), 0.5) / float(exposed.sum())
    z = (before - usual * exposed) / np.sqrt(usual * exposed)
    spread = max(1.0, float(np.abs(np.diff(z)).mean()) / MEAN_MOVING_RANGE)
    expected = usual * events[-1]
    return expected, (alerts[-1] - expected) / math.sqrt(expected) / spread


@dataclass
class DailyRates:
    """Alerts opened and events by day of event time; a day is judged when it is over.

    Parameters
    ----------
    day
        The one that is not over, from 1970; -1 before the first.
    events, alerts
        Of that day.
    past
        ``(events, alerts by trigger)`` of the days before that had events, oldest first.
    """

    day: int = -1
    events: int = 0
    alerts: list[int] = field(default_factory=lambda: [0] * ALERT_TRIGGERS)
    past: list[tuple[int, list[int]]] = field(default_factory=list)

    def observe(
        self, days: Iterable[tuple[int, int, NDArray[np.int64]]], terms: RateTerms
    ) -> list[UnusualRate]:
        """Count what happened on days, and judge those that are over.

        Parameters
        ----------
        days
            ``(day, events, alerts opened by trigger)``, in rising order of days, none before the open one.
        terms
            What is usual.
        """
        found: list[UnusualRate] = []
        for day, events, alerts in days:
            if day > self.day:
                found += self._closed(terms)
                self.day, self.events, self.alerts = day, 0, [0] * ALERT_TRIGGERS
            self.events += events
            self.alerts = [had + int(new) for had, new in zip(self.alerts, alerts.tolist(), strict=True)]
        return found

    def _closed(self, terms: RateTerms) -> list[UnusualRate]:
        if not self.events:
            return []
        found = []
        window = self.past[-terms.usual_days :]
        if len(window) >= max(terms.least_days, 2):
            events = [each for each, _ in window] + [self.events]
            for trigger in range(ALERT_TRIGGERS):
                counts = [alerts[trigger] for _, alerts in window] + [self.alerts[trigger]]
                expected, sigmas = rate_sigmas(counts, events)
                far = abs(counts[-1] - expected) >= terms.least_difference
                if far and abs(sigmas) >= terms.sigmas:
                    found.append(UnusualRate(self.day, trigger, counts[-1], self.events, expected, sigmas))
        self.past = [*self.past, (self.events, self.alerts)][-USUAL_DAYS_MAX:]
        return found

    def note(self) -> list[object]:
        """The whole state, as JSON."""
        return [self.day, self.events, self.alerts, self.past]

    @classmethod
    def from_note(cls, note: Sequence[object]) -> "DailyRates":
        """The state that a note holds."""
        day, events, alerts, past = note
        return cls(day, events, alerts, [(count, opened) for count, opened in past])  # type: ignore[arg-type, attr-defined]
