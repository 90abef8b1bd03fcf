"""Errors that say what happened, with which value, what was allowed, and what to do next."""

import difflib
import traceback
from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar

from limitkeeper.core.kernel.words import Words, listed


class LimitkeeperError(Exception):
    """An error that its reader can act on.

    Parameters
    ----------
    problem
        What happened, as a sentence.
    value
        The value at fault, shown as given.
    allowed
        What would have been accepted.
    advice
        What to do next, as a sentence.

    Examples
    --------
    >>> print(LimitkeeperError("The share is out of range.", value=1.2, allowed="0 to 1", advice="Lower it."))
    The share is out of range. Given: 1.2. Allowed: 0 to 1. Lower it.
    """

    def __init__(
        self, problem: str, *, value: object = None, allowed: object = None, advice: str | None = None
    ) -> None:
        self.problem, self.value, self.allowed, self.advice = problem, value, allowed, advice
        given = None if value is None else f"Given: {value}."
        permitted = None if allowed is None else f"Allowed: {allowed}."
        super().__init__(" ".join(part for part in (problem, given, permitted, advice) if part))


class RuleError(LimitkeeperError):
    """An act that a rule with a name does not allow; each kind of it has its own ``RULES``, English and Chinese.

    Parameters
    ----------
    rule
        Of ``RULES``.
    value, advice
        What it was asked of, and what to do instead.
    details
        What was found, told after the rule.
    """

    RULES: ClassVar[Mapping[str, tuple[str, str]]] = {}

    def __init__(
        self, rule: str, *, value: object = None, advice: str | None = None, details: Sequence[Words] = ()
    ) -> None:
        self.rule = rule
        english, self.chinese = self.RULES[rule]
        if details:
            found = listed(details)
            english = f"{english.removesuffix('.')}: {found.english}."
            self.chinese = f"{self.chinese.removesuffix('。')}：{found.chinese}。"
        super().__init__(english, value=value, advice=advice)


class InputError(LimitkeeperError):
    """A file, a table or a request that cannot be read as what it should be."""


class PolicyError(LimitkeeperError):
    """A strategy, parameter or wording file that does not hold."""


class ModelError(LimitkeeperError):
    """A model that does not fit what it is asked to score."""


def told_in_log(error: BaseException) -> str:
    """What a log says of an error: its kind and what happened, without the values at fault, which may name a person.

    Of an error that is not ours only its kind is told, and of one of the operating system what that says: their words may
    quote anything.

    Examples
    --------
    >>> told_in_log(InputError("There is no such line.", value="acct-kim", advice="Look again."))
    'InputError: There is no such line.'
    >>> told_in_log(KeyError("acct-kim"))
    'KeyError'
    """
    kind = type(error).__name__
    if isinstance(error, LimitkeeperError):
        return f"{kind}: {error.problem}"
    if isinstance(error, OSError) and error.strerror:
        return f"{kind}: {error.strerror}"
    cause = getattr(error, "orig", None)  # of the database's driver
    return kind if cause is None else f"{kind} of {type(cause).__name__}"


def trace_in_log(error: BaseException) -> str:
    """Where an error came from, the place and the line of each call, as :func:`told_in_log` tells it; causes first."""
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    calls = [
        f"  {each.filename}:{each.lineno} {each.name}" for each in traceback.extract_tb(error.__traceback__)
    ]
    own = "\n".join([told_in_log(error), *calls])
    return own if before is None else f"{trace_in_log(before)}\n{own}"


def did_you_mean(name: str, known: Iterable[str]) -> str | None:
    """Advice that names the nearest known spelling, or None where nothing is near.

    Examples
    --------
    >>> did_you_mean("utilization", ["utilisation", "balance_cents"])
    "Did you mean 'utilisation'?"
    """
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"Did you mean '{near[0]}'?" if near else None
