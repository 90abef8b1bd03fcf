"""The Taiwan months under monitoring: what is given of each, and what the committed report says."""

import json
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from limitkeeper.app.policy import page_notes
from limitkeeper.app.taiwan import is_test
from limitkeeper.app.taiwan_months import FIRST, LAST, SEGMENT, taiwan_month
from limitkeeper.connectors.taiwan import TARGET, taiwan_statements

REPORT = Path(__file__).parents[3] / "docs" / "monitoring" / "taiwan.json"


@pytest.fixture(scope="module")
def report() -> dict:
    return json.loads(REPORT.read_text(encoding="utf-8"))


def test_notes_stand_in_both_languages() -> None:
    english, chinese = page_notes("taiwan_months").values()
    assert len(english) == len(chinese) == 3


def test_only_april_has_an_outcome_and_no_month_a_protected_attribute(
    required: Callable[[str], Path],
) -> None:
    statements = taiwan_statements(Path("out"), required("shared_data") / "uci350_taiwan" / "uci350.parquet")
    months = {k: taiwan_month(statements, k) for k in range(LAST, FIRST + 1)}
    assert {k: month[TARGET].null_count() for k, month in months.items()} == {6: 0} | dict.fromkeys(
        range(1, 6), 30_000
    )
    assert {tuple(month.columns) for month in months.values()} == {
        ("account_id", "limit", "status", "bill", "paid", SEGMENT, TARGET)
    }
    assert months[LAST].filter(pl.col("status") == 1).height == 3_688
    assert max(months[k].filter(pl.col("status") == 1).height for k in range(2, 7)) == 28
    assert months[FIRST].filter(is_test()).height == 9_000


def test_report_finds_the_break_of_september_in_its_month_and_nothing_in_april(report: dict) -> None:
    levels = {
        vintage["name"]: {(each["kind"], each["name"]): each["level"] for each in vintage["figures"]}
        for vintage in report["vintages"]
    }
    assert list(levels) == [f"2005-{month:02d}" for month in range(4, 10)]
    assert set(levels["2005-04"].values()) == {"fine"}
    assert levels["2005-08"]["csi", "status"] == "fine"
    assert levels["2005-09"]["csi", "status"] == "watch"
    assert levels["2005-09"]["psi", ""] == "alert"
    assert [vintage["outcomes"] for vintage in report["vintages"]] == [9_000, 0, 0, 0, 0, 0]


@pytest.mark.parametrize(("name", "word"), [("taiwan.html", "alert"), ("taiwan.zh.html", "预警")])
def test_pages_of_the_report_stand_beside_it(report: dict, name: str, word: str) -> None:
    page = (REPORT.parent / name).read_text(encoding="utf-8")
    assert report["model"]["hash"] in page
    assert word in page
