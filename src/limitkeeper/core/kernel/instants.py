"""Times as they are kept, and as they are read."""

import datetime as dt


def instant(us: int) -> dt.datetime:
    """A time in UTC.

    Parameters
    ----------
    us
        UTC microseconds since 1970.

    Examples
    --------
    >>> instant(0)
    datetime.datetime(1970, 1, 1, 0, 0, tzinfo=datetime.timezone.utc)
    """
    return dt.datetime.fromtimestamp(us // 1_000_000, dt.UTC).replace(microsecond=us % 1_000_000)


def instant_text(us: int) -> str:
    """A time in UTC as ISO 8601 writes it.

    Examples
    --------
    >>> instant_text(1_500_000)
    '1970-01-01T00:00:01.500000+00:00'
    """
    return instant(us).isoformat()


def day_of(us: int, zone: dt.tzinfo = dt.UTC) -> dt.date:
    """The day of a time, in UTC or where somebody is.

    Examples
    --------
    >>> day_of(86_399_999_999), day_of(86_399_999_999, dt.timezone(dt.timedelta(hours=8)))
    (datetime.date(1970, 1, 1), datetime.date(1970, 1, 2))
    """
    return instant(us).astimezone(zone).date()


def day_end_us(us: int, zone: dt.tzinfo = dt.UTC) -> int:
    """The last microsecond of the day of a time, in UTC or where somebody is: what holds until a day holds so long.

    Examples
    --------
    >>> day_end_us(5), day_end_us(5, dt.timezone(dt.timedelta(hours=8)))
    (86399999999, 57599999999)
    """
    after = day_of(us, zone) + dt.timedelta(days=1)
    return us_of(dt.datetime.combine(after, dt.time(), zone)) - 1


def us_of_day(day: dt.date) -> int:
    """The start of a UTC day.

    Examples
    --------
    >>> us_of_day(dt.date(1970, 1, 2))
    86400000000
    """
    return us_of(dt.datetime.combine(day, dt.time(), dt.UTC))


def us_of(moment: dt.datetime) -> int:
    """A moment as UTC microseconds, exact.

    Examples
    --------
    >>> us_of(instant(1_500_001))
    1500001
    """
    return int(moment.timestamp()) * 1_000_000 + moment.microsecond
