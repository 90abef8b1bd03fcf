"""What is written to a store, and read from it, as values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl


@dataclass(frozen=True, slots=True)
class ProposalChange:
    """What becomes of an account's open proposal.

    Parameters
    ----------
    account_id, ts_us
        Whose and when.
    status
        What the open one becomes: ``superseded`` by ``row``; a freeze also ``lapsed``, ``lifted``, ``confirmed``.
    reason
        Why, where nobody decided it.
    row
        The new proposal, if there is one.
    """

    account_id: str
    ts_us: int
    status: str
    reason: str | None = None
    row: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Commit:
    """A micro-batch as it is written, in one transaction.

    Parameters
    ----------
    sequence
        One more than that of the last.
    kind, events, committed_us, content
        The journal's entry.
    alerts, seen
        Alerts opened or grown worse, with all columns but status and sequence; those seen again, by id.
    proposals
        What becomes of proposals, in order.
    portfolio
        Days on which a trigger's rate was unusual.
    rejects
        ``source, event_id, account_id, reason``.
    counts
        What to add to counters, by ``(name, label)``.
    outbox
        ``subject, topic, content, due_us``.
    offsets
        Next offset by ``(topic, partition)``.
    stated
        Accounts that are new: ``account_id, customer_id, segment``; None where there is none.
    """

    sequence: int
    kind: str
    events: int
    committed_us: int
    content: bytes
    alerts: Sequence[dict[str, Any]] = ()
    seen: Sequence[dict[str, Any]] = ()
    proposals: Sequence[ProposalChange] = ()
    portfolio: Sequence[dict[str, Any]] = ()
    rejects: Sequence[dict[str, Any]] = ()
    counts: dict[tuple[str, str], int] = field(default_factory=dict)
    outbox: Sequence[dict[str, Any]] = ()
    offsets: dict[tuple[str, int], int] = field(default_factory=dict)
    stated: pl.DataFrame | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of the journal."""

    sequence: int
    kind: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of a message of the outbox: ``sent``, ``dead``, or ``waiting`` until it is due again."""

    id: int
    status: str
    attempts: int
    due_us: int
    error: str | None


Counts = dict[str, dict[str, int]]


def counted(counts: Counts, more: Mapping[tuple[str, str], int]) -> Counts:
    """Counts by name and label, and more of them.

    Examples
    --------
    >>> counted({"events": {"accepted": 2}}, {("events", "accepted"): 1, ("events", "duplicate"): 1})
    {'events': {'accepted': 3, 'duplicate': 1}}
    """
    found = {name: dict(by) for name, by in counts.items()}
    for (name, label), count in more.items():
        by = found.setdefault(name, {})
        by[label] = by.get(label, 0) + count
    return found
