"""The overview: what comes in, what waits, what changed since yesterday, and what the portfolio is worth."""

import asyncio

from starlette.responses import Response

from limitkeeper.shells.console.entrance import home
from limitkeeper.shells.console.live import NEWEST_ALERTS
from limitkeeper.shells.console.look import Look, PageRoute


async def overview(look: Look) -> Response:
    """Everything at a glance; whoever has none typed the console's address alone, and is led to where he begins."""
    if not look.may("overview.read"):
        return look.forth(home(look))
    found, alerts = await asyncio.gather(
        look.ask.get("/v1/overview"), look.ask.get("/v1/alerts", status="open", limit=NEWEST_ALERTS)
    )
    return look.page("overview", found=found, alerts=alerts)


PAGES = (PageRoute("/", overview),)
