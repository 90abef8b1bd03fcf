"""Whole simulated lives as tables: the events that a lender would see, its accounts, and the hidden truth."""

import datetime as dt
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from limitkeeper.core.behaviour.events import DAY_US
from limitkeeper.core.behaviour.events import KINDS as EVENT_KINDS
from limitkeeper.core.kernel.errors import InputError
from limitkeeper.core.kernel.progress import Progress, unseen
from limitkeeper.simulation.days import ACTIONS_A_DAY, REFUNDS_WAITING, delivered, events_most, simulated_days
from limitkeeper.simulation.ledger import EVENT, NONE, REASONS, STATE
from limitkeeper.simulation.mix import KINDS, TAKEN_OVER, TRIGGER_OF_KIND, Mix
from limitkeeper.simulation.people import CITIES, People, people_of, stream

TIME_ZONE = "Asia/Shanghai"
"""The market of the simulated accounts."""

LOCAL_US = 8 * 3_600_000_000
"""Its offset from UTC: it has had no summer time since 1991."""

START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
ACCOUNTS_MAX, DAYS_MAX = 5_000_000, 1_830
BLOCK_ACCOUNTS = 1_000
LGD = 0.80
"""Share of the balance at default that is lost: the market's parameter where no model is given."""

EPOCH_WEEKDAY = 3  # 1 January 1970 was a Thursday
DEFAULT_MIX = Mix()


@dataclass(frozen=True, slots=True)
class SimulatedLife:
    """What was simulated. No row of it is of a real person.

    Parameters
    ----------
    events
        As ``docs/reference/events.md`` says, in arrival order, with ``arrived_at``; every id starts with ``sim-``.
    accounts
        What a lender's account table states.
    truth
        What no lender sees: kind, ring, onset, recovery, arrears, default, the trigger that ought to fire.
    start, end
        Events lie in ``[start, end)``; some arrive after the end.
    """

    events: pl.DataFrame
    accounts: pl.DataFrame
    truth: pl.DataFrame
    start: dt.datetime
    end: dt.datetime


def simulated_life(
    accounts: int,
    days: int,
    seed: int,
    *,
    start: dt.datetime = START,
    mix: Mix = DEFAULT_MIX,
    late_share: float = 0.01,
    duplicate_share: float = 0.005,
    progress: Progress = unseen,
) -> SimulatedLife:
    """The life of simulated accounts; the same arguments give the same bytes.

    An account's life depends on the seed and its number, not on how many accounts there are. Every assumption
    is in ``docs/simulation.md``.

    Parameters
    ----------
    accounts
        1 to 5,000,000.
    days
        1 to 1,830.
    seed
        0 to 2^63 - 1.
    start
        When the first event can happen, with an offset.
    mix
        Shares of the hidden kinds.
    late_share, duplicate_share
        Of the events that arrive late, and that arrive twice, in [0, 1].
    progress
        Told of each finished block of accounts.

    Raises
    ------
    InputError
        When an argument is out of its range.

    Examples
    --------
    >>> life = simulated_life(3, 30, seed=7)
    >>> life.accounts["account_id"].to_list(), life.truth["simulated"].all()
    (['sim-0', 'sim-1', 'sim-2'], True)
    """
    for name, value, low, high in (
        ("accounts", accounts, 1, ACCOUNTS_MAX),
        ("days", days, 1, DAYS_MAX),
        ("seed", seed, 0, 2**63 - 1),
        ("late_share", late_share, 0, 1),
        ("duplicate_share", duplicate_share, 0, 1),
    ):
        if not low <= value <= high:
            raise InputError(
                f"The simulation's '{name}' is out of range.", value=value, allowed=f"{low} to {high}"
            )
    if start.tzinfo is None:
        raise InputError("The simulation's start has no offset.", value=start, allowed=START.isoformat())
    start_us = (start - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) // dt.timedelta(microseconds=1)
    end_us = start_us + days * DAY_US
    origin_us = (start_us + LOCAL_US) // DAY_US * DAY_US - LOCAL_US
    calendar = calendar_of(origin_us, end_us)
    people = people_of(accounts, days, seed, mix, int(calendar[0, 1]))
    rows, states = lives_lived(
        people.lives, seed, calendar, (origin_us, start_us, end_us), (late_share, duplicate_share), progress
    )
    ids = account_ids(accounts)
    return SimulatedLife(
        events=event_frame(rows, ids),
        accounts=account_frame(people, ids, start_us),
        truth=truth_frame(people.lives, states, ids, origin_us, end_us),
        start=start,
        end=start + dt.timedelta(days=days),
    )


