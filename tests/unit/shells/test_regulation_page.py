"""The page of facts for the supervisor: both languages, nothing of the network, every rule and every failure."""

import datetime as dt
import html
import re
from typing import Any

import pytest

from limitkeeper.app.regulation import Evaluation, finding_document, rule_document
from limitkeeper.app.regulation_policy import regulation
from limitkeeper.core.compliance.checks import CLOCK, DECISION, STAGES
from limitkeeper.core.compliance.regulation import SEVERITIES, findings
from limitkeeper.shells.report.page import report_words
from limitkeeper.shells.report.regulation_page import STATUSES, regulation_html

DAY = dt.date(2026, 10, 5)
HOSTILE = "<script>alert(1)</script>"


def facts_document() -> dict[str, Any]:
    """The facts of one change that nobody was told of and one that was, by the rules of CN themselves."""
    found, rules = Evaluation(), regulation()
    told = {"action": "decrease", "is_adverse": True, "reasons": 2.0, "has_evidence": True, "appeal_told": True,
            "notice_out_us": 1, "effective_us": 90_000_000_000}  # fmt: skip
    untold = told | {"reasons": 0.0, "notice_out_us": None, "appeal_told": False}
    for name, facts in (("good", told), (HOSTILE, untold)):
        found.add(findings(rules, DECISION, facts, f"entry:{name}", "CN", DAY), DAY)
    held = [rule for rule in rules if rule.in_force("CN", DAY) and rule.stage in (DECISION, CLOCK)]
    return {
        "market": "CN", "from": "2026-10-01", "to": "2026-10-31", "made_at": "2026-11-01T09:00:00+00:00",
        "regulation": [{"from": "2026-10-01", "to": "2026-10-31", "hash": "sha256:r"}],
        "decided_under": {"sha256:r": 1_001, "sha256:other": 7, "": 5},
        "audit": {"events": 1234, "hash": "f" * 64}, "subjects": 2, "failed": found.failed,
        "rules": [rule_document(rule, DAY) | {"counts": found.counts.get(rule.id, {})} for rule in held],
        "failures": [{"day": day.isoformat()} | finding_document(each) for each, day in found.failures],
    }  # fmt: skip


def test_both_languages_have_the_same_words_and_all_that_are_needed() -> None:
    english, chinese = (report_words(language, "regulation") for language in ("en", "zh"))
    assert english.keys() == chinese.keys()
    for words in (english, chinese):
        assert set(words["statuses"]) == set(STATUSES)
        assert set(words["stages"]) == set(STAGES)
        assert set(words["severities"]) == set(SEVERITIES)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_page_tells_every_rule_and_failure_escapes_names_and_asks_nothing_of_the_network(
    language: str,
) -> None:
    facts = facts_document()
    assert facts["failures"]
    page = regulation_html(facts, language)
    ending = "_zh" if language == "zh" else ""
    read = html.unescape(page)
    assert all(rule["id"] in read and rule[f"title{ending}"] in read for rule in facts["rules"])
    assert all(rule[f"source{ending}"] in read for rule in facts["rules"])
    assert all(each[f"on_failure{ending}"] in read for each in facts["failures"])
    assert all(each[f"detail{ending}"] in read for each in facts["failures"])
    assert (facts["audit"]["hash"] in page, "1,234" in page, "2026-10-05" in page) == (True, True, True)
    assert (page.count("sha256:r<") == 1, "1,001" in page, "sha256:other" in page) == (True, True, True)
    assert HOSTILE not in page
    assert "&lt;script&gt;" in page
    assert not re.findall(r"<script|(?:src|href)=\"(?!data:|#)|url\((?!#)|@import", page)


def test_period_in_which_nothing_failed_says_so() -> None:
    facts = facts_document() | {"failed": 0, "failures": [], "decided_under": {}}
    facts["rules"] = [rule | {"counts": {"met": 3}} for rule in facts["rules"]]
    page, t = regulation_html(facts), report_words("en", "regulation")
    assert t["none_failed"] in page
    assert t["section_failures"] not in page


def test_list_that_was_cut_says_of_how_many() -> None:
    facts = facts_document()
    assert "The first" not in regulation_html(facts)
    page = regulation_html(facts | {"failed": 5_000})
    assert f"The first {len(facts['failures'])} of 5,000." in page
