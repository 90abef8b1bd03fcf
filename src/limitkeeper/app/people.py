"""People and services: accounts with argon2, lockout, sessions and keys; every change noted in the audit."""

import hashlib
import json
import secrets
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

import argon2
import sqlalchemy as sa

from limitkeeper.app.evidence import kept
from limitkeeper.app.mandates import authority_ended, authority_kept
from limitkeeper.core.access.actors import (
    CUSTOMER,
    OPERATOR,
    ROLES,
    SERVICE,
    STAFF_ROLES,
    SYSTEM,
    SYSTEM_ROLE,
    Actor,
)
from limitkeeper.core.access.rights import RIGHTS, ForbiddenError, check_right, clash
from limitkeeper.core.behaviour.events import DAY_US, HOUR_US
from limitkeeper.core.kernel.errors import InputError, LimitkeeperError, did_you_mean
from limitkeeper.store.people_tables import api_keys, people, sessions
from limitkeeper.store.sql import Store
from limitkeeper.store.work import Work, reading, work

NAME_LETTERS_MAX = 200
NAMES = f"1 to {NAME_LETTERS_MAX} letters, without space around them, not system, local or unknown"
RESERVED_NAMES = frozenset({"system", "local", "unknown"})
"""What the audit calls those who are no person."""

PASSWORD_LETTERS = (12, 256)
FAILURES_MAX = 5
"""Wrong passwords in a row after which an account is locked for a while."""

LOCK_US = 15 * 60 * 1_000_000
IDLE_US, SESSION_US = HOUR_US, 12 * HOUR_US
"""A session ends when it is not used for so long, and at the latest."""

SEEN_US = 60 * 1_000_000
"""That a session was used is written at most so often."""

KEY_DAYS_MAX = 366
TOKEN_BYTES = 32
KEY_PREFIX = "lk_"

HASHER = argon2.PasswordHasher()


@cache
def nobodys_hash() -> str:
    """What a password is compared with where there is no such person, so that the answer takes as long."""
    return HASHER.hash(secrets.token_urlsafe(16))


class LoginError(LimitkeeperError):
    """A login, a session or a key that is not good; it does not tell why to whom it should not."""


def is_empty(store: Store) -> bool:
    """Whether a store knows nobody, so that names are trusted and the first operator may be added."""
    return not store.rows(sa.select(people.c.person_id).limit(1))


def acting_person(store: Store, person_id: str, act: str, owner_id: str | None = None) -> Actor:
    """Who acts under a name at the command line, where whoever may open the store is trusted with who he is.

    Parameters
    ----------
    store
        While it knows nobody, every name is trusted, with the roles of all who work inside.
    person_id
        The name.
    act, owner_id
        What he is about to do, and on whose thing, as of :func:`~limitkeeper.core.access.rights.check_right`.

    Raises
    ------
    LoginError
        When there is no such person, or he is let in no more.
    ForbiddenError
        When his roles do not allow the act.
    """
    if is_empty(store):
        return Actor(person_id, frozenset(STAFF_ROLES))
    rows = store.rows(sa.select(people).where(people.c.person_id == person_id, people.c.is_active))
    if not rows:
        raise LoginError(
            "Nobody of that name is let in.", value=person_id, advice="See limitkeeper person list."
        )
    actor = _actor(rows[0])
    check_right(actor, act, owner_id)
    return actor


def first_operator_added(w: Work, person_id: str, password: str | None) -> None:
    """Add the first operator, who lets everybody else in and decides nothing himself.

    Raises
    ------
    InputError
        When the password is too short, or the name cannot be one.
    ForbiddenError
        When there is somebody already.
    """
    if w.row(sa.select(people.c.person_id).limit(1)):
        raise ForbiddenError(
            "The store knows people already.",
            value=person_id,
            advice="Let one of its operators add the person.",
        )
    person_added(w, person_id, [OPERATOR], password)


