"""People and keys by HTTP: who is let in, with which roles, and which services may do what."""

from collections.abc import Callable
from typing import Annotated

import msgspec
import sqlalchemy as sa
from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from limitkeeper.app.answers import Acted
from limitkeeper.app.looks import shown
from limitkeeper.app.people import (
    PASSWORD_LETTERS,
    key_made,
    keys_ended,
    password_set,
    person_added,
    person_ended,
    roles_set,
    unlocked,
)
from limitkeeper.app.people_documents import key_document, person_document
from limitkeeper.core.access.actors import Actor
from limitkeeper.core.access.rights import check_right, is_allowed
from limitkeeper.core.behaviour.events import DAY_US
from limitkeeper.core.kernel.instants import instant_text
from limitkeeper.shells.api import people_schemas as documents
from limitkeeper.shells.api.access import May
from limitkeeper.shells.api.acts import Desk, IdempotencyKey, body_as
from limitkeeper.shells.api.answers import answer
from limitkeeper.shells.api.cursors import PAGE_ROWS, By, Cursor, PageSize, page
from limitkeeper.shells.api.login import Name
from limitkeeper.shells.api.names import WITHOUT_NUL
from limitkeeper.store.people_tables import api_keys, people
from limitkeeper.store.work import Work

PersonId = Annotated[str, Path(max_length=200, description="Whose name.", examples=["ann"]), WITHOUT_NUL]
ServiceId = Annotated[
    str, Path(max_length=200, description="Of which service.", examples=["core-bank"]), WITHOUT_NUL
]
Reader = Annotated[Actor, Depends(May("person.read"))]
Changer = Annotated[Actor, Depends(May("person.change"))]
Own = Annotated[Actor, Depends(May("person.password"))]
KeyChanger = Annotated[Actor, Depends(May("key.change"))]

Password = Annotated[str, msgspec.Meta(min_length=PASSWORD_LETTERS[0], max_length=PASSWORD_LETTERS[1])]
Roles = Annotated[list[str], msgspec.Meta(max_length=10)]


class NewPerson(msgspec.Struct, forbid_unknown_fields=True):
    """Somebody to be let in."""

    person_id: Name
    roles: Roles
    password: Password | None = None
    customer_id: Name | None = None


class NewRoles(msgspec.Struct, forbid_unknown_fields=True):
    """Other roles of somebody."""

    roles: Roles


class NewPassword(msgspec.Struct, forbid_unknown_fields=True):
    """A new password."""

    password: Password


class NewKey(msgspec.Struct, forbid_unknown_fields=True):
    """A key to be made."""

    service_id: Name
    scopes: Annotated[list[str], msgspec.Meta(min_length=1, max_length=50)]
    days: float


def changed(person_id: str, change: Callable[[Work], None], status: int = 200) -> Callable[[Work], Acted]:
    """The act that changes a person, and tells how he is after it."""

    def act(w: Work) -> Acted:
        change(w)
        return Acted(person_document(w.found(people, person_id), w.now_us), status)

    return act


def people_router(desk: Desk) -> APIRouter:
    """The routes of people."""
    router = APIRouter(tags=["people"])

    @router.get("/v1/people", responses=documents.PEOPLE)
    async def list_people(
        actor: Reader,
        is_active: Annotated[bool | None, Query(description="Only those who are let in, or are not.")] = None,
        limit: PageSize = PAGE_ROWS,
        cursor: Cursor = None,
    ) -> Response:
        """List people, by name."""
        query = sa.select(people)
        if is_active is not None:
            query = query.where(people.c.is_active.is_(is_active))
        now_us = desk.now_us()
        found = await run_in_threadpool(
            page, desk.store, query, (By(people.c.person_id),), limit, cursor,
            lambda row: person_document(row, now_us),
        )  # fmt: skip
        await desk.listed(actor, "person.list", shown(found["items"]))
        return answer(found)

    @router.post("/v1/people", status_code=201, openapi_extra=documents.ADD_PERSON)
    async def add_person(request: Request, actor: Changer, key: IdempotencyKey = None) -> Response:
        """Let somebody in; nobody gives himself a role."""
        new = await body_as(request, NewPerson)

        def add(w: Work) -> None:
            person_added(w, new.person_id, new.roles, new.password, new.customer_id)

        return await desk.performed(request, actor, changed(new.person_id, add, 201), key)

    @router.post("/v1/people/{person_id}/password", openapi_extra=documents.SET_PASSWORD)
    async def set_password(request: Request, person_id: PersonId, actor: Own) -> Response:
        """Set a password: one's own, or as an operator somebody's; every session of that person ends."""
        if not is_allowed(actor, "person.change"):
            check_right(actor, "person.password", person_id)
        new = await body_as(request, NewPassword)
        act = changed(person_id, lambda w: password_set(w, person_id, new.password))
        return await desk.performed(request, actor, act, None)

    return router


