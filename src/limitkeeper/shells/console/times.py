"""Instants as pages say them: a day and a time in the market's zone, and how far away a clock is."""

import datetime as dt
from zoneinfo import ZoneInfo

from limitkeeper.shells.report.page import NOTHING

UNITS = ((86_400, "d", "天"), (3_600, "h", "小时"), (60, "min", "分钟"))
"""In which a distance is told, the largest that fits: seconds, and its words in English and Chinese."""

SOON_HOURS = 24.0
"""A clock that comes within so long is marked."""


def time_text(instant: str, time_zone: str) -> str:
    """A day and a time as pages show them.

    Examples
    --------
    >>> time_text("2026-11-26T04:49:00+00:00", "Asia/Shanghai")
    '2026-11-26 12:49'
    """
    return dt.datetime.fromisoformat(instant).astimezone(ZoneInfo(time_zone)).strftime("%Y-%m-%d %H:%M")


def day_start(day: str, time_zone: str, days_after: int = 0) -> str:
    """When a day begins where somebody is, or one some days after it; what is no day is left as it is.

    Examples
    --------
    >>> day_start("2026-11-26", "Asia/Shanghai"), day_start("2026-11-26", "Asia/Shanghai", 1), day_start("soon", "UTC")
    ('2026-11-26T00:00:00+08:00', '2026-11-27T00:00:00+08:00', 'soon')
    """
    try:
        found = dt.date.fromisoformat(day) + dt.timedelta(days=days_after)
    except (ValueError, OverflowError):
        return day
    return dt.datetime.combine(found, dt.time(), ZoneInfo(time_zone)).isoformat()


def seconds_until(instant: str, now_us: int) -> float:
    """How far away an instant is; below 0 where it has passed.

    Examples
    --------
    >>> seconds_until("1970-01-01T00:01:00+00:00", 90_000_000)
    -30.0
    """
    return dt.datetime.fromisoformat(instant).timestamp() - now_us / 1e6


def until_text(language: str, instant: str, now_us: int) -> str:
    """How far away an instant is, in words.

    Examples
    --------
    >>> until_text("en", "1970-01-01T03:00:00+00:00", 0), until_text("zh", "1970-01-01T00:00:00+00:00", 120_000_000)
    ('in 3 h', '2 分钟前')
    """
    seconds, is_chinese = seconds_until(instant, now_us), language == "zh"
    for size, english, chinese in UNITS:
        if abs(seconds) >= size:
            amount = f"{abs(seconds) / size:.0f}"
            if is_chinese:
                return f"{amount} {chinese}{'后' if seconds > 0 else '前'}"
            return f"in {amount} {english}" if seconds > 0 else f"{amount} {english} ago"
    return "现在" if is_chinese else "now"


def clock(language: str, instant: str | None, now_us: int, time_zone: str) -> dict[str, str]:
    """A clock as pages show it: when it comes, how far away that is, and how it is marked; a dash where there is none.

    Parameters
    ----------
    language
        Of the words.
    instant
        ISO 8601.
    now_us
        UTC microseconds.
    time_zone
        In which the instant is shown.

    Examples
    --------
    >>> clock("en", "1970-01-01T03:00:00+00:00", 0, "Asia/Shanghai")
    {'at': '1970-01-01T03:00:00+00:00', 'text': 'in 3 h', 'title': '1970-01-01 11:00', 'kind': 'due soon'}
    >>> clock("en", "1970-01-01T03:00:00+00:00", 14_400_000_000, "UTC")["text"], clock("en", None, 0, "UTC")["text"]
    ('⚠ 1 h ago', '–')
    """
    if instant is None:
        return {"at": "", "text": NOTHING, "title": "", "kind": "due"}
    seconds, text = seconds_until(instant, now_us), until_text(language, instant, now_us)
    kind = " late" if seconds < 0 else " soon" if seconds < SOON_HOURS * 3_600 else ""
    return {
        "at": instant,
        "text": f"⚠ {text}" if seconds < 0 else text,
        "title": time_text(instant, time_zone),
        "kind": f"due{kind}",
    }
