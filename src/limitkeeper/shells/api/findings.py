"""Alerts and proposals: lists, one with its trace, and the live stream of both."""

import json
from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import Response, StreamingResponse
from starlette.concurrency import run_in_threadpool

from limitkeeper.app.answers import Acted
from limitkeeper.app.looks import shown
from limitkeeper.app.overview import is_current
from limitkeeper.core.access.actors import Actor
from limitkeeper.core.kernel.errors import InputError, did_you_mean
from limitkeeper.core.kernel.instants import instant
from limitkeeper.core.strategy.actions import Severity
from limitkeeper.engines.embedded.engine import Engine
from limitkeeper.engines.embedded.findings import TRIGGERS
from limitkeeper.shells.api import documents, examples
from limitkeeper.shells.api.access import May
from limitkeeper.shells.api.acts import Desk
from limitkeeper.shells.api.answer_schemas import ALERT_STATUSES, PROPOSAL_STATUSES, PROPOSED
from limitkeeper.shells.api.answers import UnknownError, answer
from limitkeeper.shells.api.cursors import CURSOR_LETTERS, By, cursor_of, page, wanted_column
from limitkeeper.shells.api.measures import alerts_quiet_us
from limitkeeper.shells.api.names import WITHOUT_NUL
from limitkeeper.shells.api.stream import Changed, Follower, followed, listening
from limitkeeper.store.sql import Store
from limitkeeper.store.tables import alerts, portfolio_alerts, proposals
from limitkeeper.store.work import Work

CURSOR = cursor_of([1_763_800_000_000_000, examples.ALERT["alert_id"]])

PAGE_ROWS = 100
PAGE_ROWS_MAX = 1_000

PageRows = Annotated[int, Query(ge=1, le=PAGE_ROWS_MAX, description="Rows at most.")]
Offset = Annotated[int, Query(ge=0, le=10**9, description="Rows passed over.")]
Cursor = Annotated[
    str | None,
    Query(max_length=CURSOR_LETTERS, description="Of the header `Link` of the page before: the rows after it, "
          "whatever came in the meantime; an offset counts from there.", examples=[CURSOR]),
]  # fmt: skip

CHOICES = {
    "alerts": {
        "trigger": TRIGGERS,
        "severity": tuple(each.code for each in Severity),
        "status": ALERT_STATUSES,
    },
    "proposals": {"action": PROPOSED, "status": PROPOSAL_STATUSES},
}
"""What may be asked of the rows of each table, by field."""


def choice(table: str, name: str, description: str) -> Any:  # noqa: ANN401 - what the framework takes
    """A field of the query that is one of some names."""
    return Query(description=description, json_schema_extra={"enum": list(CHOICES[table][name])})


AlertId = Annotated[
    str, Path(description="The id of an alert.", examples=[examples.ALERT["alert_id"]]), WITHOUT_NUL
]
ProposalId = Annotated[
    str, Path(description="The id of a proposal.", examples=[examples.PROPOSAL["proposal_id"]]), WITHOUT_NUL
]
AccountId = Annotated[str | None, Query(description="Only of this account.", examples=["a-7"]), WITHOUT_NUL]

Current = Annotated[
    bool | None,
    Query(description="Only those that a hit now adds to: seen within the quiet days (`alert_quiet_days`); "
          "or with `false`, those that are over."),
]  # fmt: skip

READ = [Depends(May("alerts.read"))]

AlertReader = Annotated[Actor, Depends(May("alerts.read"))]
ProposalReader = Annotated[Actor, Depends(May("proposals.read"))]
Acknowledger = Annotated[Actor, Depends(May("alerts.acknowledge"))]

BRIEF_ALERT = [column for column in alerts.c if column.name != "trace"]
BRIEF_PROPOSAL = [column for column in proposals.c if column.name != "trace"]

ALERT_ORDER = By(alerts.c.seen_us, is_descending=True), By(alerts.c.alert_id)
PROPOSAL_ORDER = By(proposals.c.made_us, is_descending=True), By(proposals.c.proposal_id)


def alert_document(row: dict[str, Any]) -> dict[str, Any]:
    """A row of an alert as JSON."""
    found = {name: value for name, value in row.items() if not name.endswith("_us")}
    found["rules"] = json.loads(row["rules"])
    found["opened_at"], found["seen_at"] = (
        instant(row[name]).isoformat() for name in ("opened_us", "seen_us")
    )
    if "trace" in row:
        found["trace"] = json.loads(row["trace"])
    return found


def proposal_document(row: dict[str, Any]) -> dict[str, Any]:
    """A row of a proposal as JSON."""
    found = {name: value for name, value in row.items() if not name.endswith("_us")}
    found["made_at"], found["status_at"] = (
        instant(row[name]).isoformat() for name in ("made_us", "status_us")
    )
    if "trace" in row:
        found["trace"] = json.loads(row["trace"])
    return found


