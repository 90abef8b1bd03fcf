"""Turns come in order, also to who waits while another works through a long list."""

import threading
import time

from limitkeeper.store.turns import Turns


def test_who_waits_comes_before_who_asks_again_at_once() -> None:
    turns, order = Turns(), []
    assert turns.taken(1.0)

    def wait() -> None:
        assert turns.taken(10.0)
        order.append("waited")
        turns.give_back()

    waiting = threading.Thread(target=wait)
    waiting.start()
    while not turns._waiting:
        time.sleep(0.001)
    turns.give_back()
    assert turns.taken(10.0)
    order.append("asked again")
    turns.give_back()
    waiting.join()
    assert order == ["waited", "asked again"]


def test_one_who_gave_up_waiting_holds_up_nobody() -> None:
    turns = Turns()
    assert turns.taken(1.0)
    assert not turns.taken(0.01)
    turns.give_back()
    assert turns.taken(0.01)
    turns.give_back()


def test_many_threads_never_have_a_turn_at_once() -> None:
    turns, inside, most = Turns(), [0], [0]

    def often() -> None:
        for _ in range(200):
            assert turns.taken(30.0)
            inside[0] += 1
            most[0] = max(most[0], inside[0])
            inside[0] -= 1
            turns.give_back()

    threads = [threading.Thread(target=often) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert most == [1]
    assert turns.taken(0.01)
