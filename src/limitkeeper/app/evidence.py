"""Rows that are evidence, each held against what the audit's chain keeps of it.

An event keeps the hash of the rows that it wrote, over columns that never change afterwards: so each event can be held
against its rows at any time, whatever came later. What retention or an erasure takes away is hashed apart.
"""

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import sqlalchemy as sa

from limitkeeper.core.access.evidence import row_hash
from limitkeeper.store.appeal_tables import appeal_acts, appeal_evidence
from limitkeeper.store.case_tables import case_acts, cases
from limitkeeper.store.life_tables import artefacts, release_acts, releases
from limitkeeper.store.limit_tables import limit_entries
from limitkeeper.store.notice_tables import notices
from limitkeeper.store.tables import proposals


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
    "release": Kind(releases, ("release_id", "market", "strategy_hash", "model_hash", "register_hash", "author_id",
                               "made_us")),
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


def kept_of(detail: str) -> dict[str, str]:
    """The hashes that an event keeps; none where its detail is not what was written: the chain tells that."""
    try:
        found = json.loads(detail).get(KEPT, {})
    except (ValueError, AttributeError):
        return {}
    return found if isinstance(found, dict) else {}
