"""A draft tried on the accounts as they stand: what it tells, and that nothing comes of it."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import yaml

from limitkeeper.app.strategies import strategy_from_text, strategy_path
from limitkeeper.core.strategy.actions import Action
from limitkeeper.core.strategy.definition import Strategy
from limitkeeper.core.value.economics import VALUE_NAMES
from limitkeeper.engines.embedded.draft_trial import (
    EXAMPLES_MAX,
    KEPT_SECONDS,
    TRIAL_SECONDS,
    DraftTrials,
    Side,
    TrialError,
    value_document,
)
from limitkeeper.engines.embedded.engine import Engine
from limitkeeper.engines.embedded.requests import BusyError
from limitkeeper.engines.embedded.sample import Sampler
from tests.live_engines import NOW_US, left_behind, lived_engine, state_bytes
from tests.live_model import live_model

STANDARD, CAUTIOUS = (strategy_path(name).read_text(encoding="utf-8") for name in ("standard", "cautious"))


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with lived_engine(tmp_path_factory.mktemp("trials"), live_model()) as found:
        yield found


def drafted(text: str = STANDARD, *changes: tuple[str, str]) -> Strategy:
    """The strategy of a text, changed."""
    for before, after in (('version: "2026-11"', 'version: "tried"'), *changes):
        assert before in text
        text = text.replace(before, after)
    return strategy_from_text(text, "draft")


def tried(running: Engine, strategy: Strategy) -> dict[str, Any]:
    return DraftTrials(running, Sampler(running)).tried(strategy, live_model(), "CN")


def test_draft_that_says_the_same_does_the_same_to_every_account(running: Engine) -> None:
    found = tried(running, drafted())
    names = ("actions", "rules", "value", "model_hash")
    assert [found["now"][name] for name in names] == [found["draft"][name] for name in names]
    assert found["now"]["hash"] != found["draft"]["hash"]
    assert (found["differing"], found["differing_limits"], found["pairs"], found["examples"]) == (
        0,
        0,
        [],
        [],
    )
    assert found["accounts"] == found["sampled_accounts"] == sum(found["now"]["actions"].values()) == 60
    assert sum(each["hits"] for each in found["now"]["rules"].values()) > 0
    assert found["now"]["value"]["before"]["economic_profit_cents"] is not None


def test_what_decides_is_told_as_the_engine_sees_its_accounts(running: Engine) -> None:
    found, effects = tried(running, drafted(CAUTIOUS)), np.zeros(len(Action), np.int64)
    watch = running.policy.terms.watch
    for place, shard in enumerate(running.state.shards):
        _, seen = shard.seen(np.arange(len(shard.ids)), NOW_US, watch, running.state.web.relations_of(place))
        effects += np.bincount(seen.assessment.proposals.effects, minlength=len(Action))
    assert found["now"]["actions"] == {action.code: effects[action] for action in Action}


def test_draft_is_told_beside_what_decides_with_the_accounts_that_differ(running: Engine) -> None:
    found = tried(running, drafted(CAUTIOUS))
    assert found["differing"] == sum(pair["accounts"] for pair in found["pairs"]) > 0
    assert all(pair["now"] != pair["draft"] for pair in found["pairs"])
    examples, differing = found["examples"], found["differing"]
    assert len(examples) == min(differing + found["differing_limits"], EXAMPLES_MAX)
    assert len({each["account_id"] for each in examples}) == len(examples)
    for each in examples[:differing]:
        assert each["now"]["action"] != each["draft"]["action"]
    for each in examples[differing:]:
        assert each["now"]["limit_after_cents"] != each["draft"]["limit_after_cents"]
    for side in ("now", "draft"):
        change = found[side]["value"]
        before, after = change["before"], change["after"]
        assert change["exposure_cut_cents"] == before["ead_cents"] - after["ead_cents"]
        assert change["limit_cut_cents"] == before["limit_cents"] - after["limit_cents"]
        decided = sum(each["decided"] for each in found[side]["rules"].values())
        assert decided >= found["sampled_accounts"] - found[side]["actions"]["none"]


def test_accounts_of_the_same_action_whose_limit_differs_are_named_where_no_action_does(
    running: Engine,
) -> None:
    steps = (
        ("moderate: {share: 0.25", "moderate: {share: 0.35"),
        ("severe: {share: 0.50", "severe: {share: 0.60"),
    )
    found = tried(running, drafted(STANDARD, ("mild: {share: 0.10", "mild: {share: 0.20"), *steps))
    assert (found["differing"], found["pairs"]) == (0, [])
    assert len(found["examples"]) == min(found["differing_limits"], EXAMPLES_MAX) > 0
    for each in found["examples"]:
        assert each["now"]["action"] == each["draft"]["action"]
        assert each["now"]["limit_after_cents"] != each["draft"]["limit_after_cents"]


def test_draft_keeps_the_past_of_rules_by_their_id_however_it_orders_them(running: Engine) -> None:
    document = drafted().document
    turned = dict(document) | {"rules": document["rules"][::-1], "version": "turned"}
    found = tried(running, strategy_from_text(yaml.safe_dump(turned, allow_unicode=True), "draft"))
    assert found["now"]["rules"] == found["draft"]["rules"]
    assert found["differing"] == 0


def test_trying_a_draft_changes_nothing_and_proposes_nothing(running: Engine) -> None:
    before = state_bytes(running), left_behind(running.store), running.sequence
    tried(running, drafted(CAUTIOUS))
    assert (state_bytes(running), left_behind(running.store), running.sequence) == before


def test_without_a_model_exposures_are_told_and_values_are_not(running: Engine) -> None:
    found = DraftTrials(running, Sampler(running)).tried(drafted(), None, "CN")["draft"]
    assert (found["model_hash"], found["value"]["accounts"]) == (None, 0)
    assert found["value"]["before"]["ead_cents"] > 0
    assert found["value"]["before"]["raroc"] is found["value"]["after"]["economic_profit_cents"] is None
    assert all(each["hits"] == 0 for name, each in found["rules"].items() if name == "long_arrears")


def test_without_a_model_an_account_in_default_does_not_stand_for_all(running: Engine) -> None:
    values = np.full((len(VALUE_NAMES), 2), np.nan)
    values[VALUE_NAMES.index("ead_cents")] = [100.0, 900.0]
    values[:, 0] = 100.0
    masks, limits = np.zeros(2, np.int64), np.array([1_000, 1_000])
    side = Side(
        limits.astype(float), values, values, masks, masks.astype(np.int16), masks.astype(np.uint8), limits
    )
    terms = running.policy.terms.watch.policy.terms
    found = value_document(side, terms, has_model=False)
    assert (found["accounts"], found["before"]["ead_cents"], found["limit_cut_cents"]) == (0, 1_000, 0)
    assert found["before"]["expected_loss_cents"] is found["after"]["raroc"] is None
    known = value_document(side, terms, has_model=True)
    assert (known["accounts"], known["before"]["ead_cents"]) == (1, 100)


def test_one_is_tried_at_a_time_and_what_came_of_it_is_told_again_for_some_minutes(running: Engine) -> None:
    seconds = [0.0]
    trials = DraftTrials(running, Sampler(running), lambda: seconds[0])
    first = trials.tried(drafted(), live_model(), "CN")
    with trials.turn:
        assert trials.tried(drafted(), live_model(), "CN") is first
        with pytest.raises(BusyError, match="Another draft"):
            trials.tried(drafted(CAUTIOUS), live_model(), "CN")
    seconds[0] = KEPT_SECONDS
    assert trials.tried(drafted(), live_model(), "CN") is not first


def test_draft_that_takes_too_long_is_given_up(running: Engine) -> None:
    ticks = iter(np.arange(1_000) * (TRIAL_SECONDS / 2 + 1))
    trials = DraftTrials(running, Sampler(running), lambda: float(next(ticks)))
    with pytest.raises(TrialError, match="too long"):
        trials.tried(drafted(), live_model(), "CN")
    assert not trials.turn.locked()


def test_draft_that_reads_columns_of_ones_own_says_which(running: Engine) -> None:
    own = (
        "rules:",
        "inputs:\n  bureau_score: {unit: points, description: Bureau score, description_zh: 征信评分}\nrules:",
    )
    text = drafted(STANDARD, own, ("utilisation >=", "bureau_score >= 1 and utilisation >="))
    with pytest.raises(TrialError, match="columns of your own") as refused:
        tried(running, text)
    assert refused.value.value == "bureau_score"
