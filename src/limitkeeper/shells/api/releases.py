"""Releases by HTTP: which there are, what one has gone through, and every act of its life."""

from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from limitkeeper.app import life
from limitkeeper.app.answers import Acted
from limitkeeper.app.life_contents import kept_model, kept_register
from limitkeeper.app.life_documents import (
    fairness_document,
    fairness_query,
    release_document,
    release_query,
    whole_release,
)
from limitkeeper.app.live import market_of
from limitkeeper.core.access.actors import Actor
from limitkeeper.core.compliance.life import STATES
from limitkeeper.shells.api import release_documents as documents
from limitkeeper.shells.api.access import May
from limitkeeper.shells.api.acts import Desk, IdempotencyKey, acted_answer
from limitkeeper.shells.api.answers import answer
from limitkeeper.shells.api.cursors import PAGE_ROWS, By, Cursor, PageSize, page
from limitkeeper.shells.api.names import WITHOUT_NUL, plain
from limitkeeper.shells.api.release_schemas import HASH_LETTERS
from limitkeeper.shells.api.strategies import StrategyText, checked_body
from limitkeeper.store.life_tables import release_acts, releases
from limitkeeper.store.work import Work, reading

ReleaseId = Annotated[
    str, Path(max_length=64, description="The id of a release.", examples=[documents.RELEASE_ID]), WITHOUT_NUL
]
StateName = Annotated[
    str | None,
    Query(pattern=f"^({'|'.join(STATES)})$", description="Only in this state.",
          json_schema_extra={"enum": list(STATES)}),
]  # fmt: skip
HasModel = Annotated[bool | None, Query(description="Only those with a model, or without one.")]
Market = Annotated[str | None, Query(max_length=16, description="Only of this market."), WITHOUT_NUL]
NEWEST_FIRST = (By(releases.c.made_us, is_descending=True), By(releases.c.release_id))
NEWEST_ASSESSED_FIRST = (By(release_acts.c.ts_us, is_descending=True), By(release_acts.c.release_id))

Hash = Annotated[str, msgspec.Meta(max_length=HASH_LETTERS)]


class Draft(StrategyText):
    """A release to be drafted."""

    market: Annotated[str, msgspec.Meta(max_length=16)] | None = None
    model_hash: Hash | None = None
    register_hash: Hash | None = None


def releases_router(desk: Desk) -> APIRouter:
    """The routes that tell of releases, and the one that drafts them."""
    router = APIRouter(tags=["releases"])

    @router.get("/v1/releases", responses=documents.RELEASES, dependencies=[Depends(May("release.read"))])
    async def list_releases(
        state: StateName = None,
        market: Market = None,
        limit: PageSize = PAGE_ROWS,
        cursor: Cursor = None,
        *,
        has_model: HasModel = None,
    ) -> Response:
        """List releases, the newest first."""
        query = release_query()
        if state is not None:
            query = query.where(releases.c.state == state)
        if market is not None:
            query = query.where(releases.c.market == market)
        if has_model is not None:
            named = releases.c.model_hash
            query = query.where(named.is_not(None) if has_model else named.is_(None))
        found = await run_in_threadpool(
            page, desk.store, query, NEWEST_FIRST, limit, cursor, release_document
        )
        return answer(found)

    @router.get("/v1/releases/{release_id}", responses=documents.ONE_RELEASE)
    async def one_release(
        release_id: ReleaseId, actor: Annotated[Actor, Depends(May("release.read"))]
    ) -> Response:
        """Tell one release with its gates: who did what, when and why; its ETag is what an act is decided on."""

        def look() -> Acted:
            with reading(desk.store, actor, desk.now_us()) as w:
                return whole(w, release_id)

        return acted_answer(await run_in_threadpool(look))

    @router.post("/v1/releases", status_code=201, openapi_extra=documents.DRAFT_RELEASE)
    async def draft_release(
        request: Request, actor: Annotated[Actor, Depends(May("release.draft"))], key: IdempotencyKey = None
    ) -> Response:
        """Draft a release of a strategy's text.

        A model, and own columns, are named by the hash of what another release here has; new ones come by the command
        line, which reads files. Of a text with problems the first is told: POST /v1/strategies/check tells each.
        """
        said, _ = await checked_body(request, Draft)

        def acted(w: Work) -> Acted:
            model = None if said.model_hash is None else kept_model(w, plain(said.model_hash))
            own = None if said.register_hash is None else kept_register(w, plain(said.register_hash))
            market = said.market or market_of(w)
            release_id = life.drafted(w, said.strategy, "strategy", market, model, own)
            return whole(w, release_id, 201)

        return await desk.performed(request, actor, acted, key)

    return router


def fairness_reports_router(desk: Desk) -> APIRouter:
    """The route of the fairness reports that the store holds."""
    router = APIRouter(tags=["releases"])
    may = [Depends(May("release.read"))]

    @router.get("/v1/fairness-reports", responses=documents.FAIRNESS_REPORTS, dependencies=may)
    async def list_fairness_reports(limit: PageSize = PAGE_ROWS, cursor: Cursor = None) -> Response:
        """List the fairness reports that releases were assessed by, the newest first.

        Others, and the reports of `limitkeeper monitor`, are files of whoever made them.
        """
        found = await run_in_threadpool(
            page, desk.store, fairness_query(), NEWEST_ASSESSED_FIRST, limit, cursor, fairness_document
        )
        return answer(found)

    return router


def whole(w: Work, release_id: str, status: int = 200) -> Acted:
    """A release after an act on it."""
    found = whole_release(w, release_id)
    return Acted(found, status, found["version"])
