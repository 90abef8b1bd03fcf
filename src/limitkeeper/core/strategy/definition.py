"""A strategy: what its document says, checked against the names that there are."""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from limitkeeper.core.kernel.errors import PolicyError, did_you_mean
from limitkeeper.core.kernel.hashing import content_hash
from limitkeeper.core.kernel.quantity import Quantity
from limitkeeper.core.strategy.account import PRODUCT_CODES
from limitkeeper.core.strategy.actions import Action, Severity, Trigger
from limitkeeper.core.strategy.contradictions import (
    Problem,
    name_problems,
    number_problems,
    rule_problems,
    unused_problems,
)
from limitkeeper.core.strategy.language import Expression, ExpressionError, expression
from limitkeeper.core.strategy.rule import Rule
from limitkeeper.core.strategy.steps import StepTerms
from limitkeeper.core.strategy.vocabulary import vocabulary


@dataclass(frozen=True, slots=True)
class Strategy:
    """A strategy that holds; of its ``rules``, in order of precedence, the first that hits decides.

    ``names`` are the quantities its rules read, ``market_names`` the market's parameters they read, and
    ``parameters`` its own thresholds; ``hash`` is the content hash of ``document``.
    """

    name: str
    version: str
    description: str
    description_zh: str
    products: tuple[str, ...]
    markets: tuple[str, ...]
    parameters: Mapping[str, float]
    quantities: Mapping[str, Quantity]
    names: tuple[str, ...]
    market_names: tuple[str, ...]
    precedence: tuple[Action, ...]
    rules: tuple[Rule, ...]
    hash: str
    document: Mapping[str, Any] = field(repr=False)


def strategy_from_document(
    document: Mapping[str, Any], market_parameters: Mapping[str, str], reason_codes: Collection[str]
) -> tuple[Strategy | None, list[Problem]]:
    """The strategy that a document says, or every problem that it has.

    Parameters
    ----------
    document
        Structured as ``policy/strategies/strategy.schema.json`` says.
    market_parameters
        Name and unit of each dated parameter that a market may have.
    reason_codes
        Codes that have a wording.

    Returns
    -------
    The strategy and no problem, or None and at least one.
    """
    own = [_constant(name, entry) for name, entry in document.get("parameters", {}).items()]
    inputs = [_input(name, entry) for name, entry in document.get("inputs", {}).items()]
    market = [Quantity(name, unit, "", "") for name, unit in market_parameters.items()]
    known = vocabulary(market, inputs, own)
    problems = [*name_problems(document, market_parameters), *number_problems(document)]
    rules: list[Rule] = []
    for index, entry in enumerate(document["rules"]):
        found = _rule(index, entry, tuple(document["products"]), known, reason_codes, problems)
        rules.extend([found] if found else [])
    used = {name for rule in rules for name in rule.names}
    if not problems:
        problems += [*rule_problems(document, rules), *unused_problems(document, used)]
    if problems:
        return None, problems
    order = [Action[name.upper()] for name in document["precedence"]]
    constants = {*document.get("parameters", {}), *market_parameters}
    if any(len(rule.products) < len(PRODUCT_CODES) for rule in rules):
        used.add("product_code")
    return Strategy(
        name=document["name"],
        version=document["version"],
        description=document["description"],
        description_zh=document["description_zh"],
        products=tuple(document["products"]),
        markets=tuple(document["markets"]),
        parameters={quantity.name: quantity.low for quantity in own},
        quantities={name: quantity for name, quantity in known.items() if name in used},
        names=tuple(name for name in known if name in used - constants),
        market_names=tuple(name for name in market_parameters if name in used),
        precedence=tuple(order),
        rules=tuple(sorted(rules, key=lambda rule: (order.index(rule.action), -rule.severity))),
        hash=content_hash(document),
        document=document,
    ), []


def _constant(name: str, entry: Mapping[str, Any]) -> Quantity:
    value = float(entry["value"])
    return Quantity(name, entry["unit"], entry["description"], entry["description_zh"], "never", value, value)


