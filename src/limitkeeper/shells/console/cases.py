"""Cases: the queue by clock, and one with everything on it."""

import asyncio

from starlette.responses import Response

from limitkeeper.core.approval.cases import END_STATES, LIVE_STATES
from limitkeeper.shells.api.case_schemas import CASE_KINDS
from limitkeeper.shells.console.look import Look, PageRoute

STATES = (*LIVE_STATES, *END_STATES)


async def case_queue(look: Look) -> Response:
    """Cases, soonest clock first."""
    names = ("tier", "state", "kind", "account_id", "claimed_by", "cursor")
    wanted = {name: look.asked(name) for name in names}
    found = await look.ask.get("/v1/cases", **wanted, is_live=look.asked_live, limit=50)
    return look.page("cases", found=found, kinds=CASE_KINDS, states=STATES)


async def one_case(look: Look) -> Response:
    """One case: what is proposed, why, who may act, and what was done."""
    case_id = look.request.path_params["case_id"]
    case = await look.ask.get(f"/v1/cases/{case_id}")
    offers, rules, proposal, preview, account = await asyncio.gather(
        look.ask.get(f"/v1/cases/{case_id}/acts"),
        look.rule_words(),
        look.found(case["proposal_id"] and f"/v1/proposals/{case['proposal_id']}"),
        look.found(case["is_live"] and f"/v1/cases/{case_id}/notice/preview"),
        look.found(case["account_id"] and f"/v1/accounts/{case['account_id']}"),
    )
    return look.page(
        "case", rules=rules, case=case, proposal=proposal, preview=preview, account=account, offers=offers
    )


PAGES = (PageRoute("/cases", case_queue), PageRoute("/cases/{case_id}", one_case))
