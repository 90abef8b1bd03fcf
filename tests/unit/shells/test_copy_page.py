"""The page of a person's copy: complete, in words, and nothing in it that runs."""

from typing import Any

import pytest

from limitkeeper.app.personal_copy import BEYOND, DURATIONS, SHOWN
from limitkeeper.app.personal_data import PERSONAL
from limitkeeper.app.policy import LANGUAGES, console_wording
from limitkeeper.core.access.actors import ROLES
from limitkeeper.core.access.purposes import LOOK_PURPOSES
from limitkeeper.shells.report.copy_page import copy_html
from limitkeeper.shells.report.page import report_words

OF_MONITOR = {
    "amount_cents", "as_of", "at", "change", "days_past_due", "features", "paid_cents", "relations", "standing", "what",
}  # fmt: skip

COPY: dict[str, Any] = {
    "customer_id": "c-3", "made_at": "2026-11-22T09:01:00+00:00", "made_by": "kim", "request_id": "3d9f",
    "export": {"by": "ivy", "at": "2026-11-22T09:01:00+00:00", "purpose": "request_handling", "audit_number": 12,
               "audit_hash": "2f6a"},
    "data": {
        "contacts": [{"channel": "mail", "address": "<script>alert(1)</script>", "consented": True}],
        "limit_entries": [{"delta_cents": -60_000_050, "effective_at": "2026-11-22T09:01:00+00:00", "until_at": None}],
        "alerts": [{"trigger": "late_repeatedly", "trace": {"score": {"pd": 0.25}, "rules": ["late_repeatedly"]}}],
        "appeal_evidence": [{"name": "receipt.png", "content": {"base64": "iVBORw0KGgo="}}],
        "notices": [{"content": {"subject": "Your limit", "paragraphs": ["It is lower."]}}],
    },
    "left_out": [{"part": "journal", "rows_here": 0, "at": "/v1/rights-requests/3d9f/copy/journal"}],
    "who_looked": [
        {"at": "2026-11-22T09:00:00+00:00", "act": "case.look", "subject": "case:7", "roles": ["committee", "officer"],
         "purpose": "case_handling"},
        {"at": "2026-11-22T09:00:00+00:00", "act": "case.claim", "subject": "case:7", "roles": [], "purpose": None},
    ],
}  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_table_and_column_of_a_copy_has_its_words(language: str) -> None:
    words = report_words(language, "copy")
    columns = {
        column.name.removesuffix("_us") + ("_days" if column.name in DURATIONS else "")
        for each in PERSONAL.values()
        for column in each.table.c
        if column.name not in each.hidden and each.name != SHOWN
    }
    assert set(words["tables"]) == {*PERSONAL, *BEYOND} - {SHOWN}
    assert columns | OF_MONITOR == set(words["columns"])
    assert words.keys() == report_words("en", "copy").keys()
    assert set(words["purposes"]) == set(LOOK_PURPOSES)
    assert set(console_wording(language)["role"]) == set(ROLES)


def test_page_says_everything_in_words_and_runs_nothing() -> None:
    page = copy_html(COPY)
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    for said in (
        "−600,000.50",
        "2026-11-22 09:01:00 UTC",
        "0.25",
        "It is lower.",
        "Case: looked at",
        "Committee member, Risk officer",
        "handling of a case",
        "Yes",
        "receipt.png",
        'data-name="Purpose"',
        "Events as they were sent",
        "Taken by ivy on 2026-11-22 09:01:00 UTC for a person&#39;s request; the audit stood at event 12, 2f6a",
        "/v1/rights-requests/3d9f/copy/journal",
    ):
        assert said in page, said
    assert "iVBORw0KGgo" not in page
    assert "This file is in the JSON copy." in page
    assert page.count("<details>") == 1, "the trace is folded"
    assert page.count("<details open>") == 2


def test_page_says_in_chinese_what_was_done_by_whoever_looked() -> None:
    page = copy_html(COPY, "zh")
    assert "案件：被查看" in page
    assert "case.look" not in page


def test_page_of_somebody_of_whom_nothing_is_kept_says_so() -> None:
    page = copy_html(COPY | {"data": {}, "who_looked": []}, "zh")
    assert "未保存您的任何个人信息。" in page
    assert "<table" not in page
