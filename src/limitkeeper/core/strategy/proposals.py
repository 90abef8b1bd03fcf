"""What a published strategy proposes for each line: hits, deciding rule, action, limit after."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from limitkeeper.core.kernel.columns import Columns
from limitkeeper.core.kernel.compiled import compiled
from limitkeeper.core.strategy.actions import write_deciding_rules
from limitkeeper.core.strategy.definition import Strategy
from limitkeeper.core.strategy.holdout import Holdout, hold_out
from limitkeeper.core.strategy.steps import (
    ALERT,
    FREEZE,
    FREEZE_NOT_CONFIRMED,
    NONE,
    STEP_INPUTS,
    StepTerms,
    write_limits,
)

FEW_ROWS = 4
"""Up to so many rows, plain Python is quicker than handing the columns to a kernel."""

RULE_ROWS = 4_096
"""Rows that the rules pass over at a time: what they read stays in the processor's cache."""


@dataclass(frozen=True)
class PublishedStrategy:
    """A strategy ready to run in a market on a day.

    ``constants`` are the parameters its rules read; ``rules_hit`` is the generated function of one row, and
    ``write_hits`` the same over a matrix, or None while it is not compiled.
    """

    strategy: Strategy
    constants: Mapping[str, float]
    terms: StepTerms
    source: str
    rules_hit: Callable[..., int]
    write_hits: Callable[..., None] | None

    @property
    def inputs(self) -> tuple[str, ...]:
        """The columns that it needs: those of its rules and those of the steps."""
        return tuple(dict.fromkeys((*self.strategy.names, *STEP_INPUTS)))

    @cached_property
    def rule_actions(self) -> NDArray[np.uint8]:
        """The action of each rule, shape ``(rules,)``."""
        return np.array([rule.action for rule in self.strategy.rules], dtype=np.uint8)

    @cached_property
    def rule_severities(self) -> NDArray[np.uint8]:
        """The severity of each rule, shape ``(rules,)``."""
        return np.array([rule.severity for rule in self.strategy.rules], dtype=np.uint8)


@dataclass(frozen=True, slots=True)
class Proposals:
    """What is proposed for each line; arrays of shape ``(n,)``.

    Parameters
    ----------
    hits
        int64; bit k is set where rule k of ``strategy.rules`` hit.
    rules
        int16; number of the deciding rule, -1 where none hit.
    actions
        uint8; the action that rule asks for.
    effects
        uint8; the action that comes of it under waits, floors and caps.
    limits_after_cents
        int64; -1 where the limit is not known.
    constraints
        uint16; mask of :class:`~limitkeeper.core.strategy.steps.Constraint`.
    drawing_stopped
        bool; whether the line cannot be drawn on.
    """

    hits: NDArray[np.int64]
    rules: NDArray[np.int16]
    actions: NDArray[np.uint8]
    effects: NDArray[np.uint8]
    limits_after_cents: NDArray[np.int64]
    constraints: NDArray[np.uint16]
    drawing_stopped: NDArray[np.bool_]


def hits_of(
    published: PublishedStrategy, columns: Columns, hits_before: NDArray[np.int64] | None = None
) -> NDArray[np.int64]:
    """The mask of the rules that hit each line, shape ``(n,)``.

    Parameters
    ----------
    columns
        With every name of ``published.strategy.names``; missing is NaN, and no rule hits on it.
    hits_before
        The mask of each line's last review under the same strategy, for rules with ``release``; None where
        there was none.
    """
    before = np.zeros(len(columns), dtype=np.int64) if hits_before is None else hits_before
    rows = columns.rows(published.strategy.names)
    hits = np.empty(len(columns), dtype=np.int64)
    if published.write_hits is None or len(columns) <= FEW_ROWS:
        for line in range(len(columns)):
            # Python's own numbers: quicker one by one than numpy's, and silent about infinities.
            hits[line] = published.rules_hit(int(before[line]), *columns.values[rows, line].tolist())
        return hits
    for part in columns.chunks(RULE_ROWS):
        published.write_hits(hits[part], before[part], *[columns.values[row, part] for row in rows.tolist()])
    return hits


