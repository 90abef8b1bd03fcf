"""Rules judged again for an appeal: as the decision's trace tells of them, by the code that strategies run."""

import json
import math
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from limitkeeper.app.strategies import market_parameter_units, run_source
from limitkeeper.core.kernel.errors import PolicyError
from limitkeeper.core.kernel.quantity import Quantity
from limitkeeper.core.strategy.account import PRODUCT_CODES
from limitkeeper.core.strategy.actions import Action, Severity, Trigger
from limitkeeper.core.strategy.language import expression
from limitkeeper.core.strategy.rule import Rule
from limitkeeper.core.strategy.source import rule_source
from limitkeeper.core.strategy.vocabulary import vocabulary

RULES_KEPT = 256


def rule_holds(rule: Mapping[str, Any], values: Mapping[str, float | None]) -> bool:
    """Whether a rule holds for values of its names, as it would in its strategy.

    Parameters
    ----------
    rule
        As a trace tells of it: ``when, release, hit_before, parameters``.
    values
        Of its names; missing is None. Infinity is by name, as in a trace.

    Returns
    -------
    Also True where its words are none of the language any more: then a person decides.

    Examples
    --------
    >>> rule = {"id": "r", "when": "flag_count_90d >= flags", "release": None, "hit_before": False,
    ...         "parameters": {"flags": 1.0}}
    >>> rule_holds(rule, {"flag_count_90d": 1.0}), rule_holds(rule, {"flag_count_90d": 0.0})
    (True, False)
    """
    document = [rule["when"], rule["release"], rule["parameters"], sorted(values)]
    try:
        holds = _compiled(json.dumps(document, sort_keys=True))
    except PolicyError:
        return True
    numbers = {name: math.nan if value is None else float(value) for name, value in values.items()}
    return bool(holds(before=int(bool(rule["hit_before"])), **numbers))


@lru_cache(RULES_KEPT)
def _compiled(text: str) -> Callable[..., bool]:
    when, release, parameters, names = json.loads(text)
    known, units = vocabulary(), market_parameter_units()
    own = [Quantity(name, units.get(name, ""), "", "") for name in (*names, *parameters) if name not in known]
    quantities = vocabulary(own)
    rule = Rule(
        "rule", Trigger.IMPROVEMENT, expression(when, quantities), expression(release, quantities) if release else None,
        Action.NONE, Severity.MILD, (), "", "", tuple(PRODUCT_CODES),
    )  # fmt: skip
    constants = {name: float(value) for name, value in parameters.items()}
    found: Callable[..., bool] = run_source(rule_source(rule, constants))["holds"]
    return found
