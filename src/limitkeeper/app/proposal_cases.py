"""Cases follow the proposals of the monitor: opened where one stands, withdrawn where it stands no more."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from limitkeeper.app.approval_policy import ApprovalPolicy
from limitkeeper.app.case_ends import STANDING
from limitkeeper.app.case_lines import facts_of_cut
from limitkeeper.app.cases import CaseOpening, OnApproved, case_opened, case_withdrawn
from limitkeeper.app.ownership import owner_in, tier_facts, with_owners
from limitkeeper.core.access.actors import SYSTEM
from limitkeeper.core.approval.cases import LIVE_STATES
from limitkeeper.core.limits.ledger import RESTORE
from limitkeeper.store.case_tables import cases
from limitkeeper.store.sql import Store
from limitkeeper.store.tables import proposals
from limitkeeper.store.work import Work, work

OPENED_CASES = 250
"""Cases that are opened in one transaction: each may write a notice and an entry, others wait for no more."""

Held = Callable[[Work, Sequence[Mapping[str, Any]]], Mapping[str, str]]
"""Which of some proposals lead to nothing, by their id, and why."""


class ProposalsFollowed:
    """Looks again and again at the proposals that changed, at each of them once.

    A look over all that stand would have the store's one turn to write for most of the time once there are a hundred
    thousand of them.

    Parameters
    ----------
    store, policy, on_approved, after_sequence, held
        As of :func:`cases_of_proposals`.
    """

    def __init__(
        self, store: Store, policy: ApprovalPolicy, on_approved: OnApproved, after_sequence: int, held: Held
    ) -> None:
        self._store, self._policy, self._on_approved = store, policy, on_approved
        self._after_sequence, self._held = after_sequence, held
        self._looked_at: int | None = None

    def follow(self, now_us: int) -> int:
        """Let cases follow what changed since the last look, at first everything; how many were opened or withdrawn."""
        # Read before the look: what changes during it is looked at the next time, too.
        newest = self._store.written()
        if newest == self._looked_at:
            return 0
        changed = cases_of_proposals(
            self._store, self._policy, now_us, self._on_approved, after_sequence=self._after_sequence,
            held=self._held, changed_after=self._looked_at or 0,
        )  # fmt: skip
        self._looked_at = newest
        return sum(changed)


def cases_of_proposals(
    store: Store,
    policy: ApprovalPolicy,
    now_us: int,
    on_approved: OnApproved,
    count: int = OPENED_CASES,
    after_sequence: int = 0,
    held: Held = lambda _w, _rows: {},
    changed_after: int = 0,
) -> tuple[int, int]:
    """Open a case for each new proposal, and withdraw those whose proposal is no more; how many of each.

    Parameters
    ----------
    store
        Where proposals and cases lie.
    policy
        Which tier decides.
    now_us
        UTC microseconds.
    on_approved
        Called where the system approves at once.
    count
        Proposals in one transaction.
    after_sequence
        Proposals of micro-batches up to this one are left alone: nothing was live by then.
    held
        Which of them lead to nothing: their cases say why.
    changed_after
        Proposals that no micro-batch after this one made or changed were looked at before.
    """
    opened = ended = 0
    while True:
        with work(store, SYSTEM, now_us) as w:
            fresh = (
                sa.select(proposals)
                .outerjoin(cases, cases.c.proposal_id == proposals.c.proposal_id)
                .where(cases.c.case_id.is_(None), proposals.c.status.in_(STANDING))
                .where(proposals.c.sequence > max(after_sequence, changed_after))
                .order_by(proposals.c.sequence)
                .limit(count)
            )
            rows = w.rows(with_owners(fresh, proposals.c.account_id))
            why = held(w, rows)
            for row in rows:
                opening = opening_of_proposal(w, row)
                case_opened(w, opening, policy, on_approved, why.get(row["proposal_id"]))
            gone = w.rows(
                sa.select(cases, proposals.c.status.label("status"))
                .join(proposals, cases.c.proposal_id == proposals.c.proposal_id)
                # By its states and not by ``is_live``, which has indices: SQLite would go through all live cases.
                .where(proposals.c.sequence > changed_after, cases.c.state.in_(LIVE_STATES))
                .where(proposals.c.status.not_in(STANDING))
                .limit(count)
            )
            for row in gone:
                case_withdrawn(w, row["case_id"], row.pop("status"), seen=row)
        opened, ended = opened + len(rows), ended + len(gone)
        if max(len(rows), len(gone)) < count:
            return opened, ended


def opening_of_proposal(w: Work, row: dict[str, Any]) -> CaseOpening:
    """What the case of a proposal of the monitor is about, read from its trace and from whose line it is.

    The row is one of :func:`limitkeeper.app.ownership.with_owners`.
    """
    trace = json.loads(row["trace"])
    decided: dict[str, Any] = next(
        (rule for rule in trace.get("rules", []) if rule.get("id") == row["rule"]), {}
    )
    before = row["limit_before_cents"] or 0
    balance = trace.get("inputs", {}).get("balance_cents") or 0
    owner = owner_in(row)
    return CaseOpening(
        "restoration" if row["action"] == RESTORE else "decision", row["action"], row["account_id"],
        row["limit_before_cents"], row["limit_after_cents"], int(max(before, balance)), "system",
        owner.customer_id, row["proposal_id"], row["decision_id"],
        {"trigger": decided.get("trigger")} | facts_of_cut(w, row, trace) | tier_facts(w, owner, trace), proposals=(row,),
    )  # fmt: skip
