"""The page of a fairness report, in both languages, from the committed one and from one of hostile names."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from limitkeeper.app.policy import FAIRNESS_SCREENS, parameters_from_files
from limitkeeper.core.compliance.groups import FIGURES
from limitkeeper.core.compliance.screens import SCREENS as FIGURES_SCREENED
from limitkeeper.shells.report.fairness_page import fairness_html
from limitkeeper.shells.report.page import report_words

COMMITTED = Path(__file__).parents[3] / "docs" / "fairness" / "taiwan.json"
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(COMMITTED.read_text(encoding="utf-8"))
    return found


def keys_of(words: Any, path: str = "") -> set[str]:
    if not isinstance(words, dict) or path == ".groups":
        return {path}
    return set().union(*(keys_of(value, f"{path}.{key}") for key, value in words.items()))


def test_both_languages_have_the_same_words() -> None:
    assert keys_of(report_words("en", "fairness")) == keys_of(report_words("zh", "fairness"))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_figure_and_screen_has_a_word(language: str) -> None:
    words = report_words(language, "fairness")
    assert set(FIGURES) <= set(words["figures"])
    assert set(FIGURES_SCREENED) | {"proxy"} == set(words["screens"])
    assert all(
        each.description and each.description_zh
        for each in parameters_from_files([FAIRNESS_SCREENS]).values()
    )


@pytest.mark.parametrize("language", ["en", "zh"])
def test_committed_page_is_that_of_the_committed_report_and_asks_nothing_of_the_network(
    report: dict[str, Any], language: str
) -> None:
    page = fairness_html(report, language)
    assert not re.findall(r"<script|(?:src|href)=\"(?!data:|#)|url\((?!#)|@import", page)
    kept = COMMITTED.with_name(f"taiwan.{language}.html").read_text(encoding="utf-8")
    assert without_plots(kept) == without_plots(page + "\n")


def without_plots(page: str) -> str:
    """A page without its drawings: where letters are set differs with the machine's fonts."""
    return re.sub(r"<svg .*?</svg>", "", page, flags=re.DOTALL)


def test_names_are_escaped(report: dict[str, Any]) -> None:
    hostile = json.loads(json.dumps(report).replace('"female"', json.dumps(HOSTILE)))
    page = fairness_html(hostile, "en")
    assert HOSTILE not in page
    assert "&lt;script&gt;" in page


def test_committed_report_has_an_interval_for_each_figure_of_each_attribute(report: dict[str, Any]) -> None:
    assert [part["attribute"] for part in report["attributes"]] == [
        "sex", "age_band", "marital_status", "education",
    ]  # fmt: skip
    for part in report["attributes"]:
        for group in part["groups"]:
            for name, figure in group["figures"].items():
                sides = ("whole",) if group["group"] == part["most_favoured"] else ("best", "whole")
                told = [figure[side] for side in sides if figure[side]["value"] is not None]
                assert all(each["is_small"] or each["low"] <= each["high"] for each in told), name
            assert group["share_touched"]["low"] < group["share_touched"]["high"]
            assert group["calibration"]["low"] < group["calibration"]["high"]


def test_report_without_outcome_score_proxies_and_alternatives_has_a_page(report: dict[str, Any]) -> None:
    bare = json.loads(json.dumps(report)) | {
        "proxies": [],
        "notes": [{"code": "no_outcome"}, {"code": "no_score"}],
    }
    del bare["alternatives"]
    for part in bare["attributes"]:
        for group in part["groups"]:
            del group["calibration"]
            for name in ("score_difference", "conditional_adverse_impact_ratio"):
                del group["figures"][name]
    page = fairness_html(bare, "en")
    assert report_words("en", "fairness")["notes"]["no_score"] in page
