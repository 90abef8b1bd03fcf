"""The timeline of an account by HTTP: all that happened to it on one axis, as far as who asks may see it."""

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response

from limitkeeper.app.answers import Acted
from limitkeeper.app.timeline import ITEM_KINDS, timeline, unreadable_kinds
from limitkeeper.core.behaviour.history import History
from limitkeeper.core.kernel.errors import InputError, did_you_mean
from limitkeeper.engines.embedded.engine import Engine
from limitkeeper.engines.embedded.requests import Request as Asked
from limitkeeper.shells.api import account_view_documents as documents
from limitkeeper.shells.api.account_views import AccountId
from limitkeeper.shells.api.acts import Desk
from limitkeeper.shells.api.answers import UnknownError, done
from limitkeeper.shells.api.cursors import PAGE_ROWS, Cursor, PageSize, cursor_of, values_of
from limitkeeper.shells.api.lines import AccountReader
from limitkeeper.store.work import Work

Kinds = Annotated[
    list[str] | None,
    Query(max_length=len(ITEM_KINDS), description="Only of this kind; repeated for several.",
          json_schema_extra={"items": {"type": "string", "enum": list(ITEM_KINDS)}}),
]  # fmt: skip


async def history_now(engine: Engine, account_id: str) -> History | None:
    """What the monitor holds of an account, None where it does not know it."""

    def read(running: Engine) -> History | None:
        place = running.state.number(account_id)
        return None if place is None else running.state.shards[place[0]].books.behaviour.history(place[1])

    found: History | None = await done(engine, Asked("read", read))
    return found


def checked_kinds(kinds: list[str] | None) -> set[str]:
    """The kinds that are asked for, all where none is named.

    Raises
    ------
    InputError
        When there is no such kind.
    """
    for kind in kinds or ():
        if kind not in ITEM_KINDS:
            raise InputError(
                "There is no such kind.",
                value=kind[:100],
                allowed=", ".join(ITEM_KINDS),
                advice=did_you_mean(kind[:100], ITEM_KINDS),
            )
    return set(kinds or ITEM_KINDS)


def timelines_router(desk: Desk, engine: Engine) -> APIRouter:
    """The route of the timeline."""
    router = APIRouter(tags=["accounts"])

    @router.get("/v1/accounts/{account_id}/timeline", responses=documents.TIMELINE)
    async def tell_timeline(
        account_id: AccountId,
        actor: AccountReader,
        kind: Kinds = None,
        limit: PageSize = PAGE_ROWS,
        cursor: Cursor = None,
    ) -> Response:
        """Tell what happened to an account, the newest first: events, bills, alerts, decisions, limits, notices, appeals.

        Planned changes of the limit lie ahead, and come first. Of events the last 180 days are kept, of bills the last
        twelve at least. What whoever asks may not read is left out, and `left_out` says so.
        """
        wanted = checked_kinds(kind)
        after = None if cursor is None else tuple(values_of(cursor, (int, str, str)))
        hidden = unreadable_kinds(actor)
        history = await history_now(engine, account_id)

        def look(w: Work) -> Acted:
            found = timeline(w, account_id, history, wanted - set(hidden), limit + 1, after)
            if history is None and not found and after is None:
                raise UnknownError("There is no such account.", value=account_id[:200])
            w.note("account.look", f"account:{account_id}", {"view": "timeline"})
            following = cursor_of(found[limit - 1][0]) if len(found) > limit else None
            items = [item for _, item in found[:limit]]
            return Acted({"account_id": account_id, "items": items, "next": following, "left_out": hidden})

        return await desk.read(actor, look)

    return router
