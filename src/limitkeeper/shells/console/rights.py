"""Persons' requests about their data: what must be answered first, and one of them."""

from starlette.responses import Response

from limitkeeper.core.compliance.requests import (
    COPIED,
    END_STATES,
    ERASE,
    KINDS,
    LIVE_STATES,
    WITHDRAW_CONSENT,
)
from limitkeeper.shells.console.look import Look, PageRoute
from limitkeeper.shells.console.session import quoted


async def rights_desk(look: Look) -> Response:
    """Requests, those that must be answered first on top."""
    names = ("kind", "state", "customer_id", "cursor")
    wanted = {name: look.asked(name) for name in names}
    found = await look.ask.get("/v1/rights-requests", **wanted, is_live=look.asked_live, limit=50)
    return look.page("rights", found=found, kinds=tuple(KINDS), states=(*LIVE_STATES, *END_STATES))


async def one_request(look: Look) -> Response:
    """One request: what is asked, what bars it, what was done; of one to withdraw consent those that hold."""
    found = await look.ask.get(f"/v1/rights-requests/{look.request.path_params['request_id']}")
    asks_consents = found["is_live"] and found["kind"] == WITHDRAW_CONSENT
    path = f"/v1/customers/{quoted(found['customer_id'])}/consents"
    consents = await look.found(asks_consents and look.may("consent.read") and path)
    held = [each["scope"] for each in consents["scopes"] if each["holds"]] if consents else []
    return look.page("rights_request", found=found, held=held, copied=COPIED, erase=ERASE)


PAGES = (
    PageRoute("/rights", rights_desk, act="rights.list"),
    PageRoute("/rights/{request_id}", one_request, act="rights.list"),
)
