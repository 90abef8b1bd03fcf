"""What a micro-batch found, as rows: written in its transaction, beside its entry of the journal."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from limitkeeper.store.offsets import offset_statements
from limitkeeper.store.records import Commit, ProposalChange
from limitkeeper.store.stated import add_stated
from limitkeeper.store.tables import alerts, freeze_changes, outbox, portfolio_alerts, proposals, rejects

FREEZE_STATUSES = ("confirmed", "lapsed", "lifted")
"""What the monitor says of a freeze that stands."""


def write_parts(connection: sa.Connection, commit: Commit) -> None:
    """Write what a micro-batch found, in its transaction: alerts, proposals, rejects, messages, offsets."""
    mark = {"sequence": commit.sequence}
    if commit.alerts:
        _upsert_alerts(connection, [each | mark for each in commit.alerts])
    if commit.seen:
        statement = (
            alerts.update()
            .where(alerts.c.alert_id == sa.bindparam("which"))
            .values(
                {name: sa.bindparam(name) for name in ("severity", "rules", "hits", "seen_us", "sequence")}
            )
        )
        connection.execute(statement, [each | mark for each in commit.seen])
    _write_proposals(connection, commit)
    if commit.stated is not None:
        add_stated(connection, commit.stated)
    if commit.portfolio:
        days = [each | mark for each in commit.portfolio]
        connection.execute(_insert(connection, portfolio_alerts).on_conflict_do_nothing(), days)
    if commit.rejects:
        connection.execute(rejects.insert(), [each | mark for each in commit.rejects])
    if commit.outbox:
        waiting = {"status": "waiting", "attempts": 0, "error": None}
        connection.execute(outbox.insert(), [each | waiting for each in commit.outbox])
    for offset in offset_statements(commit.offsets, is_sqlite=_is_sqlite(connection)):
        connection.execute(offset)


def _is_sqlite(connection: sa.Connection) -> bool:
    return connection.dialect.name == "sqlite"


def _insert(connection: sa.Connection, table: sa.Table) -> Any:  # noqa: ANN401 - either dialect's insert
    return (sqlite if _is_sqlite(connection) else postgresql).insert(table)


def _upsert_alerts(connection: sa.Connection, rows: list[dict[str, Any]]) -> None:
    statement = _insert(connection, alerts)
    changing = ("severity", "rules", "hits", "seen_us", "decision_id", "trace", "sequence")
    statement = statement.on_conflict_do_update(
        index_elements=["alert_id"],
        set_={name: statement.excluded[name] for name in changing} | {"status": "open"},
    )
    connection.execute(statement, [{"status": "open", **row} for row in rows])


def _write_proposals(connection: sa.Connection, commit: Commit) -> None:
    for change in commit.proposals:
        old = (
            proposals.update()
            .where(proposals.c.account_id == change.account_id, proposals.c.status.in_(("open", "confirmed")))
            .values(
                status=change.status,
                status_us=change.ts_us,
                reason=change.reason,
                sequence=commit.sequence,
            )
        )
        connection.execute(old if change.row else old.where(proposals.c.action == "freeze"))
        if change.row:
            now = {
                "status": "open",
                "status_us": change.ts_us,
                "reason": None,
                "sequence": commit.sequence,
            }
            connection.execute(
                _insert(connection, proposals).values(change.row | now).on_conflict_do_nothing()
            )
    if freezes := [each for change in commit.proposals if (each := _freeze_change(change, commit.sequence))]:
        connection.execute(freeze_changes.insert(), freezes)


def _freeze_change(change: ProposalChange, sequence: int) -> dict[str, Any] | None:
    """What a change of proposals says of a freeze, None where it says nothing."""
    row = change.row
    status = change.status if row is None else "begun" if row["action"] == "freeze" else None
    if status != "begun" and status not in FREEZE_STATUSES:
        return None
    return {"account_id": change.account_id, "ts_us": change.ts_us, "status": status, "reason": change.reason,
            "proposal_id": row["proposal_id"] if row else None, "sequence": sequence, "is_kept": False}  # fmt: skip
