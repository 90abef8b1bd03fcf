"""Freezes that are confirmed or lifted by hand: a monitor alone does it at once, Workflow only where no case waits.

With Workflow, one that people confirmed is lifted by a case that somebody else decides on.
"""

from typing import Annotated

import polars as pl
from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from limitkeeper.app.answers import Acted
from limitkeeper.app.case_documents import case_document
from limitkeeper.app.freezes import is_approved, lift_proposed, settled_by_hand
from limitkeeper.app.live import live_since_sequence
from limitkeeper.app.own_lines import Seen
from limitkeeper.core.access.actors import Actor
from limitkeeper.core.alerts.due import check_settles
from limitkeeper.engines.embedded.engine import Engine
from limitkeeper.engines.embedded.requests import Request as Work
from limitkeeper.shells.api.access import May
from limitkeeper.shells.api.acts import acted_answer, body_as
from limitkeeper.shells.api.answers import answer, body_of, done
from limitkeeper.shells.api.cases import Words
from limitkeeper.shells.api.documents import FREEZE_CONFIRMED, FREEZE_LIFTED, SETTLE_FREEZE
from limitkeeper.shells.api.line_documents import LIFT_PROPOSED
from limitkeeper.shells.api.lines import AccountId, known_portrait
from limitkeeper.shells.feeds.workflow import Workflow
from limitkeeper.store.case_tables import cases
from limitkeeper.store.work import work

Settler = Annotated[Actor, Depends(May("freeze.settle"))]


def freezes_router(engine: Engine, workflow: Workflow | None) -> APIRouter:
    """The routes that settle a freeze.

    Parameters
    ----------
    engine
        Whose freezes.
    workflow
        Who decides; None for a monitor alone, which knows nobody and no cases.
    """
    router = APIRouter(tags=["accounts"])

    def noted(
        actor: Actor,
        workflow: Workflow,
        account_id: str,
        seen: Seen,
        words: str,
        *,
        confirm: bool,
        confirmed: bool,
    ) -> Acted | None:
        """The case of the end of a freeze that people confirmed; None where it is done at once, after it was noted."""
        since = live_since_sequence(engine.store, engine.policies.market)
        with work(engine.store, actor, engine.as_of_us()) as w:
            if confirm or not (confirmed or is_approved(w, account_id)):
                settled_by_hand(
                    w, workflow.seal, workflow.policy, account_id, seen.line, confirm=confirm, words=words,
                    after_sequence=since,
                )  # fmt: skip
                return None
            effects = workflow.on_approved
            case_id = lift_proposed(w, workflow.policy, effects, account_id, seen.line, words, since)
            row = w.found(cases, case_id)
            return Acted(case_document(row), 201, row["version"])

    async def settled(request: Request, account_id: str, actor: Actor, *, confirm: bool) -> Response:
        said = await body_as(request, Words) if await body_of(request) else Words()
        portrait = await known_portrait(engine, account_id)
        standing = portrait["standing"]
        if workflow is not None:
            is_confirmed = bool(standing.get("freeze_is_confirmed"))
            check_settles(
                account_id, is_frozen=standing["is_frozen"], is_confirmed=is_confirmed, confirm=confirm
            )
            proposed = await run_in_threadpool(
                noted, actor, workflow, account_id, Seen(portrait["features"]), said.words, confirm=confirm,
                confirmed=is_confirmed,
            )  # fmt: skip
            if proposed is not None:
                return acted_answer(proposed)
        table = pl.DataFrame({"account_id": [account_id], "confirm": [confirm], "ts_us": [engine.as_of_us()]})
        sequence = await done(engine, Work("freeze", table))
        freeze = "confirmed" if confirm else "lifted"
        return answer({"sequence": sequence, "account_id": account_id, "freeze": freeze})

    @router.post(
        "/v1/accounts/{account_id}/freeze/confirm", openapi_extra=SETTLE_FREEZE, responses=FREEZE_CONFIRMED
    )
    async def confirm_freeze(request: Request, account_id: AccountId, actor: Settler) -> Response:
        """Confirm an account's freeze, which is lifted by itself otherwise.

        With Workflow, a freeze whose case waits is confirmed by approving the case; else words and a mandate are needed.
        """
        return await settled(request, account_id, actor, confirm=True)

    @router.post(
        "/v1/accounts/{account_id}/freeze/lift",
        openapi_extra=SETTLE_FREEZE,
        responses=FREEZE_LIFTED | (LIFT_PROPOSED if workflow else {}),
    )
    async def lift_freeze(request: Request, account_id: AccountId, actor: Settler) -> Response:
        """Lift an account's freeze; its rule does not freeze again before it lets go.

        With Workflow, a freeze whose case waits is lifted by refusing the case, and one that people confirmed by
        approving a case that this opens: somebody else decides on it, within his mandate. Any other is
        lifted within one's own mandate. Words are needed.
        """
        return await settled(request, account_id, actor, confirm=False)

    return router
