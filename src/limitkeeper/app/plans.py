"""Planned changes that gave way to another decision, and come back: always by new entries."""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from limitkeeper.app.evidence import kept
from limitkeeper.app.limits import entry_row, line_row
from limitkeeper.core.limits.ledger import CANCELLED, RAISING
from limitkeeper.store.limit_tables import limit_entries, lines
from limitkeeper.store.work import Work


def replaced_by(case_id: str) -> str:
    """Why an entry was cancelled that gave way to the decision of a case."""
    return f"replaced by case {case_id}"


def restoration_replaced(w: Work, account_id: str, case_ids: Sequence[str]) -> list[dict[str, Any]]:
    """The steps of a restoration that gave way to the decisions of cases, in the order of planning."""
    query = sa.select(limit_entries).where(
        limit_entries.c.account_id == account_id,
        limit_entries.c.state == CANCELLED,
        limit_entries.c.action.in_(RAISING),
        limit_entries.c.cancelled_why.in_([replaced_by(each) for each in case_ids]),
    )
    return w.rows(query.order_by(limit_entries.c.number))


AS_BEFORE = (
    "target_cents", "why", "until_us", "case_id", "decision_id", "by_request", "is_assessed", "wait_us",
)  # fmt: skip
"""What an entry that comes back has of the one that it stands for."""


def planned_again(
    w: Work, rows: Sequence[Mapping[str, Any]], moments_us: Sequence[int], notice_id: str
) -> list[str]:
    """Plan entries again that were cancelled, each from its moment and after a notice; the ids of the new ones.

    Raises
    ------
    ConflictError
        When the line was changed at the same time.
    """
    account_id = rows[0]["account_id"]
    line, ids = line_row(w, account_id), list[str]()
    assert line is not None  # it has these entries
    for place, (row, moment_us) in enumerate(zip(rows, moments_us, strict=True), start=1):
        new = entry_row(w, account_id, line["entries"] + place, row["action"], moment_us)
        new |= {name: row[name] for name in AS_BEFORE} | {"notice_id": notice_id}
        w.add(limit_entries, new)
        detail = {"entry": new["entry_id"], "action": row["action"], "again": row["entry_id"]}
        w.note("limit.plan", f"account:{account_id}", detail | kept(("entry", new)))
        ids.append(new["entry_id"])
    w.change(lines, account_id, line["version"], {"entries": line["entries"] + len(ids)})
    return ids
