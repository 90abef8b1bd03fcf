"""Appeals by HTTP: a customer brings his own, adds evidence and answers; others decide on what they have seen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from limitkeeper.app.answers import Acted
from limitkeeper.app.appeal_evidence import Evidence, evidence_added, evidence_read, judged_evidence
from limitkeeper.app.appeal_reading import appeal_document, appeal_read, appeal_statistics
from limitkeeper.app.appeals import AppealDesk, appeal_acted, appeal_submitted, decision_to_appeal
from limitkeeper.app.looks import shown
from limitkeeper.connectors.evidence import EVIDENCE_BYTES_MAX, MEDIA_TYPES
from limitkeeper.core.access.actors import Actor
from limitkeeper.core.access.rights import is_allowed
from limitkeeper.core.appeal.appeals import END_STATES, LIVE_STATES
from limitkeeper.core.behaviour.events import DAY_US
from limitkeeper.core.kernel.errors import InputError
from limitkeeper.shells.api import appeal_documents as documents
from limitkeeper.shells.api.access import May
from limitkeeper.shells.api.acts import Desk, IdempotencyKey, IfMatch, body_as, seen_version
from limitkeeper.shells.api.answers import answer, body_of
from limitkeeper.shells.api.appeal_schemas import OUTCOME_ACTS, REVIEWER_ACTS
from limitkeeper.shells.api.cases import WORDS_LETTERS, Words
from limitkeeper.shells.api.cursors import PAGE_ROWS, By, Cursor, PageSize, page, rows_with
from limitkeeper.shells.api.customer_lines import whose
from limitkeeper.shells.api.names import WITHOUT_NUL, OfAccount, plain
from limitkeeper.shells.api.uploads import uploaded_file
from limitkeeper.store.appeal_tables import appeals
from limitkeeper.store.work import Work

STATES = (*LIVE_STATES, *END_STATES)

ONE_FILE_BYTES_MAX = EVIDENCE_BYTES_MAX + 65_536
"""Of an upload: the file, and what the form has around it."""

AppealId = Annotated[
    str, Path(max_length=64, description="The id of an appeal.", examples=[documents.APPEAL_ID]), WITHOUT_NUL
]
EvidenceId = Annotated[
    str, Path(max_length=64, description="The id of a file.", examples=[documents.EVIDENCE_ID]), WITHOUT_NUL
]
OfCustomer = Annotated[str | None, Query(max_length=200, description="Only of this customer."), WITHOUT_NUL]
ReviewerAct = Annotated[
    str, Path(pattern=f"^({'|'.join(REVIEWER_ACTS)})$", description="What is done.", examples=["claim"],
              json_schema_extra={"enum": list(REVIEWER_ACTS)}),
]  # fmt: skip
Submitter = Annotated[Actor, Depends(May("appeal.submit"))]
Withdrawer = Annotated[Actor, Depends(May("appeal.withdraw"))]
Reader = Annotated[Actor, Depends(May("appeal.read"))]
EvidenceReader = Annotated[Actor, Depends(May("appeal.evidence"))]
Counter = Annotated[Actor, Depends(May("appeal.statistics"))]
Decider = Annotated[Actor, Depends(May("appeal.decide"))]


class SubmittedAppeal(msgspec.Struct, forbid_unknown_fields=True):
    """An appeal as it is submitted; without a case it is against the newest decision that took something."""

    account_id: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    text: Annotated[str, msgspec.Meta(min_length=1, max_length=WORDS_LETTERS)]
    case_id: Annotated[str, msgspec.Meta(max_length=64)] | None = None


class AppealAnswer(msgspec.Struct, forbid_unknown_fields=True):
    """The answer to an appeal."""

    outcome: str
    words: Annotated[str, msgspec.Meta(min_length=1, max_length=WORDS_LETTERS)]
    limit_cents: Annotated[int, msgspec.Meta(ge=0, lt=2**53)] | None = None
    corrections: list[dict[str, Any]] = []


def appeals_router(desk: Desk, answering: AppealDesk) -> APIRouter:
    """The routes of submitting and reading appeals."""
    router = APIRouter(tags=["appeals"])

    @router.get("/v1/appeals", responses=documents.APPEALS)
    async def list_appeals(
        actor: Reader,
        state: Annotated[str | None, Query(pattern=f"^({'|'.join(STATES)})$", description="Only in this state.",
                                           json_schema_extra={"enum": list(STATES)})] = None,
        tier: Annotated[int | None, Query(ge=2, le=3, description="Only on this tier.")] = None,
        account_id: OfAccount = None,
        customer_id: OfCustomer = None,
        is_live: Annotated[bool | None, Query(description="Only those that wait, or that are answered.")] = None,
        limit: PageSize = PAGE_ROWS,
        cursor: Cursor = None,
    ) -> Response:  # fmt: skip
        """List appeals, those that must be answered first on top; a customer's own alone."""
        is_inside = is_allowed(actor, "appeal.list")
        if not is_inside:
            customer_id = whose(actor, "appeal.read", customer_id)
        wanted = {"state": state, "tier": tier, "account_id": account_id, "customer_id": customer_id,
                  "is_live": is_live}  # fmt: skip

        def told(row: dict[str, Any]) -> dict[str, Any]:
            return appeal_document(row, for_customer=not is_inside)

        order = (By(appeals.c.answer_until_us), By(appeals.c.appeal_id))
        found = await run_in_threadpool(
            page, desk.store, rows_with(appeals, wanted), order, limit, cursor, told
        )
        await desk.listed(actor, "appeal.list", shown(found["items"]))
        return answer(found)

    @router.post("/v1/appeals", status_code=201, openapi_extra=documents.SUBMIT_APPEAL)
    async def submit_appeal(request: Request, actor: Submitter, key: IdempotencyKey = None) -> Response:
        """Submit an appeal against what a decision took of a line.

        Its customer gets a receipt with the day of the answer. Who submits it for him takes no further part.
        """
        asked = await body_as(request, SubmittedAppeal)
        account_id = plain(asked.account_id)

        def submitted(w: Work) -> Acted:
            case_id = plain(asked.case_id or "") or decision_to_appeal(w, account_id)
            appeal_id = appeal_submitted(w, answering, case_id, account_id, asked.text)
            return _acted(w, appeal_id, status=201)

        return await desk.performed(request, actor, submitted, key)

    @router.get("/v1/appeals/statistics", responses=documents.STATISTICS)
    async def count_appeals(
        actor: Counter,
        days: Annotated[
            float, Query(gt=0, le=36_500, description="Answered in so many days up to now.")
        ] = 365.0,
    ) -> Response:
        """Tell how often decisions were overturned: in all, and by rule, reason and model."""
        return await desk.read(actor, lambda w: Acted(appeal_statistics(w, w.now_us - int(days * DAY_US))))

    @router.get("/v1/appeals/{appeal_id}", responses=documents.ONE_APPEAL)
    async def one_appeal(appeal_id: AppealId, actor: Reader) -> Response:
        """Tell one appeal with what was said and sent; its ETag is what an act is decided on.

        A customer is told what concerns him, and not who works on it.
        """

        def look(w: Work) -> Acted:
            found = appeal_read(w, answering.seal, appeal_id)
            return Acted(found, version=found["version"])

        return await desk.read(actor, look)

    return router


