"""A draft tried on the accounts that the server knows, by HTTP."""

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from limitkeeper.app.life_contents import kept_model
from limitkeeper.app.live import market_of
from limitkeeper.core.risk.model import Model
from limitkeeper.engines.embedded.draft_trial import DraftTrials
from limitkeeper.engines.embedded.engine import Engine
from limitkeeper.engines.embedded.sample import Sampler
from limitkeeper.shells.api import draft_trial_documents as documents
from limitkeeper.shells.api.acts import Desk
from limitkeeper.shells.api.answers import answer
from limitkeeper.shells.api.names import plain
from limitkeeper.shells.api.release_schemas import HASH_LETTERS
from limitkeeper.shells.api.strategies import Drafter, StrategyText, checked_body
from limitkeeper.store.work import reading


class TriedDraft(StrategyText):
    """A draft to be tried."""

    model_hash: Annotated[str, msgspec.Meta(max_length=HASH_LETTERS)] | msgspec.UnsetType | None = (
        msgspec.UNSET
    )


def draft_trials_router(desk: Desk, engine: Engine, sampler: Sampler) -> APIRouter:
    """The route that tries drafts."""
    router, trials = APIRouter(tags=["strategies"]), DraftTrials(engine, sampler)

    @router.post("/v1/strategies/try", openapi_extra=documents.TRY)
    async def try_strategy(request: Request, actor: Drafter) -> Response:
        """Try a draft on the accounts that the server knows, beside what decides now; nothing is written or proposed.

        Of more than 20,000 accounts a sample of that many is looked at, always the same; figures are of the sample. One
        draft is tried at a time; what came of it is told again for some minutes (`as_of`).
        """
        said, strategy = await checked_body(request, TriedDraft)

        def look() -> dict[str, Any]:
            with reading(desk.store, actor, desk.now_us()) as w:
                market = market_of(w)
                model = engine.policy.terms.watch.model
                if said.model_hash is None:
                    model = None
                elif isinstance(said.model_hash, str) and not _is(model, said.model_hash):
                    model = kept_model(w, plain(said.model_hash))
            return trials.tried(strategy, model, market)

        return answer(await run_in_threadpool(look))

    return router


def _is(model: Model | None, model_hash: str) -> bool:
    return model is not None and model.hash == model_hash
