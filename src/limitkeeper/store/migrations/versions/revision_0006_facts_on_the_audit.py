"""The audit knows every notice, appeal, request, consent and entry; those from before as they stand now."""

import base64
import json
import time
from collections.abc import Iterator
from itertools import islice
from typing import Any

import sqlalchemy as sa
from alembic import op

from limitkeeper.core.access.chain import event_hash
from limitkeeper.core.access.evidence import row_hash

revision = "0006"
down_revision = "0005"

MARK_BYTES, ROWS_AT_ONCE = 16, 10_000

MARKED = {
    "entry": ("limit_entries", """entry_id account_id number action target_cents planned_us until_us wait_us by_request
              reverses case_id decision_id notice_id why made_us""", None),
    "notice": ("notices", "notice_id account_id kind language made_us", None),
    "notice_out": ("notices", "notice_id out_us", "out_us"),
    "notice_read": ("notices", "notice_id read_us", "read_us"),
    "appeal_act": ("appeal_acts", "appeal_id version ts_us act words state tier", None),
    "request_act": ("rights_acts", "request_id version ts_us act outcome state", None),
}  # fmt: skip
"""Kinds that do not change, as they were hashed at this revision: table, columns, and which one makes it a fact."""

KEPT = {
    "appeal": ("appeals", 1, """appeal_id case_id account_id customer_id action limit_before_cents limit_after_cents
               cut_cents exposure_cents decision_id rule reasons model state tier instance submitted_us opened_us
               answer_until_us asked_us paused outcome again_until_us granted_limit_cents answered_us"""),
    "request": ("rights_requests", 1, """request_id kind customer_id state received_us answer_until_us extended_days
                answered_us verified_by"""),
    "request_words": ("rights_acts", 2, "request_id version words"),
    "consent": ("consent_acts", 1, "number customer_id scope act text_version text_hash ts_us"),
}  # fmt: skip
"""Kinds that change or may be emptied: table, how many of the columns are its key, columns."""


UNKNOWN = """-- No statement makes known to the audit what stands: `limitkeeper store upgrade` itself does.
-- Run by hand, `limitkeeper audit verify --all` tells what was written before as put in.
"""


def upgrade() -> None:
    """Let the audit know what stands; where only the statements are asked for, they say that it stays unknown."""
    from alembic import context

    if context.is_offline_mode():
        context.get_context().impl.static_output(UNKNOWN)
        return
    connection = op.get_bind()
    for kind, (table, columns, since) in MARKED.items():
        names = columns.split()
        for rows in _pages(connection, table, names, since):
            marks = b"".join(bytes.fromhex(row_hash(row, names))[:MARK_BYTES] for row in rows)
            _noted(connection, kind, {"marks": {kind: base64.b64encode(marks).decode()}, "rows": len(rows)})
    for kind, (table, keys, columns) in KEPT.items():
        names = columns.split()
        for rows in _pages(connection, table, names, None):
            held = {f"{kind}:{_key(row, names[:keys])}": row_hash(row, names) for row in rows}
            _noted(connection, kind, {"kept": held, "rows": len(rows)})


def _key(row: dict[str, Any], names: list[str]) -> str:
    return ":".join(str(row[name]) for name in names)


def _pages(
    connection: sa.Connection, table: str, names: list[str], since: str | None
) -> Iterator[list[dict[str, Any]]]:
    of = sa.table(table, *map(sa.column, names))
    query = sa.select(of) if since is None else sa.select(of).where(of.c[since].is_not(None))
    found = connection.execute(query).mappings()
    while rows := [dict(row) for row in islice(found, ROWS_AT_ONCE)]:
        yield rows


def _noted(connection: sa.Connection, kind: str, detail: dict[str, Any]) -> None:
    """Chain an event behind the last one."""
    head = connection.execute(sa.text("SELECT number, hash FROM audit_heads")).one()
    event = {
        "number": head.number + 1, "ts_us": time.time_ns() // 1_000, "actor_id": "system", "act": "evidence.adopt",
        "subject": f"kind:{kind}", "detail": json.dumps(detail, sort_keys=True),
    }  # fmt: skip
    event["hash"] = event_hash(head.hash, event)
    events = sa.table("audit_events", *map(sa.column, event))
    connection.execute(events.insert().values(event))
    change = sa.text("UPDATE audit_heads SET number = :number, hash = :hash")
    connection.execute(change, {"number": event["number"], "hash": event["hash"]})
