"""The console's application: its routes, what every answer of it carries, and what happens where something fails."""

import contextlib
import mimetypes
from collections.abc import AsyncIterator, Iterable
from functools import partial
from typing import Any

import msgspec
import structlog
from starlette.applications import Starlette
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from limitkeeper.app.looks import Shown
from limitkeeper.connectors.evidence import EVIDENCE_BYTES_MAX
from limitkeeper.core.access.rights import check_right
from limitkeeper.core.kernel.errors import InputError, LimitkeeperError
from limitkeeper.shells.api.answers import error_answer
from limitkeeper.shells.console import (
    accounts,
    alerts,
    appeals,
    audit,
    campaigns,
    cases,
    compliance,
    deliveries,
    entrance,
    mandates,
    me,
    notices,
    overview,
    people,
    portal,
    rights,
    strategy,
    strategy_draft,
)
from limitkeeper.shells.console.asking import ProblemError, problem_of_input
from limitkeeper.shells.console.forms import amounts_as_written, content_of
from limitkeeper.shells.console.live import Told
from limitkeeper.shells.console.look import STATIC, Console, Look, PageRoute
from limitkeeper.shells.console.navigation import place_at
from limitkeeper.shells.console.session import ROOT, end_session, inside, is_ours, quoted, token_of

log = structlog.get_logger()

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
"""On every answer: nothing from elsewhere runs or is shown, and nobody frames a page."""

FORM_FIELDS, FORM_FILES = 5_000, 10

UPLOAD_BYTES = portal.FILES_AT_ONCE * EVIDENCE_BYTES_MAX + 1_000_000
"""Bytes of a form with its files: what an appeal is promised, and its words; the API has bounds of its own besides."""

TOO_LARGE = {
    "status": 413, "detail": "The form is too large, or cannot be read.", "detail_zh": "表单过大或无法读取。",
    "allowed": f"{FORM_FILES} files, {FORM_FIELDS:,} fields, {UPLOAD_BYTES // 1_000_000} MB in all",
    "allowed_zh": f"{FORM_FILES} 个文件、{FORM_FIELDS:,} 个字段，合计 {UPLOAD_BYTES // 1_000_000} MB",
    "advice": "Send fewer or smaller files.", "advice_zh": "请减少文件或缩小文件。",
}  # fmt: skip

PAGES: tuple[PageRoute, ...] = (
    *entrance.PAGES,
    *overview.PAGES,
    *cases.PAGES,
    *alerts.PAGES,
    *accounts.PAGES,
    *portal.PAGES,
    *appeals.PAGES,
    *rights.PAGES,
    *campaigns.PAGES,
    *mandates.PAGES,
    *people.PAGES,
    *deliveries.PAGES,
    *audit.PAGES,
    *notices.PAGES,
    *me.PAGES,
    *strategy.PAGES,
    *strategy_draft.PAGES,
    *compliance.PAGES,
)


class Secured:
    """An application whose every answer carries the headers.

    Parameters
    ----------
    inner
        Which answers.
    """

    def __init__(self, inner: Any) -> None:  # noqa: ANN401 - an application
        self.inner = inner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                known = {name for name, _ in message["headers"]}
                given = HEADERS if b"cache-control" in known else {**HEADERS, "Cache-Control": "no-store"}
                message["headers"] = [
                    *message["headers"],
                    *((name.lower().encode(), value.encode()) for name, value in given.items()),
                ]
            await send(message)

        await self.inner(scope, receive, sent)


def console_application(console: Console) -> Secured:
    """The application of all pages, to be mounted at :data:`limitkeeper.shells.console.session.ROOT`."""
    shown, done = partial(handled, console), partial(acted, console)
    routes: list[Any] = [
        Route("/stream", partial(stream, console)),
        *(page.route(done if page.method == "POST" else shown) for page in (*PAGES, ACT)),
        Route("/static/{name}", static_file),
    ]
    lost, broken = partial(nowhere, console), partial(failed_inside, console)
    return Secured(Starlette(routes=routes, exception_handlers={404: lost, 405: lost, Exception: broken}))


async def nowhere(console: Console, request: Request, _error: Exception) -> Response:
    """What is answered where there is no page."""
    look = Look(request, console)
    with contextlib.suppress(ProblemError):  # a page of nobody, then
        look.me = await look.ask.get("/v1/me") if token_of(request) else {}
    said = look.t("There is no such page.", "没有此页面。")
    return failed(look, {"status": 404, "detail": said, "value": request.url.path[:200]})


