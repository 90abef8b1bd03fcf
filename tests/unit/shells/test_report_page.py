import re

import pytest

from limitkeeper.core.kernel.errors import PolicyError
from limitkeeper.shells.report.page import report_words
from limitkeeper.shells.report.review_page import report_html
from tests.report_summary import HOSTILE, report_summary


def test_both_languages_have_the_same_words() -> None:
    assert report_words("en").keys() == report_words("zh").keys()


@pytest.mark.parametrize("language", ["en", "zh"])
def test_page_escapes_names_and_asks_nothing_of_the_network(language: str) -> None:
    page = report_html(report_summary(), language)
    assert HOSTILE not in page
    assert "&lt;script&gt;" in page
    assert not re.findall(r"<script|(?:src|href)=\"(?!data:|#)|url\((?!#)|@import", page)


def test_same_summary_gives_the_same_bytes() -> None:
    assert report_html(report_summary(), "en") == report_html(report_summary(), "en")


def test_page_without_an_outcome_says_so() -> None:
    summary = report_summary() | {"outcome": None, "curves": None, "groups": []}
    summary["scores"] |= {"bad": None, "calibration": None}
    page = report_html(summary, "en")
    assert report_words("en")["no_outcome"] in page
    assert report_words("en")["no_groups"] in page


def test_unknown_language_is_refused() -> None:
    with pytest.raises(PolicyError, match="language"):
        report_html(report_summary(), "fr")
