"""Notices: what became of all, a customer's or an account's, and one with its deliveries."""

from starlette.responses import Response

from limitkeeper.app.notices import DEAD, STATES
from limitkeeper.shells.console.look import Look, PageRoute
from limitkeeper.shells.console.session import quoted


async def notices(look: Look) -> Response:
    """What a customer was told, or of an account; else what became of all notices, first those that nobody took."""
    whose = {name: look.asked(name).strip() for name in ("customer_id", "account_id")}
    state = look.asked("state") or DEAD
    found = None
    page = {"cursor": look.asked("cursor"), "limit": 50}
    if any(whose.values()):
        found = await look.ask.get("/v1/notices", **whose, **page)
    elif look.may("notice.list") or not look.may("appeal.list"):  # to whom nothing is open the API says why
        found = await look.ask.get("/v1/notices/states", state=state, **page)
    return look.page("notices", whose=whose, state=state, states=STATES, found=found)


async def one_notice(look: Look) -> Response:
    """One notice: what it says, and each delivery."""
    notice = await look.ask.get(f"/v1/notices/{look.request.path_params['notice_id']}")
    account_id = notice["account_id"]
    path = f"/v1/cases?account_id={quoted(account_id or '')}&limit=5"
    cases = await look.found(account_id and look.may("case.read") and path)
    return look.page("notice", notice=notice, cases=cases)


PAGES = (PageRoute("/notices", notices), PageRoute("/notices/{notice_id}", one_notice))
