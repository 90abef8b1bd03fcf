"""The picture of a campaign's impact: what is cut from which group, as one SVG file."""

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup
from matplotlib.ticker import FuncFormatter

from limitkeeper.shells.report.plots import ACCENT, SOFT, axes_of_figure, drawn_in_page_style, svg_of

BARS_MAX = 12


def impact_picture(impact: Mapping[str, Any], name: str) -> Markup:
    """Exposure and cut of each segment and trigger, the largest groups first.

    Parameters
    ----------
    impact
        As of :func:`limitkeeper.app.campaign_impact.impact_of`.
    name
        Of the campaign, for its description.
    """
    groups = [
        (f"{kind}: {group['name'] or '–'}", group) for kind in ("segment", "trigger") for group in impact[f"by_{kind}"]
    ][:BARS_MAX]  # fmt: skip
    with drawn_in_page_style():
        figure, axes = axes_of_figure(6.4, 1.2 + 0.42 * len(groups))
        places = range(len(groups))
        exposure = [group["exposure_cents"] / 100 for _, group in groups]
        cut = [group["cut_cents"] / 100 for _, group in groups]
        axes.barh(places, exposure, color=SOFT, alpha=0.35, label="exposure")
        axes.barh(places, cut, color=ACCENT, height=0.5, label="cut")
        axes.set_yticks(list(places), [label for label, _ in groups])
        axes.invert_yaxis()
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
        axes.set(xlabel=f"{impact['accounts']:,} accounts, cut {impact['cut_cents'] / 100:,.2f}")
        figure.legend(loc="outside lower center", ncols=2)
        return svg_of(figure, f"Impact of the campaign {name}")
