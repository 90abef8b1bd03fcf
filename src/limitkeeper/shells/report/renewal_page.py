"""The comparison of a challenger with the model that decides now, as a page in English or Chinese."""

from collections.abc import Mapping
from typing import Any

from limitkeeper.shells.report.monitoring_page import number
from limitkeeper.shells.report.page import interval, page_drawn, percent, report_words, whole_number

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
    return page_drawn(
        "renewal.html.j2",
        {"count": whole_number, "percent": percent, "number": number, "interval": interval},
        c=comparison,
        t=report_words(language, "renewal"),
        figures=FIGURES,
    )
