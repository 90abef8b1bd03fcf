"""Evidence in the store: judged by its content, sealed with its hash, and every look at it kept."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from limitkeeper.app.appeals import AppealDesk, evidence_counted
from limitkeeper.app.evidence import kept
from limitkeeper.connectors.evidence import EvidenceError, evidence_kind
from limitkeeper.connectors.sealing import Seal
from limitkeeper.core.access.rights import check_customers_right
from limitkeeper.core.appeal.appeals import LIVE_STATES
from limitkeeper.core.approval.refusals import RefusedError
from limitkeeper.store.appeal_tables import appeal_evidence, appeals
from limitkeeper.store.work import MissingError, Work

EVIDENCE_FILES_MAX = 10
"""Of one appeal."""

NAME_LETTERS_MAX = 100
"""That are kept of a file's name; it is shown and nothing else."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """A file as it was sent: what it is by its content, and the name that the sender gave it."""

    kind: str
    name: str
    content: bytes


def judged_evidence(name: str, content: bytes) -> Evidence:
    """A file as it may be kept: judged before any transaction, since that may take a while.

    Raises
    ------
    EvidenceError
        When it is not taken.
    """
    shown = "".join(each for each in name if each.isprintable())[:NAME_LETTERS_MAX]
    return Evidence(evidence_kind(content), shown, content)


def evidence_added(w: Work, desk: AppealDesk, appeal_id: str, evidence: Evidence) -> str:
    """Keep a file with an appeal that waits for its answer; its id. The same file again is the same.

    Raises
    ------
    MissingError
        When there is no such appeal.
    ForbiddenError
        When it is not his.
    RefusedError
        When it is answered already.
    EvidenceError
        When there are too many.
    """
    row = w.found(appeals, appeal_id)
    check_customers_right(w.actor, "appeal.submit", row["customer_id"])
    kind, content = evidence.kind, evidence.content
    digest = hashlib.sha256(content).hexdigest()
    there = w.rows(
        sa.select(appeal_evidence.c.evidence_id, appeal_evidence.c.sha256).where(
            appeal_evidence.c.appeal_id == appeal_id
        )
    )
    for each in there:
        if each["sha256"] == digest:
            return str(each["evidence_id"])
    if row["state"] not in LIVE_STATES:
        raise RefusedError("appeal_state", value=f"evidence for an appeal that is {row['state']}")
    if len(there) >= EVIDENCE_FILES_MAX:
        raise EvidenceError("There are too many files.", value=len(there) + 1, allowed=EVIDENCE_FILES_MAX)
    named = json.dumps([appeal_id, digest])
    evidence_id = hashlib.blake2b(f"evidence:{named}".encode(), digest_size=16).hexdigest()
    counted = evidence_counted(w, desk, row)
    file = {
        "evidence_id": evidence_id, "appeal_id": appeal_id, "number": len(there) + 1, "kind": kind,
        "size_bytes": len(content), "sha256": digest,
        "name": desk.seal.sealed(evidence.name.encode(), f"evidence:{evidence_id}:name", row["customer_id"]),
        "content": desk.seal.sealed(content, f"evidence:{evidence_id}", row["customer_id"]), "added_us": w.now_us,
        "added_by": w.actor.actor_id,
    }  # fmt: skip
    w.add(appeal_evidence, file)
    detail = {"evidence": evidence_id, "kind": kind, "sha256": digest}
    w.note(
        "appeal.evidence",
        f"appeal:{appeal_id}",
        detail | kept(counted, ("file", file), ("file_content", file)),
    )
    return evidence_id


def evidence_read(w: Work, seal: Seal, appeal_id: str, evidence_id: str) -> Evidence:
    """A file of an appeal; that it was looked at is kept.

    Raises
    ------
    MissingError
        When there is no such appeal, or it has no such file.
    ForbiddenError
        When it is not his to read.
    EvidenceError
        When it is not what was sent.
    ErasedError
        When its customer was erased.
    """
    row = w.found(appeals, appeal_id)
    check_customers_right(w.actor, "appeal.evidence", row["customer_id"])
    kept = w.row(
        sa.select(appeal_evidence).where(
            appeal_evidence.c.appeal_id == appeal_id, appeal_evidence.c.evidence_id == evidence_id
        )
    )
    if kept is None:
        raise MissingError("The appeal has no such file.", value=evidence_id)
    content = seal.opened(kept["content"], f"evidence:{evidence_id}", row["customer_id"])
    if hashlib.sha256(content).hexdigest() != kept["sha256"]:
        raise EvidenceError("The file is not what was sent.", value=evidence_id)
    w.note("appeal.look", f"appeal:{appeal_id}", {"evidence": evidence_id})
    return Evidence(kept["kind"], evidence_name(seal, row, kept["name"], evidence_id), content)


def evidence_name(seal: Seal, appeal: Mapping[str, Any], name: bytes, evidence_id: str) -> str:
    """The name that a file was sent under; empty where its customer was erased."""
    return seal.words(name, f"evidence:{evidence_id}:name", appeal["customer_id"])
