"""The web application of a running server."""

from typing import Any

from fastapi import FastAPI

from limitkeeper import __version__
from limitkeeper.engines.embedded.engine import Engine
from limitkeeper.shells.api.answers import add_error_answers
from limitkeeper.shells.api.deliveries import deliveries_router
from limitkeeper.shells.api.documents import TAGS, completed
from limitkeeper.shells.api.events import events_router
from limitkeeper.shells.api.findings import findings_router
from limitkeeper.shells.api.lines import accounts_router
from limitkeeper.shells.api.measures import measures_router
from limitkeeper.shells.api.pages.page import add_pages
from limitkeeper.shells.api.refusals import add_refusals

DESCRIPTION = """Events in, portraits kept, alerts and proposals out. Amounts are whole minor units, times UTC.

What is answered is committed: after a crash nothing that was acknowledged is lost, and sending it again changes
nothing. Errors say what happened, what was given, what is allowed and what to do next."""


class DescribedApplication(FastAPI):
    """An application whose OpenAPI document is completed with the schemas of its answers."""

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
    add_error_answers(app)
    add_refusals(app)
    for router in (
        events_router(engine),
        accounts_router(engine),
        findings_router(engine, engine.store),
        deliveries_router(engine),
        measures_router(engine),
    ):
        app.include_router(router)
    add_pages(app)
    return app
