"""Lines by HTTP as their customers see them, what they ask for themselves, and what staff does for a line."""

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import Response

from limitkeeper.app.answers import Acted
from limitkeeper.app.appeal_effects import appeal_until
from limitkeeper.app.approval_policy import ApprovalPolicy
from limitkeeper.app.case_documents import case_document
from limitkeeper.app.customer_preferences import customer_row
from limitkeeper.app.decisions import Effects
from limitkeeper.app.explanations import explanation
from limitkeeper.app.line_requests import request_made, request_taken_back
from limitkeeper.app.own_lines import (
    Seen,
    entry_document,
    line_document,
    lines_document,
    portrait_document,
    request_document,
)
from limitkeeper.app.ownership import Owner, owner_of
from limitkeeper.app.restoration import restoration_opened
from limitkeeper.app.steps import step_cancelled
from limitkeeper.core.access.actors import Actor
from limitkeeper.core.access.rights import check_customers_right
from limitkeeper.core.kernel.errors import InputError
from limitkeeper.engines.embedded.engine import Engine
from limitkeeper.engines.embedded.portrait import looked_at, portrait
from limitkeeper.engines.embedded.requests import Request as Asked
from limitkeeper.shells.api import line_documents as documents
from limitkeeper.shells.api.access import May
from limitkeeper.shells.api.acts import Desk, IdempotencyKey, body_as
from limitkeeper.shells.api.answers import done
from limitkeeper.shells.api.names import WITHOUT_NUL, plain
from limitkeeper.store.case_tables import cases
from limitkeeper.store.limit_tables import limit_entries
from limitkeeper.store.work import MissingError, Work

WHY_LETTERS = 500

LineId = Annotated[str, Path(max_length=200, description="The id of a line.", examples=["a-7"]), WITHOUT_NUL]
DecisionId = Annotated[
    str, Path(max_length=64, description="The case of a decision.", examples=[documents.CASE_ID]), WITHOUT_NUL
]
EntryId = Annotated[
    str, Path(max_length=64, description="The id of an entry.", examples=[documents.ENTRY_ID]), WITHOUT_NUL
]
Language = Annotated[
    str | None,
    Query(pattern="^(en|zh)$", description="Of the words; the customer's own where it is not said.",
          json_schema_extra={"enum": ["en", "zh"]}),
]  # fmt: skip
CustomerOf = Annotated[
    str | None,
    Query(max_length=200, description="Whose; of a customer his own.", examples=["c-3"]),
    WITHOUT_NUL,
]

Reader = Annotated[Actor, Depends(May("limit.read"))]
Looker = Annotated[Actor, Depends(May("portrait.read"))]
Asker = Annotated[Actor, Depends(May("decision.explain"))]
Wisher = Annotated[Actor, Depends(May("line.request"))]
Restorer = Annotated[Actor, Depends(May("line.restore"))]
Canceller = Annotated[Actor, Depends(May("limit.cancel"))]


class WantedLimit(msgspec.Struct, forbid_unknown_fields=True):
    """The limit that a customer wants; 0 closes the line."""

    limit_cents: Annotated[int, msgspec.Meta(ge=0, lt=2**53)]


class WantedRestoration(msgspec.Struct, forbid_unknown_fields=True):
    """Up to what a line is to be restored; None for all that may be."""

    limit_cents: Annotated[int, msgspec.Meta(ge=0, lt=2**53)] | None = None


class Why(msgspec.Struct, forbid_unknown_fields=True):
    """Why something is done."""

    why: Annotated[str, msgspec.Meta(min_length=1, max_length=WHY_LETTERS)]


def whose(actor: Actor, act: str, customer_id: str | None) -> str:
    """Whose things are asked for: a customer's own where he does not say.

    Raises
    ------
    InputError
        When nobody is said.
    ForbiddenError
        When they are another's.
    """
    found = plain(customer_id or actor.customer_id or "")
    if not found:
        raise InputError("Say whose.", allowed="customer_id=...")
    check_customers_right(actor, act, found)
    return found


