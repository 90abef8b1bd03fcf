"""People, sessions and keys on every store."""

import hashlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from limitkeeper.app.approval_policy import approval_policy
from limitkeeper.app.cases import terms_in_force
from limitkeeper.app.mandates import absence_noted
from limitkeeper.app.people import (
    FAILURES_MAX,
    IDLE_US,
    LOCK_US,
    SEEN_US,
    SESSION_US,
    LoginError,
    key_actor,
    key_made,
    keys_ended,
    password_set,
    person_added,
    person_ended,
    roles_set,
    session_actor,
    session_ended,
    session_of,
)
from limitkeeper.core.access.actors import (
    COMMITTEE,
    CUSTOMER,
    OFFICER,
    OPERATOR,
    SERVICE,
    STRATEGIST,
    SYSTEM,
    Actor,
)
from limitkeeper.core.access.rights import ForbiddenError
from limitkeeper.core.approval.mandates import Absence
from limitkeeper.core.behaviour.events import DAY_US
from limitkeeper.core.kernel.errors import InputError
from limitkeeper.store.audit_tables import audit_events
from limitkeeper.store.people_tables import api_keys, people, sessions
from limitkeeper.store.sql import Store
from limitkeeper.store.work import Work, work
from tests.mandated import mandated

NOW_US = 1_790_000_000_000_000
CHIEF = Actor("chief", frozenset({OPERATOR}))
PASSWORD = "correct horse battery"  # noqa: S105 - of a person that is none


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    found = Store(store_url)
    with work(found, CHIEF, NOW_US) as w:
        person_added(w, "ann", [OFFICER], PASSWORD)
    yield found
    found.close()


def did(store: Store, what: Callable[[Work], Any], now_us: int = NOW_US) -> Any:
    with work(store, CHIEF, now_us) as w:
        return what(w)


def login(store: Store, password: str = PASSWORD, person: str = "ann", now_us: int = NOW_US) -> str | None:
    return session_of(store, person, password, now_us)


def actor(store: Store, token: str, now_us: int = NOW_US) -> Actor:
    return did(store, lambda w: session_actor(w, token), now_us)


def test_session_is_its_person_with_the_roles_of_now(store: Store) -> None:
    token = login(store)
    assert token
    assert actor(store, token) == Actor("ann", frozenset({OFFICER}))
    did(store, lambda w: roles_set(w, "ann", [COMMITTEE]))
    assert actor(store, token).roles == {COMMITTEE}


def test_session_ends_when_it_is_idle_too_old_or_logged_out(store: Store) -> None:
    token = login(store)
    assert token
    for step in range(1, 13):
        now_us = NOW_US + step * (IDLE_US - 1)
        if now_us - NOW_US <= SESSION_US:
            actor(store, token, now_us)
    with pytest.raises(LoginError):
        actor(store, token, NOW_US + SESSION_US + 1)
    idle = login(store)
    assert idle
    with pytest.raises(LoginError):
        actor(store, idle, NOW_US + IDLE_US + SEEN_US + 1)
    out = login(store)
    assert out
    did(store, lambda w: session_ended(w, out))
    with pytest.raises(LoginError):
        actor(store, out)


def test_account_is_locked_after_wrong_passwords_and_opens_again(store: Store) -> None:
    for _ in range(FAILURES_MAX):
        assert login(store, "wrong password!") is None
    assert login(store) is None
    assert login(store, now_us=NOW_US + LOCK_US - 1) is None
    assert login(store, now_us=NOW_US + LOCK_US) is not None


def test_right_password_forgets_the_wrong_ones_before_it(store: Store) -> None:
    for _ in range(3):
        for _ in range(FAILURES_MAX - 1):
            login(store, "wrong password!")
        assert login(store) is not None


def test_person_that_is_not_there_and_one_without_a_password_are_answered_alike(store: Store) -> None:
    did(store, lambda w: person_added(w, "bob", [OFFICER]))
    assert login(store, person="nobody") is None
    assert login(store, person="bob") is None


