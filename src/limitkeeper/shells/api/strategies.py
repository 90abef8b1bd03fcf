"""Strategies by HTTP: the rules as people read them, what differs from one to another, and a text checked."""

import datetime as dt
import threading
from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

import msgspec
from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from limitkeeper.app.life_contents import (
    release_of_strategy,
    release_row_of,
    released_strategy,
    released_text,
)
from limitkeeper.app.life_documents import last_review
from limitkeeper.app.live import champion_of, market_of, server_standing
from limitkeeper.app.policy import market_parameters
from limitkeeper.app.register_reading import register_document
from limitkeeper.app.regulation import finding_document, rule_document, strategy_findings
from limitkeeper.app.regulation_policy import regulation, regulation_version, shipped_register
from limitkeeper.app.strategies import LocatedProblem, checked_text
from limitkeeper.app.strategy_document import FILE_BYTES_MAX, document_text
from limitkeeper.app.strategy_reading import changes_document, check_document, strategy_document
from limitkeeper.core.access.actors import Actor
from limitkeeper.core.compliance.checks import STAGES
from limitkeeper.core.kernel.errors import InputError
from limitkeeper.core.kernel.instants import day_of
from limitkeeper.core.strategy.definition import Strategy
from limitkeeper.engines.embedded.engine import Engine
from limitkeeper.engines.embedded.requests import BusyError
from limitkeeper.shells.api import strategy_documents as documents
from limitkeeper.shells.api.access import May
from limitkeeper.shells.api.acts import Desk, body_as
from limitkeeper.shells.api.answers import answer, body_of
from limitkeeper.shells.api.names import WITHOUT_NUL
from limitkeeper.store.work import Work, reading

TEXT_BODY_BYTES_MAX = 4 * FILE_BYTES_MAX
"""Of a body with a strategy's text: JSON may write a letter by several bytes."""

CHECKS_AT_ONCE = 2
"""Texts that are checked at once: one of the greatest length keeps a core busy for seconds."""

CHECKING = threading.BoundedSemaphore(CHECKS_AT_ONCE)

SEARCH_LETTERS = 100

NOW, CONTENT = "live", "sha256:"
"""The name of what this server decides by, and with what the hash of a strategy begins."""

StrategyId = Annotated[
    str,
    Path(max_length=80, description="The id of a release, the hash of a strategy as traces name it (`sha256:...`), or "
         "`live`: what this server decides by.", examples=[NOW]),
    WITHOUT_NUL,
]  # fmt: skip
Since = Annotated[
    str,
    Query(max_length=64, description="The earlier one: the id of a release, or `live`.", examples=[NOW]),
    WITHOUT_NUL,
]
StageName = Annotated[
    str | None,
    Query(pattern=f"^({'|'.join(STAGES)})$", description="Only those evaluated on this.",
          json_schema_extra={"enum": list(STAGES)}),
]  # fmt: skip
Reader = Annotated[Actor, Depends(May("release.read"))]
Drafter = Annotated[Actor, Depends(May("release.draft"))]


class StrategyText(msgspec.Struct, forbid_unknown_fields=True):
    """A strategy's text."""

    strategy: Annotated[str, msgspec.Meta(min_length=1, max_length=FILE_BYTES_MAX)]


Text = TypeVar("Text", bound=StrategyText)


async def checked_body(request: Request, kind: type[Text]) -> tuple[Text, Strategy]:
    """A body with a strategy's text that holds, and the strategy.

    Raises
    ------
    InputError
        When it does not; the first problem is told with its line.
    """
    said, (strategy, problems) = await _checked(request, kind)
    if strategy is None:
        first = problems[0]
        raise InputError(
            f"The strategy does not hold. Line {first.line}, column {first.column}: {first.problem}",
            value=first.value, allowed=first.allowed,
            advice=f"Problems in all: {len(problems)}. Check it (POST /v1/strategies/check): each is told with its line.",
        )  # fmt: skip
    return said, strategy


async def _checked(
    request: Request, kind: type[Text]
) -> tuple[Text, tuple[Strategy | None, list[LocatedProblem]]]:
    await body_of(request, TEXT_BODY_BYTES_MAX)
    said = await body_as(request, kind)
    size = len(said.strategy.encode())
    if size > FILE_BYTES_MAX:
        raise InputError("The strategy is too large.", value=f"{size} bytes", allowed=FILE_BYTES_MAX)
    return said, await run_in_threadpool(_checked_in_turn, said.strategy)


def _checked_in_turn(text: str) -> tuple[Strategy | None, list[LocatedProblem]]:
    """What came of a check, if not too many are made.

    Raises
    ------
    BusyError
        When they are.
    """
    if not CHECKING.acquire(blocking=False):
        raise BusyError("Too many strategies are checked.", allowed=f"{CHECKS_AT_ONCE} at once",
                        advice="Send it again in a moment.")  # fmt: skip
    try:
        return checked_text(text, "strategy")
    finally:
        CHECKING.release()


