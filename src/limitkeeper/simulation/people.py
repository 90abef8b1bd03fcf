"""What is hidden: the people behind simulated accounts, their habits, and what will befall them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from limitkeeper.simulation.mix import (
    CASH_OUT_RING,
    DISTRESSED,
    DORMANT,
    RECOVERING,
    RING_MEMBERS,
    SEASONAL,
    TAKEN_OVER,
    Mix,
)

FULL, PART, MINIMUM = range(3)
"""How a person repays a bill: in full, a part, or the minimum."""

NEVER_DAY = np.inf
NO_RING = -1
YUAN = 100
CITIES = ("Shanghai", "Beijing", "Shenzhen", "Guangzhou", "Hangzhou", "Chengdu", "Wuhan", "Nanjing", "Xi'an",
          "Chongqing", "Changsha", "Suzhou")  # fmt: skip

LIFE = np.dtype([
    ("number", "i8"), ("person", "i8"), ("kind", "i8"), ("cash_line", "i8"), ("ring", "i8"),
    ("limit_cents", "i8"), ("balance_cents", "i8"), ("billed_cents", "i8"), ("statement_day", "i8"),
    ("days_since_statement", "i8"), ("spends_a_day", "f8"), ("amount_log_mean", "f8"),
    ("amount_log_std", "f8"), ("cash_share", "f8"), ("round_share", "f8"), ("night_share", "f8"),
    ("logins_a_day", "f8"), ("habit", "i8"), ("part_repaid", "f8"), ("late_share", "f8"),
    ("forgotten_share", "f8"), ("city", "i8"),
    ("family", "i8"), ("new_phone_day", "f8"), ("trip_day", "f8"), ("trip_city", "i8"),
    ("season_day", "f8"), ("season_swing", "f8"), ("onset_day", "f8"), ("ramp_days", "f8"),
    ("recovery_day", "f8"), ("severity", "f8"), ("confirmed_day", "f8"), ("write_back_day", "f8"),
])  # fmt: skip
"""All that is fixed of an account before its first day; days are counted from the first local midnight."""

DRAWS = (
    "kind", "pair", "cash_line", "limit", "spends", "spend_share", "spread", "cash", "round", "night", "logins",
    "habit", "part", "late", "city", "family", "phone", "trip", "trip_city", "season", "swing", "onset", "ramp",
    "recovery", "severity", "confirmed", "write_back", "opening", "statement", "opened", "credit", "link",
    "linked_to", "link_kind",
)  # fmt: skip
"""The chances of a person, each uniform in [0, 1), in the order in which they are drawn."""

PEOPLE_STREAM = 1 << 62
RING_STREAM = 1 << 61


def stream(seed: int, number: int) -> np.random.Generator:
    """The random numbers of one account, person or ring: no other's draws move them."""
    return np.random.Generator(np.random.Philox(key=np.array([seed, number], dtype=np.uint64)))


@dataclass(frozen=True, slots=True)
class People:
    """The accounts' fixed traits, and what only a lender's account table states of them.

    Parameters
    ----------
    lives
        Of dtype :data:`LIFE`, shape ``(n,)``.
    opened_days_before, first_credit_days_before
        Days before the start, shape ``(n,)``.
    guarantor, contact
        Number of the account that was declared, -1 for none, shape ``(n,)``.
    """

    lives: NDArray[np.void]
    opened_days_before: NDArray[np.float64]
    first_credit_days_before: NDArray[np.float64]
    guarantor: NDArray[np.int64]
    contact: NDArray[np.int64]


def people_of(accounts: int, days: int, seed: int, mix: Mix, day_of_month: int) -> People:
    """The people behind ``accounts`` accounts; the first k of them are the same however many there are.

    Parameters
    ----------
    accounts, days
        How many accounts live for how long.
    seed
        Of all chances.
    mix
        Shares of the kinds.
    day_of_month
        Of the first local day.
    """
    drawn = np.array([stream(seed, PEOPLE_STREAM + k).random(len(DRAWS)) for k in range(accounts + 1)])
    ring, ring_chances = rings_of(accounts + 1, seed, mix)
    number = np.arange(accounts)
    alone = (ring[:-1] >= 0) | (ring[1:] >= 0)
    pairs = (drawn[:-1, DRAWS.index("pair")] < 0.10) & (number % 2 == 0) & ~alone
    second = np.concatenate([[False], pairs[:-1]])
    person = number - second
    own = dict(zip(DRAWS, drawn[:-1].T, strict=True))
    their = {name: values[person] for name, values in own.items()}
    ring = ring[:-1]
    lives = np.zeros(accounts, LIFE)
    lives["number"], lives["person"], lives["ring"] = number, person, ring
    lives["kind"] = kinds_of(their["kind"], ring, mix)
    lives["cash_line"] = (second | (~pairs & (own["cash_line"] < 0.12))) & (ring < 0)
    _set_habits(lives, own, their, day_of_month)
    _set_fate(lives, their, ring_chances, days)
    guarantor, contact = links_of(lives, own)
    opened = 200 + 1_600 * own["opened"]
    first_credit = (200 + 1_600 * their["opened"]) + 1_500 * their["credit"]
    return People(lives, opened, np.maximum(first_credit, opened), guarantor, contact)


