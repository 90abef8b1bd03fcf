"""The whole matrix against its table: each role, each act, on one's own thing, another's and nobody's."""

import itertools
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from limitkeeper.core.access.actors import (
    COMMITTEE,
    COMPLIANCE,
    CUSTOMER,
    OFFICER,
    OPERATOR,
    ROLES,
    SERVICE,
    STRATEGIST,
    SYSTEM,
    SYSTEM_ROLE,
    Actor,
)
from limitkeeper.core.access.rights import PERSONAL, RIGHTS, ForbiddenError, check_right, clash, is_allowed

TABLE = yaml.safe_load((Path(__file__).parents[2] / "cases" / "access.yaml").read_text(encoding="utf-8"))
PEOPLE = [role for role in ROLES if role not in (SERVICE, SYSTEM_ROLE)]
THINGS = ("own customer", "other customer", "himself", "other person", "nobody's")

acts = st.sampled_from(sorted(RIGHTS))
owners = st.sampled_from([None, "", "c-1", "c-2", "p-1", "p-2"])
roles = st.frozensets(st.sampled_from(PEOPLE))


def expected(role: str, act: str) -> str:
    return str(TABLE["acts"][act][TABLE["roles"].index(role)])


def test_table_names_every_act_and_every_role() -> None:
    assert set(TABLE["acts"]) == set(RIGHTS), "write the new act into tests/cases/access.yaml"
    assert set(TABLE["roles"]) == {*PEOPLE, SERVICE}
    assert {len(row) for row in TABLE["acts"].values()} == {len(TABLE["roles"])}


@pytest.mark.parametrize("role", PEOPLE)
def test_each_role_may_do_what_the_table_says_and_nothing_else(role: str) -> None:
    is_customer = role == CUSTOMER
    actor = Actor("p-1", frozenset({role}), "c-1" if is_customer else None)
    for act, thing in itertools.product(RIGHTS, THINGS):
        right = expected(role, act)
        assert right in ("any", "own", "none"), (role, act)
        owner = {"own customer": "c-1", "other customer": "c-2", "himself": "p-1", "other person": "p-2"}.get(
            thing
        )
        own = thing == ("himself" if act in PERSONAL else "own customer")
        may = right == "any" or (right == "own" and own and (is_customer or act in PERSONAL))
        assert is_allowed(actor, act, owner) == may, (role, act, thing)


def test_service_may_do_what_the_table_and_its_key_both_allow() -> None:
    for act in RIGHTS:
        right = expected(SERVICE, act)
        assert right in ("scope", "none")
        for owner in (None, "c-1", "s"):
            keyed = Actor("s", frozenset({SERVICE}), scopes=frozenset({act}))
            assert is_allowed(keyed, act, owner) == (right == "scope"), act
            assert not is_allowed(Actor("s", frozenset({SERVICE})), act, owner)


@given(acts, owners, st.frozensets(acts))
def test_actor_without_a_role_may_do_nothing(act: str, owner: str | None, scopes: frozenset[str]) -> None:
    assert not is_allowed(Actor("p-1", frozenset(), "c-1", scopes), act, owner)


@given(acts, owners, st.frozensets(acts), roles)
def test_service_is_bound_to_its_scopes_whatever_else_it_is(
    act: str, owner: str | None, scopes: frozenset[str], more: frozenset[str]
) -> None:
    service = Actor("p-1", more | {SERVICE}, "c-1", scopes)
    assert is_allowed(service, act, owner) == (act in scopes and expected(SERVICE, act) == "scope")


@given(acts, owners, roles)
def test_roles_together_allow_what_one_of_them_allows(
    act: str, owner: str | None, several: frozenset[str]
) -> None:
    alone = [is_allowed(Actor("p-1", frozenset({role}), "c-1"), act, owner) for role in several]
    assert is_allowed(Actor("p-1", several, "c-1"), act, owner) == any(alone)


@given(st.text(max_size=20).filter(lambda act: act not in RIGHTS), owners, roles)
def test_act_that_nobody_named_nobody_may_do(act: str, owner: str | None, several: frozenset[str]) -> None:
    for actor in (Actor("p-1", several, "c-1"), Actor("s", frozenset({SERVICE}), scopes=frozenset({act}))):
        assert not is_allowed(actor, act, owner)
        with pytest.raises(ForbiddenError, match="nobody"):
            check_right(actor, act, owner)


def test_person_called_as_a_customer_is_not_that_customer() -> None:
    imitator = Actor("c-2", frozenset({CUSTOMER}), "c-1")
    assert not is_allowed(imitator, "limit.read", "c-2")
    assert is_allowed(imitator, "limit.read", "c-1")
    assert is_allowed(imitator, "person.password", "c-2")
    assert not is_allowed(imitator, "person.password", "c-1")


def test_customer_without_an_id_owns_nothing() -> None:
    for owner in (None, "", "p"):
        assert not is_allowed(Actor("p", frozenset({CUSTOMER})), "limit.read", owner)


def test_system_may_do_everything_that_is_named() -> None:
    assert all(RIGHTS.values())
    assert all(is_allowed(SYSTEM, act) for act in RIGHTS)


@pytest.mark.parametrize(
    "several", [each for count in (2, 3) for each in itertools.combinations(PEOPLE, count)]
)
def test_only_roles_that_decide_go_together(several: tuple[str, ...]) -> None:
    assert (clash(several) is None) == (set(several) <= {STRATEGIST, OFFICER, COMMITTEE})


def test_compliance_and_operator_stand_alone() -> None:
    assert clash([COMPLIANCE]) is None
    assert clash([COMPLIANCE, OPERATOR]) == "operator and compliance"
    assert clash([OFFICER, COMPLIANCE]) == "compliance and officer"
