"""A campaign that cannot be worked off, on every store: it rests, and holds up no other."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import sqlalchemy as sa
from structlog.testing import capture_logs

from limitkeeper.app import campaign_work
from limitkeeper.app.approval_policy import approval_policy
from limitkeeper.app.campaign_rows import rows_taken
from limitkeeper.app.campaign_setbacks import REST_SECONDS, Setbacks
from limitkeeper.app.campaign_work import campaigns_worked
from limitkeeper.app.campaigns import Proposal, cancelled, proposed, standing_of
from limitkeeper.app.cases import case_acted, terms_in_force
from limitkeeper.app.customer_preferences import preferences_set
from limitkeeper.app.decisions import effects
from limitkeeper.app.notice_policy import notice_policy
from limitkeeper.core.access.actors import COMMITTEE, STRATEGIST, SYSTEM, Actor
from limitkeeper.shells.feeds.workflow import campaign_failed
from limitkeeper.store.campaign_tables import campaigns
from limitkeeper.store.case_tables import cases
from limitkeeper.store.database import StoreError
from limitkeeper.store.notice_tables import notices
from limitkeeper.store.sql import Store
from limitkeeper.store.work import work
from tests.mandated import mandated
from tests.simulated_accounts import campaign_rows
from tests.vaults import SEAL

NOW_US = 1_790_040_000_000_000
POLICY = approval_policy()
EFFECTS = effects(SEAL, notice_policy("CN"))
SUE, ANN, TOM = (Actor(name, frozenset({role})) for name, role in
                 (("sue", STRATEGIST), ("ann", COMMITTEE), ("tom", COMMITTEE)))  # fmt: skip


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    found = Store(store_url)
    found.take({})
    with work(found, SYSTEM, NOW_US) as w:
        mandated(w, ("ann", 2), ("tom", 2))
    yield found
    found.close()


def approved(store: Store, first: int, now_us: int) -> str:
    """A campaign on three accounts from a number on, approved."""
    frame = campaign_rows(9)[first : first + 3]
    with work(store, SUE, now_us) as w:
        taken = rows_taken(frame, standing_of(w, frame["account_id"]), reasons=["product_change"])
        campaign_id = proposed(w, Proposal("autumn", taken), POLICY)
    for version, act in ((1, "claim"), (2, "approve")):
        with work(store, ANN, now_us) as w:
            case_acted(w, SEAL, campaign_id, version, act, terms_in_force(w, POLICY), EFFECTS, "good")
    return campaign_id


def nobody_can_be_told(store: Store, first: int, language: str = "xx") -> None:
    with work(store, SYSTEM, NOW_US) as w:
        preferences_set(w, campaign_rows(9)["account_id"][first], {"language": language})


def state(store: Store, campaign_id: str) -> str:
    query = sa.select(campaigns.c.state).where(campaigns.c.campaign_id == campaign_id)
    return str(store.rows(query)[0]["state"])


def test_campaign_that_fails_rests_and_the_others_are_worked_off(store: Store) -> None:
    told: list[tuple[str, str, int, int]] = []

    def keep(row: Mapping[str, Any], error: Exception, failures: int, again_us: int) -> None:
        told.append((row["campaign_id"], type(error).__name__, failures, again_us))

    odd, other = (approved(store, first, NOW_US + first) for first in (0, 3))
    nobody_can_be_told(store, 0)
    setbacks = Setbacks(keep)

    def round_at(now_us: int) -> int:
        return campaigns_worked(store, EFFECTS, lambda: now_us, rounds=10, setbacks=setbacks)

    assert round_at(NOW_US + 10) == 3
    assert (state(store, odd), state(store, other)) == ("working", "planned")
    assert told == [(odd, "KeyError", 1, NOW_US + 10 + 5_000_000)]
    assert (round_at(NOW_US + 11), len(told), setbacks.count()) == (0, 1, 1)  # it rests
    now_us = NOW_US + 10
    for failures, rest in enumerate((*REST_SECONDS, REST_SECONDS[-1]), start=2):
        now_us += rest * 1_000_000
        assert round_at(now_us - 1) == round_at(now_us) == 0
        assert told[-1][2] == failures
    assert told[-1][3] == now_us + REST_SECONDS[-1] * 1_000_000
    nobody_can_be_told(store, 0, "en")
    assert round_at(told[-1][3]) == 3
    assert (state(store, odd), setbacks.count()) == ("planned", 0)


def test_campaign_that_fails_and_is_cancelled_is_undone_at_once(store: Store) -> None:
    odd = approved(store, 0, NOW_US)
    nobody_can_be_told(store, 0)
    setbacks = Setbacks()
    campaigns_worked(store, EFFECTS, lambda: NOW_US, rounds=10, setbacks=setbacks)
    with work(store, TOM, NOW_US + 1) as w:
        cancelled(w, POLICY, odd, "nobody can be told")
    campaigns_worked(store, EFFECTS, lambda: NOW_US + 2, rounds=10, setbacks=setbacks)
    assert (state(store, odd), setbacks.count()) == ("cancelled", 0)
    assert store.rows(sa.select(notices)) == []


def test_failure_is_raised_after_the_others_where_campaigns_are_worked_off_once(store: Store) -> None:
    odd, other = (approved(store, first, NOW_US + first) for first in (0, 3))
    nobody_can_be_told(store, 0)
    with pytest.raises(KeyError):
        campaigns_worked(store, EFFECTS, lambda: NOW_US + 10)
    assert (state(store, odd), state(store, other)) == ("working", "planned")


def test_store_that_is_away_is_no_campaigns_failure(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    approved(store, 0, NOW_US)

    def away(*_: object) -> int:
        raise StoreError("It is away.")

    monkeypatch.setattr(campaign_work, "_planned", away)
    setbacks = Setbacks()
    with pytest.raises(StoreError):
        campaigns_worked(store, EFFECTS, lambda: NOW_US, rounds=10, setbacks=setbacks)
    assert setbacks.count() == 0
    (row,) = store.rows(sa.select(cases.c.state))
    assert row["state"] == "approved"


def test_log_tells_which_campaign_failed_and_when_it_is_tried_again() -> None:
    with capture_logs() as told:
        campaign_failed({"campaign_id": "c", "state": "working"}, KeyError("account 7"), 2, NOW_US)
    assert told == [{
        "event": "campaign_failed", "log_level": "warning", "campaign": "c", "state": "working", "failures": 2,
        "problem": told[0]["problem"], "again_at": "2026-09-22T01:20:00+00:00",
    }]  # fmt: skip
    assert "account 7" not in told[0]["problem"]
