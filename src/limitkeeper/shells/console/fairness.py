"""The figures of a fairness report as pages show them: by screen, each with its interval in a picture of one scale."""

from collections.abc import Sequence
from typing import Any

from limitkeeper.shells.console.charts import range_places

ORDER = ("failed", "uncertain", "small", "told")
"""How much a figure says against what was screened, the most first."""

LOUD = ORDER[:2]
"""Figures that are shown at once; the others on demand."""

PICTURE_WIDTH = 160.0


def placed_findings(findings: Sequence[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Figures as pages show them: the loud and the quiet ones, those of one screen together, with their pictures.

    Parameters
    ----------
    findings
        Those that did not simply pass, as ``GET /v1/releases/{id}`` tells them.

    Returns
    -------
    dict
        ``loud`` and ``quiet``: each figure with ``places`` of ``low``, ``high``, ``value`` and ``bound`` in its picture;
        those of one screen have one scale; what failed is first.

    Examples
    --------
    >>> one = {"screen": "proxy", "status": "failed", "low": 0.8, "high": 1.0, "value": 0.9, "bound": 0.8}
    >>> found = placed_findings([one, one | {"status": "told"}])
    >>> found["loud"][0]["places"], len(found["quiet"])
    ({'low': 13.3, 'high': 146.7, 'value': 80.0, 'bound': 13.3}, 1)
    """
    loud = [each for each in findings if each["status"] in LOUD]
    quiet = [each for each in findings if each["status"] not in LOUD]
    return {"loud": _placed(loud), "quiet": _placed(quiet)}


def _placed(findings: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    names, found = ("low", "high", "value", "bound"), []
    for screen in dict.fromkeys(each["screen"] for each in sorted(findings, key=_place)):
        items = sorted((each for each in findings if each["screen"] == screen), key=_place)
        places = iter(range_places([each[name] for each in items for name in names], PICTURE_WIDTH))
        found += [each | {"places": {name: next(places) for name in names}} for each in items]
    return found


def _place(finding: dict[str, Any]) -> int:
    return ORDER.index(finding["status"]) if finding["status"] in ORDER else len(ORDER)
