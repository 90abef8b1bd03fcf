"""Errors of the framework and of the store, answered as our own are: what happened, what is allowed, what to do."""

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from sqlalchemy.exc import DBAPIError
from starlette.exceptions import HTTPException

from limitkeeper.core.kernel.errors import InputError, LimitkeeperError
from limitkeeper.engines.embedded.requests import BusyError
from limitkeeper.shells.api.answers import answer, error_document


def add_refusals(application: FastAPI) -> None:
    """Let what the framework refuses, and a store that does not answer, be told as every error is."""

    def refused(_request: Request, error: Exception) -> Response:
        """A field of the path or the query that does not hold: the first of them."""
        assert isinstance(error, RequestValidationError)
        first = error.errors()[0]
        problem = f"The field '{first['loc'][-1]}' cannot be read."
        advice = f"{first['msg']}."
        return answer(error_document(InputError(problem, value=first.get("input"), advice=advice)), 422)

    def not_served(request: Request, error: Exception) -> Response:
        """A path or method that there is not."""
        assert isinstance(error, HTTPException)
        headers = dict(error.headers or {})
        document = error_document(
            LimitkeeperError(
                f"{error.detail}.",
                value=f"{request.method} {request.url.path}"[:200],
                allowed=headers.get("Allow"),
                advice="See /docs.",
            )
        )
        return answer(document, error.status_code, headers)

    def store_away(_request: Request, _error: Exception) -> Response:
        """A store that fails while it is read."""
        document = error_document(LimitkeeperError("The store does not answer.", advice="Try again later."))
        return answer(document, 503, {"Retry-After": str(BusyError.retry_seconds)})

    application.add_exception_handler(RequestValidationError, refused)
    application.add_exception_handler(HTTPException, not_served)
    application.add_exception_handler(DBAPIError, store_away)
