"""The report page of a review: a summary in words, tables and plots, in English or Chinese."""

from collections.abc import Mapping
from typing import Any

from limitkeeper.shells.report.page import (
    NOTHING,
    interval,
    money,
    page_drawn,
    percent,
    report_words,
    whole_number,
)
from limitkeeper.shells.report.plots import calibration_plot, curve_plot, score_plot

VALUE_ROWS = (
    "limit_cents",
    "ead_cents",
    "expected_loss_cents",
    "economic_capital_cents",
    "revenue_cents",
    "economic_profit_cents",
    "raroc",
)
"""The figures of the value table, in its order."""

RATIO_LOW, RATIO_HIGH = 0.6, 1.2
"""The ends of the scale on which an adverse-impact ratio is drawn."""


def report_html(summary: Mapping[str, Any], language: str = "en") -> str:
    """A review as one HTML page: no script, no request to anywhere.

    Parameters
    ----------
    summary
        The document of ``summary.json``; see ``docs/reference/summary.md``.
    language
        ``en`` or ``zh``.

    Raises
    ------
    PolicyError
        When there is no wording in that language.
    """
    t = report_words(language)
    scores, curves = summary["scores"], summary["curves"]
    plots = {
        "score": score_plot(scores, t),
        "calibration": calibration_plot(scores["calibration"], t) if scores["calibration"] else None,
        "curve": curve_plot(curves, ranking_names(t), t) if curves else None,
    }
    return page_drawn(
        "report.html.j2",
        {"count": whole_number, "percent": percent, "interval": interval},
        s=summary,
        t=t,
        lang=language,
        plots=plots,
        money=lambda cents, *, signed=False: money(cents, language=language, signed=signed),
        value_rows=VALUE_ROWS[:-1],
        place=place_on_scale,
        points=points_gained,
        share_of=share_of,
        rankings=ranking_names(t),
    )


def ranking_names(t: Mapping[str, Any]) -> dict[str, str]:
    """The rankings of the coverage curve in words."""
    return {"model": t["model_line"], "random": t["random_line"], **t["rankings"]}


def share_of(part: float, whole: float) -> float | None:
    """A share, None where there is no whole.

    Examples
    --------
    >>> share_of(1, 4), share_of(0, 0)
    (0.25, None)
    """
    return part / whole if whole else None


def points_gained(before: float | None, after: float | None, t: Mapping[str, str]) -> str:
    """The change of a share in percentage points, in words; a dash where either is unknown.

    Examples
    --------
    >>> points_gained(0.12, 0.1, {"percentage_points": "{change} points"})
    '−2.0 points'
    """
    if before is None or after is None:
        return NOTHING
    return t["percentage_points"].format(change=f"{100 * (after - before):+.1f}".replace("-", "−"))


def place_on_scale(ratio: float) -> float:
    """Where a ratio lies on the drawn scale, in percent of its length, kept within it.

    Examples
    --------
    >>> place_on_scale(0.9), place_on_scale(5.0)
    (50.0, 100.0)
    """
    share = (ratio - RATIO_LOW) / (RATIO_HIGH - RATIO_LOW)
    return round(100.0 * min(max(share, 0.0), 1.0), 2)
