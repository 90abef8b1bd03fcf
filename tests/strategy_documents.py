"""Small strategies for tests."""

from collections.abc import Mapping
from typing import Any

from limitkeeper.core.strategy.definition import Strategy, strategy_from_document

MARKET = {"hurdle_rate": "annual rate"}
REASONS = ("late_recent", "utilisation_high", "improved", "terms_breach")


def rule(rule_id: str, when: str, action: str = "decrease", **more: Any) -> dict[str, Any]:
    """A rule's entry."""
    return {
        "id": rule_id,
        "trigger": "improvement" if action == "restore" else "declining_repayment_capacity",
        "when": when,
        "action": action,
        "severity": "mild",
        "reasons": ["late_recent"],
        "description": "A rule of a test.",
        "description_zh": "测试规则。",
        **more,
    }


def document(rules: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    """A strategy document with these rules."""
    severities = sorted({entry["severity"] for entry in rules if entry["action"] == "decrease"})
    return {
        "name": "tested",
        "version": "1",
        "description": "A strategy of a test.",
        "description_zh": "测试策略。",
        "products": ["purchase", "cash"],
        "markets": ["CN"],
        "precedence": ["close", "freeze", "none", "decrease", "alert", "restore"],
        "rules": rules,
        "steps": {
            "decrease": {severity: {"share": 0.25, "wait_days": 30} for severity in severities},
            "restore": {"share": 0.25, "wait_days": 30},
            "rounding_cents": 10_000,
            "least_step_cents": 20_000,
            "floor_cents": {"purchase": 50_000, "cash": 50_000},
        },
        "cool_down_days": 14,
        "freeze_days": 30,
        **more,
    }


def strategy(content: Mapping[str, Any]) -> Strategy:
    """The strategy of a document that holds."""
    found, problems = strategy_from_document(content, MARKET, REASONS)
    assert found is not None, problems
    return found


def inputs(*names: str, unit: str = "share") -> dict[str, Any]:
    """Declared inputs of one unit."""
    return {name: {"unit": unit, "description": "An input.", "description_zh": "输入。"} for name in names}
