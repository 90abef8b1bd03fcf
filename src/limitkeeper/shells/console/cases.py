"""Cases: the queue by clock, one with everything on it, and the next that waits for who looks."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

from starlette.responses import Response

from limitkeeper.core.appeal.appeals import WITHDRAWN
from limitkeeper.core.approval.cases import APPROVED, CLAIMED, END_STATES, LIVE_STATES, OPEN
from limitkeeper.core.approval.mandates import Mandate
from limitkeeper.core.approval.seats import BEGIN
from limitkeeper.core.limits.ledger import FREEZE, LOWERING
from limitkeeper.shells.api.case_schemas import CASE_KINDS
from limitkeeper.shells.api.cursors import PAGE_ROWS, PAGE_ROWS_MAX
from limitkeeper.shells.console.look import Look, PageRoute
from limitkeeper.shells.console.session import ROOT, quoted

STATES = (*LIVE_STATES, *END_STATES)

STEPS = frozenset({"claim", "approve", "refuse", "vote-for", "vote-against"})
"""Acts that bring a case nearer to its end: to whom none is open, it is somebody else's for now."""

TAKING = (*LOWERING, FREEZE)
"""What an appeal may be against."""

LONG_PAGES_MAX = 40
"""Long pages of one queue that are looked through for the next case: 20,000 cases."""


async def case_queue(look: Look) -> Response:
    """Cases, soonest clock first."""
    names = ("tier", "state", "kind", "account_id", "claimed_by", "cursor")
    wanted = {name: look.asked(name) for name in names}
    found = await look.ask.get("/v1/cases", **wanted, is_live=look.asked_live, limit=PAGE_ROWS)
    return look.page("cases", found=found, kinds=CASE_KINDS, states=STATES)


async def one_case(look: Look) -> Response:
    """One case: what is proposed, why, who may act, and what was done."""
    case_id = look.request.path_params["case_id"]
    case = await look.ask.get(f"/v1/cases/{case_id}")
    of_line = (
        look.may("appeal.submit")
        and case["state"] == APPROVED
        and case["action"] in TAKING
        and case["account_id"]
    )
    offers, proposal, preview, account, appeals = await asyncio.gather(
        look.ask.get(f"/v1/cases/{case_id}/acts"),
        look.found(case["proposal_id"] and f"/v1/proposals/{case['proposal_id']}"),
        look.found(case["is_live"] and f"/v1/cases/{case_id}/notice/preview"),
        look.found(case["account_id"] and f"/v1/accounts/{case['account_id']}"),
        look.found(of_line and f"/v1/appeals?account_id={quoted(of_line)}&limit={PAGE_ROWS_MAX}"),
    )
    standing = [each for each in (appeals or {"items": ()})["items"] if each["state"] != WITHDRAWN]
    appealed = next((each for each in standing if each["case_id"] == case_id), None)
    rules = await look.rule_book(proposal and proposal["trace"])
    return look.page(
        "case", rules=rules, case=case, proposal=proposal, preview=preview, account=account, offers=offers,
        may_be_appealed=bool(of_line), appealed=appealed, is_done=look.may("case.act") and not may_go_on(offers),
    )  # fmt: skip


async def next_case(look: Look) -> Response:
    """On to the case that waits for who looks, soonest clock first and not where he comes from; else to the queue."""
    after, me = look.asked("after"), look.me["person_id"]
    mandates, absences = await asyncio.gather(each_of(look, "/v1/mandates"), each_of(look, "/v1/absences"))
    held = mandates_of(me, mandates, absences)
    queues: list[dict[str, object]] = [{"tier": tier, "state": OPEN} for tier in {each.tier for each in held}]
    queues.append({"state": CLAIMED, "claimed_by": me})
    found = await asyncio.gather(*(first_to_go_on(look, queue, held, after) for queue in queues))
    first = min(
        (case for case in found if case), key=lambda case: (case["due_at"], case["case_id"]), default=None
    )
    if first is None:
        return look.forth(f"{ROOT}/cases", look.t("No other case waits for you.", "没有其他待您处理的案件。"))
    return look.forth(f"{ROOT}/cases/{first['case_id']}")


def may_go_on(offers: Mapping[str, Any]) -> bool:
    """Whether somebody can bring a case nearer to its end, by what ``/v1/cases/ID/acts`` offers him.

    Examples
    --------
    >>> may_go_on({"acts": [{"act": "comment", "is_allowed": True}, {"act": "claim", "is_allowed": False}]})
    False
    """
    return any(each["is_allowed"] and each["act"] in STEPS for each in offers["acts"])


def mandates_of(
    person_id: str, mandates: Iterable[Mapping[str, Any]], absences: Iterable[Mapping[str, Any]]
) -> list[Mandate]:
    """The mandates in force under which somebody decides: his own, and those of an absent one whose deputy he is.

    One that waits to begin is not in force.

    Examples
    --------
    >>> bounds = {"actions": [], "cut_cents_max": None, "exposure_cents_max": None, "pending": None}
    >>> mandates = [{"person_id": name, "tier": tier, **bounds} for name, tier in (("ann", 2), ("mia", 3))]
    >>> away = [{"person_id": "mia", "deputy_id": "ann", "pending": None}]
    >>> [[each.tier for each in mandates_of("ann", mandates, absences)] for absences in ([], away)]
    [[2], [2, 3]]
    """
    away = (each for each in absences if each["deputy_id"] == person_id and each["pending"] != BEGIN)
    holders = {person_id} | {each["person_id"] for each in away}
    return [
        Mandate(each["person_id"], each["tier"], frozenset(each["actions"]), each["cut_cents_max"],
                each["exposure_cents_max"])
        for each in mandates if each["person_id"] in holders and each["pending"] != BEGIN
    ]  # fmt: skip


def may_be_covered(case: Mapping[str, Any], held: Iterable[Mandate]) -> bool:
    """Whether a case lies within a mandate as far as a list of cases tells; the API is asked for no others.

    Examples
    --------
    >>> case = {"tier": 2, "action": "decrease", "exposure_cents": 9, "facts": {"cut_cents": 5}}
    >>> [may_be_covered(case, [Mandate("ann", 2, cut_cents_max=most)]) for most in (4, 5)]
    [False, True]
    """
    about = (case["tier"], case["action"], case["facts"]["cut_cents"], case["exposure_cents"])
    return any(each.covers(*about, now_us=each.from_us) for each in held)


async def each_of(look: Look, path: str) -> list[dict[str, Any]]:
    """All of a list that is read page by page."""
    items: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        found = await look.ask.get(path, limit=PAGE_ROWS_MAX, cursor=cursor)
        items += found["items"]
        cursor = found["next"]
        if not cursor:
            return items


async def first_to_go_on(
    look: Look, queue: Mapping[str, object], held: Iterable[Mandate], after: str
) -> dict[str, Any] | None:
    """The first case of a queue, by clock, that who looks can bring nearer to its end; None where there is none."""
    cursor: str | None = None
    for rows in (PAGE_ROWS, *[PAGE_ROWS_MAX] * LONG_PAGES_MAX):
        found = await look.ask.get("/v1/cases", **queue, limit=rows, cursor=cursor)
        for case in found["items"]:
            if (
                case["case_id"] != after
                and may_be_covered(case, held)
                and may_go_on(await look.ask.get(f"/v1/cases/{case['case_id']}/acts"))
            ):
                return dict(case)
        cursor = found["next"]
        if not cursor:
            break
    return None


PAGES = (
    PageRoute("/cases", case_queue),
    PageRoute("/cases/next", next_case, act="case.act"),
    PageRoute("/cases/{case_id}", one_case),
)
