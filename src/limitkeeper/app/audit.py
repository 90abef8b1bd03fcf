"""The audit read back: verified from end to end, and searched."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import sqlalchemy as sa

from limitkeeper.core.access.chain import Break, first_break
from limitkeeper.core.kernel.progress import Progress, unseen
from limitkeeper.store.audit_tables import audit_events, audit_heads
from limitkeeper.store.snapshot import Rows
from limitkeeper.store.sql import Store
from limitkeeper.store.work import Work

PAGE_EVENTS = 10_000
"""Events that are read at once, so that an audit of any length is read in bounded memory."""


class Verified(NamedTuple):
    """How many events the audit's head tells of, and where the chain does not hold, if anywhere."""

    events: int
    broken: Break | None


def verified(store: Store, progress: Progress = unseen) -> Verified:
    """Whether the audit's chain holds: no event was edited, deleted, put in another place or cut off.

    Parameters
    ----------
    store
        Whose audit; it may be in use.
    progress
        Told of ``audit``, events read, events in all.
    """
    return audited(store.rows, progress).verified


class Audited(NamedTuple):
    """Whether the chain holds, and its events once more, page by page."""

    verified: Verified
    events: Callable[[str], Iterator[dict[str, Any]]]


def audited(rows: Rows, progress: Progress = unseen) -> Audited:
    """As :func:`verified`, with what reads the same events again, telling of its progress by a name."""
    head = rows(sa.select(audit_heads))[0]  # first: what comes later is not asked for
    last = int(head["number"])
    broken = first_break(_events(rows, last, progress, "audit"), (last, head["hash"]))
    return Audited(Verified(last, broken), lambda name: _events(rows, last, progress, name))


def event_hash_of(store: Store, number: int) -> str | None:
    """The hash of an event by its number, None where there is none."""
    rows = store.rows(sa.select(audit_events.c.hash).where(audit_events.c.number == number))
    return str(rows[0]["hash"]) if rows else None


class Search(NamedTuple):
    """Which events of the audit are looked for; None for all.

    Parameters
    ----------
    actor_id, subject, act
        Who did it, to what, and what.
    from_us, to_us
        From when on, and before when, UTC microseconds.
    """

    actor_id: str | None = None
    subject: str | None = None
    act: str | None = None
    from_us: int | None = None
    to_us: int | None = None


def events_found(rows: Rows, search: Search) -> sa.Select[Any]:
    """The query of the events that are looked for, not ordered; their order is that of their numbers.

    Of a period it is asked first which numbers it has: times mostly rise with them, so that the newest are found from
    the end of the period on, and not by putting all of it in order.
    """
    event = audit_events.c
    query = sa.select(audit_events)
    for column, value in (
        (event.actor_id, search.actor_id), (event.subject, search.subject), (event.act, search.act)
    ):  # fmt: skip
        if value is not None:
            query = query.where(column == value)
    if search.from_us is None and search.to_us is None:
        return query
    numbers = sa.select(sa.func.min(event.number).label("first"), sa.func.max(event.number).label("last"))
    (bounds,) = rows(_within(numbers, event.ts_us, search))
    query = query.where(event.number.between(bounds["first"] or 0, bounds["last"] or 0))
    # As no column that an index has, or a database without statistics would take that, and put all in order.
    return _within(query, sa.func.coalesce(event.ts_us, event.ts_us), search)


def _within(query: sa.Select[Any], ts_us: sa.ColumnElement[int], search: Search) -> sa.Select[Any]:
    if search.from_us is not None:
        query = query.where(ts_us >= search.from_us)
    return query if search.to_us is None else query.where(ts_us < search.to_us)


def found_events(store: Store | Work, search: Search, count: int = 100) -> list[dict[str, Any]]:
    """The events that are looked for, the newest first."""
    query = events_found(store.rows, search)
    return store.rows(query.order_by(audit_events.c.number.desc()).limit(count))


def _events(rows: Rows, last: int, progress: Progress, name: str) -> Iterator[dict[str, Any]]:
    number = 0
    while number < last:
        query = sa.select(audit_events).where(audit_events.c.number > number, audit_events.c.number <= last)
        page = rows(query.order_by(audit_events.c.number).limit(PAGE_EVENTS))
        if not page:
            return
        yield from page
        number = page[-1]["number"]
        progress(name, number, last)
