"""What a customer asks for himself: a lower limit, or an end; it takes effect after days in which he takes it back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from limitkeeper.app.approval_policy import ApprovalPolicy
from limitkeeper.app.cases import CaseOpening, case_opened, case_withdrawn
from limitkeeper.app.corrections import letters_corrected
from limitkeeper.app.decisions import REQUEST, Effects
from limitkeeper.app.limits import (
    cancelled,
    entries_in_effect,
    entries_of,
    knows_limit,
    line_row,
    planned_rows,
    requests_ahead,
)
from limitkeeper.app.ownership import owner_of, tier_facts
from limitkeeper.app.plans import planned_again, restoration_replaced
from limitkeeper.app.restoration import restoration_opened
from limitkeeper.app.told import Told
from limitkeeper.core.kernel.errors import InputError
from limitkeeper.core.limits.changes import Step, old_limit_cents
from limitkeeper.core.limits.ledger import (
    CANCELLED,
    CLOSE,
    DECREASE,
    LOWERING,
    RAISING,
    RESTORE,
    LedgerError,
    is_closed,
)
from limitkeeper.store.case_tables import cases
from limitkeeper.store.work import Work


@dataclass(frozen=True, slots=True)
class SeenLine:
    """A line as the monitor sees it, None where it does not know: limit and balance in minor units."""

    limit_cents: int | None = None
    balance_cents: int | None = None


def request_made(
    w: Work, policy: ApprovalPolicy, effects: Effects, account_id: str, limit_cents: int, seen: SeenLine
) -> str:
    """Open the case of a customer's own request to lower his line, or with a limit of 0 to close it; its id.

    By the shipped policy the system approves it at once; it takes effect after the cooling-off. A line is lowered
    down to what is owed at most. One that is closed takes no new draws, and what is owed runs on as agreed.

    Parameters
    ----------
    w
        Whose actor is the customer.
    policy, effects
        Which tier decides, and what approval leads to.
    account_id
        His line.
    limit_cents
        The limit that he wants, minor units; 0 closes the line.
    seen
        The line as the monitor sees it; where the balance is not known a person looks at the request.

    Raises
    ------
    InputError
        When it is no lower limit, or one below what is owed.
    LedgerError
        When his earlier request still waits.
    """
    line = line_row(w, account_id)
    now_cents = line["limit_cents"] if line and knows_limit(w, line) else seen.limit_cents
    if now_cents is None:
        raise InputError(
            "The limit of this line is not known.", value=account_id, advice="Ask the credit team."
        )
    if limit_cents == now_cents == 0 and is_closed(entries_in_effect(w, account_id)):
        raise InputError("The line is closed already.", value=account_id)
    if not 0 <= limit_cents <= max(now_cents - 1, 0):  # what was cut to nothing may still be closed
        raise InputError(
            "A request lowers the limit, or closes the line.", value=limit_cents,
            allowed=f"0 to {max(now_cents - 1, 0)}",
            advice="A higher limit is not asked for here.",
        )  # fmt: skip
    owed = None if seen.balance_cents is None else max(seen.balance_cents, 0)
    if limit_cents and owed is not None and limit_cents < owed:
        raise InputError(
            "A limit is not lowered below what is owed.", value=limit_cents, allowed=f"{owed} to {now_cents - 1}",
            advice="Repay first, or close the line: it then takes no new draws and what is owed runs on as agreed.",
        )  # fmt: skip
    if pending(w, account_id):
        raise LedgerError(
            "A request of yours waits already.", value=account_id, advice="Take it back, then ask again."
        )
    owner = owner_of(w, account_id)
    facts: dict[str, Any] = {"trigger": REQUEST, "balance_unknown": owed is None and limit_cents > 0}
    opening = CaseOpening(
        REQUEST, DECREASE if limit_cents else CLOSE, account_id, now_cents, limit_cents, max(now_cents, owed or 0),
        w.actor.actor_id, owner.customer_id, facts=facts | tier_facts(w, owner),
    )  # fmt: skip
    return case_opened(w, opening, policy, effects)


def pending(w: Work, account_id: str) -> list[str]:
    """The cases of requests on a line that still wait, or whose cooling-off is not over."""
    waiting = sa.select(cases.c.case_id).where(
        cases.c.account_id == account_id, cases.c.kind == REQUEST, cases.c.is_live
    )
    planned = [row["case_id"] for row in requests_ahead(w, account_id)]
    return [row["case_id"] for row in w.rows(waiting)] + planned


def request_taken_back(w: Work, policy: ApprovalPolicy, effects: Effects, account_id: str) -> list[str]:
    """Take a customer's requests on a line back; the cases that they were.

    What was to be given back and gave way to them is planned again, by new entries. Where the lender decided on a cut
    in between, it is not: a case is opened then, and a person looks at it. What was told of planned cuts is corrected.

    Parameters
    ----------
    w
        Whose actor is the customer.
    policy, effects
        Which tier decides on such a case, and how customers are told.
    account_id
        His line.

    Raises
    ------
    LedgerError
        When there is none, or the cooling-off is over.
    """
    found, requests = pending(w, account_id), requests_ahead(w, account_id)
    if not found:
        raise LedgerError(
            "No request of yours waits on this line.", value=account_id,
            advice="What has taken effect is not taken back; the limit can be asked for anew.",
        )  # fmt: skip
    for row in requests:
        cancelled(w, row["entry_id"], "taken back by the customer")
    for case_id in found:
        case_withdrawn(w, case_id, "taken back")
    line = line_row(w, account_id)
    limit_cents = line["limit_cents"] if line else w.found(cases, found[0])["limit_before_cents"]
    told = Told("request_taken_back", account_id, limit_cents, limit_cents, w.now_us)
    replaced = restoration_replaced(w, account_id, found)
    again = [] if not replaced else _still_to_give(w, limit_cents, replaced)
    if not again:
        ahead = planned_rows(w, account_id, RAISING)
        effects.tell(w, _risen(told, [Step(row["target_cents"], row["planned_us"]) for row in ahead]))
    elif _cut_since(w, replaced):
        wanted_cents = again[-1]["target_cents"]
        is_open = _restoration_opened(w, policy, effects, account_id, wanted_cents)
        effects.tell(w, replace(told, kind="request_taken_back_reviewed") if is_open else told)
    else:
        _put_back(w, effects, told, again)
    letters_corrected(w, effects.tell, effects.policy, account_id, requests)
    w.note("line.take_back", f"account:{account_id}", {"cases": found})
    return found


def _still_to_give(w: Work, limit_cents: int, replaced: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The steps that still give something: above the limit, above what is planned anew, within the old limit."""
    account_id = replaced[0]["account_id"]
    old_cents = old_limit_cents(entries_in_effect(w, account_id)) or 0
    reached = max([limit_cents, *(row["target_cents"] for row in planned_rows(w, account_id, RAISING))])
    found = []
    for row in replaced:
        target_cents = row["target_cents"]
        target_cents = min(target_cents, old_cents) if row["action"] == RESTORE else target_cents
        if target_cents > reached:
            found.append(row | {"target_cents": target_cents})
            reached = target_cents
    return found