def _input(name: str, entry: Mapping[str, Any]) -> Quantity:
    low, high = entry.get("low", -math.inf), entry.get("high", math.inf)
    return Quantity(name, entry["unit"], entry["description"], entry["description_zh"],
                    entry.get("missing", "as in the lender's table"), float(low), float(high))  # fmt: skip


def _rule(
    index: int,
    entry: Mapping[str, Any],
    products: tuple[str, ...],
    known: Mapping[str, Quantity],
    reason_codes: Collection[str],
    problems: list[Problem],
) -> Rule | None:
    """The rule that an entry says; its problems are added to the list."""
    before = len(problems)
    parsed: dict[str, Expression] = {}
    for key in ("when", "release"):
        if key in entry:
            try:
                parsed[key] = expression(entry[key], known)
            except ExpressionError as error:
                problems.append(
                    Problem(
                        ("rules", index, key),
                        error.problem,
                        error.value,
                        _text(error.allowed),
                        error.advice,
                        error.offset,
                    )
                )
    for at, code in enumerate(entry["reasons"]):
        if code not in reason_codes:
            problems.append(
                Problem(
                    ("rules", index, "reasons", at),
                    "There is no wording for this reason.",
                    code,
                    ", ".join(sorted(reason_codes)),
                    did_you_mean(code, reason_codes),
                )
            )
    for at, product in enumerate(entry.get("products", products)):
        if product not in products:
            problems.append(
                Problem(
                    ("rules", index, "products", at),
                    "The strategy is not for this product.",
                    product,
                    ", ".join(products),
                )
            )
    if len(problems) > before:
        return None
    return Rule(
        id=entry["id"],
        trigger=Trigger(entry["trigger"]),
        when=parsed["when"],
        release=parsed.get("release"),
        action=Action[entry["action"].upper()],
        severity=Severity[entry["severity"].upper()],
        reasons=tuple(entry["reasons"]),
        description=entry["description"],
        description_zh=entry["description_zh"],
        products=tuple(entry.get("products", products)),
    )


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def constants_in_force(strategy: Strategy, market_values: Mapping[str, float]) -> dict[str, float]:
    """The values of every parameter that the rules read: the strategy's own, and the market's on a day.

    Raises
    ------
    PolicyError
        When the market lacks a parameter.
    """
    missing = [name for name in strategy.market_names if name not in market_values]
    if missing:
        raise PolicyError(
            f"The strategy '{strategy.name}' needs a parameter that the market does not have.",
            value=missing[0],
            allowed=", ".join(sorted(market_values)),
            advice="Add it to the market's parameters.",
        )
    return {**strategy.parameters, **{name: market_values[name] for name in strategy.market_names}}


LINE_CAP_PARAMETER = "line_cap_cents"
"""The market's own cap of one line, where the market has one; the lower of it and the strategy's holds."""


def step_terms(strategy: Strategy, market_values: Mapping[str, float]) -> StepTerms:
    """The strategy's steps, floors and caps as the kernel takes them."""
    steps, caps = strategy.document["steps"], strategy.document.get("caps", {})
    decrease, restore = steps["decrease"], steps.get("restore", {"share": 0.0, "wait_days": 0})
    by_severity = [decrease.get(severity.code, {"share": 0.0, "wait_days": 0}) for severity in Severity]
    market_cap = market_values.get(LINE_CAP_PARAMETER, math.inf)
    line_caps = [
        float(min(caps.get("line_cents", {}).get(product, math.inf), market_cap)) for product in PRODUCT_CODES
    ]
    return StepTerms(
        decrease_shares=(0.0, *(float(step["share"]) for step in by_severity)),
        decrease_wait_days=(0.0, *(float(step["wait_days"]) for step in by_severity)),
        restore_share=float(restore["share"]),
        restore_wait_days=float(restore["wait_days"]),
        rounding_cents=int(steps["rounding_cents"]),
        least_step_cents=int(steps["least_step_cents"]),
        floor_cents=tuple(int(steps["floor_cents"].get(product, 0)) for product in PRODUCT_CODES),
        line_cap_cents=tuple(line_caps),
        customer_total_cap_cents=float(caps.get("customer_total_cents", math.inf)),
        cool_down_days=float(strategy.document["cool_down_days"]),
        freeze_days=float(strategy.document["freeze_days"]),
    )