def owner_served(w: Work, act: str, account_id: str) -> Owner:
    """Whose a line is, where the actor may do an act on it.

    Raises
    ------
    ForbiddenError
        When it is another's.
    """
    owner = owner_of(w, account_id)
    check_customers_right(w.actor, act, owner.customer_id)
    return owner


def own_language(w: Work, owner: Owner) -> str:
    """The language that a line's owner reads."""
    return str(customer_row(w, owner.customer_id)["language"])


async def seen_now(engine: Engine, account_id: str) -> Seen:
    """A line as the monitor sees it now; empty where it does not know it."""

    def read(running: Engine) -> Seen:
        if running.state.number(account_id) is None:
            return Seen()
        now_us = running.as_of_us()
        found = portrait(running, account_id, now_us)
        before = found["standing"]["limit_before_reduction_cents"]
        features = found["features"] | {"limit_before_reduction_cents": before}
        return Seen(features, looked_at(running, account_id, now_us) or {})

    found: Seen = await done(engine, Asked("read", read))
    return found


def customer_lines_router(desk: Desk, engine: Engine, effects: Effects) -> APIRouter:
    """What customers see of their lines."""
    router = APIRouter(tags=["lines"])

    @router.get("/v1/lines", responses=documents.LINES)
    async def list_lines(actor: Reader, customer_id: CustomerOf = None) -> Response:
        """List a customer's lines, with their limits."""

        def look(w: Work) -> Acted:
            found = lines_document(w, whose(actor, "limit.read", customer_id))
            return Acted({"items": found, "next": None})

        return await desk.read(actor, look)

    @router.get("/v1/lines/{account_id}", responses=documents.ONE_LINE)
    async def one_line(account_id: LineId, actor: Reader, language: Language = None) -> Response:
        """Tell one line: limit, ledger, planned steps, requests, decisions with reasons, the path to restoration."""
        seen = await seen_now(engine, account_id)

        def look(w: Work) -> Acted:
            owner = owner_served(w, "limit.read", account_id)
            found = line_document(w, effects, account_id, language or own_language(w, owner), seen)
            return Acted(found, version=found["version"])

        return await desk.read(actor, look)

    @router.get("/v1/lines/{account_id}/portrait", responses=documents.PORTRAIT_IN_WORDS)
    async def portrait_of_line(account_id: LineId, actor: Looker, language: Language = None) -> Response:
        """Tell what is known of a line in plain words."""
        seen = await seen_now(engine, account_id)

        def look(w: Work) -> Acted:
            owner = owner_served(w, "portrait.read", account_id)
            return Acted(portrait_document(w, account_id, language or own_language(w, owner), seen))

        return await desk.read(actor, look)

    @router.get("/v1/lines/{account_id}/decisions/{case_id}", responses=documents.EXPLANATION)
    async def explain_decision(
        account_id: LineId, case_id: DecisionId, actor: Asker, language: Language = None
    ) -> Response:
        """Explain a decision about a line: rules with their values, reasons, versions, how to appeal."""
        strategies = [arm.watch.policy.strategy.strategy for arm in engine.policy.terms.arms]

        def look(w: Work) -> Acted:
            owner = owner_served(w, "decision.explain", account_id)
            found = explanation(w, account_id, case_id, language or own_language(w, owner), strategies)
            until = appeal_until(w, effects.policy, w.found(cases, case_id), account_id)
            return Acted(found | {"appeal_until": until})

        return await desk.read(actor, look)

    return router


