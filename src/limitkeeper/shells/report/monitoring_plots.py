"""The monitoring report's plots: figures over time with their intervals and bounds."""

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from limitkeeper.shells.report.plots import ACCENT, ALARM, SOFT, axes_of_figure, drawn_in_page_style, svg_of

TICKS_MAX = 12


def _series(periods: Sequence[Mapping[str, Any]], kind: str) -> list[tuple[int, Mapping[str, Any]]]:
    """A figure of all accounts, with the number of each period in which it has a value."""
    return [
        (place, figure)
        for place, period in enumerate(periods)
        for figure in period["figures"]
        if figure["kind"] == kind and not figure["segment"] and figure["value"] is not None
    ]


def _named_periods(axes: Axes, periods: Sequence[Mapping[str, Any]]) -> None:
    step = -(-len(periods) // TICKS_MAX)
    places = list(range(0, len(periods), step))
    axes.set_xticks(places, [periods[place]["name"] for place in places], rotation=30, ha="right")
    axes.set_xlim(-0.5, len(periods) - 0.5)


def _with_intervals(axes: Axes, series: Sequence[tuple[int, Mapping[str, Any]]], **look: Any) -> None:  # noqa: ANN401 - matplotlib's
    places, values = [place for place, _ in series], [figure["value"] for _, figure in series]
    ends = [figure["interval"] for _, figure in series]
    below = [
        value - (end[0] if end[0] is not None else value) for value, end in zip(values, ends, strict=True)
    ]
    above = [
        (end[1] if end[1] is not None else value) - value for value, end in zip(values, ends, strict=True)
    ]
    axes.errorbar(places, values, yerr=[below, above], capsize=3, lw=1.4, ms=5, **look)
    alarmed = [(place, figure["value"]) for place, figure in series if figure["level"] == "alert"]
    if alarmed:
        axes.plot(*zip(*alarmed, strict=True), "X", color=ALARM, ms=10, zorder=5)


def _bounds(axes: Axes, watch: float, alert: float, t: Mapping[str, Any]) -> None:
    axes.axhline(watch, color=SOFT, lw=1, ls="--", label=t["watch_line"])
    axes.axhline(alert, color=ALARM, lw=1, ls="-.", label=t["alert_line"])


def stability_plot(document: Mapping[str, Any], t: Mapping[str, Any]) -> Markup:
    """The score's stability index by vintage, with what chance alone gives and the bounds."""
    vintages, bounds = document["vintages"], document["terms"]["bounds"]["psi"]
    series = _series(vintages, "psi")
    with drawn_in_page_style():
        figure, axes = axes_of_figure(4.8, 3.6)
        usual = [
            (place, each["note"]["usual"]) for place, each in series if each["note"]["usual"] is not None
        ]
        if usual:
            axes.plot(*zip(*usual, strict=True), ":", color=SOFT, lw=1.4, label=t["usual_line"])
        _bounds(axes, bounds["watch"], bounds["alert"], t)
        _with_intervals(axes, series, fmt="o-", color=ACCENT)
        _named_periods(axes, vintages)
        axes.set_ylim(bottom=0.0)
        figure.legend(loc="outside lower center", ncols=1)
        return svg_of(figure, t["plot_psi"])


def calibration_over_time_plot(document: Mapping[str, Any], t: Mapping[str, Any]) -> Markup | None:
    """Observed over expected defaults by vintage with exact intervals; None where no outcome is known."""
    vintages, bounds = document["vintages"], document["terms"]["bounds"]["calibration"]
    series = _series(vintages, "calibration")
    if not series:
        return None
    with drawn_in_page_style():
        figure, axes = axes_of_figure(4.8, 3.6)
        axes.axhline(1.0, color=SOFT, lw=1, label=t["even_line"])
        _bounds(axes, 1.0 + bounds["watch"], 1.0 + bounds["alert"], t)
        axes.axhline(1.0 / (1.0 + bounds["watch"]), color=SOFT, lw=1, ls="--")
        axes.axhline(1.0 / (1.0 + bounds["alert"]), color=ALARM, lw=1, ls="-.")
        _with_intervals(axes, series, fmt="o-", color=ACCENT)
        _named_periods(axes, vintages)
        figure.legend(loc="outside lower center", ncols=1)
        return svg_of(figure, t["plot_ratio"])


def auc_over_time_plot(document: Mapping[str, Any], t: Mapping[str, Any]) -> Markup | None:
    """The AUC by vintage with intervals, against that of the training; None where no outcome is known."""
    vintages, bounds = document["vintages"], document["terms"]["bounds"]["auc"]
    series = _series(vintages, "auc")
    if not series:
        return None
    with drawn_in_page_style():
        figure, axes = axes_of_figure(4.8, 3.6)
        against = series[0][1]["note"]["against"]
        if against is not None:
            axes.axhspan(against[1], against[2], color=SOFT, alpha=0.15)
            axes.axhline(against[0], color=SOFT, lw=1, label=t["reference_line"])
            _bounds(axes, against[0] - bounds["watch"], against[0] - bounds["alert"], t)
        _with_intervals(axes, series, fmt="o-", color=ACCENT)
        _named_periods(axes, vintages)
        figure.legend(loc="outside lower center", ncols=1)
        return svg_of(figure, t["plot_auc"])


def people_plot(document: Mapping[str, Any], t: Mapping[str, Any]) -> Markup | None:
    """How often people decided otherwise, by month, with intervals; None where nothing is known of it."""
    months = document["people"]
    if not months:
        return None
    with drawn_in_page_style():
        figure, axes = axes_of_figure(4.8, 3.6)
        _with_intervals(axes, _series(months, "override"), fmt="o-", color=ACCENT, label=t["override_line"])
        _with_intervals(axes, _series(months, "overturn"), fmt="s--", color=SOFT, label=t["overturn_line"])
        _named_periods(axes, months)
        axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        axes.set_ylim(bottom=0.0)
        figure.legend(loc="outside lower center", ncols=1)
        return svg_of(figure, t["plot_people"])
