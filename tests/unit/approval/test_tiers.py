"""The shipped policy of tiers: each rule hits where it says and nowhere else; what cannot be read is told."""

import datetime as dt
from importlib.resources import files

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from limitkeeper.core.approval.tiers import required_tier, tier_rules_from_document
from limitkeeper.core.kernel.errors import PolicyError

DAY = dt.date(2026, 1, 1)
DOCUMENT = yaml.safe_load(files("limitkeeper.policy").joinpath("approval/tiers.yaml").read_text("utf-8"))
RULES = tier_rules_from_document(DOCUMENT)
SMALL = {"kind": "decision", "action": "decrease", "cut_cents": 10_000, "cut_share": 0.1, "exposure_cents": 100_000,
         "customer_total_cents": 100_000, "trigger": "declining_repayment_capacity"}  # fmt: skip

HITS = {
    "refused_automation": {"refused_automation": True},
    "balance_unknown": {"kind": "request", "balance_unknown": True},
    "freeze": {"action": "freeze"},
    "close": {"action": "close"},
    "large_share": {"cut_share": 0.31},
    "large_cut": {"cut_cents": 2_000_001},
    "model_unsure": {"model_uncertainty": 1.1},
    "raise": {"action": "restore", "cut_cents": -100},
    "thaw": {"kind": "restoration", "action": "thaw", "cut_cents": 0},
    "appeal": {"kind": "appeal", "trigger": "review", "action": "restore"},
    "suspected_violation_close": {"action": "close", "trigger": "suspected_violation"},
    "very_large_cut": {"cut_cents": 10_000_001},
    "large_customer": {"customer_total_cents": 30_000_001},
    "campaign": {"kind": "campaign"},
    "wide_campaign": {"kind": "campaign", "accounts": 1_001},
    "heavy_campaign": {"kind": "campaign", "exposure_cents": 1_000_000_001},
    "split_from": {"kind": "campaign", "split_from_tier": 3},
    "side_by_side": {"kind": "campaign", "beside_tier": 3},
}


def test_small_cut_is_the_systems_own() -> None:
    assert required_tier(SMALL, RULES, DAY) == (1, ())


def test_every_rule_has_a_case_that_hits_it() -> None:
    assert set(HITS) == set(DOCUMENT)


@pytest.mark.parametrize("name", HITS)
def test_rule_asks_for_its_tier(name: str) -> None:
    found = required_tier(SMALL | HITS[name], RULES, DAY)
    assert found.tier == DOCUMENT[name]["tier"]
    assert name in found.rules


@pytest.mark.parametrize("cut_cents", [-100, -20_000_000, -20_000_001, -(10**12)])
@pytest.mark.parametrize("kind", ["decision", "campaign", "restoration", "request"])
def test_no_limit_rises_by_the_system_alone_however_much(kind: str, cut_cents: int) -> None:
    facts = SMALL | {"kind": kind, "action": "restore", "cut_cents": cut_cents}
    assert required_tier(facts, RULES, DAY).tier >= 2


@pytest.mark.parametrize("trigger", ["facts", "clock"])
def test_appeal_that_facts_or_silence_settle_needs_no_person(trigger: str) -> None:
    facts = SMALL | {"kind": "appeal", "action": "restore", "cut_cents": -10_000, "trigger": trigger}
    assert required_tier(facts, RULES, DAY).tier == 1


@given(
    kind=st.sampled_from(["decision", "campaign", "restoration", "appeal"]),
    action=st.sampled_from(["decrease", "freeze", "close", "restore", "increase"]),
    cut_cents=st.integers(-(10**9), 10**9),
    trigger=st.sampled_from([None, "facts", "clock", "review", "improvement", "suspected_violation"]),
)
def test_who_refuses_automated_decisions_never_gets_one(
    kind: str, action: str, cut_cents: int, trigger: str | None
) -> None:
    facts = SMALL | {"kind": kind, "action": action, "cut_cents": cut_cents, "trigger": trigger}
    assert required_tier(facts | {"refused_automation": True}, RULES, DAY).tier >= 2


@pytest.mark.parametrize("action", ["decrease", "close"])
def test_own_request_to_lower_or_close_is_a_wish_and_needs_nobody(action: str) -> None:
    facts = SMALL | {"kind": "request", "action": action, "cut_cents": 10**9, "cut_share": 1.0,
                     "customer_total_cents": 10**9, "refused_automation": True}  # fmt: skip
    assert required_tier(facts, RULES, DAY).tier == 1


def test_rule_is_not_in_force_before_its_day() -> None:
    assert required_tier(SMALL | {"refused_automation": True}, RULES, dt.date(2021, 10, 31)).tier == 1


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"tier": 4}, "tier"),
        ({"where": {"cut_shar": {"at_least": 1}}}, "cut_share"),
        ({"where": {"cut_share": {"below": 1}}}, "at_least"),
        ({"from": "soon"}, "dates"),
        ({"more": 1}, "more"),
    ],
)
def test_rule_that_cannot_be_read_is_told(change: dict, told: str) -> None:
    with pytest.raises(PolicyError, match=told):
        tier_rules_from_document({"large_share": DOCUMENT["large_share"] | change})
