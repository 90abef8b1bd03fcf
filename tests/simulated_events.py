"""Made-up event streams with a fixed seed, in time order: for parity with SQL, and for the benchmark."""

import numpy as np

from limitkeeper.core.behaviour.events import (
    BILL,
    BILL_CORRECTED,
    DAY_US,
    HOUR_US,
    KINDS,
    UNKNOWN_CENTS,
    EventBatch,
)

KIND_SHARES = {
    "purchase": 0.666, "cash_advance": 0.04, "refund": 0.03, "repayment": 0.05, "bill": 0.04, "declined": 0.03,
    "login": 0.08, "charge": 0.02, "limit_set": 0.01, "balance_set": 0.005, "flag": 0.015,
    "flag_withdrawn": 0.004, "bill_corrected": 0.01,
}  # fmt: skip
START_US = 20_000 * DAY_US
MERCHANTS_OF_AN_ACCOUNT = 40


def last_of_kind(account: np.ndarray, kind: np.ndarray, wanted: int) -> np.ndarray:
    """The place of each account's last event of a kind before each of its events, -1 where there is none."""
    order = np.argsort(account, kind="stable")
    places = np.where(kind[order] == wanted, np.arange(len(order)), -1)
    last = np.maximum.accumulate(places)
    known = (last >= 0) & (account[order][last] == account[order])
    found = np.full(len(order), -1)
    found[order] = np.where(known, order[last], -1)
    return found


def simulated_batch(accounts: int, days: int, events_a_day: float, seed: int) -> EventBatch:
    """Events of accounts of differing activity, in time order.

    Every fourth account's times are whole hours: events at the same instant, and exactly on the windows' edges,
    are then many.
    """
    draws = np.random.default_rng(seed)
    count = int(accounts * days * events_a_day)
    activity = draws.gamma(3.0, size=accounts)
    account = draws.choice(accounts, size=count, p=activity / activity.sum())
    offset = draws.integers(0, days * DAY_US, count)
    offset = np.where(account % 4 == 0, offset // HOUR_US * HOUR_US, offset)
    order = np.argsort(offset, kind="stable")
    account, offset = account[order], offset[order]
    kind = draws.choice(len(KINDS), size=count, p=list(KIND_SHARES.values())).astype(np.uint8)
    for correction, corrected in (("flag_withdrawn", "flag"), ("bill_corrected", "bill")):
        earlier = last_of_kind(account, kind, KINDS.index(corrected))
        here = (kind == KINDS.index(correction)) & (earlier >= 0)
        offset = np.where(here, offset[earlier], offset)
    order = np.argsort(offset, kind="stable")
    account, offset, kind = account[order], offset[order], kind[order]
    is_bill = (kind == BILL) | (kind == BILL_CORRECTED)
    amount = np.exp(draws.normal(9.0, 1.2, count)).astype(np.int64) + 1
    amount = np.where(draws.uniform(size=count) < 0.1, (amount // 10_000 + 1) * 10_000, amount)
    amount = np.where(kind == KINDS.index("limit_set"), draws.integers(0, 20, count) * 50_000, amount)
    amount = np.where(is_bill & (draws.uniform(size=count) < 0.1), 0, amount)
    repaid = np.minimum(draws.uniform(0.0, 1.4, count), 1.0)
    late = draws.uniform(size=count) < 0.2
    of_account = (account + 1) * MERCHANTS_OF_AN_ACCOUNT

    def some(values: np.ndarray, missing: float) -> np.ndarray:
        return np.where(draws.uniform(size=count) < missing, 0, values).astype(np.int64)

    return EventBatch(
        account=account,
        ts_us=START_US + offset,
        kind=kind,
        amount_cents=amount,
        paid_cents=np.where(is_bill, (amount * repaid).astype(np.int64), 0),
        minimum_due_cents=np.where(draws.uniform(size=count) < 0.1, UNKNOWN_CENTS, amount // 10),
        days_past_due=np.where(late, draws.integers(1, 90, count), 0),
        merchant=some(of_account + draws.zipf(1.6, count) % MERCHANTS_OF_AN_ACCOUNT, 0.1),
        device=some(of_account + draws.integers(0, 4, count), 0.3),
        city=some(1 + draws.integers(0, 6, count), 0.2),
        event=np.arange(1, count + 1),
        night=offset // HOUR_US % 24 < 6,
    )