@compiled
def hold_barred_freezes(
    rules: NDArray[np.int16],
    barred: NDArray[np.int64],
    effects: NDArray[np.uint8],
    constraints: NDArray[np.uint16],
    drawing_stopped: NDArray[np.bool_],
) -> None:
    """Make an alert of each freeze by a rule that is barred."""
    for i in range(rules.shape[0]):
        if effects[i] == FREEZE and barred[i] >> rules[i] & 1:
            effects[i] = ALERT
            constraints[i] |= FREEZE_NOT_CONFIRMED
            drawing_stopped[i] = False


def stays_without_rules(published: PublishedStrategy, columns: Columns) -> NDArray[np.bool_]:
    """Whether each line's limit would stay as it is if no rule hit: no cap lowers it, shape ``(n,)``."""
    lines = len(columns)
    nothing = np.zeros(lines, dtype=np.uint8)
    effects = np.empty(lines, dtype=np.uint8)
    limits_cents, constraints = np.empty(lines, dtype=np.int64), np.empty(lines, dtype=np.uint16)
    write_limits(
        nothing, nothing, columns.values, columns.rows(STEP_INPUTS), published.terms,
        effects, limits_cents, constraints, np.empty(lines, dtype=np.bool_),
    )  # fmt: skip
    return np.asarray(effects == NONE)


def proposals_of(
    published: PublishedStrategy,
    columns: Columns,
    hits_before: NDArray[np.int64] | None = None,
    barred: NDArray[np.int64] | None = None,
    holdout: Holdout | None = None,
) -> Proposals:
    """What a strategy proposes for each line.

    Parameters
    ----------
    columns
        With every name of ``published.inputs``, and ``pd`` where some are held out.
    hits_before
        As in :func:`hits_of`.
    barred
        The mask of rules whose freeze of the line was lifted because nobody confirmed it: they alert, and do
        not freeze again before they let go. None bars nothing.
    holdout
        Who is left as he is by chance where he would be cut for risk; None: nobody.

    Raises
    ------
    InputError
        When a column is not there.
    """
    lines = len(columns)
    hits = hits_of(published, columns, hits_before)
    rules = np.empty(lines, dtype=np.int16)
    actions, severities, effects = (np.empty(lines, dtype=np.uint8) for _ in range(3))
    limits_after_cents = np.empty(lines, dtype=np.int64)
    constraints = np.empty(lines, dtype=np.uint16)
    drawing_stopped = np.empty(lines, dtype=np.bool_)
    write_deciding_rules(hits, published.rule_actions, published.rule_severities, rules, actions, severities)
    write_limits(
        actions, severities, columns.values, columns.rows(STEP_INPUTS), published.terms,
        effects, limits_after_cents, constraints, drawing_stopped,
    )  # fmt: skip
    if barred is not None:
        hold_barred_freezes(rules, barred, effects, constraints, drawing_stopped)
    if holdout is not None:
        hold_out(
            holdout, published.strategy.rules, columns, hits, rules, effects, limits_after_cents, constraints,
            stays_without_rules(published, columns),
        )  # fmt: skip
    return Proposals(hits, rules, actions, effects, limits_after_cents, constraints, drawing_stopped)


def rule_counts(hits: NDArray[np.int64], rules: NDArray[np.int16], count: int) -> list[dict[str, int]]:
    """How often each of so many rules hit, and how often it decided.

    Parameters
    ----------
    hits, rules
        As in :class:`Proposals`.

    Examples
    --------
    >>> rule_counts(np.array([0b11, 0b10, 0]), np.array([0, 1, -1], np.int16), 2)
    [{'hits': 1, 'decided': 1}, {'hits': 2, 'decided': 1}]
    """
    return [
        {"hits": int((hits >> bit & 1).sum()), "decided": int((rules == bit).sum())} for bit in range(count)
    ]
