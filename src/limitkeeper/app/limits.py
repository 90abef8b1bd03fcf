"""The ledger in the store: changes planned, cancelled, undone; what is due is taken into effect by ``due_changes``."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from json.encoder import encode_basestring_ascii
from typing import Any

import sqlalchemy as sa

from limitkeeper.app.bank import NONE
from limitkeeper.app.evidence import kept
from limitkeeper.core.behaviour.events import HOUR_US
from limitkeeper.core.limits.ledger import (
    CANCELLED,
    DECREASE,
    EFFECTIVE,
    FREEZING,
    INCREASE,
    LOWERING,
    OPEN,
    PLANNED,
    RAISING,
    REVERSE,
    Entry,
    LedgerError,
    checked_plan,
    step_targets,
)
from limitkeeper.store.limit_tables import limit_entries, lines
from limitkeeper.store.work import Work

ENGINE_TOPIC = "engine.event"

NOTICE_LOOK_US = HOUR_US // 4
"""An entry whose notice is not out yet is looked at again after so long."""

NOTHING_LEFT = "nothing was left to change"
"""Why an entry was cancelled whose time came when its limit was reached already."""

_OF_LINE = (
    sa.select(limit_entries)
    .where(limit_entries.c.account_id == sa.bindparam("account_id"))
    .order_by(limit_entries.c.number)
)
_IN_EFFECT = (
    _OF_LINE.where(limit_entries.c.state == EFFECTIVE)
    .order_by(None)
    .order_by(limit_entries.c.effective_us, limit_entries.c.number)
)


@dataclass(frozen=True, slots=True)
class LimitChange:
    """A change that is to be made.

    Parameters
    ----------
    account_id, customer_id
        Whose.
    action
        decrease, close, restore, increase, freeze, thaw.
    limit_before_cents
        As the decision saw it; opens the line's ledger where it has none.
    limit_after_cents
        Minor units; None of a freeze or its end.
    effective_us
        From when at the earliest, UTC microseconds.
    why
        In words.
    until_us
        Of a freeze: when it ends by itself.
    case_id, decision_id
        What allowed it, and what proposed it.
    notice_id
        It does not take effect before this notice is out; None where none must be.
    by_request
        Whether the customer asked for it himself.
    wait_us
        A step does not take effect sooner than so long after the last one in its direction; of a cut the first may.
    is_looked_at_again
        Whether each step but the first is assessed again before it takes effect.
    old_limit_cents
        The limit before the lender's cuts, where those were made before the line had a ledger.
    """

    account_id: str
    action: str
    limit_before_cents: int
    limit_after_cents: int | None
    effective_us: int
    why: str
    customer_id: str | None = None
    until_us: int | None = None
    case_id: str | None = None
    decision_id: str | None = None
    notice_id: str | None = None
    by_request: bool = False
    wait_us: int | None = None
    is_looked_at_again: bool = False
    old_limit_cents: int | None = None

    def with_notice(self, notice_id: str | None) -> "LimitChange":
        """The change, to wait for a notice."""
        return replace(self, notice_id=notice_id)

    def stepped(self, wait_us: int, *, looked_at_again: bool) -> "LimitChange":
        """The change in steps, with a wait between two."""
        return replace(self, wait_us=wait_us, is_looked_at_again=looked_at_again)


def entry_of(row: dict[str, Any]) -> Entry:
    """The entry that a row holds."""
    when = row["planned_us"] if row["effective_us"] is None else row["effective_us"]
    return Entry(row["entry_id"], row["action"], row["state"], when, row["target_cents"], row["delta_cents"],
                 row["reverses"], bool(row["by_request"]))  # fmt: skip


def line_row(w: Work, account_id: str) -> dict[str, Any] | None:
    """The row of a line, None where it has no ledger."""
    return w.kept(lines, account_id)


def limit_now_cents(w: Work, account_id: str, found_cents: int) -> int:
    """The limit of a line by its ledger; as it was found, where it has none or one that does not know it yet."""
    line = line_row(w, account_id)
    return int(line["limit_cents"]) if line is not None and knows_limit(w, line) else found_cents


def knows_limit(w: Work, line: Mapping[str, Any]) -> bool:
    """Whether the ledger of a line knows its limit: one that a freeze began may not."""
    return bool(line["limit_cents"]) or any(
        each.delta_cents for each in entries_in_effect(w, line["account_id"])
    )


def entries_of(w: Work, account_id: str) -> list[dict[str, Any]]:
    """The ledger of a line, in the order of planning."""
    return w.rows(_OF_LINE, account_id=account_id)


def entries_in_effect(w: Work, account_id: str) -> list[Entry]:
    """The effective entries of a line, in the order of their effect."""
    return [entry_of(row) for row in w.rows(_IN_EFFECT, account_id=account_id)]


def planned_rows(w: Work, account_id: str, actions: Sequence[str]) -> list[dict[str, Any]]:
    """What is planned on a line of some actions, in the order of planning."""
    query = sa.select(limit_entries).where(
        limit_entries.c.account_id == account_id,
        limit_entries.c.state == PLANNED,
        limit_entries.c.action.in_(actions),
    )
    return w.rows(query.order_by(limit_entries.c.number))


def requests_ahead(w: Work, account_id: str) -> list[dict[str, Any]]:
    """What a customer himself asked for to lower a line, and is planned."""
    return [row for row in planned_rows(w, account_id, LOWERING) if row["by_request"]]


def lenders_ahead(w: Work, account_id: str) -> list[dict[str, Any]]:
    """What the lender is to take from a line, and is planned."""
    return [row for row in planned_rows(w, account_id, LOWERING) if not row["by_request"]]


def planned(w: Work, change: LimitChange) -> str:
    """Plan a change; the id of its entry.

    Parameters
    ----------
    w
        The work that it belongs to.
    change
        What is to be.

    Raises
    ------
    InputError
        When the action or its target does not hold.
    ConflictError
        When the line was changed at the same time.
    """
    return steps_planned(w, change, [(change.limit_after_cents, change.effective_us)])[0]


def steps_planned(w: Work, change: LimitChange, steps: Sequence[tuple[int | None, int]]) -> list[str]:
    """Plan a change in steps, each a target and its time; the ids of their entries.

    Raises
    ------
    InputError
        When the action or a target does not hold.
    ConflictError
        When the line was changed at the same time.
    """
    for target_cents, _ in steps:
        checked_plan(change.action, target_cents)
    line = _as_known(w, line_row(w, change.account_id) or _opened(w, change), change)
    ids = []
    for place, (target_cents, effective_us) in enumerate(steps, start=1):
        row = entry_row(w, change.account_id, line["entries"] + place, change.action, effective_us)
        row |= {"target_cents": target_cents, "why": change.why, "until_us": change.until_us,
                "case_id": change.case_id, "decision_id": change.decision_id, "notice_id": change.notice_id,
                "by_request": change.by_request, "is_assessed": place == 1 or not change.is_looked_at_again,
                "wait_us": change.wait_us if place > 1 or change.action in RAISING else None}  # fmt: skip
        w.add(limit_entries, row)
        detail = {"entry": row["entry_id"], "action": change.action} | kept(("entry", row))
        w.note("limit.plan", f"account:{change.account_id}", detail)
        ids.append(row["entry_id"])
    w.change(lines, change.account_id, line["version"], {"entries": line["entries"] + len(steps)})
    return ids


def equal_steps(change: LimitChange, steps: int, wait_us: int) -> list[tuple[int | None, int]]:
    """The targets and times of a gradual change: equal steps, a wait between two.

    Raises
    ------
    InputError
        When there is no step, or no target.
    """
    if change.limit_after_cents is None:
        raise LedgerError("A change without an amount has no steps.", value=change.action)
    targets = step_targets(change.limit_before_cents, change.limit_after_cents, steps)
    return [(target, change.effective_us + k * wait_us) for k, target in enumerate(targets)]


def _opened(w: Work, change: LimitChange) -> dict[str, Any]:
    """The row of a line that gets its ledger now, with the limit as it was found and what was cut of it before."""
    found = change.limit_before_cents
    old = max(change.old_limit_cents or found, found)
    begun = [(OPEN, old, old, "the limit as it was found")]
    if old > found:
        begun.append((DECREASE, found, found - old, "a cut from before the ledger"))
    for number, (action, target, delta, why) in enumerate(begun, start=1):
        row = entry_row(w, change.account_id, number, action, w.now_us)
        row |= {"target_cents": target, "delta_cents": delta, "state": EFFECTIVE, "effective_us": w.now_us,
                "look_us": None, "why": why}  # fmt: skip
        _found(w, row)
    line = {"account_id": change.account_id, "customer_id": change.customer_id, "limit_cents": found,
            "is_frozen": False, "entries": len(begun), "version": 1}  # fmt: skip
    w.add(lines, line)
    return line


def _as_known(w: Work, line: dict[str, Any], change: LimitChange) -> dict[str, Any]:
    """The row of a line; one whose limit was not known when its ledger began, as by a freeze, has it from now on."""
    if not change.limit_before_cents or change.limit_after_cents is None or knows_limit(w, line):
        return line
    number = line["entries"] + 1
    row = entry_row(w, change.account_id, number, INCREASE, w.now_us)
    found = change.limit_before_cents
    row |= {"target_cents": found, "delta_cents": found, "state": EFFECTIVE, "effective_us": w.now_us,
            "look_us": None, "why": "the limit as it became known"}  # fmt: skip
    _found(w, row)
    version = w.change(lines, change.account_id, line["version"], {"limit_cents": found, "entries": number})
    return line | {"limit_cents": found, "entries": number, "version": version}


def _found(w: Work, row: dict[str, Any]) -> None:
    """Keep an entry that says how a line was found."""
    w.add(limit_entries, row)
    held = kept(("entry", row), ("entry_end", row))
    w.note("limit.find", f"account:{row['account_id']}", {"entry": row["entry_id"]} | held)


def entry_id_of(account_id: str, number: int) -> str:
    """The id of an entry: a pure function of its line and its number there."""
    named = f"[{encode_basestring_ascii(account_id)}, {number}]"  # as json.dumps, in a fifth of its time
    return hashlib.blake2b(f"entry:{named}".encode(), digest_size=16).hexdigest()


def entry_row(w: Work, account_id: str, number: int, action: str, planned_us: int) -> dict[str, Any]:
    """The row of an entry that is planned, before what is its own is filled in."""
    return {
        "entry_id": entry_id_of(account_id, number),
        "account_id": account_id, "number": number, "action": action, "state": PLANNED, "target_cents": None,
        "delta_cents": 0, "planned_us": planned_us, "look_us": planned_us, "effective_us": None, "until_us": None,
        "wait_us": None, "is_assessed": True, "by_request": False, "reverses": None, "case_id": None,
        "decision_id": None, "notice_id": None, "why": "", "cancelled_why": None, "maker_id": w.actor.actor_id,
        "made_us": w.now_us, "bank_state": NONE, "bank_detail": None, "version": 1,
    }  # fmt: skip


def cancelled(w: Work, entry_id: str, why: str) -> None:
    """Cancel what is planned.

    Raises
    ------
    MissingError
        When there is no such entry.
    LedgerError
        When it is not planned any more: what is effective is undone by another entry.
    """
    row = w.found(limit_entries, entry_id)
    if row["state"] != PLANNED:
        raise LedgerError("Only what is planned is cancelled.", value=row["state"], advice="Undo it instead.")
    changed = {"state": CANCELLED, "look_us": None, "cancelled_why": why}
    w.change(limit_entries, entry_id, row["version"], changed)
    held = kept(("entry_end", row | changed))
    w.note("limit.cancel", f"account:{row['account_id']}", {"entry": entry_id} | held)


def undone(w: Work, entry_id: str, why: str, effective_us: int, case_id: str | None = None) -> str:
    """Plan the entry that undoes an effective one; its id.

    Raises
    ------
    MissingError
        When there is no such entry.
    LedgerError
        When it is not effective, changes no amount, or is undone already.
    """
    row = w.found(limit_entries, entry_id)
    if row["state"] != EFFECTIVE or row["action"] in (*FREEZING, OPEN, REVERSE):
        raise LedgerError(
            "Only an effective change of amount is undone.", value=f"{row['action']}, {row['state']}"
        )
    again = sa.select(limit_entries.c.entry_id).where(
        limit_entries.c.account_id == row["account_id"],
        limit_entries.c.reverses == entry_id,
        limit_entries.c.state != CANCELLED,
    )
    if w.row(again):
        raise LedgerError("It is undone already.", value=entry_id)
    line = w.found(lines, row["account_id"])
    new = entry_row(w, row["account_id"], line["entries"] + 1, REVERSE, effective_us)
    new |= {"reverses": entry_id, "why": why, "case_id": case_id, "decision_id": row["decision_id"]}
    w.add(limit_entries, new)
    w.change(lines, row["account_id"], line["version"], {"entries": line["entries"] + 1})
    detail = {"entry": new["entry_id"], "reverses": entry_id} | kept(("entry", new))
    w.note("limit.reverse", f"account:{row['account_id']}", detail)
    return str(new["entry_id"])
