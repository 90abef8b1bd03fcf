"""Restoration that is not the monitor's: after an appeal, or by a person's proposal; a case like any other."""

from typing import Any

from limitkeeper.app.approval_policy import ApprovalPolicy
from limitkeeper.app.cases import CaseOpening, case_opened
from limitkeeper.app.decisions import Effects
from limitkeeper.app.limits import line_row
from limitkeeper.app.ownership import owner_of, tier_facts
from limitkeeper.core.limits.ledger import RESTORE, LedgerError
from limitkeeper.store.work import Work


def restoration_opened(
    w: Work,
    policy: ApprovalPolicy,
    effects: Effects,
    account_id: str,
    trigger: str,
    wanted_cents: int | None = None,
    decision_id: str | None = None,
) -> str:
    """Open a case that gives a line back what the lender took, in steps, within the old limit; its id.

    Approved, the steps are planned with the cool-down between two, and the customer is told. A cut that was wrong is
    not restored by this but undone: see :func:`limitkeeper.app.limits.undone`.

    Parameters
    ----------
    w
        Whose actor proposes it, and does not decide on it then.
    policy
        Which tier decides.
    effects
        What approval leads to.
    account_id
        The line, which has a ledger.
    trigger
        What led to it, for the tiers: ``appeal``, ``improvement``.
    wanted_cents
        Up to what; None for all that may be.
    decision_id
        What it comes from.

    Raises
    ------
    LedgerError
        When the ledger has nothing to give back.
    """
    line = line_row(w, account_id)
    steps = effects.restoration(w, account_id, 0, wanted_cents) if line else []
    if line is None or not steps:
        raise LedgerError(
            "There is nothing to give back.", value=account_id,
            advice="Only what the lender cut is restored, and only once.",
        )  # fmt: skip
    owner = owner_of(w, account_id)
    facts: dict[str, Any] = {"trigger": trigger} | tier_facts(w, owner)
    opening = CaseOpening(
        "restoration", RESTORE, account_id, line["limit_cents"], steps[-1].target_cents, line["limit_cents"],
        w.actor.actor_id, owner.customer_id, None, decision_id, facts,
    )  # fmt: skip
    return case_opened(w, opening, policy, effects)
