"""The web application of a running server."""

from itertools import chain
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from starlette.types import Receive, Scope, Send

from limitkeeper import __version__
from limitkeeper.app.campaigns import unmeasured
from limitkeeper.app.login_attempts import LoginAttempts
from limitkeeper.core.behaviour.events import DAY_US
from limitkeeper.core.kernel.errors import LimitkeeperError
from limitkeeper.engines.embedded.engine import Engine
from limitkeeper.shells.api.access import Gate, acts_of_routes
from limitkeeper.shells.api.account_views import account_views_router
from limitkeeper.shells.api.acts import Desk
from limitkeeper.shells.api.aggregates import aggregates_router
from limitkeeper.shells.api.answers import add_error_answers, error_answer
from limitkeeper.shells.api.appeals import appeal_acts_router, appeals_router, evidence_router
from limitkeeper.shells.api.bank import bank_router
from limitkeeper.shells.api.bounces import bounces_router
from limitkeeper.shells.api.campaign_selection import selection_router
from limitkeeper.shells.api.campaigns import campaign_acts_router, campaigns_router
from limitkeeper.shells.api.cases import cases_router
from limitkeeper.shells.api.consents import consents_router
from limitkeeper.shells.api.customer_lines import customer_lines_router, requests_router, staff_lines_router
from limitkeeper.shells.api.customers import contacts_router, customers_router
from limitkeeper.shells.api.deliveries import deliveries_router
from limitkeeper.shells.api.draft_trials import draft_trials_router
from limitkeeper.shells.api.events import EVENTS_PATH, MAY_SEND, Endpoint, events_router, events_taker
from limitkeeper.shells.api.findings import findings_router
from limitkeeper.shells.api.freezes import freezes_router
from limitkeeper.shells.api.lines import accounts_router
from limitkeeper.shells.api.login import login_router
from limitkeeper.shells.api.login_oidc import oidc_router
from limitkeeper.shells.api.measures import measures_router
from limitkeeper.shells.api.notices import notices_router
from limitkeeper.shells.api.openapi import TAGS, completed
from limitkeeper.shells.api.oversight import absences_router, audit_router, mandates_router
from limitkeeper.shells.api.overview import Overview, overview_router
from limitkeeper.shells.api.pages.page import add_pages
from limitkeeper.shells.api.people import keys_router, people_changes_router, people_router
from limitkeeper.shells.api.refusals import add_refusals
from limitkeeper.shells.api.release_acts import release_gates_router, release_shares_router
from limitkeeper.shells.api.releases import fairness_reports_router, releases_router
from limitkeeper.shells.api.rights_requests import copies_router, rights_acts_router, rights_router
from limitkeeper.shells.api.strategies import regulation_router, strategies_router
from limitkeeper.shells.api.timelines import timelines_router
from limitkeeper.shells.console.application import console_application
from limitkeeper.shells.console.elsewhere import arrived
from limitkeeper.shells.console.live import Live
from limitkeeper.shells.console.look import Console, Demonstration
from limitkeeper.shells.console.session import ROOT
from limitkeeper.shells.feeds.workflow import Workflow

DESCRIPTION = """Events in, portraits kept, alerts and proposals out. Amounts are whole minor units, times UTC.

What is answered is committed: after a crash nothing that was acknowledged is lost, and sending it again changes
nothing. Errors say what happened, what was given, what is allowed and what to do next."""


