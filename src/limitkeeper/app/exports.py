"""What leaves as a file: noted in the audit, and marked with who took it, when, for what, and where the audit stood."""

import json
from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import NamedTuple

import polars as pl
import sqlalchemy as sa

from limitkeeper.core.access.purposes import CASE_HANDLING, OPERATION, OVERSIGHT, REQUEST_HANDLING
from limitkeeper.core.kernel.instants import instant_text
from limitkeeper.store.audit_tables import audit_heads
from limitkeeper.store.work import Work

AUDIT, SELECTION, JOURNAL, RECONCILIATION, PERSONAL_COPY, REGULATION, DECISIONS = (
    "audit", "selection", "journal", "reconciliation", "personal_copy", "regulation", "decisions",
)  # fmt: skip

EXPORTS: Mapping[str, str] = MappingProxyType(
    {
        AUDIT: OVERSIGHT,
        SELECTION: CASE_HANDLING,
        JOURNAL: OPERATION,
        RECONCILIATION: OPERATION,
        PERSONAL_COPY: REQUEST_HANDLING,
        REGULATION: OVERSIGHT,
        DECISIONS: CASE_HANDLING,
    }
)
"""Each kind of file that people inside take out of a store, and for what."""

COLUMN = "export"
"""The last column of a table, and the field of a document, that carries the mark: a line of comment breaks machines."""

METADATA_KEY = "limitkeeper.export"
"""Of a Parquet file, beside the names and kinds of its columns."""


class Export(NamedTuple):
    """The mark of a file.

    Parameters
    ----------
    what
        Of :data:`EXPORTS`.
    by, at, purpose
        Who took it, when, and for what.
    audit_number, audit_hash
        The audit's last event before it: what the file tells was so when the chain ended there.
    """

    what: str
    by: str
    at: str
    purpose: str
    audit_number: int
    audit_hash: str

    def document(self) -> dict[str, str | int]:
        """As a field of a document.

        Examples
        --------
        >>> Export("audit", "ivy", "2026-11-26T09:00:00+00:00", "oversight", 12, "2f6a").document()["by"]
        'ivy'
        """
        return self._asdict()

    def text(self) -> str:
        """As a cell of a table.

        Examples
        --------
        >>> Export("audit", "ivy", "2026-11-26T09:00:00+00:00", "oversight", 12, "2f6a").text()
        'ivy 2026-11-26T09:00:00+00:00 oversight audit 12 2f6a'
        """
        return f"{self.by} {self.at} {self.purpose} audit {self.audit_number} {self.audit_hash}"

    def metadata(self) -> dict[str, str]:
        """As metadata of a Parquet file."""
        return {METADATA_KEY: json.dumps(self.document(), ensure_ascii=False)}

    def marked(self, frame: pl.DataFrame) -> pl.DataFrame:
        """A table with the mark as its last column: each row keeps it, however the table is cut up later."""
        return frame.with_columns(pl.lit(self.text()).alias(COLUMN))


def export_noted(w: Work, what: str, shown: Collection[str] = ()) -> Export:
    """Note that whoever works takes a file out of the store; its mark, which the file is to carry.

    Parameters
    ----------
    w
        Of whoever takes it.
    what
        Of :data:`EXPORTS`.
    shown
        Accounts that the file names, where a person is to find in his copy that it did: at most 100,000.
    """
    purpose = EXPORTS[what]
    head = w.row(sa.select(audit_heads.c.number, audit_heads.c.hash))
    assert head is not None, "a store has a head of its audit"
    detail = {"purpose": purpose, "audit_number": head["number"]} | (
        {"accounts": len(shown)} if shown else {}
    )
    w.note("export.give", f"export:{what}", detail, shown=shown)
    return Export(what, w.actor.actor_id, instant_text(w.now_us), purpose, head["number"], head["hash"])
