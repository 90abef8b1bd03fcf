"""What the lender books of one account: its events, statements, bills, repayments and arrears."""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from limitkeeper.core.behaviour.events import BILL, CHARGE, REPAYMENT, UNKNOWN_CENTS
from limitkeeper.core.kernel.compiled import compiled
from limitkeeper.simulation.mix import CASH_OUT_RING, DISTRESSED, RECOVERING
from limitkeeper.simulation.people import FULL, PART

EVENT = np.dtype([
    ("account", "i4"), ("sequence", "i4"), ("ts_us", "i8"), ("arrival_us", "i8"), ("kind", "u1"),
    ("amount", "i8"), ("paid", "i8"), ("minimum_due", "i8"), ("days_past_due", "i4"), ("merchant", "i8"),
    ("device", "i8"), ("city", "i1"), ("counterparty", "i8"), ("reason", "i1"),
])  # fmt: skip
"""An event as the kernels write it; -1 is missing."""

STATE = np.dtype([
    ("events", "i8"), ("balance", "i8"), ("billed", "i8"), ("paid", "i8"), ("minimum", "i8"),
    ("due_day", "i8"), ("met_day", "i8"), ("carried", "i8"), ("unpaid_minimum", "i8"), ("repay_day", "i8"),
    ("repay_cents", "i8"), ("arrears_day", "i8"), ("thirty_day", "i8"), ("default_day", "i8"),
    ("onset_cents", "i8"), ("default_cents", "i8"), ("stolen_cents", "i8"), ("refunds", "i8"),
    ("theft_ends_us", "i8"), ("origin_us", "i8"), ("declined_day", "i8"),
])  # fmt: skip
"""Where an account stands; a day, or an amount at a moment, that has not come is -1."""

Record: TypeAlias = Any
"""One element of a structured array, as the compiler sees it."""

REASONS = (
    "insufficient_limit",
    "wrong_password",
    "network",
    "cash_out_confirmed",
    "account_takeover_confirmed",
)
NO_ROOM, WRONG_PASSWORD, NETWORK, CASH_OUT, TAKEOVER = range(5)

NONE = -1
DUE_DAYS, CLOSE_DAYS = 20, 25
THIRTY_DAYS, DEFAULT_DAYS = 30, 90
MINIMUM_SHARE, MINIMUM_LEAST_CENTS = 0.10, 5_000
APR, LATE_FEE_SHARE = 0.18, 0.05
FORGOTTEN_AGAIN = 6.0


@compiled
def add_event(
    life: Record,
    state: Record,
    out: NDArray[np.void],
    ts_us: int,
    kind: int,
    amount: int,
    merchant: int,
    device: int,
    city: int,
    counterparty: int,
    reason: int,
) -> None:
    """Write an event after the account's others; its bill figures are missing."""
    event = out[state.events]
    event.account = life.number
    event.sequence = state.events
    event.ts_us = ts_us
    event.arrival_us = ts_us
    event.kind = kind
    event.amount = amount
    event.paid = UNKNOWN_CENTS
    event.minimum_due = UNKNOWN_CENTS
    event.days_past_due = UNKNOWN_CENTS
    event.merchant = merchant
    event.device = device
    event.city = city
    event.counterparty = counterparty
    event.reason = reason
    state.events += 1


@compiled
def stress(life: Record, day: float) -> float:
    """How far a person is from being able to repay, in [0, 1]: rises from the onset, falls after recovery."""
    if day < life.onset_day:
        return 0.0
    if life.kind == CASH_OUT_RING:
        return 1.0 if day >= life.onset_day + life.ramp_days else 0.0
    if life.kind not in (DISTRESSED, RECOVERING):
        return 0.0
    pressed = min(1.0, (day - life.onset_day) / life.ramp_days)
    if day > life.recovery_day:
        pressed = max(0.0, min(pressed, 1.0 - (day - life.recovery_day) / 20))
    return pressed


