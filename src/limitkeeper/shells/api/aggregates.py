"""Aggregates by HTTP: counts that leave the house with differential privacy, and the budget that they spend."""

import datetime as dt
from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from limitkeeper.app.answers import Acted
from limitkeeper.app.private_aggregates import SEGMENTS_MAX, budget_document, private_aggregate
from limitkeeper.core.access.actors import Actor
from limitkeeper.shells.api import rights_documents as documents
from limitkeeper.shells.api.access import May
from limitkeeper.shells.api.acts import Desk, IdempotencyKey, body_as
from limitkeeper.store.work import Work

Giver = Annotated[Actor, Depends(May("aggregate.give"))]

Segment = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class WantedAggregate(msgspec.Struct, forbid_unknown_fields=True, rename={"first": "from", "last": "to"}):
    """Counts that are to leave the house."""

    first: dt.date
    last: dt.date
    epsilon: Annotated[float, msgspec.Meta(ge=0.001, le=10)]
    segments: Annotated[list[Segment], msgspec.Meta(max_length=SEGMENTS_MAX)] = []


def aggregates_router(desk: Desk) -> APIRouter:
    """The routes of aggregates."""
    router = APIRouter(tags=["rights"])

    @router.get("/v1/aggregates", responses=documents.BUDGET)
    async def privacy_budget(actor: Giver) -> Response:
        """Tell the year's privacy budget: what is left, and which aggregates spent it."""
        return await desk.read(actor, lambda w: Acted(budget_document(w)))

    @router.post("/v1/aggregates", status_code=201, openapi_extra=documents.GIVE_AGGREGATE)
    async def give_aggregate(request: Request, actor: Giver, key: IdempotencyKey = None) -> Response:
        """Count the customers whose limits changed in a period, with noise; each counts once.

        What it spends of the year's budget is kept.
        """
        wanted = await body_as(request, WantedAggregate)

        def given(w: Work) -> Acted:
            found = private_aggregate(w, wanted.first, wanted.last, wanted.epsilon, wanted.segments)
            return Acted(found, 201)

        return await desk.performed(request, actor, given, key)

    return router
