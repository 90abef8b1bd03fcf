"""Rings in blocks: where they lie changes nothing, and they do not take more than they need."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from limitkeeper.core.behaviour.blocks import CAPACITIES, NO_BLOCK, order_of
from limitkeeper.core.behaviour.events import EventBatch
from limitkeeper.core.behaviour.ring import ACCOUNT_FIELDS, BILLS_LEAST, BILLS_MAX, CUSTOMER, RING_EVENTS_MAX
from limitkeeper.core.behaviour.state import Behaviour
from tests.behaviour_events import batch
from tests.oracle_of_features import DAY, Event

NOW = 20_000 * DAY


def test_sizes_of_block_take_the_largest_ring_with_room_and_bills_whole() -> None:
    assert int(CAPACITIES[-1]) * 15 >= RING_EVENTS_MAX * 16
    assert {BILLS_LEAST, 2 * BILLS_LEAST, BILLS_MAX} <= set(CAPACITIES.tolist())
    for count in (1, 4, 5, 40, 41, RING_EVENTS_MAX):
        capacity = int(CAPACITIES[order_of(count)])
        assert count <= capacity < count * 9 / 8 + 4


def crowd(accounts: int, events: int) -> list[Event]:
    """Events of accounts in turn, their ids, amounts and order of time drawn; one in ten comes late, one in ten twice."""
    draws = np.random.default_rng(5)
    found = []
    for number in range(events):
        late = draws.integers(1, 20) * DAY if draws.random() < 0.1 else 0
        for owner in range(accounts):
            shop = int(draws.integers(1, 9)) << int(
                draws.choice([0, 40])
            )  # alike in their low halves, or their high
            kind = str(draws.choice(["purchase", "repayment", "login", "bill"]))
            again = draws.random() < 0.1
            event_id = (number - int(again)) * accounts + owner + 1
            amount = int(draws.integers(1, 50_000))
            found.append(
                Event(
                    owner,
                    NOW + number * DAY - late,
                    kind,
                    amount,
                    id=event_id,
                    merchant=shop,
                    device=shop % 3,
                )
            )
    return found


def test_ring_among_many_that_are_laid_side_by_side_is_as_the_ring_alone() -> None:
    accounts, events = 300, 120
    together, arenas = Behaviour(), set()
    together.add_accounts(accounts)
    happened = crowd(accounts, events)
    features = []
    for first in range(0, len(happened), 1_000):
        found, _ = together.apply(batch(happened[first : first + 1_000]))
        features.append(found)
        arenas.add(int(together.arrays()["widths"][0]))
        if first == 15_000:  # a state that was kept goes on as it would have
            together = Behaviour.from_arrays(together.arrays())
    assert len(arenas) > 2  # the arena was renewed more than once
    whole = np.concatenate(features)
    for owner in range(0, accounts, 29):
        alone = Behaviour()
        alone.add_accounts(1)
        own = [replace(each, account=0) for each in happened if each.account == owner]
        found, _ = alone.apply(batch(own))
        assert found.tobytes() == whole[owner::accounts].tobytes()
        assert comparable(alone.ring_bytes(0), owner=0) == comparable(together.ring_bytes(owner), owner=owner)


def comparable(ring: bytes, *, owner: int) -> bytes:
    """A ring's bytes without the number of its customer."""
    words = np.frombuffer(ring[: 8 * (2 + ACCOUNT_FIELDS)], np.int64).copy()
    assert words[2 + CUSTOMER] == owner
    words[2 + CUSTOMER] = 0
    return words.tobytes() + ring[words.nbytes :]


def test_state_that_was_kept_has_the_bytes_of_one_that_went_on() -> None:
    happened = crowd(200, 100)
    one, other = Behaviour(), Behaviour()
    for each in (one, other):
        each.add_accounts(200)
    for first in range(0, len(happened), 2_000):
        one.apply(batch(happened[first : first + 2_000]))
        other = Behaviour.from_arrays({name: array.copy() for name, array in other.arrays().items()})
        for event in range(first, first + 2_000, 500):
            other.apply(batch(happened[event : event + 500]))
    left, right = one.arrays(), other.arrays()
    assert {name: array.tobytes() for name, array in left.items()} == {
        name: array.tobytes() for name, array in right.items()
    }


def as_kept_before(arrays: Mapping[str, NDArray[Any]], newest_us: int) -> dict[str, NDArray[Any]]:
    """A state's arrays in format 2, whose times all have the upper 16 bits of the newest."""
    low, tops, amount_tops = arrays["events"].astype(np.int64), arrays["links"][-1], arrays["marks"][1]
    events = low | np.stack([tops, amount_tops]).astype(np.int64) << 32
    events[0] |= newest_us >> 48 << 48
    bills, free = arrays["bills"].copy(), arrays["free"].copy()
    for arena, firsts in ((events, free[0]), (bills, free[1])):
        for first in firsts.tolist():
            at = first
            while at != NO_BLOCK:
                following = int(low[0, at] if arena is events else bills[0, at])
                arena[0, at] = -1 if following == NO_BLOCK else following
                at = following
    free[free == NO_BLOCK] = -1
    marks, links = arrays["marks"][0], arrays["links"][:-1]
    kept = {"events": events, "bills": bills, "free": free, "marks": marks, "links": links}
    return {**arrays, **kept, "format": np.array([2])}


def test_state_of_the_format_before_goes_on_with_the_same_bits() -> None:
    happened = [replace(each, amount=each.amount * 10**7) for each in crowd(200, 100)]
    now = Behaviour()
    now.add_accounts(200)
    now.apply(batch(happened[:12_000]))
    arrays = now.arrays()
    assert (arrays["free"][0] != NO_BLOCK).any()
    assert (arrays["free"][1] != NO_BLOCK).any()
    before = Behaviour.from_arrays(as_kept_before(arrays, happened[0].ts))
    assert [before.ring_bytes(k) for k in range(200)] == [now.ring_bytes(k) for k in range(200)]
    for first in range(12_000, len(happened), 2_000):
        found, expected = (each.apply(batch(happened[first : first + 2_000]))[0] for each in (before, now))
        assert found.tobytes() == expected.tobytes()
    assert [before.ring_bytes(k) for k in range(200)] == [now.ring_bytes(k) for k in range(200)]


def test_forty_live_events_take_less_than_two_kilobytes_whatever_was_left_behind() -> None:
    accounts, draws = 10_000, np.random.default_rng(3)
    behaviour = Behaviour()
    behaviour.add_accounts(accounts)
    one = np.ones(accounts, np.int64)
    for number in range(40):
        # Every account one event on average: they outgrow their blocks one after another, as in life.
        owners, times = draws.integers(0, accounts, accounts), one * (NOW + number * DAY)
        ids = np.arange(accounts) + number * accounts + 1
        kinds, night = np.zeros(accounts, np.uint8), np.zeros(accounts, np.bool_)
        behaviour.apply(EventBatch(owners, times, kinds, 100 * one, one, one, one, one, one, one, ids, night))
        arrays = behaviour.arrays()
        rings = sum(arrays[name].nbytes for name in ("events", "ids", "marks", "links"))
        # A block takes up to four events more than a ring, or eight; an arena a twelfth more, or the least room.
        blocks = accounts * (max(number, 4) + 5)
        assert rings <= 38 * (blocks + max(blocks // 12, 4 * RING_EVENTS_MAX))
    assert sum(array.nbytes for array in arrays.values()) < 1_890 * accounts
