"""Persons' requests by HTTP: a customer makes his own and takes his copy, compliance answers by the clock."""

from collections.abc import AsyncIterator, Callable, Iterator
from threading import BoundedSemaphore
from typing import Annotated, Any, NamedTuple

import msgspec
from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import Response, StreamingResponse
from starlette.concurrency import run_in_threadpool

from limitkeeper.app.answers import Acted
from limitkeeper.app.consents import consent_texts
from limitkeeper.app.customer_preferences import customer_row
from limitkeeper.app.erasure import UNASKED, Limits, person_erased, traces_removed
from limitkeeper.app.looks import shown
from limitkeeper.app.ownership import account_ids_or_own
from limitkeeper.app.personal_copy import PARTS, part_rows
from limitkeeper.app.personal_data import Whose
from limitkeeper.app.rights import (
    WORDS_MAX,
    copied_person,
    copy_given,
    part_given,
    request_answered,
    request_extended,
    request_made,
    request_verified,
    request_withdrawn,
)
from limitkeeper.app.rights_documents import request_document, request_read
from limitkeeper.connectors.sealing import Seal
from limitkeeper.core.access.actors import Actor
from limitkeeper.core.access.rights import is_allowed
from limitkeeper.core.compliance.requests import ANSWERS, END_STATES, KINDS, LIVE_STATES
from limitkeeper.engines.embedded.engine import Engine
from limitkeeper.engines.embedded.requests import BusyError
from limitkeeper.shells.api import rights_documents as documents
from limitkeeper.shells.api.access import May
from limitkeeper.shells.api.acts import Desk, IdempotencyKey, IfMatch, body_as, seen_version
from limitkeeper.shells.api.answers import answer, body_of
from limitkeeper.shells.api.cursors import PAGE_ROWS, By, Cursor, PageSize, page, rows_with
from limitkeeper.shells.api.customer_lines import CustomerOf, Language, whose
from limitkeeper.shells.api.monitored import limits_of, monitored
from limitkeeper.shells.api.names import WITHOUT_NUL
from limitkeeper.shells.report.copy_page import copy_html
from limitkeeper.store.rights_tables import rights_requests
from limitkeeper.store.work import Work, reading

STATES = (*LIVE_STATES, *END_STATES)

VERIFY, *_, ERASE = ACTS = ("verify", *ANSWERS, "erase")


class Form(NamedTuple):
    """A form that a copy is given in: its media type, and the file of a copy in a language."""

    media_type: str
    content: Callable[[dict[str, Any], str], bytes]


FORMS = {
    "json": Form("application/json", lambda copy, _language: msgspec.json.encode(copy)),
    "html": Form("text/html; charset=utf-8", lambda copy, language: copy_html(copy, language).encode()),
}
"""For machines, and to be read."""

PARTS_AT_ONCE = 2
"""Parts of copies that are read at a time: one may go through the whole journal."""

PART_MEDIA_TYPE = "application/jsonl"

SOONEST_FIRST = (By(rights_requests.c.answer_until_us), By(rights_requests.c.request_id))

RequestId = Annotated[
    str, Path(max_length=64, description="The id of a request.", examples=[documents.REQUEST_ID]), WITHOUT_NUL
]
PartName = Annotated[
    str, Path(pattern=f"^({'|'.join(PARTS)})$", description="Which part.", examples=["journal"],
              json_schema_extra={"enum": list(PARTS)}),
]  # fmt: skip
ActName = Annotated[
    str, Path(pattern=f"^({'|'.join(ACTS)})$", description="What is done.", examples=[VERIFY],
              json_schema_extra={"enum": list(ACTS)}),
]  # fmt: skip
Maker = Annotated[Actor, Depends(May("rights.request"))]
Reader = Annotated[Actor, Depends(May("rights.read"))]
Answerer = Annotated[Actor, Depends(May("rights.answer"))]


