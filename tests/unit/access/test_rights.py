"""The whole matrix: each role, each act, on one's own thing, another's and nobody's."""

import itertools

import pytest

from limitkeeper.core.access.actors import CUSTOMER, ROLES, SERVICE, SYSTEM, SYSTEM_ROLE, Actor
from limitkeeper.core.access.rights import ANY, OWN, RIGHTS, ForbiddenError, check_right, is_allowed

PEOPLE = [role for role in ROLES if role not in (SERVICE, SYSTEM_ROLE)]


@pytest.mark.parametrize(("role", "act"), list(itertools.product(PEOPLE, RIGHTS)))
def test_each_role_may_do_what_the_matrix_says_and_nothing_else(role: str, act: str) -> None:
    actor = Actor("p-1", frozenset({role}), "c-1" if role == CUSTOMER else None)
    right = RIGHTS[act].get(role)
    own = "c-1" if role == CUSTOMER else "p-1"
    assert is_allowed(actor, act, own) == (right in (OWN, ANY))
    for other in ("c-2", "p-2", "", None):
        assert is_allowed(actor, act, other) == (right == ANY)


@pytest.mark.parametrize("act", list(RIGHTS))
def test_service_may_do_what_its_role_and_its_key_both_allow(act: str) -> None:
    able = SERVICE in RIGHTS[act]
    assert is_allowed(Actor("s", frozenset({SERVICE}), scopes=frozenset({act})), act) == able
    assert not is_allowed(Actor("s", frozenset({SERVICE})), act)


def test_act_that_nobody_named_nobody_may_do() -> None:
    everything = Actor("p", frozenset(PEOPLE), "c")
    assert not is_allowed(everything, "money.print", "c")
    with pytest.raises(ForbiddenError, match="nobody"):
        check_right(everything, "money.print")


def test_customer_without_an_id_owns_nothing() -> None:
    assert not is_allowed(Actor("p", frozenset({CUSTOMER})), "limit.read", None)


def test_every_act_is_somebodys_and_the_system_may_all() -> None:
    assert all(RIGHTS.values())
    assert all(is_allowed(SYSTEM, act) for act in RIGHTS)
