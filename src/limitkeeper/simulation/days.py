"""The days of one account: what its holder, a thief or a ring does, in local time."""

import numpy as np
from numpy.typing import NDArray

from limitkeeper.core.behaviour.events import (
    CASH_ADVANCE,
    DAY_US,
    DECLINED,
    FLAG,
    HOUR_US,
    LIMIT_SET,
    LOGIN,
    PURCHASE,
    REFUND,
)
from limitkeeper.core.kernel.compiled import compiled
from limitkeeper.simulation.ledger import (
    CASH_OUT,
    NETWORK,
    NO_ROOM,
    NONE,
    TAKEOVER,
    WRONG_PASSWORD,
    Record,
    add_event,
    open_bill,
    repay,
    start_of_day,
    stress,
)
from limitkeeper.simulation.mix import CASH_OUT_RING, TAKEN_OVER
from limitkeeper.simulation.people import CITIES

SPEND, LOG_IN, REPAY, GIVE_BACK, RING_SPEND, THEFT, THIEF_LOGIN, THIEF_DECLINED, CONFIRM, WRITE_BACK, FAIL = (
    range(11)
)

HABITUAL_MERCHANTS = 16
NATIONAL_MERCHANTS, CITY_MERCHANTS, RING_MERCHANT = 200, 2_000, 1_000_000
DEVICES_OF_A_PERSON, NEW_PHONE, THIEF_DEVICE = 8, 2, 4
RING_DEVICE, TERMINAL_DEVICE, RING_BANK = 1 << 33, 1 << 34, 1 << 33
ACTIONS_A_DAY = 64
REFUNDS_WAITING = 32
TRIP_DAYS = 5
ELSEWHERE_DAYS = 4
WHOLE_CENTS = 10_000
SECOND_US, MINUTE_US = 1_000_000, 60_000_000
LEAST_ROOM_CENTS = 2_000

HOUR_WEIGHTS = (0, 0, 0, 0, 0, 0, 1, 3, 5, 5, 6, 8, 9, 7, 5, 5, 5, 6, 8, 9, 9, 7, 5, 3)
HOURS = np.cumsum(HOUR_WEIGHTS) / sum(HOUR_WEIGHTS)
"""Chance that a spend by day falls before the end of each local hour."""

WEEKDAYS = np.array([0.9, 0.9, 0.9, 0.95, 1.15, 1.25, 1.1])
"""Spending from Monday to Sunday against the mean."""


def events_most(days: int) -> int:
    """The most events that an account can have, duplicates included."""
    return 2 * (days * (ACTIONS_A_DAY + 2) + 1)


@compiled
def moment(draws: np.random.Generator, day_us: int, night_share: float) -> int:
    """A time of the day, after the first minute, which belongs to the lender's books."""
    if draws.random() < night_share:
        hours = 6 * draws.random()
    else:
        hours = np.searchsorted(HOURS, draws.random(), side="right") + draws.random()
    return day_us + max(MINUTE_US, int(hours * HOUR_US))


@compiled
def spends_expected(life: Record, state: Record, day: int, calendar: NDArray[np.int64]) -> float:
    """Spends that a person would make on a day."""
    if state.default_day >= 0:
        return 0.0
    weekday, day_of_month, day_of_year = calendar[day]
    rate = life.spends_a_day * WEEKDAYS[weekday]
    rate *= 1.25 if 10 <= day_of_month < 15 else 0.96
    if life.season_swing > 0:
        apart = abs(day_of_year - life.season_day)
        rate *= 0.5 + life.season_swing * np.exp(-((min(apart, 365 - apart) / 25) ** 2))
    if life.trip_day <= day < life.trip_day + TRIP_DAYS:
        rate *= 1.5
    if day >= life.onset_day:
        if life.kind == CASH_OUT_RING or (life.kind == TAKEN_OVER and day < life.write_back_day):
            rate *= 0.3
        else:
            rate *= 1 + 0.6 * stress(life, day)
    return rate