CHANGED = (
    Changed(alerts, BRIEF_ALERT, "alert.now", alert_document),
    Changed(proposals, BRIEF_PROPOSAL, "proposal.now", proposal_document),
    Changed(portfolio_alerts, list(portfolio_alerts.c), "portfolio.now", dict),
)
"""What a listener who comes back is told of."""


def findings_router(engine: Engine, store: Store, desk: Desk | None = None) -> APIRouter:
    """The routes of alerts and proposals; with a desk, looks at one with its trace are noted, and who acknowledged."""
    router = APIRouter()

    @router.get("/v1/alerts", tags=["alerts"], responses=documents.ALERTS)
    async def list_alerts(
        request: Request,
        actor: AlertReader,
        account_id: AccountId = None,
        trigger: Annotated[str | None, choice("alerts", "trigger", "Only of this trigger.")] = None,
        severity: Annotated[str | None, choice("alerts", "severity", "Only as bad as this.")] = None,
        status: Annotated[str | None, choice("alerts", "status", "Only with this status.")] = None,
        current: Current = None,
        limit: PageRows = PAGE_ROWS,
        offset: Offset = 0,
        cursor: Cursor = None,
    ) -> Response:
        """List alerts, the newest first, without their traces.

        Where more follow, the header `Link` names the next page by its cursor; deep pages come as quickly as the first.
        """
        query = sa.select(*BRIEF_ALERT).offset(offset)
        wanted = {"account_id": account_id, "trigger": trigger, "severity": severity, "status": status}
        query = filtered(query, alerts, wanted)
        query = current_only(query, alerts_quiet_us(engine), wanted, current)
        found = await run_in_threadpool(page, store, query, ALERT_ORDER, limit, cursor, alert_document)
        return await findings_listed(desk, request, actor, "alert.list", found)

    @router.get("/v1/alerts/{alert_id}", tags=["alerts"], responses=documents.ONE_ALERT)
    async def one_alert(alert_id: AlertId, actor: AlertReader) -> Response:
        """Tell one alert with the trace of the decision behind it."""
        row = await one_row(store, alerts, alerts.c.alert_id, alert_id)
        return await finding_seen(desk, actor, f"alert:{alert_id}", row, alert_document(row))

    @router.post(
        "/v1/alerts/{alert_id}/acknowledge",
        tags=["alerts"],
        responses=documents.ACKNOWLEDGED,
    )
    async def acknowledge(request: Request, alert_id: AlertId, actor: Acknowledger) -> Response:
        """Acknowledge an alert: it is known. It opens again by itself if it grows worse."""
        row = await one_row(store, alerts, alerts.c.alert_id, alert_id)
        change = alerts.update().where(alerts.c.alert_id == alert_id).values(status="acknowledged")
        if desk is None:
            await run_in_threadpool(store.change, change)
        else:
            await desk.performed(request, actor, acknowledging(change, row), None)
        return answer(alert_document(await one_row(store, alerts, alerts.c.alert_id, alert_id)))

    @router.get(
        "/v1/portfolio/alerts", tags=["alerts"], responses=documents.PORTFOLIO_ALERTS, dependencies=READ
    )
    async def list_portfolio_alerts(limit: PageRows = PAGE_ROWS, offset: Offset = 0) -> Response:
        """List days on which a trigger's alerts were far from usual over the whole portfolio, the last first."""
        query = sa.select(portfolio_alerts).order_by(
            portfolio_alerts.c.day.desc(), portfolio_alerts.c.trigger
        )
        return answer(await run_in_threadpool(store.rows, query.limit(limit).offset(offset)))

    @router.get("/v1/proposals", tags=["proposals"], responses=documents.PROPOSALS)
    async def list_proposals(
        request: Request,
        actor: ProposalReader,
        account_id: AccountId = None,
        action: Annotated[str | None, choice("proposals", "action", "Only this action.")] = None,
        status: Annotated[str | None, choice("proposals", "status", "Only with this status.")] = None,
        limit: PageRows = PAGE_ROWS,
        offset: Offset = 0,
        cursor: Cursor = None,
    ) -> Response:
        """List proposals, the newest first, without their traces.

        Where more follow, the header `Link` names the next page by its cursor; deep pages come as quickly as the first.
        """
        query = sa.select(*BRIEF_PROPOSAL).offset(offset)
        wanted = {"account_id": account_id, "action": action, "status": status}
        query = filtered(query, proposals, wanted)
        found = await run_in_threadpool(page, store, query, PROPOSAL_ORDER, limit, cursor, proposal_document)
        return await findings_listed(desk, request, actor, "proposal.list", found)

    @router.get(
        "/v1/proposals/{proposal_id}",
        tags=["proposals"],
        responses=documents.ONE_PROPOSAL,
    )
    async def one_proposal(proposal_id: ProposalId, actor: ProposalReader) -> Response:
        """Tell one proposal with its trace and reasons."""
        row = await one_row(store, proposals, proposals.c.proposal_id, proposal_id)
        return await finding_seen(desk, actor, f"proposal:{proposal_id}", row, proposal_document(row))

    async def follower() -> AsyncIterator[Follower]:
        with listening(engine) as found:
            yield found

    @router.get(
        "/v1/stream",
        tags=["alerts"],
        response_class=StreamingResponse,
        responses=documents.STREAM,
        openapi_extra=documents.STREAM_PARAMETERS,
    )
    async def stream(
        request: Request, actor: ProposalReader, heard: Annotated[Follower, Depends(follower)]
    ) -> StreamingResponse:
        """Follow alerts and proposals as they are committed (Server-Sent Events).

        The last message of a micro-batch has its sequence as id: who comes back with `Last-Event-ID` is told of what
        changed since, as `alert.now` and `proposal.now`. Who is too slow is told `lagged`, and the stream ends.
        """
        since = request.headers.get("last-event-id", "")
        last = int(since) if since.isascii() and since.isdigit() and len(since) < 16 else None  # noqa: PLR2004
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        await stream_opened(desk, actor)
        return StreamingResponse(
            followed(engine, store, heard, last, CHANGED), media_type="text/event-stream", headers=headers
        )

    return router


