"""A whole store held against the audit: the chain, the rows that it keeps hashes of, and the sums that must agree."""

from array import array
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
import sqlalchemy as sa

from limitkeeper.app.audit import Verified, audited
from limitkeeper.app.evidence import ADOPTION, KINDS, MARK_BYTES, UNHASHED, Held, Kind, held_by
from limitkeeper.app.led_to import (
    campaigns_disagreeing,
    freezes_disagreeing,
    logins_disagreeing,
    outcomes_disagreeing,
    votes_disagreeing,
)
from limitkeeper.app.release_evidence import release_disagreements
from limitkeeper.core.access.evidence import row_hash, values_digest
from limitkeeper.core.appeal.appeals import LIVE_STATES as APPEAL_LIVE
from limitkeeper.core.approval.cases import LIVE_STATES as CASE_LIVE
from limitkeeper.core.compliance.requests import LIVE_STATES as REQUEST_LIVE
from limitkeeper.core.kernel.progress import Progress, unseen
from limitkeeper.core.limits.ledger import EFFECTIVE, OPEN, PLANNED
from limitkeeper.store.appeal_tables import appeal_acts, appeals
from limitkeeper.store.case_tables import case_acts, cases
from limitkeeper.store.life_tables import releases
from limitkeeper.store.limit_tables import limit_entries, lines
from limitkeeper.store.rights_tables import rights_requests
from limitkeeper.store.snapshot import Rows, snapshot
from limitkeeper.store.sql import Store

FAULTS_MAX = 100
"""Faults that are told; there may be more behind them."""

EVENTS_AT_ONCE, KEYS_AT_ONCE, ROWS_AT_ONCE = 2_000, 500, 2_000

LIVE = {cases: CASE_LIVE, appeals: APPEAL_LIVE, rights_requests: REQUEST_LIVE}
"""In which states a row waits for somebody: one that is said not to is in no list, and no clock finds it."""

MISSING = "the row is missing"
EDITED_BEFORE = "it was edited before this act, or an act is missing"
PUT_IN = "no event keeps such a row: it was edited or put in"
NO_END = "no event keeps that it took effect or was cancelled"


class Fault(NamedTuple):
    """What is not as the audit keeps it: where, how, and by which event; None where no event tells."""

    where: str
    problem: str
    event: int | None = None


