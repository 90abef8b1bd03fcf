"""The core banking system by HTTP: what it was told, its answers, and telling it again."""

from typing import Annotated, Literal

import msgspec
from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from limitkeeper.app.answers import Acted
from limitkeeper.app.bank import (
    COMMAND_STATES,
    DETAIL_LETTERS_MAX,
    FAILED,
    acknowledged,
    command_document,
    commands_query,
    told_again,
)
from limitkeeper.app.looks import shown
from limitkeeper.core.access.actors import Actor
from limitkeeper.shells.api import bank_schemas as documents
from limitkeeper.shells.api.access import May
from limitkeeper.shells.api.acts import Desk, IdempotencyKey, body_as
from limitkeeper.shells.api.answers import answer
from limitkeeper.shells.api.cursors import PAGE_ROWS, By, Cursor, PageSize, page
from limitkeeper.shells.api.names import WITHOUT_NUL, OfAccount, plain
from limitkeeper.store.limit_tables import limit_entries
from limitkeeper.store.work import Work

CommandId = Annotated[
    str, Path(max_length=64, description="The id of a command.", examples=[documents.ENTRY_ID]), WITHOUT_NUL
]
Reader = Annotated[Actor, Depends(May("bank.read"))]
Retrier = Annotated[Actor, Depends(May("bank.retry"))]
CoreBank = Annotated[Actor, Depends(May("limit.acknowledge"))]

NEWEST_FIRST = (By(limit_entries.c.effective_us, is_descending=True), By(limit_entries.c.entry_id))


class Acknowledgement(msgspec.Struct, forbid_unknown_fields=True):
    """What the bank says of a command."""

    outcome: Literal["done", "failed", "superseded"]
    detail: Annotated[str, msgspec.Meta(max_length=DETAIL_LETTERS_MAX)] = ""


def bank_router(desk: Desk) -> APIRouter:
    """The routes of commands to the bank."""
    router = APIRouter(tags=["bank"])

    @router.get("/v1/bank/commands", responses=documents.COMMANDS)
    async def list_commands(
        actor: Reader,
        state: Annotated[
            str,
            Query(
                pattern=f"^({'|'.join(COMMAND_STATES)})$",
                description="In this state.",
                json_schema_extra={"enum": list(COMMAND_STATES)},
            ),
        ] = FAILED,
        account_id: OfAccount = None,
        limit: PageSize = PAGE_ROWS,
        cursor: Cursor = None,
    ) -> Response:
        """List what the bank was told and how it answered, the newest first."""
        query = commands_query(state, account_id)
        found = await run_in_threadpool(
            page, desk.store, query, NEWEST_FIRST, limit, cursor, command_document
        )
        await desk.listed(actor, "bank.list", shown(found["items"]))
        return answer(found)

    @router.post("/v1/bank/commands/{command_id}/retry", responses=documents.TELL_AGAIN)
    async def tell_bank_again(
        request: Request, command_id: CommandId, actor: Retrier, key: IdempotencyKey = None
    ) -> Response:
        """Tell the bank again of a command that failed, or that was given up on the way.

        It has its old id, and says how the line stands now.
        """

        def act(w: Work) -> Acted:
            return Acted(command_document(told_again(w, command_id)))

        return await desk.performed(request, actor, act, key)

    @router.post("/v1/bank/commands/{command_id}/acknowledgement", openapi_extra=documents.ACKNOWLEDGE)
    async def acknowledge_command(
        request: Request, command_id: CommandId, actor: CoreBank, key: IdempotencyKey = None
    ) -> Response:
        """Say what became of a command, as the bank; the same answer again changes nothing."""
        said = await body_as(request, Acknowledgement)

        def act(w: Work) -> Acted:
            row = acknowledged(w, command_id, said.outcome, plain(said.detail))
            return Acted(command_document(row))

        return await desk.performed(request, actor, act, key)

    return router
