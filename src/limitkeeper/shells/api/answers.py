"""How requests are answered: JSON by msgspec, errors that say what to do, one status a kind of error."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Mapping
from concurrent.futures import Future
from typing import Any, cast
from weakref import WeakKeyDictionary

import msgspec
from fastapi import FastAPI, Request
from fastapi.responses import Response
from starlette.requests import ClientDisconnect

from limitkeeper.app.campaigns import CampaignError
from limitkeeper.app.erasure import BarredError
from limitkeeper.app.login_attempts import TooManyLoginsError
from limitkeeper.app.people import LoginError
from limitkeeper.app.problem_wording import catalogue, in_chinese
from limitkeeper.connectors.oidc import ProviderError
from limitkeeper.connectors.sealing import ErasedError
from limitkeeper.core.access.rights import ForbiddenError
from limitkeeper.core.kernel.errors import InputError, LimitkeeperError, PolicyError, RuleError
from limitkeeper.core.limits.ledger import LedgerError
from limitkeeper.engines.embedded.engine import Engine
from limitkeeper.engines.embedded.requests import BusyError, StoppedError
from limitkeeper.engines.embedded.requests import Request as Work
from limitkeeper.store.database import StoreError
from limitkeeper.store.work import ConflictError, MissingError

_encoder = msgspec.json.Encoder()

BODY_BYTES_MAX = 64 * 1024 * 1024
"""Bytes of a request's body."""


class TooLargeError(LimitkeeperError):
    """A body beyond the bound."""


class UnknownError(LimitkeeperError):
    """Something asked for by name that there is not."""


KEPT_BODY = "limitkeeper.body"
"""Where a request's scope keeps its body, so that it can be read again."""


class JsonResponse(Response):
    """JSON that is encoded already; its usual headers cost nothing but its length."""

    media_type = "application/json"

    def init_headers(self, headers: Mapping[str, str] | None = None) -> None:
        """Set the headers that are sent."""
        if headers:
            super().init_headers(headers)
        else:
            length = b"content-length", b"%d" % len(self.body)
            self.raw_headers = [length, (b"content-type", b"application/json")]


