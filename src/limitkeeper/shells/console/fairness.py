"""The figures of a fairness report as pages show them: by screen, each with its interval in a picture of one scale."""

from collections.abc import Sequence
from typing import Any

from limitkeeper.shells.console.charts import range_places

ORDER = ("failed", "uncertain", "small", "told")
"""How much a figure says against what was screened, the most first."""

LOUD = ORDER[:2]
"""Figures that are shown at once; the others on demand."""

PICTURE_WIDTH = 160.0


def screen_groups(findings: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The figures of each screen, with where they lie in its picture.

    Parameters
    ----------
    findings
        Those that did not simply pass, as ``GET /v1/releases/{id}`` tells them.

    Returns
    -------
    list
        ``screen``, and its ``items``: each with ``places`` of ``low``, ``high``, ``value``, ``bound``; the failed first.

    Examples
    --------
    >>> one = {"screen": "proxy", "status": "told", "low": 0.5, "high": 0.7, "value": 0.6, "bound": 0.8}
    >>> screen_groups([one])[0]["items"][0]["places"]
    {'low': 13.3, 'high': 102.2, 'value': 57.8, 'bound': 146.7}
    """
    names = ("low", "high", "value", "bound")
    found = []
    for screen in dict.fromkeys(each["screen"] for each in findings):
        items = sorted((each for each in findings if each["screen"] == screen), key=_place)
        places = iter(range_places([each[name] for each in items for name in names], PICTURE_WIDTH))
        found.append({
            "screen": screen,
            "items": [each | {"places": {name: next(places) for name in names}} for each in items],
        })  # fmt: skip
    return sorted(found, key=lambda group: _place(group["items"][0]))


def _place(finding: dict[str, Any]) -> int:
    return ORDER.index(finding["status"]) if finding["status"] in ORDER else len(ORDER)
