"""What does not hold in a strategy whose structure does: names, steps, idle rules."""

import ast
import itertools
import keyword
import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from limitkeeper.core.strategy.actions import Action, Severity, Trigger
from limitkeeper.core.strategy.language import FUNCTIONS
from limitkeeper.core.strategy.rule import Rule
from limitkeeper.core.strategy.vocabulary import SHARED_QUANTITIES

RESERVED = frozenset(
    {*FUNCTIONS, *keyword.kwlist, "nan", "before", "hits", "i", "len", "range", "rules_hit", "write_hits"}
)
"""Names that the language or the generated source uses itself."""

TAKEN_BY = {
    "inputs": "declared under inputs", "parameters": "declared under parameters", "rules": "another rule",
}  # fmt: skip
"""What has a name already, by where it was declared."""

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """What does not hold in a strategy document, and where.

    ``path`` are the keys that lead there; ``offset`` counts characters into an expression; ``at_key`` says
    that the last key itself is meant, not what it holds.
    """

    path: Path
    problem: str
    value: object = None
    allowed: str | None = None
    advice: str | None = None
    offset: int | None = None
    at_key: bool = False


def name_problems(document: Mapping[str, Any], market_parameters: Collection[str]) -> Iterator[Problem]:
    """Names declared that mean something else already; a rule is a function of the generated source."""
    taken = {
        **dict.fromkeys(SHARED_QUANTITIES, "a quantity"),
        **dict.fromkeys(market_parameters, "a market parameter"),
        **dict.fromkeys(RESERVED, "a word of the language"),
    }
    declared: list[tuple[Path, str]] = [
        ((section, name), name) for section in ("inputs", "parameters") for name in document.get(section, {})
    ]
    declared += [(("rules", index, "id"), rule["id"]) for index, rule in enumerate(document["rules"])]
    for path, name in declared:
        if name in taken:
            yield Problem(
                path, f"The name is taken: it is {taken[name]}.", name, advice="Choose another name."
            )
        taken.setdefault(name, TAKEN_BY[str(path[0])])


def number_problems(document: Mapping[str, Any]) -> Iterator[Problem]:
    """Steps, floors and caps that contradict each other."""
    steps, products = document["steps"], document["products"]
    severities = [
        severity.name.lower() for severity in Severity if severity.name.lower() in steps["decrease"]
    ]
    for milder, worse in itertools.pairwise(severities):
        for key, wrong, what in (("share", -1, "less"), ("wait_days", 1, "later")):
            if wrong * steps["decrease"][worse][key] > wrong * steps["decrease"][milder][key]:
                yield Problem(
                    ("steps", "decrease", worse, key),
                    f"A {worse} decrease lowers {what} than a {milder} one.",
                    steps["decrease"][worse][key],
                    f"as {milder}, or stronger: {steps['decrease'][milder][key]}",
                )
    caps = document.get("caps", {})
    for product in products:
        if product not in steps["floor_cents"]:
            yield Problem(
                ("steps", "floor_cents"),
                f"There is no least limit for product '{product}'.",
                advice=f"Add {product}: 0, or more.",
            )
        cap = caps.get("line_cents", {}).get(product, math.inf)
        if steps["floor_cents"].get(product, 0) > cap:
            yield Problem(
                ("caps", "line_cents", product),
                "The cap is below the product's least limit.",
                cap,
                f"{steps['floor_cents'][product]} or more",
            )


def rule_problems(document: Mapping[str, Any], rules: list[Rule]) -> Iterator[Problem]:
    """Rules that repeat each other or can take no effect."""
    steps = document["steps"]
    seen: dict[tuple[object, ...], str] = {}
    for index, rule in enumerate(rules):
        if rule.action.code not in document["precedence"]:
            yield Problem(
                ("rules", index, "action"),
                "The action has no place in the order of precedence.",
                rule.action.code,
                ", ".join(document["precedence"]),
                "Add it to precedence.",
            )
        if rule.action is Action.DECREASE and rule.severity.code not in steps["decrease"]:
            yield Problem(
                ("rules", index, "severity"),
                "There is no step for a decrease of this severity.",
                rule.severity.code,
                ", ".join(steps["decrease"]),
                "Add it under steps.decrease.",
            )
        if rule.action is Action.RESTORE and "restore" not in steps:
            yield Problem(
                ("rules", index, "action"),
                "There is no step to restore by.",
                "restore",
                advice="Add steps.restore.",
            )
        if (rule.action is Action.RESTORE) != (rule.trigger is Trigger.IMPROVEMENT):
            yield Problem(
                ("rules", index, "trigger"),
                "Improvement restores, and nothing else does.",
                str(rule.trigger),
                "trigger improvement with action restore, or neither",
            )
        if not rule.reasons and rule.action is not Action.NONE and not rule.uses_score:
            yield Problem(
                ("rules", index, "reasons"),
                "There is no reason to tell the customer.",
                advice="Name at least one; only the score speaks for itself.",
            )
        same = (ast.dump(rule.when.tree), rule.products)
        if same in seen:
            yield Problem(
                ("rules", index, "when"),
                f"Rule '{seen[same]}' hits on the same.",
                rule.when.text,
                advice="Of two rules that hit together one never decides; keep one.",
            )
        seen.setdefault(same, rule.id)


def unused_problems(document: Mapping[str, Any], used: Collection[str]) -> Iterator[Problem]:
    """Declarations and steps that nothing can reach."""
    for section in ("inputs", "parameters"):
        for name in document.get(section, {}):
            if name not in used:
                yield Problem((section, name), "No rule uses this.", name, advice="Use it, or remove it.")
    decreases = {entry["severity"] for entry in document["rules"] if entry["action"] == "decrease"}
    for severity in document["steps"]["decrease"]:
        if severity not in decreases:
            yield Problem(
                ("steps", "decrease", severity),
                "No rule decreases with this severity.",
                severity,
                advice="Remove the step, or give a rule this severity.",
            )
