"""Who decides on what, who stands in for whom, and everything that was done, by HTTP."""

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any

import msgspec
import sqlalchemy as sa
from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import Response
from pydantic import AwareDatetime
from starlette.concurrency import run_in_threadpool

from limitkeeper.app.answers import Acted
from limitkeeper.app.approval_policy import ApprovalPolicy
from limitkeeper.app.audit import Search, events_found, verified
from limitkeeper.app.case_documents import absence_document, audit_event_document, mandate_document
from limitkeeper.app.exports import AUDIT, export_noted
from limitkeeper.app.looks import shown_by_events
from limitkeeper.app.mandates import (
    ABSENCE,
    MANDATE,
    TABLES,
    absence_ended,
    absence_noted,
    change_confirmed,
    change_declined,
    mandate_ended,
    mandate_given,
    seats_now,
)
from limitkeeper.connectors.sealing import Seal
from limitkeeper.core.access.actors import Actor
from limitkeeper.core.approval.mandates import Absence, Mandate
from limitkeeper.core.approval.seats import Seats
from limitkeeper.core.behaviour.events import DAY_US, NEVER_US
from limitkeeper.core.kernel.instants import us_of
from limitkeeper.shells.api import case_documents as documents
from limitkeeper.shells.api.access import May
from limitkeeper.shells.api.acts import Desk, IdempotencyKey, body_as
from limitkeeper.shells.api.answers import answer, body_of
from limitkeeper.shells.api.cursors import PAGE_ROWS, By, Cursor, PageSize, page
from limitkeeper.shells.api.login import Name
from limitkeeper.shells.api.names import WITHOUT_NUL
from limitkeeper.store.audit_tables import audit_events
from limitkeeper.store.work import Work

Cents = Annotated[int, msgspec.Meta(ge=0, le=2**62)]
Days = Annotated[float, msgspec.Meta(gt=0, le=36_600)]

Auditor = Annotated[Actor, Depends(May("audit.read"))]
Giver = Annotated[Actor, Depends(May("mandate.give"))]
Second = Annotated[Actor, Depends(May("mandate.confirm"))]
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
SECOND_ACTS = {"confirm": change_confirmed, "decline": change_declined}

SecondActName = Annotated[
    str, Path(pattern=f"^({'|'.join(SECOND_ACTS)})$", description="What is done.", examples=["confirm"],
              json_schema_extra={"enum": list(SECOND_ACTS)}),
]  # fmt: skip
IsPending = Annotated[
    bool | None, Query(description="Only what waits for a second member, or what does not.")
]
READ = [Depends(May("mandate.read"))]

DOCUMENTS: dict[str, Callable[[dict[str, Any], Seats], dict[str, Any]]] = {
    MANDATE: mandate_document, ABSENCE: absence_document,
}  # fmt: skip
"""How each is told."""


def told(w: Work, what: str, key: str, status: int = 200) -> Acted:
    """What an act on a mandate or an absence is answered: the row as it is after it."""
    return Acted(DOCUMENTS[what](w.found(TABLES[what], key), seats_now(w.rows, w.now_us)), status)


async def listed(desk: Desk, what: str, is_pending: bool | None, limit: int, cursor: str | None) -> Response:
    """A page of mandates or absences that are not over, with what of them waits."""
    table, now_us = TABLES[what], desk.now_us()
    query = sa.select(table).where(table.c.to_us > now_us)
    if is_pending is not None:
        query = query.where(table.c.pending.is_not(None) if is_pending else table.c.pending.is_(None))
    order = (By(table.c.person_id), *map(By, table.primary_key))

    def look() -> dict[str, Any]:
        seats = seats_now(desk.store.rows, now_us)
        return page(desk.store, query, order, limit, cursor, lambda row: DOCUMENTS[what](row, seats))

    return answer(await run_in_threadpool(look))


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


