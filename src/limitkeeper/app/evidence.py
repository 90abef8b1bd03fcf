"""Rows that are evidence, each held against what the audit's chain keeps of it.

An event keeps the hash of the rows that it wrote. Most are hashed over columns that never change afterwards: so each
event can be held against its rows at any time, whatever came later. Of a row that acts change, each act's event keeps
the hash before and after it, so that nothing is edited between two acts either. An event of many rows keeps a mark of
each. What retention or an erasure takes away is hashed apart.
"""

import base64
import binascii
import json
from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter
from types import MappingProxyType
from typing import Any, NamedTuple

import sqlalchemy as sa

from limitkeeper.core.access.chain import told_blanked
from limitkeeper.core.access.evidence import row_hash, values_digest
from limitkeeper.store.appeal_tables import appeal_acts, appeal_evidence, appeals
from limitkeeper.store.case_tables import absences, case_acts, cases, mandates
from limitkeeper.store.life_tables import artefacts, release_acts, releases
from limitkeeper.store.limit_tables import limit_entries
from limitkeeper.store.notice_tables import notices
from limitkeeper.store.people_tables import people
from limitkeeper.store.rights_tables import consent_acts, rights_acts, rights_requests
from limitkeeper.store.tables import proposals


class Kind(NamedTuple):
    """A kind of evidence.

    Parameters
    ----------
    table, columns
        Where, and what is hashed, the primary key among it.
    blank
        The column that retention or an erasure may empty.
    is_whole
        Whether the audit must know every row of the table, so that one that was put in shows.
    changes
        Whether acts change the columns; each then keeps the hash before and after it.
    since
        The column whose value makes it a fact; None where each row is one.
    by
        The column that says who did it: whoever the event that wrote it names.
    unless
        The column whose value makes it none of the kind.
    """

    table: sa.Table
    columns: tuple[str, ...]
    blank: str | None = None
    is_whole: bool = False
    changes: bool = False
    since: str | None = None
    by: str | None = None
    unless: str | None = None

    def has(self, row: Mapping[str, Any]) -> bool:
        """Whether a row of the table is one of the kind."""
        is_fact = self.since is None or row[self.since] is not None
        return is_fact and (self.unless is None or row[self.unless] is None)

    def key(self, row: Mapping[str, Any]) -> str:
        """The primary key of a row as text."""
        return ":".join(str(row[column.name]) for column in self.table.primary_key.columns)


PLANNED = (
    "entry_id", "account_id", "number", "action", "target_cents", "planned_us", "until_us", "wait_us", "by_request",
    "reverses", "case_id", "decision_id", "notice_id", "why", "made_us",
)  # fmt: skip

APPEALED = (
    "appeal_id", "case_id", "account_id", "customer_id", "action", "limit_before_cents", "limit_after_cents", "cut_cents",
    "exposure_cents", "decision_id", "rule", "reasons", "model", "state", "tier", "instance", "submitted_us", "opened_us",
    "answer_until_us", "asked_us", "paused", "outcome", "again_until_us", "granted_limit_cents", "answered_us",
)  # fmt: skip

KINDS: Mapping[str, Kind] = MappingProxyType({
    "proposal": Kind(proposals, ("proposal_id", "account_id", "decision_id", "action", "rule", "limit_before_cents",
                                 "limit_after_cents", "made_us", "trace")),
    "case": Kind(cases, ("case_id", "kind", "account_id", "action", "limit_before_cents", "limit_after_cents",
                         "cut_cents", "exposure_cents", "proposal_id", "decision_id", "facts", "required_tier",
                         "tier_rules", "opened_us")),
    "case_act": Kind(case_acts, ("case_id", "version", "ts_us", "act", "words", "state", "tier"), by="actor_id"),
    "entry": Kind(limit_entries, PLANNED, is_whole=True),
    "entry_end": Kind(limit_entries, (*PLANNED, "state", "delta_cents", "effective_us")),
    "entry_cancelled": Kind(limit_entries, ("entry_id", "state")),
    "notice": Kind(notices, ("notice_id", "account_id", "kind", "language", "made_us"), is_whole=True),
    "notice_out": Kind(notices, ("notice_id", "out_us"), is_whole=True, since="out_us"),
    "notice_read": Kind(notices, ("notice_id", "read_us"), is_whole=True, since="read_us"),
    "notice_content": Kind(notices, ("notice_id", "content"), "content"),
    "appeal": Kind(appeals, APPEALED, is_whole=True, changes=True),
    "appeal_act": Kind(appeal_acts, ("appeal_id", "version", "ts_us", "act", "words", "state", "tier"), is_whole=True,
                       by="actor_id"),
    "file": Kind(appeal_evidence, ("evidence_id", "appeal_id", "number", "kind", "size_bytes", "sha256", "added_us"),
                 by="added_by"),
    "file_content": Kind(appeal_evidence, ("evidence_id", "name", "content"), "content"),
    "artefact": Kind(artefacts, ("hash", "kind", "name", "content", "added_us")),
    "release": Kind(releases, ("release_id", "market", "strategy_hash", "model_hash", "register_hash", "author_id",
                               "made_us")),
    "release_act": Kind(release_acts, ("release_id", "version", "ts_us", "act", "detail", "state")),
    "request": Kind(rights_requests, ("request_id", "kind", "customer_id", "state", "received_us", "answer_until_us",
                                      "extended_days", "answered_us", "verified_by"), is_whole=True, changes=True),
    "request_act": Kind(rights_acts, ("request_id", "version", "ts_us", "act", "outcome", "state"), is_whole=True,
                        by="actor_id"),
    "request_words": Kind(rights_acts, ("request_id", "version", "words"), "words", is_whole=True),
    "consent": Kind(consent_acts, ("number", "customer_id", "scope", "act", "text_version", "text_hash", "ts_us"),
                    is_whole=True, changes=True, by="actor_id"),
    "mandate": Kind(mandates, ("mandate_id", "person_id", "tier", "actions", "cut_cents_max", "exposure_cents_max",
                               "from_us", "to_us"), is_whole=True, changes=True),
    "mandate_pending": Kind(mandates, ("mandate_id", "pending", "asked_by"), is_whole=True, changes=True,
                            since="pending"),
    "absence": Kind(absences, ("absence_id", "person_id", "deputy_id", "from_us", "to_us"), is_whole=True, changes=True),
    "absence_pending": Kind(absences, ("absence_id", "pending", "asked_by"), is_whole=True, changes=True,
                            since="pending"),
    "person": Kind(people, ("person_id", "roles", "is_active"), is_whole=True, changes=True, unless="customer_id"),
})  # fmt: skip
"""Each kind; who did something is in the event itself.

What a campaign cancels is held by columns that an erasure does not change: no later event must hold it anew.
"""


