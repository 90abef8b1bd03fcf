"""What a customer asks for himself: a lower limit, or an end; it takes effect after days in which he takes it back."""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from limitkeeper.app.approval_policy import ApprovalPolicy
from limitkeeper.app.cases import CaseOpening, case_opened, case_withdrawn
from limitkeeper.app.decisions import REQUEST, Effects, Told
from limitkeeper.app.limits import cancelled, line_row, planned_rows
from limitkeeper.app.ownership import owner_of, tier_facts
from limitkeeper.core.kernel.errors import InputError
from limitkeeper.core.limits.ledger import CLOSE, DECREASE, LOWERING, LedgerError
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
    now_cents = line["limit_cents"] if line else seen.limit_cents
    if now_cents is None:
        raise InputError(
            "The limit of this line is not known.", value=account_id, advice="Ask the credit team."
        )
    if not 0 <= limit_cents < now_cents:
        raise InputError(
            "A request lowers the limit, or closes the line.", value=limit_cents, allowed=f"0 to {now_cents - 1}",
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
    planned = [row["case_id"] for row in planned_rows(w, account_id, LOWERING) if row["by_request"]]
    return [row["case_id"] for row in w.rows(waiting)] + planned


def request_taken_back(w: Work, effects: Effects, account_id: str) -> list[str]:
    """Take a customer's requests on a line back; the cases that they were.

    Raises
    ------
    LedgerError
        When there is none, or the cooling-off is over.
    """
    found = pending(w, account_id)
    if not found:
        raise LedgerError(
            "No request of yours waits on this line.", value=account_id,
            advice="What has taken effect is not taken back; the limit can be asked for anew.",
        )  # fmt: skip
    for row in planned_rows(w, account_id, LOWERING):
        if row["by_request"]:
            cancelled(w, row["entry_id"], "taken back by the customer")
    for case_id in found:
        case_withdrawn(w, case_id, "taken back")
    line = line_row(w, account_id)
    limit_cents = line["limit_cents"] if line else w.found(cases, found[0])["limit_before_cents"]
    effects.tell(w, Told("request_taken_back", account_id, limit_cents, limit_cents, w.now_us))
    w.note("line.take_back", f"account:{account_id}", {"cases": found})
    return found
