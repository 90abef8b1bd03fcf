"""The report in a real browser: quiet, alone, in order, and within a telephone's width."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from limitkeeper.shells.report.monitoring_page import monitoring_html
from limitkeeper.shells.report.review_page import report_html
from tests.monitored_model import monitoring_document
from tests.report_summary import report_summary

PAGES = {
    "review": lambda language: report_html(report_summary(), language),
    "monitoring": lambda language: monitoring_html(monitoring_document(), language),
}


@pytest.mark.parametrize(
    ("kind", "language", "width"),
    [("review", "en", 1280), ("review", "en", 390), ("review", "zh", 390), ("monitoring", "zh", 390)],
)
def test_report_shows_without_error_request_or_sideways_scroll(
    chromium: Any, tmp_path: Path, kind: str, language: str, width: int
) -> None:
    path = tmp_path / "report.html"
    path.write_text(PAGES[kind](language), encoding="utf-8")
    page = chromium.new_page(viewport={"width": width, "height": 900})
    said: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(path.as_uri())
    levels = page.evaluate("[...document.querySelectorAll('h1,h2,h3')].map(e => +e.tagName[1])")
    across = page.evaluate("document.documentElement.scrollWidth")
    unnamed = page.evaluate("document.querySelectorAll('svg:not([aria-label])').length")
    page.close()
    assert said == []
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert across <= width
    assert unnamed == 0
