"""Compliance at a glance: the regulation in force, how groups are treated, and what left the house."""

import asyncio

from starlette.responses import Response

from limitkeeper.core.compliance.checks import STAGES
from limitkeeper.core.kernel.errors import InputError
from limitkeeper.shells.api.strategies import SEARCH_LETTERS
from limitkeeper.shells.console.asking import ProblemError, problem_of_input
from limitkeeper.shells.console.fairness import placed_findings
from limitkeeper.shells.console.forms import content_of
from limitkeeper.shells.console.look import Look, PageRoute


async def compliance(look: Look) -> Response:
    """Regulation, the register, fairness reports, and the privacy budget."""
    stage, cursor, search = look.asked("stage"), look.asked("cursor"), look.asked("search")[:SEARCH_LETTERS]
    regulation, register, reports, budget = await asyncio.gather(
        look.ask.get("/v1/regulation", stage=stage),
        look.ask.get("/v1/register", search=search),
        look.ask.get("/v1/fairness-reports", limit=10, cursor=cursor),
        look.found(look.may("aggregate.give") and "/v1/aggregates"),
    )
    return look.page(
        "compliance", regulation=regulation, register=register, search=search, reports=reports,
        budget=budget, stages=STAGES, placed_findings=placed_findings,
    )  # fmt: skip


async def aggregate(look: Look) -> Response:
    """Counts that leave the house, shown once: they are not kept."""
    form = await look.request.form()
    fields = [(name, value) for name, value in form.multi_items() if isinstance(value, str)]
    try:
        wanted = content_of(fields)
        key = {"Idempotency-Key": str(form.get("_key", ""))}
        answer = await look.ask.answer("POST", "/v1/aggregates", json=wanted, headers=key)
    except InputError as error:
        return look.refused(problem_of_input(error))
    except ProblemError as error:
        return look.refused(error.document)
    return look.page("aggregate", found=answer.json())


PAGES = (
    PageRoute("/compliance", compliance),
    PageRoute("/compliance/aggregate", aggregate, method="POST"),
)
