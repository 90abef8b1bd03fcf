"""What a strategy may do to a line, and which of the rules that hit decides it."""

from enum import IntEnum, StrEnum

import numpy as np
from numpy.typing import NDArray

from limitkeeper.core.kernel.compiled import compiled


class Action(IntEnum):
    """What is done to a line; the numbers are stored, the order of precedence is the strategy's."""

    NONE = 0
    ALERT = 1
    DECREASE = 2
    FREEZE = 3
    CLOSE = 4
    RESTORE = 5

    @property
    def code(self) -> str:
        """The name as files and traces write it."""
        return self.name.lower()


class Severity(IntEnum):
    """How bad it is; a worse one lowers a limit by a larger step."""

    MILD = 1
    MODERATE = 2
    SEVERE = 3
    CRITICAL = 4

    @property
    def code(self) -> str:
        """The name as files and traces write it."""
        return self.name.lower()


class Trigger(StrEnum):
    """Why a line is looked at."""

    ABNORMAL_CONSUMPTION = "abnormal_consumption"
    DECLINING_REPAYMENT_CAPACITY = "declining_repayment_capacity"
    SUSPECTED_VIOLATION = "suspected_violation"
    BUSINESS_ADJUSTMENT = "business_adjustment"
    IMPROVEMENT = "improvement"


@compiled
def deciding_rule(hits: int) -> int:
    """The rule that decides among those that hit: the first in order of precedence, or -1.

    Parameters
    ----------
    hits
        Bit k is set where rule k hit; a strategy's rules are numbered in order of precedence.

    Examples
    --------
    >>> deciding_rule(0b1010), deciding_rule(0)
    (1, -1)
    """
    if hits == 0:
        return -1
    rule = 0
    while (hits >> rule) & 1 == 0:
        rule += 1
    return rule


@compiled
def write_deciding_rules(
    hits: NDArray[np.int64],
    rule_actions: NDArray[np.uint8],
    rule_severities: NDArray[np.uint8],
    rules: NDArray[np.int16],
    actions: NDArray[np.uint8],
    severities: NDArray[np.uint8],
) -> None:
    """Write each line's deciding rule (-1 none), its action and its severity (0 without a rule).

    Parameters
    ----------
    hits
        Mask of the rules that hit, shape ``(n,)``.
    rule_actions, rule_severities
        Of each rule in order of precedence, shape ``(rules,)``.
    rules, actions, severities
        Where to write, shape ``(n,)``.
    """
    for i in range(hits.shape[0]):
        rule = deciding_rule(hits[i])
        rules[i] = rule
        actions[i] = rule_actions[rule] if rule >= 0 else 0
        severities[i] = rule_severities[rule] if rule >= 0 else 0
