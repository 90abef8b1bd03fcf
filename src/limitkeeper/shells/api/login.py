"""Logins by HTTP: a session begins, tells who it is, and ends."""

from typing import Annotated

import anyio
import msgspec
from fastapi import APIRouter, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from limitkeeper.app.customer_preferences import customer_row
from limitkeeper.app.login_attempts import LoginAttempts
from limitkeeper.app.people import IDLE_US, SESSION_US, LoginError, session_ended, session_of
from limitkeeper.core.access.actors import CUSTOMER, SYSTEM, Actor
from limitkeeper.core.access.rights import RIGHTS, is_allowed, own_id
from limitkeeper.core.kernel.instants import instant_text
from limitkeeper.shells.api import case_documents as documents
from limitkeeper.shells.api.access import Gate, LoggedIn
from limitkeeper.shells.api.acts import body_as
from limitkeeper.shells.api.answers import answer
from limitkeeper.shells.api.names import plain
from limitkeeper.store.work import reading, work

COMPARED_AT_ONCE = 4
"""Passwords that are compared at once: each takes 64 MiB, and time, on purpose."""

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class Login(msgspec.Struct, forbid_unknown_fields=True):
    """Who logs in."""

    person_id: Name
    password: Annotated[str, msgspec.Meta(min_length=1, max_length=256)]


def login_router(gate: Gate, attempts: LoginAttempts, *, by_password: bool = True) -> APIRouter:
    """The routes of logins.

    Parameters
    ----------
    gate
        Of the server.
    attempts
        That failed.
    by_password
        Whether passwords of ours log in; else only the provider's do.
    """
    router = APIRouter(tags=["people"])
    at_once: list[anyio.CapacityLimiter] = []  # made in the loop that it is of

    @router.post("/v1/login", openapi_extra=documents.LOG_IN)
    async def log_in(request: Request) -> Response:
        """Begin a session; after several wrong passwords in a row a person is locked out for a while."""
        given = await body_as(request, Login)
        if not by_password:
            raise LoginError("Passwords do not log in here.", advice="GET /v1/login/oidc")
        now_us = gate.now_us()
        key = attempts.begun(address_of(request), now_us)
        if not at_once:
            at_once.append(anyio.CapacityLimiter(COMPARED_AT_ONCE))
        name = plain(given.person_id)
        token = await anyio.to_thread.run_sync(
            session_of, gate.store, name, given.password, now_us, limiter=at_once[0]
        )
        if token is None:
            raise LoginError("The name or the password is not right, or the person is locked out for now.")
        attempts.succeeded(key)
        return answer(session_document(token, now_us), headers={"Cache-Control": "no-store"})

    @router.get("/v1/me", responses=documents.ME)
    async def me(actor: LoggedIn) -> Response:
        """Tell who is logged in, and what he may do; of a customer also how he wishes to be told."""
        if CUSTOMER not in actor.roles:
            return answer(me_document(actor))
        return answer(me_document(actor) | await run_in_threadpool(_wishes, gate, actor))

    @router.post("/v1/logout", responses=documents.LOG_OUT)
    async def log_out(request: Request, actor: LoggedIn) -> Response:
        """End the session; a service's key stays good until it ends."""
        token = request.headers["authorization"].partition(" ")[2].strip()
        gate.forget(token)
        await run_in_threadpool(_ended, gate, token)
        return answer(me_document(actor) | {"acts": []})

    return router


def _wishes(gate: Gate, actor: Actor) -> dict[str, object]:
    """The language and the time zone of a customer, who is told everything in them."""
    with reading(gate.store, SYSTEM, gate.now_us()) as w:
        customer = customer_row(w, actor.customer_id or "")
    return {name: customer[name] for name in ("language", "time_zone")}


def me_document(actor: Actor) -> dict[str, object]:
    """An actor as JSON, with the acts that he may do."""
    return {"person_id": actor.actor_id, "roles": sorted(actor.roles), "customer_id": actor.customer_id,
            "acts": sorted(act for act in RIGHTS if is_allowed(actor, act, own_id(actor, act)))}  # fmt: skip


def session_document(token: str, now_us: int) -> dict[str, object]:
    """A session that has begun, as JSON."""
    return {
        "token": token,
        "ends_at": instant_text(now_us + SESSION_US),
        "idle_seconds": IDLE_US // 1_000_000,
    }


def address_of(request: Request) -> str:
    """Where a request comes from; of one that a proxy on this machine sends on, what the proxy says."""
    return request.client.host if request.client else ""


def _ended(gate: Gate, token: str) -> None:
    with work(gate.store, SYSTEM, gate.now_us()) as w:
        session_ended(w, token)
