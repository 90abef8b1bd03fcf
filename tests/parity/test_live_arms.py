"""Champion and challenger side by side decide as each would alone: the oracle of one engine is two others."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from limitkeeper.app.live import Arm
from limitkeeper.app.strategies import loaded_strategy, strategy_path
from limitkeeper.core.alerts.standing import (
    ALERT_FIELDS,
    ALERT_TRIGGERS,
    BARRED_RULES,
    FIRST_ALERT,
    FROZEN_RULE,
    HITS_KEPT,
    NO_SLOT,
    RULES,
)
from limitkeeper.core.compliance.buckets import BUCKETS, bucket_of
from limitkeeper.core.strategy.definition import Strategy
from limitkeeper.engines.embedded.engine import Engine
from limitkeeper.engines.embedded.portrait import looked_at
from limitkeeper.engines.embedded.requests import Request
from limitkeeper.engines.embedded.settings import Settings
from limitkeeper.engines.embedded.start import Decisive, Place, running_engine
from limitkeeper.store.database import StoreError
from tests.live_engines import NOW_US, left_behind, life, sent, state_bytes
from tests.live_model import live_model

MODEL = live_model()
CHAMPION, CHALLENGER = (loaded_strategy(strategy_path(name)) for name in ("standard", "cautious"))
SHARE = range(6_000, BUCKETS)
CHALLENGED = Arm(CHALLENGER, MODEL, SHARE)

Left = dict[str, list[dict[str, Any]]]


def engine_of(folder: Path, *challengers: Arm, strategy: Strategy = CHAMPION) -> Engine:
    place = Place(
        f"sqlite:///{folder}/store.db",
        Settings(folder, 0.0),
        Decisive(strategy, MODEL, challengers=challengers),
    )
    return running_engine(place, lambda: NOW_US)


def is_challenged(account_id: str) -> bool:
    return bucket_of(account_id, "CN") in SHARE


def of_accounts(left: Left, holds: Callable[[str], bool]) -> Left:
    return {
        name: [row for row in rows if holds(row["account_id"])]
        for name, rows in left.items()
        if name != "portfolio_alerts"  # which count accounts of every arm
    }


def lived(running: Engine, cuts: Sequence[int] = ()) -> None:
    running.submit(Request("accounts", life().accounts)).result()
    sent(running, life().events, cuts)
    running.submit(Request("tick", pl.DataFrame({"as_of_us": [NOW_US]}))).result()


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Left]:
    """What each leaves behind that decides alone."""
    found = {}
    for strategy in (CHAMPION, CHALLENGER):
        running = engine_of(tmp_path_factory.mktemp("alone"), strategy=strategy)
        lived(running)
        found[strategy.name] = left_behind(running.store)
        running.stop()
    return found


@settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.integers(0, 20_000), max_size=40))
def test_each_account_is_decided_as_by_its_own_arm_alone(
    alone: dict[str, Left], tmp_path_factory: pytest.TempPathFactory, cuts: list[int]
) -> None:
    running = engine_of(tmp_path_factory.mktemp("beside"), CHALLENGED)
    lived(running, [cut for cut in cuts if cut < life().events.height])
    found = left_behind(running.store)
    for strategy, holds in ((CHALLENGER, is_challenged), (CHAMPION, lambda each: not is_challenged(each))):
        expected = of_accounts(alone[strategy.name], holds)
        assert all(expected.values())
        assert of_accounts(found, holds) == expected
        assert {json.loads(row["trace"])["versions"]["strategy"] for row in expected["proposals"]} == {
            strategy.hash
        }
    running.stop()


def test_arms_differ_so_that_the_test_above_can_fail(alone: dict[str, Left]) -> None:
    one, other = (of_accounts(alone[each.name], is_challenged) for each in (CHAMPION, CHALLENGER))
    assert len(one["proposals"]) != len(other["proposals"])


def test_restart_with_challengers_gives_the_same_state_and_decides_the_rest_as_before(tmp_path: Path) -> None:
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    undisturbed = engine_of(whole, CHALLENGED)
    lived(undisturbed)
    half = life().events.height // 2
    for killed in (False, True):
        folder = cut / str(killed)
        first = engine_of(folder, CHALLENGED)
        first.submit(Request("accounts", life().accounts)).result()
        sent(first, life().events[:half])
        first.close() if killed else first.stop()
        second = engine_of(folder, CHALLENGED)
        sent(second, life().events[half:])
        second.submit(Request("tick", pl.DataFrame({"as_of_us": [NOW_US]}))).result()
        assert left_behind(second.store) == left_behind(undisturbed.store)
        assert state_bytes(second) == state_bytes(undisturbed)
        second.stop()
    undisturbed.stop()


def test_account_is_looked_at_and_asked_about_under_its_own_arm(tmp_path: Path) -> None:
    running = engine_of(tmp_path, CHALLENGED)
    running.submit(Request("accounts", life().accounts)).result()
    hashes = {CHAMPION.hash: 0, CHALLENGER.hash: 0}
    for account_id in life().accounts["account_id"]:
        expected = CHALLENGER.hash if is_challenged(account_id) else CHAMPION.hash
        look = looked_at(running, account_id, NOW_US)
        assert look is not None
        assert look["versions"]["strategy"] == expected
        hashes[expected] += 1
    assert all(hashes.values())
    running.stop()


def test_what_is_noted_of_an_account_follows_its_rules_when_its_arm_changes(tmp_path: Path) -> None:
    """A strategy's rules in another order: what is noted of an account must say the same of the same rules."""
    turned = replace(CHAMPION, rules=CHAMPION.rules[::-1])
    running = engine_of(tmp_path, Arm(turned, MODEL, SHARE))
    lived(running)
    before, state = noted(running), state_bytes(running)
    arms = running.policies.arms
    for others in ([Arm(turned, MODEL)], [Arm(turned, MODEL), Arm(CHAMPION, MODEL, range(3_000))], arms):
        running.submit(Request("policy", running.policies.with_arms(others))).result()
        assert noted(running) == before
    assert state_bytes(running) == state
    running.stop()