def _cut_since(w: Work, replaced: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the lender has decided on a cut since steps gave way, which they would have given way to."""
    return any(
        row["action"] in LOWERING and not row["by_request"] and row["state"] != CANCELLED
        and row["number"] > replaced[-1]["number"]
        for row in entries_of(w, replaced[0]["account_id"])
    )  # fmt: skip


def _put_back(w: Work, effects: Effects, told: Told, rows: Sequence[dict[str, Any]]) -> None:
    """Plan steps of a restoration again, no sooner than they were, with their wait between two; and tell of them."""
    raised = [each.effective_us for each in entries_in_effect(w, told.account_id) if each.action in RAISING]
    last_us, steps = max(raised, default=None), list[Step]()
    for row in rows:
        waited_us = 0 if last_us is None else last_us + (row["wait_us"] or 0)
        last_us = max(row["planned_us"], w.now_us, waited_us)
        steps.append(Step(row["target_cents"], last_us))
    planned_again(w, rows, [step.effective_us for step in steps], effects.tell(w, _risen(told, steps)))


def _risen(told: Told, steps: Sequence[Step]) -> Told:
    """What is told of a request that is taken back, where the line rises without it."""
    if not steps:
        return told
    return replace(
        told, kind="request_taken_back_restored", limit_after_cents=steps[-1].target_cents,
        effective_us=steps[0].effective_us, steps=steps if len(steps) > 1 else (),
    )  # fmt: skip


def _restoration_opened(
    w: Work, policy: ApprovalPolicy, effects: Effects, account_id: str, wanted_cents: int
) -> bool:
    """Whether a person looks at what is to be restored: by a case that waits already, or by one that is opened."""
    waiting = sa.select(cases.c.case_id).where(
        cases.c.account_id == account_id, cases.c.action == RESTORE, cases.c.is_live
    )
    if w.row(waiting.limit(1)) is not None:
        return True
    if not effects.restoration(w, account_id, 0, wanted_cents):
        return False
    restoration_opened(w, policy, effects, account_id, REQUEST, wanted_cents)
    return True
