"""Who decides on what, who stands in for whom, and everything that was done, by HTTP."""

from functools import partial
from typing import Annotated

import msgspec
import sqlalchemy as sa
from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from limitkeeper.app.answers import Acted
from limitkeeper.app.audit import verified
from limitkeeper.app.case_documents import absence_document, audit_event_document, mandate_document
from limitkeeper.app.exports import AUDIT, export_noted
from limitkeeper.app.looks import shown_by_events
from limitkeeper.app.mandates import absence_ended, absence_noted, mandate_ended, mandate_given
from limitkeeper.connectors.sealing import Seal
from limitkeeper.core.access.actors import Actor
from limitkeeper.core.approval.mandates import Absence, Mandate
from limitkeeper.core.behaviour.events import DAY_US, NEVER_US
from limitkeeper.shells.api import case_documents as documents
from limitkeeper.shells.api.access import May
from limitkeeper.shells.api.acts import Desk, IdempotencyKey, body_as
from limitkeeper.shells.api.answers import answer, body_of
from limitkeeper.shells.api.cursors import PAGE_ROWS, By, Cursor, PageSize, page, rows_with
from limitkeeper.shells.api.login import Name
from limitkeeper.shells.api.names import WITHOUT_NUL
from limitkeeper.store.audit_tables import audit_events
from limitkeeper.store.case_tables import absences, mandates
from limitkeeper.store.work import Work

Cents = Annotated[int, msgspec.Meta(ge=0, le=2**62)]
Days = Annotated[float, msgspec.Meta(gt=0, le=36_600)]

Auditor = Annotated[Actor, Depends(May("audit.read"))]
Giver = Annotated[Actor, Depends(May("mandate.give"))]
MandateId = Annotated[
    str,
    Path(max_length=64, description="The id of a mandate.", examples=[documents.MANDATE["mandate_id"]]),
    WITHOUT_NUL,
]
AbsenceId = Annotated[
    str,
    Path(max_length=64, description="The id of an absence.", examples=[documents.ABSENCE["absence_id"]]),
    WITHOUT_NUL,
]
READ = [Depends(May("mandate.read"))]


class GivenMandate(msgspec.Struct, forbid_unknown_fields=True):
    """A mandate to be given, from now."""

    person_id: Name
    tier: Annotated[int, msgspec.Meta(ge=2, le=3)]
    actions: Annotated[list[str], msgspec.Meta(max_length=10)] = []
    cut_cents_max: Cents | None = None
    exposure_cents_max: Cents | None = None
    days: Days | None = None


class NotedAbsence(msgspec.Struct, forbid_unknown_fields=True):
    """An absence to be noted, from now."""

    person_id: Name
    deputy_id: Name
    days: Annotated[float, msgspec.Meta(gt=0, le=366)]


def mandates_router(desk: Desk) -> APIRouter:
    """The routes of mandates."""
    router = APIRouter(tags=["cases"])

    @router.get("/v1/mandates", responses=documents.MANDATES, dependencies=READ)
    async def list_mandates(limit: PageSize = PAGE_ROWS, cursor: Cursor = None) -> Response:
        """List the mandates in force."""
        query = sa.select(mandates).where(mandates.c.to_us > desk.now_us())
        order = (By(mandates.c.person_id), By(mandates.c.mandate_id))
        return answer(
            await run_in_threadpool(page, desk.store, query, order, limit, cursor, mandate_document)
        )

    @router.post("/v1/mandates", status_code=201, openapi_extra=documents.GIVE_MANDATE)
    async def give_mandate(request: Request, actor: Giver, key: IdempotencyKey = None) -> Response:
        """Give somebody else a mandate."""
        given = await body_as(request, GivenMandate)

        def act(w: Work) -> Acted:
            to_us = NEVER_US if given.days is None else w.now_us + int(given.days * DAY_US)
            mandate = Mandate(given.person_id, given.tier, frozenset(given.actions), given.cut_cents_max,
                              given.exposure_cents_max, w.now_us, to_us)  # fmt: skip
            return Acted(mandate_document(w.found(mandates, mandate_given(w, mandate))), 201)

        return await desk.performed(request, actor, act, key)

    @router.post("/v1/mandates/{mandate_id}/end", responses=documents.END_MANDATE)
    async def end_mandate(
        request: Request, mandate_id: MandateId, actor: Giver, key: IdempotencyKey = None
    ) -> Response:
        """End a mandate now."""

        def act(w: Work) -> Acted:
            mandate_ended(w, mandate_id)
            return Acted(mandate_document(w.found(mandates, mandate_id)))

        return await desk.performed(request, actor, act, key)

    return router


