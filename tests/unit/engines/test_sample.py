"""The sample of the accounts: what it says of each is what a decision would say, and nothing is changed by looking."""

import threading
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from limitkeeper.connectors.events import id_hashes
from limitkeeper.core.behaviour.features import FEATURE_NAMES
from limitkeeper.core.value.economics import VALUE_NAMES
from limitkeeper.engines.embedded import sample
from limitkeeper.engines.embedded.engine import Engine
from limitkeeper.engines.embedded.portrait import looked_at
from limitkeeper.engines.embedded.requests import BusyError, Request
from limitkeeper.engines.embedded.sample import (
    COMPARED,
    Members,
    Sampler,
    Slice,
    joined,
    members_of,
    peers_of,
    portfolio_document,
    seen,
)
from tests.live_engines import NOW_US, lived_engine, state_bytes
from tests.live_model import live_model


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with lived_engine(tmp_path_factory.mktemp("sample"), live_model()) as found:
        yield found


def whole(running: Engine) -> list[tuple[list[str], Slice]]:
    """Each shard's accounts, and what is seen of them."""
    found = []
    for place, shard in enumerate(running.state.shards):
        look = seen(place, np.arange(len(shard.ids)))
        found.append((shard.ids, running.submit(Request("read", look)).result()))
    return found


def test_sample_says_of_each_account_what_a_decision_on_it_would(running: Engine) -> None:
    compared = 0
    for ids, part in whole(running):
        for row, account_id in enumerate(ids):
            trace = looked_at(running, account_id, NOW_US)
            assert trace is not None
            assert trace["score"]["pd"] == pytest.approx(part.pd[row], nan_ok=True)
            for name in ("ead_cents", "expected_loss_cents", "economic_profit_cents"):
                told = trace["value"]["before"][name]
                found = part.values[VALUE_NAMES.index(name), row]
                assert np.isnan(found) if told is None else told == pytest.approx(found)
                compared += told is not None
    assert compared > 100


def test_looking_at_the_sample_changes_nothing(running: Engine) -> None:
    before = state_bytes(running)
    sample = Sampler(running).sample()
    assert state_bytes(running) == before
    assert sample.portfolio["accounts"] == sample.portfolio["sampled_accounts"] == len(running.state)
    assert sample.as_of_us == NOW_US


def test_portfolio_is_the_sum_over_its_accounts(running: Engine) -> None:
    portfolio = Sampler(running).sample().portfolio
    values = joined([part for _, part in whole(running)]).values
    for name in ("ead_cents", "expected_loss_cents", "economic_profit_cents"):
        assert portfolio[name] == round(float(np.nansum(values[VALUE_NAMES.index(name)])))
    grid = portfolio["grid"]
    in_cells = sum(map(sum, grid["accounts"]))
    assert in_cells + grid["unknown_accounts"] == portfolio["accounts"]
    assert in_cells > 10
    assert 0 < sum(map(sum, grid["ead_cents"])) <= portfolio["ead_cents"] + 36


def test_smaller_sample_is_scaled_up_and_says_how_many_it_is_of(running: Engine) -> None:
    of_all, of_some = (Sampler(running, size).sample().portfolio for size in (1_000, 30))
    assert (of_some["accounts"], of_some["sampled_accounts"]) == (of_all["accounts"], 30)
    assert of_some["ead_cents"] == pytest.approx(of_all["ead_cents"], rel=0.5)
    assert of_some == Sampler(running, 30).sample().portfolio


def test_without_a_model_what_needs_a_pd_is_null_and_says_so(running: Engine) -> None:
    part = whole(running)[0][1]
    values = part.values.copy()
    values[
        [VALUE_NAMES.index(name) for name in VALUE_NAMES if name not in ("ead_cents", "revenue_cents")]
    ] = np.nan
    blind = part._replace(pd=np.full_like(part.pd, np.nan), values=values)
    found = portfolio_document(blind, 100, running.policy.terms.watch.policy.terms, has_model=False)
    assert found["ead_cents"] > 0
    assert found["missing"]["code"] == "no_model"
    assert [found[name] for name in ("raroc", "grid", "expected_loss_cents", "economic_profit_cents")] == [
        None
    ] * 4


def test_quantiles_of_peers_are_of_their_product_alone() -> None:
    features = np.full((4, len(FEATURE_NAMES)), np.nan)
    features[:, FEATURE_NAMES.index("utilisation")] = [0.1, 0.2, 0.3, 0.9]
    products = np.array([0, 0, 0, 1], np.uint8)
    peers = peers_of(Slice(features, np.zeros(4), products, np.zeros((6, 4))))
    assert (peers[0][0], peers[1][0]) == (3, 1)
    place = COMPARED.index("utilisation")
    assert peers[0][1][place].tolist() == pytest.approx([0.12, 0.15, 0.2, 0.25, 0.28])
    assert peers[1][1][place].tolist() == [0.9] * 5
    assert np.isnan(peers[0][1][COMPARED.index("balance_cents")]).all()


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 40), min_size=1, max_size=5), st.integers(1, 30))
def test_who_is_in_the_sample_does_not_depend_on_when_it_was_asked_for(steps: list[int], size: int) -> None:
    ids = [[f"{shard}-{k}" for k in range(sum(steps))] for shard in range(2)]
    grown, at_once = [Members(size), Members(size)], [Members(size), Members(size)]
    for until in np.cumsum(steps).tolist():
        for part, own in zip(grown, ids, strict=True):
            part.grow(own[:until])
    for part, own in zip(at_once, ids, strict=True):
        part.grow(own)
    found = [part.tolist() for part in members_of(grown, size)]
    assert found == [part.tolist() for part in members_of(at_once, size)]
    hashes = sorted(id_hashes([*ids[0], *ids[1]]).view(np.uint64).tolist())
    chosen = [ids[shard][number] for shard, part in enumerate(found) for number in part]
    assert sorted(id_hashes(chosen).view(np.uint64).tolist() if chosen else []) == hashes[:size]


def test_engine_without_a_turn_is_busy_and_no_failure(
    running: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sample, "ANSWER_SECONDS", 0.01)
    over = threading.Event()
    answer = running.submit(Request("read", lambda _: over.wait()))
    try:
        with pytest.raises(BusyError, match="no turn"):
            Sampler(running).sample()
    finally:
        over.set()
        answer.result()
