"""What the monitor is told of freezes that people decided on: also by cases that end without approval."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from limitkeeper.app.limits import ENGINE_TOPIC
from limitkeeper.core.approval.cases import LAPSED, REFUSED
from limitkeeper.core.limits.ledger import FREEZE
from limitkeeper.store.tables import freeze_changes, proposals
from limitkeeper.store.work import Work

STANDING = ("open", "confirmed")
"""Statuses of a proposal that still holds."""


SINCE_US = "since_us"
"""In a message to the monitor: when the freeze began that is meant; another that stands by then is left alone."""


def freeze_settled(
    w: Work, key: str, account_id: str, *, confirm: bool, of: sa.ColumnElement[bool] | None
) -> None:
    """Tell the monitor to confirm or to lift a freeze, which it may do much later: only this one.

    Parameters
    ----------
    w
        The transaction in which it was decided.
    key
        Of the message.
    account_id, confirm
        The line, and whether its freeze is confirmed or lifted.
    of
        Which proposals the freeze may come from; None for the newest. One that the monitor did not begin is told
        without its time.
    """
    begun = (
        sa.select(freeze_changes.c.ts_us)
        .join(proposals, proposals.c.proposal_id == freeze_changes.c.proposal_id)
        .where(freeze_changes.c.account_id == account_id, freeze_changes.c.status == "begun")
        .order_by(freeze_changes.c.id.desc())
        .limit(1)
    )
    found = w.row(begun if of is None else begun.where(of))
    what = {"freeze_confirmed" if confirm else "freeze_lifted": account_id}
    w.send(ENGINE_TOPIC, key, what | ({} if found is None else {SINCE_US: found["ts_us"]}))


def freeze_let_go(w: Work, case: Mapping[str, Any]) -> None:
    """Tell the monitor to lift the freeze of a case that was refused or has lapsed.

    The ledger follows the monitor, and so the customer is told once. Of a proposal that holds no more nothing is
    lifted: what froze the line since then has a case of its own.

    Parameters
    ----------
    w
        The transaction in which it ended.
    case
        Its row, as it is now.
    """
    if case["action"] != FREEZE or case["state"] not in (REFUSED, LAPSED) or case["proposal_id"] is None:
        return
    proposal = w.kept(proposals, case["proposal_id"])
    if proposal is not None and proposal["status"] in STANDING:
        of = proposals.c.proposal_id == case["proposal_id"]
        freeze_settled(w, case["case_id"], case["account_id"], confirm=False, of=of)
