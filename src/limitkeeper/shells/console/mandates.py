"""Mandates and absences: who decides on what, and who stands in."""

from starlette.responses import Response

from limitkeeper.app.mandates import ACTIONS
from limitkeeper.shells.console.look import Look, PageRoute


async def mandates(look: Look) -> Response:
    """Mandates in force, and who is away."""
    found = await look.ask.get("/v1/mandates", cursor=look.asked("cursor"), limit=50)
    absences = await look.ask.get("/v1/absences", limit=200)
    return look.page("mandates", found=found, absences=absences["items"], actions=ACTIONS)


PAGES = (PageRoute("/mandates", mandates),)