@compiled
def open_bill(life: Record, state: Record, draws: np.random.Generator, day: int, billed: int) -> None:
    """Send a statement, and plan what will be repaid of it and when."""
    state.billed = billed
    state.paid = 0
    minimum = max(int(MINIMUM_SHARE * billed) + state.unpaid_minimum, MINIMUM_LEAST_CENTS)
    state.minimum = min(billed, minimum)
    state.due_day = day + DUE_DAYS
    state.met_day = NONE
    state.repay_day = NONE
    pressed = stress(life, day + 10.0)
    missed = life.forgotten_share * (FORGOTTEN_AGAIN if state.arrears_day >= 0 else 1.0)
    if state.default_day >= 0 or draws.random() < missed + life.severity * pressed**2:
        return
    late = draws.random() < life.late_share + 0.25 * pressed
    if late:
        state.repay_day = state.due_day + 1 + int(4 * draws.random())
    else:
        state.repay_day = max(1, day + 2 + int(18 * draws.random()))
    wanted = float(state.minimum)
    if life.habit == FULL:
        wanted = float(billed)
    elif life.habit == PART:
        wanted = max(wanted, life.part_repaid * billed)
    wanted = state.minimum + (wanted - state.minimum) * (1 - pressed)
    if pressed > 0.6 and draws.random() < 0.3:
        wanted = state.minimum * draws.random()
    state.repay_cents = min(billed, int(np.ceil(wanted)))


@compiled
def repay(life: Record, state: Record, out: NDArray[np.void], ts_us: int, day: int) -> None:
    """Repay what was planned of the open bill; its minimum clears all arrears."""
    amount = min(state.repay_cents, state.balance, state.billed - state.paid)
    if amount > 0:
        state.balance -= amount
        state.paid += amount
        add_event(life, state, out, ts_us, REPAYMENT, amount, NONE, NONE, NONE, life.person, NONE)
    if state.met_day < 0 and (state.paid >= state.minimum or state.balance <= 0):
        state.met_day = day
        state.arrears_day = NONE


@compiled
def close_bill(life: Record, state: Record, out: NDArray[np.void], ts_us: int, day: int) -> None:
    """Report what was repaid of the bill, and carry over what was not."""
    days_past_due = 0
    if state.met_day >= 0:
        days_past_due = max(0, state.met_day - state.due_day)
    elif state.arrears_day >= 0:
        days_past_due = day - state.arrears_day
    add_event(life, state, out, ts_us, BILL, state.billed, NONE, NONE, NONE, NONE, NONE)
    event = out[state.events - 1]
    event.paid = state.paid
    event.minimum_due = state.minimum
    event.days_past_due = days_past_due
    state.carried = state.billed - state.paid
    state.unpaid_minimum = 0 if state.met_day >= 0 else max(0, state.minimum - state.paid)
    state.billed = 0


@compiled
def start_of_day(
    life: Record,
    state: Record,
    draws: np.random.Generator,
    out: NDArray[np.void],
    day: int,
    ts_us: int,
    is_statement_day: bool,
) -> None:
    """Book what falls due at local midnight: arrears, the closing bill, interest and the new statement."""
    if state.billed > 0:
        if day > state.due_day and state.met_day < 0 and state.arrears_day < 0 and state.balance > 0:
            state.arrears_day = state.due_day
        if day == state.due_day - DUE_DAYS + CLOSE_DAYS:
            close_bill(life, state, out, ts_us, day)
    if state.arrears_day >= 0:
        if day - state.arrears_day >= THIRTY_DAYS and state.thirty_day < 0:
            state.thirty_day = state.arrears_day + THIRTY_DAYS
        if day - state.arrears_day >= DEFAULT_DAYS and state.default_day < 0:
            state.default_day = state.arrears_day + DEFAULT_DAYS
            state.default_cents = state.balance
    if not is_statement_day or state.billed > 0:
        return
    owed = min(state.carried, state.balance)
    if owed > 0 and state.default_day < 0:
        charge = int(owed * APR / 12 + LATE_FEE_SHARE * state.unpaid_minimum)
        if charge > 0:
            state.balance += charge
            add_event(life, state, out, ts_us, CHARGE, charge, NONE, NONE, NONE, NONE, NONE)
    if state.balance > 0:
        open_bill(life, state, draws, day, state.balance)
