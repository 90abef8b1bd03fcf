"""A whole store held against the audit: the chain, the rows that it keeps hashes of, and the sums that must agree."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, NamedTuple

import sqlalchemy as sa

from limitkeeper.app.audit import Verified, audited
from limitkeeper.app.evidence import KINDS, Kind, kept_of
from limitkeeper.app.release_evidence import release_disagreements
from limitkeeper.core.access.evidence import row_hash
from limitkeeper.core.kernel.progress import Progress, unseen
from limitkeeper.core.limits.ledger import EFFECTIVE
from limitkeeper.store.appeal_tables import appeal_acts, appeals
from limitkeeper.store.case_tables import case_acts, cases
from limitkeeper.store.life_tables import releases
from limitkeeper.store.limit_tables import limit_entries, lines
from limitkeeper.store.sql import Store

FAULTS_MAX = 100
"""Faults that are told; there may be more behind them."""

EVENTS_AT_ONCE, KEYS_AT_ONCE = 2_000, 500


class Fault(NamedTuple):
    """What is not as the audit keeps it: where, how, and by which event; None where no event tells."""

    where: str
    problem: str
    event: int | None = None


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

    @property
    def holds(self) -> bool:
        """Whether everything is as it was written."""
        return self.audit.broken is None and not self.faults


def evidence_verified(store: Store, progress: Progress = unseen) -> Evidence:
    """Whether the chain holds, and every row that it keeps a hash of is as it was written, and the sums agree.

    Parameters
    ----------
    store
        May be in use; what is written meanwhile is not looked at.
    progress
        Told of ``audit`` and ``evidence``, events read, events in all.
    """
    audit = audited(store, progress)
    found = Evidence(audit.verified)
    # Sums first: an act that is written meanwhile would disagree with a row that was read before it.
    found.faults += list(_disagreements(store))[:FAULTS_MAX]
    events = audit.events("evidence")
    while some := list(islice(events, EVENTS_AT_ONCE)):
        _hold(store, some, found)
    return found


def _hold(store: Store, events: Iterable[Mapping[str, Any]], found: Evidence) -> None:
    """Hold the rows of some events against the hashes that they keep."""
    wanted: dict[str, dict[str, tuple[str, int]]] = {}
    for event in events:
        for named, kept_hash in kept_of(event["detail"]).items():
            kind, _, key = named.partition(":")
            if kind in KINDS:
                wanted.setdefault(kind, {})[key] = (kept_hash, event["number"])
    for kind, keys in wanted.items():
        rows = {KINDS[kind].key(row): row for row in _rows(store, KINDS[kind].table, list(keys))}
        for key, (kept_hash, number) in keys.items():
            found.rows += 1
            problem = _problem(KINDS[kind], rows.get(key), kept_hash, found)
            if problem is not None and len(found.faults) < FAULTS_MAX:
                found.faults.append(Fault(f"{KINDS[kind].table.name} {key}", problem, number))


def _problem(kind: Kind, row: Mapping[str, Any] | None, kept_hash: str, found: Evidence) -> str | None:
    if row is None:
        return "the row is missing"
    if kind.blank is not None and not row[kind.blank]:
        found.gone += 1
        return None
    if row_hash(row, kind.columns) == kept_hash:
        return None
    return f"one of {', '.join(kind.columns)} is not what was written"


def _rows(store: Store, table: sa.Table, keys: list[str]) -> Iterator[dict[str, Any]]:
    """Rows of a table by keys as text; of a key of several columns, all of the first."""
    first = next(iter(table.primary_key.columns))
    is_one = len(table.primary_key.columns) == 1
    values = list(dict.fromkeys(key if is_one else key.partition(":")[0] for key in keys))
    for start in range(0, len(values), KEYS_AT_ONCE):
        yield from store.rows(sa.select(table).where(first.in_(values[start : start + KEYS_AT_ONCE])))


def _disagreements(store: Store) -> Iterator[Fault]:
    """Lines whose limit is not the sum of their ledger, and cases, appeals and releases whose acts do not lead there."""
    effective = sa.case((limit_entries.c.state == EFFECTIVE, limit_entries.c.delta_cents), else_=0)
    total, count = sa.func.coalesce(sa.func.sum(effective), 0), sa.func.count(limit_entries.c.entry_id)
    of_line = (lines.c.account_id, lines.c.limit_cents, lines.c.entries)
    query = (
        sa.select(*of_line, total.label("total"), count.label("count"))
        .outerjoin(limit_entries, limit_entries.c.account_id == lines.c.account_id)
        .group_by(*of_line)
        .having(sa.or_(total != lines.c.limit_cents, count != lines.c.entries))
    )
    for row in store.rows(query.limit(FAULTS_MAX)):
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
        for row in store.rows(query.where(sa.not_(fits)).limit(FAULTS_MAX)):
            said = f"version {row['version']}, {row['state']} on tier {row['tier']}"
            yield Fault(f"{whole.name} {row[key.name]}", f"{said}; its {row['count']} acts do not lead there")
    for release_id, problem in islice(release_disagreements(store.rows), FAULTS_MAX):
        yield Fault(f"{releases.name} {release_id}", problem)
