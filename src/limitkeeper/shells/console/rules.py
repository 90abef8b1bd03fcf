"""The rules of a decision as people read them: values in their units, and until when a rule that has hit holds."""

import ast
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from limitkeeper.app.strategies import market_parameter_units
from limitkeeper.core.strategy.language import tree_of
from limitkeeper.core.strategy.vocabulary import SHARED_QUANTITIES
from limitkeeper.shells.console.labels import label

PERCENTS = frozenset({"share", "annual rate", "share of spend"})
"""Units that are told in per cent."""

SHOWN_AS = {"utilisation": "share", "is_defaulted": "flag"}
"""Quantities that are told in another unit than they are held in."""

SIGNS: Mapping[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}

COMPARISONS: Mapping[type[ast.cmpop], tuple[str, str]] = {
    ast.Lt: ("“{what}” falls below {bound}", "“{what}”低于 {bound}"),
    ast.LtE: ("“{what}” is {bound} or less", "“{what}”不超过 {bound}"),
    ast.Gt: ("“{what}” rises above {bound}", "“{what}”高于 {bound}"),
    ast.GtE: ("“{what}” reaches {bound}", "“{what}”达到 {bound}"),
    ast.Eq: ("“{what}” is {bound}", "“{what}”为 {bound}"),
}

JUNCTIONS: Mapping[type[ast.boolop], tuple[str, str]] = {ast.Or: (" or ", "，或"), ast.And: (" and ", "，且")}

Amount = Callable[[Any, str], str]
"""A value in its unit, in the language of a page."""


@dataclass(frozen=True, slots=True)
class RuleBook:
    """What is known of the rules of a strategy: each in words, and its thresholds' units and meanings by name."""

    words: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    meanings: Mapping[str, str] = field(default_factory=dict)


def rule_book(strategies: Sequence[Mapping[str, Any]], language: str) -> RuleBook:
    """The book of strategies as ``GET /v1/strategies/ID`` tells them; where they differ, the last one counts.

    Examples
    --------
    >>> threshold = {"name": "pd_high", "unit": "share", "description": "High.", "description_zh": "高。"}
    >>> rule = {"id": "pd_is_high", "description": "Too risky.", "description_zh": "风险过高。"}
    >>> rule_book([{"rules": [rule | {"thresholds": [threshold], "reads": []}]}], "en")
    RuleBook(words={'pd_is_high': 'Too risky'}, units={'pd_high': 'share'}, meanings={'pd_high': 'High.'})
    """
    said = "description_zh" if language == "zh" else "description"
    rules = [rule for strategy in strategies for rule in strategy["rules"]]
    thresholds = [each for rule in rules for each in rule["thresholds"]]
    read = [each for rule in rules for each in rule["reads"]]
    return RuleBook(
        {rule["id"]: rule[said].rstrip("。.") for rule in rules},
        {each["name"]: each["unit"] for each in (*read, *thresholds)},
        {each["name"]: each[said] for each in thresholds},
    )


def unit_of(name: str, known: Mapping[str, str] | None = None) -> str:
    """The unit in which a quantity, a parameter or a term of a strategy is told; empty where nothing says it.

    Parameters
    ----------
    name
        Of the quantity.
    known
        Units of the names of a strategy; of others their own names tell, where they do.

    Examples
    --------
    >>> unit_of("pd"), unit_of("hysteresis_pd"), unit_of("patience", {"patience": "days"}), unit_of("patience")
    ('share', 'share', 'days', '')
    """
    if found := SHOWN_AS.get(name) or (known or {}).get(name):
        return found
    if name in SHARED_QUANTITIES:
        return SHARED_QUANTITIES[name].unit
    return market_parameter_units().get(name) or _unit_in_name(name)


def _unit_in_name(name: str) -> str:
    if "_cents" in name:
        return "cents"
    if "share" in name or name.startswith("pd_") or name.endswith("_pd"):
        return "share"
    return "days" if name.endswith("_days") else ""


def held_until(
    rule: Mapping[str, Any], language: str, amount: Amount, units: Mapping[str, str]
) -> str | None:
    """Until when a rule that hit at the last look too goes on hitting, as a part of a sentence.

    Parameters
    ----------
    rule
        As a trace holds it.
    language, amount
        Of the page, and how it writes a value.
    units
        Of the strategy's own names.

    Returns
    -------
    Its ``release`` in words; None of a rule without one, or with one that compares more than values with parameters.

    Examples
    --------
    >>> parameters = {"pd_high": 0.4, "hysteresis_pd": 0.05}
    >>> rule = {"release": "pd < pd_high - hysteresis_pd", "values": {"pd": 0.369}, "parameters": parameters}
    >>> held_until(rule, "en", lambda value, unit: f"{value:.0%} ({unit})", {})
    '“Calibrated probability of default” falls below 35% (share)'
    """
    if not rule["release"]:
        return None
    place = ("en", "zh").index(language)
    try:
        tree = tree_of(rule["release"])
        parts = tree.values if isinstance(tree, ast.BoolOp) else [tree]
        said = [_compared(part, rule, language, amount, units) for part in parts]
    except (SyntaxError, LookupError, ZeroDivisionError):
        return None
    return JUNCTIONS[type(tree.op)][place].join(said) if isinstance(tree, ast.BoolOp) else said[0]


def _compared(
    node: ast.expr, rule: Mapping[str, Any], language: str, amount: Amount, units: Mapping[str, str]
) -> str:
    """A comparison of a value with parameters in words.

    Raises
    ------
    LookupError
        When it is something else.
    """
    if not isinstance(node, ast.Compare) or len(node.ops) != 1 or not isinstance(node.left, ast.Name):
        raise LookupError(ast.dump(node))
    name = node.left.id
    if name not in rule["values"]:
        raise LookupError(name)
    words = COMPARISONS[type(node.ops[0])][("en", "zh").index(language)]
    bound = round(_number(node.comparators[0], rule["parameters"]), 9)  # 0.4 - 0.05 is 0.35 to people
    return words.format(what=label(language, "feature", name), bound=amount(bound, unit_of(name, units)))


def _number(node: ast.expr, parameters: Mapping[str, float]) -> float:
    """What an expression of parameters and numbers comes to.

    Raises
    ------
    LookupError
        When there is something else in it.
    """
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return node.value
    if isinstance(node, ast.Name):
        return parameters[node.id]
    if isinstance(node, ast.BinOp):
        return SIGNS[type(node.op)](_number(node.left, parameters), _number(node.right, parameters))
    raise LookupError(ast.dump(node))