def mandates_router(desk: Desk, policy: ApprovalPolicy) -> APIRouter:
    """The routes of mandates."""
    router = APIRouter(tags=["cases"])

    @router.get("/v1/mandates", responses=documents.MANDATES, dependencies=READ)
    async def list_mandates(
        is_pending: IsPending = None, limit: PageSize = PAGE_ROWS, cursor: Cursor = None
    ) -> Response:
        """List the mandates in force, and those that wait for a second member to begin."""
        return await listed(desk, MANDATE, is_pending, limit, cursor)

    @router.post("/v1/mandates", status_code=201, openapi_extra=documents.GIVE_MANDATE)
    async def give_mandate(request: Request, actor: Giver, key: IdempotencyKey = None) -> Response:
        """Give somebody else a mandate; a seat on a committee that has sat waits for a second member."""
        given = await body_as(request, GivenMandate)

        def act(w: Work) -> Acted:
            to_us = NEVER_US if given.days is None else w.now_us + int(given.days * DAY_US)
            mandate = Mandate(given.person_id, given.tier, frozenset(given.actions), given.cut_cents_max,
                              given.exposure_cents_max, w.now_us, to_us)  # fmt: skip
            return told(w, MANDATE, mandate_given(w, mandate, policy), 201)

        return await desk.performed(request, actor, act, key)

    @router.post("/v1/mandates/{mandate_id}/end", responses=documents.END_MANDATE)
    async def end_mandate(
        request: Request, mandate_id: MandateId, actor: Giver, key: IdempotencyKey = None
    ) -> Response:
        """End a mandate now; that another's seat on a committee that has sat ends waits for a second member."""

        def act(w: Work) -> Acted:
            mandate_ended(w, mandate_id, policy)
            return told(w, MANDATE, mandate_id)

        return await desk.performed(request, actor, act, key)

    @router.post("/v1/mandates/{mandate_id}/{act}", responses=documents.SETTLE_MANDATE)
    async def settle_mandate(
        request: Request, mandate_id: MandateId, act: SecondActName, actor: Second, key: IdempotencyKey = None
    ) -> Response:
        """Confirm as a second member what waits of a seat, from now; or decline it, or take back what one asked for."""

        def settled(w: Work) -> Acted:
            SECOND_ACTS[act](w, MANDATE, mandate_id)
            return told(w, MANDATE, mandate_id)

        return await desk.performed(request, actor, settled, key)

    return router


def absences_router(desk: Desk, policy: ApprovalPolicy) -> APIRouter:
    """The routes of absences."""
    router = APIRouter(tags=["cases"])

    @router.get("/v1/absences", responses=documents.ABSENCES, dependencies=READ)
    async def list_absences(
        is_pending: IsPending = None, limit: PageSize = PAGE_ROWS, cursor: Cursor = None
    ) -> Response:
        """List who is away, and who decides meanwhile; and what waits for a second member."""
        return await listed(desk, ABSENCE, is_pending, limit, cursor)

    @router.post("/v1/absences", status_code=201, openapi_extra=documents.NOTE_ABSENCE)
    async def note_absence(request: Request, actor: Giver, key: IdempotencyKey = None) -> Response:
        """Note that somebody is away, and who decides meanwhile; of a member somebody else's note waits for a second."""
        given = await body_as(request, NotedAbsence)

        def act(w: Work) -> Acted:
            away = Absence(given.person_id, given.deputy_id, w.now_us, w.now_us + int(given.days * DAY_US))
            return told(w, ABSENCE, absence_noted(w, away, policy), 201)

        return await desk.performed(request, actor, act, key)

    @router.post("/v1/absences/{absence_id}/end", responses=documents.END_ABSENCE)
    async def end_absence(
        request: Request, absence_id: AbsenceId, actor: Giver, key: IdempotencyKey = None
    ) -> Response:
        """End an absence now: who was away decides again himself."""

        def act(w: Work) -> Acted:
            absence_ended(w, absence_id)
            return told(w, ABSENCE, absence_id)

        return await desk.performed(request, actor, act, key)

    @router.post("/v1/absences/{absence_id}/{act}", responses=documents.SETTLE_ABSENCE)
    async def settle_absence(
        request: Request, absence_id: AbsenceId, act: SecondActName, actor: Second, key: IdempotencyKey = None
    ) -> Response:
        """Confirm as a second member that a member is away, from now; or decline it, or take back what one asked for."""

        def settled(w: Work) -> Acted:
            SECOND_ACTS[act](w, ABSENCE, absence_id)
            return told(w, ABSENCE, absence_id)

        return await desk.performed(request, actor, settled, key)

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
        from_at: Annotated[
            AwareDatetime | None, Query(description="Only what was done from then on.")
        ] = None,
        to_at: Annotated[AwareDatetime | None, Query(description="Only what was done before.")] = None,
        limit: PageSize = PAGE_ROWS,
        cursor: Cursor = None,
    ) -> Response:
        """List what was done, and which personal data was looked at, the newest first."""
        period_us = (None if each is None else us_of(each) for each in (from_at, to_at))
        search = Search(actor_id, subject, act, *period_us)
        order = (By(audit_events.c.number, is_descending=True),)
        document = partial(audit_event_document, seal=seal)

        def look() -> dict[str, Any]:
            return page(desk.store, events_found(desk.store.rows, search), order, limit, cursor, document)

        found = await run_in_threadpool(look)
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
