"""Planned changes whose time has come: taken into effect, and told to the bank and the monitor."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from limitkeeper.app.bank import BANK_TOPIC, NONE, TOLD, command
from limitkeeper.app.evidence import kept
from limitkeeper.app.limits import (
    ENGINE_TOPIC,
    NOTHING_LEFT,
    NOTICE_LOOK_US,
    LimitChange,
    entries_in_effect,
    entry_of,
    planned,
)
from limitkeeper.core.access.actors import SYSTEM
from limitkeeper.core.kernel.instants import instant_text
from limitkeeper.core.limits.changes import old_limit_cents
from limitkeeper.core.limits.ledger import (
    EFFECTIVE,
    FREEZE,
    FREEZING,
    LOWERING,
    OPEN,
    RAISING,
    THAW,
    Entry,
    Line,
    effected,
)
from limitkeeper.store.limit_tables import limit_entries, lines
from limitkeeper.store.sql import Store
from limitkeeper.store.work import Work, work

SWEEP_ENTRIES = 1_000
"""Entries that are taken into effect in one transaction."""

NoticeIsOut = Callable[[Work, str], bool]

IsSuspended = Callable[[Work, Mapping[str, Any]], bool]

ToldMoot = Callable[[Work, Mapping[str, Any]], None]
"""Tells the customer of an entry that nothing was left to change."""


def never_suspended(_w: Work, _row: Mapping[str, Any]) -> bool:
    """Where nothing but time and notices holds a change up."""
    return False


def nobody_told(_w: Work, _row: Mapping[str, Any]) -> None:
    """Where no customer was told of what is planned."""


def effected_due(
    store: Store,
    now_us: int,
    notice_is_out: NoticeIsOut,
    count: int = SWEEP_ENTRIES,
    is_suspended: IsSuspended = never_suspended,
    told_moot: ToldMoot = nobody_told,
) -> int:
    """Take what is due into effect, and tell the bank and the monitor; how many entries were looked at.

    An entry whose notice is not out yet, or that is suspended, waits, and is looked at again later. A freeze that
    ends by itself is looked at a second time, for its end.

    Parameters
    ----------
    store
        Of the ledger.
    now_us
        UTC microseconds.
    notice_is_out
        Whether a notice has been handed over to a channel.
    count
        Entries in one transaction.
    is_suspended
        Whether an entry waits for something else, such as the answer to an appeal.
    told_moot
        Tells whoever was told of a change that nothing is left of it.
    """
    looked = 0
    while True:
        with work(store, SYSTEM, now_us) as w:
            due = sa.select(limit_entries).where(limit_entries.c.look_us <= now_us)
            order = due.order_by(limit_entries.c.look_us, limit_entries.c.account_id, limit_entries.c.number)
            rows = w.rows(order.limit(count).with_for_update(skip_locked=True))
            for row in rows:
                _look(w, row, notice_is_out, is_suspended, told_moot)
        looked += len(rows)
        if len(rows) < count:
            return looked


def _look(
    w: Work, row: dict[str, Any], notice_is_out: NoticeIsOut, is_suspended: IsSuspended, told_moot: ToldMoot
) -> None:
    if row["state"] == EFFECTIVE:  # a freeze whose time is over
        _end_freeze(w, row)
        return
    must_wait = row["notice_id"] is not None and not notice_is_out(w, row["notice_id"])
    if must_wait or not row["is_assessed"] or is_suspended(w, row):
        w.change(limit_entries, row["entry_id"], row["version"], {"look_us": w.now_us + NOTICE_LOOK_US})
        return
    entries = entries_in_effect(w, row["account_id"])
    earliest_us = _earliest_us(row, entries)
    if w.now_us < earliest_us:
        w.change(limit_entries, row["entry_id"], row["version"], {"look_us": earliest_us})
        return
    line = w.found(lines, row["account_id"])
    undoing = entry_of(w.found(limit_entries, row["reverses"])) if row["reverses"] else None
    before = Line(line["limit_cents"], bool(line["is_frozen"]))
    # Two that come at once are a microsecond apart: times alone give the order of effect.
    taken_us = max([w.now_us, *(each.effective_us + 1 for each in entries if each.action != OPEN)])
    after = effected(entry_of(row), before, taken_us, undoing, old_limit_cents(entries))
    look_us = row["until_us"] if after.state == EFFECTIVE and after.action == FREEZE else None
    is_told = after.state == EFFECTIVE
    changed = {"cancelled_why": None if after.state == EFFECTIVE else NOTHING_LEFT,
               "state": after.state, "delta_cents": after.delta_cents, "effective_us": after.effective_us,
               "look_us": look_us, "bank_state": TOLD if is_told else NONE}  # fmt: skip
    w.change(limit_entries, row["entry_id"], row["version"], changed)
    held = kept(("entry_end", row | changed))
    if not is_told:
        w.note("limit.moot", f"account:{row['account_id']}", {"entry": row["entry_id"]} | held)
        told_moot(w, row)
        return
    limit_cents = line["limit_cents"] + after.delta_cents
    is_frozen = after.action == FREEZE if after.action in FREEZING else bool(line["is_frozen"])
    stands = {"limit_cents": limit_cents, "is_frozen": is_frozen}
    sequence = w.change(lines, row["account_id"], line["version"], stands)
    detail = {"entry": row["entry_id"], "limit_cents": limit_cents} | held
    w.note("limit.effect", f"account:{row['account_id']}", detail)
    w.send(BANK_TOPIC, row["entry_id"], command(row | {"effective_us": taken_us}, stands, sequence))
    if after.action not in FREEZING:
        event = {"event_id": f"limit-{row['entry_id']}", "account_id": row["account_id"], "kind": "limit_set",
                 "amount": limit_cents, "ts": instant_text(w.now_us)}  # fmt: skip
        w.send(ENGINE_TOPIC, row["entry_id"], event)


def _earliest_us(row: dict[str, Any], entries: Sequence[Entry]) -> int:
    """When an entry may take effect at the earliest, after the last one in its direction."""
    if row["wait_us"] is None:
        return 0
    alike = RAISING if row["action"] in RAISING else LOWERING
    before = [each.effective_us for each in entries if each.action in alike and not each.by_request]
    return max(before, default=-row["wait_us"]) + int(row["wait_us"])


def _end_freeze(w: Work, row: dict[str, Any]) -> None:
    w.change(limit_entries, row["entry_id"], row["version"], {"look_us": None})
    line = w.found(lines, row["account_id"])
    thaw = LimitChange(row["account_id"], THAW, line["limit_cents"], None, w.now_us, "its time is over",
                       case_id=row["case_id"], decision_id=row["decision_id"])  # fmt: skip
    planned(w, thaw)