@compiled
def add_actions(plan: NDArray[np.int64], planned: int, count: int, action: int) -> int:
    """Plan ``count`` actions without their times yet; what is beyond the day's bound is left out."""
    last = min(ACTIONS_A_DAY, planned + count)
    plan[planned:last, 1] = action
    return last


@compiled
def planned_day(
    life: Record,
    state: Record,
    draws: np.random.Generator,
    calendar: NDArray[np.int64],
    day: int,
    day_us: int,
    refunds: NDArray[np.int64],
    plan: NDArray[np.int64],
) -> int:
    """Fill the plan with (time, action), in time order; how many there are."""
    pressed = stress(life, day)
    planned = add_actions(plan, 0, draws.poisson(spends_expected(life, state, day, calendar)), SPEND)
    planned = add_actions(plan, planned, draws.poisson(life.logins_a_day * (1 + 1.5 * pressed)), LOG_IN)
    planned = add_actions(plan, planned, draws.poisson(0.004), FAIL)
    for k in range(state.refunds):
        planned = add_actions(plan, planned, int(refunds[k, 0] == day), GIVE_BACK)
    planned = add_actions(plan, planned, int(state.billed > 0 and state.repay_day == day), REPAY)
    planned = add_actions(plan, planned, int(np.floor(life.write_back_day) == day), WRITE_BACK)
    planned = add_actions(plan, planned, int(np.floor(life.confirmed_day) == day), CONFIRM)
    in_ring = life.kind == CASH_OUT_RING and state.default_day < 0
    in_ring = in_ring and life.onset_day <= day < life.onset_day + life.ramp_days + 10
    if in_ring and draws.random() < 0.35:
        planned = add_actions(plan, planned, 1 + int(3 * draws.random()), RING_SPEND)
        planned = add_actions(plan, planned, 1, LOG_IN)
    first_night = life.kind == TAKEN_OVER and np.floor(life.onset_day) == day
    if first_night or (life.kind == TAKEN_OVER and life.onset_day < day < life.recovery_day):
        planned = add_actions(plan, planned, draws.poisson(1.0), THIEF_DECLINED)
        planned = add_actions(plan, planned, 1 + draws.poisson(1.0), THIEF_LOGIN)
        planned = add_actions(plan, planned, 2 * first_night + draws.poisson(3.0), THEFT)
    for k in range(planned):
        action = plan[k, 1]
        night_share = life.night_share
        if action == CONFIRM:
            plan[k, 0] = day_us + int((life.confirmed_day - day) * DAY_US)
            continue
        if action in (THEFT, THIEF_LOGIN, THIEF_DECLINED):
            if first_night:
                since = (life.onset_day - day) * 24
                plan[k, 0] = day_us + int((since + (5.5 - since) * draws.random()) * HOUR_US)
                continue
            night_share = 0.75
        plan[k, 0] = moment(draws, day_us, night_share)
    for k in range(1, planned):
        ts_us, action = plan[k]
        place = k
        while place > 0 and plan[place - 1, 0] > ts_us:
            plan[place] = plan[place - 1]
            place -= 1
        plan[place, 0], plan[place, 1] = ts_us, action
    return planned


@compiled
def device_of(life: Record, draws: np.random.Generator, day: int, merchant: int) -> int:
    """The device that a person uses: mostly the phone, else another one, a relative's, or a shop's terminal."""
    chance = draws.random()
    if chance < 0.08:
        return NONE
    if chance < 0.084 and 0 <= merchant < NATIONAL_MERCHANTS:
        return TERMINAL_DEVICE + merchant
    if chance < 0.15 and life.family >= 0:
        return life.family * DEVICES_OF_A_PERSON
    if chance < 0.25:
        return life.person * DEVICES_OF_A_PERSON + 1
    phone = NEW_PHONE if day >= life.new_phone_day else 0
    return life.person * DEVICES_OF_A_PERSON + phone


