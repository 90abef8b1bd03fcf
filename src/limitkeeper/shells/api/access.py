"""Who comes in, and what he may do: a token or a key becomes an actor, and each route names its act."""

import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.routing import BaseRoute

from limitkeeper.app.people import KEY_PREFIX, LoginError, key_actor, session_actor
from limitkeeper.core.access.actors import SYSTEM, SYSTEM_ROLE, Actor
from limitkeeper.core.access.rights import RIGHTS, check_right, own_id
from limitkeeper.store.sql import Store
from limitkeeper.store.work import reading, work

KNOWN_SECONDS = 5.0
"""Who a token is of is looked up again after so long: what is ended or taken away holds for no longer."""

KNOWN_MAX = 10_000
"""Tokens that are kept in mind."""

TOKEN_LETTERS = 512

ANYBODY = Actor("local", frozenset({SYSTEM_ROLE}))
"""Whoever reaches a server that knows no people."""


@dataclass
class Gate:
    """Tells who sends a request.

    Parameters
    ----------
    store
        Of people, sessions and keys.
    now_us
        The clock, UTC microseconds.
    is_open
        Whether anybody may do anything: a monitor alone, behind somebody else's door.
    """

    store: Store
    now_us: Callable[[], int]
    is_open: bool = False
    _known: OrderedDict[str, tuple[float, Actor]] = field(default_factory=OrderedDict, repr=False)

    async def actor(self, request: Request) -> Actor:
        """Who sends a request.

        Raises
        ------
        LoginError
            When he says no token or key, or one that is not good.
        """
        if self.is_open:
            return ANYBODY
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        token = token.strip()
        if kind.lower() != "bearer" or not 0 < len(token) <= TOKEN_LETTERS:
            raise LoginError(
                "Nobody is logged in.",
                allowed="Authorization: Bearer TOKEN, or a service's key",
                advice="POST /v1/login",
            )
        known = self._known.get(token)
        if known is not None and known[0] > time.monotonic():
            return known[1]
        found = await run_in_threadpool(self._found, token)
        self._known[token] = (time.monotonic() + KNOWN_SECONDS, found)
        while len(self._known) > KNOWN_MAX:
            self._known.popitem(last=False)
        return found

    async def watching(self, token: str) -> Actor:
        """Who has a session that a page watches by: what the page does by itself is no use of the session.

        Raises
        ------
        LoginError
            When the session is over.
        """

        def found() -> Actor:
            with reading(self.store, SYSTEM, self.now_us()) as w:
                return session_actor(w, token, is_use=False)

        return await run_in_threadpool(found)

    def forget(self, token: str) -> None:
        """Look a token up again at its next use."""
        self._known.pop(token, None)

    def _found(self, token: str) -> Actor:
        if token.startswith(KEY_PREFIX):
            with reading(self.store, SYSTEM, self.now_us()) as w:
                return key_actor(w, token)
        with work(self.store, SYSTEM, self.now_us()) as w:
            return session_actor(w, token)


@dataclass(frozen=True)
class May:
    """The rule of a route: who may do its act, on his own things at least.

    A route about somebody's things checks besides whose they are, with
    :func:`limitkeeper.core.access.rights.check_right`.

    Parameters
    ----------
    act
        Of :data:`limitkeeper.core.access.rights.RIGHTS`.
    """

    act: str

    def __post_init__(self) -> None:
        assert self.act in RIGHTS, self.act

    async def __call__(self, request: Request) -> Actor:
        """Who acts.

        Raises
        ------
        LoginError
            When nobody is logged in.
        ForbiddenError
            When he may not do it, not even on what is his own.
        """
        gate: Gate = request.app.state.gate
        actor = await gate.actor(request)
        check_right(actor, self.act, own_id(actor, self.act))
        return actor


@dataclass(frozen=True)
class SomebodyIn:
    """The rule of a route that everybody who is logged in may use."""

    act: str = ""

    async def __call__(self, request: Request) -> Actor:
        """Who acts.

        Raises
        ------
        LoginError
            When nobody is logged in.
        """
        gate: Gate = request.app.state.gate
        return await gate.actor(request)


LoggedIn = Annotated[Actor, Depends(SomebodyIn())]

OPEN_PATHS = frozenset({"/healthz", "/readyz", "/", "/docs", "/v1/login"})
"""What needs no login: health, the page of the interface, and the login itself."""


def rule_of(route: APIRoute) -> str | None:
    """The act that a route names; empty where everybody inside may, None where it has no rule.

    Examples
    --------
    >>> from fastapi import APIRouter
    >>> router = APIRouter()
    >>> @router.get("/x", dependencies=[Depends(May("case.read"))])
    ... def x() -> None: ...
    >>> rule_of(router.routes[0])
    'case.read'
    """
    waiting = [route.dependant]
    while waiting:
        each = waiting.pop()
        if isinstance(each.call, May | SomebodyIn):
            return each.call.act
        waiting += each.dependencies
    return None


def acts_of_routes(routes: Iterable[BaseRoute]) -> dict[tuple[str, str], str | None]:
    """The act of each method and path."""
    return {
        (method, route.path): rule_of(route)
        for route in routes
        if isinstance(route, APIRoute)
        for method in sorted(route.methods or ())
    }
