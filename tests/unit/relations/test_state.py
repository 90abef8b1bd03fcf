"""The relations of all accounts: declarations, markets that do not allow them, and what is refused."""

from collections.abc import Callable

import numpy as np
import pytest

from limitkeeper.core.behaviour.events import DAY_US
from limitkeeper.core.kernel.errors import InputError
from limitkeeper.core.relations.neighbourhood import NEAR
from limitkeeper.core.relations.quantities import RELATION_QUANTITIES
from limitkeeper.core.relations.state import Relations

ONE = np.zeros(1, np.int64)
NOBODY = np.zeros(3, np.bool_)


def three(*, allowed: bool = True) -> Relations:
    relations = Relations(allowed=allowed)
    relations.add_accounts(3)
    return relations


def linked_accounts(relations: Relations, as_of_us: int = 0) -> list[float]:
    relations.refresh(as_of_us, np.zeros(relations.count, np.bool_))
    return relations.columns(np.arange(relations.count))[0].tolist()


def test_declaration_links_both_ways_until_it_is_revoked() -> None:
    relations = three()
    relations.declare(0, 2, "guarantor")
    relations.declare(0, 2, "guarantor")
    assert linked_accounts(relations) == [1, 0, 1]
    relations.revoke(0, 2, "guarantor")
    relations.revoke(0, 2, "guarantor")
    assert linked_accounts(relations) == [0, 0, 0]


def test_one_declaration_revoked_leaves_the_other() -> None:
    relations = three()
    relations.declare(np.array([0, 1]), np.array([1, 2]), "guarantor")
    relations.declare(1, 0, "contact")
    relations.revoke(0, 1, "guarantor")
    assert linked_accounts(relations) == [1, 2, 1]


def test_account_whose_relations_are_withheld_has_none_and_links_nobody() -> None:
    relations, now_us = three(), 20_000 * DAY_US
    relations.observe(np.arange(3), np.full(3, 7), np.zeros(3, np.int64), np.full(3, now_us))
    relations.declare(0, 2, "guarantor")
    assert linked_accounts(relations, now_us) == [2, 2, 2]
    relations.withhold(ONE + 2)
    assert np.isnan(relations.columns(np.arange(3))).all(axis=0).tolist() == [False, False, True]
    assert relations.picture(2, 0).accounts == [2]
    assert 2 not in relations.picture(0, 0).accounts
    relations.observe(ONE + 2, ONE + 7, ONE, ONE + now_us)
    found = linked_accounts(relations, now_us)
    assert (found[:2], np.isnan(found[2])) == ([1, 1], True)
    relations.release(ONE + 2)
    assert linked_accounts(relations, now_us) == [1, 1, 0], "what was seen in the meantime was not kept"
    relations.observe(ONE + 2, ONE + 7, ONE, ONE + now_us)
    assert linked_accounts(relations, now_us) == [2, 2, 2]


def test_declarations_of_an_account_are_taken_back_together_and_its_shared_ids_stay() -> None:
    relations = three()
    relations.observe(np.arange(2), np.full(2, 7), np.zeros(2, np.int64), np.zeros(2, np.int64))
    relations.declare(np.array([0, 2]), np.array([2, 1]), "guarantor")
    relations.declare(0, 1, "contact")
    relations.revoke_all(ONE)
    assert linked_accounts(relations) == [1, 2, 1]


def test_market_that_does_not_allow_relations_keeps_nothing_and_tells_nothing() -> None:
    relations = three(allowed=False)
    relations.observe(np.arange(3), np.full(3, 7), np.full(3, 8), np.zeros(3, np.int64))
    relations.declare(0, 1, "contact")
    relations.refresh(0, ~NOBODY)
    assert len(relations.refresh_near(np.arange(3), NOBODY)) == 0
    assert np.isnan(relations.columns(np.arange(3))).all()
    empty = three().arrays()
    assert {name: array.tobytes() for name, array in relations.arrays().items()} == {
        name: array.tobytes() for name, array in empty.items()
    }


def test_market_that_forbids_relations_later_forgets_them() -> None:
    relations = three()
    relations.declare(0, 1, "contact")
    relations.refresh(0, ~NOBODY)
    forbidden = Relations.from_arrays(relations.arrays(), allowed=False)
    assert np.isnan(forbidden.columns(np.arange(3))).all()
    assert not any(len(array) for name, array in forbidden.arrays().items() if name.startswith("declared"))


def test_account_without_links_has_no_bad_share_and_no_contagion() -> None:
    relations = three()
    relations.declare(0, 1, "contact")
    relations.refresh(0, np.array([True, False, True]))
    linked, bad_share, contagion = relations.columns(np.array([1, 2]))
    assert linked.tolist() == [1, 0]
    assert bad_share[0] == 1
    assert np.isnan(bad_share[1])
    assert contagion[0] > 0
    assert contagion[1] == 0