class Shelf:
    """Where strategies are found: those of releases, and the one that the server decides by.

    Parameters
    ----------
    engine
        Which runs.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def found(self, w: Work, name: str) -> tuple[Strategy, dict[str, Any]]:
        """A strategy, and where it stands.

        Raises
        ------
        MissingError
            When there is no such release.
        PolicyError
            When what is kept is not what its hash names.
        """
        reporter = self.engine.policy.reporter
        if name == NOW:
            strategy = reporter.terms.policy.strategy.strategy
            model = reporter.terms.model
            model_hash = None if model is None else model.hash
            return strategy, server_standing(w, self.engine.policies.arms) | {"model_hash": model_hash}
        if name.startswith(CONTENT):
            return self._of_content(w, name)
        row = release_row_of(w, name)
        names = ("release_id", "market", "model_hash")
        champion = champion_of(w, row["market"])
        where = {"standing": row["state"], "champion_id": champion, "challengers": []}
        return released_strategy(w, row), where | {name: row[name] for name in names}

    def _of_content(self, w: Work, strategy_hash: str) -> tuple[Strategy, dict[str, Any]]:
        """A strategy by its hash: what decides now, or a release."""
        now = self.found(w, NOW)
        return now if now[0].hash == strategy_hash else self.found(w, release_of_strategy(w, strategy_hash))

    def text(self, w: Work, name: str) -> str:
        """A strategy's text: as it was drafted, or written anew where what the server decides by has no release.

        Raises
        ------
        MissingError
            When there is no such release.
        """
        if name != NOW:
            return released_text(w, release_row_of(w, name))
        strategy, where = self.found(w, NOW)
        own = where["release_id"]
        return document_text(strategy.document) if own is None else released_text(w, release_row_of(w, own))

    def values(self, w: Work, market: str) -> Mapping[str, float]:
        """The parameters in force in a market; those of the server's own with what its lender has put in their place."""
        if market == market_of(w):
            return self.engine.policy.reporter.parameters.values
        return market_parameters(market, day_of(w.now_us)).values


def strategies_router(desk: Desk, engine: Engine) -> APIRouter:
    """The routes of strategies."""
    router, shelf = APIRouter(tags=["strategies"]), Shelf(engine)

    @router.get("/v1/strategies/{strategy_id}", responses=documents.ONE_STRATEGY)
    async def one_strategy(strategy_id: StrategyId, actor: Reader) -> Response:
        """Tell a strategy's rules in order of precedence: condition, thresholds, action and reasons.

        `live` is what this server decides by; its standing says whether that is live, a trial, or neither. Hits are
        those on the last portfolio on which `limitkeeper life review` has kept them.
        """

        def look() -> dict[str, Any]:
            with reading(desk.store, actor, desk.now_us()) as w:
                strategy, where = shelf.found(w, strategy_id)
                review = last_review(w, where["release_id"])
                return where | strategy_document(strategy, shelf.values(w, where["market"]), review)

        return answer(await run_in_threadpool(look))

    @router.get("/v1/strategies/{strategy_id}/text", responses=documents.TEXT)
    async def strategy_text(strategy_id: StrategyId, actor: Reader) -> Response:
        """Tell a strategy's text, to begin another one from.

        Of `live` without a release it is written anew, without comments.
        """

        def look() -> dict[str, Any]:
            with reading(desk.store, actor, desk.now_us()) as w:
                return {"strategy": shelf.text(w, strategy_id)}

        return answer(await run_in_threadpool(look))

    @router.get("/v1/strategies/{strategy_id}/changes", responses=documents.CHANGES)
    async def strategy_changed(strategy_id: StrategyId, actor: Reader, since: Since = NOW) -> Response:
        """Tell what differs in a strategy since another one, rule by rule."""

        def look() -> dict[str, Any]:
            with reading(desk.store, actor, desk.now_us()) as w:
                before, after = (shelf.found(w, name)[0] for name in (since, strategy_id))
                return changes_document(before, after)

        return answer(await run_in_threadpool(look))

    @router.post("/v1/strategies/check", openapi_extra=documents.CHECK)
    async def check_strategy(request: Request, actor: Drafter) -> Response:
        """Check a strategy's text: every problem with its line and a hint, and what regulation asks; nothing is kept."""
        _, (strategy, problems) = await _checked(request, StrategyText)

        def look() -> list[dict[str, Any]] | None:
            with reading(desk.store, actor, desk.now_us()) as w:
                market = market_of(w)
            if strategy is None or market not in strategy.markets:
                return None
            found = strategy_findings(strategy, market, day_of(desk.now_us()))
            return [finding_document(each) for each in found]

        return answer(check_document(strategy, problems) | {"findings": await run_in_threadpool(look)})

    return router


def regulation_router(desk: Desk) -> APIRouter:
    """The routes of regulation, and of the register of what may be known of customers."""
    router = APIRouter(tags=["strategies"])

    @router.get("/v1/regulation", responses=documents.REGULATION)
    async def list_regulation(
        actor: Reader,
        stage: StageName = None,
        day: Annotated[dt.date | None, Query(description="On which they hold; default today.")] = None,
    ) -> Response:
        """List the rules in force in the server's market: severity, clock, and the law.

        An article that is null was not verified: the rule says so instead of citing one.
        """

        def look() -> dict[str, Any]:
            with reading(desk.store, actor, desk.now_us()) as w:
                market = market_of(w)
            on = day or day_of(desk.now_us())
            held = [
                rule for rule in regulation() if rule.in_force(market, on) and stage in (None, rule.stage)
            ]
            return {
                "market": market, "day": on.isoformat(), "hash": regulation_version(market, on),
                "items": [rule_document(rule, on) for rule in held],
            }  # fmt: skip

        return answer(await run_in_threadpool(look))

    @router.get("/v1/register", responses=documents.REGISTER)
    async def list_register(
        actor: Reader,
        search: Annotated[
            str, Query(max_length=SEARCH_LETTERS, description="Only names and classes with these letters.")
        ] = "",
    ) -> Response:
        """List what strategies and models may know of customers: source, purposes, legal basis, retention.

        It is the shipped register; columns of a lender's own are in the register that their release brings.
        """

        def look() -> dict[str, Any]:
            with reading(desk.store, actor, desk.now_us()) as w:
                market = market_of(w)
            return register_document(shipped_register(), market, day_of(desk.now_us()), search)

        return answer(await run_in_threadpool(look))

    return router
