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


def found_events(
    store: Store | Work,
    actor_id: str | None = None,
    subject: str | None = None,
    act: str | None = None,
    count: int = 100,
) -> list[dict[str, Any]]:
    """Audit events of an actor, a subject or an act, the newest first."""
    query = sa.select(audit_events)
    wanted = (
        (audit_events.c.actor_id, actor_id),
        (audit_events.c.subject, subject),
        (audit_events.c.act, act),
    )
    for column, value in wanted:
        if value is not None:
            query = query.where(column == value)
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