@compiled
def draw_on(
    life: Record,
    state: Record,
    draws: np.random.Generator,
    out: NDArray[np.void],
    ts_us: int,
    wanted: int,
    is_cash: bool,
    merchant: int,
    device: int,
    city: int,
    counterparty: int,
) -> int:
    """Draw on the line what was wanted, less where that much is not left, or be declined; what was drawn."""
    room = life.limit_cents - state.balance
    if wanted > room:
        drawn = int(room * (0.3 + 0.6 * draws.random()))
        if is_cash:
            drawn = drawn // WHOLE_CENTS * WHOLE_CENTS
        if drawn < LEAST_ROOM_CENTS or draws.random() < 0.6:
            add_event(life, state, out, ts_us, DECLINED, wanted, merchant, device, city, NONE, NO_ROOM)
            state.declined_day = (ts_us - state.origin_us) // DAY_US
            return 0
        wanted = drawn
    state.balance += wanted
    kind = CASH_ADVANCE if is_cash else PURCHASE
    add_event(life, state, out, ts_us, kind, wanted, merchant, device, city, counterparty, NONE)
    return wanted


@compiled
def spend(
    life: Record,
    state: Record,
    draws: np.random.Generator,
    out: NDArray[np.void],
    ts_us: int,
    day: int,
    merchants: NDArray[np.int64],
    refunds: NDArray[np.int64],
) -> None:
    """What a person buys, or draws in cash; a purchase may be given back some days later."""
    if day - state.declined_day < ELSEWHERE_DAYS and draws.random() < 0.7:
        return  # declined just now: pays by other means
    pressed = 0.0 if life.kind == CASH_OUT_RING else stress(life, day)
    away = life.trip_day <= day < life.trip_day + TRIP_DAYS
    amount = np.exp(draws.normal(life.amount_log_mean, life.amount_log_std)) * (1 + 0.4 * pressed)
    if draws.random() < 0.01:
        amount *= 6
    is_cash = draws.random() < life.cash_share + 0.35 * pressed
    if is_cash or (draws.random() < life.round_share and amount > WHOLE_CENTS / 2):
        amount = max(1.0, np.round(amount / WHOLE_CENTS)) * WHOLE_CENTS
    wanted = max(100, int(amount))
    city = life.trip_city if away else life.city
    chance = draws.random()
    if chance < 0.02:
        city = int(len(CITIES) * draws.random())
    elif chance < 0.12:
        city = NONE
    if is_cash:
        draw_on(life, state, draws, out, ts_us, wanted, True, NONE, device_of(life, draws, day, NONE), city,
                life.person)  # fmt: skip
        return
    merchant = merchants[int(HABITUAL_MERCHANTS * draws.random() ** 2)]
    if away or draws.random() < 0.08:
        merchant = city_merchant(life.trip_city if away else life.city, draws)
    device = device_of(life, draws, day, merchant)
    drawn = draw_on(life, state, draws, out, ts_us, wanted, False, merchant, device, city, NONE)
    if drawn > 0 and state.refunds < REFUNDS_WAITING and draws.random() < 0.02:
        back = drawn if draws.random() < 0.8 else max(1, int(drawn * draws.random()))
        refunds[state.refunds, 0] = day + 1 + int(10 * draws.random())
        refunds[state.refunds, 1] = back
        refunds[state.refunds, 2] = merchant
        state.refunds += 1


@compiled
def city_merchant(city: int, draws: np.random.Generator) -> int:
    """A merchant of a city, the popular ones more often."""
    return NATIONAL_MERCHANTS + city * CITY_MERCHANTS + int(CITY_MERCHANTS * draws.random() ** 2)


