"""The comparison of a challenger with the model that decides now, as a page in English or Chinese."""

from collections.abc import Mapping
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from limitkeeper.shells.report.monitoring_page import number
from limitkeeper.shells.report.page import interval, percent, report_words, whole_number

FIGURES = ("auc", "ks", "brier", "calibration_slope", "ece", "mean_pd")
"""Figures that both models have, in the table's order."""


def renewal_html(comparison: Mapping[str, Any], language: str = "en") -> str:
    """The comparison as one HTML page: no script, no request to anywhere.

    Parameters
    ----------
    comparison
        Of :func:`limitkeeper.app.renewal.compared_models`, through JSON.
    language
        ``en`` or ``zh``.

    Raises
    ------
    PolicyError
        When there is no wording in that language.
    """
    environment = Environment(
        loader=PackageLoader("limitkeeper.shells.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"count": whole_number, "percent": percent, "number": number, "interval": interval}
    return environment.get_template("renewal.html.j2").render(
        c=comparison, t=report_words(language, "renewal"), figures=FIGURES
    )
