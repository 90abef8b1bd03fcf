"""Regulation as data: dated, sourced, evaluated by one engine that never mistakes unknown for met."""

import datetime as dt
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limitkeeper.app.policy import POLICY, parameters_from_files
from limitkeeper.app.regulation import strategy_findings
from limitkeeper.app.regulation_policy import regulated_markets, regulation, shipped_register
from limitkeeper.app.strategies import loaded_strategy, strategy_path
from limitkeeper.core.compliance.checks import (
    CLOCK,
    DECISION,
    FAILED,
    MET,
    OUTSIDE,
    STRATEGY,
)
from limitkeeper.core.compliance.facts import strategy_facts
from limitkeeper.core.compliance.regulation import (
    BLOCK,
    TEXTS,
    RegulationRule,
    findings,
    regulation_from_document,
)
from limitkeeper.core.kernel.errors import PolicyError
from limitkeeper.core.kernel.parameters import parameters_in_force
from limitkeeper.core.kernel.words import Words

DAY = dt.date(2026, 11, 1)
STANDARD = loaded_strategy(strategy_path("standard"))

CUT: dict[str, Any] = {
    "action": "decrease", "is_adverse": True, "tier": 2.0, "refused_automation": False, "reasons": 2.0,
    "appeal_told": True, "notice_out_us": 1_000_000, "effective_us": 2_000_000, "days_to_notice": 0.5,
    "has_evidence": True, "limit_after_cents": 500_000,
}  # fmt: skip


def statuses(market: str, facts: dict[str, Any], stage: str = DECISION, day: dt.date = DAY) -> dict[str, str]:
    return {
        each.rule.id: each.status for each in findings(regulation(), stage, facts, "entry:1", market, day)
    }


def failed(market: str, **changed: object) -> set[str]:
    return {rule for rule, status in statuses(market, CUT | changed).items() if status == FAILED}


def test_every_shipped_rule_holds_together() -> None:
    ids = [rule.id for rule in regulation()]
    assert len(ids) == len(set(ids))
    assert set(regulated_markets()) == {"CN", "EU", "UK", "US"}


def test_every_rule_says_what_is_asked_its_source_and_what_to_do_in_both_languages() -> None:
    for rule in regulation():
        for name in TEXTS:
            is_chinese = re.search("[一-鿿]", getattr(rule, name)) is not None
            assert is_chinese == name.endswith("_zh"), (rule.id, name)


DIGITS = {"": 0} | {digit: place for place, digit in enumerate("一二三四五六七八九", start=1)}


def numbers(article: str) -> list[str]:
    """The numbers of an article, in either language's numerals."""

    def arabic(found: re.Match[str]) -> str:
        tens, has_tens, units = found[0].rpartition("十")
        return str((DIGITS[tens or "一"] * 10 if has_tens else 0) + DIGITS[units])

    return re.findall(r"[0-9.]+", re.sub(r"(?<=第)[一二三四五六七八九十]+(?=条)", arabic, article))


def test_both_languages_cite_the_same_articles_and_neither_one_that_was_not_verified() -> None:
    for rule in regulation():
        if rule.article is None:
            assert rule.article_zh is None
            assert rule.citation_zh == f"{rule.source_zh}（条款未核实）"
        else:
            assert numbers(str(rule.article_zh)) == numbers(rule.article), rule.id
            assert rule.citation_zh == f"{rule.source_zh}{rule.article_zh}"
    assert numbers("第四十四条至第五十条") == ["44", "50"]
    assert numbers("第十条、第十六条") == ["10", "16"]


def test_good_decision_fails_nothing_in_any_market() -> None:
    assert [failed(market) for market in regulated_markets()] == [set(), set(), set(), set()]


