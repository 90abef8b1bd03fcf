"""The shipped strategies: every rule is hit by a line and missed by others, and hysteresis holds."""

import datetime as dt
import math
from pathlib import Path
from typing import Any

import pytest
import yaml

from limitkeeper.app.policy import POLICY, market_parameters, reason_wording
from limitkeeper.app.strategies import loaded_strategy, published_strategy, strategy_names, strategy_path
from limitkeeper.core.relations.quantities import RELATION_QUANTITIES
from limitkeeper.core.strategy.actions import Action, Trigger
from limitkeeper.core.strategy.proposals import PublishedStrategy

CASES = yaml.safe_load(
    (Path(__file__).parents[2] / "cases/shipped_strategies.yaml").read_text(encoding="utf-8")
)


@pytest.fixture(scope="module", params=strategy_names())
def published(request: pytest.FixtureRequest) -> PublishedStrategy:
    strategy = loaded_strategy(strategy_path(request.param))
    return published_strategy(strategy, market_parameters("CN", dt.date(2026, 11, 1)), compiled=False)


def hit_rules(published: PublishedStrategy, line: dict[str, Any], before: int = 0) -> set[str]:
    known = {name: value for name, value in line.items() if value is not None}
    hits = published.rules_hit(
        before, *(float(known.get(name, math.nan)) for name in published.strategy.names)
    )
    return {rule.id for bit, rule in enumerate(published.strategy.rules) if hits >> bit & 1}


def test_every_rule_is_hit_by_its_case_and_missed_by_the_others(published: PublishedStrategy) -> None:
    for rule in published.strategy.rules:
        case = CASES[rule.id]
        assert rule.id in hit_rules(published, case["hits"]), rule.id
        for change in case["misses"]:
            assert rule.id not in hit_rules(published, case["hits"] | change), (rule.id, change)


def test_every_case_is_of_a_rule() -> None:
    shipped = {rule.id for name in strategy_names() for rule in loaded_strategy(strategy_path(name)).rules}
    assert set(CASES) == shipped


def test_line_of_which_nothing_is_known_is_left_alone(published: PublishedStrategy) -> None:
    assert hit_rules(published, {}) == set()
    assert hit_rules(published, {"on_time_streak": 0, "flag_count_90d": 0, "declined_count_7d": 0}) == set()


def test_rule_lets_go_only_below_its_release(published: PublishedStrategy) -> None:
    bit = [rule.id for rule in published.strategy.rules].index("risk_high")
    high, margin = (published.constants[name] for name in ("pd_high", "hysteresis_pd"))
    between, below = {"pd": high - margin / 2}, {"pd": high - margin - 0.001}
    assert "risk_high" not in hit_rules(published, between)
    assert "risk_high" in hit_rules(published, between, before=1 << bit)
    assert "risk_high" not in hit_rules(published, below, before=1 << bit)
    assert "risk_high" in hit_rules(published, {}, before=1 << bit)  # unknown releases nothing


def test_links_hit_no_rule_in_a_market_that_does_not_allow_them(tmp_path: Path) -> None:
    allowed = yaml.safe_load((POLICY / "parameters/markets/CN.yaml").read_text(encoding="utf-8"))
    forbidden = allowed["relations_allowed"] | {"values": {"2002-01-01": 0}}
    (tmp_path / "own.yaml").write_text(yaml.safe_dump({"relations_allowed": forbidden}), encoding="utf-8")
    parameters = market_parameters("CN", dt.date(2026, 11, 1), tmp_path / "own.yaml")
    for name in strategy_names():
        published = published_strategy(loaded_strategy(strategy_path(name)), parameters, compiled=False)
        assert hit_rules(published, CASES["linked_to_bad"]["hits"]) == set()


def test_links_never_do_more_than_alert(published: PublishedStrategy) -> None:
    names = {quantity.name for quantity in RELATION_QUANTITIES}
    rules = [rule for rule in published.strategy.rules if names & set(rule.names)]
    assert [rule.id for rule in rules] == ["linked_to_bad"]
    assert rules[0].action is Action.ALERT


def test_strategy_covers_every_trigger_and_action(published: PublishedStrategy) -> None:
    rules = published.strategy.rules
    assert {rule.trigger for rule in rules} == set(Trigger)
    assert {rule.action for rule in rules} == set(Action)
    assert published.strategy.precedence[:2] == (Action.CLOSE, Action.FREEZE)


def test_rules_stand_in_order_of_precedence_then_severity(published: PublishedStrategy) -> None:
    order = [
        (published.strategy.precedence.index(rule.action), -rule.severity)
        for rule in published.strategy.rules
    ]
    assert order == sorted(order)


def test_every_rule_that_touches_a_customer_has_a_reason_in_both_languages(
    published: PublishedStrategy,
) -> None:
    english, chinese = reason_wording("en"), reason_wording("zh")
    for rule in published.strategy.rules:
        assert rule.description
        assert rule.description_zh
        assert all(code in english and code in chinese for code in rule.reasons)
        assert rule.reasons or rule.uses_score or rule.action is Action.NONE


def test_cautious_acts_wherever_standard_lowers_freezes_or_closes_for_risk() -> None:
    standard, cautious = (
        published_strategy(
            loaded_strategy(strategy_path(name)),
            market_parameters("CN", dt.date(2026, 11, 1)),
            compiled=False,
        )
        for name in ("standard", "cautious")
    )
    acting = {Action.DECREASE, Action.FREEZE, Action.CLOSE}
    actions = {rule.id: rule.action for rule in standard.strategy.rules}
    for rule_id, case in CASES.items():
        if actions.get(rule_id) in acting and rule_id in hit_rules(standard, case["hits"]):
            found = hit_rules(cautious, case["hits"])
            assert {rule.action for rule in cautious.strategy.rules if rule.id in found} & acting, rule_id
