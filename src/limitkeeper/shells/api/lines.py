"""Accounts: what is stated of them, and their portraits."""

from typing import Annotated, Any

import msgspec
import polars as pl
from fastapi import APIRouter, Depends, Path, Request
from fastapi.responses import Response

from limitkeeper.connectors.messages import MESSAGES_MAX, Id, Number
from limitkeeper.core.access.actors import Actor
from limitkeeper.core.kernel.errors import InputError
from limitkeeper.engines.embedded.engine import Engine
from limitkeeper.engines.embedded.portrait import portrait
from limitkeeper.engines.embedded.requests import Request as Work
from limitkeeper.shells.api.access import May
from limitkeeper.shells.api.acts import Desk
from limitkeeper.shells.api.answers import UnknownError, answer, body_of, done
from limitkeeper.shells.api.documents import ACCOUNTS, PORTRAIT
from limitkeeper.shells.api.names import WITHOUT_NUL


class AccountMessage(msgspec.Struct, forbid_unknown_fields=True):
    """What is stated of one account; a missing field is not known."""

    account_id: Id
    customer_id: Id | None = None
    product: str | None = None
    segment: str | None = None
    opened_at: str | None = None
    first_credit_at: str | None = None
    opening_balance_cents: Number | None = None
    limit_cents: Number | None = None


AccountId = Annotated[str, Path(description="The id of an account.", examples=["a-7"]), WITHOUT_NUL]

AccountReader = Annotated[Actor, Depends(May("accounts.read"))]

_decoder = msgspec.json.Decoder(list[AccountMessage])


def accounts_table(body: bytes) -> pl.DataFrame:
    """The accounts of a JSON body, as a table.

    Raises
    ------
    InputError
        When it is no list of accounts, or holds too many.
    """
    try:
        rows = _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        allowed = "a list of objects with " + ", ".join(AccountMessage.__struct_fields__)
        raise InputError(f"The body is no JSON of accounts: {error}.", allowed=allowed) from error
    if not 0 < len(rows) <= MESSAGES_MAX:
        raise InputError(
            "The number of accounts is out of bounds.", value=len(rows), allowed=f"1 to {MESSAGES_MAX}"
        )
    text = {"account_id", "customer_id", "product", "segment", "opened_at", "first_credit_at"}
    columns: dict[str, pl.Series] = {}
    for name in AccountMessage.__struct_fields__:
        values = [getattr(row, name) for row in rows]
        if name in text:
            columns[name] = pl.Series(
                name, [None if each is None else str(each) for each in values], dtype=pl.String
            )
        else:
            columns[name] = pl.Series(name, [_number(each) for each in values], dtype=pl.Float64)
    return pl.DataFrame(columns)


def _number(value: Number | None) -> float | None:
    try:
        return None if value is None else float(value)
    except OverflowError as error:
        raise InputError("A number is too large.", allowed="1e308") from error


async def account_seen(
    desk: Desk | None, actor: Actor, account_id: str, view: str, found: dict[str, Any]
) -> Response:
    """An account from one side, once it is noted who looked; a monitor alone knows no people, and notes nothing."""
    if desk is None:
        return answer(found)
    return await desk.noted(actor, "account.look", f"account:{account_id}", found, {"view": view})


def accounts_router(engine: Engine, desk: Desk | None = None) -> APIRouter:
    """The routes of accounts; with a desk, looks at them are noted."""
    router = APIRouter(tags=["accounts"])

    @router.post("/v1/accounts", openapi_extra=ACCOUNTS, dependencies=[Depends(May("accounts.state"))])
    async def state_accounts(request: Request) -> Response:
        """State what is known of accounts before their events; of known ones a missing owner alone is taken."""
        table = accounts_table(await body_of(request))
        sequence = await done(engine, Work("accounts", table))
        return answer({"sequence": sequence, "accounts": table.height})

    @router.get("/v1/accounts/{account_id}", responses=PORTRAIT)
    async def account_portrait(account_id: AccountId, actor: AccountReader) -> Response:
        """Tell an account's portrait as of now: every feature, what stands of it, its alerts."""
        return await account_seen(
            desk, actor, account_id, "portrait", await known_portrait(engine, account_id)
        )

    return router


async def known_portrait(engine: Engine, account_id: str) -> dict[str, Any]:
    """The portrait of an account as of now.

    Raises
    ------
    UnknownError
        When there is no such account.
    """

    def read(running: Engine) -> dict[str, Any]:
        if running.state.number(account_id) is None:
            raise UnknownError("There is no such account.", value=account_id[:200])
        return portrait(running, account_id, running.as_of_us())

    found: dict[str, Any] = await done(engine, Work("read", read))
    return found