def people_changes_router(desk: Desk) -> APIRouter:
    """The routes that change somebody."""
    router = APIRouter(tags=["people"])

    @router.post("/v1/people/{person_id}/roles", openapi_extra=documents.SET_ROLES)
    async def set_roles(
        request: Request, person_id: PersonId, actor: Changer, key: IdempotencyKey = None
    ) -> Response:
        """Give somebody else other roles; open sessions have them at once."""
        new = await body_as(request, NewRoles)
        return await desk.performed(
            request, actor, changed(person_id, lambda w: roles_set(w, person_id, new.roles)), key
        )

    @router.post("/v1/people/{person_id}/end", responses=documents.END_PERSON)
    async def end_person(
        request: Request, person_id: PersonId, actor: Changer, key: IdempotencyKey = None
    ) -> Response:
        """Let somebody in no more; his sessions end."""
        return await desk.performed(
            request, actor, changed(person_id, lambda w: person_ended(w, person_id)), key
        )

    @router.post("/v1/people/{person_id}/unlock", responses=documents.UNLOCK)
    async def unlock_person(
        request: Request, person_id: PersonId, actor: Changer, key: IdempotencyKey = None
    ) -> Response:
        """Open an account that wrong passwords have locked."""
        return await desk.performed(request, actor, changed(person_id, lambda w: unlocked(w, person_id)), key)

    return router


def keys_router(desk: Desk) -> APIRouter:
    """The routes of services' keys."""
    router = APIRouter(tags=["people"])

    @router.get("/v1/keys", responses=documents.KEYS, dependencies=[Depends(May("key.read"))])
    async def list_keys(limit: PageSize = PAGE_ROWS, cursor: Cursor = None) -> Response:
        """List which services have keys now, for which acts and until when."""
        query = sa.select(api_keys).where(api_keys.c.ends_us > desk.now_us())
        order = (By(api_keys.c.service_id), By(api_keys.c.key_hash))
        return answer(await run_in_threadpool(page, desk.store, query, order, limit, cursor, key_document))

    @router.post("/v1/keys", status_code=201, openapi_extra=documents.MAKE_KEY)
    async def make_key(request: Request, actor: KeyChanger) -> Response:
        """Make a key of a service; keys that it has stay good, so that it can change over."""
        new = await body_as(request, NewKey)

        def act(w: Work) -> Acted:
            made = key_made(w, new.service_id, new.scopes, new.days)
            ends_at = instant_text(w.now_us + int(new.days * DAY_US))
            return Acted({"service_id": new.service_id, "scopes": sorted(set(new.scopes)), "ends_at": ends_at,
                          "key": made}, 201)  # fmt: skip

        return await desk.performed(request, actor, act, None)  # a secret is not kept to be told again

    @router.post("/v1/keys/{service_id}/end", responses=documents.END_KEYS)
    async def end_keys(
        request: Request, service_id: ServiceId, actor: KeyChanger, key: IdempotencyKey = None
    ) -> Response:
        """End all keys of a service."""

        def act(w: Work) -> Acted:
            return Acted({"service_id": service_id, "ended": keys_ended(w, service_id)})

        return await desk.performed(request, actor, act, key)

    return router