def person_added(
    w: Work, person_id: str, roles: Iterable[str], password: str | None = None, customer_id: str | None = None
) -> None:
    """Add a person.

    Raises
    ------
    InputError
        When the name cannot be one or is taken, a role is unknown, roles do not go together, the password is too
        short, or a customer is without his id.
    ForbiddenError
        When somebody would give himself a role.
    """
    given = _checked_roles(w, person_id, roles, customer_id)
    if not is_name(person_id):
        raise InputError("That cannot be a name.", value=person_id[: NAME_LETTERS_MAX + 1], allowed=NAMES)
    if not name_is_free(w, person_id):
        raise InputError("The name is taken, by a person or a service.", value=person_id)
    row = {
        "person_id": person_id, "roles": json.dumps(given), "customer_id": customer_id,
        "password_hash": _password_hash(password), "failures": 0, "locked_until_us": 0, "is_active": True,
        "version": 1,
    }  # fmt: skip
    w.add(people, row)
    w.note("person.add", f"person:{person_id}", {"roles": given} | kept(("person", row)))


def roles_set(w: Work, person_id: str, roles: Iterable[str]) -> None:
    """Give a person other roles; sessions that are open have them at once, and his mandates end with what decides.

    Raises
    ------
    InputError
        When a role is unknown, roles do not go together, or no operator would be left.
    ForbiddenError
        When it is himself.
    MissingError
        When there is no such person.
    """
    row = w.found(people, person_id)
    given = _checked_roles(w, person_id, roles, row["customer_id"])
    if OPERATOR not in given:
        _check_operator_left(w, person_id)
    changed = {"roles": json.dumps(given)}
    w.change(people, person_id, row["version"], changed)
    authority_kept(w, person_id, given)
    held = kept(("person", row | changed), was=[("person", row)])
    w.note("person.roles", f"person:{person_id}", {"roles": given, "before": json.loads(row["roles"])} | held)


def password_set(w: Work, person_id: str, password: str) -> None:
    """Set a password, and end every session.

    Raises
    ------
    InputError
        When it is too short.
    MissingError
        When there is no such person.
    """
    row = w.found(people, person_id)
    values = {"password_hash": _password_hash(password), "failures": 0, "locked_until_us": 0}
    w.change(people, person_id, row["version"], values)
    sessions_ended(w, person_id)
    w.note("person.password", f"person:{person_id}")


def person_ended(w: Work, person_id: str) -> None:
    """Let a person in no more, end every session, and with them his mandates.

    Raises
    ------
    InputError
        When no operator would be left.
    MissingError
        When there is no such person.
    """
    row = w.found(people, person_id)
    _check_operator_left(w, person_id)
    w.change(people, person_id, row["version"], {"is_active": False})
    sessions_ended(w, person_id)
    authority_ended(w, person_id)
    held = kept(("person", row | {"is_active": False}), was=[("person", row)])
    w.note("person.end", f"person:{person_id}", held)


def unlocked(w: Work, person_id: str) -> None:
    """Open an account that wrong passwords have locked.

    Raises
    ------
    MissingError
        When there is no such person.
    """
    row = w.found(people, person_id)
    w.change(people, person_id, row["version"], {"failures": 0, "locked_until_us": 0})
    w.note("person.unlock", f"person:{person_id}")


def session_of(store: Store, person_id: str, password: str, now_us: int) -> str | None:
    """The token of a new session, None where the login is not good; wrong passwords are counted.

    The password is compared before the transaction: it takes long, on purpose, and others write meanwhile.
    """
    query = sa.select(people).where(people.c.person_id == person_id)
    with reading(store, SYSTEM, now_us) as w:
        row = w.row(query)
    known = row["password_hash"] if row else None
    is_right = _is_right(known or nobodys_hash(), password)
    with work(store, SYSTEM, now_us) as w:
        return _session_begun(w, w.row(query.with_for_update()), known if is_right else None)


