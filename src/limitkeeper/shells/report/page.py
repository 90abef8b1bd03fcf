"""The report page: a summary in words, tables and plots, in English or Chinese."""

import math
from collections.abc import Callable, Mapping
from typing import Any

import yaml

from limitkeeper.app.policy import POLICY, checked_language
from limitkeeper.shells.report.plots import calibration_plot, curve_plot, score_plot
from limitkeeper.shells.templates import environment_of

NOTHING = "–"
SCALES: dict[str, tuple[tuple[float, str], ...]] = {
    "en": ((1e9, " bn"), (1e6, " m"), (1e3, " k")),
    "zh": ((1e8, " 亿"), (1e4, " 万")),
}
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


def report_words(language: str, page: str = "report") -> dict[str, Any]:
    """The words of a page in a language.

    Parameters
    ----------
    language
        ``en`` or ``zh``.
    page
        Whose words: ``report``, ``fairness``, ``monitoring``, ``renewal``.

    Raises
    ------
    PolicyError
        When there is no wording in that language.
    """
    path = POLICY / "wording" / checked_language(language) / f"{page}.yaml"
    words: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return words


def whole_number(value: float | None) -> str:
    """A count with separators, or a dash where it is unknown.

    Examples
    --------
    >>> whole_number(30000), whole_number(None)
    ('30,000', '–')
    """
    return NOTHING if value is None else f"{value:,.0f}"


def percent(value: float | None, places: int = 1, *, signed: bool = False) -> str:
    """A share in percent, or a dash where it is unknown.

    Examples
    --------
    >>> percent(0.2212), percent(0.17, signed=True), percent(None)
    ('22.1%', '+17.0%', '–')
    """
    if value is None or not math.isfinite(value):
        return NOTHING
    return f"{value:{'+' if signed else ''}.{places}%}".replace("-", "−")


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


def interval(bounds: tuple[float, float] | list[float] | None) -> str:
    """An interval of shares, or nothing where there is none.

    Examples
    --------
    >>> interval((0.21, 0.235))
    '21.0–23.5%'
    """
    return "" if bounds is None else f"{bounds[0] * 100:.1f}–{bounds[1]:.1%}"


def money(cents: float | None, currency: str = "", language: str = "en", *, signed: bool = False) -> str:
    """An amount in minor units, rounded to three or four figures in the language's own scale.

    Examples
    --------
    >>> money(502_452_968_000, "TWD"), money(502_452_968_000, language="zh"), money(-12_345)
    ('TWD 5.02 bn', '50.25 亿', '−123')
    """
    if cents is None or not math.isfinite(cents):
        return NOTHING
    units = abs(cents) / 100
    factor, suffix = next(((f, s) for f, s in SCALES[language] if units >= f), (1.0, ""))
    places = 0 if factor == 1.0 else 2 if units / factor < 100 else 1  # noqa: PLR2004 - three figures or more
    sign = "−" if cents < 0 else "+" if signed and cents > 0 else ""
    named = f"{currency} " if currency else ""
    return f"{sign}{named}{units / factor:,.{places}f}{suffix}"


def place_on_scale(ratio: float) -> float:
    """Where a ratio lies on the drawn scale, in percent of its length, kept within it.

    Examples
    --------
    >>> place_on_scale(0.9), place_on_scale(5.0)
    (50.0, 100.0)
    """
    share = (ratio - RATIO_LOW) / (RATIO_HIGH - RATIO_LOW)
    return round(100.0 * min(max(share, 0.0), 1.0), 2)


def page_drawn(template: str, filters: Mapping[str, Callable[..., Any]], **values: Any) -> str:  # noqa: ANN401
    """A page of this folder, drawn with values: what is not given is an error, and everything is escaped.

    Parameters
    ----------
    template
        Its file.
    filters
        That it uses.
    values
        That it shows.
    """
    environment = environment_of(("limitkeeper.shells.report", "."))
    environment.filters |= filters
    return environment.get_template(template).render(**values)


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
