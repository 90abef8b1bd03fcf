"""An account from several sides by HTTP: other limits, links, its own past and its peers, everything that happened."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from limitkeeper.core.access.actors import Actor
from limitkeeper.engines.embedded.comparison import comparison
from limitkeeper.engines.embedded.economics import LIMITS_MAX, economics
from limitkeeper.engines.embedded.engine import Engine
from limitkeeper.engines.embedded.relations_picture import relations_picture
from limitkeeper.engines.embedded.requests import Request as Work
from limitkeeper.shells.api import account_view_documents as documents
from limitkeeper.shells.api.acts import Desk
from limitkeeper.shells.api.answers import UnknownError, done
from limitkeeper.shells.api.lines import AccountReader, account_seen
from limitkeeper.shells.api.names import WITHOUT_NUL
from limitkeeper.shells.api.overview import Overview

LIMIT_CENTS_MAX = 10**12

AccountId = Annotated[
    str, Path(max_length=200, description="The id of an account.", examples=["a-7"]), WITHOUT_NUL
]

View = Callable[[Engine, str, int], dict[str, Any] | None]


@dataclass(frozen=True)
class Viewer:
    """Shows accounts as the engine sees them now, in its own thread, and has it noted who looked from which side."""

    engine: Engine
    desk: Desk

    async def viewed(self, actor: Actor, account_id: str, name: str, view: View) -> Response:
        """An account from one side.

        Raises
        ------
        UnknownError
            When there is no such account.
        """

        def read(running: Engine) -> dict[str, Any] | None:
            return view(running, account_id, running.as_of_us())

        found = await done(self.engine, Work("read", read))
        if found is None:
            raise UnknownError("There is no such account.", value=account_id[:200])
        return await account_seen(self.desk, actor, account_id, name, found)


def account_views_router(desk: Desk, engine: Engine, overview: Overview) -> APIRouter:
    """The routes of what is seen of one account; its peers are those of the overview."""
    router, viewer = APIRouter(tags=["accounts"]), Viewer(engine, desk)

    @router.get("/v1/accounts/{account_id}/economics", responses=documents.ECONOMICS)
    async def tell_economics(
        account_id: AccountId,
        actor: AccountReader,
        limit_cents: Annotated[
            list[Annotated[int, Query(ge=0, le=LIMIT_CENTS_MAX)]] | None,
            Query(max_length=LIMITS_MAX, description="A limit to look at, minor units; repeated for several.",
                  examples=[[500_000, 1_000_000]]),
        ] = None,
    ) -> Response:  # fmt: skip
        """Tell what an account is worth under its limit, and would be under others, as a decision would value them.

        Without limits these are 21 from 0 to twice the limit. A frozen line draws nothing more, whatever its limit.
        """

        def view(running: Engine, account: str, as_of_us: int) -> dict[str, Any] | None:
            return economics(running, account, as_of_us, limit_cents)

        return await viewer.viewed(actor, account_id, "economics", view)

    @router.get("/v1/accounts/{account_id}/comparison", responses=documents.COMPARISON)
    async def compare_account(account_id: AccountId, actor: AccountReader) -> Response:
        """Tell an account's telling features beside its own 30 and 90 days ago, and those of its peers.

        Peers are the accounts of the same product in the overview's sample, as they stood in the last minute.
        """
        sample = await run_in_threadpool(overview.sample)

        def view(running: Engine, account: str, as_of_us: int) -> dict[str, Any] | None:
            return comparison(running, account, as_of_us, sample)

        return await viewer.viewed(actor, account_id, "comparison", view)

    @router.get("/v1/accounts/{account_id}/relations", responses=documents.RELATIONS)
    async def picture_relations(account_id: AccountId, actor: AccountReader) -> Response:
        """Tell who is linked to an account, at most two links away, and by what: a picture of at most 40 accounts.

        Links are those of the last refresh. The nearest accounts come first, of those as near the most contagious.
        """
        return await viewer.viewed(actor, account_id, "relations", relations_picture)

    return router
