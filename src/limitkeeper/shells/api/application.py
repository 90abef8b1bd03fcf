"""The web application of a running server."""

from fastapi import FastAPI

from limitkeeper import __version__
from limitkeeper.engines.embedded.engine import Engine
from limitkeeper.shells.api.answers import add_error_answers
from limitkeeper.shells.api.events import events_router
from limitkeeper.shells.api.findings import findings_router
from limitkeeper.shells.api.lines import accounts_router
from limitkeeper.shells.api.measures import measures_router

DESCRIPTION = """Events in, portraits kept, alerts and proposals out. Amounts are whole minor units, times UTC.

What is answered is committed: after a crash nothing that was acknowledged is lost, and sending it again changes
nothing. Errors say what happened, what was given, what is allowed and what to do next."""


def application(engine: Engine) -> FastAPI:
    """The application over an engine that runs."""
    app = FastAPI(
        title="Limitkeeper",
        version=__version__,
        description=DESCRIPTION,
        docs_url=None,  # the page of the framework loads scripts from another host
        redoc_url=None,
        openapi_url="/openapi.json",
    )
    add_error_answers(app)
    for router in (
        events_router(engine),
        accounts_router(engine),
        findings_router(engine, engine.store),
        measures_router(engine),
    ):
        app.include_router(router)
    return app