def rings_of(accounts: int, seed: int, mix: Mix) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The ring of each account, -1 for none, and each ring's own chance; one ring a cell of accounts."""
    ring, chances = np.full(accounts, NO_RING), np.zeros(0)
    if not mix.ring_cell:
        return ring, chances
    cells = -(-accounts // mix.ring_cell)
    chances = np.empty(cells)
    for cell in range(cells):
        draws = stream(seed, RING_STREAM + cell)
        members = cell * mix.ring_cell + draws.choice(mix.ring_cell, RING_MEMBERS, replace=False)
        ring[members[members < accounts]] = cell
        chances[cell] = draws.random()
    return ring, chances


def kinds_of(chance: NDArray[np.float64], ring: NDArray[np.int64], mix: Mix) -> NDArray[np.int64]:
    """The kind of each account: ring members by their ring, the others by their person's chance."""
    shares = np.array(mix.shares)
    shares[CASH_OUT_RING] = 0.0
    if not shares.any():
        return np.full(len(ring), CASH_OUT_RING)
    edges = np.cumsum(shares) / shares.sum()
    return np.where(ring >= 0, CASH_OUT_RING, np.searchsorted(edges, chance, side="right"))


def _set_habits(
    lives: NDArray[np.void],
    own: dict[str, NDArray[np.float64]],
    their: dict[str, NDArray[np.float64]],
    day_of_month: int,
) -> None:
    """Limit, spending, repayment and places."""
    cash, kind = lives["cash_line"] == 1, lives["kind"]
    median = np.where(cash, 15_000.0, 8_000.0)
    limit = np.clip(median * np.exp(0.7 * ndtri(own["limit"])), 1_000, 100_000) // 100 * 100 * YUAN
    habit = np.searchsorted((0.62, 0.90), their["habit"], side="right")
    habit = np.where((kind == DISTRESSED) | (kind == RECOVERING), np.maximum(habit, PART), habit)
    habit = np.where(kind == CASH_OUT_RING, FULL, habit)
    part = 0.35 + 0.4 * their["part"]
    low, high = np.array([[0.10, 0.08, 0.02], [0.60, 0.30, 0.07]])[:, habit]
    monthly = limit * (low + (high - low) * own["spend_share"])
    spends = np.where(cash, 0.05 + 0.10 * own["spends"], 0.6 * np.exp(0.5 * ndtri(own["spends"]) - 0.125))
    spread = 0.6 + 0.5 * own["spread"]
    mean = monthly / (30 * spends)
    opening = own["opening"]
    carried = np.select(
        [habit == FULL, habit == PART],
        [(0.4 + 0.5 * opening) * monthly, (0.6 + 0.4 * opening) * monthly / part],
        (0.4 + 0.4 * opening) * limit,
    )
    balance = np.floor(np.minimum(carried, 0.9 * limit))
    balance[kind == DORMANT] = 0
    statement = 1 + np.floor(28 * own["statement"]).astype(np.int64)
    since = (day_of_month - statement) % 30
    lives["limit_cents"], lives["balance_cents"], lives["habit"] = limit, balance, habit
    lives["statement_day"], lives["days_since_statement"] = statement, since
    lives["billed_cents"] = np.where((since > 0) & (since < 18), np.floor(0.75 * balance), 0)
    lives["spends_a_day"] = np.where(kind == DORMANT, 0.0, spends)
    lives["amount_log_std"], lives["amount_log_mean"] = spread, np.log(mean) - spread**2 / 2
    lives["cash_share"] = np.where(cash, 1.0, np.where(own["cash"] < 0.25, 0.2 * own["cash"], 0.0))
    lives["round_share"] = np.where(cash, 0.8, 0.05 + 0.2 * own["round"])
    lives["night_share"] = 0.01 + 0.12 * their["night"] ** 3
    lives["logins_a_day"] = np.where(kind == DORMANT, 0.004, 0.05 + 0.5 * their["logins"] ** 2)
    lives["part_repaid"] = part
    careless = their["late"] > 0.88
    lives["late_share"] = np.where(careless, 0.25, 0.06 * their["late"] ** 3)
    lives["forgotten_share"] = np.where(careless, 0.05, 0.003)
    lives["city"] = len(CITIES) * their["city"] ** 1.3
    relative = lives["person"] - 2 - np.floor(20 * their["family"] / 0.04).astype(np.int64)
    lives["family"] = np.where((their["family"] < 0.04) & (relative >= 0), relative, -1)


def _set_fate(
    lives: NDArray[np.void],
    their: dict[str, NDArray[np.float64]],
    ring_chances: NDArray[np.float64],
    days: int,
) -> None:
    """What will befall the people, and when."""
    kind, ring = lives["kind"], lives["ring"]
    lives["new_phone_day"] = np.where(their["phone"] < 0.4, days * their["phone"] / 0.4, NEVER_DAY)
    lives["trip_day"] = np.where(their["trip"] < 0.5, days * their["trip"] / 0.5, NEVER_DAY)
    lives["trip_city"] = len(CITIES) * their["trip_city"]
    lives["season_day"] = 365 * their["season"]
    lives["season_swing"] = np.where(kind == SEASONAL, 1.5 + 2.0 * their["swing"], 0.0)
    onset, severity = np.full(len(lives), NEVER_DAY), np.zeros(len(lives))
    ramp, recovery, confirmed = np.ones(len(lives)), onset.copy(), onset.copy()
    written_back = onset.copy()

    which = (kind == DISTRESSED) | (kind == RECOVERING)
    onset[which] = days * (0.05 + 0.60 * their["onset"][which] ** 1.4)
    ramp[which] = np.where(their["ramp"] < 0.35, 3, 10 + 60 * their["ramp"] ** 2)[which]  # a third at once
    severity[which] = np.where(their["severity"] < 0.2, 0.15, 0.92)[which]  # a fifth copes

    which = kind == RECOVERING
    recovery[which] = (onset + ramp + 25 + 45 * their["recovery"])[which]
    severity[which] = 0.65

    which = kind == CASH_OUT_RING
    onset[which] = days * (0.10 + 0.30 * ring_chances[ring[which]]) + 4 * their["onset"][which]
    ramp[which] = 12 + 40 * their["ramp"][which]
    severity[which] = np.where(their["severity"] < 0.35, 0.0, 0.97)[which]  # a third repays
    confirmed[which] = np.where(their["confirmed"] < 0.5, onset + 20 + 80 * their["confirmed"], NEVER_DAY)[
        which
    ]

    which = kind == TAKEN_OVER
    # At night: between one and four o'clock local time.
    onset[which] = (
        np.floor(days * (0.25 + 0.70 * their["onset"][which])) + (1 + 3 * their["ramp"][which]) / 24
    )
    recovery[which] = (onset + 1 + 5 * their["recovery"])[which]
    confirmed[which] = np.where(their["confirmed"] < 0.8, recovery, NEVER_DAY)[which]
    written_back[which] = (onset + 20 + 25 * their["write_back"])[which]

    lives["onset_day"], lives["ramp_days"], lives["recovery_day"] = onset, ramp, recovery
    lives["severity"], lives["confirmed_day"], lives["write_back_day"] = severity, confirmed, written_back


def links_of(
    lives: NDArray[np.void], own: dict[str, NDArray[np.float64]]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Declared guarantors and contacts, always an earlier account; distress runs along some of them."""
    number = lives["number"]
    linked = (own["link"] < 0.10) & (number > 0)
    other = np.floor(own["linked_to"] * number).astype(np.int64)
    in_distress = lives["kind"] == DISTRESSED
    earlier = np.maximum.accumulate(np.concatenate([[-1], np.where(in_distress, number, -1)[:-1]]))
    together = in_distress & (own["link"] < 0.04) & (earlier >= 0)
    other = np.where(together, earlier, other)
    linked &= lives["person"][other] != lives["person"]
    guarantor = own["link_kind"] < 0.5
    return np.where(linked & guarantor, other, -1), np.where(linked & ~guarantor, other, -1)
