"""The page of a fairness report: screens, figures with intervals, proxies and alternatives, in English or Chinese."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from limitkeeper.core.compliance.groups import FIGURES
from limitkeeper.core.compliance.screens import FAILED, PASSED, SMALL, TOLD, UNCERTAIN
from limitkeeper.shells.report.fairness_plots import groups_plot, proxies_plot, trade_off_plot
from limitkeeper.shells.report.page import NOTHING, page_drawn, percent, report_words, whole_number

INTERSECTIONS_SHOWN = 15
"""Combinations of two attributes on the page; all are in the document."""


def figure_text(value: float | None, places: int = 2) -> str:
    """A figure to so many places, or a dash where there is none.

    Examples
    --------
    >>> figure_text(-0.0449), figure_text(-0.001), figure_text(None)
    ('−0.04', '0.00', '–')
    """
    return NOTHING if value is None else f"{round(value, places) + 0.0:,.{places}f}".replace("-", "−")


def named(words: Mapping[str, str], name: str) -> str:
    """An attribute or group in words, each part of a combination by itself.

    Examples
    --------
    >>> named({"female": "女"}, "female · single")
    '女 · single'
    """
    return " · ".join(words.get(part, part) for part in name.split(" · "))


def notes_told(report: Mapping[str, Any], t: Mapping[str, Any]) -> list[str]:
    """What a reader must know, in words."""
    return [
        t["notes"][note["code"]].format(**{name: value for name, value in note.items() if name != "code"})
        for note in report["notes"]
    ]


def notable(report: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Findings that a reader is to look at, failed ones first."""
    order = (FAILED, UNCERTAIN, TOLD)
    found = [each for each in report["findings"] if each["status"] in order]
    return sorted(found, key=lambda each: order.index(each["status"]))


def lowest_intersections(report: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """The combinations of two attributes with enough accounts and the lowest ratios."""
    rows = [
        (part["attribute"], group)
        for part in report["intersections"]
        for group in part["groups"]
        if not group["is_small"] and group["figures"]["adverse_impact_ratio"]["best"]["value"] is not None
    ]
    rows.sort(key=lambda row: row[1]["figures"]["adverse_impact_ratio"]["best"]["value"])
    return rows[:INTERSECTIONS_SHOWN]


def fairness_html(report: Mapping[str, Any], language: str = "en") -> str:
    """A fairness report as one HTML page: no script, no request to anywhere.

    Parameters
    ----------
    report
        The document of :func:`limitkeeper.app.fairness.fairness_report`, with ``alternatives`` where they were searched.
    language
        ``en`` or ``zh``.

    Raises
    ------
    PolicyError
        When there is no wording in that language.
    """
    t = report_words(language, "fairness")
    bounds = report["policy"]["bounds"]
    plots: dict[str, Any] = {
        part["attribute"]: groups_plot(
            part, [named(t["groups"], group["group"]) for group in part["groups"]], bounds, t
        )
        for part in report["attributes"]
    }
    proxy_names = [
        f"{named(t['attributes'], each['attribute'])}: {named(t['groups'], each['group'])}"
        for each in report["proxies"]
    ]
    alternatives = report.get("alternatives")
    return page_drawn(
        "fairness.html.j2",
        {"count": whole_number, "percent": percent, "figure": figure_text},
        r=report,
        t=t,
        lead=t["lead"].format(
            accounts=whole_number(report["accounts"]), touched=whole_number(report["touched"]),
            known=whole_number(report["outcomes_known"]),
        ),
        notes=notes_told(report, t),
        statuses=Counter(each["status"] for each in report["findings"]),
        blocked=bool(report["failed"]),
        notable=notable(report),
        intersections=lowest_intersections(report),
        figures=[
            name for name in FIGURES
            if any(name in group["figures"] for part in report["attributes"] for group in part["groups"])
        ],
        plots=plots,
        proxies_plot=proxies_plot(report["proxies"], proxy_names, bounds, t) if report["proxies"] else None,
        trade_off=trade_off_plot(alternatives, bounds["adverse_impact_ratio_least"], t) if alternatives else None,
        alternatives=alternatives,
        attribute_name=lambda name: named(t["attributes"], name),
        group_name=lambda name: named(t["groups"], name),
        PASSED=PASSED, FAILED=FAILED, UNCERTAIN=UNCERTAIN, SMALL=SMALL,
    )  # fmt: skip
