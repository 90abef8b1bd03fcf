"""The card's plots as SVG text."""

import io
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

INK, GOOD, BAD, SECOND, FAINT = "#1f2937", "#2f6f9f", "#c2513b", "#7a5ea8", "#d5dae1"
STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "limitkeeper",
    "font.family": "sans-serif",
    "font.size": 10,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
}
NAMES = (("champion", "Champion", GOOD), ("challenger", "Challenger", SECOND))


def svg_of(figure: Figure) -> str:
    """A figure as SVG without date or header, the same bytes each time."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None}, transparent=True)
    text = buffer.getvalue()
    return text[text.index("<svg") :]


def roc_plot(card: Mapping[str, Any]) -> str:
    """Champion and challenger: true against false positives."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(4.4, 3.9), layout="tight")
        axes = figure.subplots()
        axes.plot([0, 1], [0, 1], color=FAINT, lw=1)
        for key, name, colour in NAMES:
            axes.plot(*card[key]["roc"], color=colour, lw=1.8, label=f"{name}, AUC {card[key]['auc']:.4f}")
        axes.set(xlabel="good accounts flagged", ylabel="bad accounts caught", xlim=(0, 1), ylim=(0, 1.01))
        axes.legend(loc="lower right")
        return svg_of(figure)


def calibration_plot(card: Mapping[str, Any]) -> str:
    """Bad rate against mean PD in ten equal parts; the champion's with its 95 % interval."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(4.4, 3.9), layout="tight")
        axes = figure.subplots()
        highest = 0.0
        for key, name, colour in NAMES:
            parts = card[key]["calibration_bins"]
            pd, rate = ([part[field] for part in parts] for field in ("mean_pd", "bad_rate"))
            highest = max(highest, *pd, *rate)
            if key == "champion":
                ends = [[part[field] for part in parts] for field in ("low", "high")]
                axes.vlines(pd, *ends, color=colour, lw=1, alpha=0.5)
                highest = max(highest, *ends[1])
            axes.plot(pd, rate, "o-", color=colour, lw=1.2, ms=4, label=f"{name}, ECE {card[key]['ece']:.4f}")
        axes.plot([0, highest], [0, highest], color=FAINT, lw=1, zorder=0)
        axes.set(xlabel="mean PD of a tenth", ylabel="share that was bad")
        axes.legend(loc="upper left")
        return svg_of(figure)


def score_plot(histogram: Mapping[str, Sequence[float]]) -> str:
    """How the scores of good and bad accounts spread."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(9.2, 2.9), layout="tight")
        axes = figure.subplots()
        edges = histogram["edges"]
        for key, name, colour in (("good", "good", GOOD), ("bad", "bad", BAD)):
            total = sum(histogram[key]) or 1.0
            shares = [count / total for count in histogram[key]]
            axes.stairs(shares, edges, fill=True, color=colour, alpha=0.55, label=f"{name} ({total:,.0f})")
        axes.set(xlabel="points (held-out)", ylabel="share of the class")
        axes.legend(loc="upper left")
        return svg_of(figure)


def characteristic_plot(characteristic: Mapping[str, Any]) -> str:
    """One characteristic: rows and bad rate by bin above, points below."""
    bins = [each for each in characteristic["bins"] if each["rows"]]
    names = [each["bin"] if len(each["bin"]) <= 26 else each["bin"][:25] + "…" for each in bins]  # noqa: PLR2004
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(9.2, 0.75 + 0.27 * len(bins)), layout="tight")
        left, right = figure.subplots(1, 2, sharey=True)
        places = list(range(len(bins)))[::-1]
        left.barh(places, [each["bad_rate"] for each in bins], color=BAD, alpha=0.75, height=0.72)
        for place, each in zip(places, bins, strict=True):
            left.text(
                each["bad_rate"],
                place,
                f" {each['bad_rate']:.3f}  n={each['rows']:,}",
                va="center",
                fontsize=8,
            )
        left.set_yticks(places, names, fontsize=8)
        left.set_xlabel("mean outcome")
        left.set_xlim(0, 1.35 * max(each["bad_rate"] for each in bins) + 1e-9)
        right.barh(places, [each["points"] for each in bins], height=0.72,
                   color=[GOOD if each["points"] >= 0 else BAD for each in bins])  # fmt: skip
        right.axvline(0, color=INK, lw=0.7)
        right.set_xlabel("points")
        return svg_of(figure)
