"""Rows that are evidence, each held against what the audit's chain keeps of it.

An event keeps the hash of the rows that it wrote, over columns that never change afterwards: so each event can be held
against its rows at any time, whatever came later. What retention or an erasure takes away is hashed apart.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from types import MappingProxyType
from typing import Any, NamedTuple

import sqlalchemy as sa

from limitkeeper.app.audit import Verified, audited
from limitkeeper.core.access.evidence import row_hash
from limitkeeper.core.kernel.progress import Progress, unseen
from limitkeeper.core.limits.ledger import EFFECTIVE
from limitkeeper.store.appeal_tables import appeal_acts, appeal_evidence, appeals
from limitkeeper.store.case_tables import case_acts, cases
from limitkeeper.store.life_tables import artefacts, release_acts
from limitkeeper.store.limit_tables import limit_entries, lines
from limitkeeper.store.notice_tables import notices
from limitkeeper.store.sql import Store
from limitkeeper.store.tables import proposals

FAULTS_MAX = 100
"""Faults that are told; there may be more behind them."""

EVENTS_AT_ONCE, KEYS_AT_ONCE = 2_000, 500


class Kind(NamedTuple):
    """A kind of evidence: in which table, by which columns, and which one may be emptied by retention or an erasure."""

    table: sa.Table
    columns: tuple[str, ...]
    blank: str | None = None

    def key(self, row: Mapping[str, Any]) -> str:
        """The primary key of a row as text."""
        return ":".join(str(row[column.name]) for column in self.table.primary_key.columns)


PLANNED = (
    "entry_id", "account_id", "number", "action", "target_cents", "planned_us", "until_us", "wait_us", "by_request",
    "reverses", "case_id", "decision_id", "notice_id", "why", "made_us",
)  # fmt: skip

KINDS: Mapping[str, Kind] = MappingProxyType({
    "proposal": Kind(proposals, ("proposal_id", "account_id", "decision_id", "action", "rule", "limit_before_cents",
                                 "limit_after_cents", "made_us", "trace")),
    "case": Kind(cases, ("case_id", "kind", "account_id", "action", "limit_before_cents", "limit_after_cents",
                         "cut_cents", "exposure_cents", "proposal_id", "decision_id", "facts", "required_tier",
                         "tier_rules", "opened_us")),
    "case_act": Kind(case_acts, ("case_id", "version", "ts_us", "act", "words", "state", "tier")),
    "entry": Kind(limit_entries, PLANNED),
    "entry_end": Kind(limit_entries, (*PLANNED, "state", "delta_cents", "effective_us")),
    "notice": Kind(notices, ("notice_id", "account_id", "kind", "language", "made_us")),
    "notice_content": Kind(notices, ("notice_id", "content"), "content"),
    "appeal_act": Kind(appeal_acts, ("appeal_id", "version", "ts_us", "act", "words", "state", "tier")),
    "file": Kind(appeal_evidence, ("evidence_id", "appeal_id", "number", "kind", "size_bytes", "sha256", "added_us")),
    "file_content": Kind(appeal_evidence, ("evidence_id", "name", "content"), "content"),
    "artefact": Kind(artefacts, ("hash", "kind", "name", "content", "added_us")),
    "release_act": Kind(release_acts, ("release_id", "version", "ts_us", "act", "detail", "state")),
})  # fmt: skip
"""Each kind; who did something is in the event itself."""


KEPT = "kept"
"""Where in an event's detail the hashes are."""


def kept(*rows: tuple[str, Mapping[str, Any]]) -> dict[str, dict[str, str]]:
    """What an audit event keeps of the rows that it wrote, each with its kind; a part of its detail."""
    return {
        KEPT: {f"{kind}:{KINDS[kind].key(row)}": row_hash(row, KINDS[kind].columns) for kind, row in rows}
    }


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
        for named, kept_hash in _kept_of(event["detail"]).items():
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


def _kept_of(detail: str) -> dict[str, str]:
    """The hashes that an event keeps; none where its detail is not what was written: the chain tells that."""
    try:
        found = json.loads(detail).get(KEPT, {})
    except (ValueError, AttributeError):
        return {}
    return found if isinstance(found, dict) else {}


def _rows(store: Store, table: sa.Table, keys: list[str]) -> Iterator[dict[str, Any]]:
    """Rows of a table by keys as text; of a key of several columns, all of the first."""
    first = next(iter(table.primary_key.columns))
    is_one = len(table.primary_key.columns) == 1
    values = list(dict.fromkeys(key if is_one else key.partition(":")[0] for key in keys))
    for start in range(0, len(values), KEYS_AT_ONCE):
        yield from store.rows(sa.select(table).where(first.in_(values[start : start + KEYS_AT_ONCE])))


def _disagreements(store: Store) -> Iterator[Fault]:
    """Lines whose limit is not the sum of their ledger, and cases and appeals whose acts do not lead to them."""
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
