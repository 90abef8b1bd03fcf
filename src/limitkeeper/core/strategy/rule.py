"""One rule of a strategy."""

from dataclasses import dataclass

from limitkeeper.core.strategy.actions import Action, Severity, Trigger
from limitkeeper.core.strategy.language import Expression
from limitkeeper.core.strategy.vocabulary import SCORE_NAMES

RULES_MAX = 63
"""Rules of a strategy: hits are bits of a signed 64-bit mask."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: when it hits, until when it keeps hitting, what it does, how bad it is, what is said."""

    id: str
    trigger: Trigger
    when: Expression
    release: Expression | None
    action: Action
    severity: Severity
    reasons: tuple[str, ...]
    description: str
    description_zh: str
    products: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The names in its expressions, in order of appearance."""
        return tuple(dict.fromkeys((*self.when.names, *(self.release.names if self.release else ()))))

    @property
    def uses_score(self) -> bool:
        """Whether the score, or what follows from it, has a part in it."""
        return not SCORE_NAMES.isdisjoint(self.names)