class MadeRequest(msgspec.Struct, forbid_unknown_fields=True):
    """A request to be made; of a customer his own where he does not say."""

    kind: str
    words: Annotated[str, msgspec.Meta(max_length=WORDS_MAX)] = ""
    customer_id: Annotated[str, msgspec.Meta(max_length=200)] | None = None


class Words(msgspec.Struct, forbid_unknown_fields=True):
    """What is said with an act."""

    words: Annotated[str, msgspec.Meta(max_length=WORDS_MAX)] = ""
    rest: Annotated[str, msgspec.Meta(max_length=WORDS_MAX)] = ""
    scopes: Annotated[list[str], msgspec.Meta(max_length=len(consent_texts()))] = []


class Extension(msgspec.Struct, forbid_unknown_fields=True):
    """By how many days a clock is extended, and why."""

    days: Annotated[int, msgspec.Meta(ge=1)]
    words: Annotated[str, msgspec.Meta(max_length=WORDS_MAX)]


def rights_router(desk: Desk, seal: Seal, engine: Engine) -> APIRouter:
    """The routes of making and reading requests."""
    router = APIRouter(tags=["rights"])

    @router.get("/v1/rights-requests", responses=documents.REQUESTS)
    async def list_rights_requests(
        actor: Reader,
        kind: Annotated[str | None, Query(pattern=f"^({'|'.join(KINDS)})$", description="Only for this.",
                                          json_schema_extra={"enum": list(KINDS)})] = None,
        state: Annotated[str | None, Query(pattern=f"^({'|'.join(STATES)})$", description="Only in this state.",
                                           json_schema_extra={"enum": list(STATES)})] = None,
        customer_id: CustomerOf = None,
        is_live: Annotated[bool | None, Query(description="Only those that wait, or that have ended.")] = None,
        limit: PageSize = PAGE_ROWS,
        cursor: Cursor = None,
    ) -> Response:  # fmt: skip
        """List requests, those that must be answered first on top; a customer's own alone."""
        is_inside = is_allowed(actor, "rights.list")
        if not is_inside:
            customer_id = whose(actor, "rights.read", customer_id)
        now_us = desk.now_us()
        wanted = {"kind": kind, "state": state, "customer_id": customer_id, "is_live": is_live}

        def told(row: dict[str, Any]) -> dict[str, Any]:
            return request_document(row, now_us, for_customer=not is_inside)

        found = await run_in_threadpool(
            page, desk.store, rows_with(rights_requests, wanted), SOONEST_FIRST, limit, cursor, told
        )
        await desk.listed(actor, "rights.list", shown(found["items"]))
        return answer(found)

    @router.post("/v1/rights-requests", status_code=201, openapi_extra=documents.MAKE_REQUEST)
    async def make_rights_request(request: Request, actor: Maker, key: IdempotencyKey = None) -> Response:
        """Make a request for a customer: his own login tells who asks, any other way it is to be verified."""
        asked = await body_as(request, MadeRequest)
        customer_id = whose(actor, "rights.request", asked.customer_id)

        def made(w: Work) -> Acted:
            return _acted(w, request_made(w, seal, customer_id, asked.kind, asked.words), status=201)

        return await desk.performed(request, actor, made, key)

    @router.get("/v1/rights-requests/{request_id}", responses=documents.ONE_REQUEST)
    async def one_rights_request(request_id: RequestId, actor: Reader) -> Response:
        """Tell one request with what was said and done, and what bars an erasure.

        Its ETag is what an act is decided on. A customer is told what concerns him, and not who works on it.
        """
        limits = await limits_asked(desk, engine, actor, request_id)

        def look(w: Work) -> Acted:
            found = request_read(w, seal, request_id, limits)
            return Acted(found, version=found["version"])

        return await desk.read(actor, look)

    return router


