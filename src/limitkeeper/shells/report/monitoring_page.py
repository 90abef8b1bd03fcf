"""The report of a model's monitoring: what stands, and every figure over time, in English or Chinese."""

import math
from collections.abc import Mapping
from typing import Any

from limitkeeper.shells.report.monitoring_plots import (
    auc_over_time_plot,
    calibration_over_time_plot,
    people_plot,
    stability_plot,
)
from limitkeeper.shells.report.page import NOTHING, page_drawn, percent, report_words, whole_number

SHARES = ("override", "overturn")
"""Kinds of figures that are shares."""

CHANCE_LEAST = 0.0001
"""The least probability that is told as a number."""

VINTAGES_SHOWN = 12
"""Columns of the table of characteristics: the newest vintages."""


def number(value: float | None, places: int = 3) -> str:
    """A figure to some places, or a dash where it is unknown.

    Examples
    --------
    >>> number(0.12345), number(None), number(-0.5)
    ('0.123', '–', '−0.500')
    """
    if value is None or not math.isfinite(value):
        return NOTHING
    return f"{value:.{places}f}".replace("-", "−")


def chance(value: float | None) -> str:
    """A probability to four places; one that is less than they can say is told as that.

    Examples
    --------
    >>> chance(0.03125), chance(0.00004), chance(0.0), chance(None)
    ('0.0312', '< 0.0001', '< 0.0001', '–')
    """
    return f"< {CHANCE_LEAST}" if value is not None and value < CHANCE_LEAST else number(value, 4)


def shown_value(figure: Mapping[str, Any]) -> str:
    """The figure's value as its kind is read."""
    return percent(figure["value"]) if figure["kind"] in SHARES else number(figure["value"])


def shown_interval(figure: Mapping[str, Any], t: Mapping[str, Any]) -> str:
    """The figure's interval as its kind is read; nothing where there is none."""
    low, high = figure["interval"]
    if low is None or high is None:
        return ""
    text = percent if figure["kind"] in SHARES else number
    return str(t["interval"].format(low=text(low), high=text(high)))


def figure_name(figure: Mapping[str, Any], document: Mapping[str, Any], t: Mapping[str, Any]) -> str:
    """What a figure is, in words."""
    label = document["model"]["labels"].get(figure["name"], figure["name"])
    name = str(t["kinds"][figure["kind"]].format(name=label))
    return f"{name}, {figure['segment']}" if figure["segment"] else name


def explanation(figure: Mapping[str, Any], t: Mapping[str, Any]) -> list[str]:
    """What a figure rests on, in words."""
    note, found = figure["note"], []
    if figure["why_not"]:
        found.append(t["why_not"][figure["why_not"]])
    if "most" in note:
        most = note["most"]
        found.append(
            t["moved"].format(
                bin=most["bin"] or t["missing"], before=percent(most["before"]), now=percent(most["now"])
            )
        )
        if note["usual"] is not None:
            found.append(t["usual"].format(value=number(note["usual"])))
    if "bads" in note and figure["rows"]:
        counts = {"bads": whole_number(note["bads"]), "expected": whole_number(note["expected"])}
        found.append(t["counts"].format(**counts))
    if note.get("against") is not None:
        value, low, high = (number(each) for each in note["against"])
        found.append(t["against"].format(value=value, low=low, high=high))
    if "hits" in note:
        found.append(
            t["hits"].format(
                rows=whole_number(figure["rows"]),
                hits=whole_number(note["hits"]),
                before=percent(note["before"]),
            )
        )
    return found


def monitoring_html(document: Mapping[str, Any], language: str = "en") -> str:
    """A model's monitoring as one HTML page: no script, no request to anywhere.

    Parameters
    ----------
    document
        As of :func:`limitkeeper.app.monitoring.monitored`, through JSON or through
        :func:`limitkeeper.connectors.models.defined`: what is not defined is None.
    language
        ``en`` or ``zh``.

    Raises
    ------
    PolicyError
        When there is no wording in that language.
    """
    t = report_words(language, "monitoring")
    vintages = document["vintages"]
    return page_drawn(
        "monitoring.html.j2",
        {"count": whole_number, "percent": percent, "number": number, "value": shown_value, "chance": chance},
        d=document,
        t=t,
        lang=language,
        named=lambda figure: figure_name(figure, document, t),
        explained=lambda figure: explanation(figure, t),
        bounds_of=lambda figure: shown_interval(figure, t),
        figures_of=lambda period, *kinds: [
            figure for kind in kinds for figure in period["figures"] if figure["kind"] == kind
        ],
        recent=vintages[-VINTAGES_SHOWN:],
        moved=most_moved(document),
        bias=[each for each in vintages if each.get("action_bias")],
        plots={
            "psi": stability_plot(document, t),
            "ratio": calibration_over_time_plot(document, t),
            "auc": auc_over_time_plot(document, t),
            "people": people_plot(document, t),
        },
    )


def most_moved(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Each characteristic with its index in each of the newest vintages, the most moved first."""
    rows: dict[str, list[dict[str, Any]]] = {}
    for vintage in document["vintages"][-VINTAGES_SHOWN:]:
        for figure in vintage["figures"]:
            if figure["kind"] == "csi":
                rows.setdefault(figure["name"], []).append(figure)
    found = [{"figure": figures[-1], "figures": figures} for figures in rows.values()]
    return sorted(found, key=lambda row: -max(each["value"] or 0.0 for each in row["figures"]))