class DescribedApplication(FastAPI):
    """An application whose OpenAPI document is completed with the schemas of its answers.

    Events, its hot route, go past the framework's layers to the same function that the route calls.
    """

    take_events: Endpoint
    acts: dict[tuple[str, str], str | None]
    """Of each method and path: the act that its rule names."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http" or (scope["path"], scope["method"]) != (EVENTS_PATH, "POST"):
            await super().__call__(scope, receive, send)
            return
        scope["app"] = self
        request = Request(scope, receive)
        try:
            await MAY_SEND(request)
            response = await self.take_events(request)
        except LimitkeeperError as error:
            response = error_answer(error)
        await response(scope, receive, send)

    def openapi(self) -> dict[str, Any]:
        """The document, made once."""
        if self.openapi_schema is None:
            gate: Gate = self.state.gate
            self.openapi_schema = completed(super().openapi(), None if gate.is_open else self.acts)
        return self.openapi_schema


def application(
    engine: Engine, workflow: Workflow | None = None, demonstration: Demonstration | None = None
) -> DescribedApplication:
    """The application over an engine that runs.

    Parameters
    ----------
    engine
        Which runs.
    workflow
        Of cases and notices; without it there are none, whoever reaches the server may do anything, and there is no
        console.
    demonstration
        What the console's start page shows of a demonstration.
    """
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
    app.state.gate = Gate(engine.store, engine.now_us, is_open=workflow is None)
    add_error_answers(app)
    add_refusals(app)
    desk = Desk(engine.store, engine.as_of_us) if workflow else None
    routers = [
        events_router(engine, app.take_events),
        accounts_router(engine, desk),
        freezes_router(engine, workflow),
        findings_router(engine, engine.store, desk),
        deliveries_router(engine, desk),
        measures_router(engine),
        *(workflow_routers(app.state.gate, engine, workflow, desk) if workflow and desk else ()),
    ]
    for router in routers:
        app.include_router(router)
    add_pages(app, home=ROOT if workflow else "/docs")
    if workflow:
        app.mount(ROOT, console_application(console_of(app, engine, workflow, demonstration)))
    app.acts = acts_of_routes(chain(app.routes, *(router.routes for router in routers)))
    return app


def console_of(
    app: DescribedApplication, engine: Engine, workflow: Workflow, demonstration: Demonstration | None
) -> Console:
    """What the console shows of a server."""
    return Console(
        app,
        engine.as_of_us,
        Live(engine, app.state.gate, Desk(engine.store, engine.as_of_us)),
        currency_sign=workflow.on_approved.currency_sign,
        time_zone=engine.policy.terms.time_zone,
        oidc=workflow.oidc,
        demonstration=demonstration,
        is_event_time=engine.settings.event_time,
        quiet_days=engine.policy.terms.watch.fold.quiet_us // DAY_US,
    )


def workflow_routers(gate: Gate, engine: Engine, workflow: Workflow, desk: Desk) -> tuple[APIRouter, ...]:
    """The routes of Workflow."""
    oidc, attempts = workflow.oidc, LoginAttempts()
    overview = Overview(engine)
    treated = workflow.attributes.treatment if workflow.attributes else unmeasured
    return (
        overview_router(overview),
        account_views_router(desk, engine, overview),
        timelines_router(desk, engine),
        login_router(gate, attempts, by_password=oidc is None or oidc.local_accounts),
        *((oidc_router(gate, oidc, attempts, arrived),) if oidc else ()),
        cases_router(desk, workflow.policy, workflow.on_approved),
        customer_lines_router(desk, engine, workflow.on_approved),
        requests_router(desk, engine, workflow.policy, workflow.on_approved),
        staff_lines_router(desk, workflow.policy, workflow.on_approved),
        customers_router(desk, workflow.seal),
        contacts_router(desk, workflow.seal),
        notices_router(desk, workflow.seal),
        appeals_router(desk, workflow.desk),
        evidence_router(desk, workflow.desk),
        appeal_acts_router(desk, workflow.desk),
        mandates_router(desk, workflow.policy),
        absences_router(desk, workflow.policy),
        audit_router(desk, workflow.seal),
        people_router(desk),
        people_changes_router(desk),
        keys_router(desk),
        bounces_router(desk),
        bank_router(desk),
        selection_router(desk, engine),
        campaigns_router(desk, workflow.policy, treated),
        campaign_acts_router(desk, workflow.policy, treated),
        rights_router(desk, workflow.seal, engine),
        copies_router(desk, workflow.seal, engine),
        rights_acts_router(desk, workflow.seal, engine),
        consents_router(desk),
        aggregates_router(desk),
        strategies_router(desk, engine),
        draft_trials_router(desk, engine, overview.sampler),
        regulation_router(desk),
        releases_router(desk),
        release_gates_router(desk),
        release_shares_router(desk),
        fairness_reports_router(desk),
    )
