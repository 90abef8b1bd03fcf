"""Logins by HTTP: a session begins, tells who it is, and ends."""

from typing import Annotated

import msgspec
from fastapi import APIRouter, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from limitkeeper.app.people import IDLE_US, SESSION_US, LoginError, session_begun, session_ended
from limitkeeper.core.access.actors import SYSTEM, Actor
from limitkeeper.core.access.rights import RIGHTS, is_allowed
from limitkeeper.core.kernel.instants import instant_text
from limitkeeper.shells.api import case_documents as documents
from limitkeeper.shells.api.access import Gate, LoggedIn
from limitkeeper.shells.api.acts import body_as
from limitkeeper.shells.api.answers import answer
from limitkeeper.store.work import work

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class Login(msgspec.Struct, forbid_unknown_fields=True):
    """Who logs in."""

    person_id: Name
    password: Annotated[str, msgspec.Meta(min_length=1, max_length=256)]


def login_router(gate: Gate) -> APIRouter:
    """The routes of logins."""
    router = APIRouter(tags=["people"])

    @router.post("/v1/login", openapi_extra=documents.LOG_IN)
    async def log_in(request: Request) -> Response:
        """Begin a session; after several wrong passwords in a row a person is locked out for a while."""
        given = await body_as(request, Login)
        token, now_us = await run_in_threadpool(_begun, gate, given)
        if token is None:
            raise LoginError("The name or the password is not right, or the person is locked out for now.")
        document = {
            "token": token,
            "ends_at": instant_text(now_us + SESSION_US),
            "idle_seconds": IDLE_US // 1_000_000,
        }
        return answer(document, headers={"Cache-Control": "no-store"})

    @router.get("/v1/me", responses=documents.ME)
    async def me(actor: LoggedIn) -> Response:
        """Tell who is logged in, and what he may do."""
        return answer(me_document(actor))

    @router.post("/v1/logout", responses=documents.LOG_OUT)
    async def log_out(request: Request, actor: LoggedIn) -> Response:
        """End the session; a service's key stays good until it ends."""
        token = request.headers["authorization"].partition(" ")[2].strip()
        gate.forget(token)
        await run_in_threadpool(_ended, gate, token)
        return answer(me_document(actor) | {"acts": []})

    return router


def me_document(actor: Actor) -> dict[str, object]:
    """An actor as JSON, with the acts that he may do."""
    own = actor.customer_id or actor.actor_id
    return {"person_id": actor.actor_id, "roles": sorted(actor.roles), "customer_id": actor.customer_id,
            "acts": sorted(act for act in RIGHTS if is_allowed(actor, act, own))}  # fmt: skip


def _begun(gate: Gate, given: Login) -> tuple[str | None, int]:
    with work(gate.store, SYSTEM, gate.now_us()) as w:
        return session_begun(w, given.person_id.replace("\0", ""), given.password), w.now_us


def _ended(gate: Gate, token: str) -> None:
    with work(gate.store, SYSTEM, gate.now_us()) as w:
        session_ended(w, token)
