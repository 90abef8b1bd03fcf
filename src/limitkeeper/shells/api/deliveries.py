"""Messages that go out: what waits, what was given up and why, and sending it again."""

import json
from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Path, Query
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from limitkeeper.app.appeal_effects import APPEALS_OF
from limitkeeper.app.consents import CONSENT_OF
from limitkeeper.app.looks import shown
from limitkeeper.core.access.actors import Actor
from limitkeeper.core.kernel.instants import instant
from limitkeeper.engines.embedded.engine import Engine
from limitkeeper.shells.api.access import May
from limitkeeper.shells.api.acts import Desk
from limitkeeper.shells.api.answer_schemas import MESSAGE_STATUSES
from limitkeeper.shells.api.answers import UnknownError, answer
from limitkeeper.shells.api.documents import OUTBOX, SENT_AGAIN
from limitkeeper.shells.api.findings import PAGE_ROWS, Offset, PageRows
from limitkeeper.store.tables import outbox

MessageStatus = Annotated[
    str,
    Query(
        description="Only with this status.",
        pattern=f"^({'|'.join(MESSAGE_STATUSES)})$",
        json_schema_extra={"enum": list(MESSAGE_STATUSES)},
    ),
]
Reader = Annotated[Actor, Depends(May("outbox.read"))]
MessageId = Annotated[int, Path(ge=0, le=2**62, description="The number of a message.", examples=[1])]


ACCOUNT_KEYS = ("account_id", APPEALS_OF, "freeze_lifted", "freeze_confirmed")
"""Under which a message names an account."""


def message_document(row: dict[str, Any]) -> dict[str, Any]:
    """A row of the outbox as JSON."""
    found = {name: row[name] for name in ("id", "subject", "topic", "status", "attempts", "error")}
    return found | {"due_at": instant(row["due_us"]).isoformat(), "content": json.loads(row["content"])}


def named(content: dict[str, Any]) -> dict[str, Any]:
    """Whom a message names, as a row.

    Examples
    --------
    >>> named({"freeze_lifted": "a-7"})
    {'account_id': 'a-7', 'customer_id': None}
    """
    account_id = next((content[key] for key in ACCOUNT_KEYS if key in content), None)
    return {"account_id": account_id, "customer_id": content.get(CONSENT_OF)}


def deliveries_router(engine: Engine, desk: Desk | None = None) -> APIRouter:
    """The routes of the outbox."""
    router = APIRouter(tags=["outbox"])

    @router.get("/v1/outbox", responses=OUTBOX)
    async def list_messages(
        actor: Reader,
        status: MessageStatus = "dead",
        limit: PageRows = PAGE_ROWS,
        offset: Offset = 0,
    ) -> Response:
        """List messages of the outbox, the newest first: what was given up, what waits, or what was sent."""
        query = sa.select(outbox).where(outbox.c.status == status).order_by(outbox.c.id.desc())
        rows = await run_in_threadpool(engine.store.rows, query.limit(limit).offset(offset))
        found = [message_document(row) for row in rows]
        if desk is not None:
            await desk.listed(actor, "outbox.list", shown(named(each["content"]) for each in found))
        return answer(found)

    @router.post(
        "/v1/outbox/{message_id}/retry", responses=SENT_AGAIN, dependencies=[Depends(May("outbox.retry"))]
    )
    async def send_again(message_id: MessageId) -> Response:
        """Send a message again that was given up."""
        if not await run_in_threadpool(engine.store.revive_message, message_id, engine.now_us()):
            raise UnknownError(
                "There is no such message that was given up.",
                value=message_id,
                advice="GET /v1/outbox?status=dead",
            )
        return answer({"id": message_id, "status": "waiting"})

    return router
