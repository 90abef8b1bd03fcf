"""People of two sexes, a campaign that cuts one of them, and a ledger of a few lines, for tests of fairness."""

import datetime as dt
from typing import Any

import polars as pl

POLICY_DAY = dt.date(2026, 11, 1)
DAY_US = 86_400_000_000


def people() -> pl.DataFrame:
    """600 accounts, every second one a woman's; of every fifth it is known that it defaulted."""
    return pl.DataFrame({
        "account_id": [f"p{k}" for k in range(600)],
        "sex": ["female" if k % 2 else "male" for k in range(600)],
        "defaulted": [k % 5 == 0 for k in range(600)],
    })  # fmt: skip


def hitting_campaign() -> pl.DataFrame:
    """A campaign that cuts the lines of a hundred women."""
    return pl.DataFrame({
        "account_id": [f"p{2 * k + 1}" for k in range(100)],
        "limit_before_cents": [100_000] * 100,
        "limit_after_cents": [60_000] * 100,
    })  # fmt: skip


def entry(
    account: str, number: int, action: str, delta_cents: int, effective_us: int, **other: Any
) -> dict[str, Any]:
    """An entry of the ledger that is in effect."""
    row = {
        "entry_id": f"{account}-{number}", "account_id": account, "number": number, "action": action,
        "state": "effective", "target_cents": None, "delta_cents": delta_cents, "planned_us": effective_us,
        "look_us": None, "effective_us": effective_us, "until_us": None, "wait_us": None, "is_assessed": True,
        "by_request": False, "reverses": None, "case_id": None, "decision_id": None, "notice_id": None, "why": "",
        "cancelled_why": None, "maker_id": "system", "made_us": effective_us, "bank_state": "none",
        "bank_detail": None, "version": 1,
    }  # fmt: skip
    return row | other


def entry_rows(start_us: int) -> list[dict[str, Any]]:
    """Lines of which each tells of one way to be touched, or not, from the tenth to the twentieth day."""
    before, within, after = (start_us + days * DAY_US for days in (5, 15, 25))
    accounts = ("cut", "asked", "frozen", "cut_before", "closed", "planned", "closed_before")
    opened = [entry(account, 1, "open", 100_000, start_us) for account in accounts]
    return [
        *opened,
        entry("opened", 1, "open", 50_000, within),
        entry("cut", 2, "decrease", -20_000, before),
        entry("cut", 3, "decrease", -20_000, within),
        entry("cut", 4, "decrease", -10_000, after),
        entry("asked", 2, "decrease", -50_000, within, by_request=True),
        entry("frozen", 2, "freeze", 0, within),
        entry("cut_before", 2, "decrease", -20_000, before),
        entry("closed", 2, "close", -100_000, within),
        entry("closed_before", 2, "close", -100_000, before),
        entry("planned", 2, "decrease", 0, within, state="planned"),
    ]