def calendar_of(origin_us: int, end_us: int) -> NDArray[np.int64]:
    """Weekday (0 Monday), day of the month and day of the year of each local day, shape ``(days, 3)``."""
    first = (origin_us + LOCAL_US) // DAY_US
    count = -(-(end_us - origin_us) // DAY_US)
    day = np.arange(first, first + count)
    dates = pl.Series(day).cast(pl.Int32).cast(pl.Date)
    return np.stack(
        [(day + EPOCH_WEEKDAY) % 7, dates.dt.day().to_numpy(), dates.dt.ordinal_day().to_numpy()], axis=1
    ).astype(np.int64)


def lives_lived(
    lives: NDArray[np.void],
    seed: int,
    calendar: NDArray[np.int64],
    times_us: tuple[int, int, int],
    shares: tuple[float, float],
    progress: Progress,
) -> tuple[NDArray[np.void], NDArray[np.void]]:
    """Every account's events, in arrival order, and how each account ended."""
    blank = np.zeros(1, STATE)
    for name in ("met_day", "repay_day", "arrears_day", "thirty_day", "default_day"):
        blank[name] = NONE
    blank["onset_cents"] = blank["default_cents"] = NONE
    blank["declined_day"] = -DAYS_MAX
    state, refunds = blank.copy(), np.zeros((REFUNDS_WAITING, 3), np.int64)
    plan = np.zeros((ACTIONS_A_DAY, 2), np.int64)
    out = np.zeros(events_most(len(calendar)), EVENT)
    ended, blocks = np.zeros(len(lives), STATE), []
    for first in range(0, len(lives), BLOCK_ACCOUNTS):
        last = min(first + BLOCK_ACCOUNTS, len(lives))
        parts = []
        for which in range(first, last):
            state[:] = blank
            draws = stream(seed, which)
            simulated_days(lives, which, draws, calendar, *times_us, state, refunds, plan, out)
            ended[which] = state[0]
            parts.append(out[: delivered(draws, *shares, out, int(state["events"][0]))].copy())
        blocks.append(np.concatenate(parts))
        progress("lives", last, len(lives))
    rows = np.concatenate(blocks)
    return rows[np.argsort(rows["arrival_us"], kind="stable")], ended


def account_ids(accounts: int) -> pl.Series:
    """The ids of the first accounts."""
    return numbered_ids("sim-", np.arange(accounts))


def numbered_ids(prefix: str, numbers: NDArray[np.int64]) -> pl.Series:
    """Ids of numbers; a negative number is a missing id."""
    distinct, place = np.unique(numbers, return_inverse=True)
    known = pl.Series(distinct)
    text = (prefix + known.cast(pl.String)).set(known < 0, None)
    return text.gather(place)


def times(us: NDArray[np.int64]) -> pl.Series:
    """UTC times of microseconds; a negative one is missing."""
    moments = pl.Series(us)
    return moments.set(moments < 0, None).cast(pl.Datetime("us", "UTC"))


def known_or_none(values: NDArray[np.int64]) -> pl.Series:
    """Whole numbers; a negative one is missing."""
    series = pl.Series(values.astype(np.int64))
    return series.set(series < 0, None)


def named(names: tuple[str, ...], codes: NDArray[np.int64]) -> pl.Series:
    """The name of each code; a negative code has none."""
    return pl.Series([*names, None], dtype=pl.String).gather(np.where(codes < 0, len(names), codes))


def event_frame(rows: NDArray[np.void], ids: pl.Series) -> pl.DataFrame:
    """Rows of dtype ``EVENT`` as an event table."""
    own = ids.gather(rows["account"])
    without_amount = np.isin(rows["kind"], [EVENT_KINDS.index("login"), EVENT_KINDS.index("flag")])
    amount = np.where(without_amount, NONE, rows["amount"])
    is_declined = rows["kind"] == EVENT_KINDS.index("declined")
    amount = np.where(is_declined & (amount == 0), NONE, amount)
    return pl.DataFrame(
        {
            "event_id": own + "-" + pl.Series(rows["sequence"]).cast(pl.String),
            "account_id": own,
            "ts": times(rows["ts_us"]),
            "kind": named(EVENT_KINDS, rows["kind"].astype(np.int64)),
            "amount": known_or_none(amount),
            "paid": known_or_none(rows["paid"]),
            "minimum_due": known_or_none(rows["minimum_due"]),
            "days_past_due": known_or_none(rows["days_past_due"]).cast(pl.Int32),
            "merchant_id": numbered_ids("sim-m", rows["merchant"]),
            "device_id": numbered_ids("sim-d", rows["device"]),
            "city": named(CITIES, rows["city"].astype(np.int64)),
            "counterparty_id": numbered_ids("sim-b", rows["counterparty"]),
            "reason": named(REASONS, rows["reason"].astype(np.int64)),
            "arrived_at": times(rows["arrival_us"]),
        }
    )


def account_frame(people: People, ids: pl.Series, start_us: int) -> pl.DataFrame:
    """What a lender states of its accounts."""
    lives = people.lives
    opened = start_us - (people.opened_days_before * DAY_US).astype(np.int64)
    first_credit = start_us - (people.first_credit_days_before * DAY_US).astype(np.int64)
    return pl.DataFrame(
        {
            "account_id": ids,
            "customer_id": numbered_ids("sim-c", lives["person"]),
            "product": named(("purchase", "cash"), lives["cash_line"]),
            "opened_at": times(opened),
            "first_credit_at": times(first_credit),
            "limit_cents": lives["limit_cents"],
            "opening_balance_cents": lives["balance_cents"],
            "guarantor_account_id": numbered_ids("sim-", people.guarantor),
            "contact_account_id": numbered_ids("sim-", people.contact),
            "simulated": np.ones(len(lives), bool),
        }
    )


def truth_frame(
    lives: NDArray[np.void], states: NDArray[np.void], ids: pl.Series, origin_us: int, end_us: int
) -> pl.DataFrame:
    """What is hidden: who each account is, what befell it and when, and what it cost."""

    def moments(day: NDArray[np.float64]) -> pl.Series:
        us = origin_us + (np.where(np.isfinite(day) & (day >= 0), day, 0) * DAY_US).astype(np.int64)
        return times(np.where(np.isfinite(day) & (day >= 0) & (us < end_us), us, NONE))

    default = states["default_cents"]
    loss = np.where(default >= 0, np.round(LGD * default), 0).astype(np.int64)
    loss = np.where(lives["kind"] == TAKEN_OVER, states["stolen_cents"] + loss, loss)
    recovered = np.where(
        (states["default_day"] < 0) & (lives["kind"] != TAKEN_OVER), lives["recovery_day"], np.inf
    )
    kinds = named(KINDS, lives["kind"])
    return pl.DataFrame(
        {
            "account_id": ids,
            "kind": kinds,
            "ring": known_or_none(lives["ring"]),
            "trigger": kinds.replace_strict(TRIGGER_OF_KIND, default=None, return_dtype=pl.String),
            "onset_at": moments(lives["onset_day"]),
            "recovered_at": moments(recovered),
            "thirty_days_late_at": moments(states["thirty_day"].astype(np.float64)),
            "defaulted_at": moments(states["default_day"].astype(np.float64)),
            "exposure_at_onset_cents": known_or_none(states["onset_cents"]),
            "exposure_at_default_cents": known_or_none(default),
            "loss_cents": loss,
            "closing_balance_cents": states["balance"],
            "simulated": np.ones(len(lives), bool),
        }
    )
