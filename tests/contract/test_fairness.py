"""Fairness of what a store holds, on every store: a campaign's items, and what took effect in a period."""

from collections.abc import Iterator

import polars as pl
import pytest

from limitkeeper.app.approval_policy import approval_policy
from limitkeeper.app.campaign_rows import rows_taken
from limitkeeper.app.campaigns import Proposal, proposed, standing_of
from limitkeeper.app.fairness import decided_fairness
from limitkeeper.app.fairness_store import campaign_decided, period_decided
from limitkeeper.app.policy import screens_in_force
from limitkeeper.core.access.actors import STRATEGIST, SYSTEM, Actor
from limitkeeper.core.compliance.screens import FAILED
from limitkeeper.core.kernel.errors import InputError
from limitkeeper.store.limit_tables import limit_entries
from limitkeeper.store.sql import Store
from limitkeeper.store.work import work
from tests.fairness_rows import DAY_US, POLICY_DAY, entry_rows, hitting_campaign, people

START_US = 1_790_000_000_000_000


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    found = Store(store_url)
    found.take({})
    yield found
    found.close()


def test_campaign_that_cuts_one_group_fails_the_screen(store: Store) -> None:
    with work(store, Actor("sue", frozenset({STRATEGIST})), START_US) as w:
        rows = hitting_campaign()
        taken = rows_taken(rows, standing_of(w, rows["account_id"]), reasons=["product_change"])
        campaign_id = proposed(w, Proposal("autumn", taken, 0), approval_policy())
    decided = campaign_decided(store, campaign_id)
    assert decided.height == 100
    report = decided_fairness(
        "campaign",
        {"name": campaign_id},
        decided,
        people(),
        ["sex"],
        screens_in_force(POLICY_DAY),
        outcome="defaulted",
    )
    found = {each["screen"]: each["status"] for each in report["findings"]}
    assert found["adverse_impact_ratio"] == FAILED
    assert report["accounts"] == 600
    assert report["touched"] == 100
    assert report["notes"][0] == {"code": "campaign_joined", "accounts": 600, "unknown": 0}
    with pytest.raises(InputError, match="no such campaign"):
        campaign_decided(store, "another")


def test_period_counts_what_the_lender_took_within_it_and_nothing_else(store: Store) -> None:
    with work(store, SYSTEM, START_US) as w:
        w.add(limit_entries, *entry_rows(START_US))
    found = period_decided(store, START_US + 10 * DAY_US, START_US + 20 * DAY_US)
    rows = {row["account_id"]: row for row in found.iter_rows(named=True)}
    told = {name: (row["touched"], round(row["cut_share"], 4)) for name, row in rows.items()}
    assert told == {
        "opened": (False, 0.0),
        "cut": (True, 0.25),  # a quarter of what the line was at the start, after an earlier cut
        "asked": (False, 0.0),
        "frozen": (True, 0.0),
        "cut_before": (False, 0.0),
        "closed": (True, 1.0),  # the line that was closed before the period was open to nothing in it
        "planned": (False, 0.0),
    }
    with pytest.raises(InputError, match="period is empty"):
        period_decided(store, START_US, START_US)
    with pytest.raises(InputError, match="no line that was open"):
        period_decided(store, 0, 1)


def test_account_that_the_file_of_attributes_does_not_know_is_told() -> None:
    decided = pl.DataFrame(
        {"account_id": ["p0", "stranger"], "touched": [True, True], "cut_share": [0.5, 0.5]}
    )
    policy = screens_in_force(POLICY_DAY)
    report = decided_fairness("period", {"name": "x"}, decided, people(), ["sex"], policy)
    assert report["notes"][0] == {"code": "period_joined", "accounts": 600, "unknown": 1}
    with pytest.raises(InputError, match="knows none"):
        decided_fairness("period", {"name": "x"}, decided.tail(1), people(), ["sex"], policy)
    with pytest.raises(InputError, match="no column 'gender'"):
        decided_fairness("period", {"name": "x"}, decided, people(), ["gender"], policy)
