"""What is kept too long is taken away, class by class, a bounded number of rows a transaction."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from limitkeeper.app.policy import POLICY, parameters_from_files
from limitkeeper.core.access.actors import SYSTEM
from limitkeeper.core.behaviour.events import DAY_US
from limitkeeper.core.kernel.instants import day_of
from limitkeeper.core.kernel.parameters import Parameters, parameters_in_force
from limitkeeper.core.kernel.progress import Progress, unseen
from limitkeeper.store.appeal_tables import appeal_evidence, appeals
from limitkeeper.store.audit_tables import shown_accounts
from limitkeeper.store.notice_tables import notices
from limitkeeper.store.people_tables import sessions
from limitkeeper.store.sql import Store
from limitkeeper.store.tables import journal, outbox, rejects
from limitkeeper.store.work import work

ROWS_AT_ONCE = 1_000
"""Rows that go in one transaction."""


@dataclass(frozen=True)
class Class:
    """Rows of one kind, and what becomes of them when their time is over.

    Parameters
    ----------
    parameter
        The dated number of days.
    table
        Where they lie.
    is_over
        The condition under which a row has been kept long enough, given the moment before which it must be.
    blanks
        Columns that are emptied; None where the whole row goes.
    """

    parameter: str
    table: sa.Table
    is_over: Callable[[int], sa.ColumnElement[bool]]
    blanks: Mapping[str, Any] | None = None


def _evidence_is_over(before_us: int) -> sa.ColumnElement[bool]:
    ended = sa.select(appeals.c.appeal_id).where(
        sa.not_(appeals.c.is_live), appeals.c.answered_us < before_us
    )
    return sa.and_(appeal_evidence.c.appeal_id.in_(ended), appeal_evidence.c.content != b"")


def _reject_is_over(before_us: int) -> sa.ColumnElement[bool]:
    """Of a micro-batch before the first one that the journal has since; kept where it has none: its time is not known."""
    young = (
        sa.select(sa.func.min(journal.c.sequence))
        .where(journal.c.committed_us >= before_us)
        .scalar_subquery()
    )
    return rejects.c.sequence < young


CLASSES = (
    Class("outbox_sent_days", outbox,
          lambda before_us: sa.and_(outbox.c.status == "sent", outbox.c.due_us < before_us)),
    Class("sessions_ended_days", sessions, lambda before_us: sessions.c.ended_us < before_us),
    Class("notice_content_days", notices,
          lambda before_us: sa.and_(notices.c.made_us < before_us, notices.c.content != b""), {"content": b""}),
    Class("evidence_content_days", appeal_evidence, _evidence_is_over, {"content": b"", "name": b""}),
    Class("refused_rows_days", rejects, _reject_is_over),
    Class("shown_accounts_days", shown_accounts, lambda before_us: shown_accounts.c.shown_us < before_us),
)  # fmt: skip


def retention_days(now_us: int) -> Parameters:
    """The days of each class, as of a time."""
    return parameters_in_force(parameters_from_files([POLICY / "rights" / "retention.yaml"]), day_of(now_us))


def kept_too_long(store: Store, now_us: int) -> dict[str, int]:
    """How many rows of each class have been kept long enough; nothing is changed."""
    days, found = retention_days(now_us), {}
    for each in CLASSES:
        over = each.is_over(now_us - int(days[each.parameter] * DAY_US))
        query = sa.select(sa.func.count().label("n")).select_from(each.table).where(over)
        found[each.parameter] = int(store.rows(query)[0]["n"])
    return found


def retention_kept(store: Store, now_us: int, progress: Progress = unseen) -> dict[str, int]:
    """Take away what has been kept long enough; how many rows of each class.

    Parameters
    ----------
    store
        May be in use: each transaction is small.
    now_us
        UTC microseconds.
    progress
        Told of each class.
    """
    days, done = retention_days(now_us), {}
    for each in CLASSES:
        over = each.is_over(now_us - int(days[each.parameter] * DAY_US))
        done[each.parameter] = _taken(store, each, over, now_us, progress)
    return done


def _taken(store: Store, of: Class, over: sa.ColumnElement[bool], now_us: int, progress: Progress) -> int:
    (key,), taken = of.table.primary_key.columns, 0
    # Looked for outside the transaction: the whole table is read, and nobody who writes waits for that.
    while rows := store.rows(sa.select(key.label("id")).where(over).limit(ROWS_AT_ONCE)):
        with work(store, SYSTEM, now_us) as w:
            # Asked again: an appeal that was brought again meanwhile needs its files.
            mine = sa.and_(key.in_([row["id"] for row in rows]), over)
            change = of.table.delete() if of.blanks is None else of.table.update().values(**of.blanks)
            gone = w.connection.execute(change.where(mine)).rowcount
            if gone:
                w.note("retention.keep", f"class:{of.parameter}", {"rows": gone})
        taken += gone
        progress(of.parameter, taken, taken)
    return taken
