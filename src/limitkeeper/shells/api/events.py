"""Events in: one or many, JSON, lines, Arrow or Parquet; and what would be decided of one that did not happen."""

import datetime as dt
from collections.abc import Awaitable, Callable
from functools import lru_cache
from typing import Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import QueryParams

from limitkeeper.connectors.events import ReadEvents, read_events
from limitkeeper.connectors.messages import MESSAGES_MAX, EventMessage, messages, read_messages
from limitkeeper.connectors.tables import arrow_table, parquet_table
from limitkeeper.core.kernel.errors import InputError
from limitkeeper.engines.embedded.engine import Engine
from limitkeeper.engines.embedded.portrait import STATUS_WORDS, hypothetical
from limitkeeper.engines.embedded.requests import Answer
from limitkeeper.engines.embedded.requests import Request as Work
from limitkeeper.shells.api.access import May
from limitkeeper.shells.api.answers import answer, body_of, done
from limitkeeper.shells.api.documents import ASSESS, EVENTS

JSON, LINES, ARROW = "application/json", "application/x-ndjson", "application/vnd.apache.arrow.stream"
PARQUET = "application/vnd.apache.parquet"
TABLES = {ARROW: arrow_table, PARQUET: parquet_table}

EVENTS_PATH = "/v1/events"

FEW_BYTES = 65_536
"""A longer body is read by another thread, so that nobody else waits for it."""

QUERIES_KEPT = 64
"""Queries that are not read again: nearly all are one of a few."""

MAY_SEND = May("events.send")

Endpoint = Callable[[Request], Awaitable[Response]]


def events_taker(engine: Engine) -> Endpoint:
    """What takes events, as a route calls it."""

    async def take_events(request: Request) -> Response:
        """Take events, in their order.

        Answered when they are committed. Sending an event again changes nothing: it is counted as a duplicate.
        Rows that are no events are refused one by one, with their reason: read = accepted + rejected + duplicate.
        With `?assess=true` each event comes back with its assessment.
        """
        assess = asked(request, "assess")
        body, kind = await body_of(request), media_type(request)
        if len(body) <= FEW_BYTES:
            content, count = content_of(body, kind, engine.latest_time)
        else:
            content, count = await run_in_threadpool(content_of, body, kind, engine.latest_time)
        if not 0 < count <= MESSAGES_MAX:
            raise InputError(
                "The number of events is out of bounds.", value=count, allowed=f"1 to {MESSAGES_MAX}"
            )
        found: Answer = await done(
            engine,
            Work("events", content, count, "http", assess=assess, trace=header(request, b"traceparent")),
        )
        return answer(answer_document(found, assess=assess))

    return take_events


def content_of(
    body: bytes, kind: str, as_of: Callable[[], dt.datetime]
) -> tuple[ReadEvents | list[EventMessage], int]:
    """What a body holds, and how many rows: a few messages as they are, and anything more read already."""
    if kind in TABLES:
        read = read_events(TABLES[kind](body, MESSAGES_MAX), as_of())
        return read, read.accepted.height + read.rejected.height
    rows = messages(body, lines=kind == LINES)
    return (rows if len(body) <= FEW_BYTES else read_messages(rows, as_of())), len(rows)


def events_router(engine: Engine, take_events: Endpoint) -> APIRouter:
    """The routes of events."""
    router = APIRouter(tags=["events"])
    router.post(EVENTS_PATH, openapi_extra=EVENTS, dependencies=[Depends(MAY_SEND)])(take_events)

    @router.post("/v1/assess", openapi_extra=ASSESS, dependencies=[Depends(May("events.assess"))])
    async def assess_event(request: Request) -> Response:
        """Tell what would be decided if an event happened now; nothing is changed."""
        rows = messages(await body_of(request))
        if len(rows) != 1:
            raise InputError("One event is assessed at a time.", value=len(rows), allowed=1)
        if rows[0].event_id is None:
            rows[0].event_id = "hypothetical"
        read = read_messages(rows, engine.latest_time())
        if read.rejected.height:
            raise InputError("The event cannot be read.", value=read.rejected["reason"][0])
        return answer(await done(engine, Work("read", lambda running: hypothetical(running, read.accepted))))

    return router


def header(request: Request, name: bytes) -> str | None:
    """A header by its name in lower case, without the cost of a mapping of them all."""
    for own, value in request.scope["headers"]:
        if own == name:
            found: str = value.decode("latin-1")
            return found
    return None


def media_type(request: Request) -> str:
    """The kind of a request's body.

    Raises
    ------
    InputError
        When it is none that is read.
    """
    kind = (header(request, b"content-type") or JSON).split(";")[0].strip().lower()
    if kind not in (JSON, LINES, *TABLES):
        allowed = ", ".join((JSON, LINES, *TABLES))
        raise InputError("The kind of body is not read.", value=kind, allowed=allowed)
    return kind


def asked(request: Request, name: str) -> bool:
    """Whether a flag of the query is set.

    Raises
    ------
    InputError
        When it is neither true nor false.
    """
    query: bytes = request.scope["query_string"]
    return bool(query) and _asked(query, name)


@lru_cache(QUERIES_KEPT)
def _asked(query: bytes, name: str) -> bool:
    text = QueryParams(query).get(name, "false").lower()
    if text not in ("true", "false", "1", "0"):
        raise InputError(f"The flag '{name}' cannot be read.", value=text, allowed="true or false")
    return text in ("true", "1")


def answer_document(found: Answer, *, assess: bool) -> dict[str, Any]:
    """What became of events, as JSON."""
    document: dict[str, Any] = {
        "sequence": found.sequence,
        "read": found.accepted + found.rejected + found.duplicate,
        "accepted": found.accepted,
        "rejected": found.rejected,
        "duplicate": found.duplicate,
        "rejects": [
            {name: row[name] for name in ("row", "event_id", "account_id", "reason")} for row in found.refused
        ],
    }
    if assess:
        rows = zip(found.rows.tolist(), found.status.tolist(), found.assessments or [], strict=False)
        document["assessments"] = [
            {"row": row, "status": STATUS_WORDS[status], "assessment": each} for row, status, each in rows
        ]
    return document