def requests_router(desk: Desk, engine: Engine, policy: ApprovalPolicy, effects: Effects) -> APIRouter:
    """What customers ask for themselves."""
    router = APIRouter(tags=["lines"])

    @router.post("/v1/lines/{account_id}/requests", status_code=201, openapi_extra=documents.ASK_FOR_LIMIT)
    async def ask_for_limit(
        request: Request, account_id: LineId, actor: Wisher, key: IdempotencyKey = None
    ) -> Response:
        """Lower a line of one's own, or close it.

        It takes effect after the days of cooling-off, within which it can be taken back. A line is lowered down to
        what is owed at most; one that is closed takes no new draws, and what is owed runs on as agreed.
        """
        wanted = await body_as(request, WantedLimit)
        seen = await seen_now(engine, account_id)

        def act(w: Work) -> Acted:
            owner_served(w, "line.request", account_id)
            case_id = request_made(w, policy, effects, account_id, wanted.limit_cents, seen.line)
            return Acted(request_document(w, case_id), 201)

        return await desk.performed(request, actor, act, key)

    @router.post("/v1/lines/{account_id}/requests/take-back", responses=documents.TAKE_BACK)
    async def take_request_back(
        request: Request, account_id: LineId, actor: Wisher, key: IdempotencyKey = None
    ) -> Response:
        """Take one's own request on a line back, within its cooling-off."""

        def act(w: Work) -> Acted:
            owner_served(w, "line.request", account_id)
            taken = request_taken_back(w, policy, effects, account_id)
            return Acted(
                {"account_id": account_id, "requests": [request_document(w, each) for each in taken]}
            )

        return await desk.performed(request, actor, act, key)

    return router


def staff_lines_router(desk: Desk, policy: ApprovalPolicy, effects: Effects) -> APIRouter:
    """What staff does for a line."""
    router = APIRouter(tags=["lines"])

    @router.post("/v1/lines/{account_id}/restorations", status_code=201, openapi_extra=documents.RESTORE)
    async def propose_restoration(
        request: Request, account_id: LineId, actor: Restorer, key: IdempotencyKey = None
    ) -> Response:
        """Propose to give a line back what the lender took; a case that somebody else decides on."""
        wanted = await body_as(request, WantedRestoration)

        def act(w: Work) -> Acted:
            owner_served(w, "line.restore", account_id)
            case_id = restoration_opened(w, policy, effects, account_id, "review", wanted.limit_cents)
            row = w.found(cases, case_id)
            return Acted(case_document(row), 201, row["version"])

        return await desk.performed(request, actor, act, key)

    @router.post("/v1/lines/{account_id}/entries/{entry_id}/cancel", openapi_extra=documents.CANCEL_ENTRY)
    async def cancel_entry(
        request: Request, account_id: LineId, entry_id: EntryId, actor: Canceller, key: IdempotencyKey = None
    ) -> Response:
        """Cancel a planned change of a line, with the steps behind it; its customer is told.

        Who cancels it has a mandate for it on the tier that approved it, and had no part in its case.
        """
        said = await body_as(request, Why)

        def act(w: Work) -> Acted:
            owner = owner_served(w, "limit.cancel", account_id)
            row: dict[str, Any] = w.found(limit_entries, entry_id)
            if row["account_id"] != account_id:
                raise MissingError("There is no such entry of this line.", value=entry_id[:64])
            step_cancelled(w, effects, policy, row["entry_id"], said.why)
            entry = w.found(limit_entries, row["entry_id"])
            return Acted(entry_document(entry, effects.seal, owner.customer_id))

        return await desk.performed(request, actor, act, key)

    @router.get("/v1/cases/{case_id}/notice/preview", responses=documents.PREVIEW, tags=["cases"])
    async def preview_notice(
        case_id: DecisionId, actor: Annotated[Actor, Depends(May("case.read"))]
    ) -> Response:
        """Show the notice of a case as it would be written if it were approved now, in both languages."""

        def look(w: Work) -> Acted:
            row = w.found(cases, case_id)
            w.note("notice.preview", f"case:{row['case_id']}")
            found = {language: effects.preview(w, row, language) for language in ("en", "zh")}
            shown = {
                language: {"subject": each.subject, "paragraphs": list(each.paragraphs)} if each else None
                for language, each in found.items()
            }
            return Acted({"case_id": row["case_id"], "notices": shown})

        return await desk.read(actor, look)

    return router