class Marks:
    """Marks of rows that do not change, with the events that keep many of them: 24 bytes for each row."""

    def __init__(self) -> None:
        self._marks, self._events = bytearray(), array("q")
        self._known = np.empty(0, f"S{MARK_BYTES}")
        self._moves: list[tuple[str, str, int]] = []
        self._place, self._seen = np.empty(0, np.intp), np.empty(0, np.bool_)

    @property
    def many(self) -> int:
        """How many rows are held by marks alone."""
        return len(self._events) - self._events.count(0)

    def add(self, marks: bytes, event: int) -> None:
        """Add the marks of an event of many rows."""
        self._marks += marks
        self._events.extend([event] * (len(marks) // MARK_BYTES))

    def add_hash(self, kept_hash: str, was: str | None, key: str, event: int) -> None:
        """Add the hash of one row, which is held by itself; and what it was where an erasure changed it."""
        self._marks += bytes.fromhex(kept_hash)[:MARK_BYTES]
        self._events.append(0)
        if was is not None:
            self._moves.append((was, key, event))

    def strange_moves(self) -> list[tuple[str, int]]:
        """Keys of rows that were not as the audit knew them when an erasure changed them, with its event."""
        known = self.seen([bytes.fromhex(was) for was, _, _ in self._moves])
        return [
            (key, event) for (_, key, event), is_known in zip(self._moves, known, strict=True) if not is_known
        ]

    def sort(self) -> None:
        """Let them be looked for."""
        self._known, self._place = np.unique(
            np.frombuffer(bytes(self._marks), f"S{MARK_BYTES}"), return_inverse=True
        )
        self._seen = np.zeros(len(self._known), np.bool_)

    def seen(self, digests: list[bytes]) -> list[bool]:
        """Whether each row of some is known, by its digest."""
        if not len(self._known):
            return [False] * len(digests)
        wanted = np.array([each[:MARK_BYTES] for each in digests], f"S{MARK_BYTES}")
        at = np.searchsorted(self._known, wanted).clip(max=len(self._known) - 1)
        is_known = self._known[at] == wanted
        self._seen[at[is_known]] = True
        return list(map(bool, is_known))

    def unseen(self) -> dict[int, int]:
        """By event of many rows, how many of them were not seen."""
        events = np.frombuffer(self._events, np.int64)
        numbers, counts = np.unique(events[~self._seen[self._place]], return_counts=True)
        return {int(number): int(count) for number, count in zip(numbers, counts, strict=True) if number}


@dataclass
class Evidence:
    """What came of holding evidence against the audit.

    Parameters
    ----------
    audit
        Whether the chain itself holds.
    rows
        Hashes that were held against their rows.
    gone
        Contents that retention or an erasure has taken away.
    faults
        At most :data:`FAULTS_MAX`.
    """

    audit: Verified
    rows: int = 0
    gone: int = 0
    faults: list[Fault] = field(default_factory=list)

    def tell(self, kind: Kind, key: str, problem: str, event: int | None = None) -> None:
        """Add what is wrong with a row, once."""
        self.tell_of(f"{kind.table.name} {key}", problem, event)

    def tell_of(self, where: str, problem: str, event: int | None = None) -> None:
        """Add what is wrong somewhere, once: a row that was edited is not one that was put in, too."""
        if len(self.faults) < FAULTS_MAX and not (
            problem == PUT_IN and any(each.where == where for each in self.faults)
        ):
            self.faults.append(Fault(where, problem, event))

    @property
    def holds(self) -> bool:
        """Whether everything is as it was written."""
        return self.audit.broken is None and not self.faults


def evidence_verified(store: Store, progress: Progress = unseen) -> Evidence:
    """Whether the chain holds, every row that it keeps is as it was written, none was put in, and the sums agree.

    Parameters
    ----------
    store
        May be in use: it is read as it is at one moment.
    progress
        Told of ``audit`` and ``evidence``, events read, events in all; and of ``rows``, kinds looked through, kinds.
    """
    with snapshot(store) as rows:
        audit = audited(rows, progress)
        found = Evidence(audit.verified)
        found.faults += list(_disagreements(rows))[:FAULTS_MAX]
        marks = {name: Marks() for name, kind in KINDS.items() if not kind.changes}
        standing: Standing = {name: {} for name, kind in KINDS.items() if kind.changes}
        events, ends = audit.events("evidence"), Ends()
        while some := list(islice(events, EVENTS_AT_ONCE)):
            _hold(rows, some, found, marks, standing, ends)
        whole = [
            name for name, kind in KINDS.items() if kind.is_whole or (name in marks and marks[name].many)
        ]
        for done, name in enumerate(whole, start=1):
            if KINDS[name].changes:
                _hold_standing(rows, KINDS[name], standing[name], found)
            else:
                _hold_marks(rows, KINDS[name], marks[name], found)
            progress("rows", done, len(whole))
        _hold_ends(rows, ends, marks["entry_cancelled"], found)
    return found


class Ends:
    """Changes of limits of which an event keeps that they ended: a plan that is only said to have is never worked off."""

    def __init__(self) -> None:
        self.known, self.since_us = Marks(), 0

    def add(self, event: Mapping[str, Any], held: Held) -> None:
        """Add those that an event keeps; of what was made before an upgrade took it over nothing is known."""
        if event["act"] == ADOPTION:
            self.since_us = event["ts_us"]
        for named in held.kept:
            kind, _, key = named.partition(":")
            if kind == "entry_end":
                self.known.add(values_digest([key])[:MARK_BYTES], 0)


def _hold_ends(rows: Rows, ends: Ends, cancelled: Marks, found: Evidence) -> None:
    """Whether the audit knows each change that is not planned any more; a ledger's first entry is no change."""
    ends.known.sort()
    cancelled.sort()
    own = limit_entries.c
    query = sa.select(own.entry_id, own.state).where(
        own.state != PLANNED, own.action != OPEN, own.made_us >= ends.since_us
    )
    query, last = query.order_by(own.entry_id).limit(ROWS_AT_ONCE), ""
    while some := rows(query.where(own.entry_id > last)):
        by_itself = ends.known.seen([values_digest([row["entry_id"]]) for row in some])
        by_mark = cancelled.seen([values_digest([row["entry_id"], row["state"]]) for row in some])
        for row, *known in zip(some, by_itself, by_mark, strict=True):
            if not any(known):
                found.tell(KINDS["entry_end"], row["entry_id"], NO_END)
        last = some[-1]["entry_id"]


class Known(NamedTuple):
    """What an event keeps of a row: its hash, which event it is, and who did it; None where it only takes over."""

    hash: str
    event: int
    actor_id: str | None


Standing = dict[str, dict[str, Known]]
"""Of kinds that change: by key what the last event keeps."""


def _hold(
    rows: Rows, events: Iterable[Mapping[str, Any]], found: Evidence, marks: Mapping[str, Marks], standing: Standing,
    ends: Ends,
) -> None:  # fmt: skip
    """Hold the rows of some events against the hashes that they keep; what many rows or acts are held by is gathered."""
    wanted: dict[str, dict[str, Known]] = {}
    for event in events:
        held, number = held_by(event), event["number"]
        ends.add(event, held)
        for name in marks.keys() & held.marks.keys():
            marks[name].add(held.marks[name], number)
        for named, kept_hash in held.kept.items():
            name, _, key = named.partition(":")
            known = Known(kept_hash, number, held.actor_id)
            if name in standing:
                if named in held.was or not held.is_erasure:
                    _follow(standing[name], KINDS[name], key, held.was.get(named), number, found)
                standing[name][key] = known
            elif name in KINDS:
                wanted.setdefault(name, {})[key] = known
            if name in marks and KINDS[name].is_whole:
                marks[name].add_hash(kept_hash, held.was.get(named), key, number)
        _let_go(standing, held, number, found)
    for name, keys in wanted.items():
        kind = KINDS[name]
        there = {kind.key(row): row for row in _rows(rows, kind.table, list(keys))}
        for key, known in keys.items():
            found.rows += 1
            _hold_row(kind, key, there.get(key), known, found)


def _let_go(standing: Standing, held: Held, number: int, found: Evidence) -> None:
    """Rows that an act found and left as none of their kind: they are held no more."""
    for named in held.was.keys() - held.kept.keys():
        name, _, key = named.partition(":")
        if name in standing:
            _follow(standing[name], KINDS[name], key, held.was[named], number, found)
            standing[name].pop(key, None)


def _follow(
    standing: Mapping[str, Known],
    kind: Kind,
    key: str,
    was: str | None,
    number: int,
    found: Evidence,
) -> None:
    """Hold what an act found of a row against how the event before left it.

    An erasure takes the events before it away, and held the row against them itself.
    """
    before = standing.get(key)
    if (before is None or before.hash != UNHASHED) and was != (before and before.hash):
        found.tell(kind, key, EDITED_BEFORE, number)


def _hold_row(kind: Kind, key: str, row: Mapping[str, Any] | None, known: Known, found: Evidence) -> None:
    if row is None:
        found.tell(kind, key, MISSING, known.event)
    elif known.hash in (UNHASHED, row_hash(row, kind.columns)):
        if kind.by is not None and known.actor_id not in (None, row[kind.by]):
            found.tell(kind, key, f"{kind.by} is not who did it", known.event)
    elif kind.blank is not None and not row[kind.blank]:
        found.gone += 1
    else:
        found.tell(kind, key, f"one of {', '.join(kind.columns)} is not what was written", known.event)


def _hold_standing(rows: Rows, kind: Kind, standing: dict[str, Known], found: Evidence) -> None:
    """Hold every row of a kind that changes against the last event of it."""
    for some in _pages(rows, kind):
        for row in some:
            found.rows += 1
            key = kind.key(row)
            if key not in standing:
                found.tell(kind, key, PUT_IN)
            else:
                _hold_row(kind, key, row, standing.pop(key), found)
    for key, known in standing.items():
        # Of a row from before it was kept, no event says that it became none of the kind.
        if known.hash != UNHASHED or kind.unless is None:
            found.tell(kind, key, MISSING, known.event)


def _hold_marks(rows: Rows, kind: Kind, marks: Marks, found: Evidence) -> None:
    """Whether every row that an event marks with many others is there; of a whole table, whether the audit knows each."""
    marks.sort()
    found.rows += marks.many
    for key, number in marks.strange_moves():
        found.tell(kind, key, EDITED_BEFORE, number)
    for some in _pages(rows, kind):
        digests = [values_digest([row[name] for name in kind.columns]) for row in some]
        for row, is_known in zip(some, marks.seen(digests), strict=True):
            if kind.is_whole and not is_known and (kind.blank is None or row[kind.blank]):
                found.tell(kind, kind.key(row), PUT_IN)
    for number, count in marks.unseen().items():
        problem = f"{count:,} of the rows that the event marks are missing, or not what was written"
        found.tell_of(kind.table.name, problem, number)


def _pages(rows: Rows, kind: Kind) -> Iterator[list[dict[str, Any]]]:
    """Every row of a kind, page by page in the order of its key."""
    keys = list(kind.table.primary_key.columns)
    names = {*kind.columns, *(key.name for key in keys), *([] if kind.by is None else [kind.by])}
    query = sa.select(*(kind.table.c[name] for name in sorted(names))).order_by(*keys).limit(ROWS_AT_ONCE)
    if kind.since is not None:
        query = query.where(kind.table.c[kind.since].is_not(None))
    if kind.unless is not None:
        query = query.where(kind.table.c[kind.unless].is_(None))
    page = rows(query)
    while page:
        yield page
        last = sa.tuple_(*(sa.literal(page[-1][key.name], key.type) for key in keys))
        page = rows(query.where(sa.tuple_(*keys) > last)) if len(page) == ROWS_AT_ONCE else []


def _rows(rows: Rows, table: sa.Table, keys: list[str]) -> Iterator[dict[str, Any]]:
    """Rows of a table by keys as text; of a key of several columns, all of the first."""
    first = next(iter(table.primary_key.columns))
    is_one = len(table.primary_key.columns) == 1
    values = list(dict.fromkeys(key if is_one else key.partition(":")[0] for key in keys))
    for start in range(0, len(values), KEYS_AT_ONCE):
        yield from rows(sa.select(table).where(first.in_(values[start : start + KEYS_AT_ONCE])))


def _disagreements(rows: Rows) -> Iterator[Fault]:
    """Lines that their ledger, cases, appeals and releases that their acts, campaigns that their items do not lead to."""
    effective = sa.case((limit_entries.c.state == EFFECTIVE, limit_entries.c.delta_cents), else_=0)
    total, count = sa.func.coalesce(sa.func.sum(effective), 0), sa.func.count(limit_entries.c.entry_id)
    of_line = (lines.c.account_id, lines.c.limit_cents, lines.c.entries)
    query = (
        sa.select(*of_line, total.label("total"), count.label("count"))
        .outerjoin(limit_entries, limit_entries.c.account_id == lines.c.account_id)
        .group_by(*of_line)
        .having(sa.or_(total != lines.c.limit_cents, count != lines.c.entries))
    )
    for row in rows(query.limit(FAULTS_MAX)):
        said = f"limit {row['limit_cents']} by {row['entries']} entries"
        yield Fault(f"lines {row['account_id']}", f"{said}; its ledger has {row['total']} by {row['count']}")
    # A grant makes an appeal one version further without an act of its own.
    for whole, acts, counts in ((cases, case_acts, True), (appeals, appeal_acts, False)):
        (key,) = whole.primary_key.columns
        mine, other = acts.c[key.name] == key, acts.alias()
        is_later = sa.exists().where(other.c[key.name] == acts.c[key.name], other.c.version > acts.c.version)
        number = sa.select(sa.func.count()).select_from(acts).where(mine).scalar_subquery()
        leads = sa.exists().where(
            mine, sa.not_(is_later), acts.c.state == whole.c.state, acts.c.tier == whole.c.tier
        )
        fits = sa.and_(leads, number == whole.c.version) if counts else leads
        query = sa.select(key, whole.c.version, whole.c.state, whole.c.tier, number.label("count"))
        for row in rows(query.where(sa.not_(fits)).limit(FAULTS_MAX)):
            said = f"version {row['version']}, {row['state']} on tier {row['tier']}"
            yield Fault(f"{whole.name} {row[key.name]}", f"{said}; its {row['count']} acts do not lead there")
    for whole, live in LIVE.items():
        (key,) = whole.primary_key.columns
        query = sa.select(key, whole.c.state).where(whole.c.is_live != whole.c.state.in_(live))
        for row in rows(query.limit(FAULTS_MAX)):
            yield Fault(
                f"{whole.name} {row[key.name]}", f"{row['state']}, and said to wait or not to: it is not so"
            )
    for disagreeing in (
        outcomes_disagreeing, votes_disagreeing, freezes_disagreeing, campaigns_disagreeing, logins_disagreeing,
    ):  # fmt: skip
        for table, where, problem in islice(disagreeing(rows), FAULTS_MAX):
            yield Fault(f"{table.name} {where}", problem)
    for release_id, problem in islice(release_disagreements(rows), FAULTS_MAX):
        yield Fault(f"{releases.name} {release_id}", problem)