def evidence_router(desk: Desk, answering: AppealDesk) -> APIRouter:
    """The routes of evidence."""
    router = APIRouter(tags=["appeals"])

    @router.post("/v1/appeals/{appeal_id}/evidence", status_code=201, openapi_extra=documents.ADD_EVIDENCE)
    async def add_evidence(
        request: Request, appeal_id: AppealId, actor: Submitter, key: IdempotencyKey = None
    ) -> Response:
        """Keep a file with an appeal that waits: PDF, PNG, JPEG or plain text, judged by its content.

        The same file again is kept once.
        """
        await body_of(request, ONE_FILE_BYTES_MAX)
        name, content = await uploaded_file(request)
        file = await run_in_threadpool(judged_evidence, name, content)

        def added(w: Work) -> Acted:
            evidence_id = evidence_added(w, answering, appeal_id, file)
            found = {"evidence_id": evidence_id, "kind": file.kind, "size_bytes": len(file.content)}
            return Acted(found, 201, w.found(appeals, appeal_id)["version"])

        return await desk.performed(request, actor, added, key)

    @router.get(
        "/v1/appeals/{appeal_id}/evidence/{evidence_id}",
        responses=documents.EVIDENCE,
        response_class=Response,
    )
    async def read_evidence(appeal_id: AppealId, evidence_id: EvidenceId, actor: EvidenceReader) -> Response:
        """Give a file of an appeal out as it was sent; that it was looked at is kept."""
        found: list[Evidence] = []

        def read(w: Work) -> Acted:
            found[:] = [evidence_read(w, answering.seal, appeal_id, evidence_id)]
            return Acted(None)

        await desk.read(actor, read)
        headers = {
            "Content-Disposition": f'attachment; filename="evidence.{found[0].kind}"',
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "sandbox; default-src 'none'",
            "Cache-Control": "no-store",
        }
        return Response(found[0].content, headers=headers, media_type=MEDIA_TYPES[found[0].kind])

    return router