@compiled
def give_back(
    life: Record, state: Record, out: NDArray[np.void], ts_us: int, day: int, refunds: NDArray[np.int64]
) -> None:
    """Refund the first purchase that waits for this day."""
    for k in range(state.refunds):
        if refunds[k, 0] == day:
            state.balance -= refunds[k, 1]
            add_event(life, state, out, ts_us, REFUND, refunds[k, 1], refunds[k, 2], NONE, NONE, NONE, NONE)
            state.refunds -= 1
            refunds[k] = refunds[state.refunds]
            return


@compiled
def act_for_others(
    life: Record, state: Record, draws: np.random.Generator, out: NDArray[np.void], ts_us: int, action: int
) -> None:
    """What a ring, or a thief, does with the account."""
    if action == RING_SPEND:
        room = life.limit_cents - state.balance
        if room < 0.10 * life.limit_cents:
            return
        wanted = int(room * (0.25 + 0.35 * draws.random())) // WHOLE_CENTS * WHOLE_CENTS
        if wanted < WHOLE_CENTS:
            return
        merchant = RING_MERCHANT + 2 * life.ring + int(draws.random() < 0.15)
        device = RING_DEVICE + 4 * life.ring + int(3 * draws.random())
        if draws.random() < 0.2:
            device = life.person * DEVICES_OF_A_PERSON
        bank = RING_BANK + life.ring
        draw_on(life, state, draws, out, ts_us, wanted, False, merchant, device, life.city, bank)
        return
    if ts_us >= state.theft_ends_us:
        return
    device = life.person * DEVICES_OF_A_PERSON + THIEF_DEVICE + int(3 * draws.random())
    city = int(len(CITIES) * draws.random())
    if action == THIEF_LOGIN:
        add_event(life, state, out, ts_us, LOGIN, 0, NONE, device, city, NONE, NONE)
    elif action == THIEF_DECLINED:
        add_event(life, state, out, ts_us, DECLINED, 0, NONE, device, city, NONE, WRONG_PASSWORD)
    else:
        usual = np.exp(life.amount_log_mean + life.amount_log_std**2 / 2)
        wanted = int(usual * (4 + 10 * draws.random()))
        if wanted > life.limit_cents - state.balance and draws.random() < 0.6:
            return  # knows when the line is drawn
        is_cash = draws.random() < 0.15
        if is_cash:
            wanted = max(1, wanted // WHOLE_CENTS) * WHOLE_CENTS
        merchant = NONE if is_cash else city_merchant(city, draws)
        state.stolen_cents += draw_on(life, state, draws, out, ts_us, wanted, is_cash, merchant, device, city,
                                      NONE)  # fmt: skip


@compiled
def act(
    life: Record,
    state: Record,
    draws: np.random.Generator,
    out: NDArray[np.void],
    ts_us: int,
    action: int,
    day: int,
    merchants: NDArray[np.int64],
    refunds: NDArray[np.int64],
) -> None:
    """Do one planned thing."""
    if action == SPEND:
        spend(life, state, draws, out, ts_us, day, merchants, refunds)
    elif action == REPAY:
        repay(life, state, out, ts_us, day)
    elif action == GIVE_BACK:
        give_back(life, state, out, ts_us, day, refunds)
    elif action == LOG_IN:
        city = NONE if draws.random() < 0.3 else life.city
        add_event(
            life, state, out, ts_us, LOGIN, 0, NONE, device_of(life, draws, day, NONE), city, NONE, NONE
        )
    elif action == FAIL:
        reason = NETWORK if draws.random() < 0.5 else WRONG_PASSWORD
        device = device_of(life, draws, day, NONE)
        add_event(life, state, out, ts_us, DECLINED, 0, NONE, device, life.city, NONE, reason)
    elif action == CONFIRM:
        reason = CASH_OUT if life.kind == CASH_OUT_RING else TAKEOVER
        add_event(life, state, out, ts_us, FLAG, 0, NONE, NONE, NONE, NONE, reason)
    elif action == WRITE_BACK:
        if state.stolen_cents > 0:
            state.balance -= state.stolen_cents
            amount = state.stolen_cents
            add_event(life, state, out, ts_us, REFUND, amount, NONE, NONE, NONE, NONE, NONE)
    else:
        act_for_others(life, state, draws, out, ts_us, action)


@compiled
def simulated_days(
    lives: NDArray[np.void],
    which: int,
    draws: np.random.Generator,
    calendar: NDArray[np.int64],
    origin_us: int,
    start_us: int,
    end_us: int,
    states: NDArray[np.void],
    refunds: NDArray[np.int64],
    plan: NDArray[np.int64],
    out: NDArray[np.void],
) -> None:
    """All days of account ``which``: its events to ``out``, in time order, and how it ended to ``states[0]``.

    Parameters
    ----------
    lives
        Of dtype ``LIFE``.
    which
        Position of the account in ``lives``.
    draws
        The account's own random numbers.
    calendar
        Weekday, day of the month and day of the year of each local day, shape ``(days, 3)``.
    origin_us
        The local midnight at which day 0 begins, UTC microseconds.
    start_us, end_us
        Events lie in ``[start_us, end_us)``.
    states, refunds, plan
        Room to work in.
    out
        Of dtype ``EVENT``, :func:`events_most` long.
    """
    life, state = lives[which], states[0]
    merchants = np.empty(HABITUAL_MERCHANTS, np.int64)
    for k in range(HABITUAL_MERCHANTS):
        if draws.random() < 0.4:
            merchants[k] = int(NATIONAL_MERCHANTS * draws.random() ** 2)
        else:
            merchants[k] = city_merchant(life.city, draws)
    state.balance = life.balance_cents
    if life.billed_cents > 0:
        open_bill(life, state, draws, -life.days_since_statement, life.billed_cents)
    onset_us = end_us
    if life.onset_day < calendar.shape[0]:
        onset_us = origin_us + int(life.onset_day * DAY_US)
    state.origin_us = origin_us
    state.theft_ends_us = end_us
    if life.recovery_day < calendar.shape[0]:
        state.theft_ends_us = origin_us + int(life.recovery_day * DAY_US)
    add_event(life, state, out, start_us, LIMIT_SET, life.limit_cents, NONE, NONE, NONE, NONE, NONE)
    for day in range(calendar.shape[0]):
        day_us = origin_us + day * DAY_US
        books_us = day_us + life.number % 60 * SECOND_US
        if day > 0 and books_us < end_us:
            if state.onset_cents < 0 and books_us >= onset_us:
                state.onset_cents = state.balance
            is_statement_day = calendar[day, 1] == life.statement_day
            start_of_day(life, state, draws, out, day, books_us, is_statement_day)
        planned = planned_day(life, state, draws, calendar, day, day_us, refunds, plan)
        for k in range(planned):
            ts_us, action = plan[k]
            if start_us < ts_us < end_us:
                if state.onset_cents < 0 and ts_us >= onset_us:
                    state.onset_cents = state.balance
                act(life, state, draws, out, ts_us, action, day, merchants, refunds)
    if state.onset_cents < 0 and onset_us < end_us:
        state.onset_cents = state.balance


@compiled
def delivered(
    draws: np.random.Generator, late_share: float, duplicate_share: float, out: NDArray[np.void], count: int
) -> int:
    """Let some events arrive late and some twice; how many rows there are then."""
    rows = count
    for k in range(count):
        if draws.random() < late_share:
            lag_hours = min(24.0 * 45, np.exp(draws.normal(np.log(8.0), 1.2)))
            out[k].arrival_us += int(lag_hours * HOUR_US)
        if draws.random() < duplicate_share:
            out[rows] = out[k]
            out[rows].arrival_us += int(HOUR_US * np.exp(draws.normal(0.0, 1.5)))
            rows += 1
    return rows
