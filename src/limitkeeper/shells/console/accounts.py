"""Accounts: found by their id, and one seen from all sides."""

import asyncio

from starlette.responses import Response

from limitkeeper.core.limits.ledger import FREEZING
from limitkeeper.shells.console.look import Look, PageRoute
from limitkeeper.shells.console.session import ROOT, quoted


async def account_search(look: Look) -> Response:
    """An account by its id, and those with the newest alerts."""
    if account_id := look.asked("account_id").strip():
        return look.forth(f"{ROOT}/accounts/{quoted(account_id)}")
    alerts = await look.ask.get("/v1/alerts", status="open", limit=200) if look.may("alerts.read") else []
    seen = {alert["account_id"]: alert for alert in reversed(alerts)}
    return look.page("accounts", alerts=list(reversed(seen.values()))[:30])


async def one_account(look: Look) -> Response:
    """One account: its portrait, its value at other limits, its links, and everything that happened to it."""
    account_id = look.request.path_params["account_id"]
    named = quoted(account_id)
    path, line_path = f"/v1/accounts/{named}", f"/v1/lines/{named}?language={look.language}"
    portrait, economics, comparison, relations, timeline, line, cases, waiting = await asyncio.gather(
        look.ask.get(path),
        look.found(f"{path}/economics"),
        look.found(f"{path}/comparison"),
        look.found(f"{path}/relations"),
        look.found(f"{path}/timeline?limit=200"),
        look.found(look.may("limit.read") and line_path),
        look.found(look.may("case.read") and f"/v1/cases?account_id={named}&limit=10"),
        look.found(look.may("freeze.settle") and f"/v1/cases?account_id={named}&is_live=true"),
    )
    freezes = (each for each in (waiting or {"items": ()})["items"] if each["action"] in FREEZING)
    return look.page("account", portrait=portrait, economics=economics, comparison=comparison, relations=relations,
                     timeline=timeline, line=line, cases=cases, freeze_case=next(freezes, None))  # fmt: skip


PAGES = (
    PageRoute("/accounts", account_search, act="accounts.read"),
    PageRoute("/accounts/{account_id}", one_account),
)
