"""The report's plots as SVG whose text is text and whose colours are the page's own, in light and dark."""

import io
import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
from markupsafe import Markup, escape
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

# Drawn in these, shown in the style sheet's variables.
COLOURS = {
    "#101112": "var(--ink)",
    "#202122": "var(--soft)",
    "#303132": "var(--line)",
    "#404142": "var(--accent)",
    "#505152": "var(--alarm)",
}
INK, SOFT, LINE, ACCENT, ALARM = COLOURS
STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "limitkeeper",
    "text.parse_math": False,
    "font.family": "sans-serif",
    "font.size": 11,
    "axes.edgecolor": LINE,
    "axes.labelcolor": SOFT,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": LINE,
    "grid.linewidth": 0.6,
    "text.color": INK,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "legend.frameon": False,
}
DASHES = ("--", ":", "-.", (0, (1, 3)), (0, (6, 2, 1, 2, 1, 2)))
"""Lines differ by dash, so that colour is never the only sign."""


@contextmanager
def drawn_in_page_style() -> Iterator[None]:
    """The style of every plot. The browser has the Chinese letters that the plotting font lacks."""
    with mpl.rc_context(STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        yield


def svg_of(figure: Figure, description: str) -> Markup:
    """A figure as SVG with a description for readers who do not see it; the same bytes each time."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None}, transparent=True)
    text = buffer.getvalue()
    text = re.sub(r"<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.DOTALL)
    text = re.sub(r' id="[a-zA-Z0-9.]+_\d+"', "", text)  # names of parts, twice on a page with two plots
    for drawn, shown in COLOURS.items():
        text = text.replace(drawn, shown)
    label = escape(description)
    return Markup(text.replace("<svg ", f'<svg role="img" aria-label="{label}" ', 1))  # noqa: S704 - own SVG


def axes_of_figure(width: float, height: float) -> tuple[Figure, Axes]:
    """An empty figure of so many inches."""
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots()


def curve_plot(curves: Mapping[str, Any], names: Mapping[str, str], t: Mapping[str, Any]) -> Markup:
    """The share of the defaulters' undrawn limit reached by each ranking, and where the strategy sits."""
    with drawn_in_page_style():
        figure, axes = axes_of_figure(5.8, 5.0)
        for number, line in enumerate(curves["lines"]):
            shares = [k / (len(line["points"]) - 1) for k in range(len(line["points"]))]
            label = names.get(line["name"], line["name"])
            if line["name"] == "model":
                axes.plot(shares, line["points"], color=ACCENT, lw=2.4, label=label)
            else:
                dash = DASHES[number % len(DASHES)]
                axes.plot(shares, line["points"], color=SOFT, lw=1.4, ls=dash, label=label)
        point = curves["strategy"]
        if point["share_touched"] is not None and point["share_reached"] is not None:
            touched = [point["share_touched"]]
            axes.plot(touched, [point["share_reached"]], "X", color=ALARM, ms=10, label=t["strategy_point"])
            axes.plot(touched, [point["share_covered"]], "v", color=ALARM, ms=7, label=t["strategy_covered"])
        axes.set(xlabel=t["curve_x"], ylabel=t["curve_y"], xlim=(0, 1), ylim=(0, 1.01))
        axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        figure.legend(loc="outside lower center", ncols=2)
        return svg_of(figure, t["section_curve"])


def calibration_plot(bands: list[dict[str, Any]], t: Mapping[str, Any]) -> Markup:
    """What happened against what the model said, in bands of equal size."""
    with drawn_in_page_style():
        figure, axes = axes_of_figure(4.6, 3.8)
        said, happened = [band["pd"] for band in bands], [band["bad_rate"] for band in bands]
        highest = max(*said, *happened, 0.01)
        axes.plot([0, highest], [0, highest], color=SOFT, lw=1, ls="--", label=t["calibration_perfect"])
        axes.plot(said, happened, "o-", color=ACCENT, lw=1.6, ms=5, label=t["calibration_bands"])
        axes.set(xlabel=t["calibration_x"], ylabel=t["calibration_y"])
        axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        axes.legend(loc="upper left")
        return svg_of(figure, t["calibration_title"])


def score_plot(scores: Mapping[str, Any], t: Mapping[str, Any]) -> Markup:
    """How many accounts have which points, and which of them defaulted."""
    with drawn_in_page_style():
        figure, axes = axes_of_figure(4.6, 3.8)
        axes.stairs(
            scores["counts"], scores["edges"], fill=True, color=ACCENT, alpha=0.35, label=t["score_all"]
        )
        if scores["bad"] is not None:
            axes.stairs(
                scores["bad"], scores["edges"], color=ALARM, fill=False, hatch="////", lw=1.2,
                label=t["score_bad"],
            )  # fmt: skip
        axes.set(xlabel=t["score_x"], ylabel=t["score_y"])
        axes.legend(loc="upper left")
        return svg_of(figure, t["score_title"])
