"""Letters that came back: what is made of a report."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa

from limitkeeper.app.corrections import holds_no_more
from limitkeeper.app.notices import OUT, WAITING, WITHDRAWN
from limitkeeper.connectors.bounces import FAILED, Bounce
from limitkeeper.store.notice_tables import contacts, deliveries, notices
from limitkeeper.store.work import Work

BROKEN, GIVEN_UP, NOTED, KNOWN, UNKNOWN = "broken", "given_up", "noted", "known", "unknown"

OUTCOMES: Mapping[str, str] = {
    BROKEN: "The contact is not used again, and the next one is tried.",
    GIVEN_UP: "The letter is lost, its contact is not; the next one is tried.",
    NOTED: "The letter is delayed, which is noted.",
    KNOWN: "It was known already.",
    UNKNOWN: "There is no such letter.",
}
"""What a report leads to."""


def returned(w: Work, reports: Iterable[Bounce]) -> dict[str, int]:
    """Deal with reports of letters that came back; how many led to each of :data:`OUTCOMES`.

    Only a failure that holds for good (status 5) breaks a contact: one for now may be the server's fault. A report
    that comes twice changes nothing more.
    """
    counts = Counter(_returned(w, each) for each in reports)
    return {outcome: counts[outcome] for outcome in OUTCOMES}


def _returned(w: Work, report: Bounce) -> str:
    row = w.row(sa.select(deliveries).where(deliveries.c.delivery_id == report.letter_id))
    if row is None:
        return UNKNOWN
    is_failure = report.action == FAILED
    for_good = is_failure and report.status.startswith("5")
    if row["state"] == "bounced" or (row["state"] == "failed" and not for_good):
        return KNOWN
    if not is_failure:
        problem = f"The letter is delayed ({report.status})."
        if row["problem"] == problem:
            return KNOWN
        w.change(deliveries, report.letter_id, row["version"], {"problem": problem})
        return NOTED
    problem, state = f"The letter came back ({report.status}).", "bounced" if for_good else "failed"
    w.change(deliveries, report.letter_id, row["version"], {"state": state, "problem": problem})
    if for_good:
        contact = w.found(contacts, row["contact_id"])
        w.change(contacts, row["contact_id"], contact["version"], {"is_broken": True})
    _try_others(w, row["notice_id"])
    detail = {"channel": row["channel"], "status": report.status}
    w.note("notice.bounce", f"notice:{row['notice_id']}", detail)
    return BROKEN if for_good else GIVEN_UP


def _try_others(w: Work, notice_id: str) -> None:
    """Let a notice go out by the next contact, where it is not out by another already, and holds still."""
    notice: dict[str, Any] = w.found(notices, notice_id)
    if notice["state"] == WITHDRAWN or holds_no_more(w, notice):
        return  # nobody is sent what is so no more
    rows = w.rows(sa.select(deliveries.c.state).where(deliveries.c.notice_id == notice_id))
    if notice["state"] == OUT and any(each["state"] == "sent" for each in rows):
        return
    w.change(notices, notice_id, notice["version"], {"state": WAITING, "due_us": w.now_us})