async def failed_inside(console: Console, request: Request, error: Exception) -> Response:
    """What is answered where a page itself fails; the log has why."""
    log.error("page_failed", exc_info=error)
    look = Look(request, console)
    said = look.t(
        "This page failed. Nothing was changed that you were not told of.",
        "页面出错。未告知您的更改均未生效。",
    )
    advice = look.t("Try again; if it stays so, tell an operator.", "请重试；如仍出错，请联系运维人员。")
    return look.refused({"status": 500, "detail": said, "advice": advice})


async def handled(console: Console, page: PageRoute, request: Request) -> Response:
    """What a look at a page is answered."""
    look = Look(request, console)
    try:
        await known(look, page)
        if not look.me and not page.is_open:
            return to_login(look)
        return await page.shown(look)
    except ProblemError as error:
        return failed(look, error.document)


async def acted(console: Console, page: PageRoute, request: Request) -> Response:
    """What a form is answered, if it is one of ours and somebody's."""
    look, length = Look(request, console), request.headers.get("content-length", "")
    if not length.isdecimal() or int(length) > UPLOAD_BYTES:
        return look.refused(TOO_LARGE)
    bounds = {"max_fields": FORM_FIELDS, "max_files": FORM_FILES, "max_part_size": UPLOAD_BYTES}
    try:
        form = await request.form(**bounds)
    except HTTPException:  # the framework's own words are English, and no page
        return look.refused(TOO_LARGE)
    try:
        return await acted_by(look, page, form)
    finally:
        await form.close()


async def acted_by(look: Look, page: PageRoute, form: FormData) -> Response:
    """What a form that was read is answered."""
    if not is_ours(look.request, str(form.get("_mark", ""))):
        said = look.t(
            "This form is not of this session. Open the page again.",
            "该表单不属于当前会话，请重新打开页面。",
        )
        return look.refused({"status": 403, "detail": said})
    try:
        await known(look, page)
    except ProblemError as error:
        return look.refused(error.document)
    return await page.shown(look)


async def known(look: Look, page: PageRoute) -> None:
    """Learn who looks, and whether the page is for him; an open page is for anybody, also when a session is over.

    Raises
    ------
    ProblemError
        When the session is over, or the page is not for him.
    """
    if token_of(look.request):
        try:
            look.me = await look.ask.get("/v1/me")
        except ProblemError as error:
            if not page.is_open or error.status != 401:  # noqa: PLR2004 - of HTTP
                raise
    if page.act and look.me and not look.may(page.act):
        said = look.t("This is not yours to do.", "您无权执行此操作。")
        raise ProblemError({"status": 403, "detail": said, "value": page.act})


async def stream(console: Console, request: Request) -> Response:
    """Figures and alerts as they come, to whoever may read alerts."""
    try:
        actor = await console.live.gate.watching(token_of(request))
        check_right(actor, "alerts.read")
        console.live.check_place()
        await console.live.desk.listed(actor, "stream.look", Shown(()), "stream:alerts")
    except LimitkeeperError as error:
        return error_answer(error)
    told = Told(Look(request, console).language, "waiting" in request.query_params)
    return StreamingResponse(
        console.live.watched(token_of(request), told),
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        media_type="text/event-stream",
    )


def to_login(look: Look) -> Response:
    """To the login, and back afterwards."""
    end = RedirectResponse(f"{ROOT}/login?then={quoted(look.with_query())}", 303)
    end_session(look.request, end)
    return end


def failed(look: Look, problem: dict[str, Any]) -> Response:
    """A page that says what went wrong and what to do; a session that is over leads to the login."""
    if problem["status"] == 401:  # noqa: PLR2004 - of HTTP
        return to_login(look)
    place = place_at(look.request.url.path)
    if problem["status"] == 403 and place and place not in look.places:  # noqa: PLR2004 - of HTTP
        problem = problem | {
            "detail": f"“{place['en']}” is not among your pages.",
            "detail_zh": f"“{place['zh']}”不在您可用的页面中。",
            "advice": "Yours are in the menu of this page.",
            "advice_zh": "您可用的页面见本页菜单。",
        }
    if problem["status"] == 404 and place in look.places and look.request.url.path != place["path"]:  # noqa: PLR2004 - of HTTP
        problem = problem | {
            "detail": f"Under “{place['en']}” there is nothing like this.",
            "detail_zh": f"“{place['zh']}”中没有该内容。",
        }
    return look.page(
        "problem", problem["status"], problem=problem, place=place if place in look.places else None
    )


