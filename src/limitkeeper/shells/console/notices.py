"""Notices: those that nobody took, a customer's, and one with what became of it."""

from starlette.responses import Response

from limitkeeper.shells.console.look import Look, PageRoute
from limitkeeper.shells.console.session import quoted


async def notices(look: Look) -> Response:
    """Notices that nobody took, or what a customer was told."""
    customer_id = look.asked("customer_id").strip()
    if customer_id:
        found = await look.ask.get(
            "/v1/notices", customer_id=customer_id, cursor=look.asked("cursor"), limit=50
        )
        return look.page("notices", found=found, customer_id=customer_id)
    found = None
    if look.may("notice.list"):
        found = await look.ask.get("/v1/notices/dead", cursor=look.asked("cursor"), limit=50)
    elif not look.may("appeal.list"):
        await look.ask.get("/v1/notices/dead")  # says why not
    return look.page("notices", found=found, customer_id="")


async def one_notice(look: Look) -> Response:
    """One notice: what it says, and each delivery."""
    notice = await look.ask.get(f"/v1/notices/{look.request.path_params['notice_id']}")
    account_id = notice["account_id"]
    path = f"/v1/cases?account_id={quoted(account_id or '')}&limit=5"
    cases = await look.found(account_id and look.may("case.read") and path)
    return look.page("notice", notice=notice, cases=cases)


PAGES = (PageRoute("/notices", notices), PageRoute("/notices/{notice_id}", one_notice))