def _session_begun(w: Work, row: dict[str, Any] | None, right_hash: str | None) -> str | None:
    """A session of who has said the password of a hash; told by its answer, since what it counts must be written."""
    if row is None:
        w.note("login.fail", "person:unknown")
        return None
    person_id = row["person_id"]
    if row["locked_until_us"] > w.now_us or not row["is_active"]:
        w.note("login.locked", f"person:{person_id}")
        return None
    if right_hash is None or right_hash != row["password_hash"]:
        failures = row["failures"] + 1
        locked = w.now_us + LOCK_US if failures >= FAILURES_MAX else 0
        w.change(people, person_id, row["version"],
                 {"failures": 0 if locked else failures, "locked_until_us": locked})  # fmt: skip
        w.note("login.fail", f"person:{person_id}", {"locked": bool(locked)})
        return None
    if row["failures"]:
        w.change(people, person_id, row["version"], {"failures": 0})
    return session_opened(w, person_id)


def session_opened(w: Work, person_id: str) -> str:
    """The token of a new session of a person who is known for sure."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    w.add(sessions, {"token_hash": _hash(token), "person_id": person_id, "begun_us": w.now_us, "seen_us": w.now_us,
                     "ended_us": None, "version": 1})  # fmt: skip
    w.note("login", f"person:{person_id}")
    return token


def sessions_ended(w: Work, person_id: str) -> None:
    """End every session of a person."""
    query = sa.select(sessions).where(sessions.c.person_id == person_id, sessions.c.ended_us.is_(None))
    for row in w.rows(query):
        w.change(sessions, row["token_hash"], row["version"], {"ended_us": w.now_us})


def session_actor(w: Work, token: str, *, is_use: bool = True) -> Actor:
    """Who has a session, with the roles of now.

    Parameters
    ----------
    w
        Of the store of sessions.
    token
        Of the session.
    is_use
        Whether this is something that he does: a page that is open by itself does not keep a session from ending.

    Raises
    ------
    LoginError
        When it is none, is over, or its person is let in no more.
    """
    row = w.row(sa.select(sessions).where(sessions.c.token_hash == _hash(token)))
    is_over = row is None or row["ended_us"] is not None or _is_late(row, w.now_us)
    person = None if row is None or is_over else w.found(people, row["person_id"])
    if row is None or person is None or not person["is_active"]:
        raise LoginError("The session is over.", advice="Log in again.")
    if is_use and w.now_us - row["seen_us"] >= SEEN_US:
        w.change(sessions, row["token_hash"], row["version"], {"seen_us": w.now_us})
    return _actor(person)


def session_ended(w: Work, token: str) -> None:
    """End a session; one that is none or over stays so."""
    row = w.row(sa.select(sessions).where(sessions.c.token_hash == _hash(token)))
    if row is not None and row["ended_us"] is None:
        w.change(sessions, row["token_hash"], row["version"], {"ended_us": w.now_us})
        w.note("logout", f"person:{row['person_id']}")


def key_made(w: Work, service_id: str, scopes: Iterable[str], days: float) -> str:
    """A new key of a service, for some acts and days; it is shown this once.

    Raises
    ------
    InputError
        When the name is a person's, a scope is none that a service may have, or the days are out of bounds.
    """
    is_person = w.row(sa.select(people.c.person_id).where(people.c.person_id == service_id))
    if is_person or not is_name(service_id):
        raise InputError("A service cannot be called so, or a person is.", value=service_id[: NAME_LETTERS_MAX + 1],
                         allowed=NAMES)  # fmt: skip
    given = sorted(set(scopes))
    able = [act for act, roles in RIGHTS.items() if SERVICE in roles]
    for scope in given:
        if scope not in able:
            raise InputError(
                "A service cannot have that scope.", value=scope, allowed=", ".join(able),
                advice=did_you_mean(scope, able),
            )  # fmt: skip
    if not given or not 0 < days <= KEY_DAYS_MAX:
        raise InputError(
            "A key has scopes, and ends.", value=days, allowed=f"more than 0, at most {KEY_DAYS_MAX}"
        )
    key = KEY_PREFIX + secrets.token_urlsafe(TOKEN_BYTES)
    w.add(api_keys, {"key_hash": _hash(key), "service_id": service_id, "scopes": json.dumps(given),
                     "made_us": w.now_us, "ends_us": w.now_us + int(days * DAY_US), "version": 1})  # fmt: skip
    w.note("key.make", f"service:{service_id}", {"scopes": given, "days": days})
    return key


def keys_ended(w: Work, service_id: str) -> int:
    """End all keys of a service; how many."""
    query = sa.select(api_keys).where(api_keys.c.service_id == service_id, api_keys.c.ends_us > w.now_us)
    rows = w.rows(query)
    for row in rows:
        w.change(api_keys, row["key_hash"], row["version"], {"ends_us": w.now_us})
    w.note("key.end", f"service:{service_id}", {"keys": len(rows)})
    return len(rows)


def key_actor(w: Work, key: str) -> Actor:
    """The service that has a key.

    Raises
    ------
    LoginError
        When it is none, or has ended.
    """
    row = w.row(sa.select(api_keys).where(api_keys.c.key_hash == _hash(key)))
    if row is None or row["ends_us"] <= w.now_us:
        raise LoginError("The key is not good.", advice="Ask an operator for a new one.")
    return Actor(row["service_id"], frozenset({SERVICE}), scopes=frozenset(json.loads(row["scopes"])))


def _is_right(known: str, password: str) -> bool:
    try:
        return HASHER.verify(known, password[: PASSWORD_LETTERS[1] + 1])
    except argon2.exceptions.VerificationError:
        return False


def _is_late(row: dict[str, int], now_us: int) -> bool:
    return now_us - row["seen_us"] > IDLE_US or now_us - row["begun_us"] > SESSION_US


def _actor(row: Mapping[str, Any]) -> Actor:
    return Actor(row["person_id"], frozenset(json.loads(row["roles"])), row["customer_id"])


def is_name(name: str) -> bool:
    """Whether a person or a service can be called so.

    Examples
    --------
    >>> is_name("ann"), is_name(" ann"), is_name("system")
    (True, False, False)
    """
    fits = name.isprintable() and name == name.strip() and 0 < len(name) <= NAME_LETTERS_MAX
    return fits and name not in RESERVED_NAMES


def name_is_free(w: Work, name: str) -> bool:
    """Whether neither a person nor a service is called so: the audit must not mistake one for the other."""
    for column in (people.c.person_id, api_keys.c.service_id):
        if w.row(sa.select(column).where(column == name).limit(1)):
            return False
    return True


def _check_operator_left(w: Work, person_id: str) -> None:
    """That there is an operator besides a person who is about to be none: nobody could be let in any more."""
    query = sa.select(people.c.person_id, people.c.roles).where(people.c.is_active)
    operators = {row["person_id"] for row in w.rows(query) if OPERATOR in json.loads(row["roles"])}
    if operators == {person_id}:
        raise InputError("He is the last operator.", value=person_id, advice="Add another operator first.")


def _checked_roles(w: Work, person_id: str, roles: Iterable[str], customer_id: str | None) -> list[str]:
    given = sorted(set(roles))
    allowed = [role for role in ROLES if role not in (SERVICE, SYSTEM_ROLE)]
    for role in given:
        if role not in allowed:
            raise InputError("There is no such role.", value=role, allowed=", ".join(allowed),
                             advice=did_you_mean(role, allowed))  # fmt: skip
    if (CUSTOMER in given) != (customer_id is not None):
        raise InputError(
            "A customer has an id, and nobody else.", value=customer_id,
            advice="Give the role of a customer and the customer's id, or neither.",
        )  # fmt: skip
    if clashing := clash(given):
        raise InputError(
            "These roles are not one person's.", value=clashing, advice="Let two people have them."
        )
    if w.actor.actor_id == person_id:
        raise ForbiddenError(
            "Nobody gives himself a role.", value=person_id, advice="Let somebody else do it."
        )
    return given


def _password_hash(password: str | None) -> str | None:
    if password is None:
        return None
    least, most = PASSWORD_LETTERS
    if not least <= len(password) <= most:
        raise InputError("The password is too short, or too long.", value=f"{len(password)} letters",
                         allowed=f"{least} to {most} letters")  # fmt: skip
    return HASHER.hash(password)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
