"""Notices by HTTP: a customer's inbox, what staff sees of it, and what became of all."""

from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from limitkeeper.app.answers import Acted
from limitkeeper.app.known_notices import shown_to_customer
from limitkeeper.app.looks import shown
from limitkeeper.app.notices import (
    DEAD,
    STATES,
    WITHDRAWN,
    notice_document,
    read_marked,
    sent_again,
    whole_notice_document,
)
from limitkeeper.connectors.sealing import Seal
from limitkeeper.core.access.actors import Actor
from limitkeeper.core.access.rights import check_customers_right
from limitkeeper.shells.api import line_documents as documents
from limitkeeper.shells.api.access import May
from limitkeeper.shells.api.acts import Desk, IdempotencyKey
from limitkeeper.shells.api.answers import answer
from limitkeeper.shells.api.cursors import PAGE_ROWS, By, Cursor, PageSize, page
from limitkeeper.shells.api.customer_lines import CustomerOf, owner_served, whose
from limitkeeper.shells.api.names import WITHOUT_NUL, OfAccount
from limitkeeper.store.notice_tables import notices
from limitkeeper.store.work import Work

NoticeId = Annotated[
    str, Path(max_length=64, description="The id of a notice.", examples=[documents.NOTICE_ID]), WITHOUT_NUL
]
Reader = Annotated[Actor, Depends(May("notice.read"))]
Lister = Annotated[Actor, Depends(May("notice.list"))]
Marker = Annotated[Actor, Depends(May("notice.mark"))]
Retrier = Annotated[Actor, Depends(May("notice.retry"))]

StateOf = Annotated[
    str,
    Query(
        pattern=f"^({'|'.join(STATES)})$",
        description="Where they are.",
        json_schema_extra={"enum": list(STATES)},
    ),
]

NEWEST_FIRST = (By(notices.c.made_us, is_descending=True), By(notices.c.notice_id))


def told_to(w: Work, customer_id: str | None, account_id: str | None) -> tuple[str, sa.Select[Any]]:
    """Of whom or what notices are asked, and which those are.

    Raises
    ------
    InputError
        When nobody is said.
    ForbiddenError
        When they are another's.
    """
    query = sa.select(notices)
    if w.actor.customer_id:
        query = query.where(notices.c.state != WITHDRAWN)
    if account_id:
        owner_served(w, "notice.read", account_id)
        query = query.where(notices.c.account_id == account_id)
    if customer_id or w.actor.customer_id or not account_id:
        name = whose(w.actor, "notice.read", customer_id)
        return f"customer:{name}", query.where(notices.c.customer_id == name)
    return f"account:{account_id}", query


def notices_router(desk: Desk, seal: Seal) -> APIRouter:
    """The routes of notices."""
    router = APIRouter(tags=["notices"])

    @router.get("/v1/notices", responses=documents.NOTICES)
    async def list_notices(
        actor: Reader, customer_id: CustomerOf = None, account_id: OfAccount = None, limit: PageSize = PAGE_ROWS,
        cursor: Cursor = None,
    ) -> Response:  # fmt: skip
        """List a customer's notices, or those of one account, with what they say, the newest first."""

        def look(w: Work) -> Acted:
            of, query = told_to(w, customer_id, account_id)
            found = page(
                desk.store, query, NEWEST_FIRST, limit, cursor, lambda row: notice_document(row, seal)
            )
            w.note("notice.list", of, {"count": len(found["items"])})
            shown_to_customer(w, [each["notice_id"] for each in found["items"]])
            return Acted(found)

        return await desk.read(actor, look)

    @router.get("/v1/notices/states", responses=documents.STATES)
    async def list_notices_of_state(
        actor: Lister, state: StateOf = DEAD, limit: PageSize = PAGE_ROWS, cursor: Cursor = None
    ) -> Response:
        """List the notices that wait, went out, or that nobody took, without what they say, the newest first."""
        query = sa.select(notices).where(notices.c.state == state)
        found = await run_in_threadpool(page, desk.store, query, NEWEST_FIRST, limit, cursor, notice_document)
        await desk.listed(actor, "delivery.list", shown(found["items"]))
        return answer(found)

    @router.get("/v1/notices/{notice_id}", responses=documents.ONE_NOTICE)
    async def one_notice(notice_id: NoticeId, actor: Reader) -> Response:
        """Tell one notice, and what became of each delivery."""

        def look(w: Work) -> Acted:
            row = w.found(notices, notice_id)
            check_customers_right(actor, "notice.read", row["customer_id"])
            shown_to_customer(w, [row["notice_id"]])
            found = whole_notice_document(w, seal, row["notice_id"])
            return Acted(found, version=found["version"])

        return await desk.read(actor, look)

    @router.post("/v1/notices/{notice_id}/read", responses=documents.READ)
    async def mark_read(
        request: Request, notice_id: NoticeId, actor: Marker, key: IdempotencyKey = None
    ) -> Response:
        """Mark one's own notice as read; the first time counts."""

        def act(w: Work) -> Acted:
            row = w.found(notices, notice_id)
            check_customers_right(actor, "notice.mark", row["customer_id"])
            read_marked(w, row["notice_id"])
            return Acted(notice_document(w.found(notices, row["notice_id"])))

        return await desk.performed(request, actor, act, key)

    @router.post("/v1/notices/{notice_id}/retry", responses=documents.RETRY)
    async def retry_notice(
        request: Request, notice_id: NoticeId, actor: Retrier, key: IdempotencyKey = None
    ) -> Response:
        """Let a notice that nobody took be tried again by every channel."""

        def act(w: Work) -> Acted:
            row = w.found(notices, notice_id)
            sent_again(w, row["notice_id"])
            return Acted(notice_document(w.found(notices, row["notice_id"])))

        return await desk.performed(request, actor, act, key)

    return router
