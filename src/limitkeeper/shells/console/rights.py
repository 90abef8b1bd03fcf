"""Persons' requests about their data: what must be answered first, and one of them."""

from starlette.responses import Response

from limitkeeper.core.compliance.requests import COPIED, END_STATES, ERASE, KINDS, LIVE_STATES
from limitkeeper.shells.console.look import Look, PageRoute


async def rights_desk(look: Look) -> Response:
    """Requests, those that must be answered first on top."""
    names = ("kind", "state", "customer_id", "cursor")
    wanted = {name: look.asked(name) for name in names}
    found = await look.ask.get("/v1/rights-requests", **wanted, is_live=look.asked_live, limit=50)
    return look.page("rights", found=found, kinds=tuple(KINDS), states=(*LIVE_STATES, *END_STATES))


async def one_request(look: Look) -> Response:
    """One request: what is asked, what bars it, what was done."""
    found = await look.ask.get(f"/v1/rights-requests/{look.request.path_params['request_id']}")
    return look.page("rights_request", found=found, copied=COPIED, erase=ERASE)


PAGES = (
    PageRoute("/rights", rights_desk, act="rights.list"),
    PageRoute("/rights/{request_id}", one_request, act="rights.list"),
)
