"""The ledger of one line: entries are added, never edited, and their sum is the limit.

An entry is ``planned`` until it takes effect; then its difference to the limit before is written and it is
``effective`` for ever. What is planned can be ``cancelled``. An effective one is undone by another entry.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from limitkeeper.core.kernel.errors import InputError, LimitkeeperError

PLANNED, EFFECTIVE, CANCELLED = "planned", "effective", "cancelled"

OPEN, DECREASE, CLOSE, RESTORE, INCREASE, FREEZE, THAW, REVERSE = (
    "open", "decrease", "close", "restore", "increase", "freeze", "thaw", "reverse",
)  # fmt: skip
LOWERING, RAISING, FREEZING = (DECREASE, CLOSE), (RESTORE, INCREASE), (FREEZE, THAW)
ACTIONS = (OPEN, *LOWERING, *RAISING, *FREEZING, REVERSE)


class LedgerError(LimitkeeperError):
    """A change that the ledger cannot take."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One change of a line.

    Parameters
    ----------
    entry_id, action
        Which, and what: of :data:`ACTIONS`.
    state
        planned, effective, cancelled.
    effective_us
        From when, UTC microseconds: as planned, then as it was.
    target_cents
        The limit that it leads to; None where it changes no amount, or undoes another.
    delta_cents
        What it changed, minor units; 0 until it is effective.
    reverses
        The entry that it undoes.
    by_request
        Whether the customer asked for it himself.
    """

    entry_id: str
    action: str
    state: str
    effective_us: int
    target_cents: int | None = None
    delta_cents: int = 0
    reverses: str | None = None
    by_request: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """A line as its ledger makes it: limit in minor units, and whether drawing is stopped."""

    limit_cents: int
    is_frozen: bool = False


def line_of(entries: Iterable[Entry]) -> Line:
    """The line that effective entries make: ``limit = sum(delta)``.

    Parameters
    ----------
    entries
        Of one line, in the order of their effect.

    Examples
    --------
    >>> line_of([Entry("1", "open", "effective", 0, 500, 500), Entry("2", "decrease", "effective", 1, 300, -200)])
    Line(limit_cents=300, is_frozen=False)
    """
    limit_cents, is_frozen = 0, False
    for entry in entries:
        if entry.state == EFFECTIVE:
            limit_cents += entry.delta_cents
            is_frozen = entry.action == FREEZE if entry.action in FREEZING else is_frozen
    return Line(limit_cents, is_frozen)


def checked_plan(action: str, target_cents: int | None) -> None:
    """Nothing, where a change can be planned.

    Raises
    ------
    InputError
        When the action is unknown, or its target is missing, below 0, or given where there is none.
    """
    if action not in ACTIONS:
        raise InputError("The ledger knows no such action.", value=action, allowed=", ".join(ACTIONS))
    if (target_cents is None) != (action in (*FREEZING, REVERSE)):
        raise InputError(
            f"The target of '{action}' is missing, or there is none to give.", value=target_cents
        )
    if target_cents is not None and target_cents < 0:
        raise InputError("A limit is never below 0.", value=target_cents, allowed="0 or more")
    if action == CLOSE and target_cents != 0:
        raise InputError("A closed line has a limit of 0.", value=target_cents, allowed="0")


def effected(
    entry: Entry,
    line: Line,
    now_us: int,
    reversed_entry: Entry | None = None,
    old_cents: int | None = None,
) -> Entry:
    """A planned entry as it takes effect on its line, or as it is cancelled because nothing is left to do.

    A cut to a limit that is lower already, and a restoration to one that is higher already, are cancelled:
    whatever came between them meant it so. What gives back does not go above the old limit.

    Parameters
    ----------
    entry
        Planned, and due.
    line
        As it is now.
    now_us
        UTC microseconds.
    reversed_entry
        The effective entry that this one undoes.
    old_cents
        The limit before the lender's own cuts, None where there is nothing to give back.

    Raises
    ------
    LedgerError
        When it is not planned, or not due, or what it undoes is not effective.
    """
    if entry.state != PLANNED:
        raise LedgerError("Only what is planned takes effect.", value=entry.state)
    if now_us < entry.effective_us:
        raise LedgerError(
            "A change does not take effect before its time.", value=now_us, allowed=entry.effective_us
        )
    if entry.action in FREEZING:
        is_done = line.is_frozen == (entry.action == FREEZE)
        return replace(entry, state=CANCELLED if is_done else EFFECTIVE, effective_us=now_us)
    if entry.action == REVERSE:
        if reversed_entry is None or reversed_entry.state != EFFECTIVE:
            raise LedgerError("Only what is effective is undone.", value=entry.reverses)
        # What was cut comes back, but a line is not lifted above what it was, nor below 0.
        delta = max(-reversed_entry.delta_cents, -line.limit_cents)
        delta = min(delta, max((old_cents or 0) - line.limit_cents, 0)) if delta > 0 else delta
        if delta == 0:
            return replace(entry, state=CANCELLED, effective_us=now_us)
        return replace(entry, state=EFFECTIVE, effective_us=now_us, delta_cents=delta)
    assert entry.target_cents is not None
    target_cents = min(entry.target_cents, old_cents or 0) if entry.action == RESTORE else entry.target_cents
    delta = target_cents - line.limit_cents
    is_moot = (entry.action in LOWERING and delta >= 0 and entry.action != CLOSE) or (
        entry.action in RAISING and delta <= 0
    )
    if is_moot:
        return replace(entry, state=CANCELLED, effective_us=now_us)
    return replace(entry, state=EFFECTIVE, effective_us=now_us, delta_cents=delta)


def is_closed(entries: Sequence[Entry]) -> bool:
    """Whether a line is closed: the last of its changes that is effective closed it. A cut to nothing closes none.

    Parameters
    ----------
    entries
        The effective ones, in the order of their effect.

    Examples
    --------
    >>> cut = Entry("1", "decrease", "effective", 1, 0, -900)
    >>> is_closed([cut]), is_closed([cut, Entry("2", "close", "effective", 2, 0)])
    (False, True)
    """
    last = next((each for each in reversed(entries) if each.action in (*LOWERING, *RAISING, REVERSE)), None)
    return last is not None and last.action == CLOSE


def step_targets(limit_cents: int, target_cents: int, steps: int) -> list[int]:
    """The limits of a change in equal steps, the last one exact.

    ``limit + (target - limit) k / steps`` for ``k = 1 ... steps``, rounded towards the limit before.

    Parameters
    ----------
    limit_cents, target_cents
        Before and after all steps, minor units, 0 or more.
    steps
        1 or more.

    Raises
    ------
    InputError
        When there is no step.

    Examples
    --------
    >>> step_targets(1_000, 100, 3)
    [700, 400, 100]
    >>> step_targets(100, 105, 2)
    [102, 105]
    """
    if steps < 1:
        raise InputError("A change has a step at least.", value=steps, allowed="1 or more")
    whole = target_cents - limit_cents
    sign = -1 if whole < 0 else 1
    return [limit_cents + sign * (abs(whole) * k // steps) for k in range(1, steps + 1)]
