"""The table of pairs: what is kept of an id, and whom it links."""

import numpy as np
import pytest

from limitkeeper.core.behaviour.events import DAY_US
from limitkeeper.core.relations.links import DAY_MAX, DEGREE_MAX, LINK_DAYS, PLACES_LEAST
from limitkeeper.core.relations.state import Relations


def relations_of(accounts: int) -> Relations:
    relations = Relations()
    relations.add_accounts(accounts)
    return relations


def see(
    relations: Relations, accounts: list[int], *, device: int = 0, counterparty: int = 0, day: int = 0
) -> None:
    shape = len(accounts)
    relations.observe(
        np.array(accounts), np.full(shape, device), np.full(shape, counterparty), np.full(shape, day * DAY_US)
    )


def linked_accounts(relations: Relations, day: int = 0) -> list[float]:
    relations.refresh(day * DAY_US, np.zeros(relations.count, np.bool_))
    return relations.columns(np.arange(relations.count))[0].tolist()


def test_accounts_that_share_a_device_are_linked() -> None:
    relations = relations_of(4)
    see(relations, [0, 2], device=5)
    see(relations, [1], device=6)
    assert linked_accounts(relations) == [1, 0, 1, 0]


def test_accounts_that_share_a_counterparty_are_linked_and_two_shared_ids_are_one_link() -> None:
    relations = relations_of(3)
    see(relations, [0, 1], counterparty=5)
    see(relations, [0, 1], device=9)
    assert linked_accounts(relations) == [1, 1, 0]


def test_device_and_counterparty_of_the_same_hash_are_two_ids() -> None:
    relations = relations_of(2)
    see(relations, [0], device=5)
    see(relations, [1], counterparty=5)
    assert linked_accounts(relations) == [0, 0]


def test_missing_ids_link_nobody() -> None:
    relations = relations_of(2)
    see(relations, [0, 1])
    assert linked_accounts(relations) == [0, 0]


@pytest.mark.parametrize("number", [-1, np.iinfo(np.int64).max, np.iinfo(np.int64).min + 1])
def test_ids_at_the_edges_of_the_hash_are_ids(number: int) -> None:
    relations = relations_of(2)
    see(relations, [0, 1], device=number)
    assert linked_accounts(relations) == [1, 1]


def test_device_of_as_many_accounts_as_a_family_has_links_them_all() -> None:
    relations = relations_of(DEGREE_MAX)
    see(relations, list(range(DEGREE_MAX)), device=5)
    assert linked_accounts(relations) == [DEGREE_MAX - 1] * DEGREE_MAX


def test_device_of_a_shop_links_nobody_in_whatever_order_it_was_seen() -> None:
    for accounts in ([*range(40)], [*range(39, -1, -1)]):
        relations = relations_of(40)
        see(relations, accounts, device=5)
        see(relations, [3, 4], device=6)
        assert linked_accounts(relations) == [float(each in {3, 4}) for each in range(40)]


def test_shop_that_fell_out_of_use_links_those_who_still_share_its_device() -> None:
    relations = relations_of(40)
    see(relations, [*range(40)], device=5, day=1)
    see(relations, [38, 39], device=5, day=100)
    assert linked_accounts(relations, 100) == [0] * 40
    assert linked_accounts(relations, 2 + LINK_DAYS) == [0] * 38 + [1, 1]


def test_link_seen_exactly_180_days_ago_holds_and_one_day_later_it_is_forgotten() -> None:
    relations = relations_of(2)
    see(relations, [0], device=5, day=10)
    see(relations, [1], device=5, day=50)
    assert linked_accounts(relations, 10 + LINK_DAYS) == [1, 1]
    assert linked_accounts(relations, 11 + LINK_DAYS) == [0, 0]
    assert np.count_nonzero(relations.arrays()["keys"]) == 1
    see(relations, [0], device=5, day=12 + LINK_DAYS)
    assert linked_accounts(relations, 12 + LINK_DAYS) == [1, 1]


def test_late_event_does_not_make_a_link_older() -> None:
    relations = relations_of(2)
    see(relations, [0, 1], device=5, day=300)
    see(relations, [0, 1], device=5, day=1)
    assert linked_accounts(relations, 300 + LINK_DAYS) == [1, 1]


def test_days_beyond_what_is_kept_count_as_the_first_and_the_last() -> None:
    relations = relations_of(2)
    see(relations, [0, 1], device=5, day=-3)
    assert linked_accounts(relations, 0) == [1, 1]
    see(relations, [0, 1], device=5, day=DAY_MAX + 7)
    assert linked_accounts(relations, DAY_MAX) == [1, 1]


def test_table_that_grew_keeps_every_pair_within_its_bytes() -> None:
    chance, n = np.random.default_rng(0), 100_000
    relations = relations_of(n)
    devices = np.repeat(chance.integers(1, 2**62, n // 2), 2)
    relations.observe(np.arange(n), devices, np.zeros(n, np.int64), np.zeros(n, np.int64))
    assert linked_accounts(relations) == [1] * n
    arrays = relations.arrays()
    assert len(arrays["keys"]) > PLACES_LEAST
    assert sum(arrays[name].nbytes for name in ("keys", "accounts", "days")) <= 22 * n