def acknowledging(change: sa.Update, row: dict[str, Any]) -> Callable[[Work], Acted]:
    """The act that acknowledges an alert: it changes, and it is noted who did it."""

    def act(w: Work) -> Acted:
        w.connection.execute(change)
        w.note("alert.acknowledge", f"alert:{row['alert_id']}", {"account": row["account_id"]})
        return Acted(None)

    return act


async def finding_seen(
    desk: Desk | None, actor: Actor, subject: str, row: dict[str, Any], document: dict[str, Any]
) -> Response:
    """An alert or a proposal with its trace, once it is noted who looked; a monitor alone knows no people."""
    if desk is None:
        return answer(document)
    act = subject.partition(":")[0] + ".look"
    return await desk.noted(actor, act, subject, document, {"account": row["account_id"]})


async def findings_listed(
    desk: Desk | None, request: Request, actor: Actor, act: str, found: dict[str, Any]
) -> Response:
    """A page of alerts or proposals, once it is noted whose were shown; a monitor alone knows no people."""
    if desk is not None:
        await desk.listed(actor, act, shown(found["items"]))
    return linked(request, found)


async def stream_opened(desk: Desk | None, actor: Actor) -> None:
    """Note that somebody begins to follow the stream; a monitor alone knows no people."""
    if desk is not None:
        await desk.listed(actor, "stream.look", shown(()), "stream:findings")


def linked(request: Request, found: dict[str, Any]) -> Response:
    """The rows of a page as a list; where more follow, the header ``Link`` (RFC 8288) names the next page."""
    if found["next"] is None:
        return answer(found["items"])
    onward = request.url.remove_query_params("offset").include_query_params(cursor=found["next"])
    return answer(found["items"], headers={"Link": f'<{onward.path}?{onward.query}>; rel="next"'})


def filtered(query: sa.Select[Any], table: sa.Table, wanted: dict[str, str | None]) -> sa.Select[Any]:
    """The query, for the rows with the values that are asked for.

    Raises
    ------
    InputError
        When one of them is none that such rows have.
    """
    for name, value in wanted.items():
        if value is not None:
            choices = CHOICES[table.name].get(name)
            if choices and value not in choices:
                raise InputError(
                    f"There is no such {name}.",
                    value=value[:200],
                    allowed=", ".join(choices),
                    advice=did_you_mean(value[:200], choices),
                )
            query = query.where(wanted_column(table, name, wanted) == value)
    return query


def current_only(
    query: sa.Select[Any], quiet_us: int, wanted: dict[str, str | None], current: bool | None
) -> sa.Select[Any]:
    """The query, for the alerts that are not over, or for those that are; for all where neither is asked for."""
    if current is None:
        return query
    found = is_current(quiet_us, wanted_column(alerts, "seen_us", wanted))
    return query.where(found if current else ~found)


async def one_row(store: Store, table: sa.Table, column: sa.Column[Any], value: str) -> dict[str, Any]:
    """The row of that name.

    Raises
    ------
    UnknownError
        When there is none.
    """
    rows = await run_in_threadpool(store.rows, sa.select(table).where(column == value))
    if not rows:
        raise UnknownError(f"There is no such row of {table.name}.", value=value[:200])
    return rows[0]
