"""Whether a customer may know of a notice, since when he is told, and how one that holds no more is stopped."""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from limitkeeper.app.notices import INBOX, OUT, WITHDRAWN, anew_id, notice_content, settled
from limitkeeper.connectors.sealing import Seal
from limitkeeper.core.behaviour.events import NEVER_US
from limitkeeper.core.limits.ledger import FREEZE
from limitkeeper.store.limit_tables import limit_entries
from limitkeeper.store.notice_tables import deliveries, notices
from limitkeeper.store.work import Work

SHOWN = "shown"
"""The state of a delivery of the inbox: its customer saw the notice there."""

IS_KNOWN = sa.or_(
    notices.c.state == OUT,
    notices.c.read_us.is_not(None),
    sa.exists().where(deliveries.c.notice_id == notices.c.notice_id),
)
"""Of which notices their customers may know: they went out, or were tried, or shown or read in the inbox."""

_KNOWN = sa.select(notices.c.notice_id).where(notices.c.notice_id == sa.bindparam("notice_id"), IS_KNOWN)
_SEEN = sa.select(deliveries.c.delivery_id).where(
    deliveries.c.notice_id == sa.bindparam("notice_id"), deliveries.c.contact_id == INBOX
)
_SENT_US = (
    sa.select(sa.func.max(deliveries.c.tried_us))
    .where(deliveries.c.notice_id == notices.c.notice_id, deliveries.c.state == "sent")
    .scalar_subquery()
)
_TOLD_US = sa.select(sa.func.coalesce(_SENT_US, notices.c.out_us).label("us")).where(
    notices.c.notice_id == sa.bindparam("notice_id"), notices.c.state == OUT
)
TOLD_OF_FREEZES = ("line_frozen", "freeze_confirmed")

_NEXT_FREEZE_US = (
    sa.select(sa.func.min(limit_entries.c.made_us))
    .where(
        limit_entries.c.account_id == sa.bindparam("account_id"), limit_entries.c.action == FREEZE,
        limit_entries.c.number > sa.bindparam("number"),
    )
    .scalar_subquery()
)  # fmt: skip
_OF_FREEZE = (
    sa.select(notices)
    .where(
        notices.c.account_id == sa.bindparam("account_id"), notices.c.kind.in_(TOLD_OF_FREEZES),
        notices.c.state != WITHDRAWN, notices.c.made_us >= sa.bindparam("made_us"),
        notices.c.made_us < sa.func.coalesce(_NEXT_FREEZE_US, NEVER_US),
    )
    .order_by(notices.c.made_us.desc())
    .limit(1)
)  # fmt: skip
_TRIED = sa.select(deliveries).where(
    deliveries.c.notice_id == sa.bindparam("notice_id"), deliveries.c.contact_id != INBOX
)


def told_of(w: Work, entry_id: str, notice_id: str) -> None:
    """Keep which notice told of a change that does not wait for it."""
    w.note("limit.tell", f"entry:{entry_id}", {"notice": notice_id})


def newest_told_of_freeze(w: Work, entry: Mapping[str, Any]) -> dict[str, Any] | None:
    """The newest notice of a freeze, by its entry: that it began, or was confirmed; None where none was written."""
    found = w.rows(
        _OF_FREEZE, account_id=entry["account_id"], number=entry["number"], made_us=entry["made_us"]
    )
    return found[0] if found else None


def letters_of(w: Work, notice_id: str) -> list[dict[str, Any]]:
    """A notice, and those that were written in its place one after the other; the last one is the newest."""
    found = []
    while (row := w.kept(notices, notice_id)) is not None:
        found.append(row)
        notice_id = anew_id(notice_id)
    return found


def is_known(w: Work, notice_id: str) -> bool:
    """Whether its customer may know a notice: see :data:`IS_KNOWN`."""
    return bool(w.rows(_KNOWN, notice_id=notice_id))


def told_since_us(w: Work, notice_id: str) -> int | None:
    """Since when a customer is told by a notice that is out; None where it is not.

    One that came back and went out by another way counts from the letter that did not come back.
    """
    found = w.rows(_TOLD_US, notice_id=notice_id)
    return int(found[0]["us"]) if found else None


def tries_carried(w: Work, notice_id: str, new_id: str) -> None:
    """Let a notice go on where the one that it stands for is in its ways to the customer, so that they come to an end."""
    for row in w.rows(_TRIED, notice_id=notice_id):
        w.add(deliveries, row | {
            "delivery_id": f"{new_id}{row['contact_id']}", "notice_id": new_id, "version": 1,
        })  # fmt: skip


def shown_to_customer(w: Work, notice_ids: Sequence[str]) -> None:
    """Keep that notices were shown to whoever looks, where that is the customer himself and they were not known.

    Reading one is more than this, and is marked by itself.
    """
    if not w.actor.customer_id:
        return
    unknown = sa.select(notices).where(
        notices.c.notice_id.in_(notice_ids), notices.c.customer_id == w.actor.customer_id, sa.not_(IS_KNOWN)
    )
    for row in w.rows(unknown.order_by(notices.c.notice_id).with_for_update()):
        if is_known(w, row["notice_id"]):  # since: by another look, or a letter
            continue
        w.add(deliveries, {
            "delivery_id": f"{row['notice_id']}{INBOX}", "notice_id": row["notice_id"], "contact_id": INBOX,
            "channel": INBOX, "state": SHOWN, "attempts": 1, "tried_us": w.now_us, "problem": None, "version": 1,
        })  # fmt: skip
        # A newer version, so that whoever saw it unknown does not withdraw it.
        w.change(notices, row["notice_id"], row["version"], {"due_us": row["due_us"]})


def inbox(w: Work, seal: Seal, customer_id: str, count: int = 50) -> list[dict[str, Any]]:
    """A customer's notices, the newest first; that they were looked at is kept, and that he saw them where it is he."""
    query = sa.select(notices).where(notices.c.customer_id == customer_id, notices.c.state != WITHDRAWN)
    rows = w.rows(query.order_by(notices.c.made_us.desc(), notices.c.notice_id).limit(count))
    w.note("notice.list", f"customer:{customer_id}", {"count": len(rows)})
    shown_to_customer(w, [row["notice_id"] for row in rows])
    found = []
    for row in rows:
        notice = notice_content(row, seal)
        found.append({name: row[name] for name in ("notice_id", "account_id", "kind", "made_us", "read_us")}
                     | {"subject": notice.subject, "paragraphs": list(notice.paragraphs)})  # fmt: skip
    return found


def notice_stopped(w: Work, notice: Mapping[str, Any], why: str) -> None:
    """Let a notice go out no more that holds no more; one that its customer has not seen is not shown either.

    Raises
    ------
    ConflictError
        When it was tried or shown since it was seen.
    """
    if notice["state"] in (OUT, WITHDRAWN):
        return
    notice_id = notice["notice_id"]
    if notice["read_us"] is not None or w.rows(_SEEN, notice_id=notice_id):
        settled(w, notice, OUT)  # he has it in the inbox
        return
    w.change(notices, notice_id, notice["version"], {"state": WITHDRAWN, "due_us": None})
    w.note("notice.withdraw", f"notice:{notice_id}", {"why": why})
