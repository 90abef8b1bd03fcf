"""Alerts: the feed with its filters, and one with its evidence."""

import asyncio

from starlette.responses import Response

from limitkeeper.core.behaviour.events import DAY_US
from limitkeeper.core.kernel.instants import instant
from limitkeeper.shells.api.findings import CHOICES
from limitkeeper.shells.console.asking import ProblemError
from limitkeeper.shells.console.look import Look, PageRoute

PAGE_ROWS = 50

ACKNOWLEDGED_AT_ONCE = 200
"""Alerts that one form acknowledges."""


async def alert_feed(look: Look) -> Response:
    """Alerts, the newest first."""
    names = ("trigger", "severity", "status", "account_id")
    unasked = {} if look.request.query_params else {"status": "open", "current": "true"}
    wanted = {name: look.asked(name, unasked.get(name, "")) for name in names}
    current = look.asked("current", unasked.get("current", ""))
    (rows, following), portfolio, rules = await asyncio.gather(
        look.ask.page("/v1/alerts", **wanted, current=current, limit=PAGE_ROWS, cursor=look.asked("cursor")),
        look.ask.get("/v1/portfolio/alerts", limit=3),
        look.rule_book(),
    )
    is_newest = not look.asked("cursor")
    is_told = wanted["status"] in ("", "open") and current != "false"  # what is told as it happens is open
    recently = instant(look.console.now_us() - look.console.quiet_days * DAY_US).date().isoformat()
    return look.page("alerts", alerts=rows, portfolio=portfolio, recently=recently, rules=rules,
                     choices=CHOICES["alerts"], wanted=wanted, current=current, is_newest=is_newest,
                     is_live=is_newest and is_told, following=following)  # fmt: skip


async def one_alert(look: Look) -> Response:
    """One alert with the trace of the decision behind it."""
    found = await look.ask.get(f"/v1/alerts/{look.request.path_params['alert_id']}")
    return look.page("alert", alert=found, rules=await look.rule_book(found["trace"]))


async def acknowledge_several(look: Look) -> Response:
    """Acknowledge what was chosen; what cannot be is told, and keeps nothing else from it."""
    form = await look.request.form()
    chosen = [str(each) for each in form.getlist("alert_id")][:ACKNOWLEDGED_AT_ONCE]

    async def acknowledged(alert_id: str) -> bool:
        try:
            await look.ask.answer("POST", f"/v1/alerts/{alert_id}/acknowledge")
        except ProblemError as error:
            if error.status in (401, 403):
                raise
            return False
        return True

    try:
        done = [await acknowledged(each) for each in chosen]
    except ProblemError as error:
        return look.page("problem", error.status, problem=error.document)
    missed = len(done) - sum(done)
    said = look.t("{n} acknowledged.", "已确认 {n} 条。", n=sum(done))
    if not chosen:
        said = look.t("Nothing was chosen, and nothing done.", "未选择任何预警，未作处理。")
    if missed:
        said += look.t(" {n} could not be.", "{n} 条未能确认。", n=missed)
    return look.forth(str(form.get("_then", "")), said)


PAGES = (
    PageRoute("/alerts", alert_feed),
    PageRoute("/alerts/acknowledge", acknowledge_several, method="POST"),
    PageRoute("/alerts/{alert_id}", one_alert),
)
