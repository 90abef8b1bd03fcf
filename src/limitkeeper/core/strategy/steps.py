"""How an action changes a limit: steps, waits, floors, caps, cool-down, freezes."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from limitkeeper.core.kernel.compiled import compiled
from limitkeeper.core.strategy.actions import Action
from limitkeeper.core.strategy.constraints import Constraint

CENTS_MAX = 2.0**53
"""Amounts beyond this are not whole in float64 and count as unknown."""

UNKNOWN_CENTS = -1
"""A limit after that is not known, because the limit before is not."""

# As plain integers, which kernels know at compile time.
(
    COOL_DOWN, STEP_WAIT, FLOOR_AT_BALANCE, FLOOR_AT_MINIMUM, LINE_CAP, CUSTOMER_TOTAL_CAP, RESTORE_CEILING,
    UNKNOWN_LIMIT, UNKNOWN_BALANCE, STEP_TOO_SMALL, FREEZE_STANDS, ALREADY_CLOSED, FREEZE_NOT_CONFIRMED, HELD_OUT,
) = (int(constraint) for constraint in Constraint)  # fmt: skip
NONE, ALERT, DECREASE, FREEZE, CLOSE, RESTORE = (int(action) for action in Action)


STEP_INPUTS = (
    "product_code",
    "limit_cents",
    "balance_cents",
    "customer_limit_total_cents",
    "limit_before_reduction_cents",
    "days_since_last_decrease",
    "days_since_last_increase",
    "days_since_last_action",
    "is_frozen",
    "is_frozen_for_violation",
    "days_frozen",
    "is_closed",
)
"""The columns that :func:`write_limits` reads, in order."""


class StepTerms(NamedTuple):
    """A strategy's steps, floors and caps as numbers; tuples are by severity (0 unused) or product code.

    Tuples and not arrays: a kernel counts references to arrays, which costs more than the step itself.
    """

    decrease_shares: tuple[float, ...]
    decrease_wait_days: tuple[float, ...]
    restore_share: float
    restore_wait_days: float
    rounding_cents: int
    least_step_cents: int
    floor_cents: tuple[int, ...]
    line_cap_cents: tuple[float, ...]
    customer_total_cap_cents: float
    cool_down_days: float
    freeze_days: float


@compiled
def rounded_up_cents(cents: int, unit_cents: int) -> int:
    """The least multiple of the unit that is at least the amount.

    Examples
    --------
    >>> rounded_up_cents(101, 100), rounded_up_cents(100, 100)
    (200, 100)
    """
    return -(-cents // unit_cents) * unit_cents


@compiled
def decreased_limit_cents(
    limit_cents: int,
    balance_cents: float,
    share: float,
    floor_cents: int,
    rounding_cents: int,
    least_step_cents: int,
) -> tuple[int, int]:
    """The limit one step lower, and what bound it.

    ``min(limit, max(up(limit - share * limit), up(balance), up(floor)))``, where ``up`` rounds to the unit in
    the customer's favour; unchanged where the step would be less than the least step.

    Parameters
    ----------
    limit_cents
        The limit now, 0 or more.
    balance_cents
        Outstanding balance; a credit balance counts as 0.
    share
        Share of the limit to take away, 0 to 1.
    floor_cents, rounding_cents, least_step_cents
        Least limit of the product, rounding unit, least change worth a notice.

    Examples
    --------
    >>> decreased_limit_cents(1_000_000, 200_000.0, 0.25, 50_000, 10_000, 20_000)
    (750000, 0)
    >>> decreased_limit_cents(1_000_000, 812_345.0, 0.25, 50_000, 10_000, 20_000)
    (820000, 4)
    """
    after = rounded_up_cents(limit_cents - int(np.rint(share * limit_cents)), rounding_cents)
    owed = rounded_up_cents(math.ceil(max(balance_cents, 0.0)), rounding_cents)
    floor = rounded_up_cents(floor_cents, rounding_cents)
    bound = 0
    if after < max(owed, floor):
        after = max(owed, floor)
        bound = FLOOR_AT_BALANCE if owed >= floor else FLOOR_AT_MINIMUM
    after = min(after, limit_cents)
    if after == limit_cents or limit_cents - after >= least_step_cents:
        return after, bound
    return limit_cents, bound | STEP_TOO_SMALL


@compiled
def restored_limit_cents(
    limit_cents: int, before_cents: float, share: float, rounding_cents: int
) -> tuple[int, int]:
    """The limit one step higher, never above the limit before the first reduction, and what bound it.

    Parameters
    ----------
    limit_cents
        The limit now.
    before_cents
        The limit before the first reduction; NaN where there was none, and nothing is restored.
    share
        Share of the limit before that one step gives back.

    Examples
    --------
    >>> restored_limit_cents(500_000, 1_000_000.0, 0.25, 10_000)
    (750000, 0)
    >>> restored_limit_cents(900_000, 1_000_000.0, 0.25, 10_000)
    (1000000, 64)
    """
    if not (limit_cents < before_cents <= CENTS_MAX):
        return limit_cents, RESTORE_CEILING
    after = limit_cents + rounded_up_cents(int(np.rint(share * before_cents)), rounding_cents)
    if after >= before_cents:
        return int(before_cents), RESTORE_CEILING
    return after, 0


@compiled
def ceiling_cents(
    limit_cents: int, total_cents: float, line_cap_cents: float, total_cap_cents: float
) -> tuple[float, int]:
    """How high the line may be under both caps, and which of them is the tighter.

    The customer's total cap is shared among the customer's lines by their limits, so that a line is judged
    without looking at the others: ``limit + (cap - total) * limit / total``.

    Examples
    --------
    >>> ceiling_cents(600_000, 1_000_000.0, 900_000.0, 500_000.0)
    (300000.0, 32)
    """
    if total_cap_cents < math.inf:
        total = total_cents if total_cents >= limit_cents else float(limit_cents)
        shared = math.floor(limit_cents * total_cap_cents / total) if total > 0.0 else total_cap_cents
        if shared < line_cap_cents:
            return float(shared), CUSTOMER_TOTAL_CAP
    return line_cap_cents, LINE_CAP


@compiled
def capped_limit_cents(
    limit_cents: int, after_cents: int, balance_cents: float, cap_cents: float, rounding_cents: int
) -> tuple[int, int]:
    """The limit after a step that would leave it above a cap, and what else bound it.

    A limit above the cap comes down to it, rounded down, but not below the balance; one below the cap goes
    up to it at most, and never down.

    Examples
    --------
    >>> capped_limit_cents(800_000, 800_000, 100_000.0, 505_000.0, 10_000)
    (500000, 0)
    >>> capped_limit_cents(400_000, 600_000, 100_000.0, 505_000.0, 10_000)
    (500000, 0)
    """
    allowed = int(cap_cents) // rounding_cents * rounding_cents
    if limit_cents <= cap_cents:
        return min(after_cents, max(allowed, limit_cents)), 0
    if not abs(balance_cents) <= CENTS_MAX:
        return min(after_cents, limit_cents), UNKNOWN_BALANCE
    owed = rounded_up_cents(math.ceil(max(balance_cents, 0.0)), rounding_cents)
    if owed > allowed:
        return min(after_cents, owed, limit_cents), FLOOR_AT_BALANCE
    return min(after_cents, allowed), 0


@compiled
def stepped_limit(
    action: int,
    severity: int,
    product: int,
    limit_cents: float,
    balance_cents: float,
    total_cents: float,
    before_cents: float,
    days_since_decrease: float,
    days_since_increase: float,
    days_since_action: float,
    freeze_stands: bool,
    terms: StepTerms,
) -> tuple[int, int]:
    """The limit after a decrease, a restoration or neither, under waits, floors and caps; and what bound it.

    Only for a known limit. Days that are missing (never) hold nothing back.
    """
    limit = int(limit_cents)
    after, bound = limit, 0
    known_balance = abs(balance_cents) <= CENTS_MAX
    if action in (DECREASE, RESTORE) and days_since_action < terms.cool_down_days:
        bound = COOL_DOWN
    elif action == DECREASE:
        if not known_balance:
            bound = UNKNOWN_BALANCE
        elif days_since_decrease < terms.decrease_wait_days[severity]:
            bound = STEP_WAIT
        else:
            share, floor = terms.decrease_shares[severity], terms.floor_cents[product]
            after, bound = decreased_limit_cents(
                limit, balance_cents, share, floor, terms.rounding_cents, terms.least_step_cents
            )
    elif action == RESTORE and not freeze_stands:
        wait = terms.restore_wait_days
        if days_since_decrease < wait or days_since_increase < wait:
            bound = STEP_WAIT
        else:
            after, bound = restored_limit_cents(
                limit, before_cents, terms.restore_share, terms.rounding_cents
            )
    line_cap = terms.line_cap_cents[product]
    cap, which = ceiling_cents(limit, total_cents, line_cap, terms.customer_total_cap_cents)
    if after > cap:
        after, cap_bound = capped_limit_cents(limit, after, balance_cents, cap, terms.rounding_cents)
        bound |= which | cap_bound
    return after, bound


@compiled
def steps_of_action(
    action: int,
    severity: int,
    product: int,
    limit_cents: float,
    balance_cents: float,
    total_cents: float,
    before_cents: float,
    days_since_decrease: float,
    days_since_increase: float,
    days_since_action: float,
    frozen: float,
    frozen_for_violation: float,
    days_frozen: float,
    closed: float,
    terms: StepTerms,
) -> tuple[int, int, int, bool]:
    """What an action comes to for one line: the action in effect, limit, constraints, whether drawing stops.

    - ``close``: limit 0, even below the balance; drawing stops.
    - ``freeze``: the limit stays and drawing stops. A freeze stands for ``freeze_days``, one for a violation
      until a person lifts it; while it stands nothing is restored.
    - ``decrease``: see :func:`decreased_limit_cents`; one that is held back, or comes to nothing, is an
      alert, so that somebody looks.
    - ``restore``: see :func:`restored_limit_cents`; ends a freeze that has run out.
    - Any limit above a cap comes down to it, rounded down, at once and whatever the rules say, but never
      below the balance.

    Parameters
    ----------
    action, severity
        Of the deciding rule, as :class:`Action` and :class:`Severity` number them.
    product
        0 purchase, 1 cash.
    limit_cents, balance_cents, total_cents, before_cents
        Whole cents; missing is NaN (see ``account.py`` for what that means).
    days_since_decrease, days_since_increase, days_since_action, days_frozen
        Days; NaN is never.
    frozen, frozen_for_violation, closed
        1 or 0; NaN counts as 0.
    terms
        The strategy's.
    """
    known = 0.0 <= limit_cents <= CENTS_MAX
    limit = int(limit_cents) if known else UNKNOWN_CENTS
    if closed == 1.0:
        return NONE, limit, ALREADY_CLOSED, True
    if action == CLOSE:
        return CLOSE, 0, 0, True
    stands = frozen == 1.0 and (frozen_for_violation == 1.0 or not days_frozen >= terms.freeze_days)
    bound = FREEZE_STANDS if stands else 0
    if action == FREEZE:
        return FREEZE, limit, bound, True
    after = limit
    if known:
        after, step_bound = stepped_limit(
            action, severity, product, limit_cents, balance_cents, total_cents, before_cents,
            days_since_decrease, days_since_increase, days_since_action, stands, terms,
        )  # fmt: skip
        bound |= step_bound
    else:
        bound |= UNKNOWN_LIMIT
    thaws = action == RESTORE and frozen == 1.0 and not stands and bound & COOL_DOWN == 0
    if after < limit:
        effect = DECREASE
    elif after > limit or thaws:
        effect = RESTORE
    elif action == DECREASE:
        effect = ALERT
    elif action == RESTORE:
        effect = NONE
    else:
        effect = action
    return effect, after, bound, stands


@compiled
def write_limits(
    actions: NDArray[np.uint8],
    severities: NDArray[np.uint8],
    values: NDArray[np.float64],
    rows: NDArray[np.int64],
    terms: StepTerms,
    effects: NDArray[np.uint8],
    limits_after_cents: NDArray[np.int64],
    constraints: NDArray[np.uint16],
    drawing_stopped: NDArray[np.bool_],
) -> None:
    """Write what each line's action comes to.

    Parameters
    ----------
    actions, severities
        Of each line's deciding rule, shape ``(n,)``.
    values, rows
        Matrix of columns, shape ``(k, n)``, and the rows of :data:`STEP_INPUTS` in it.
    terms
        The strategy's.
    effects, limits_after_cents, constraints, drawing_stopped
        Where to write, shape ``(n,)``.
    """
    # Taken out of the loop: what is written could otherwise change the row numbers, for all a compiler knows.
    products = values[rows[0]]
    limits_cents = values[rows[1]]
    balances_cents = values[rows[2]]
    totals_cents = values[rows[3]]
    befores_cents = values[rows[4]]
    since_decrease = values[rows[5]]
    since_increase = values[rows[6]]
    since_action = values[rows[7]]
    frozen = values[rows[8]]
    for_violation = values[rows[9]]
    frozen_days = values[rows[10]]
    closed = values[rows[11]]
    for i in range(actions.shape[0]):
        effect, after, bound, stopped = steps_of_action(
            int(actions[i]),
            int(severities[i]),
            1 if products[i] == 1.0 else 0,
            limits_cents[i],
            balances_cents[i],
            totals_cents[i],
            befores_cents[i],
            since_decrease[i],
            since_increase[i],
            since_action[i],
            frozen[i],
            for_violation[i],
            frozen_days[i],
            closed[i],
            terms,
        )
        effects[i] = effect
        limits_after_cents[i] = after
        constraints[i] = bound
        drawing_stopped[i] = stopped
