"""Errors of the framework and of the store, answered as our own are: what happened, what is allowed, what to do."""

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from sqlalchemy.exc import DBAPIError
from starlette.exceptions import HTTPException

from limitkeeper.core.kernel.errors import InputError, LimitkeeperError
from limitkeeper.engines.embedded.requests import BusyError
from limitkeeper.shells.api.answers import problem_answer, problem_document


def add_refusals(application: FastAPI) -> None:
    """Let what the framework refuses, and a store that does not answer, be told as every error is."""

    def refused(_request: Request, error: Exception) -> Response:
        """A field of the path or the query that does not hold: the first of them."""
        assert isinstance(error, RequestValidationError)
        first = error.errors()[0]
        problem = f"The field '{first['loc'][-1]}' cannot be read."
        advice = f"{first['msg']}."
        error = InputError(problem, value=first.get("input"), advice=advice)
        return problem_answer(problem_document(error, 422, "input", "Not as it should be"))

    def not_served(request: Request, error: Exception) -> Response:
        """A path or method that there is not."""
        assert isinstance(error, HTTPException)
        headers = dict(error.headers or {})
        found = LimitkeeperError(
            f"{error.detail}.",
            value=f"{request.method} {request.url.path}"[:200],
            allowed=headers.get("Allow"),
            advice="See /docs.",
        )
        return problem_answer(problem_document(found, error.status_code, "not-served", "Not served"), headers)

    def store_away(_request: Request, _error: Exception) -> Response:
        """A store that fails while it is read."""
        error = LimitkeeperError("The store does not answer.", advice="Try again later.")
        document = problem_document(error, 503, "store-away", "The store is away")
        return problem_answer(document, {"Retry-After": str(BusyError.retry_seconds)})

    application.add_exception_handler(RequestValidationError, refused)
    application.add_exception_handler(HTTPException, not_served)
    application.add_exception_handler(DBAPIError, store_away)
