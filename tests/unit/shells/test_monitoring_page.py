"""The monitoring page: both languages, nothing of the network, and every figure that stands."""

import re

import pytest

from limitkeeper.app.monitoring import alerts_of
from limitkeeper.core.drift.judgement import KINDS, LEVELS, NOT_JUDGED
from limitkeeper.shells.report.monitoring_page import monitoring_html
from limitkeeper.shells.report.page import report_words
from tests.monitored_model import HOSTILE, monitoring_document


def test_both_languages_have_the_same_words_and_all_that_are_needed() -> None:
    english, chinese = (report_words(language, "monitoring") for language in ("en", "zh"))
    assert english.keys() == chinese.keys()
    for words in (english, chinese):
        assert set(words["kinds"]) == set(words["advice"]) == set(words["units"]) == set(KINDS)
        assert set(words["why_not"]) == set(NOT_JUDGED)
        assert set(LEVELS) <= words.keys()
        assert len(words["notes"]) == len(english["notes"])


@pytest.mark.parametrize("language", ["en", "zh"])
def test_page_escapes_names_and_asks_nothing_of_the_network(language: str) -> None:
    page = monitoring_html(monitoring_document(), language)
    assert HOSTILE not in page
    assert "&lt;script&gt;" in page
    assert not re.findall(r"<script|(?:src|href)=\"(?!data:|#)|url\((?!#)|@import", page)


def test_same_document_gives_the_same_bytes() -> None:
    assert monitoring_html(monitoring_document()) == monitoring_html(monitoring_document())


def test_what_stands_is_told_with_what_to_do() -> None:
    document, t = monitoring_document(), report_words("en", "monitoring")
    assert {each["kind"] for each in document["alerts"]} >= {"psi", "csi", "override"}
    page = monitoring_html(document)
    assert t["advice"]["psi"] in page
    assert t["nothing_stands"] not in page
    assert t["nothing_stands"] in monitoring_html({**document, "alerts": []})


def test_model_of_which_no_outcome_is_known_has_no_plot_of_them() -> None:
    document = monitoring_document()
    unknown = {**document, "vintages": document["vintages"][1:2], "people": [], "segment": None}
    page = monitoring_html({**unknown, "alerts": alerts_of(unknown["vintages"])})
    t = report_words("en", "monitoring")
    assert t["section_people"] not in page
    assert t["plot_auc"] not in page


def test_chance_too_small_to_be_told_is_told_as_less_and_never_as_nothing() -> None:
    document = monitoring_document()
    for vintage in document["vintages"]:
        for figure in vintage["figures"]:
            figure["p_adjusted"] = 1e-9
    page = monitoring_html({**document, "alerts": alerts_of(document["vintages"])})
    assert "chance: &lt; 0.0001" in page
    assert "0.0000<" not in page
