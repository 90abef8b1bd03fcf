"""What follows from a case that ends without approval: nothing, but for a freeze, which acts before it is decided on."""

from collections.abc import Mapping
from typing import Any

from limitkeeper.app.limits import ENGINE_TOPIC
from limitkeeper.core.approval.cases import LAPSED, REFUSED
from limitkeeper.core.limits.ledger import FREEZE
from limitkeeper.store.tables import proposals
from limitkeeper.store.work import Work

STANDING = ("open", "confirmed")
"""Statuses of a proposal that still holds."""


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
        w.send(ENGINE_TOPIC, case["case_id"], {"freeze_lifted": case["account_id"]})
