"""Rounds of work in a thread: they begin when told, go on after any failure, and end when told."""

import threading

import pytest

from limitkeeper.shells.feeds import loop as module
from limitkeeper.shells.feeds.loop import Loop, each_done
from limitkeeper.store.bell import Bell
from limitkeeper.store.database import StoreError


def test_round_comes_only_after_the_start() -> None:
    came = threading.Event()
    loop = Loop("late", lambda: came.set() or False, 0.0)
    assert not came.wait(0.05)
    loop.start()
    assert came.wait(10)
    loop.stop()


def test_loop_goes_on_after_a_round_that_failed_by_a_mistake_in_the_code(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "FAILURE_SECONDS", 0.01)
    rounds, third = [], threading.Event()

    def work() -> bool:
        rounds.append(None)
        if len(rounds) == 3:
            third.set()
        raise AttributeError("no such thing")

    loop = Loop("failing", work, 0.0)
    loop.start()
    assert third.wait(10)
    loop.stop()


@pytest.mark.parametrize(("error", "behind"), [(OverflowError("year 10000"), 2), (StoreError("taken"), 0)])
def test_stage_that_fails_holds_up_no_other_unless_the_store_is_away(error: Exception, behind: int) -> None:
    did: list[str] = []

    def fails() -> int:
        raise error

    stages = {
        "campaigns": fails,
        "notices": lambda: did.append("out") or 1,
        "changes": lambda: did.append("in") or 1,
    }
    with pytest.raises(type(error)):
        each_done(stages)
    assert len(did) == behind
    del stages["campaigns"]
    assert each_done(stages) == 2


def test_what_was_never_started_can_be_stopped_and_what_was_does_its_end() -> None:
    ended: list[str] = []
    loop = Loop("idle", lambda: False, 0.0, end=lambda: ended.append("end"))
    loop.stop()
    assert not ended, "nothing began, so nothing ends"
    loop = Loop("busy", lambda: False, 0.0, end=lambda: ended.append("end"))
    loop.start()
    loop.stop()
    assert ended == ["end"]


def test_round_waits_for_the_bell_and_one_that_was_rung_during_a_round_is_heard() -> None:
    bell, rounds, third = Bell(), list[int](), threading.Event()

    def work() -> bool:
        rounds.append(len(rounds))
        if len(rounds) == 2:
            bell.ring()
        if len(rounds) == 3:
            third.set()
        return False

    loop = Loop("listening", work, 0.0, bell=bell, silence_seconds=3_600.0)
    loop.start()
    assert not third.wait(0.05)
    assert rounds == [0]
    bell.ring()
    assert third.wait(10)
    loop.stop()