@pytest.mark.parametrize(
    ("market", "changed", "rule"),
    [
        ("CN", {"reasons": 0.0}, "CN.pipl_24_reasons"),
        ("CN", {"reasons": 5.0}, "CN.pipl_24_reasons"),
        ("CN", {"refused_automation": True, "tier": 1.0}, "CN.pipl_24_human"),
        ("CN", {"has_evidence": False}, "CN.pipl_69_evidence"),
        ("CN", {"notice_out_us": 3_000_000}, "CN.told_before_effect"),
        ("CN", {"notice_out_us": None}, "CN.told_before_effect"),
        ("CN", {"appeal_told": False}, "CN.algorithm_22_appeal"),
        ("CN", {"limit_after_cents": 30_000_001}, "CN.internet_loans_cap"),
        ("US", {"days_to_notice": 31.0}, "US.reg_b_9_days"),
        ("US", {"reasons": 0.0}, "US.reg_b_9_reasons"),
        ("EU", {"refused_automation": True, "tier": 1.0}, "EU.gdpr_22_human"),
    ],
)  # fmt: skip
def test_decision_that_breaks_a_rule_fails_it_and_no_other(
    market: str, changed: dict[str, object], rule: str
) -> None:
    assert failed(market, **changed) >= {rule}
    assert len(failed(market, **changed)) == 1


def test_freeze_may_act_before_its_notice() -> None:
    assert failed("CN", action="freeze", notice_out_us=3_000_000) == set()


def test_what_is_not_adverse_needs_no_reasons() -> None:
    assert "CN.pipl_24_reasons" not in statuses("CN", CUT | {"is_adverse": False})


def test_cap_is_that_of_the_day() -> None:
    facts = CUT | {"limit_after_cents": 25_000_000}
    assert statuses("CN", facts, day=dt.date(2025, 2, 28))["CN.internet_loans_cap"] == FAILED
    assert statuses("CN", facts, day=dt.date(2025, 3, 1))["CN.internet_loans_cap"] == MET


@given(st.sampled_from([("CN", 15, 30), ("EU", 30, 60)]), st.floats(0, 150), st.integers(0, 90))
def test_extended_clock_of_a_request_is_longer_as_far_as_the_rule_lets_it_be(
    rule: tuple[str, int, int], days_open: float, extended: int
) -> None:
    market, days, most = rule
    facts = {"request_days_open": days_open, "request_days_extended": float(extended)}
    [found] = [
        status
        for name, status in statuses(market, facts, CLOCK).items()
        if name.endswith("request_answered") and status in (MET, FAILED)
    ]
    assert (found == MET) == (days_open <= days + min(extended, most))


def test_shipped_clock_of_requests_and_its_extension_are_within_every_rule() -> None:
    clocks = parameters_in_force(parameters_from_files([POLICY / "rights" / "clocks.yaml"]), DAY)
    rules = [rule.values_on(DAY) for rule in regulation() if rule.check == "request_answered"]
    assert len(rules) == 2
    for values in rules:
        assert clocks["rights_answer_days"] <= values["days"]
        assert clocks["rights_extension_days"] <= values["extension_days"]


def test_postponed_law_says_nothing_before_its_day() -> None:
    assert "EU.ai_act_logs" not in statuses("EU", CUT, day=dt.date(2027, 12, 1))
    assert statuses("EU", CUT, day=dt.date(2027, 12, 2))["EU.ai_act_logs"] == MET


def test_what_the_lender_keeps_elsewhere_is_said_to_be_outside() -> None:
    assert statuses("US", CUT)["US.fcra_615_report"] == OUTSIDE


def test_rule_without_a_verified_article_says_so_instead_of_citing() -> None:
    rules = {rule.id: rule.citation for rule in regulation()}
    assert rules["CN.card_notice_dormant"].endswith("(article not verified)")
    assert rules["CN.pipl_24_human"].endswith("article 24")
    assert rules["market_allows"] == "the register of features and purposes"
    chinese = {rule.id: rule.citation_zh for rule in regulation()}
    assert chinese["CN.card_notice_dormant"].endswith("通知》（2022年7月）（条款未核实）")
    assert chinese["CN.pipl_24_human"] == "《中华人民共和国个人信息保护法》第二十四条"
    assert chinese["market_allows"] == "指标与用途登记册"


@given(st.sets(st.sampled_from(sorted(CUT))))
def test_missing_fact_never_makes_a_failed_rule_met(missing: set[str]) -> None:
    known = statuses("CN", CUT | {"reasons": 0.0, "has_evidence": False, "appeal_told": False})
    facts = {name: value for name, value in CUT.items() if name not in missing}
    facts |= {name: value for name, value in (("reasons", 0.0), ("has_evidence", False), ("appeal_told", False))
              if name not in missing}  # fmt: skip
    for rule, status in statuses("CN", facts).items():
        assert not (known.get(rule) == FAILED and status == MET), rule


