"""Data that a granted appeal puts right: told to the monitor as events, in the event contract's own form."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from limitkeeper.app.limits import ENGINE_TOPIC
from limitkeeper.connectors.messages import read_each
from limitkeeper.core.behaviour.events import CORRECTING_KINDS
from limitkeeper.core.kernel.errors import InputError
from limitkeeper.store.work import Work

CORRECTIONS_MAX = 24
"""Of one appeal."""


def corrections_sent(w: Work, row: Mapping[str, Any], corrections: Sequence[Mapping[str, Any]]) -> None:
    """Tell the monitor what is put right, once: the events' ids are the appeal's.

    Parameters
    ----------
    w
        The work that it belongs to.
    row
        Of the appeal.
    corrections
        Each an event without ids: ``kind`` of :data:`CORRECTING_KINDS`, ``ts`` of the event that it puts right, and
        for a bill what a bill has.

    Raises
    ------
    InputError
        When there are too many, or one is no such event; it is told which and why.
    """
    if len(corrections) > CORRECTIONS_MAX:
        raise InputError("There are too many corrections.", value=len(corrections), allowed=CORRECTIONS_MAX)
    events = [
        dict(each) | {"event_id": f"appeal-{row['appeal_id']}-{number}", "account_id": row["account_id"]}
        for number, each in enumerate(corrections, start=1)
    ]
    for number, event in enumerate(events, start=1):
        if event.get("kind") not in CORRECTING_KINDS:
            raise InputError(
                f"Correction {number} puts nothing right.",
                value=event.get("kind"),
                allowed=", ".join(CORRECTING_KINDS),
            )
    read = read_each([msgspec.json.encode(event) for event in events])
    if read.rejected.height:
        first = read.rejected.row(0, named=True)
        raise InputError(f"Correction {first['row'] + 1} is no event.", value=first["reason"])
    for event in events:
        w.send(ENGINE_TOPIC, row["appeal_id"], event)
    w.note(
        "appeal.correct",
        f"appeal:{row['appeal_id']}",
        {"kinds": json.dumps([each["kind"] for each in events])},
    )