async def static_file(request: Request) -> Response:
    """A style or a script."""
    name = request.path_params["name"]
    found = STATIC / name
    if "/" in name or name.startswith(".") or not found.is_file():
        return Response(status_code=404)
    kept = {"Cache-Control": "public, max-age=31536000, immutable"}
    return Response(
        found.read_bytes(), headers=kept, media_type=mimetypes.guess_type(name)[0] or "text/plain"
    )


async def act(look: Look) -> Response:
    """Do what a form asks of the API, in the name of who sent it: the rules are the API's.

    The form says ``_path``, ``_method`` (POST), ``_match`` (the version that was seen), ``_key`` (so that sent twice it
    is done once), ``_then`` (the page to go on to), ``_done`` (what to say there), ``_waits`` (what to say instead where
    the answer's ``pending`` says that a second person is to confirm it), and ``_shown`` (the field of the answer that is
    shown once).
    """
    form = await look.request.form()
    texts = {name: value for name, value in form.items() if isinstance(value, str)}
    sent = [value for name, value in form.multi_items() if isinstance(value, UploadFile) and ":" not in name]
    files = [("file", (value.filename or "file", await value.read(), value.content_type or ""))
             for value in sent if value.size]  # fmt: skip
    path, method = texts.get("_path", ""), texts.get("_method", "POST")
    if not path.startswith("/v1/") or method not in ("POST", "PATCH", "DELETE"):
        said = look.t("The form says nothing to do.", "表单未说明要执行的操作。")
        return look.refused({"status": 400, "detail": said, "value": path[:200]})
    if sent and not files:
        nothing = InputError("No file came, or one that is empty.", value=sent[0].filename or None,
                             advice="Choose a file that holds something.")  # fmt: skip
        return look.refused(problem_of_input(nothing))
    headers = {"If-Match": texts.get("_match", ""), "Idempotency-Key": texts.get("_key", "")}
    try:
        given: dict[str, Any] = {"headers": {name: value for name, value in headers.items() if value}}
        if files:
            given["files"] = files
        elif method != "DELETE":  # an object also where nothing is filled in: some acts need one
            given["json"] = content_of([each async for each in fields_of(form.multi_items())])
        found = await look.ask.answer(method, path, **given)
    except InputError as error:
        return look.refused(problem_of_input(error))
    except ProblemError as error:
        return look.refused(amounts_as_written(error.document, texts.items(), look.money))
    return went_well(look, texts, found.content)


def went_well(look: Look, texts: dict[str, str], content: bytes) -> Response:
    """The way on after an act, or what is shown once of its answer."""
    if shown := texts.get("_shown"):
        value, then = msgspec.json.decode(content)[shown], inside(texts.get("_then", ""))
        return look.page("shown_once", value=value, then=then)
    then, told = texts.get("_then", ""), told_by(content)
    for name, value in told.items():
        if name.endswith("_id"):  # to go on to what was made
            then = then.replace("{" + name + "}", value)
    waits = "pending" in told and texts.get("_waits")
    return look.onward(look.forth(then, waits or texts.get("_done", "")))


def told_by(content: bytes) -> dict[str, str]:
    """The texts of an answer by their names."""
    try:
        found = msgspec.json.decode(content)
    except msgspec.DecodeError:
        return {}
    pairs = found.items() if isinstance(found, dict) else ()
    return {name: value for name, value in pairs if isinstance(value, str)}


async def fields_of(items: Iterable[tuple[str, Any]]) -> AsyncIterator[tuple[str, str]]:
    """The fields of a form: texts as they are, and files that have a kind by the text that they hold.

    Raises
    ------
    InputError
        When such a file is no text.
    """
    for name, value in items:
        if isinstance(value, str):
            yield name, value
        elif ":" in name:
            try:
                yield name, (await value.read()).decode()
            except UnicodeDecodeError as error:
                raise InputError("The file is no text.", value=value.filename) from error


ACT = PageRoute("/act", act, method="POST")