def test_another_strategy_takes_over_a_store_that_was_stopped_in_order(tmp_path: Path) -> None:
    first = engine_of(tmp_path, strategy=CHAMPION)
    lived(first)
    first.stop()
    second = engine_of(tmp_path, CHALLENGED, strategy=CHALLENGER)
    assert second.applied_sequence == first.applied_sequence + 1  # which says who decides from here on
    second.stop()
    third = engine_of(tmp_path, strategy=CHALLENGER)
    assert third.applied_sequence == second.applied_sequence + 1
    third.stop()


def test_journal_of_a_strategy_that_is_not_at_hand_is_refused_and_stays(tmp_path: Path) -> None:
    first = engine_of(tmp_path, strategy=CHAMPION)
    lived(first)
    first.close()
    with pytest.raises(StoreError, match="under another strategy"):
        engine_of(tmp_path, strategy=CHALLENGER)
    again = engine_of(tmp_path, strategy=CHAMPION)
    assert again.applied_sequence == first.applied_sequence
    again.stop()


def noted(running: Engine) -> dict[str, tuple[Any, ...]]:
    """Of each account the rules that hit, are barred, froze, or are in an alert, by their ids."""
    found = {}
    terms = running.policy.terms
    for shard in running.state.shards:
        for number, account_id in enumerate(shard.ids):
            slot = shard.standing.slots[number]
            if slot == NO_SLOT:
                continue
            rules = terms.rules[terms.arm_of(shard, number)].rules
            row = shard.standing.rows[slot].tolist()
            masks = (
                HITS_KEPT,
                BARRED_RULES,
                *(FIRST_ALERT + k * ALERT_FIELDS + RULES for k in range(ALERT_TRIGGERS)),
            )
            froze = rules[row[FROZEN_RULE]] if row[FROZEN_RULE] >= 0 else None
            found[account_id] = (
                *({rule for place, rule in enumerate(rules) if row[mask] >> place & 1} for mask in masks),
                froze,
            )
    return found