@dataclass(frozen=True)
class Asked:
    """An act on an appeal as it was asked for.

    Parameters
    ----------
    desk
        By which it is answered.
    appeal_id, version
        Which, and the version that was seen; None where it is acted on as it is.
    act, words, granted_limit_cents, corrections
        As :func:`limitkeeper.app.appeals.appeal_acted` takes them.
    """

    desk: AppealDesk
    appeal_id: str
    version: int | None
    act: str
    words: str
    granted_limit_cents: int | None = None
    corrections: Sequence[Mapping[str, Any]] = ()

    def __call__(self, w: Work) -> Acted:
        """Act, and tell the appeal after it."""
        seen = w.found(appeals, self.appeal_id)["version"] if self.version is None else self.version
        appeal_acted(
            w, self.desk, self.appeal_id, seen, self.act, self.words, self.granted_limit_cents,
            self.corrections,
        )  # fmt: skip
        return _acted(w, self.appeal_id)


def appeal_acts_router(desk: Desk, answering: AppealDesk) -> APIRouter:
    """The routes of acts on appeals: the customer's, and of those who answer him."""
    router = APIRouter(tags=["appeals"])

    @router.post("/v1/appeals/{appeal_id}/answer", openapi_extra=documents.ACT_OF_CUSTOMER)
    async def answer_question(
        request: Request, appeal_id: AppealId, actor: Submitter, key: IdempotencyKey = None
    ) -> Response:
        """Answer what a customer was asked; the day of his answer moves by as long as he took."""
        said = await body_as(request, Words)
        return await desk.performed(
            request, actor, Asked(answering, appeal_id, None, "answer", said.words), key
        )

    @router.post("/v1/appeals/{appeal_id}/again", openapi_extra=documents.ACT_OF_CUSTOMER)
    async def appeal_again(
        request: Request, appeal_id: AppealId, actor: Submitter, key: IdempotencyKey = None
    ) -> Response:
        """Bring an appeal once more, to the third tier, where the answer left something."""
        said = await body_as(request, Words)
        return await desk.performed(
            request, actor, Asked(answering, appeal_id, None, "again", said.words), key
        )

    @router.post("/v1/appeals/{appeal_id}/withdraw", openapi_extra=documents.WITHDRAW_APPEAL)
    async def withdraw_appeal(
        request: Request, appeal_id: AppealId, actor: Withdrawer, key: IdempotencyKey = None
    ) -> Response:
        """Withdraw an appeal that waits; while there is time, another may be submitted."""
        await body_of(request)
        return await desk.performed(request, actor, Asked(answering, appeal_id, None, "withdraw", ""), key)

    @router.post("/v1/appeals/{appeal_id}/decide", openapi_extra=documents.DECIDE_APPEAL)
    async def decide_appeal(
        request: Request, appeal_id: AppealId, actor: Decider, if_match: IfMatch = None, key: IdempotencyKey = None
    ) -> Response:  # fmt: skip
        """Answer an appeal that one has claimed, as it was seen.

        What is granted is given back by a new decision in the same transaction; corrections put the data right that
        led to the old one.
        """
        version = seen_version(if_match)
        said = await body_as(request, AppealAnswer)
        act = OUTCOME_ACTS.get(said.outcome)
        if act is None:
            raise InputError(
                "There is no such outcome.", value=said.outcome[:100], allowed=", ".join(OUTCOME_ACTS)
            )
        acted = Asked(answering, appeal_id, version, act, said.words, said.limit_cents, said.corrections)
        return await desk.performed(request, actor, acted, key)

    @router.post("/v1/appeals/{appeal_id}/{act}", openapi_extra=documents.ACT_ON_APPEAL)
    async def act_on_appeal(
        request: Request, appeal_id: AppealId, act: ReviewerAct, actor: Decider, if_match: IfMatch = None,
        key: IdempotencyKey = None,
    ) -> Response:  # fmt: skip
        """Act on an appeal as it was seen: claim it, give it back, ask its customer for more, or send it up."""
        version = seen_version(if_match)
        said = await body_as(request, Words) if await body_of(request) else Words()
        acted = Asked(answering, appeal_id, version, act.replace("-", "_"), said.words)
        return await desk.performed(request, actor, acted, key)

    return router


def _acted(w: Work, appeal_id: str, status: int = 200) -> Acted:
    row = w.found(appeals, appeal_id)
    document = appeal_document(row, for_customer=not is_allowed(w.actor, "appeal.list"))
    return Acted(document, status, row["version"])
