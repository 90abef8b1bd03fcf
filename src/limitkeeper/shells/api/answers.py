"""How requests are answered: JSON by msgspec, errors that say what to do, one status a kind of error."""

import asyncio
from typing import Any

import msgspec
from fastapi import FastAPI, Request
from fastapi.responses import Response

from limitkeeper.core.kernel.errors import InputError, LimitkeeperError
from limitkeeper.engines.embedded.engine import Engine
from limitkeeper.engines.embedded.requests import BusyError, StoppedError
from limitkeeper.engines.embedded.requests import Request as Work

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


STATUSES: tuple[tuple[type[LimitkeeperError], int], ...] = (
    (BusyError, 429),
    (StoppedError, 503),
    (TooLargeError, 413),
    (UnknownError, 404),
    (InputError, 422),
    (LimitkeeperError, 500),
)


def error_answer(error: LimitkeeperError) -> Response:
    """The answer to an error of ours."""
    status = next(status for kind, status in STATUSES if isinstance(error, kind))
    headers = {"Retry-After": str(BusyError.retry_seconds)} if status in (429, 503) else None
    return answer(error_document(error), status, headers)


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
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > BODY_BYTES_MAX:
            raise TooLargeError("The body is too large.", value=f"{size} bytes", allowed=BODY_BYTES_MAX)
        parts.append(part)
    return b"".join(parts)


async def done(engine: Engine, work: Work) -> Any:  # noqa: ANN401 - whatever the work answers
    """The answer of some work, when it is committed."""
    return await asyncio.wrap_future(engine.submit(work))
