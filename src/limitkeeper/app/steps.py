"""Planned steps before they take effect: the line is looked at again, and what is no longer called for is cancelled."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from limitkeeper.app.approval_policy import ApprovalPolicy
from limitkeeper.app.case_words import sealed_text
from limitkeeper.app.cases import case_of, terms_in_force
from limitkeeper.app.corrections import letters_stopped, still_planned
from limitkeeper.app.decisions import Effects
from limitkeeper.app.limits import NOTICE_LOOK_US, cancelled, line_row, planned_rows
from limitkeeper.app.ownership import owner_of
from limitkeeper.app.told import Told
from limitkeeper.core.access.actors import SYSTEM
from limitkeeper.core.approval.cases import Case, check_decider, opened_case
from limitkeeper.core.approval.tiers import TEAM_TIER
from limitkeeper.core.kernel.instants import day_of
from limitkeeper.core.limits.ledger import LOWERING, PLANNED, RAISING, LedgerError
from limitkeeper.core.review.reassessment import still_calls_for_a_cut
from limitkeeper.store.case_tables import cases
from limitkeeper.store.limit_tables import limit_entries, lines
from limitkeeper.store.sql import Store
from limitkeeper.store.work import Work, work

SWEEP_STEPS = 200
"""Steps that are looked at again in one round."""

Look = Callable[[str], Mapping[str, Any] | None]
"""The trace of a look of the monitor at an account as it is now; None where it does not know the account."""


def steps_looked_at(store: Store, effects: Effects, look: Look, now_us: int, count: int = SWEEP_STEPS) -> int:
    """Look again at the lines whose next step has come, and let it go on or cancel it with those behind it.

    A cut goes on where a rule still takes something away, a restoration where none does. A line that the monitor
    does not know cannot be looked at: nothing more is taken from it, nor given.

    Parameters
    ----------
    store
        Of the ledger.
    effects
        How customers are told.
    look
        At a line; called outside any transaction.
    now_us
        UTC microseconds.
    count
        Steps at most.
    """
    due = sa.select(limit_entries).where(
        limit_entries.c.look_us <= now_us + NOTICE_LOOK_US, limit_entries.c.state == PLANNED,
        limit_entries.c.planned_us <= now_us, sa.not_(limit_entries.c.is_assessed),
    )  # fmt: skip
    rows = store.rows(due.order_by(limit_entries.c.look_us, limit_entries.c.number).limit(count))
    for row in rows:
        trace = look(row["account_id"])
        with work(store, SYSTEM, now_us) as w:
            _settle(w, effects, row["entry_id"], trace)
    return len(rows)


def _settle(w: Work, effects: Effects, entry_id: str, trace: Mapping[str, Any] | None) -> None:
    row = w.found(limit_entries, entry_id)
    if row["state"] != PLANNED or row["is_assessed"]:
        return  # somebody was quicker
    lowers = row["action"] in LOWERING
    goes_on = trace is not None and still_calls_for_a_cut(trace) == lowers
    detail = {"entry": entry_id, "decision": trace["decision_id"] if trace else None, "goes_on": goes_on}
    w.note("limit.look", f"account:{row['account_id']}", detail)
    if goes_on:
        w.change(limit_entries, entry_id, row["version"], {"is_assessed": True, "look_us": row["planned_us"]})
        return
    why = (
        "the line is not known" if trace is None else "things have improved" if lowers else "things are worse"
    )
    ended = _from_here(w, row)
    for each in ended:
        cancelled(w, each["entry_id"], why)
    _tell_of_the_end(w, effects, row, ended)


def _from_here(w: Work, row: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A planned step and those behind it."""
    alike = planned_rows(w, row["account_id"], LOWERING if row["action"] in LOWERING else RAISING)
    return [each for each in alike if each["case_id"] == row["case_id"] and each["number"] >= row["number"]]


def _tell_of_the_end(
    w: Work, effects: Effects, row: Mapping[str, Any], ended: Sequence[Mapping[str, Any]]
) -> None:
    """Stop the letter of steps that were cancelled; tell whoever may know of them that they do not come."""
    if not letters_stopped(w, ended):
        return
    line = line_row(w, row["account_id"])
    limit_cents = line["limit_cents"] if line else None
    kind = "steps_cancelled" if row["action"] in LOWERING else "restoration_stopped"
    ahead = [] if limit_cents is None else still_planned(w, row["account_id"], limit_cents)
    effects.tell(w, Told(kind, row["account_id"], limit_cents, limit_cents, w.now_us, steps=ahead))


def step_cancelled(w: Work, effects: Effects, policy: ApprovalPolicy, entry_id: str, why: str) -> None:
    """Cancel a planned step by hand, with those behind it, and tell the customer, where he may know of it.

    What people approved is not undone by whoever comes by: who cancels it might have decided on it, on the tier that
    did and by a mandate for what is cancelled of this line.

    Raises
    ------
    MissingError
        When there is no such entry.
    LedgerError
        When it is not planned any more, or is the customer's own request.
    RefusedError
        When whoever acts had a part in the case, or has no mandate for it.
    """
    row = w.found(limit_entries, entry_id)
    if row["by_request"]:
        raise LedgerError("A customer's own request is his to take back.", value=entry_id)
    owner = owner_of(w, row["account_id"])
    ended = _from_here(w, row) or [row]
    check_decider(_undecided(w, policy, ended), w.actor, terms_in_force(w, policy), w.now_us)
    for each in ended:
        place = f"entry:{each['entry_id']}"
        cancelled(w, each["entry_id"], sealed_text(effects.seal, why, place, owner.customer_id))
    if row["action"] in (*LOWERING, *RAISING):
        _tell_of_the_end(w, effects, row, ended)


def _undecided(w: Work, policy: ApprovalPolicy, steps: Sequence[Mapping[str, Any]]) -> Case:
    """The case behind some steps as whoever cancels them decides on it again: about what they change of this line."""
    first, target_cents = steps[0], steps[-1]["target_cents"]
    limit_cents = w.found(lines, first["account_id"])["limit_cents"]
    after_cents = limit_cents if target_cents is None else target_cents
    cut_cents, exposure_cents = limit_cents - after_cents, max(limit_cents, after_cents)
    row = w.kept(cases, first["case_id"]) if first["case_id"] else None
    if row is None:  # no case stands behind it: anybody of the team whose mandate it is
        clocks = policy.clocks(day_of(w.now_us))
        return opened_case(
            "", first["action"], cut_cents, exposure_cents, TEAM_TIER, (), SYSTEM.actor_id, clocks, w.now_us
        )
    action = row["action"] if row["account_id"] else first["action"]
    found = replace(case_of(row), action=action, tier=max(row["tier"], TEAM_TIER), changes=())
    return replace(found, cut_cents=cut_cents, exposure_cents=exposure_cents)
