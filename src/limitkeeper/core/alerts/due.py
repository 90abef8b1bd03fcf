"""Who is due: freezes that nobody confirmed, freezes that ran out, and lines whose next step may be taken."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from limitkeeper.core.alerts.standing import (
    BARRED_RULES,
    BEFORE_REDUCTION,
    FREEZE_CONFIRMED,
    FROZEN_FOR_VIOLATION,
    FROZEN_RULE,
    FROZEN_SINCE_US,
    LAST_DECREASE_US,
    LAST_INCREASE_US,
    LOOKED_US,
    NO_SLOT,
    PROPOSED_ACTION,
    Standing,
)
from limitkeeper.core.behaviour.events import LONG_AGO_US, NEVER_US
from limitkeeper.core.kernel.errors import InputError
from limitkeeper.core.strategy.actions import Action


class Waits(NamedTuple):
    """How long a line waits, microseconds; ``steps_us`` are waits after a change of limit, each once."""

    freeze_confirmation_us: int
    freeze_us: int
    steps_us: tuple[int, ...]


class Due(NamedTuple):
    """Accounts that are due, each in rising order.

    ``lifted`` were frozen and nobody confirmed it in time; ``ended`` were frozen for as long as a freeze stands;
    ``looked_at`` are to be assessed again, the others among them.
    """

    lifted: NDArray[np.int64]
    ended: NDArray[np.int64]
    looked_at: NDArray[np.int64]


def due_accounts(
    standing: Standing, as_of_us: int, waits: Waits, among: NDArray[np.bool_] | None = None
) -> Due:
    """Who is due as of a time; freezes that are over are lifted.

    Where nobody confirmed a freeze, its rule may not freeze again before it lets go.

    Parameters
    ----------
    standing
        Changed.
    as_of_us
        UTC microseconds.
    waits
        Of the strategy and the market.
    among
        Which accounts are looked through, shape ``(accounts,)``; None for all.
    """
    known = standing.slots[: standing.count] != NO_SLOT
    accounts = np.flatnonzero(known if among is None else known & among)
    slots = standing.slots[accounts]
    clocks = _clocks(standing.rows[slots], waits)
    lifted, ended = clocks.lift_us <= as_of_us, clocks.end_us <= as_of_us
    looked = lifted | ended | (clocks.step_us <= as_of_us)
    for slot in slots[lifted].tolist():
        _thaw(standing.rows[slot], barred=True)
    for slot in slots[ended].tolist():
        _thaw(standing.rows[slot], barred=False)
    standing.rows[slots[looked], LOOKED_US] = as_of_us
    return Due(accounts[lifted], accounts[ended], accounts[looked])


def next_due_us(standing: Standing, waits: Waits) -> int:
    """The earliest time at which anybody of those that stand now is due, ``NEVER_US`` where nobody is."""
    clocks = _clocks(standing.rows[: standing.top[0]], waits)
    return min(int(clock.min(initial=NEVER_US)) for clock in clocks)


class _Clocks(NamedTuple):
    """When each standing is due, shape ``(n,)``, ``NEVER_US`` where it is not."""

    lift_us: NDArray[np.int64]
    end_us: NDArray[np.int64]
    step_us: NDArray[np.int64]


def _clocks(rows: NDArray[np.int64], waits: Waits) -> _Clocks:
    """When unconfirmed freezes are lifted, confirmed ones end, and the next step may be taken."""
    since = rows[:, FROZEN_SINCE_US]
    frozen, confirmed = since != NEVER_US, rows[:, FREEZE_CONFIRMED] == 1
    ends = frozen & confirmed & (rows[:, FROZEN_FOR_VIOLATION] == 0)
    step_us = np.full(len(rows), NEVER_US)
    for column in (LAST_DECREASE_US, LAST_INCREASE_US):
        changed = rows[:, column]
        reduced = (changed != LONG_AGO_US) & (rows[:, BEFORE_REDUCTION] >= 0)
        for wait_us in waits.steps_us:
            due_us = changed + wait_us
            waits_still = reduced & (rows[:, LOOKED_US] < due_us)
            step_us = np.minimum(step_us, np.where(waits_still, due_us, NEVER_US))
    return _Clocks(
        np.where(frozen & ~confirmed, since + waits.freeze_confirmation_us, NEVER_US),
        np.where(ends, since + waits.freeze_us, NEVER_US),
        step_us,
    )


def _thaw(row: NDArray[np.int64], *, barred: bool) -> None:
    if barred and row[FROZEN_RULE] >= 0:
        row[BARRED_RULES] |= 1 << int(row[FROZEN_RULE])
    row[FROZEN_SINCE_US] = NEVER_US
    row[FREEZE_CONFIRMED] = row[FROZEN_FOR_VIOLATION] = 0
    row[FROZEN_RULE] = -1
    if row[PROPOSED_ACTION] == Action.FREEZE:
        row[PROPOSED_ACTION] = Action.NONE


def confirm_freeze(standing: Standing, account: int) -> None:
    """Confirm an account's freeze: it stands for as long as the strategy says.

    Raises
    ------
    InputError
        When the account is not frozen, or the freeze is confirmed already.
    """
    _settled_row(standing, account, confirm=True)[FREEZE_CONFIRMED] = 1


def lift_freeze(standing: Standing, account: int) -> None:
    """Lift an account's freeze by hand; the rule that froze does not freeze again before it lets go.

    Raises
    ------
    InputError
        When the account is not frozen.
    """
    _thaw(_settled_row(standing, account, confirm=False), barred=True)


def check_freeze(standing: Standing, account: int, since_us: int | None) -> None:
    """Nothing, where the freeze of an account is the one that began at a time, or none is given.

    Raises
    ------
    InputError
        When another stands: it is decided on by itself.
    """
    slot = standing.slots[account]
    if since_us is None or slot == NO_SLOT:
        return
    stands_us = int(standing.rows[slot, FROZEN_SINCE_US])
    if stands_us not in (since_us, NEVER_US):
        raise InputError("Another freeze stands by now.", value=stands_us, allowed=since_us)


def check_settles(account: object, *, is_frozen: bool, is_confirmed: bool, confirm: bool) -> None:
    """Nothing, where the freeze of an account may be confirmed or lifted.

    Parameters
    ----------
    account
        Which, as it is told.
    is_frozen, is_confirmed
        How it stands.
    confirm
        Whether its freeze is to be confirmed, or lifted.

    Raises
    ------
    InputError
        When it is not frozen, or the freeze is confirmed already.

    Examples
    --------
    >>> check_settles("a-7", is_frozen=True, is_confirmed=True, confirm=False)
    """
    if not is_frozen:
        raise InputError("The line is not frozen.", value=account, advice="Look at its open proposals.")
    if confirm and is_confirmed:
        raise InputError("The freeze is confirmed already.", value=account)


def _settled_row(standing: Standing, account: int, *, confirm: bool) -> NDArray[np.int64]:
    slot = standing.slots[account]
    is_frozen = bool(slot != NO_SLOT and standing.rows[slot, FROZEN_SINCE_US] != NEVER_US)
    is_confirmed = is_frozen and bool(standing.rows[slot, FREEZE_CONFIRMED])
    check_settles(account, is_frozen=is_frozen, is_confirmed=is_confirmed, confirm=confirm)
    row: NDArray[np.int64] = standing.rows[slot]
    return row
