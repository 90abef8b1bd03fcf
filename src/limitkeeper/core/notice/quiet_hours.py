"""When a customer may be written to: not in his quiet hours, by his own clock."""

import datetime as dt
from dataclasses import dataclass

from limitkeeper.core.kernel.errors import InputError


@dataclass(frozen=True, slots=True)
class QuietHours:
    """Hours of the day in which nobody is written to, from one until before another, over midnight where it is later.

    Parameters
    ----------
    from_hour, to_hour
        0 to 23, local; equal hours are none.
    zone
        The customer's time zone.

    Raises
    ------
    InputError
        When an hour is none.
    """

    from_hour: int
    to_hour: int
    zone: dt.tzinfo

    def __post_init__(self) -> None:
        if not {self.from_hour, self.to_hour} <= set(range(24)):
            raise InputError(
                "An hour is none.", value=f"{self.from_hour} to {self.to_hour}", allowed="0 to 23"
            )

    def covers(self, moment: dt.datetime) -> bool:
        """Whether a moment lies in them.

        Examples
        --------
        >>> night = QuietHours(22, 8, dt.UTC)
        >>> [night.covers(dt.datetime(2026, 1, 1, hour, tzinfo=dt.UTC)) for hour in (21, 22, 7, 8)]
        [False, True, True, False]
        """
        hour = moment.astimezone(self.zone).hour
        if self.from_hour <= self.to_hour:
            return self.from_hour <= hour < self.to_hour
        return hour >= self.from_hour or hour < self.to_hour

    def over(self, moment: dt.datetime) -> dt.datetime:
        """The first moment from this one on that does not lie in them.

        A day on which clocks change is as long as it is there.

        Examples
        --------
        >>> QuietHours(22, 8, dt.UTC).over(dt.datetime(2026, 1, 1, 23, 30, tzinfo=dt.UTC)).isoformat()
        '2026-01-02T08:00:00+00:00'
        """
        if not self.covers(moment):
            return moment
        local = moment.astimezone(self.zone)
        end = local.replace(hour=self.to_hour, minute=0, second=0, microsecond=0)
        if end <= local:
            end = (local + dt.timedelta(days=1)).replace(hour=self.to_hour, minute=0, second=0, microsecond=0)
        return end.astimezone(dt.UTC)
