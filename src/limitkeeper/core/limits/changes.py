"""How a change comes about: a large cut in steps, a restoration in steps within the old limit, never two too soon."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from limitkeeper.core.limits.ledger import EFFECTIVE, OPEN, Entry, LedgerError, Line, effected, step_targets
from limitkeeper.core.strategy.steps import restored_limit_cents


@dataclass(frozen=True, slots=True)
class ChangeTerms:
    """What is in force of steps and waits.

    Parameters
    ----------
    step_share_max
        Of the limit before, that one step of a decrease takes at most; more than 0, at most 1.
    step_wait_us
        Between two steps of a decrease.
    restore_share, restore_wait_us, restore_rounding_cents
        Of the old limit that one step gives back; between two; what a step is rounded up to.
    cooling_off_us
        Within which a customer takes back his own request.
    """

    step_share_max: float
    step_wait_us: int
    restore_share: float
    restore_wait_us: int
    restore_rounding_cents: int
    cooling_off_us: int


class Step(NamedTuple):
    """A step of a change: the limit that it leads to, and from when, UTC microseconds."""

    target_cents: int
    effective_us: int


def old_limit_cents(entries: Iterable[Entry]) -> int | None:
    """The limit before the lender's own cuts that are not given back yet, None where there is nothing to give back.

    What the customer asked for himself is no cut: from then on his limit is what he wanted.

    Parameters
    ----------
    entries
        Of one line, in the order of their effect.

    Examples
    --------
    >>> cut = [Entry("1", "open", "effective", 0, 900, 900), Entry("2", "decrease", "effective", 1, 500, -400)]
    >>> old_limit_cents(cut), old_limit_cents([*cut, Entry("3", "restore", "effective", 2, 900, 400)])
    (900, None)
    >>> old_limit_cents([*cut, Entry("3", "decrease", "effective", 2, 300, -200, by_request=True)]) is None
    True
    """
    limit_cents, old = 0, None
    for entry in entries:
        if entry.state != EFFECTIVE or entry.delta_cents == 0:
            continue
        before = limit_cents
        limit_cents += entry.delta_cents
        if entry.action == OPEN:
            continue
        if entry.by_request:
            old = None
        elif entry.delta_cents < 0:
            old = before if old is None else old
        elif old is not None and limit_cents >= old:
            old = None
    return old


def decrease_steps(limit_cents: int, target_cents: int, effective_us: int, terms: ChangeTerms) -> list[Step]:
    """The steps of a decrease: equal ones, as few as the largest step allows.

    ``ceil((limit - target) / (limit * step_share_max))`` steps, a wait between two.

    Parameters
    ----------
    limit_cents, target_cents
        Before and after all, minor units.
    effective_us
        Of the first.
    terms
        In force.

    Examples
    --------
    >>> terms = ChangeTerms(0.5, 10, 0.25, 20, 1, 0)
    >>> decrease_steps(1_000, 500, 7, terms), [step.target_cents for step in decrease_steps(1_000, 100, 7, terms)]
    ([Step(target_cents=500, effective_us=7)], [550, 100])
    """
    largest = limit_cents * terms.step_share_max
    count = max(1, math.ceil((limit_cents - target_cents) / largest)) if largest > 0 else 1
    targets = step_targets(limit_cents, target_cents, count)
    return [Step(target, effective_us + k * terms.step_wait_us) for k, target in enumerate(targets)]


def restoration_steps(
    limit_cents: int,
    old_cents: int | None,
    wanted_cents: int | None,
    earliest_us: int,
    terms: ChangeTerms,
) -> list[Step]:
    """The steps of a restoration, up to what is wanted, never above the old limit.

    Parameters
    ----------
    limit_cents, old_cents
        Now, and before the lender's own cuts; None where there was none.
    wanted_cents
        None for all of it.
    earliest_us
        Of the first step; the cool-down lies between two.
    terms
        In force.

    Raises
    ------
    LedgerError
        When there is nothing to give back.

    Examples
    --------
    >>> terms = ChangeTerms(0.5, 10, 0.25, 20, 1, 0)
    >>> restoration_steps(500, 1_000, None, 7, terms)
    [Step(target_cents=750, effective_us=7), Step(target_cents=1000, effective_us=27)]
    """
    goal = (
        limit_cents
        if old_cents is None
        else min(old_cents, old_cents if wanted_cents is None else wanted_cents)
    )
    if old_cents is None or goal <= limit_cents:
        raise LedgerError(
            "There is nothing to give back.",
            value=limit_cents,
            allowed=f"up to {old_cents}" if old_cents else None,
        )
    steps, now_cents = list[Step](), limit_cents
    while now_cents < goal:
        after, _ = restored_limit_cents(
            now_cents, float(old_cents), terms.restore_share, terms.restore_rounding_cents
        )
        now_cents = min(max(after, now_cents + 1), goal)
        steps.append(Step(now_cents, earliest_us + len(steps) * terms.restore_wait_us))
    return steps


class Foretold(NamedTuple):
    """A planned cut as it comes, where whatever else is planned stays as it is.

    Parameters
    ----------
    limit_before_cents
        Before its first step that takes something; at the end, where none does.
    steps
        Those that take something.
    request
        His request, where it takes effect before a step, or leaves nothing to take; else None.
    """

    limit_before_cents: int
    steps: tuple[Step, ...]
    request: Step | None


def foretold(limit_cents: int, cut: Sequence[Entry], others: Sequence[Entry]) -> Foretold:
    """A cut of the lender's as it comes, by the rules of the ledger, with whatever else is planned to lower the line.

    Parameters
    ----------
    limit_cents
        Now, minor units.
    cut
        The planned steps of one decision, which lower.
    others
        What else is planned and lowers: the customer's own requests, and steps of other decisions.

    Examples
    --------
    >>> cut = [Entry("1", "decrease", "planned", 7, 650), Entry("2", "decrease", "planned", 37, 300)]
    >>> before, steps, request = foretold(1_000, cut, [Entry("3", "decrease", "planned", 3, 600, by_request=True)])
    >>> before, steps, request
    (600, (Step(target_cents=300, effective_us=37),), Step(target_cents=600, effective_us=3))
    >>> foretold(1_000, cut[:1], [])
    Foretold(limit_before_cents=1000, steps=(Step(target_cents=650, effective_us=7),), request=None)
    >>> foretold(1_000, cut[1:], cut[:1]).limit_before_cents
    650
    """
    before, now_cents, steps = limit_cents, limit_cents, list[Step]()
    request = met = None
    both = [(entry, False) for entry in others] + [(entry, True) for entry in cut]
    for entry, is_of_cut in sorted(both, key=lambda each: each[0].effective_us):
        after = effected(entry, Line(now_cents), entry.effective_us)
        if after.state != EFFECTIVE:
            continue
        step = Step(now_cents + after.delta_cents, entry.effective_us)
        if is_of_cut:
            before, request = (before if steps else now_cents), met
            steps.append(step)
        elif entry.by_request:
            met = step
        now_cents = step.target_cents
    return Foretold(before if steps else now_cents, tuple(steps), request if steps else met)
