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


ERASED_DETAIL = '{"erased": true}'
"""The detail of an event whose content an erasure took away; its hash stays, and holds the chain together."""

ERASURE = "rights.erase"
"""The act of an erasure's event: no other tells of events that lost their content."""

BLANKED, BLANKED_HASH = "blanked", "blanked_hash"
"""In the detail of an erasure's event: the numbers of the events that it took the content of, and what they were."""


class Blanked(NamedTuple):
    """An event without its content: its number, the hash before it, its own, and what is left: when, who, which act."""

    number: int
    before: str
    hash: str
    ts_us: int
    actor_id: str
    act: str
    subject: str


def blanked_event(event: Mapping[str, Any], before: str) -> Blanked:
    """What is held of an event whose content was taken away, as it stands then, behind the hash of the one before."""
    return Blanked(
        event["number"],
        before,
        event["hash"],
        event["ts_us"],
        event["actor_id"],
        event["act"],
        event["subject"],
    )


def told_blanked(event: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The detail of an erasure's event that tells of blanked ones; None of any other event, whatever its words say."""
    detail = event.get("detail")
    if event.get("act") != ERASURE or not isinstance(detail, str):
        return None
    try:
        said = json.loads(detail)
    except ValueError:
        return None
    return said if isinstance(said, dict) and BLANKED_HASH in said else None


def blanked_hash(events: Iterable[Blanked]) -> str:
    """What an erasure keeps of the events that it blanks, so that neither they nor those before them can be changed."""
    return hashlib.sha256(_text([list(each) for each in events]).encode()).hexdigest()


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
    blanked: dict[int, Blanked] = {}
    for event in events:
        if event["number"] != number + 1:
            return Break(number + 1, f"missing: the next one kept is {event['number']}")
        number = event["number"]
        kept = {name: value for name, value in event.items() if name != "hash"}
        if event.get("detail") == ERASED_DETAIL:
            blanked[number] = blanked_event(event, before)
        elif event_hash(before, kept) != event["hash"]:
            return Break(number, "its content or the hash before it is not what was written")
        elif problem := _accounted(event, blanked):
            return problem
        before = event["hash"]
    if blanked:
        return Break(min(blanked), "its content is gone, and no erasure says so")
    if head is not None and head != (number, before):
        return Break(number + 1, f"missing: the chain was noted to end at {head[0]}")
    return None


def _accounted(event: Mapping[str, Any], blanked: dict[int, Blanked]) -> Break | None:
    """Take those that an erasure's event tells of from the blanked ones; what is wrong where they are others."""
    said = told_blanked(event)
    if said is None:
        return None
    numbers = said.get(BLANKED, [])
    if not all(number in blanked for number in numbers):
        return Break(int(event["number"]), "it tells of an erased event whose content is there")
    if blanked_hash(blanked[number] for number in numbers) != said[BLANKED_HASH]:
        return Break(
            int(event["number"]),
            "an event that it tells of as erased, or one before, is not what was written",
        )
    for number in numbers:
        del blanked[number]
    return None
