"""What is live in the store decides in the engine: taken up while it runs, found again after a crash, rolled back."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from limitkeeper.app.life import champion_rolled_back, drafted
from limitkeeper.app.live import deciding
from limitkeeper.core.compliance.buckets import bucket_of
from limitkeeper.engines.embedded.engine import Engine
from limitkeeper.engines.embedded.requests import Request
from limitkeeper.engines.embedded.settings import Settings
from limitkeeper.engines.embedded.start import Decisive, Place, running_engine
from limitkeeper.shells.feeds.releases import releases_loop, shares_to_take_up
from limitkeeper.store.life_tables import releases
from limitkeeper.store.sql import Store
from tests.contract.test_life import KIM, SAM, TEXTS, act, approve, draft, put_live
from tests.live_engines import NOW_US, left_behind, life, sent, state_bytes
from tests.live_model import live_model

MODEL = live_model()


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    found = Store(store_url)
    yield found
    found.close()


def started(store_url: str, folder: Path, *, is_trial: bool = False) -> Engine:
    """An engine by what is live, as ``limitkeeper serve`` starts one."""
    named = "standard" if is_trial else None
    champion, *challengers = deciding(store_url, "CN", named, None, must_be_live=False, is_trial=is_trial)
    decisive = Decisive(champion.strategy, champion.model, is_trial=is_trial, challengers=tuple(challengers))
    return running_engine(Place(store_url, Settings(folder, 0.0), decisive), lambda: NOW_US)


def live(store: Store, strategy: str, buckets: int = 10_000) -> str:
    """The id of a release that passed every gate and is live for some buckets."""
    release_id = str(act(store, SAM, drafted, TEXTS[strategy], strategy, "CN", MODEL, None))
    approve(store, release_id)
    put_live(store, release_id, buckets)
    return release_id


def strategies(running: Engine, accounts: list[str]) -> set[str]:
    """By content, what decided the proposals of some accounts."""
    return {
        json.loads(row["trace"])["versions"]["strategy"]
        for row in left_behind(running.store)["proposals"]
        if row["account_id"] in accounts
    }


def halves(running: Engine, first: bool) -> None:
    """Let half of the simulated lives happen."""
    events, half = life().events, life().events.height // 2
    if first:
        running.submit(Request("accounts", life().accounts)).result()
    sent(running, events[:half] if first else events[half:])


def taken_up(running: Engine) -> None:
    releases_loop(running).work()


ACCOUNTS = life().accounts["account_id"].to_list()
CHALLENGED = [each for each in ACCOUNTS if bucket_of(each, "CN") >= 6_000]
OTHERS = [each for each in ACCOUNTS if each not in CHALLENGED]


def test_release_that_goes_live_decides_without_a_restart_and_its_share_is_its_own(
    store: Store, store_url: str, tmp_path: Path
) -> None:
    running = started(store_url, tmp_path)
    live(store, "standard")
    halves(running, True)
    before = strategies(running, ACCOUNTS)
    live(store, "cautious", 4_000)
    assert len(shares_to_take_up(running)) == 2
    taken_up(running)
    assert shares_to_take_up(running) == []
    champion, challenger = (arm.strategy.hash for arm in running.policies.arms)
    assert before == {champion}
    halves(running, False)
    assert strategies(running, OTHERS) == {champion}
    assert strategies(running, CHALLENGED) == {champion, challenger}
    running.stop()


def test_rollback_decides_at_once_as_the_champion_did_before(
    store: Store, store_url: str, tmp_path: Path
) -> None:
    live(store, "standard")
    running = started(store_url, tmp_path / "rolled")
    halves(running, True)
    state = state_bytes(running)
    live(store, "cautious")
    taken_up(running)
    assert [arm.strategy.name for arm in running.policies.arms] == ["cautious"]
    act(store, KIM, champion_rolled_back, "CN", "too many cuts")
    taken_up(running)
    assert [arm.strategy.name for arm in running.policies.arms] == ["standard"]
    assert state_bytes(running) == state
    halves(running, False)
    found = left_behind(running.store), state_bytes(running)
    running.stop()
    place = Place(f"sqlite:///{tmp_path}/whole.db", Settings(tmp_path / "whole", 0.0), Decisive(model=MODEL))
    undisturbed = running_engine(place, lambda: NOW_US)
    halves(undisturbed, True)
    halves(undisturbed, False)
    assert found == (left_behind(undisturbed.store), state_bytes(undisturbed))
    undisturbed.stop()


def test_crash_under_what_was_live_before_is_recovered_by_the_releases_of_the_store(
    store: Store, store_url: str, tmp_path: Path
) -> None:
    live(store, "standard")
    challenger = live(store, "cautious", 4_000)
    running = started(store_url, tmp_path)
    halves(running, True)
    running.close()  # no snapshot: all is in the journal
    put_live(store, challenger)
    again = started(store_url, tmp_path)
    assert [arm.strategy.name for arm in again.policies.arms] == ["cautious"]
    assert len(again.state) == len(ACCOUNTS)
    again.stop()


def test_release_that_live_events_cannot_feed_is_told_of_once_and_the_old_one_goes_on(
    store: Store, store_url: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    live(store, "standard")
    running = started(store_url, tmp_path)
    foreign = draft(store, "cautious")  # its model reads columns of the test's own
    approve(store, foreign)
    put_live(store, foreign)
    loop = releases_loop(running)
    loop.work()
    loop.work()
    assert [arm.strategy.name for arm in running.policies.arms] == ["standard"]
    assert shares_to_take_up(running) == [(foreign, range(0))]
    assert capfd.readouterr().out.count("release_not_taken_up") == 1
    running.stop()


def test_release_that_somebody_wrote_live_into_the_store_is_not_taken_up(
    store: Store, store_url: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    live(store, "standard")
    running = started(store_url, tmp_path)
    release_id = draft(store, "cautious")
    with store.database.begin() as connection:
        row = releases.c.release_id == release_id
        connection.execute(releases.update().where(row).values(state="live", bucket_from=1, buckets=9_000))
    releases_loop(running).work()
    assert [arm.strategy.name for arm in running.policies.arms] == ["standard"]
    assert "state is live, its acts lead to draft" in capfd.readouterr().out
    running.stop()


def test_trial_goes_on_whatever_goes_live(store: Store, store_url: str, tmp_path: Path) -> None:
    running = started(store_url, tmp_path, is_trial=True)
    live(store, "cautious")
    assert shares_to_take_up(running) == []
    running.stop()