def test_standard_strategy_holds_in_china_and_its_relations_do_not_in_the_european_union() -> None:
    assert not [each for each in strategy_findings(STANDARD, "CN", DAY) if each.status == FAILED]
    found = {each.rule.id for each in strategy_findings(STANDARD, "EU", dt.date(2026, 11, 20)) if each.blocks}
    assert found == {"EU.ccd2_18_no_social_data", "market_allows"}
    before = {
        each.rule.id for each in strategy_findings(STANDARD, "EU", dt.date(2026, 11, 19)) if each.blocks
    }
    assert before == {"market_allows"}, "the register forbids them already before the directive applies"


@pytest.mark.parametrize("market", [*regulated_markets(), "TW"])
@pytest.mark.parametrize(
    ("name", "rule"),
    [("x0", "registered"), ("night_share_30d", "purpose_fits"), ("Sex", "protected_attributes_apart")],
)
def test_model_reads_nothing_that_the_register_does_not_allow_it_in_any_market(
    market: str, name: str, rule: str
) -> None:
    facts = strategy_facts(STANDARD, shipped_register(), market, [name])
    found = {
        each.rule.id for each in findings(regulation(), STRATEGY, facts, "s", market, DAY) if each.blocks
    }
    assert rule in found


def test_use_that_a_rule_forbids_is_named_in_both_languages() -> None:
    found = {each.rule.id: each for each in strategy_findings(STANDARD, "EU", dt.date(2026, 11, 20))}
    refused = found["EU.ccd2_18_no_social_data"]
    assert "'contagion' (rule linked_to_bad) may not be used in market EU" in refused.detail
    assert "“contagion”（规则 linked_to_bad）不得在市场 EU 使用" in refused.detail_zh


def test_life_of_a_strategy_adds_its_facts() -> None:
    life = {
        "impact_assessed": False,
        "fairness_failed": (Words("sex: 0.71", "性别：0.71"),),
        "approved_by_others": True,
    }
    found = {each.rule.id: each for each in strategy_findings(STANDARD, "CN", DAY, life=life)}
    assert found["CN.pipl_55_assessed"].blocks
    assert found["fairness_screened"].blocks
    assert (found["fairness_screened"].detail, found["fairness_screened"].detail_zh) == (
        "sex: 0.71",
        "性别：0.71",
    )
    assert found["approved_by_others"].status == MET


def rule(**changed: object) -> dict[str, Any]:
    return {"r": {"title": "t", "title_zh": "t", "source": "s", "source_zh": "s", "article": None, "stage": "decision",
                  "severity": BLOCK, "check": "evidence_kept", "on_failure": "f", "on_failure_zh": "f",
                  "from": DAY} | changed}  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"check": "evidense_kept"}, "Did you mean 'evidence_kept'"),
        ({"stage": "strategy"}, "facts of another stage"),
        ({"severity": "bad"}, "severity of 'CN.r' is none"),
        ({"from": "tomorrow"}, "days of 'CN.r' are none"),
        ({"values": {"days": {"never": 1}}}, "values of 'CN.r'"),
        ({"owner": "me"}, "lacks or has too much"),
        ({"source_zh": " "}, "does not say everything"),
        ({"article": "article 1"}, "in one language only"),
        ({"article_zh": "第一条"}, "in one language only"),
    ],
)
def test_rule_that_does_not_hold_is_refused_with_what_is_wrong(
    changed: dict[str, object], words: str
) -> None:
    with pytest.raises(PolicyError, match=words):
        regulation_from_document("CN", rule(**changed))


def test_rule_ends_on_its_last_day() -> None:
    [found] = regulation_from_document("CN", rule(to=DAY + dt.timedelta(days=1)))
    assert isinstance(found, RegulationRule)
    assert found.in_force("CN", DAY)
    assert not found.in_force("CN", DAY + dt.timedelta(days=1))
    assert not found.in_force("US", DAY)