def test_account_that_came_after_the_refresh_has_no_links_until_the_next() -> None:
    relations = three()
    linked_accounts(relations)
    relations.add_accounts(1)
    relations.declare(0, 3, "contact")
    bad = np.array([True, False, False, True])
    relations.refresh_near(np.array([0, 3]), bad)
    assert relations.columns(np.array([3]))[[0, 2], 0].tolist() == [0, 0]
    relations.refresh(0, bad)
    assert relations.columns(np.array([3]))[0].tolist() == [1]


def test_state_that_was_kept_goes_on_as_the_one_that_was_not() -> None:
    relations = three()
    relations.observe(np.arange(3), np.full(3, 7), np.zeros(3, np.int64), np.zeros(3, np.int64))
    relations.refresh(0, np.array([True, False, False]))
    again = Relations.from_arrays({name: array.copy() for name, array in relations.arrays().items()})
    for each in (relations, again):
        each.refresh_near(np.array([1]), np.array([True, True, False]))
        each.observe(ONE, ONE, ONE + 9, ONE)
    assert again.columns(np.arange(3)).tobytes() == relations.columns(np.arange(3)).tobytes()
    for name, array in relations.arrays().items():
        assert array.tobytes() == again.arrays()[name].tobytes(), name


def test_columns_are_in_the_order_and_range_of_their_quantities() -> None:
    relations = three()
    relations.declare(0, 1, "contact")
    relations.refresh(0, ~NOBODY)
    columns = relations.columns(np.arange(2))
    assert [quantity.name for quantity in RELATION_QUANTITIES] == [
        "linked_accounts",
        "linked_bad_share",
        "contagion",
    ]
    for quantity, column in zip(RELATION_QUANTITIES, columns, strict=True):
        assert ((column >= quantity.low) & (column <= quantity.high)).all()


@pytest.mark.parametrize(
    ("does", "problem"),
    [
        (lambda r: r.observe(ONE + 3, ONE, ONE, ONE), "no such account"),
        (lambda r: r.columns(ONE - 1), "no such account"),
        (lambda r: r.declare(0, 5, "contact"), "no such account"),
        (lambda r: r.declare(1, 1, "contact"), "declares itself"),
        (lambda r: r.declare(0, 1, "guaranter"), "Did you mean 'guarantor'"),
        (lambda r: r.refresh(0, np.zeros(2, np.bool_)), "Not every account"),
        (lambda r: r.refresh_near(ONE, np.zeros(4, np.bool_)), "Not every account"),
        (lambda r: r.add_accounts(2**31), "too many accounts"),
        (lambda r: r.from_arrays({}), "no relations of this version"),
    ],
)
def test_what_cannot_be_is_refused(does: Callable[[Relations], object], problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        does(three())


def test_picture_shows_who_is_near_by_what_and_nobody_behind_a_shop() -> None:
    relations = Relations()
    relations.add_accounts(30)
    device, counterparty = np.zeros(30, np.int64), np.full(30, 99)  # 99 is a shop's: it links nobody
    device[[0, 1]], device[[2, 3]] = 7, 8
    relations.observe(np.arange(30), device, counterparty, np.zeros(30, np.int64))
    relations.observe(np.array([1, 2]), np.array([5, 5]), np.array([6, 6]), np.full(2, 3 * DAY_US))
    relations.declare(4, 0, "guarantor")
    bad = np.zeros(30, np.bool_)
    bad[4] = True
    relations.refresh(3 * DAY_US, bad)
    picture = relations.picture(0, 0)
    assert (picture.accounts, picture.hops) == ([0, 4, 1, 2], [0, 1, 1, 2])  # the bad one first
    assert picture.pairs == [(0, 1), (0, 2), (2, 3)]
    assert sorted(each[:4] for each in picture.shared) == [
        (0, 2, "device", 0),
        (1, 0, "guarantor", None),
        (2, 3, "counterparty", 3),
        (2, 3, "device", 3),
    ]


def test_picture_of_many_is_bounded_and_keeps_the_worst() -> None:
    relations = Relations()
    relations.add_accounts(100)
    relations.declare(0, np.arange(1, 100), "contact")
    bad = np.zeros(100, np.bool_)
    bad[[60, 70]] = True
    relations.refresh(0, bad)
    picture = relations.picture(0, 0)
    assert len(picture.accounts) == NEAR
    assert sorted(picture.accounts[1:3]) == [60, 70]
    assert len(picture.pairs) == len(picture.shared) == NEAR - 1


def test_picture_of_an_account_that_came_since_is_of_itself_alone() -> None:
    relations = three()
    assert relations.picture(1, 0).accounts == [1]
    assert three(allowed=False).picture(2, 0).pairs == []
    with pytest.raises(InputError):
        relations.picture(3, 0)
