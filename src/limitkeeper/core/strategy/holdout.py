"""A small hold-out by chance: accounts that a rule of risk would cut, and that are left as they are, to learn from.

Accounts that were cut behave differently, so a model that is judged on what its own cuts left is judged wrongly. What is
held out stands for all that were cut (:mod:`limitkeeper.app.action_bias`). Never held out of anything but a decrease for
risk; never where somebody is protected by the cut or the law asks for it.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from limitkeeper.core.kernel.columns import Columns
from limitkeeper.core.kernel.errors import PolicyError
from limitkeeper.core.kernel.parameters import Parameters
from limitkeeper.core.strategy.actions import Action, Trigger
from limitkeeper.core.strategy.constraints import Constraint
from limitkeeper.core.strategy.rule import Rule

SHARE_MAX = 0.10
"""A larger share is no hold-out any more, but another strategy."""

EXCLUSION_INPUTS = (
    "limit_cents", "balance_cents", "is_defaulted", "has_hardship_plan", "is_frozen", "is_frozen_for_violation",
    "flag_count_90d",
)  # fmt: skip
"""What says that an account is never held out, beside its rules and its PD."""

HOLDOUT_DRAW = "holdout_draw"
"""The column of an account's draw, where live events are assessed."""

HELD_OUT_WORDING = (
    (
        "Held out by chance from a cut for risk: {share:.1%} of those who could be are, by account and salt {salt}, so "
        "that the lender learns what its cuts do. Never for a violation, under a freeze, or over-indebted."
    ),
    (
        "随机留出、不予降额：可留出账户中的 {share:.1%}，由账户与盐值 {salt} 决定，以便了解降额的实际影响。涉嫌违规、"
        "已冻结或过度负债的账户不在其列。"
    ),
)
"""Why an account was held out, English and Chinese."""


class HoldoutTerms(NamedTuple):
    """How many are held out, of whom.

    Parameters
    ----------
    share
        Of those who could be, 0 to :data:`SHARE_MAX`.
    salt
        With the account's id it says who; another salt, others.
    pd_max
        Nobody of this PD or more.
    """

    share: float
    salt: int
    pd_max: float


NO_HOLDOUT = HoldoutTerms(0.0, 0, 0.0)
"""Nobody is held out."""


@dataclass(frozen=True, slots=True)
class Holdout:
    """A hold-out of some accounts; every array has shape ``(n,)``.

    Parameters
    ----------
    terms
        How many, of whom.
    drawn
        Whom chance chose, excluded ones not counted out.
    excluded
        Who is never held out, whatever is decided.
    possible
        Written when proposals are made: who was to be cut and could be held out, drawn or not.
    """

    terms: HoldoutTerms
    drawn: NDArray[np.bool_]
    excluded: NDArray[np.bool_]
    possible: NDArray[np.bool_]

    def part(self, part: slice) -> "Holdout":
        """The same of a slice of the accounts; what is written there is written here."""
        return Holdout(self.terms, self.drawn[part], self.excluded[part], self.possible[part])


def holdout_terms(parameters: Parameters) -> HoldoutTerms:
    """The hold-out in force; a market that does not allow one has none.

    Raises
    ------
    PolicyError
        When a parameter is out of its range.
    """
    share = parameters.values.get("holdout_share", 0.0)
    if not 0.0 <= share <= SHARE_MAX:
        raise PolicyError(
            "The share that is held out is out of range.", value=share, allowed=f"0 to {SHARE_MAX:g}"
        )
    if share == 0.0:
        return NO_HOLDOUT
    return HoldoutTerms(share, int(parameters["holdout_salt"]), parameters["holdout_pd_max"])


def holdout_draws(account_ids: Iterable[object], salt: int) -> NDArray[np.float64]:
    """A number in [0, 1) of each account: the same of an account and a salt, on any machine, whoever else there is.

    Parameters
    ----------
    account_ids
        Integers or strings; 7 and "7" are the same account.
    salt
        Another one gives numbers that have nothing to do with these.

    Examples
    --------
    >>> holdout_draws([7, "7", 8], 2026).round(4).tolist()
    [0.9643, 0.9643, 0.8367]
    """
    found = [
        int.from_bytes(hashlib.blake2b(f"holdout:{salt}:{each}".encode(), digest_size=8).digest(), "big")
        for each in account_ids
    ]
    return np.array(found, dtype=np.uint64).astype(np.float64) / 2.0**64


def holdout_of(account_ids: Iterable[object], columns: Columns, terms: HoldoutTerms) -> Holdout | None:
    """The hold-out of some accounts, or None where nobody is held out.

    Parameters
    ----------
    account_ids
        One an account.
    columns
        At least :data:`EXCLUSION_INPUTS` of the same accounts; what is not recorded excludes nobody.
    terms
        How many, of whom.
    """
    if terms.share == 0.0:
        return None
    return holdout_by(holdout_draws(account_ids, terms.salt), columns, terms)


def holdout_by(draws: NDArray[np.float64], columns: Columns, terms: HoldoutTerms) -> Holdout:
    """The hold-out of accounts whose draws are known, ``(n,)``; other arguments as of :func:`holdout_of`."""
    owes_more = columns["balance_cents"] > columns["limit_cents"]
    flags = EXCLUSION_INPUTS[2:]
    excluded = reduce(np.logical_or, (columns[name] >= 1.0 for name in flags), owes_more)
    return Holdout(terms, draws < terms.share, excluded, np.zeros(len(columns), np.bool_))


def hold_out(
    holdout: Holdout,
    rules_of_strategy: tuple[Rule, ...],
    columns: Columns,
    hits: NDArray[np.int64],
    rules: NDArray[np.int16],
    effects: NDArray[np.uint8],
    limits_after_cents: NDArray[np.int64],
    constraints: NDArray[np.uint16],
    unchanged: NDArray[np.bool_],
) -> None:
    """Write who could be held out, and leave those whom chance chose as they are: no action, the limit as before.

    Only a decrease that a rule of declining repayment capacity decided; not where a cap of the law or of the market
    would lower the limit anyway, where any rule of suspected violation hit, or where the PD is too high.

    Parameters
    ----------
    holdout
        Of the same accounts.
    rules_of_strategy
        In order of precedence.
    columns
        At least ``pd`` and ``limit_cents``.
    hits, rules, effects, limits_after_cents, constraints
        As of :class:`limitkeeper.core.strategy.proposals.Proposals`.
    unchanged
        Whose limit would stay as it is if no rule had hit.
    """
    for_risk = np.array([
        rule.trigger is Trigger.DECLINING_REPAYMENT_CAPACITY and rule.action is Action.DECREASE
        for rule in rules_of_strategy
    ] + [False])  # fmt: skip
    violations = sum(
        1 << bit for bit, rule in enumerate(rules_of_strategy) if rule.trigger is Trigger.SUSPECTED_VIOLATION
    )
    # No rule is -1, the last of the array: nobody.
    possible = for_risk[rules] & (effects == Action.DECREASE) & unchanged
    possible &= ((hits & violations) == 0) & ~holdout.excluded & (columns["pd"] < holdout.terms.pd_max)
    holdout.possible[:] = possible
    held = possible & holdout.drawn
    effects[held] = Action.NONE
    limits_after_cents[held] = columns["limit_cents"][held].astype(np.int64)
    constraints[held] |= int(Constraint.HELD_OUT)
