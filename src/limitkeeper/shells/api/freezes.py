"""Freezes that are confirmed or lifted by hand: a monitor alone does it at once, Workflow only where no case waits."""

from typing import Annotated

import polars as pl
from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from limitkeeper.app.freezes import settled_by_hand
from limitkeeper.app.live import live_since_sequence
from limitkeeper.connectors.sealing import Seal
from limitkeeper.core.access.actors import Actor
from limitkeeper.core.alerts.due import check_settles
from limitkeeper.engines.embedded.engine import Engine
from limitkeeper.engines.embedded.requests import Request as Work
from limitkeeper.shells.api.access import May
from limitkeeper.shells.api.acts import body_as
from limitkeeper.shells.api.answers import answer, body_of, done
from limitkeeper.shells.api.cases import Words
from limitkeeper.shells.api.documents import FREEZE_CONFIRMED, FREEZE_LIFTED, SETTLE_FREEZE
from limitkeeper.shells.api.lines import AccountId, known_portrait
from limitkeeper.store.work import work

Settler = Annotated[Actor, Depends(May("freeze.settle"))]


def freezes_router(engine: Engine, seal: Seal | None) -> APIRouter:
    """The routes that settle a freeze.

    Parameters
    ----------
    engine
        Whose freezes.
    seal
        Of what is said, where Workflow runs; None for a monitor alone, which knows nobody and no cases.
    """
    router = APIRouter(tags=["accounts"])

    def noted(actor: Actor, seal: Seal, account_id: str, words: str, *, confirm: bool) -> None:
        """Note it before it is done, so that nothing is done that nobody noted."""
        since = live_since_sequence(engine.store)
        with work(engine.store, actor, engine.as_of_us()) as w:
            settled_by_hand(w, seal, account_id, confirm=confirm, words=words, after_sequence=since)

    async def settled(request: Request, account_id: str, actor: Actor, *, confirm: bool) -> Response:
        said = await body_as(request, Words) if await body_of(request) else Words()
        standing = (await known_portrait(engine, account_id))["standing"]
        if seal is not None:
            is_confirmed = bool(standing.get("freeze_is_confirmed"))
            check_settles(
                account_id, is_frozen=standing["is_frozen"], is_confirmed=is_confirmed, confirm=confirm
            )
            await run_in_threadpool(noted, actor, seal, account_id, said.words, confirm=confirm)
        table = pl.DataFrame({"account_id": [account_id], "confirm": [confirm], "ts_us": [engine.as_of_us()]})
        sequence = await done(engine, Work("freeze", table))
        freeze = "confirmed" if confirm else "lifted"
        return answer({"sequence": sequence, "account_id": account_id, "freeze": freeze})

    @router.post(
        "/v1/accounts/{account_id}/freeze/confirm", openapi_extra=SETTLE_FREEZE, responses=FREEZE_CONFIRMED
    )
    async def confirm_freeze(request: Request, account_id: AccountId, actor: Settler) -> Response:
        """Confirm an account's freeze, which is lifted by itself otherwise.

        With Workflow, a freeze whose case waits is confirmed by approving the case; else words are needed.
        """
        return await settled(request, account_id, actor, confirm=True)

    @router.post(
        "/v1/accounts/{account_id}/freeze/lift", openapi_extra=SETTLE_FREEZE, responses=FREEZE_LIFTED
    )
    async def lift_freeze(request: Request, account_id: AccountId, actor: Settler) -> Response:
        """Lift an account's freeze; its rule does not freeze again before it lets go.

        With Workflow, a freeze whose case waits is lifted by refusing the case; else words are needed.
        """
        return await settled(request, account_id, actor, confirm=False)

    return router
