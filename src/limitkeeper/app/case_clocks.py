"""The clocks of cases: reminders and sending up are set-based, ends are decided one by one."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from limitkeeper.app.approval_policy import ApprovalPolicy
from limitkeeper.app.case_ends import freeze_let_go
from limitkeeper.app.cases import SWEEP_CASES, OnApproved, act_row, case_of, changing_values, terms_in_force
from limitkeeper.app.evidence import MARKS, kept, marked
from limitkeeper.core.access.actors import SYSTEM
from limitkeeper.core.approval.cases import APPROVED, OPEN, Terms, clocked
from limitkeeper.core.approval.clocks import ESCALATE, REMIND, Clocks
from limitkeeper.core.approval.tiers import COMMITTEE_TIER, TEAM_TIER
from limitkeeper.store import prepared
from limitkeeper.store.case_tables import case_acts, cases
from limitkeeper.store.sql import Store
from limitkeeper.store.work import Work, work

SWEEP_REMINDERS = 100_000
"""Cases that are reminded of, or sent up, in one transaction."""


def run_clocks(
    store: Store,
    policy: ApprovalPolicy,
    now_us: int,
    on_approved: OnApproved,
    count: int = SWEEP_CASES,
    reminders: int = SWEEP_REMINDERS,
) -> int:
    """Move the clocks that have come, some in each transaction; how many.

    Parameters
    ----------
    store
        Where cases lie.
    policy
        Of clocks.
    now_us
        UTC microseconds.
    on_approved
        Called where a committee's votes approve at the end of its clock.
    count, reminders
        Cases in one transaction: of ends, and of reminders and sending up.
    """
    moved = 0
    while True:
        with work(store, SYSTEM, now_us) as w:
            found = _swept(w, terms_in_force(w, policy).clocks, reminders)
        moved += found
        if not found:
            break
    while True:
        with work(store, SYSTEM, now_us) as w:
            rows = w.rows(_due(w).limit(count).with_for_update(skip_locked=True))
            if rows:
                _move(w, rows, terms_in_force(w, policy), on_approved)
        moved += len(rows)
        if len(rows) < count:
            return moved


def _due(w: Work) -> sa.Select[Any]:
    return sa.select(cases).where(cases.c.is_live, cases.c.due_us <= w.now_us).order_by(cases.c.due_us)


def _swept(w: Work, clocks: Clocks, count: int) -> int:
    """Remind of, or send up, some cases of one tier, all alike; how many.

    What is written is what :func:`limitkeeper.core.approval.cases.clocked` makes of each, which a test compares.
    """
    for tier, stage in ((TEAM_TIER, REMIND), (COMMITTEE_TIER, REMIND), (TEAM_TIER, ESCALATE)):
        alike = (cases.c.is_live, cases.c.due_us <= w.now_us, cases.c.tier == tier, cases.c.clock == stage)
        order = (cases.c.due_us, cases.c.case_id)
        chosen = sa.select(cases.c.case_id).where(*alike).order_by(*order).limit(count)
        if stage == REMIND:
            following, wait_us = clocks[tier].next_due(0, REMIND)
            values: dict[str, Any] = {"clock": following, "due_us": cases.c.since_us + wait_us}
        else:
            following, due_us = clocks[tier + 1].next_due(w.now_us, None)
            values = {"state": OPEN, "tier": tier + 1, "since_us": w.now_us, "clock": following, "due_us": due_us,
                      "claimed_by": None, "votes": "[]"}  # fmt: skip
        acts = _moved_alike(w, chosen, values, f"clock.{stage}")
        if acts:
            marks = marked("case_act", ACT_COLUMNS, acts)
            w.note(f"case.clock.{stage}", f"tier:{tier}", {"cases": len(acts), MARKS: marks})
            return len(acts)
    return 0


ACT_COLUMNS = ("case_id", "version", "state", "tier", "ts_us", "actor_id", "act", "words")


def _moved_alike(
    w: Work, chosen: sa.Select[Any], values: dict[str, Any], act: str
) -> Sequence[Sequence[Any]]:
    """Change the chosen cases and write their acts, set by set; the acts, by :data:`ACT_COLUMNS`.

    PostgreSQL does it in one statement: it locks what it chooses, looks again at a row that somebody changes at the same
    time, and leaves those out that are not alike any more or that somebody works on. Chosen apart, they are joined by
    their key alone, so that no plan goes through all cases for each. SQLite, which has no such statements and one
    writer, chooses three times.
    """
    names = list(ACT_COLUMNS)
    same = (sa.literal(w.now_us), sa.literal(w.actor.actor_id), sa.literal(act), sa.literal(""))
    changing = cases.update().values(**values, version=cases.c.version + 1)
    if w.dialect.name == "sqlite":
        which = cases.c.case_id.in_(chosen)
        led_to = (cases.c.version + 1, values.get("state", cases.c.state), values.get("tier", cases.c.tier))
        found = sa.select(cases.c.case_id, *map(_selected, led_to), *same).where(which)
        acts = w.connection.execute(found).all()
        w.connection.execute(case_acts.insert().from_select(names, found))
        w.connection.execute(changing.where(which))
        return acts
    locked = chosen.with_for_update(skip_locked=True).cte("chosen")
    changed = changing.where(cases.c.case_id == locked.c.case_id)
    moved = changed.returning(cases.c.case_id, cases.c.version, cases.c.state, cases.c.tier).cte("moved")
    adding = case_acts.insert().from_select(names, sa.select(*moved.c, *same))
    return w.connection.execute(adding.returning(*(case_acts.c[name] for name in names))).all()


def _selected(value: Any) -> sa.ColumnElement[Any]:  # noqa: ANN401 - a value or a column
    return value if isinstance(value, sa.ColumnElement) else sa.literal(value)


def _move(w: Work, rows: list[dict[str, Any]], terms: Terms, on_approved: OnApproved) -> None:
    changes, acts, moved = [], [], []
    for row in rows:
        before = case_of(row)
        after = clocked(before, terms, w.now_us)
        act, values = f"clock.{before.clock}", changing_values(after)
        changes.append(values | {"key": after.case_id, "seen": before.version, "next": after.version})
        acts.append(act_row(after, act, w.actor.actor_id, w.now_us, ""))
        detail = {"state": after.state, "tier": after.tier} | kept(("case_act", acts[-1]))
        w.note(f"case.{act}", f"case:{after.case_id}", detail)
        moved.append(row | values)
    names = tuple(changing_values(case_of(rows[0])))
    prepared.change(cases, names, w.dialect)(w.connection, *changes)
    w.add(case_acts, *acts)
    for row in moved:
        if row["state"] == APPROVED:
            on_approved(w, row)
        freeze_let_go(w, row)