def copies_router(desk: Desk, seal: Seal, engine: Engine) -> APIRouter:
    """The routes of a person's copy, and of its parts of any length."""
    router, places = APIRouter(tags=["rights"]), BoundedSemaphore(PARTS_AT_ONCE)

    async def place() -> AsyncIterator[None]:
        if not places.acquire(blocking=False):
            raise BusyError("Too many parts of copies are read now.", allowed=PARTS_AT_ONCE,
                            advice="Try again later.")  # fmt: skip
        try:
            yield
        finally:
            places.release()

    @router.get("/v1/rights-requests/{request_id}/copy", responses=documents.COPY, response_class=Response)
    async def copy_of_person(
        request_id: RequestId,
        actor: Reader,
        form: Annotated[
            str,
            Query(alias="format", pattern=f"^({'|'.join(FORMS)})$", description="For machines, or to be read.",
                  json_schema_extra={"enum": list(FORMS)}),
        ] = "json",
        language: Language = None,
    ) -> Response:  # fmt: skip
        """Give everything that is kept of the person of a request for access or a copy, as a file.

        The first copy answers the request; for some days it can be taken again, each time as things are then. Who took
        it is kept. What is to be read is one page without scripts. `left_out` names what is too long for one file, and
        where it is.
        """
        found = list[tuple[dict[str, Any], str]]()

        def accounts() -> list[str]:
            with reading(desk.store, actor, desk.now_us()) as w:
                return copied_person(w, request_id)[1]["account_id"]

        # Before the work: the monitor answers once its own is written, and waits for whoever writes.
        beyond = await monitored(engine, await run_in_threadpool(accounts))

        def given(w: Work) -> Acted:
            copy = copy_given(w, seal, request_id, beyond)
            found[:] = [(copy, language or str(customer_row(w, copy["customer_id"])["language"]))]
            return Acted(None)

        await desk.read(actor, given)
        content = await run_in_threadpool(FORMS[form].content, *found[0])
        headers = file_headers(f"personal-data.{form}")
        return Response(content, headers=headers, media_type=FORMS[form].media_type)

    @router.get(
        "/v1/rights-requests/{request_id}/copy/{part}",
        responses=documents.COPY_PART,
        response_class=StreamingResponse,
        dependencies=[Depends(place)],
    )
    async def part_of_copy(request_id: RequestId, part: PartName, actor: Reader) -> StreamingResponse:
        """Give one part of a copy, of any length, a line of JSON a row: a table, or the journal as far as it is kept.

        The first line says whose and of when it is, the last how many rows there were: without it the file is not whole.
        """
        found = list[tuple[dict[str, Any], Whose]]()

        def given(w: Work) -> Acted:
            found[:] = [part_given(w, request_id, part)]
            return Acted(None)

        await desk.read(actor, given)
        (about, person), *_ = found
        rows = part_rows(desk.store, seal, about["customer_id"], person, part)
        return StreamingResponse(
            part_lines(about, rows), headers=file_headers(f"{part}.jsonl"), media_type=PART_MEDIA_TYPE
        )

    return router


def file_headers(name: str) -> dict[str, str]:
    """Of a file of personal data: to be kept, by no cache, and never shown among pages."""
    return {
        "Content-Disposition": f'attachment; filename="{name}"',
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "sandbox; default-src 'none'; style-src 'unsafe-inline'",
        "Cache-Control": "no-store",
    }


def part_lines(about: dict[str, Any], rows: Iterator[dict[str, Any]]) -> Iterator[bytes]:
    r"""The lines of a part: what it is, its rows, and how many there were.

    Examples
    --------
    >>> b"".join(part_lines({"part": "alerts"}, iter([{"hits": 1}])))
    b'{"part":"alerts"}\n{"hits":1}\n{"is_whole":true,"rows":1}\n'
    """
    yield msgspec.json.encode(about) + b"\n"
    count = 0
    for row in rows:
        yield msgspec.json.encode(row) + b"\n"
        count += 1
    yield msgspec.json.encode({"is_whole": True, "rows": count}) + b"\n"


