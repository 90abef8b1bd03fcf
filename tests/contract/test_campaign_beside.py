"""Campaigns that one person puts forward side by side, on every store: counted together for the tier."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import polars as pl
import pytest
import sqlalchemy as sa

from limitkeeper.app.approval_policy import approval_policy
from limitkeeper.app.campaign_documents import proposal_document
from limitkeeper.app.campaign_rows import rows_taken
from limitkeeper.app.campaign_work import campaigns_worked
from limitkeeper.app.campaigns import Proposal, cancelled, proposed, split, standing_of
from limitkeeper.app.cases import case_acted, terms_in_force
from limitkeeper.app.decisions import effects
from limitkeeper.app.due_changes import effected_due
from limitkeeper.app.notice_policy import notice_policy
from limitkeeper.core.access.actors import COMMITTEE, STRATEGIST, SYSTEM, Actor
from limitkeeper.core.behaviour.events import DAY_US
from limitkeeper.store.case_tables import cases
from limitkeeper.store.sql import Store
from limitkeeper.store.work import work
from tests.mandated import mandated
from tests.simulated_accounts import campaign_rows
from tests.vaults import SEAL

NOW_US = 1_790_040_000_000_000
POLICY = approval_policy()
EFFECTS = effects(SEAL, notice_policy("CN"))
SUE, TOM = (Actor(name, frozenset({STRATEGIST})) for name in ("sue", "tom"))
# Of small limits, so that nothing but the number of accounts asks for a tier.
ALL = campaign_rows(2_600).with_columns(limit_before_cents=1_000, limit_after_cents=800)
RAISED = ALL.with_columns(limit_after_cents=1_200)


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    found = Store(store_url)
    found.take({})
    with work(found, SYSTEM, NOW_US) as w:
        mandated(w, ("ann", 2), ("bob", 2), ("m0", 3), ("m1", 3), ("m2", 3))
    yield found
    found.close()


def proposal(w: Any, frame: pl.DataFrame) -> Proposal:
    taken = rows_taken(frame, standing_of(w, frame["account_id"]), reasons=["product_change"])
    return Proposal("autumn", taken)


def propose(store: Store, frame: pl.DataFrame, by: Actor = SUE, now_us: int = NOW_US) -> str:
    with work(store, by, now_us) as w:
        return proposed(w, proposal(w, frame), POLICY)


def dry(store: Store, frame: pl.DataFrame, by: Actor = SUE, now_us: int = NOW_US) -> dict[str, Any]:
    with work(store, by, now_us) as w:
        return proposal_document(w, None, proposal(w, frame), POLICY)


def needs(store: Store, campaign_id: str) -> tuple[int, list[str]]:
    (row,) = store.rows(sa.select(cases).where(cases.c.case_id == campaign_id))
    return row["required_tier"], json.loads(row["tier_rules"])


def act(store: Store, campaign_id: str, *acts: str, now_us: int = NOW_US + 1) -> None:
    for each in acts:
        name, what = each.split()
        with work(store, Actor(name, frozenset({COMMITTEE})), now_us) as w:
            version = w.found(cases, campaign_id)["version"]
            case_acted(w, SEAL, campaign_id, version, what, terms_in_force(w, POLICY), EFFECTS, "said")


TEAMS, BESIDE = (2, ["campaign"]), (3, ["side_by_side"])


@pytest.mark.parametrize("ends", ["waits", "approved", "carried out"])
def test_campaign_that_was_split_by_hand_into_small_ones_comes_to_the_committee_where_the_whole_would(
    store: Store, ends: str
) -> None:
    first, second = (propose(store, part) for part in (ALL[:500], ALL[500:1_000]))
    assert needs(store, first) == needs(store, second) == TEAMS
    if ends != "waits":
        act(store, first, "ann claim", "ann approve")
        campaigns_worked(store, EFFECTS, lambda: NOW_US + 2)
    if ends == "carried out":
        effected_due(store, NOW_US + 10 * DAY_US, lambda _w, _notice: True)
    one = ALL[1_000:1_001]
    assert dry(store, one)["beside"] == {
        "campaigns": 2, "accounts": 1_001, "exposure_cents": 1_001_000, "with": sorted([first, second]),
    }  # fmt: skip
    with work(store, SUE, NOW_US) as w:
        third = proposal(w, one)
        campaign_id = proposed(w, third, POLICY)
        told, row = proposal_document(w, campaign_id, third, POLICY), w.found(cases, campaign_id)
    assert (told["required_tier"], told["tier_rules"], told["beside"]["accounts"]) == (*BESIDE, 1_001)
    # Its mandate is of what it does itself.
    assert (row["cut_cents"], row["exposure_cents"], json.loads(row["parties"])) == (200, 1_000, [])


def test_campaigns_of_others_and_of_before_and_those_the_other_way_and_of_the_committee_are_not_counted(
    store: Store,
) -> None:
    propose(store, ALL[:900])
    assert needs(store, propose(store, ALL[900:1_100], TOM)) == TEAMS
    assert needs(store, propose(store, RAISED[1_100:1_300])) == (2, ["raise", "campaign"])
    wide = propose(store, ALL[1_300:2_400])
    assert needs(store, wide) == (3, ["wide_campaign", "side_by_side"])
    assert needs(store, propose(store, ALL[2_400:2_500])) == TEAMS  # a thousand with the first
    assert needs(store, propose(store, ALL[2_500:2_501])) == BESIDE
    assert needs(store, propose(store, ALL[2_501:2_502], now_us=NOW_US + 31 * DAY_US)) == TEAMS


def test_campaign_that_led_to_nothing_is_not_counted_and_one_that_was_stopped_as_far_as_it_went(
    store: Store,
) -> None:
    first, second = (propose(store, part) for part in (ALL[:600], ALL[600:1_000]))
    with work(store, SUE, NOW_US) as w:
        cancelled(w, POLICY, first, "no")
    assert needs(store, propose(store, ALL[1_000:1_500])) == TEAMS
    act(store, second, "ann claim", "ann approve")
    campaigns_worked(store, EFFECTS, lambda: NOW_US + 2)
    effected_due(store, NOW_US + 10 * DAY_US, lambda _w, _notice: True)
    with work(store, Actor("bob", frozenset({COMMITTEE})), NOW_US + 11 * DAY_US) as w:
        cancelled(w, POLICY, second, "enough")
    campaigns_worked(store, EFFECTS, lambda: NOW_US + 11 * DAY_US)
    found = dry(store, ALL[1_500:1_700], now_us=NOW_US + 12 * DAY_US)
    assert (found["required_tier"], found["beside"]["accounts"]) == (3, 1_100)


def test_part_of_a_split_is_of_whoever_proposed_the_whole_whoever_split_it(store: Store) -> None:
    whole = propose(store, ALL[:900])
    with work(store, Actor("bob", frozenset({COMMITTEE})), NOW_US + 1) as w:
        parts = split(w, whole, pl.col("number") <= 300, POLICY)
    assert [needs(store, each) for each in parts] == [TEAMS, TEAMS]
    assert needs(store, propose(store, ALL[900:1_001], now_us=NOW_US + 2)) == BESIDE


def test_account_counts_once_and_what_is_put_forward_again_is_not_counted_twice(store: Store) -> None:
    whole = propose(store, ALL[:600])
    with work(store, SUE, NOW_US) as w:
        cancelled(w, POLICY, whole, "again, in pieces")
    first = propose(store, ALL[:300])
    again = dry(store, ALL[300:600])
    assert (again["required_tier"], again["beside"]) == (2, None)  # 600 in all
    assert needs(store, first) == TEAMS


@pytest.mark.parametrize("days", [0.0, 30.0])
def test_policy_says_for_how_long_campaigns_are_counted_together(store: Store, days: float) -> None:
    propose(store, ALL[:900])
    window = POLICY.parameters["campaign_window_days"]
    own = replace(POLICY, parameters=POLICY.parameters | {
        "campaign_window_days": replace(window, values=((window.values[0][0], days),))
    })  # fmt: skip
    with work(store, SUE, NOW_US) as w:
        found = proposal_document(w, None, proposal(w, ALL[900:1_100]), own)
    assert found["required_tier"] == (3 if days else 2)