def absences_router(desk: Desk) -> APIRouter:
    """The routes of absences."""
    router = APIRouter(tags=["cases"])

    @router.get("/v1/absences", responses=documents.ABSENCES, dependencies=READ)
    async def list_absences(limit: PageSize = PAGE_ROWS, cursor: Cursor = None) -> Response:
        """List who is away, and who decides meanwhile."""
        query = sa.select(absences).where(absences.c.to_us > desk.now_us())
        order = (By(absences.c.person_id), By(absences.c.absence_id))
        return answer(
            await run_in_threadpool(page, desk.store, query, order, limit, cursor, absence_document)
        )

    @router.post("/v1/absences", status_code=201, openapi_extra=documents.NOTE_ABSENCE)
    async def note_absence(request: Request, actor: Giver, key: IdempotencyKey = None) -> Response:
        """Note that somebody is away, and who decides meanwhile."""
        given = await body_as(request, NotedAbsence)

        def act(w: Work) -> Acted:
            away = Absence(given.person_id, given.deputy_id, w.now_us, w.now_us + int(given.days * DAY_US))
            return Acted(absence_document(w.found(absences, absence_noted(w, away))), 201)

        return await desk.performed(request, actor, act, key)

    @router.post("/v1/absences/{absence_id}/end", responses=documents.END_ABSENCE)
    async def end_absence(
        request: Request, absence_id: AbsenceId, actor: Giver, key: IdempotencyKey = None
    ) -> Response:
        """End an absence now: who was away decides again himself."""

        def act(w: Work) -> Acted:
            absence_ended(w, absence_id)
            return Acted(absence_document(w.found(absences, absence_id)))

        return await desk.performed(request, actor, act, key)

    return router


def audit_router(desk: Desk, seal: Seal) -> APIRouter:
    """The routes of the audit."""
    router = APIRouter(tags=["people"], dependencies=[Depends(May("audit.read"))])

    @router.get("/v1/audit", responses=documents.AUDIT)
    async def list_events(
        actor: Auditor,
        actor_id: Annotated[
            str | None, Query(max_length=200, description="Only what this one did."), WITHOUT_NUL
        ] = None,
        subject: Annotated[
            str | None,
            Query(max_length=300, description="Only what was done to this, like case:ID."),
            WITHOUT_NUL,
        ] = None,
        act: Annotated[str | None, Query(max_length=64, description="Only this act."), WITHOUT_NUL] = None,
        limit: PageSize = PAGE_ROWS,
        cursor: Cursor = None,
    ) -> Response:
        """List what was done, and which personal data was looked at, the newest first."""
        query = rows_with(audit_events, {"actor_id": actor_id, "subject": subject, "act": act})
        order = (By(audit_events.c.number, is_descending=True),)
        told = partial(audit_event_document, seal=seal)
        found = await run_in_threadpool(page, desk.store, query, order, limit, cursor, told)
        await desk.listed(actor, "audit.list", shown_by_events(found["items"]))
        return answer(found)

    @router.post("/v1/audit/exports", status_code=201, openapi_extra=documents.EXPORT_AUDIT)
    async def export_audit(request: Request, actor: Auditor, key: IdempotencyKey = None) -> Response:
        """Note that the audit is taken out as a file; the mark that the file is to carry."""
        await body_of(request)

        def act(w: Work) -> Acted:
            return Acted(export_noted(w, AUDIT).document(), 201)

        return await desk.performed(request, actor, act, key)

    @router.get("/v1/audit/verify", responses=documents.VERIFIED)
    async def verify() -> Response:
        """Tell whether the chain of everything that was done holds, from end to end."""
        found = await run_in_threadpool(verified, desk.store)
        number, problem = (None, None) if found.broken is None else found.broken
        document = {
            "events": found.events,
            "holds": found.broken is None,
            "broken_at": number,
            "problem": problem,
        }
        return answer(document)

    return router