def rights_acts_router(desk: Desk, seal: Seal, engine: Engine) -> APIRouter:
    """The routes of acts on requests: of the person himself, and of compliance."""
    router = APIRouter(tags=["rights"])

    @router.post("/v1/rights-requests/{request_id}/withdraw", openapi_extra=documents.WITHDRAW_REQUEST)
    async def withdraw_rights_request(
        request: Request, request_id: RequestId, actor: Maker, if_match: IfMatch = None, key: IdempotencyKey = None
    ) -> Response:  # fmt: skip
        """Take one's own request back while it waits."""
        await body_of(request)
        version = seen_version(if_match)

        def withdrawn(w: Work) -> Acted:
            request_withdrawn(w, seal, request_id, version)
            return _acted(w, request_id)

        return await desk.performed(request, actor, withdrawn, key)

    @router.post("/v1/rights-requests/{request_id}/extend", openapi_extra=documents.EXTEND_REQUEST)
    async def extend_rights_request(
        request: Request, request_id: RequestId, actor: Answerer, if_match: IfMatch = None, key: IdempotencyKey = None
    ) -> Response:  # fmt: skip
        """Extend the clock of a request that waits, once, before it has run out; its customer is told why and until when.

        By how many days at most is dated policy; a look at the request tells it (`extensible_days`).
        """
        version = seen_version(if_match)
        said = await body_as(request, Extension)

        def longer(w: Work) -> Acted:
            request_extended(w, seal, request_id, version, said.days, said.words)
            return _acted(w, request_id)

        return await desk.performed(request, actor, longer, key)

    @router.post("/v1/rights-requests/{request_id}/{act}", openapi_extra=documents.ACT_ON_REQUEST)
    async def act_on_rights_request(
        request: Request, request_id: RequestId, act: ActName, actor: Answerer, if_match: IfMatch = None,
        key: IdempotencyKey = None,
    ) -> Response:  # fmt: skip
        """Act on a request as it was seen: verify who asks, answer in words, in part or not at all, or erase the person.

        The answer to a request to withdraw consent withdraws it: the ones of the scopes, or the one that holds.
        An erasure has no way back: the person's key is destroyed, and what names him is taken away. What bars it is
        named in the answer, in English and Chinese.
        """
        version = seen_version(if_match)
        said = await body_as(request, Words) if await body_of(request) else Words()
        limits = await limits_asked(desk, engine, actor, request_id) if act == ERASE else UNASKED

        def acted(w: Work) -> Acted:
            if act == VERIFY:
                request_verified(w, seal, request_id, version, said.words)
            elif act == ERASE:
                person_erased(w, seal, request_id, version, limits)
            else:
                request_answered(w, seal, request_id, version, act, said.words, said.rest, scopes=said.scopes)
            return _acted(w, request_id)

        found = await desk.performed(request, actor, acted, key)
        if act == ERASE:
            await run_in_threadpool(traces_removed, desk.store)
        return found

    return router


async def limits_asked(desk: Desk, engine: Engine, actor: Actor, request_id: str) -> Limits:
    """The limits of the accounts of whoever is to be erased; asked before the work: the monitor waits for who writes."""

    def accounts() -> list[str]:
        with reading(desk.store, actor, desk.now_us()) as w:
            row = w.kept(rights_requests, request_id)
            waits = row is not None and row["kind"] == ERASE and row["is_live"]
            return account_ids_or_own(w, row["customer_id"]) if row is not None and waits else []

    found = await run_in_threadpool(accounts)
    return await limits_of(engine, found) if found else UNASKED


def _acted(w: Work, request_id: str, status: int = 200) -> Acted:
    row = w.found(rights_requests, request_id)
    for_customer = w.actor.customer_id is not None
    return Acted(request_document(row, w.now_us, for_customer=for_customer), status, row["version"])
