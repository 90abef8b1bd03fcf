"""The schemas and the documents of people and keys."""

from typing import Any

from limitkeeper.app.people import KEY_DAYS_MAX, PASSWORD_LETTERS
from limitkeeper.core.access.actors import SERVICE
from limitkeeper.core.access.rights import RIGHTS
from limitkeeper.shells.api.case_schemas import VERSION, page_of
from limitkeeper.shells.api.documents import JSON, answers, body, shown
from limitkeeper.shells.api.schemas import Schema, listed, moment, one_of, record, ref, value

SCOPES = tuple(act for act, roles in RIGHTS.items() if SERVICE in roles)

_ROLES = listed(ref("Role"), "What he is.")
_CUSTOMER = value("string null", "Of a customer: whose lines are his.", maxLength=200)
_PASSWORD = value(
    "string null",
    "Null where another provider vouches.",
    minLength=PASSWORD_LETTERS[0],
    maxLength=PASSWORD_LETTERS[1],
)

PEOPLE_SCHEMAS: dict[str, Schema] = {
    "Person": record(
        "A person who is let in.",
        {
            "person_id": value("string", "His name here."),
            "roles": _ROLES,
            "customer_id": _CUSTOMER,
            "has_password": value("boolean", "Whether he logs in here; else another provider vouches."),
            "is_active": value("boolean", "Whether he is let in."),
            "is_locked": value("boolean", "Whether wrong passwords keep him out for now."),
            "version": VERSION,
        },
    ),
    "People": page_of("Person"),
    "NewPerson": record(
        "Somebody to be let in.",
        {
            "person_id": value("string", "His name here.", minLength=1, maxLength=200),
            "roles": _ROLES,
            "password": _PASSWORD,
            "customer_id": _CUSTOMER,
        },
        optional=("password", "customer_id"),
    ),
    "NewRoles": record("Other roles, instead of those he has.", {"roles": _ROLES}),
    "NewPassword": record("A new password.", {"password": _PASSWORD | {"type": "string"}}),
    "Scope": one_of(SCOPES, "An act that a service may do."),
    "Key": record(
        "A service's key; the key itself is not kept.",
        {
            "service_id": value("string", "Whose."),
            "scopes": listed(ref("Scope"), "What it is for."),
            "made_at": moment("When it was made."),
            "ends_at": moment("When it ends."),
        },
    ),
    "Keys": page_of("Key"),
    "NewKey": record(
        "A key to be made.",
        {
            "service_id": value("string", "Of which service.", minLength=1, maxLength=200),
            "scopes": listed(ref("Scope"), "What it is for.") | {"minItems": 1},
            "days": value("number", "For how long.", exclusiveMinimum=0, maximum=KEY_DAYS_MAX),
        },
    ),
    "MadeKey": record(
        "A key that was made.",
        {
            "service_id": value("string", "Whose."),
            "scopes": listed(ref("Scope"), "What it is for."),
            "ends_at": moment("When it ends."),
            "key": value("string", "Send it as Authorization: Bearer KEY. It is shown this once."),
        },
    ),
    "EndedKeys": record(
        "Keys that have ended.",
        {"service_id": value("string", "Whose."), "ended": value("integer", "How many.", minimum=0)},
    ),
}

PERSON: dict[str, Any] = {
    "person_id": "ann",
    "roles": ["officer"],
    "customer_id": None,
    "has_password": True,
    "is_active": True,
    "is_locked": False,
    "version": 1,
}

PEOPLE = answers("People, by name.", ref("People"), {"items": [PERSON], "next": None}, 422, 503)

ADD_PERSON: dict[str, Any] = {
    "requestBody": body(
        {
            JSON: {
                "schema": ref("NewPerson"),
                **shown({"person_id": "ann", "roles": ["officer"], "password": "correct horse battery"}),
            }
        }
    ),
    "responses": answers("He is let in.", ref("Person"), PERSON, 413, 422, 503, status=201),
}

SET_ROLES: dict[str, Any] = {
    "requestBody": body({JSON: {"schema": ref("NewRoles"), **shown({"roles": ["officer"]})}}),
    "responses": answers("The person.", ref("Person"), PERSON | {"version": 2}, 404, 409, 413, 422, 503),
}

SET_PASSWORD: dict[str, Any] = {
    "requestBody": body(
        {JSON: {"schema": ref("NewPassword"), **shown({"password": "correct horse battery"})}}
    ),
    "responses": answers("The person.", ref("Person"), PERSON | {"version": 2}, 404, 409, 413, 422, 503),
}

END_PERSON = answers(
    "He is let in no more.", ref("Person"), PERSON | {"is_active": False, "version": 2}, 404, 409, 422, 503
)

UNLOCK = answers("He may try again.", ref("Person"), PERSON | {"version": 2}, 404, 409, 422, 503)

KEY = {
    "service_id": "core-bank",
    "scopes": ["events.send", "limit.acknowledge"],
    "made_at": "2026-11-22T09:00:00+00:00",
    "ends_at": "2027-02-20T09:00:00+00:00",
}

KEYS = answers("Keys that are good now.", ref("Keys"), {"items": [KEY], "next": None}, 422, 503)

MAKE_KEY: dict[str, Any] = {
    "requestBody": body(
        {
            JSON: {
                "schema": ref("NewKey"),
                **shown({"service_id": "core-bank", "scopes": ["events.send", "limit.acknowledge"], "days": 90}),
            }
        }
    ),
    "responses": answers(
        "The key, this once.",
        ref("MadeKey"),
        {"service_id": "core-bank", "scopes": KEY["scopes"], "ends_at": KEY["ends_at"], "key": "lk_8Zs..."},
        413, 422, 503,
        status=201,
    ),
}  # fmt: skip

END_KEYS = answers("How many have ended.", ref("EndedKeys"), {"service_id": "core-bank", "ended": 1}, 503)