def test_new_password_and_leaving_end_every_session(store: Store) -> None:
    token = login(store)
    assert token
    did(store, lambda w: password_set(w, "ann", "another long password"))
    with pytest.raises(LoginError):
        actor(store, token)
    again = login(store, "another long password")
    assert again
    did(store, lambda w: person_ended(w, "ann"))
    with pytest.raises(LoginError):
        actor(store, again)
    assert login(store, "another long password") is None


@pytest.mark.parametrize("end", [
    lambda w: person_ended(w, "ann"), lambda w: roles_set(w, "ann", []), lambda w: roles_set(w, "ann", [STRATEGIST]),
])  # fmt: skip
def test_who_leaves_or_has_no_role_that_decides_any_more_decides_under_no_mandate(
    store: Store, end: Callable[[Work], None]
) -> None:
    absence = Absence("bob", "ann", 0)
    did(store, lambda w: mandated(w, ("ann", 3), ("bob", 2)))
    did(store, lambda w: absence_noted(w, absence, approval_policy()))
    did(store, lambda w: roles_set(w, "ann", [COMMITTEE]))  # which decides
    with work(store, SYSTEM, NOW_US) as w:
        found = terms_in_force(w, approval_policy()).mandates
    assert found.deciders(3, "close", 0, 0, NOW_US) == {"ann": "ann"}
    did(store, end)
    with work(store, SYSTEM, NOW_US) as w:
        found = terms_in_force(w, approval_policy()).mandates
    assert found.deciders(3, "close", 0, 0, NOW_US) == {}
    assert found.deciders(2, "close", 0, 0, NOW_US) == {"bob": "bob"}


def test_nobody_gives_himself_a_role(store: Store) -> None:
    with pytest.raises(ForbiddenError), work(store, Actor("ann", frozenset({OPERATOR})), NOW_US) as w:
        roles_set(w, "ann", [COMMITTEE])


@pytest.mark.parametrize(
    ("roles", "password", "customer"),
    [(["king"], PASSWORD, None), ([SERVICE], PASSWORD, None), ([OFFICER], "short", None),
     ([CUSTOMER], PASSWORD, None), ([OFFICER], PASSWORD, "c-1"), ([OFFICER], "x" * 300, None)],
)  # fmt: skip
def test_person_that_makes_no_sense_is_refused(
    store: Store, roles: list[str], password: str, customer: str | None
) -> None:
    with pytest.raises(InputError):
        did(store, lambda w: person_added(w, "new", roles, password, customer))


def test_key_is_its_service_for_its_scopes_until_its_end(store: Store) -> None:
    key = did(store, lambda w: key_made(w, "core-bank", ["events.send", "limit.acknowledge"], 30))
    found = did(store, lambda w: key_actor(w, key))
    assert (found.roles, found.scopes) == ({SERVICE}, {"events.send", "limit.acknowledge"})
    with pytest.raises(LoginError):
        did(store, lambda w: key_actor(w, key), NOW_US + 30 * DAY_US)
    assert did(store, lambda w: keys_ended(w, "core-bank")) == 1
    with pytest.raises(LoginError):
        did(store, lambda w: key_actor(w, key))
    for scopes, days in ((["case.act"], 30), ([], 30), (["events.send"], 0), (["events.send"], 400)):
        with pytest.raises(InputError):
            did(store, lambda w, scopes=scopes, days=days: key_made(w, "x", scopes, days))


def test_no_secret_lies_in_the_store(store: Store) -> None:
    token, key = login(store), did(store, lambda w: key_made(w, "s", ["events.send"], 1))
    assert token
    whole = repr([store.rows(sa.select(table)) for table in (people, sessions, api_keys, audit_events)])
    assert not any(secret in whole for secret in (PASSWORD, token, key))
    assert hashlib.sha256(token.encode()).hexdigest() in whole
