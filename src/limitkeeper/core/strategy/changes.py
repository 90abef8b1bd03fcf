"""What differs between two strategies: rule by rule, the thresholds that rules read, and everything else."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from limitkeeper.core.strategy.definition import Strategy
from limitkeeper.core.strategy.rule import Rule

ADDED, REMOVED, CHANGED = "added", "removed", "changed"

Plain = str | float | bool | None
"""What a cell of a table may hold; a list is its items with commas."""


@dataclass(frozen=True, slots=True)
class Change:
    """One value that differs.

    Parameters
    ----------
    name
        Of the value: a field of a rule, a parameter, or the path to it with dots.
    before, after
        None where it was not there, or is no more.
    """

    name: str
    before: Plain
    after: Plain


@dataclass(frozen=True, slots=True)
class RuleChange:
    """One rule that differs.

    Parameters
    ----------
    rule_id
        Which.
    kind
        added, removed, or changed: by a field, or by a threshold that it reads.
    fields
        Of the rule that differ; all of them where it was added or removed.
    thresholds
        Parameters of the strategy that the rule reads in both, and whose values differ.
    """

    rule_id: str
    kind: str
    fields: tuple[Change, ...]
    thresholds: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class StrategyChanges:
    """What differs between two strategies.

    Parameters
    ----------
    rules
        Those of the later one in its order of precedence, then those that were removed.
    parameters
        Values of thresholds.
    terms
        Everything else: steps, floors, caps, days, descriptions.
    """

    rules: tuple[RuleChange, ...]
    parameters: tuple[Change, ...]
    terms: tuple[Change, ...]


def strategy_changes(before: Strategy, after: Strategy) -> StrategyChanges:
    """What differs from one strategy to another; nothing where they are of one content.

    Parameters
    ----------
    before, after
        Of one name or of two.
    """
    parameters = tuple(_changes(before.parameters, after.parameters))
    moved = {each.name: each for each in parameters}
    old, new = ({rule.id: rule for rule in one.rules} for one in (before, after))
    rules = [_rule_change(rule.id, old.get(rule.id), rule, moved) for rule in after.rules]
    rules += [_rule_change(rule.id, rule, None, moved) for rule in before.rules if rule.id not in new]
    known = before.parameters.keys() & after.parameters.keys()
    terms = _changes(*(dict(_other_terms(one.document, known)) for one in (before, after)))
    return StrategyChanges(tuple(each for each in rules if each is not None), parameters, tuple(terms))


def strategy_terms(document: Mapping[str, Any]) -> Iterator[tuple[str, Plain]]:
    """Everything that a strategy says beside its rules and its parameters: path with dots, and value.

    Examples
    --------
    >>> dict(strategy_terms({"steps": {"floor_cents": {"cash": 5}}, "markets": ["CN", "US"], "rules": []}))
    {'steps.floor_cents.cash': 5, 'markets': 'CN, US'}
    """
    for name, part in document.items():
        if name not in ("rules", "parameters"):
            yield from _flat(part, name)


def rule_fields(rule: Rule) -> dict[str, Plain]:
    """The fields of a rule as cells of a table.

    Parameters
    ----------
    rule
        Whose.
    """
    return {
        "trigger": str(rule.trigger),
        "when": rule.when.text,
        "release": None if rule.release is None else rule.release.text,
        "action": rule.action.code,
        "severity": rule.severity.code,
        "reasons": ", ".join(rule.reasons),
        "description": rule.description,
        "description_zh": rule.description_zh,
        "products": ", ".join(rule.products),
    }


def _rule_change(
    rule_id: str, before: Rule | None, after: Rule | None, moved: Mapping[str, Change]
) -> RuleChange | None:
    old, new = ({} if rule is None else rule_fields(rule) for rule in (before, after))
    fields = tuple(_changes(old, new))
    if before is None or after is None:
        return RuleChange(rule_id, ADDED if before is None else REMOVED, fields, ())
    both = [name for name in after.names if name in before.names]
    thresholds = tuple(moved[name] for name in both if name in moved)
    return RuleChange(rule_id, CHANGED, fields, thresholds) if fields or thresholds else None


def _other_terms(document: Mapping[str, Any], known: Iterable[str]) -> Iterator[tuple[str, Plain]]:
    """Every term, and of parameters that both have what is beside their value."""
    yield from strategy_terms(document)
    for name in sorted(known):
        about = {key: each for key, each in document["parameters"][name].items() if key != "value"}
        yield from _flat(about, f"parameters.{name}")


def _changes(before: Mapping[str, Plain], after: Mapping[str, Plain]) -> Iterator[Change]:
    for name in dict.fromkeys((*after, *before)):
        if before.get(name) != after.get(name):
            yield Change(name, before.get(name), after.get(name))


def _flat(part: object, path: str) -> Iterator[tuple[str, Plain]]:
    if isinstance(part, Mapping):
        for name, each in part.items():
            yield from _flat(each, f"{path}.{name}")
    elif isinstance(part, list):
        if any(isinstance(each, Mapping) for each in part):
            for number, each in enumerate(part, start=1):
                yield from _flat(each, f"{path}.{number}")
        else:
            yield path, ", ".join(map(str, part))
    else:
        assert part is None or isinstance(part, str | float | int | bool), part
        yield path, part