KEPT, WAS, MARKS = "kept", "was", "marks"
"""Where in an event's detail the hashes are, the hashes before it, and the marks of many rows."""

NAMED: Mapping[str, str] = MappingProxyType({
    "mandate.give": "mandate", "absence.note": "absence", "person.add": "person",
})  # fmt: skip
"""Acts whose events named the row that they wrote before they kept its hash, by its kind: it was not put in."""

UNHASHED = ""
"""In place of the hash of such a row; its next change keeps one."""

ADOPTION = "evidence.adopt"
"""The act of an event that an upgrade writes of the rows that stand."""

MARK_BYTES = 16
"""Of a row's hash: enough that nobody finds another row with one of millions of marks."""

Of = tuple[str, Mapping[str, Any]]
"""A row with its kind."""


def kept(*rows: Of, was: Sequence[Of] = ()) -> dict[str, dict[str, str]]:
    """What an audit event keeps of the rows that it wrote, each with its kind; a part of its detail.

    Parameters
    ----------
    rows
        As they are now.
    was
        Of kinds that change: the same rows as they were before.
    """
    return {KEPT: _hashes(rows)} | ({WAS: _hashes(was)} if was else {})


def _hashes(rows: Sequence[Of]) -> dict[str, str]:
    return dict(_hashed(of) for of in rows if KINDS[of[0]].has(of[1]))


def _hashed(of: Of) -> tuple[str, str]:
    kind, row = of
    return f"{kind}:{KINDS[kind].key(row)}", row_hash(row, KINDS[kind].columns)


def marked(kind: str, names: Sequence[str], rows: Iterable[Sequence[Any]]) -> dict[str, str]:
    """What an audit event keeps of many rows of a kind that does not change; a part of its :data:`MARKS`.

    Parameters
    ----------
    kind
        Of :data:`KINDS`.
    names, rows
        Columns, and their values in that order.
    """
    places = itemgetter(*(list(names).index(name) for name in KINDS[kind].columns))
    marks = b"".join(values_digest(places(row))[:MARK_BYTES] for row in rows)
    return {kind: base64.b64encode(marks).decode()} if marks else {}


class Held(NamedTuple):
    """What an event keeps: hashes by kind and key now and before, marks by kind; whether others lost theirs by it.

    And who did what the rows tell of; None where the event only takes over what others did.
    """

    kept: Mapping[str, str] = MappingProxyType({})
    was: Mapping[str, str] = MappingProxyType({})
    marks: Mapping[str, bytes] = MappingProxyType({})
    is_erasure: bool = False
    actor_id: str | None = None


def held_by(event: Mapping[str, Any]) -> Held:
    """What an event keeps; nothing where its detail is not what was written: the chain tells that."""
    try:
        found = json.loads(event["detail"])
        marks = {kind: base64.b64decode(each) for kind, each in found.get(MARKS, {}).items()}
        is_erasure = told_blanked(event) is not None
        takes_over = is_erasure or event["act"] == ADOPTION
        by = None if takes_over else event["actor_id"]
        kept_hashes = dict(found.get(KEPT, {}))
        if KEPT not in found and (kind := NAMED.get(event["act"])):
            key = event["subject"].removeprefix("person:") if kind == "person" else found[kind]
            kept_hashes[f"{kind}:{key}"] = UNHASHED
        return Held(kept_hashes, dict(found.get(WAS, {})), marks, is_erasure, by)
    except (ValueError, LookupError, AttributeError, TypeError, binascii.Error):
        return Held()


def shown_detail(detail: Mapping[str, Any]) -> dict[str, Any]:
    """An event's detail as it is shown: of the marks of many rows, how many there are."""
    if MARKS not in detail:
        return dict(detail)
    counts = {kind: len(base64.b64decode(each)) // MARK_BYTES for kind, each in detail[MARKS].items()}
    return {**detail, MARKS: counts}
