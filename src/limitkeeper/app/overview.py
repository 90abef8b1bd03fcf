"""What waits and what changed since yesterday, counted in the store: every query is served by an index alone."""

from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa

from limitkeeper.app.notices import DEAD, notices_in
from limitkeeper.core.approval.clocks import REMIND
from limitkeeper.core.behaviour.events import DAY_US
from limitkeeper.core.kernel.instants import instant_text
from limitkeeper.core.limits.ledger import ACTIONS, EFFECTIVE
from limitkeeper.store.appeal_tables import appeals
from limitkeeper.store.case_tables import cases
from limitkeeper.store.limit_tables import limit_entries
from limitkeeper.store.sql import Store
from limitkeeper.store.tables import IS_OPEN, alerts, proposals

TIERS = (1, 2, 3)


def is_current(quiet_us: int, seen_us: sa.ColumnElement[int] = alerts.c.seen_us) -> sa.ColumnElement[bool]:
    """Whether an alert is not over: it was seen within the quiet days, so that a hit now adds to it and opens no other.

    Parameters
    ----------
    quiet_us
        Since when the quiet days are, event time, UTC microseconds.
    seen_us
        The column as it is compared.
    """
    return seen_us >= quiet_us


def work_overview(
    store: Store, now_us: int, quiet_us: int, triggers: Iterable[str], proposed: Iterable[str]
) -> dict[str, Any]:
    """What waits, and what changed in the last 24 hours and in the 24 before.

    Parameters
    ----------
    store
        Of alerts, proposals, cases, appeals, notices, limits.
    now_us, quiet_us
        Event time, and since when alerts' quiet days are, UTC microseconds.
    triggers, proposed
        The triggers of alerts and the actions of proposals, each of which is told, with 0 too.
    """
    return {
        "at": instant_text(now_us),
        "alerts": _alerts(store, now_us, quiet_us, triggers),
        "proposals": _found(store, proposals.c.action, proposals.c.made_us, proposed, now_us),
        "cases": _cases(store, now_us),
        "appeals": _appeals(store, now_us),
        "notices": {"undelivered": notices_in(store, DEAD)},
        "limits": _limits(store, now_us),
    }


def waiting_now(store: Store, now_us: int, quiet_us: int, triggers: Iterable[str]) -> dict[str, Any]:
    """What waits alone, by the names of :func:`work_overview`; it may be asked for often.

    Parameters
    ----------
    store
        Of alerts, cases, appeals and notices.
    now_us, quiet_us
        Event time, and since when alerts' quiet days are, UTC microseconds.
    triggers
        Each of which is told, with 0 too.
    """
    counts = _current(store, quiet_us)
    return {
        "alerts": [{"trigger": name, "current": counts.get(name, 0)} for name in triggers],
        "cases": _cases(store, now_us),
        "appeals": _appeals(store, now_us),
        "notices": {"undelivered": notices_in(store, DEAD)},
    }


def newest_alerts(store: Store, count: int) -> list[dict[str, Any]]:
    """The alerts that are open and were seen last, without their traces."""
    brief = [column for column in alerts.c if column.name != "trace"]
    query = sa.select(*brief).where(IS_OPEN).order_by(alerts.c.seen_us.desc(), alerts.c.alert_id)
    return store.rows(query.limit(count))


def counted(*columns: sa.ColumnElement[Any]) -> sa.Select[Any]:
    """Some columns, and how many rows there are as ``count``."""
    return sa.select(*columns, sa.func.count().label("count"))


def _alerts(store: Store, now_us: int, quiet_us: int, triggers: Iterable[str]) -> list[dict[str, Any]]:
    """How many are open, how many of those are not over, and how many are new in each window, of each trigger."""
    counts = _current(store, quiet_us)
    found = _found(store, alerts.c.trigger, alerts.c.opened_us, triggers, now_us)
    return [{**row, "current": counts.get(row["trigger"], 0)} for row in found]


def _current(store: Store, quiet_us: int) -> dict[str, int]:
    query = counted(alerts.c.trigger).where(IS_OPEN, is_current(quiet_us)).group_by(alerts.c.trigger)
    return {row["trigger"]: row["count"] for row in store.rows(query)}


def _windows(when: sa.Column[int], now_us: int) -> dict[str, sa.ColumnElement[bool]]:
    """The last 24 hours, and the 24 before them."""
    return {
        "last_day": sa.and_(when > now_us - DAY_US, when <= now_us),
        "day_before": sa.and_(when > now_us - 2 * DAY_US, when <= now_us - DAY_US),
    }


def _found(
    store: Store,
    by: sa.Column[str],
    when: sa.Column[int],
    names: Iterable[str],
    now_us: int,
) -> list[dict[str, Any]]:
    """How many are open, and how many are new in each window, of each name."""
    wanted: dict[str, sa.ColumnElement[bool] | sa.TextClause] = {"open": IS_OPEN, **_windows(when, now_us)}
    query = counted(by.label("name")).group_by(by)
    counts = {
        name: {row["name"]: row["count"] for row in store.rows(query.where(which))}
        for name, which in wanted.items()
    }
    return [{by.name: name, **{each: found.get(name, 0) for each, found in counts.items()}} for name in names]


def _cases(store: Store, now_us: int) -> list[dict[str, Any]]:
    """The cases that wait, by tier: how many were reminded of, how many clocks come within a day, and the next."""
    due = sa.func.sum(sa.case((cases.c.due_us <= now_us + DAY_US, 1), else_=0)).label("due")
    soonest = sa.func.min(cases.c.due_us).label("soonest_us")
    query = counted(cases.c.tier, cases.c.clock, due, soonest)
    rows = store.rows(query.where(cases.c.is_live).group_by(cases.c.tier, cases.c.clock))
    found = []
    for tier in TIERS:
        here = [row for row in rows if row["tier"] == tier]
        found.append(
            {
                "tier": tier,
                "open": sum(row["count"] for row in here),
                "past_reminder": sum(row["count"] for row in here if row["clock"] != REMIND),
                **_due(here),
            }
        )
    return found


def _appeals(store: Store, now_us: int) -> dict[str, Any]:
    """The appeals that wait, and their clocks."""
    due = sa.func.sum(sa.case((appeals.c.due_us <= now_us + DAY_US, 1), else_=0)).label("due")
    query = counted(due, sa.func.min(appeals.c.due_us).label("soonest_us"))
    rows = store.rows(query.where(appeals.c.is_live))
    return {"open": sum(row["count"] for row in rows), **_due(rows)}


def _due(rows: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    rows = list(rows)
    soonest = min((row["soonest_us"] for row in rows if row["soonest_us"] is not None), default=None)
    return {
        "due_within_day": sum(int(row["due"] or 0) for row in rows),
        "soonest_due_at": None if soonest is None else instant_text(soonest),
    }


def _limits(store: Store, now_us: int) -> list[dict[str, Any]]:
    """The changes of limits that took effect in each window, by action: how many, and what they came to."""
    entry = limit_entries.c
    change = sa.func.sum(entry.delta_cents).label("change")
    found: dict[str, dict[str, tuple[int, int]]] = {}
    for name, within in _windows(entry.effective_us, now_us).items():
        query = counted(entry.action, change).where(entry.state == EFFECTIVE, within)
        found[name] = {
            row["action"]: (row["count"], int(row["change"]))
            for row in store.rows(query.group_by(entry.action))
        }
    return [
        {
            "action": action,
            **{name: by.get(action, (0, 0))[0] for name, by in found.items()},
            **{f"change_{name}_cents": by.get(action, (0, 0))[1] for name, by in found.items()},
        }
        for action in ACTIONS
    ]
