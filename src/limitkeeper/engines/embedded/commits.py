"""What one micro-batch writes: its journal entry, and everything that it led to."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl
import pyarrow as pa

from limitkeeper.connectors.events import id_text
from limitkeeper.core.behaviour.events import ACCEPTED, DUPLICATE
from limitkeeper.engines.embedded.findings import Findings, told
from limitkeeper.engines.embedded.outcome import Outcome
from limitkeeper.store.entries import entry_bytes
from limitkeeper.store.records import Commit


@dataclass(frozen=True, slots=True)
class Result:
    """What work on a micro-batch gave.

    Parameters
    ----------
    kind, content
        Of the journal's entry; its table is made when it is written.
    findings
        Alerts, proposals, unusual days.
    outcome
        Of events.
    rejects, letters
        Rows that were refused, and those of them that go to a dead-letter topic.
    offsets
        Next offset by ``(topic, partition)``.
    stated
        Accounts of customers: ``account_id, customer_id, segment``.
    """

    kind: str
    content: Callable[[], pl.DataFrame | pa.RecordBatch]
    findings: Findings = field(default_factory=Findings)
    outcome: Outcome | None = None
    rejects: Sequence[dict[str, Any]] = ()
    letters: Sequence[dict[str, Any]] = ()
    offsets: Mapping[tuple[str, int], int] = field(default_factory=dict)
    stated: pl.DataFrame | None = None


def commit_of(
    result: Result, sequence: int, now_us: int, topics: frozenset[str]
) -> tuple[Commit, list[dict[str, Any]]]:
    """A result as it is written, and the messages for those who listen.

    Parameters
    ----------
    result
        Of a micro-batch.
    sequence, now_us
        Its number, and the clock.
    topics
        Kinds of message that also go to the outbox.
    """
    findings, outcome = result.findings, result.outcome
    messages = list(told(findings))
    commit = Commit(
        sequence=sequence,
        kind=result.kind,
        events=0 if outcome is None else len(outcome.status),
        committed_us=now_us,
        content=entry_bytes(result.content()),
        alerts=[
            {"alert_id": alert_id} | {name: value for name, value in row.items() if name != "opened"}
            for alert_id, row in findings.alerts.items()
        ],
        seen=[row | {"which": alert_id} for alert_id, row in findings.seen.items()],
        proposals=findings.proposals,
        portfolio=findings.portfolio,
        rejects=[{name: value for name, value in row.items() if name != "row"} for row in result.rejects],
        counts=counts_of(findings, outcome, result.rejects),
        outbox=outbox_rows([*messages, *result.letters], topics, now_us),
        offsets=dict(result.offsets),
        stated=result.stated,
    )
    for message in messages:
        message["sequence"] = sequence
    return commit, messages


def stated_of_customers(accounts: pl.DataFrame) -> pl.DataFrame:
    """What accounts state of their customers: ``account_id, customer_id, segment``, where they state anything."""
    columns = {
        name: id_text(accounts[name])
        if name in accounts.columns
        else pl.Series([None] * accounts.height, dtype=pl.String)
        for name in ("account_id", "customer_id", "segment")
    }
    account, customer, segment = (pl.col(name) for name in columns)
    # PostgreSQL's text holds no NUL.
    found = pl.DataFrame(columns).with_columns(pl.all().str.replace_all("\0", "\ufffd", literal=True))
    own = pl.when(customer != account).then(customer).alias("customer_id")
    return found.with_columns(own).filter(customer.is_not_null() | segment.is_not_null())


def outbox_rows(
    messages: Iterable[Mapping[str, Any]], topics: frozenset[str], now_us: int
) -> list[dict[str, Any]]:
    """The messages of some topics as the outbox has them, due at once."""
    return [
        {
            "subject": message["subject"],
            "topic": message["topic"],
            "due_us": now_us,
            "content": json.dumps(message, ensure_ascii=False),
        }
        for message in messages
        if message["topic"] in topics
    ]


def counts_of(
    findings: Findings, outcome: Outcome | None, rejects: Sequence[dict[str, Any]]
) -> dict[tuple[str, str], int]:
    """What a micro-batch adds to the counters."""
    counts: dict[tuple[str, str], int] = {}

    def add(name: str, label: str, value: int) -> None:
        if value:
            counts[name, label] = counts.get((name, label), 0) + value

    if outcome:
        add("events", "accepted", int((outcome.status == ACCEPTED).sum()))
        add("events", "duplicate", int((outcome.status == DUPLICATE).sum()))
    add("events", "rejected", len(rejects))
    for row in rejects:
        add("rejects", row["reason"], 1)
    for row in findings.alerts.values():
        add("alerts", row["trigger"], int(row["opened"]))
    for row in findings.portfolio:
        add("portfolio_alerts", row["trigger"], 1)
    for change in findings.proposals:
        if change.row:
            add("proposals", change.row["action"], 1)
    for action, count in findings.decisions.items():
        add("decisions", action, count)
    return counts
