"""Logins by a provider of OpenID Connect: the way out, and the way back."""

from typing import Any, Protocol

import anyio
from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from limitkeeper.app.login_attempts import LoginAttempts
from limitkeeper.app.oidc_login import LOGIN_SECONDS, REFUSALS, OidcLogins
from limitkeeper.core.access.rights import ForbiddenError
from limitkeeper.core.kernel.errors import LimitkeeperError
from limitkeeper.shells.api import case_documents as documents
from limitkeeper.shells.api.access import Gate
from limitkeeper.shells.api.answers import answer, error_answer
from limitkeeper.shells.api.login import address_of, session_document

OUT_PATH = "/v1/login/oidc"
BACK_PATH = "/v1/login/oidc/callback"
OPEN_PATHS_OIDC = frozenset({OUT_PATH, BACK_PATH})
"""What needs no login besides, where there is a provider."""

COOKIE = "limitkeeper_login"
THEN_COOKIE = "limitkeeper_then"
"""Kept beside it where a login began at the console: where it goes on to there."""


ASKED_AT_ONCE = 4
"""Threads that may wait for the provider; where it does not answer, others go on with their work."""


class Arrived(Protocol):
    """What the console makes of the way back: see :func:`limitkeeper.shells.console.elsewhere.arrived`."""

    def __call__(self, request: Request, then: str, answered: Response, *, is_by_tls: bool) -> Response:
        """Answer who began there."""


class NotLetInError(ForbiddenError):
    """Somebody whom the provider knows and whom we do not let in.

    Parameters
    ----------
    refusal
        Of :data:`limitkeeper.app.oidc_login.REFUSALS`.
    """

    def __init__(self, refusal: str) -> None:
        self.rule = refusal
        english, self.chinese = REFUSALS[refusal]
        super().__init__(english)


def kept_terms(logins: OidcLogins) -> dict[str, Any]:
    """How a browser keeps what a login is known by: for the ways out and back alone, and by TLS where we are by TLS."""
    return {"path": OUT_PATH, "secure": logins.is_by_tls, "httponly": True, "samesite": "lax"}


def oidc_router(gate: Gate, logins: OidcLogins, attempts: LoginAttempts, arrived: Arrived) -> APIRouter:
    """The routes of logins by a provider.

    Parameters
    ----------
    gate
        Of the server.
    logins
        By the provider.
    attempts
        That failed.
    arrived
        What the console makes of the way back, where the way out began there.
    """
    router = APIRouter(tags=["people"])
    at_once: list[anyio.CapacityLimiter] = []  # made in the loop that it is of
    kept = kept_terms(logins)

    async def asked(what: Any, *given: Any) -> Any:  # noqa: ANN401 - whatever is asked
        if not at_once:
            at_once.append(anyio.CapacityLimiter(ASKED_AT_ONCE))
        return await anyio.to_thread.run_sync(what, *given, limiter=at_once[0])

    @router.get(OUT_PATH, status_code=303, response_class=Response, responses=documents.OIDC_OUT)
    async def log_in_elsewhere(request: Request) -> Response:
        """Send a person to the provider to log in; what the login is known by is kept in his browser."""
        url, cookie = await asked(logins.begun, gate.now_us())
        found = RedirectResponse(url, 303, {"Cache-Control": "no-store"})
        found.set_cookie(COOKIE, cookie, max_age=LOGIN_SECONDS, **kept)
        if THEN_COOKIE in request.cookies:  # of a login at the console that came to no end
            found.delete_cookie(THEN_COOKIE, **kept)
        return found

    @router.get(BACK_PATH, responses=documents.OIDC_BACK)
    async def come_back(request: Request) -> Response:
        """Begin a session of a person who comes back from the provider; his roles are those of his groups there."""
        now_us = gate.now_us()
        key = attempts.begun(address_of(request), now_us)
        returned = dict(request.query_params)
        try:
            login = await asked(logins.finished, gate.store, returned, request.cookies.get(COOKIE), now_us)
            if login.refusal is not None:
                raise NotLetInError(login.refusal)
        except LimitkeeperError as error:
            found = error_answer(error)
        else:
            attempts.succeeded(key)
            found = answer(session_document(login.token, now_us), headers={"Cache-Control": "no-store"})
        then = request.cookies.get(THEN_COOKIE)
        if then is not None:
            found = arrived(request, then, found, is_by_tls=logins.is_by_tls)
            found.delete_cookie(THEN_COOKIE, **kept)
        found.delete_cookie(COOKIE, **kept)
        return found

    return router
