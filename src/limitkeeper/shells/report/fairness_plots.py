"""The plots of a fairness report: each figure with its interval against its bound, and the trade-off of alternatives."""

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from limitkeeper.core.compliance.groups import RATIOS
from limitkeeper.core.compliance.screens import PROXY_BOUND, SCREENS
from limitkeeper.shells.report.plots import (
    ACCENT,
    ALARM,
    INK,
    SOFT,
    axes_of_figure,
    drawn_in_page_style,
    svg_of,
)

MARKS = {
    "as_it_is": ("X", ALARM),
    "threshold": ("o", ACCENT),
    "dropped": ("s", SOFT),
    "constrained": ("^", INK),
}
"""An alternative's kind differs by its mark, so that colour is never the only sign."""

PANELS = (
    "adverse_impact_ratio", "conditional_adverse_impact_ratio", "equal_opportunity_difference", "score_difference",
    "cut_difference",
)  # fmt: skip


def groups_plot(
    part: Mapping[str, Any], names: Sequence[str], bounds: Mapping[str, float], t: Mapping[str, Any]
) -> Markup:
    """Each figure of an attribute's groups, one panel a figure, as dots with intervals."""
    figures = [name for name in PANELS if any(name in group["figures"] for group in part["groups"])]
    with drawn_in_page_style():
        figure, _ = axes_of_figure(2.6 + 2.0 * len(figures), 1.3 + 0.34 * len(names))
        figure.clear()
        panels = figure.subplots(1, len(figures), sharey=True, squeeze=False)[0]
        for axes, name in zip(panels, figures, strict=True):
            bound = bounds[SCREENS[name][0]] if name in SCREENS else None
            rows = [group["figures"].get(name, {}).get("best") for group in part["groups"]]
            _dots(axes, rows, bound, is_least=name in RATIOS)
            axes.axvline(1.0 if name in RATIOS else 0.0, color=SOFT, lw=1)
            axes.set_title(t["figures"][name], fontsize=9, loc="left")
            axes.xaxis.set_major_locator(MaxNLocator(4))
            axes.tick_params(labelsize=8)
        panels[0].set_yticks(range(len(names)), names, fontsize=9)
        panels[0].set_ylim(len(names) - 0.5, -0.5)
        return svg_of(figure, part["attribute"])


def _dots(
    axes: Axes, rows: Sequence[Mapping[str, Any] | None], bound: float | None, *, is_least: bool
) -> None:
    """Dots with intervals from the top down; one whose interval is not within the bound is a diamond."""
    if bound is not None:
        axes.axvline(bound, color=ALARM, lw=1.2, ls="--")
    for place, row in enumerate(rows):
        if row is None or row["value"] is None:
            continue
        ends = [row["value"] if row[end] is None else row[end] for end in ("low", "high")]
        beyond = bound is not None and (ends[0] <= bound if is_least else ends[1] >= bound)
        colour = SOFT if row["is_small"] else ALARM if beyond else ACCENT
        axes.plot(ends, [place, place], color=colour, lw=2, ls=":" if row["is_small"] else "-")
        axes.plot([row["value"]], [place], "D" if beyond else "o", color=colour, ms=5)


def proxies_plot(
    proxies: Sequence[Mapping[str, Any]],
    names: Sequence[str],
    bounds: Mapping[str, float],
    t: Mapping[str, Any],
) -> Markup:
    """The AUC of each group's proxy test with its interval."""
    with drawn_in_page_style():
        figure, axes = axes_of_figure(6.4, 1.1 + 0.28 * len(proxies))
        _dots(axes, [each["auc"] for each in proxies], bounds[PROXY_BOUND], is_least=False)
        axes.axvline(0.5, color=SOFT, lw=1)
        axes.set(xlabel="AUC", xlim=(0.4, 1.0), ylim=(len(proxies) - 0.5, -0.5))
        axes.set_yticks(range(len(proxies)), names, fontsize=9)
        return svg_of(figure, t["section_proxies"])


def trade_off_plot(alternatives: Mapping[str, Any], bound: float, t: Mapping[str, Any]) -> Markup:
    """Quality of each alternative against its least adverse-impact ratio, with its interval."""
    with drawn_in_page_style():
        figure, axes = axes_of_figure(6.4, 4.4)
        told = set()
        for each in alternatives["tried"]:
            mark, colour = MARKS[each["kind"]]
            label = None if each["kind"] in told else t["kinds_of_change"][each["kind"]]
            told.add(each["kind"])
            ratio = each["adverse_impact_ratio"]
            if ratio["low"] is not None:
                axes.plot(
                    [ratio["low"], ratio["high"]], [each["quality"]] * 2, color=colour, lw=0.8, alpha=0.35
                )
            axes.plot([ratio["value"]], [each["quality"]], mark, color=colour, ms=7, label=label, ls="none")
        axes.axvline(bound, color=ALARM, lw=1.2, ls="--")
        axes.set(xlabel=t["trade_off_x"], ylabel=t["quality"][alternatives["quality"]])
        figure.legend(loc="outside lower center", ncols=4)
        return svg_of(figure, t["section_alternatives"])
