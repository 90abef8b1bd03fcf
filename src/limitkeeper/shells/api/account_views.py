"""An account from several sides by HTTP: other limits, links, its own past and its peers, everything that happened."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from limitkeeper.engines.embedded.comparison import comparison
from limitkeeper.engines.embedded.economics import LIMITS_MAX, economics
from limitkeeper.engines.embedded.engine import Engine
from limitkeeper.engines.embedded.relations_picture import relations_picture
from limitkeeper.engines.embedded.requests import Request as Work
from limitkeeper.shells.api import account_view_documents as documents
from limitkeeper.shells.api.access import May
from limitkeeper.shells.api.answers import UnknownError, answer, done
from limitkeeper.shells.api.names import WITHOUT_NUL
from limitkeeper.shells.api.overview import Overview

LIMIT_CENTS_MAX = 10**12

AccountId = Annotated[
    str, Path(max_length=200, description="The id of an account.", examples=["a-7"]), WITHOUT_NUL
]

READ = [Depends(May("accounts.read"))]

View = Callable[[Engine, str, int], dict[str, Any] | None]


async def viewed(engine: Engine, account_id: str, view: View) -> Response:
    """An account as the engine sees it now, in its own thread.

    Raises
    ------
    UnknownError
        When there is no such account.
    """

    def read(running: Engine) -> dict[str, Any] | None:
        return view(running, account_id, running.as_of_us())

    found = await done(engine, Work("read", read))
    if found is None:
        raise UnknownError("There is no such account.", value=account_id[:200])
    return answer(found)


def account_views_router(engine: Engine, overview: Overview) -> APIRouter:
    """The routes of what is seen of one account; its peers are those of the overview."""
    router = APIRouter(tags=["accounts"])

    @router.get("/v1/accounts/{account_id}/economics", responses=documents.ECONOMICS, dependencies=READ)
    async def tell_economics(
        account_id: AccountId,
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

        return await viewed(engine, account_id, view)

    @router.get("/v1/accounts/{account_id}/comparison", responses=documents.COMPARISON, dependencies=READ)
    async def compare_account(account_id: AccountId) -> Response:
        """Tell an account's telling features beside its own 30 and 90 days ago, and those of its peers.

        Peers are the accounts of the same product in the overview's sample, as they stood in the last minute.
        """
        sample = await run_in_threadpool(overview.sample)

        def view(running: Engine, account: str, as_of_us: int) -> dict[str, Any] | None:
            return comparison(running, account, as_of_us, sample)

        return await viewed(engine, account_id, view)

    @router.get("/v1/accounts/{account_id}/relations", responses=documents.RELATIONS, dependencies=READ)
    async def picture_relations(account_id: AccountId) -> Response:
        """Tell who is linked to an account, at most two links away, and by what: a picture of at most 40 accounts.

        Links are those of the last refresh. The nearest accounts come first, of those as near the most contagious.
        """
        return await viewed(engine, account_id, relations_picture)

    return router
