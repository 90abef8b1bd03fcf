"""Where marks of a picture lie: the templates draw them as SVG, in the colours of the page, with a text for each."""

import datetime as dt
import math
from collections.abc import Sequence
from typing import Any


def share_of(value: float | None, greatest: float | None, width: float = 100.0) -> float:
    """How wide a bar is.

    Examples
    --------
    >>> share_of(3, 4), share_of(None, 4), share_of(1, 0)
    (75.0, 0.0, 0.0)
    """
    if not value or not greatest or greatest <= 0:
        return 0.0
    return round(max(min(value / greatest, 1.0), 0.0) * width, 2)


def line_points(values: Sequence[float | None], width: float, height: float) -> str:
    """A line through values, from left to right, as points of a polyline; what is not known is passed over.

    Examples
    --------
    >>> line_points([0, None, 10], 100, 20)
    '0.0,20.0 100.0,0.0'
    """
    known = [value for value in values if value is not None]
    if not known:
        return ""
    low, high = min(known), max(known)
    span, step = (high - low) or 1.0, width / max(len(values) - 1, 1)
    return " ".join(
        f"{place * step:.1f},{height - (value - low) / span * height:.1f}"
        for place, value in enumerate(values)
        if value is not None
    )


def on_circle(count: int, width: float, height: float, margin: float = 40.0) -> list[tuple[float, float]]:
    """Places on an ellipse for the neighbours of one in the middle."""
    across, down = width / 2 - margin, height / 2 - margin
    turns = [2 * math.pi * place / max(count, 1) - math.pi / 2 for place in range(count)]
    return [
        (round(width / 2 + across * math.cos(turn), 1), round(height / 2 + down * math.sin(turn), 1))
        for turn in turns
    ]


def on_axis(
    items: Sequence[dict[str, Any]], lanes: Sequence[str], width: float, lane_height: float
) -> dict[str, Any]:
    """Dated things on one axis of time, a lane for each kind.

    Parameters
    ----------
    items
        Each with ``at`` (ISO 8601) and ``lane``.
    lanes
        From top to bottom.
    width, lane_height
        Of the picture.

    Returns
    -------
    dict
        ``marks`` (the items with ``x`` and ``y``), ``months`` (``x`` and ``text`` of each beginning month), ``height``.
    """
    if not items:
        return {"marks": [], "months": [], "height": lane_height * len(lanes)}
    instants = [dt.datetime.fromisoformat(item["at"]) for item in items]
    first, last = min(instants), max(instants)
    span = max((last - first).total_seconds(), 1.0)

    def across(instant: dt.datetime) -> float:
        return round((instant - first).total_seconds() / span * width, 1)

    marks = [
        item | {"x": across(instant), "y": lane_height * (lanes.index(item["lane"]) + 0.5)}
        for item, instant in zip(items, instants, strict=True)
        if item["lane"] in lanes
    ]
    return {"marks": marks, "months": month_marks(first, last, across), "height": lane_height * len(lanes)}


MONTHS_MAX = 14
"""Months with a mark: of a longer time every second, third, ... has one."""


def month_marks(first: dt.datetime, last: dt.datetime, across: Any) -> list[dict[str, Any]]:  # noqa: ANN401
    """The beginnings of months between two instants."""
    count = (last.year - first.year) * 12 + last.month - first.month
    step = max(1, -(-count // MONTHS_MAX))
    found = []
    for later in range(1, count + 1, step):
        month = first.month - 1 + later
        begin = dt.datetime(first.year + month // 12, month % 12 + 1, 1, tzinfo=first.tzinfo)
        found.append({"x": across(begin), "text": begin.strftime("%Y-%m")})
    return found


def place_between(value: float | None, low: float | None, high: float | None, width: float) -> float | None:
    """Where a value lies between two, kept within; None where one is not known.

    Examples
    --------
    >>> place_between(5, 0, 10, 200), place_between(50, 0, 10, 200), place_between(None, 0, 10, 200)
    (100.0, 200, None)
    """
    if value is None or low is None or high is None:
        return None
    return width / 2 if high <= low else round(min(max((value - low) / (high - low), 0), 1) * width, 1)


def stair_points(
    share: float, wait_days: float, days: float, width: float, height: float, *, is_up: bool = False
) -> str:
    """A limit that goes by steps, as points of a polyline: the whole of it is on top, nothing of it at the bottom.

    Parameters
    ----------
    share
        Going down, of the limit that is left; going up, of the whole limit.
    wait_days
        From one step to the next; the first is on day 0.
    days
        That the picture shows.
    width, height
        Of the picture.
    is_up
        Whether it goes up from nothing.

    Examples
    --------
    >>> stair_points(0.5, 30, 60, 60, 100)
    '0.0,0.0 0.0,50.0 30.0,50.0 30.0,75.0 60.0,75.0'
    >>> stair_points(0.75, 30, 60, 60, 100, is_up=True)
    '0.0,100.0 0.0,25.0 30.0,25.0 30.0,0.0 60.0,0.0'
    """
    left, day = 0.0 if is_up else 1.0, 0.0
    points = [f"0.0,{(1 - left) * height:.1f}"]
    while day < days:
        left = min(left + share, 1.0) if is_up else left * (1 - share)
        until, down = min(day + max(wait_days, 1), days), (1 - left) * height
        points += [f"{place / days * width:.1f},{down:.1f}" for place in (day, until)]
        day = until
    return " ".join(points)


def range_places(items: Sequence[float | None], width: float) -> list[float | None]:
    """Where figures lie in a picture that holds all of them, with some room at both ends.

    Examples
    --------
    >>> range_places([0.75, 1.0, None, 0.8], 120)
    [10.0, 110.0, None, 30.0]
    """
    known = [item for item in items if item is not None]
    if not known:
        return [None] * len(items)
    room = (max(known) - min(known)) / 10 or 1.0
    low, high = min(known) - room, max(known) + room
    return [place_between(item, low, high, width) for item in items]


CHARTS = {
    "stair_points": stair_points,
    "range_places": range_places,
    "share_of": share_of,
    "line_points": line_points,
    "on_circle": on_circle,
    "on_axis": on_axis,
    "place_between": place_between,
}
"""What templates may use."""
