"""The ledger follows the monitor's freezes: begun at once, over when they lapse or are lifted; the customer is told.

A person settles a freeze by deciding on its case, and by hand only where no case of it waits. What people have
confirmed is lifted by a case again: somebody proposes it, and somebody else decides.
"""

import json
from itertools import groupby
from typing import Any

import sqlalchemy as sa

from limitkeeper.app.approval_policy import ApprovalPolicy
from limitkeeper.app.case_ends import STANDING
from limitkeeper.app.case_words import sealed_text
from limitkeeper.app.cases import CaseOpening, case_acted, case_id_of, case_opened, terms_in_force
from limitkeeper.app.decisions import Effects
from limitkeeper.app.known_notices import told_of
from limitkeeper.app.limits import LimitChange, knows_limit, limit_now_cents, line_row, planned, planned_rows
from limitkeeper.app.line_requests import SeenLine
from limitkeeper.app.ownership import owner_of, tier_facts
from limitkeeper.app.told import Told, cut_from_cents
from limitkeeper.connectors.sealing import Seal
from limitkeeper.core.access.actors import SYSTEM
from limitkeeper.core.approval.cases import APPROVED
from limitkeeper.core.approval.refusals import RefusedError
from limitkeeper.core.approval.tiers import COMMITTEE_TIER, TEAM_TIER
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
        if line["limit_cents"] or not knows_limit(w, line):  # else it is closed, and not used again
            limit_cents = line["limit_cents"]
            effects.tell(w, Told("freeze_lifted", account_id, limit_cents, limit_cents, w.now_us))


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
    proposed = sa.select(cases.c.case_id).where(
        cases.c.account_id == account_id, cases.c.action == THAW, cases.c.is_live
    )
    if lift := w.row(proposed.limit(1)):
        return str(lift["case_id"])
    waits = cases.c.is_live | (cases.c.case_id.is_(None) & (proposals.c.sequence > after_sequence))
    row = w.row(_freezes(account_id).where(waits).limit(1))
    return None if row is None else case_id_of(row["proposal_id"])


def is_approved(w: Work, account_id: str) -> bool:
    """Whether people approved the freeze of a line that stands, also where the monitor is not told of it yet."""
    return w.row(_freezes(account_id).where(cases.c.state == APPROVED).limit(1)) is not None


def _freezes(account_id: str) -> sa.Select[Any]:
    """Proposals to freeze a line that hold, with their cases."""
    return (
        sa.select(proposals.c.proposal_id)
        .outerjoin(cases, cases.c.proposal_id == proposals.c.proposal_id)
        .where(proposals.c.account_id == account_id, proposals.c.action == FREEZE)
        .where(proposals.c.status.in_(STANDING))
    )


def check_by_hand(w: Work, account_id: str, *, confirm: bool, words: str, after_sequence: int) -> None:
    """Nothing, where a freeze may be settled without its case, or a case of its end be opened.

    Raises
    ------
    RefusedError
        When a case of the freeze or of its end waits, or no words were said.
    """
    case_id = waiting_case_id(w, account_id, after_sequence)
    if case_id is not None:
        raise RefusedError("freeze_case", value=case_id, advice="Decide on this case.")
    if not words.strip():
        raise RefusedError("reason", value=SETTLED_ACTS[confirm], advice="Say why.")


def settled_by_hand(
    w: Work, seal: Seal, policy: ApprovalPolicy, account_id: str, seen: SeenLine, *, confirm: bool, words: str,
    after_sequence: int,
) -> None:  # fmt: skip
    """Note that somebody confirms a freeze of which no case waits, or lifts an unconfirmed one; the monitor does it then.

    Parameters
    ----------
    w
        Whose actor does it.
    seal
        Of what he says, which is about a customer.
    policy
        Who decides: he has a mandate for it, of the second tier at least.
    account_id, seen, confirm, words
        The line, also as the monitor sees it; whether its freeze is confirmed or lifted, and why.
    after_sequence
        As of :func:`waiting_case_id`.

    Raises
    ------
    RefusedError
        As of :func:`check_by_hand`, or when he has no mandate for it.
    """
    check_by_hand(w, account_id, confirm=confirm, words=words, after_sequence=after_sequence)
    given, who, action = terms_in_force(w, policy).mandates, w.actor.actor_id, FREEZE if confirm else THAW
    exposure_cents = max(limit_now_cents(w, account_id, seen.limit_cents or 0), seen.balance_cents or 0)
    tiers = (TEAM_TIER, COMMITTEE_TIER)
    if not any(who in given.deciders(tier, action, 0, exposure_cents, w.now_us) for tier in tiers):
        raise RefusedError("mandate", value=f"{who}, {action}", advice="Send it to somebody whose it is.")
    subject, customer_id = f"account:{account_id}", owner_of(w, account_id).customer_id
    said = sealed_text(seal, words, subject, customer_id)
    w.note(SETTLED_ACTS[confirm], subject, {"customer": customer_id, "words": said})


def lift_proposed(
    w: Work, policy: ApprovalPolicy, effects: Effects, account_id: str, seen: SeenLine, words: str, after_sequence: int
) -> str:  # fmt: skip
    """Open the case of the end of a freeze that people confirmed; its id.

    Who proposes it does not decide on it, and who does has a mandate for what is exposed once the line can be drawn
    on again.

    Parameters
    ----------
    w
        Whose actor proposes it.
    policy, effects
        Which tier decides, and what approval leads to.
    account_id, seen
        The line, and as the monitor sees it.
    words
        Why; they stand in the case, sealed.
    after_sequence
        As of :func:`waiting_case_id`.

    Raises
    ------
    RefusedError
        As of :func:`check_by_hand`.
    """
    check_by_hand(w, account_id, confirm=False, words=words, after_sequence=after_sequence)
    owner, limit_cents = owner_of(w, account_id), limit_now_cents(w, account_id, seen.limit_cents or 0)
    facts: dict[str, Any] = {"trigger": "review"} | tier_facts(w, owner)
    opening = CaseOpening(
        "restoration", THAW, account_id, limit_cents, limit_cents, max(limit_cents, seen.balance_cents or 0),
        w.actor.actor_id, owner.customer_id, facts=facts,
    )  # fmt: skip
    case_id = case_opened(w, opening, policy, effects)
    version = w.found(cases, case_id)["version"]
    case_acted(w, effects.seal, case_id, version, "comment", terms_in_force(w, policy), effects, words)
    return case_id
