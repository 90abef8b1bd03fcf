"""Logins by a provider of OpenID Connect: the way out, and the way back."""

from typing import Any

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

ASKED_AT_ONCE = 4
"""Threads that may wait for the provider; where it does not answer, others go on with their work."""


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


def oidc_router(gate: Gate, logins: OidcLogins, attempts: LoginAttempts) -> APIRouter:
    """The routes of logins by a provider."""
    router = APIRouter(tags=["people"])
    at_once: list[anyio.CapacityLimiter] = []  # made in the loop that it is of
    kept: dict[str, Any] = {
        "path": OUT_PATH,
        "secure": logins.provider.client.redirect_url.startswith("https:"),
        "httponly": True,
        "samesite": "lax",
    }

    async def asked(what: Any, *given: Any) -> Any:  # noqa: ANN401 - whatever is asked
        if not at_once:
            at_once.append(anyio.CapacityLimiter(ASKED_AT_ONCE))
        return await anyio.to_thread.run_sync(what, *given, limiter=at_once[0])

    @router.get(OUT_PATH, status_code=303, response_class=Response, responses=documents.OIDC_OUT)
    async def log_in_elsewhere() -> Response:
        """Send a person to the provider to log in; what the login is known by is kept in his browser."""
        url, cookie = await asked(logins.begun, gate.now_us())
        found = RedirectResponse(url, 303, {"Cache-Control": "no-store"})
        found.set_cookie(COOKIE, cookie, max_age=LOGIN_SECONDS, **kept)
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
        found.delete_cookie(COOKIE, **kept)
        return found

    return router
