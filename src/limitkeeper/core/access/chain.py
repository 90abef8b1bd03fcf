"""The chain of audit events: each one's hash covers the one before, so that an edit, a deletion or another order shows.

``hash[n] = SHA-256(hash[n-1] || canonical JSON of event n)``, with 64 zeros before the first.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

FIRST_HASH = "0" * 64


_text = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode


def event_hash(before: str, event: Mapping[str, Any]) -> str:
    """The hash of an audit event behind the one before it, 64 hexadecimal digits.

    Parameters
    ----------
    before
        Hash of the event before, :data:`FIRST_HASH` where there is none.
    event
        Everything that is kept of it but its hash.

    Examples
    --------
    >>> event_hash(FIRST_HASH, {"number": 1, "act": "case.approve"})[:16]
    'ff09c8728318f870'
    """
    text = _text(event)
    return hashlib.sha256(before.encode() + text.encode()).hexdigest()


class Break(NamedTuple):
    """Where a chain does not hold, and how."""

    number: int
    problem: str


def first_break(events: Iterable[Mapping[str, Any]], head: tuple[int, str] | None = None) -> Break | None:
    """The first place where a chain does not hold, None where it holds.

    Parameters
    ----------
    events
        With ``number`` and ``hash``, in order of their numbers from 1.
    head
        Number and hash of the last event as they were noted elsewhere; without it a cut end is not seen.
    """
    number, before = 0, FIRST_HASH
    for event in events:
        if event["number"] != number + 1:
            return Break(number + 1, f"missing: the next one kept is {event['number']}")
        number = event["number"]
        kept = {name: value for name, value in event.items() if name != "hash"}
        if event_hash(before, kept) != event["hash"]:
            return Break(number, "its content or the hash before it is not what was written")
        before = event["hash"]
    if head is not None and head != (number, before):
        return Break(number + 1, f"missing: the chain was noted to end at {head[0]}")
    return None
