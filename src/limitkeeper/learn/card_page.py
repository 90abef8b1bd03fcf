"""The model card as a page: one HTML file that needs nothing else."""

import math

from jinja2 import Environment, PackageLoader, select_autoescape

from limitkeeper.core.risk.model import Model
from limitkeeper.core.risk.scorecard import HUNDREDTHS
from limitkeeper.learn.plots import calibration_plot, characteristic_plot, roc_plot, score_plot

FIGURES = (
    ("Kolmogorov-Smirnov", "ks"),
    ("Gini", "gini"),
    ("Brier score", "brier"),
    ("Calibration slope", "calibration_slope"),
    ("Calibration intercept", "calibration_intercept"),
    ("Expected calibration error, 10 bins", "ece"),
    ("PSI, training to validation", "psi"),
)


def four_places(value: object) -> str:
    """A figure to four places, or a dash where there is none.

    Examples
    --------
    >>> four_places(0.77931), four_places(None)
    ('0.7793', '–')
    """
    return f"{value:.4f}" if isinstance(value, int | float) and math.isfinite(value) else "–"


def card_page(model: Model) -> str:
    """The card of a model as HTML."""
    card, scorecard = model.card, model.scorecard
    plots: dict[str, object] = {
        "characteristics": [characteristic_plot(each) for each in card["characteristics"]]
    }
    if model.kind == "pd":
        plots |= {
            "roc": roc_plot(card),
            "calibration": calibration_plot(card),
            "score": score_plot(card["champion"]["score_histogram"]),
        }
    environment = Environment(
        loader=PackageLoader("limitkeeper.learn", "."),
        autoescape=select_autoescape(default=True, default_for_string=True),
        trim_blocks=True,
    )
    return environment.get_template("card.html.j2").render(
        card={"groups": {}, **card},
        models=[card["champion"], card["challenger"]] if model.kind == "pd" else [],
        figures=FIGURES,
        plots=plots,
        f4=four_places,
        base_points=scorecard.base_points / HUNDREDTHS,
        scale=f"{scorecard.points_at_odds:g} points are {scorecard.odds:g} good to one bad; "
        f"{scorecard.points_to_double_odds:g} more double the odds.",
    )
