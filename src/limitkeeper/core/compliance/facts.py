"""What rules of regulation ask of a strategy and its model, as facts."""

from collections import defaultdict
from collections.abc import Iterable

from limitkeeper.core.compliance.checks import Value
from limitkeeper.core.compliance.register import Register, Use, model_uses, strategy_uses, violations
from limitkeeper.core.kernel.words import Words
from limitkeeper.core.relations.quantities import RELATION_QUANTITIES
from limitkeeper.core.strategy.actions import Action
from limitkeeper.core.strategy.definition import Strategy

RELATIONS = frozenset(quantity.name for quantity in RELATION_QUANTITIES)

VIOLATION_FACTS = (
    "unregistered",
    "purpose_foreign",
    "market_forbidden",
    "protected_attribute",
    "no_legal_basis",
)


def strategy_facts(
    strategy: Strategy,
    register: Register,
    market: str,
    model_names: Iterable[str] = (),
    model_kind: str = "pd",
) -> dict[str, Value]:
    """What a strategy and its model use, against the register, and how it is described.

    Parameters
    ----------
    strategy
        Which.
    register
        Of features and purposes, with a lender's own columns.
    market
        Where it is to run.
    model_names, model_kind
        The columns of the model that goes with it.

    Returns
    -------
    Facts of the stage ``strategy``; those of its life, such as its impact assessment, are added by who knows them.
    """
    uses: list[Use] = [*strategy_uses(strategy), *model_uses(model_names, model_kind)]
    found: dict[str, list[Words]] = defaultdict(list)
    for violation in violations(register, uses, market):
        found[violation.kind].append(violation.words)
    described = [strategy.description, strategy.description_zh]
    described += [text for rule in strategy.rules for text in (rule.description, rule.description_zh)]
    acting = [
        Words("rule {id}: {action} on {names}", "规则 {id}：依据 {names} 作出处置 {action}").filled(
            id=rule.id, action=rule.action.code, names=", ".join(sorted(RELATIONS.intersection(rule.names)))
        )
        for rule in strategy.rules
        if RELATIONS.intersection(rule.names) and rule.action not in (Action.ALERT, Action.NONE)
    ]
    return {
        **{name: tuple(found[name]) for name in VIOLATION_FACTS},
        "relations_that_act": tuple(acting),
        "logic_described": all(text.strip() for text in described),
    }
