"""An expression by which accounts are chosen for a campaign: checked as a rule is, and by the register of purposes."""

from collections.abc import Callable, Collection, Iterator

from limitkeeper.app.regulation_policy import shipped_register
from limitkeeper.app.strategies import run_source
from limitkeeper.core.compliance.register import PURPOSE_OF_TRIGGER, Use, Violation, violations
from limitkeeper.core.kernel.errors import InputError, did_you_mean
from limitkeeper.core.strategy.account import PRODUCT_CODES
from limitkeeper.core.strategy.actions import Action, Severity, Trigger
from limitkeeper.core.strategy.language import FUNCTIONS, Expression, ExpressionError, expression
from limitkeeper.core.strategy.rule import Rule
from limitkeeper.core.strategy.source import rule_source
from limitkeeper.core.strategy.vocabulary import SHARED_QUANTITIES


def choice(where: str, known: Collection[str], market: str) -> tuple[Expression, Callable[..., bool]]:
    """The expression that a text says, and a function of its names that judges it.

    Parameters
    ----------
    where
        In the language of rules: docs/strategies.md.
    known
        Names that may be used.
    market
        Whose register of purposes it must hold.

    Raises
    ------
    InputError
        When it is no expression, or uses what the register does not allow for a business adjustment.

    Examples
    --------
    >>> chosen, holds = choice("utilisation < 0.05 and days_since_opened > 365", SHARED_QUANTITIES, "CN")
    >>> chosen.names, holds(utilisation=0.01, days_since_opened=400.0), holds(utilisation=0.5, days_since_opened=400.0)
    (('utilisation', 'days_since_opened'), True, False)
    """
    here = {name: each for name, each in SHARED_QUANTITIES.items() if name in known}
    try:
        found = expression(where, here)
    except ExpressionError as error:
        raise _told(error, here, market) from error
    for violation in _violations(found.names, market):
        raise InputError(str(violation), value=violation.use.name, allowed=violation.allowed)
    rule = Rule("chosen", Trigger.BUSINESS_ADJUSTMENT, found, None, Action.NONE, Severity.MILD, (), "", "",
                tuple(PRODUCT_CODES))  # fmt: skip
    judged: Callable[..., bool] = run_source(rule_source(rule, {}))["holds"]
    return found, lambda **values: judged(before=0, **values)


def _violations(names: Collection[str], market: str) -> Iterator[Violation]:
    uses = [
        Use(name, PURPOSE_OF_TRIGGER[Trigger.BUSINESS_ADJUSTMENT], "the campaign's expression")
        for name in names
    ]
    yield from violations(shipped_register(), uses, market)


def _told(error: ExpressionError, known: Collection[str], market: str) -> InputError:
    """What is wrong with an expression; of a name that is not known here, which ones are."""
    problem, name = f"{error.problem} (at letter {error.offset + 1})", str(error.value)
    if name in known or name in FUNCTIONS or not name.isidentifier():
        return InputError(problem, value=error.value, allowed=error.allowed, advice=error.advice)
    barred = {each.use.name for each in _violations(known, market)}
    allowed = sorted(each for each in known if each not in barred)
    if name in SHARED_QUANTITIES:
        return InputError(
            f"'{name}' is not worked out on this server.", value=name, allowed=", ".join(allowed),
            advice="Nothing that decides here reads it: choose by another name, or bring a table of accounts.",
        )  # fmt: skip
    near = did_you_mean(name, allowed)
    return InputError(problem, value=name, allowed=None if near else ", ".join(allowed), advice=near)
