"""An act by HTTP: one piece of work, done once under its key, on what the actor has seen."""

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, TypeVar

import msgspec
import sqlalchemy as sa
from fastapi import Header, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from limitkeeper.app.answers import Acted, acted_once
from limitkeeper.app.looks import Shown, page_noted
from limitkeeper.core.access.actors import Actor
from limitkeeper.core.kernel.errors import InputError
from limitkeeper.shells.api.answers import PreconditionError, answer, body_of
from limitkeeper.shells.api.unreadable import unreadable
from limitkeeper.store.sql import Store
from limitkeeper.store.work import Work, work

KEY_LETTERS = 200

TRIES = 3
"""An act that the database could not put in order with others is begun again so often."""

SAME_PAGE_SECONDS = 300.0
"""The same accounts, listed to the same person again within so long, are the same look: of a screen that refreshes."""

PAGES_MAX = 1_000
"""Pages that are kept in mind for that."""

SERIALISATION_FAILURES = ("40001", "40P01")

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        max_length=KEY_LETTERS,
        description="A name of this request: sent again with it, the first answer comes back and nothing is done twice.",
        examples=["2f1c9a44-claim"],
    ),
]

IfMatch = Annotated[
    str | None,
    Header(
        alias="If-Match",
        description="The ETag of what you saw. An act on what has changed since is refused.",
        examples=['"1"'],
    ),
]

Body = TypeVar("Body", bound=msgspec.Struct)


@dataclass(frozen=True)
class Desk:
    """Where acts are done.

    Parameters
    ----------
    store
        What they change.
    now_us
        The clock, UTC microseconds.
    """

    store: Store
    now_us: Callable[[], int]
    _listed: OrderedDict[tuple[str, str, int], float] = field(
        default_factory=OrderedDict, repr=False, compare=False
    )

    async def read(self, actor: Actor, look: Callable[[Work], Acted]) -> Response:
        """The answer of a look at personal data, which is noted in the audit."""
        return acted_answer(await run_in_threadpool(self._worked, actor, look))

    async def noted(
        self, actor: Actor, act: str, subject: str, seen: object, detail: Mapping[str, Any] | None = None
    ) -> Response:
        """The answer of a look that was made already, where the monitor was asked; it is given once it is noted."""

        def look(w: Work) -> Acted:
            w.note(act, subject, detail)
            return Acted(seen)

        return await self.read(actor, look)

    async def listed(self, actor: Actor, act: str, whom: Shown, subject: str | None = None) -> None:
        """Note a page as :func:`limitkeeper.app.looks.page_noted` does; the same page again soon is the same look."""
        if not whom and subject is None:
            return
        page, now = (actor.actor_id, subject or act, hash(whom)), time.monotonic()
        if self._listed.get(page, now) > now:
            return

        def look(w: Work) -> Acted:
            page_noted(w, act, whom, subject)
            return Acted(None)

        await run_in_threadpool(self._worked, actor, look)
        self._listed[page] = now + SAME_PAGE_SECONDS
        self._listed.move_to_end(page)
        while len(self._listed) > PAGES_MAX:
            self._listed.popitem(last=False)

    async def performed(
        self, request: Request, actor: Actor, act: Callable[[Work], Acted], key: str | None
    ) -> Response:
        """The answer of an act.

        Parameters
        ----------
        request
            What was asked; its body is read already, or has none.
        actor
            Who acts.
        act
            What is done, in one transaction.
        key
            Of :data:`IdempotencyKey`; without one the act is done each time.

        Raises
        ------
        InputError
            When the key stood for another request.
        LimitkeeperError
            When the act is refused; nothing is changed then.
        """
        if key is None:
            return acted_answer(await run_in_threadpool(self._worked, actor, act))
        asked = hashlib.sha256(f"{request.method} {request.url.path}?{request.url.query}\n".encode())
        asked.update((request.headers.get("if-match", "") + "\n").encode())
        asked.update(await body_of(request))

        def once(w: Work) -> Acted:
            return acted_once(w, key, asked.hexdigest(), act)

        return acted_answer(await run_in_threadpool(self._worked, actor, once))

    def _worked(self, actor: Actor, act: Callable[[Work], Acted]) -> Acted:
        for tries in range(1, TRIES + 1):
            try:
                with work(self.store, actor, self.now_us()) as w:
                    return act(w)
            except sa.exc.IntegrityError:  # the same key, or the same thing, came twice at once
                if tries == TRIES:
                    raise
            except sa.exc.OperationalError as error:
                if tries == TRIES or getattr(error.orig, "sqlstate", None) not in SERIALISATION_FAILURES:
                    raise
        raise AssertionError("the last try answers or raises")


def acted_answer(found: Acted) -> Response:
    """What an act is answered, with the version of what it changed as its ETag."""
    headers = None if found.version is None else {"ETag": f'"{found.version}"'}
    return answer(found.content, found.status, headers)


def seen_version(if_match: str | None) -> int:
    """The version that an actor has seen.

    Raises
    ------
    PreconditionError
        When he does not say.
    InputError
        When it cannot be read.

    Examples
    --------
    >>> seen_version('"7"')
    7
    """
    if if_match is None:
        raise PreconditionError(
            "Say what you saw.", allowed='If-Match: "VERSION"', advice="Read it, and send its ETag back."
        )
    text = if_match.strip().removeprefix("W/").strip('"')
    if not (text.isascii() and text.isdigit() and len(text) < 16):  # noqa: PLR2004 - a version is a number
        raise InputError("The If-Match cannot be read.", value=if_match[:100], allowed='"VERSION"')
    return int(text)


async def body_as(request: Request, kind: type[Body]) -> Body:
    """The body of a request as a struct.

    Raises
    ------
    InputError
        When it is none.
    TooLargeError
        When it is larger than its bound.
    """
    body = await body_of(request)
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise unreadable(error, kind) from error
