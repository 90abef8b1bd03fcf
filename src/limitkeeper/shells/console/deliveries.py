"""What goes out to other systems: commands to the bank, and messages that nobody took."""

import asyncio

from starlette.responses import Response

from limitkeeper.app.bank import COMMAND_STATES, FAILED, TOLD
from limitkeeper.shells.api.answer_schemas import MESSAGE_STATUSES
from limitkeeper.shells.console.details import facts_of
from limitkeeper.shells.console.look import Look, PageRoute

MESSAGES_SHOWN = 50


async def deliveries(look: Look) -> Response:
    """Commands to the bank and messages of the outbox, by state."""
    state, status = look.asked("state", FAILED), look.asked("status", "dead")
    offset = look.asked_offset

    async def messages() -> list[dict[str, object]] | None:
        if not look.may("outbox.read"):
            return None
        rows = await look.ask.get("/v1/outbox", status=status, limit=MESSAGES_SHOWN + 1, offset=offset)
        return [row | {"facts": facts_of(row["content"])} for row in rows]

    commands, sent = await asyncio.gather(
        look.ask.get("/v1/bank/commands", state=state, account_id=look.asked("account_id"),
                     cursor=look.asked("cursor"), limit=50),
        messages(),
    )  # fmt: skip
    later = offset + MESSAGES_SHOWN if sent and len(sent) > MESSAGES_SHOWN else None
    return look.page(
        "deliveries",
        commands=commands,
        messages=sent and sent[:MESSAGES_SHOWN],
        may_see_messages=sent is not None,
        states=COMMAND_STATES,
        statuses=MESSAGE_STATUSES,
        state=state,
        message_status=status,
        offset=offset,
        later=later,
        told_again=(TOLD, FAILED),
    )


PAGES = (PageRoute("/deliveries", deliveries),)
