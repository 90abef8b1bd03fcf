"""The appeals desk: what must be answered first, one appeal with its evidence, and how often decisions are overturned."""

import asyncio

from starlette.responses import Response

from limitkeeper.app.appeal_reading import NO_VALUE
from limitkeeper.core.appeal.appeals import END_STATES, LIVE_STATES
from limitkeeper.shells.console.labels import labels
from limitkeeper.shells.console.look import Look, PageRoute

STATES = (*LIVE_STATES, *END_STATES)


async def appeals_desk(look: Look) -> Response:
    """Appeals, those that must be answered first on top."""
    names = ("state", "tier", "account_id", "cursor")
    wanted = {name: look.asked(name) for name in names}
    found, statistics, rules = await asyncio.gather(
        look.ask.get("/v1/appeals", **wanted, is_live=look.asked_live, limit=50),
        look.found(look.may("appeal.statistics") and "/v1/appeals/statistics?days=365"),
        look.rule_book(),
    )
    none = {NO_VALUE: look.t("none", "无")}
    words_of = {
        "rule": none | dict(rules.words),
        "reason": none | labels(look.language)["reason"],
        "model": none,
    }
    return look.page("appeals", found=found, statistics=statistics, words_of=words_of, states=STATES)


async def one_appeal(look: Look) -> Response:
    """One appeal: what it is against and why that was decided, what was said and sent, and the answer."""
    appeal_id = look.request.path_params["appeal_id"]
    appeal = await look.ask.get(f"/v1/appeals/{appeal_id}")
    case = await look.found(f"/v1/cases/{appeal['case_id']}")
    proposal = await look.found(case and case["proposal_id"] and f"/v1/proposals/{case['proposal_id']}")
    rules = await look.rule_book(proposal and proposal["trace"])
    return look.page("appeal", appeal=appeal, case=case, proposal=proposal, rules=rules)


async def evidence(look: Look) -> Response:
    """A file of an appeal, as it was sent."""
    appeal_id, evidence_id = (look.request.path_params[name] for name in ("appeal_id", "evidence_id"))
    return await look.file(f"/v1/appeals/{appeal_id}/evidence/{evidence_id}")


PAGES = (
    PageRoute("/appeals", appeals_desk, act="appeal.list"),
    PageRoute("/appeals/{appeal_id}", one_appeal, act="appeal.list"),
    PageRoute("/evidence/{appeal_id}/{evidence_id}", evidence),
)
