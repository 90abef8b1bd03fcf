"""The web application of a running server."""

from typing import Any

from fastapi import FastAPI, Request
from starlette.types import Receive, Scope, Send

from limitkeeper import __version__
from limitkeeper.core.kernel.errors import LimitkeeperError
from limitkeeper.engines.embedded.engine import Engine
from limitkeeper.shells.api.answers import add_error_answers, error_answer
from limitkeeper.shells.api.deliveries import deliveries_router
from limitkeeper.shells.api.documents import TAGS, completed
from limitkeeper.shells.api.events import EVENTS_PATH, Endpoint, events_router, events_taker
from limitkeeper.shells.api.findings import findings_router
from limitkeeper.shells.api.lines import accounts_router
from limitkeeper.shells.api.measures import measures_router
from limitkeeper.shells.api.pages.page import add_pages
from limitkeeper.shells.api.refusals import add_refusals

DESCRIPTION = """Events in, portraits kept, alerts and proposals out. Amounts are whole minor units, times UTC.

What is answered is committed: after a crash nothing that was acknowledged is lost, and sending it again changes
nothing. Errors say what happened, what was given, what is allowed and what to do next."""


class DescribedApplication(FastAPI):
    """An application whose OpenAPI document is completed with the schemas of its answers.

    Events, its hot route, go past the framework's layers to the same function that the route calls.
    """

    take_events: Endpoint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http" or (scope["path"], scope["method"]) != (EVENTS_PATH, "POST"):
            await super().__call__(scope, receive, send)
            return
        try:
            response = await self.take_events(Request(scope, receive))
        except LimitkeeperError as error:
            response = error_answer(error)
        await response(scope, receive, send)

    def openapi(self) -> dict[str, Any]:
        """The document, made once."""
        if self.openapi_schema is None:
            self.openapi_schema = completed(super().openapi())
        return self.openapi_schema


def application(engine: Engine) -> FastAPI:
    """The application over an engine that runs."""
    app = DescribedApplication(
        title="Limitkeeper",
        version=__version__,
        description=DESCRIPTION,
        docs_url=None,  # the page of the framework loads scripts from another host
        redoc_url=None,
        openapi_url="/openapi.json",
        openapi_tags=TAGS,
        generate_unique_id_function=lambda route: route.name,
    )
    app.take_events = events_taker(engine)
    add_error_answers(app)
    add_refusals(app)
    for router in (
        events_router(engine, app.take_events),
        accounts_router(engine),
        findings_router(engine, engine.store),
        deliveries_router(engine),
        measures_router(engine),
    ):
        app.include_router(router)
    add_pages(app)
    return app