def answer(content: object, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A JSON answer."""
    return JsonResponse(_encoder.encode(content), status, headers)


def error_document(error: LimitkeeperError) -> dict[str, Any]:
    """An error as JSON: what happened, what was given, what is allowed, what to do."""
    return {
        "problem": error.problem,
        "value": None if error.value is None else str(error.value),
        "allowed": None if error.allowed is None else str(error.allowed),
        "advice": error.advice,
    }


PROBLEM = "application/problem+json"
"""RFC 9457."""

PROBLEM_TYPE = "urn:limitkeeper:problem:"


class PreconditionError(LimitkeeperError):
    """An act that does not say what it was decided on."""


KINDS: tuple[tuple[type[LimitkeeperError], int, str, str], ...] = (
    (BusyError, 429, "busy", "Too much at once"),
    (TooManyLoginsError, 429, "logins", "Too many logins failed"),
    (ProviderError, 502, "provider", "The login's provider fails"),
    (StoppedError, 503, "stopped", "Not running"),
    (StoreError, 503, "store-busy", "The store is busy"),
    (TooLargeError, 413, "too-large", "Too large"),
    (LoginError, 401, "login", "Not logged in"),
    (ForbiddenError, 403, "forbidden", "Not allowed"),
    (UnknownError, 404, "unknown", "Not there"),
    (MissingError, 404, "unknown", "Not there"),
    (PreconditionError, 428, "precondition", "Not said what was seen"),
    (RuleError, 409, "refused", "Refused by a rule"),
    (BarredError, 409, "refused", "Refused by a rule"),
    (ErasedError, 409, "erased", "Erased"),
    (ConflictError, 409, "conflict", "Changed in the meantime"),
    (LedgerError, 409, "ledger", "Not as the ledger is"),
    (CampaignError, 409, "campaign", "Not as the campaign is"),
    (PolicyError, 409, "policy", "Not as the policy is"),
    (InputError, 422, "input", "Not as it should be"),
    (LimitkeeperError, 500, "failed", "Failed"),
)
"""Each kind of error: its status, its type and its title; the first that fits."""

CHANGED_STATUS = 412
"""Where an act names the version that it was decided on, and that is no more."""


def problem_document(error: LimitkeeperError, status: int, kind: str, title: str) -> dict[str, Any]:
    """An error as a problem document (RFC 9457), with what was given, what is allowed, and what to do."""
    found = error_document(error)
    return {
        "type": PROBLEM_TYPE + kind,
        "title": title,
        "status": status,
        "detail": found.pop("problem"),
        **found,
        **_chinese_of(error),
    }


def _chinese_of(error: LimitkeeperError) -> dict[str, Any]:
    """An error in Chinese, as far as it has a Chinese text; a rule with a name brings its own."""
    found: dict[str, Any] = in_chinese(error.problem, error.allowed, error.advice)
    if (chinese := found.pop("problem_zh", None)) is not None:
        found["detail_zh"] = chinese
    if (own := getattr(error, "chinese", None)) is not None:
        found |= {"rule": getattr(error, "rule", None), "detail_zh": own}
    return found


def error_answer(error: LimitkeeperError) -> Response:
    """The answer to an error of ours."""
    _, status, kind, title = next(row for row in KINDS if isinstance(error, row[0]))
    wait = getattr(error, "retry_seconds", BusyError.retry_seconds)
    headers = {"Retry-After": str(wait)} if status in (429, 503) else {}
    if isinstance(error, LoginError):
        headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, RuleError):
        status = CHANGED_STATUS if error.rule == "version" else status
    return problem_answer(problem_document(error, status, kind, title), headers)


def problem_answer(document: dict[str, Any], headers: dict[str, str] | None = None) -> Response:
    """A problem as it is sent."""
    return Response(_encoder.encode(document), document["status"], headers, media_type=PROBLEM)


def add_error_answers(application: FastAPI) -> None:
    """Let every error of ours become an answer with its status; its Chinese is read now, not while somebody waits."""
    catalogue()

    def answered(_request: Request, error: Exception) -> Response:
        assert isinstance(error, LimitkeeperError)
        return error_answer(error)

    application.add_exception_handler(LimitkeeperError, answered)


async def body_of(request: Request, bytes_max: int = BODY_BYTES_MAX) -> bytes:
    """The body of a request, refused beyond its bound before it is read whole.

    Raises
    ------
    TooLargeError
        When it is larger.
    """
    kept: bytes | None = request.scope.get(KEPT_BODY)
    if kept is not None:
        return kept
    parts, size, more = list[bytes](), 0, True
    while more:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        part, more = message.get("body", b""), message.get("more_body", False)
        size += len(part)
        if size > bytes_max:
            raise TooLargeError("The body is too large.", value=f"{size} bytes", allowed=bytes_max)
        parts.append(part)
    kept = request.scope[KEPT_BODY] = b"".join(parts)
    return kept


async def done(engine: Engine, work: Work) -> Any:  # noqa: ANN401 - whatever the work answers
    """The answer of some work, when it is committed."""
    loop = asyncio.get_running_loop()
    mailbox = _mailboxes.get(loop)
    if mailbox is None:
        mailbox = _mailboxes[loop] = Mailbox(loop)
    waiting = loop.create_future()
    work.answer = cast("Future[Any]", Reply(mailbox, waiting))  # the engine only sets it
    engine.take(work)
    return await waiting


class Mailbox:
    """Answers on their way from the engine's threads to a loop.

    The loop is woken once for all that are told together, as those of a micro-batch are, not for each.

    Parameters
    ----------
    loop
        Where they are waited for.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._told: deque[tuple[asyncio.Future[Any], Any, BaseException | None]] = deque()
        self._is_woken = False

    def put(self, waiting: "asyncio.Future[Any]", result: object, error: BaseException | None) -> None:
        """Tell one, from any thread."""
        self._told.append((waiting, result, error))
        if not self._is_woken:
            self._is_woken = True
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                self._loop.call_soon_threadsafe(self._deliver)

    def _deliver(self) -> None:
        self._is_woken = False  # before they are taken: what is put from now on wakes the loop again
        while self._told:
            waiting, result, error = self._told.popleft()
            if waiting.done():  # nobody waits any more
                continue
            if error is None:
                waiting.set_result(result)
            else:
                waiting.set_exception(error)


class Reply:
    """What the engine tells of a request, as of a future."""

    __slots__ = ("_is_done", "_mailbox", "_waiting")

    def __init__(self, mailbox: Mailbox, waiting: "asyncio.Future[Any]") -> None:
        self._mailbox, self._waiting, self._is_done = mailbox, waiting, False

    def done(self) -> bool:
        """Whether it is told."""
        return self._is_done

    def set_result(self, result: object) -> None:
        """Tell the answer."""
        self._is_done = True
        self._mailbox.put(self._waiting, result, None)

    def set_exception(self, error: BaseException) -> None:
        """Tell why there is none."""
        self._is_done = True
        self._mailbox.put(self._waiting, None, error)


_mailboxes: "WeakKeyDictionary[asyncio.AbstractEventLoop, Mailbox]" = WeakKeyDictionary()
