"""Notices by HTTP: a customer's inbox, what staff sees of it, and those that nobody took."""

from typing import Annotated

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Path, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from limitkeeper.app.answers import Acted
from limitkeeper.app.notices import DEAD, notice_document, read_marked, sent_again, whole_notice_document
from limitkeeper.connectors.sealing import Seal
from limitkeeper.core.access.actors import Actor
from limitkeeper.core.access.rights import check_customers_right
from limitkeeper.shells.api import line_documents as documents
from limitkeeper.shells.api.access import May
from limitkeeper.shells.api.acts import Desk, IdempotencyKey
from limitkeeper.shells.api.answers import answer
from limitkeeper.shells.api.cursors import PAGE_ROWS, By, Cursor, PageSize, page
from limitkeeper.shells.api.customer_lines import CustomerOf, whose
from limitkeeper.shells.api.names import WITHOUT_NUL
from limitkeeper.store.notice_tables import notices
from limitkeeper.store.work import Work

NoticeId = Annotated[
    str, Path(max_length=64, description="The id of a notice.", examples=[documents.NOTICE_ID]), WITHOUT_NUL
]
Reader = Annotated[Actor, Depends(May("notice.read"))]
Marker = Annotated[Actor, Depends(May("notice.mark"))]
Retrier = Annotated[Actor, Depends(May("notice.retry"))]

NEWEST_FIRST = (By(notices.c.made_us, is_descending=True), By(notices.c.notice_id))


def notices_router(desk: Desk, seal: Seal) -> APIRouter:
    """The routes of notices."""
    router = APIRouter(tags=["notices"])

    @router.get("/v1/notices", responses=documents.NOTICES)
    async def list_notices(
        actor: Reader, customer_id: CustomerOf = None, limit: PageSize = PAGE_ROWS, cursor: Cursor = None
    ) -> Response:
        """List a customer's notices with what they say, the newest first."""
        name = whose(actor, "notice.read", customer_id)
        query = sa.select(notices).where(notices.c.customer_id == name)

        def look(w: Work) -> Acted:
            found = page(
                desk.store, query, NEWEST_FIRST, limit, cursor, lambda row: notice_document(row, seal)
            )
            w.note("notice.list", f"customer:{name}", {"count": len(found["items"])})
            return Acted(found)

        return await desk.read(actor, look)

    @router.get("/v1/notices/dead", responses=documents.DEAD, dependencies=[Depends(May("notice.list"))])
    async def list_dead_notices(limit: PageSize = PAGE_ROWS, cursor: Cursor = None) -> Response:
        """List the notices that nobody took, without what they say, the newest first."""
        query = sa.select(notices).where(notices.c.state == DEAD)
        found = await run_in_threadpool(page, desk.store, query, NEWEST_FIRST, limit, cursor, notice_document)
        return answer(found)

    @router.get("/v1/notices/{notice_id}", responses=documents.ONE_NOTICE)
    async def one_notice(notice_id: NoticeId, actor: Reader) -> Response:
        """Tell one notice, and what became of each delivery."""

        def look(w: Work) -> Acted:
            row = w.found(notices, notice_id)
            check_customers_right(actor, "notice.read", row["customer_id"])
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
