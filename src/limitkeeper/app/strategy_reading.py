"""Strategies as people read them: a table of rules, what differs from one to another, what a text lacks."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from limitkeeper.app.policy import LANGUAGES, reason_wording
from limitkeeper.app.problem_wording import in_chinese
from limitkeeper.app.strategies import LocatedProblem, known_market_parameters
from limitkeeper.core.strategy.changes import (
    Change,
    RuleChange,
    rule_fields,
    strategy_changes,
    strategy_terms,
)
from limitkeeper.core.strategy.definition import Strategy, constants_in_force
from limitkeeper.core.strategy.rule import Rule

PROBLEMS_TOLD_MAX = 200
"""Problems of a text that are told; all of them are counted."""


def strategy_document(
    strategy: Strategy, market_values: Mapping[str, float], review: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """A strategy as JSON for people: its rules in order of precedence, each with its thresholds and reasons.

    Parameters
    ----------
    strategy
        Which.
    market_values
        The market's parameters in force.
    review
        Of :func:`limitkeeper.app.life_documents.last_review`; None where none was kept.

    Raises
    ------
    PolicyError
        When the market lacks a parameter that a rule reads.
    """
    constants = constants_in_force(strategy, market_values)
    by_rule = {} if review is None else review["rules"]
    return {
        **name_document(strategy),
        "products": list(strategy.products),
        "markets": list(strategy.markets),
        "precedence": [action.code for action in strategy.precedence],
        "rules": [
            {"place": place, **_rule_document(rule, strategy, constants), "review": by_rule.get(rule.id)}
            for place, rule in enumerate(strategy.rules, start=1)
        ],
        "review": None if review is None else {name: each for name, each in review.items() if name != "rules"},
        "terms": [{"name": name, "value": value} for name, value in strategy_terms(strategy.document)
                  if name.split(".")[0] in ("steps", "caps", "cool_down_days", "freeze_days")],
    }  # fmt: skip


def name_document(strategy: Strategy) -> dict[str, Any]:
    """What a strategy is called, and its hash."""
    names = ("name", "version", "hash", "description", "description_zh")
    return {name: getattr(strategy, name) for name in names}


def changes_document(before: Strategy, after: Strategy) -> dict[str, Any]:
    """What differs from one strategy to another, as JSON."""
    found = strategy_changes(before, after)
    return {
        "before": name_document(before),
        "after": name_document(after),
        "is_same": before.hash == after.hash,
        "rules": [_rule_change_document(each) for each in found.rules],
        "parameters": _change_documents(found.parameters),
        "terms": _change_documents(found.terms),
    }


def check_document(strategy: Strategy | None, problems: Iterable[LocatedProblem]) -> dict[str, Any]:
    """What came of a check of a text, as JSON; no more than :data:`PROBLEMS_TOLD_MAX` problems."""
    found = list(problems)
    return {
        "valid": strategy is not None,
        "hash": None if strategy is None else strategy.hash,
        "problem_count": len(found),
        "problems": [_problem_document(each) for each in found[:PROBLEMS_TOLD_MAX]],
    }


def _problem_document(problem: LocatedProblem) -> dict[str, Any]:
    return asdict(problem) | in_chinese(problem.problem, problem.allowed, problem.advice)


def _rule_document(rule: Rule, strategy: Strategy, constants: Mapping[str, float]) -> dict[str, Any]:
    english, chinese = (reason_wording(language) for language in LANGUAGES)
    return {
        "id": rule.id,
        **rule_fields(rule),
        "products": list(rule.products),
        "reasons": [
            {"code": code, "text": english[code].text, "text_zh": chinese[code].text} for code in rule.reasons
        ],
        "uses_score": rule.uses_score,
        "thresholds": [_threshold(name, strategy, constants) for name in rule.names if name in constants],
        "reads": [_quantity(name, strategy) for name in rule.names if name not in constants],
    }


def _threshold(name: str, strategy: Strategy, constants: Mapping[str, float]) -> dict[str, Any]:
    is_own = name in strategy.parameters
    about = strategy.quantities[name] if is_own else known_market_parameters()[name]
    return {
        "name": name, "value": constants[name], "unit": about.unit, "description": about.description,
        "description_zh": about.description_zh, "is_of_market": not is_own,
    }  # fmt: skip


def _quantity(name: str, strategy: Strategy) -> dict[str, Any]:
    about = strategy.quantities[name]
    return {
        "name": name, "unit": about.unit, "missing": about.missing, "description": about.description,
        "description_zh": about.description_zh,
    }  # fmt: skip


def _rule_change_document(each: RuleChange) -> dict[str, Any]:
    return {
        "rule": each.rule_id, "kind": each.kind, "fields": _change_documents(each.fields),
        "thresholds": _change_documents(each.thresholds),
    }  # fmt: skip


def _change_documents(changes: Iterable[Change]) -> list[dict[str, Any]]:
    return [asdict(each) for each in changes]
