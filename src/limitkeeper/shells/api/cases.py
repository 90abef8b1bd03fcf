"""Cases by HTTP: which wait, what one is about, and every act on it."""

from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from limitkeeper.app.answers import Acted
from limitkeeper.app.approval_policy import ApprovalPolicy
from limitkeeper.app.case_documents import case_document, case_offers_document, whole_case_document
from limitkeeper.app.cases import case_acted, terms_in_force
from limitkeeper.app.decisions import Effects
from limitkeeper.app.looks import shown
from limitkeeper.core.access.actors import Actor
from limitkeeper.core.approval.cases import END_STATES, LIVE_STATES
from limitkeeper.shells.api import case_documents as documents
from limitkeeper.shells.api.access import May
from limitkeeper.shells.api.acts import Desk, IdempotencyKey, IfMatch, body_as, seen_version
from limitkeeper.shells.api.answers import answer, body_of
from limitkeeper.shells.api.case_schemas import CASE_ACTS, CASE_KINDS
from limitkeeper.shells.api.cursors import PAGE_ROWS, By, Cursor, PageSize, page, rows_with
from limitkeeper.shells.api.names import WITHOUT_NUL, OfAccount
from limitkeeper.store.case_tables import cases
from limitkeeper.store.work import Work

WORDS_LETTERS = 10_000

STATES = (*LIVE_STATES, *END_STATES)

CaseId = Annotated[
    str, Path(max_length=64, description="The id of a case.", examples=[documents.CASE_ID]), WITHOUT_NUL
]
ClaimedBy = Annotated[
    str | None, Query(max_length=200, description="Only claimed by this person."), WITHOUT_NUL
]
CaseActName = Annotated[
    str, Path(pattern=f"^({'|'.join(CASE_ACTS)})$", description="What is done.", examples=["claim"],
              json_schema_extra={"enum": list(CASE_ACTS)}),
]  # fmt: skip
Reader = Annotated[Actor, Depends(May("case.read"))]
Decider = Annotated[Actor, Depends(May("case.act"))]


class Words(msgspec.Struct, forbid_unknown_fields=True):
    """What is said with an act."""

    words: Annotated[str, msgspec.Meta(max_length=WORDS_LETTERS)] = ""


def cases_router(desk: Desk, policy: ApprovalPolicy, effects: Effects) -> APIRouter:
    """The routes of cases."""
    router = APIRouter(tags=["cases"])

    @router.get("/v1/cases", responses=documents.CASES)
    async def list_cases(
        actor: Reader,
        tier: Annotated[int | None, Query(ge=1, le=3, description="Only on this tier.")] = None,
        state: Annotated[str | None, Query(pattern=f"^({'|'.join(STATES)})$", description="Only in this state.",
                                           json_schema_extra={"enum": list(STATES)})] = None,
        kind: Annotated[str | None, Query(pattern=f"^({'|'.join(CASE_KINDS)})$", description="Only of this kind.",
                                          json_schema_extra={"enum": list(CASE_KINDS)})] = None,
        account_id: OfAccount = None,
        claimed_by: ClaimedBy = None,
        is_live: Annotated[bool | None, Query(description="Only those that wait, or that have ended.")] = None,
        limit: PageSize = PAGE_ROWS,
        cursor: Cursor = None,
    ) -> Response:  # fmt: skip
        """List cases, those whose clock comes first on top; what people wrote is told where one is read."""
        wanted = {"tier": tier, "state": state, "kind": kind, "account_id": account_id, "claimed_by": claimed_by,
                  "is_live": is_live}  # fmt: skip
        order = (By(cases.c.due_us), By(cases.c.case_id))
        query = rows_with(cases, wanted)
        found = await run_in_threadpool(page, desk.store, query, order, limit, cursor, case_document)
        await desk.listed(actor, "case.list", shown(found["items"]))
        return answer(found)

    @router.get("/v1/cases/{case_id}", responses=documents.ONE_CASE)
    async def one_case(case_id: CaseId, actor: Reader) -> Response:
        """Tell one case with everything that was done on it; its ETag is what an act is decided on."""

        def look(w: Work) -> Acted:
            found = whole_case_document(w, effects.seal, case_id)
            return Acted(found, version=found["version"])

        return await desk.read(actor, look)

    @router.get("/v1/cases/{case_id}/acts", responses=documents.CASE_OFFERS)
    async def case_offers(case_id: CaseId, actor: Reader) -> Response:
        """Tell who may decide on a case now, and what oneself may do with it, or which rule keeps one from it."""
        return await desk.read(actor, lambda w: Acted(case_offers_document(w, case_id, policy)))

    @router.post("/v1/cases/{case_id}/{act}", openapi_extra=documents.ACT_ON_CASE)
    async def act_on_case(
        request: Request,
        case_id: CaseId,
        act: CaseActName,
        actor: Decider,
        if_match: IfMatch = None,
        key: IdempotencyKey = None,
    ) -> Response:
        """Act on a case as it was seen.

        On the second tier a case is claimed, then approved, refused or sent up; the committee votes. A rule that bars
        an act is named in the answer, in English and Chinese.
        """
        version = seen_version(if_match)
        said = await body_as(request, Words) if await body_of(request) else Words()

        def acted(w: Work) -> Acted:
            name = act.replace("-", "_")
            terms = terms_in_force(w, policy)
            case = case_acted(w, effects.seal, case_id, version, name, terms, effects, said.words)
            return Acted(case_document(w.found(cases, case.case_id)), version=case.version)

        return await desk.performed(request, actor, acted, key)

    return router
