"""How requests are answered: JSON by msgspec, errors that say what to do, one status a kind of error."""

import asyncio
from typing import Any

import msgspec
from fastapi import FastAPI, Request
from fastapi.responses import Response

from limitkeeper.app.login_attempts import TooManyLoginsError
from limitkeeper.app.people import LoginError
from limitkeeper.connectors.oidc import ProviderError
from limitkeeper.core.access.rights import ForbiddenError
from limitkeeper.core.approval.refusals import RefusedError
from limitkeeper.core.kernel.errors import InputError, LimitkeeperError
from limitkeeper.core.limits.ledger import LedgerError
from limitkeeper.engines.embedded.engine import Engine
from limitkeeper.engines.embedded.requests import BusyError, StoppedError
from limitkeeper.engines.embedded.requests import Request as Work
from limitkeeper.store.database import StoreError
from limitkeeper.store.work import ConflictError, MissingError

_encoder = msgspec.json.Encoder()

BODY_BYTES_MAX = 64 * 1024 * 1024
"""Bytes of a request's body."""


class TooLargeError(LimitkeeperError):
    """A body beyond the bound."""


class UnknownError(LimitkeeperError):
    """Something asked for by name that there is not."""


def answer(content: object, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A JSON answer."""
    return Response(_encoder.encode(content), status, headers, media_type="application/json")


def error_document(error: LimitkeeperError) -> dict[str, Any]:
    """An error as JSON: what happened, what was given, what is allowed, what to do."""
    return {
        "problem": error.problem,
        "value": None if error.value is None else str(error.value),
        "allowed": None if error.allowed is None else str(error.allowed),
        "advice": error.advice,
    }


PROBLEM = "application/problem+json"
"""RFC 9457."""

PROBLEM_TYPE = "urn:limitkeeper:problem:"


class PreconditionError(LimitkeeperError):
    """An act that does not say what it was decided on."""


KINDS: tuple[tuple[type[LimitkeeperError], int, str, str], ...] = (
    (BusyError, 429, "busy", "Too much at once"),
    (TooManyLoginsError, 429, "logins", "Too many logins failed"),
    (ProviderError, 502, "provider", "The login's provider fails"),
    (StoppedError, 503, "stopped", "Not running"),
    (StoreError, 503, "store-busy", "The store is busy"),
    (TooLargeError, 413, "too-large", "Too large"),
    (LoginError, 401, "login", "Not logged in"),
    (ForbiddenError, 403, "forbidden", "Not allowed"),
    (UnknownError, 404, "unknown", "Not there"),
    (MissingError, 404, "unknown", "Not there"),
    (PreconditionError, 428, "precondition", "Not said what was seen"),
    (RefusedError, 409, "refused", "Refused by a rule"),
    (ConflictError, 409, "conflict", "Changed in the meantime"),
    (LedgerError, 409, "ledger", "Not as the ledger is"),
    (InputError, 422, "input", "Not as it should be"),
    (LimitkeeperError, 500, "failed", "Failed"),
)
"""Each kind of error: its status, its type and its title; the first that fits."""

CHANGED_STATUS = 412
"""Where an act names the version that it was decided on, and that is no more."""


def problem_document(error: LimitkeeperError, status: int, kind: str, title: str) -> dict[str, Any]:
    """An error as a problem document (RFC 9457), with what was given, what is allowed, and what to do."""
    found = error_document(error)
    return {
        "type": PROBLEM_TYPE + kind,
        "title": title,
        "status": status,
        "detail": found.pop("problem"),
        **found,
    }


def error_answer(error: LimitkeeperError) -> Response:
    """The answer to an error of ours."""
    _, status, kind, title = next(row for row in KINDS if isinstance(error, row[0]))
    wait = getattr(error, "retry_seconds", BusyError.retry_seconds)
    headers = {"Retry-After": str(wait)} if status in (429, 503) else {}
    more: dict[str, Any] = {}
    if isinstance(error, LoginError):
        headers["WWW-Authenticate"] = "Bearer"
    if (chinese := getattr(error, "chinese", None)) is not None:
        more = {"rule": getattr(error, "rule", None), "detail_zh": chinese}
    if isinstance(error, RefusedError):
        status = CHANGED_STATUS if error.rule == "version" else status
    return problem_answer(problem_document(error, status, kind, title) | more, headers)


def problem_answer(document: dict[str, Any], headers: dict[str, str] | None = None) -> Response:
    """A problem as it is sent."""
    return Response(_encoder.encode(document), document["status"], headers, media_type=PROBLEM)


def add_error_answers(application: FastAPI) -> None:
    """Let every error of ours become an answer with its status."""

    def answered(_request: Request, error: Exception) -> Response:
        assert isinstance(error, LimitkeeperError)
        return error_answer(error)

    application.add_exception_handler(LimitkeeperError, answered)


async def body_of(request: Request) -> bytes:
    """The body of a request, refused beyond its bound before it is read whole.

    Raises
    ------
    TooLargeError
        When it is larger.
    """
    if (known := getattr(request.state, "body", None)) is not None:
        return bytes(known)
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > BODY_BYTES_MAX:
            raise TooLargeError("The body is too large.", value=f"{size} bytes", allowed=BODY_BYTES_MAX)
        parts.append(part)
    request.state.body = b"".join(parts)
    return bytes(request.state.body)


async def done(engine: Engine, work: Work) -> Any:  # noqa: ANN401 - whatever the work answers
    """The answer of some work, when it is committed."""
    return await asyncio.wrap_future(engine.submit(work))
