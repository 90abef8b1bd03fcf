"""The ledger follows the monitor's freezes: begun at once, over when they lapse or are lifted; the customer is told.

A person settles a freeze by deciding on its case, and by hand only where no case of it waits.
"""

import json
from itertools import groupby
from typing import Any

import sqlalchemy as sa

from limitkeeper.app.case_ends import STANDING
from limitkeeper.app.case_words import sealed_text
from limitkeeper.app.cases import case_id_of
from limitkeeper.app.decisions import Effects, Told, cut_from_cents, told_of
from limitkeeper.app.limits import LimitChange, line_row, planned, planned_rows
from limitkeeper.app.ownership import owner_of
from limitkeeper.connectors.sealing import Seal
from limitkeeper.core.access.actors import SYSTEM
from limitkeeper.core.approval.cases import APPROVED
from limitkeeper.core.approval.refusals import RefusedError
from limitkeeper.core.limits.ledger import FREEZE, FREEZING, THAW
from limitkeeper.store.case_tables import cases
from limitkeeper.store.sql import Store
from limitkeeper.store.tables import freeze_changes, proposals
from limitkeeper.store.work import Work, work

SWEEP_FREEZES = 500
"""Changes of freezes that are followed in one transaction."""

WHY_OVER = {"freeze_not_confirmed": "nobody confirmed it in time", "freeze_over": "its time is over"}


SETTLED_ACTS = ("freeze.lift", "freeze.confirm")
"""What the audit calls a freeze that was lifted or confirmed by hand."""


def freezes_followed(store: Store, effects: Effects, now_us: int, count: int = SWEEP_FREEZES) -> int:
    """Write what the monitor did to freezes into the ledger, and tell the customers; how many changes.

    A freeze that is over before it was written is neither written nor told: it never stopped anything.

    Parameters
    ----------
    store
        Of the monitor and the ledger.
    effects
        How customers are told.
    now_us
        UTC microseconds.
    count
        Changes in one transaction.
    """
    followed = 0
    while True:
        with work(store, SYSTEM, now_us) as w:
            fresh = sa.select(freeze_changes).where(sa.not_(freeze_changes.c.is_kept))
            order = fresh.order_by(freeze_changes.c.id).limit(count).with_for_update(skip_locked=True)
            rows = w.rows(order)
            by_account = sorted(rows, key=lambda row: (row["account_id"], row["id"]))
            for account_id, changes in groupby(by_account, key=lambda row: str(row["account_id"])):
                _follow(w, effects, account_id, list(changes))
            if rows:
                ids = [row["id"] for row in rows]
                w.connection.execute(
                    freeze_changes.update().where(freeze_changes.c.id.in_(ids)).values(is_kept=True)
                )
        followed += len(rows)
        if len(rows) < count:
            return followed


def _follow(w: Work, effects: Effects, account_id: str, changes: list[dict[str, Any]]) -> None:
    """Let the ledger of one line come to where the last change leaves it."""
    line = line_row(w, account_id)
    ahead = planned_rows(w, account_id, FREEZING)
    stands = ahead[-1]["action"] == FREEZE if ahead else bool(line and line["is_frozen"])
    last = next((each for each in reversed(changes) if each["status"] != "confirmed"), None)
    if last is None:
        if stands and line is not None:
            _tell_confirmed(w, effects, account_id, line["limit_cents"])
    elif last["status"] == "begun":
        if not stands:
            _freeze(w, effects, account_id, last)
    elif stands and line is not None:
        thaw = LimitChange(account_id, THAW, line["limit_cents"], None, last["ts_us"],
                           WHY_OVER.get(last["reason"], last["reason"] or "lifted"))  # fmt: skip
        planned(w, thaw)
        effects.tell(w, Told("freeze_lifted", account_id, line["limit_cents"], line["limit_cents"], w.now_us))


def _freeze(w: Work, effects: Effects, account_id: str, begun: dict[str, Any]) -> None:
    row = w.found(proposals, begun["proposal_id"])
    trace, before = json.loads(row["trace"]), row["limit_before_cents"] or 0
    change = LimitChange(
        account_id, FREEZE, before, None, begun["ts_us"], ", ".join(each["code"] for each in trace.get("reasons", [])),
        owner_of(w, account_id).customer_id, decision_id=row["decision_id"],
        old_limit_cents=cut_from_cents(trace),
    )  # fmt: skip
    entry_id = planned(w, change)
    told_of(
        w, entry_id, effects.tell(w, Told("line_frozen", account_id, before, before, begun["ts_us"], trace))
    )


def _tell_confirmed(w: Work, effects: Effects, account_id: str, limit_cents: int) -> None:
    """Tell of a freeze that was confirmed by hand; the approval of its case told of it already."""
    begun = w.row(
        sa.select(proposals.c.trace, cases.c.state)
        .select_from(freeze_changes)
        .outerjoin(proposals, proposals.c.proposal_id == freeze_changes.c.proposal_id)
        .outerjoin(cases, cases.c.proposal_id == freeze_changes.c.proposal_id)
        .where(freeze_changes.c.account_id == account_id, freeze_changes.c.status == "begun")
        .order_by(freeze_changes.c.id.desc())
        .limit(1)
    )
    if begun is None or begun["state"] != APPROVED:
        trace = json.loads(begun["trace"]) if begun and begun["trace"] else {}
        effects.tell(w, Told("freeze_confirmed", account_id, limit_cents, limit_cents, w.now_us, trace))


def waiting_case_id(w: Work, account_id: str, after_sequence: int) -> str | None:
    """The case that waits for a decision on the freeze of a line, also where it is not open yet; None where none does.

    Parameters
    ----------
    w
        The work that reads it.
    account_id
        The line.
    after_sequence
        Proposals of micro-batches up to this one have no case: see :func:`limitkeeper.app.live.live_since_sequence`.
    """
    waits = cases.c.is_live | (cases.c.case_id.is_(None) & (proposals.c.sequence > after_sequence))
    row = w.row(
        sa.select(proposals.c.proposal_id)
        .outerjoin(cases, cases.c.proposal_id == proposals.c.proposal_id)
        .where(proposals.c.account_id == account_id, proposals.c.action == FREEZE)
        .where(proposals.c.status.in_(STANDING), waits)
        .limit(1)
    )
    return None if row is None else case_id_of(row["proposal_id"])


def settled_by_hand(
    w: Work, seal: Seal, account_id: str, *, confirm: bool, words: str, after_sequence: int
) -> None:
    """Note that somebody confirms or lifts a freeze of which no case waits, and why; the monitor does it then.

    Parameters
    ----------
    w
        Whose actor does it.
    seal
        Of what he says, which is about a customer.
    account_id, confirm, words
        The line, whether its freeze is confirmed or lifted, and why.
    after_sequence
        As of :func:`waiting_case_id`.

    Raises
    ------
    RefusedError
        When a case of the freeze waits, or no words were said.
    """
    case_id = waiting_case_id(w, account_id, after_sequence)
    if case_id is not None:
        raise RefusedError("freeze_case", value=case_id, advice="Decide on this case.")
    if not words.strip():
        raise RefusedError("reason", value=SETTLED_ACTS[confirm], advice="Say why.")
    subject, customer_id = f"account:{account_id}", owner_of(w, account_id).customer_id
    said = sealed_text(seal, words, subject, customer_id)
    w.note(SETTLED_ACTS[confirm], subject, {"customer": customer_id, "words": said})
