"""Letters that what came later makes untrue: stopped where they are not out, written anew, or corrected by another."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any, Protocol

import sqlalchemy as sa

from limitkeeper.app.customer_preferences import letter_us, owner_row
from limitkeeper.app.known_notices import is_known, letters_of, notice_stopped
from limitkeeper.app.limits import (
    NOTHING_LEFT,
    cancelled,
    entries_in_effect,
    lenders_ahead,
    limit_now_cents,
    planned_rows,
    requests_ahead,
)
from limitkeeper.app.notice_policy import NoticePolicy
from limitkeeper.app.plans import planned_again
from limitkeeper.app.told import Told, entries_of_rows, rising, told_of_steps, trace_of, with_others
from limitkeeper.core.limits.changes import Foretold, Step, foretold, old_limit_cents
from limitkeeper.core.limits.ledger import (
    CANCELLED,
    CLOSE,
    EFFECTIVE,
    FREEZING,
    LOWERING,
    PLANNED,
    RAISING,
    RESTORE,
)
from limitkeeper.store.case_tables import cases
from limitkeeper.store.limit_tables import limit_entries
from limitkeeper.store.notice_tables import notices
from limitkeeper.store.work import Work


class Tell(Protocol):
    """Writes a notice, where it is so in place of another one; its id."""

    def __call__(self, w: Work, told: Told, in_place_of: str | None = None) -> str:
        """Write it in the transaction of what it tells of."""


TOLD_ANEW = "told anew"
"""Why an entry was cancelled, and a notice withdrawn, in whose place another tells what is so now."""

CHANGE_CANCELLED = "the change was cancelled"
"""Why a notice was withdrawn that tells of a change which does not come."""

TOLD_OF_CUTS = ("limit_decreased", "limit_decreased_in_steps")

_BY_NOTICE = (
    sa.select(limit_entries)
    .where(
        limit_entries.c.account_id == sa.bindparam("account_id"), limit_entries.c.notice_id.is_not(None),
        sa.or_(limit_entries.c.notice_id == sa.bindparam("notice_id"), limit_entries.c.state == EFFECTIVE),
    )
    .order_by(limit_entries.c.number)
)  # fmt: skip


def entries_by_notice(w: Work, notice: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The entries of a line that a notice tells of, and that waited for it or for one in whose place it stands."""
    own_id, found = notice["notice_id"], dict[str, bool]()
    rows = w.rows(_BY_NOTICE, account_id=notice["account_id"], notice_id=own_id)
    for named in {row["notice_id"] for row in rows}:
        found[named] = named == own_id or any(own_id == each["notice_id"] for each in letters_of(w, named))
    return [row for row in rows if found[row["notice_id"]]]


def holds_no_more(w: Work, notice: Mapping[str, Any]) -> bool:
    """Whether all that a notice tells of was cancelled."""
    found = entries_by_notice(w, notice)
    return bool(found) and all(row["state"] == CANCELLED for row in found)


def letters_stopped(w: Work, ended: Sequence[Mapping[str, Any]]) -> bool:
    """Let no letter go out any more of changes that were cancelled; whether their customer is to be told of the end.

    He is, where he may know of the changes: by a letter that is out, tried, or seen in the inbox, or that tells of other
    changes besides, which stay.

    Parameters
    ----------
    w
        The transaction in which they were cancelled.
    ended
        Their rows.
    """
    may_know = any(row["notice_id"] is None for row in ended)
    for notice_id in dict.fromkeys(row["notice_id"] for row in ended if row["notice_id"] is not None):
        notice = w.kept(notices, notice_id)
        if notice is None or not holds_no_more(w, notice):
            may_know = True
            continue
        may_know |= is_known(w, notice_id)
        notice_stopped(w, notice, CHANGE_CANCELLED)
    return may_know


def moot_told(w: Work, tell: Tell, row: Mapping[str, Any]) -> None:
    """Tell a customer that a planned change which he was told of does not come, since nothing is left to change.

    That a freeze stands or is over he was told when it began or ended; and that his own request leaves nothing of a
    change, with the request or with the change.

    Parameters
    ----------
    w
        The transaction in which its time came.
    tell
        Writes a notice.
    row
        Its entry, before it was cancelled.
    """
    is_told = row["notice_id"] is not None or row["case_id"] is not None
    if row["action"] in FREEZING or not is_told:
        return
    account_id = row["account_id"]
    changes = [each for each in entries_in_effect(w, account_id) if each.delta_cents]
    if row["notice_id"] is not None and changes and changes[-1].by_request:
        return
    limit_cents = limit_now_cents(w, account_id, 0)
    if row["action"] in RAISING:  # of the steps behind it nothing may be left either: they are told together
        for each in planned_rows(w, account_id, RAISING):
            if each["case_id"] == row["case_id"] and each["target_cents"] <= limit_cents:
                cancelled(w, each["entry_id"], NOTHING_LEFT)
    tell(w, Told("change_needless", account_id, limit_cents, limit_cents, row["planned_us"],
                 steps=still_planned(w, account_id, limit_cents)))  # fmt: skip


def letters_corrected(
    w: Work, tell: Tell, policy: NoticePolicy, account_id: str, requests: Sequence[Mapping[str, Any]]
) -> None:
    """Let what was told of each planned cut of a line be so, where its customer's own requests have changed.

    A letter that nobody knows yet is withdrawn, and another one tells of the cut, which is planned again to wait for
    it. One that is known is corrected by another.

    Parameters
    ----------
    w
        The transaction in which they changed.
    tell
        Writes a notice.
    policy
        From when a cut may take effect that is told of anew.
    account_id
        The line.
    requests
        Its customer's own planned requests before.
    """
    was, now = entries_of_rows(requests), entries_of_rows(requests_ahead(w, account_id))
    limit_cents = limit_now_cents(w, account_id, 0)
    ahead = lenders_ahead(w, account_id)
    cuts = [row for row in ahead if row["action"] != CLOSE and row["case_id"] is not None]
    for case_id, found in groupby(sorted(cuts, key=lambda row: (row["case_id"], row["number"])), _case_of):
        rows = list(found)
        entries = entries_of_rows(rows)
        others = entries_of_rows([row for row in ahead if row["case_id"] != case_id])
        before, after = (foretold(limit_cents, entries, [*others, *own]) for own in (was, now))
        if (before.limit_before_cents, before.steps) == (after.limit_before_cents, after.steps):
            continue
        case, notice_id = w.found(cases, case_id), rows[0]["notice_id"]
        notice = None if notice_id is None else w.found(notices, notice_id)
        if notice is not None and notice["kind"] in TOLD_OF_CUTS and not is_known(w, notice["notice_id"]):
            notice_stopped(w, notice, TOLD_ANEW)
            told_anew(w, tell, policy, case, rows, notice["notice_id"])
        elif after.steps or (before.steps and after.request is not None):
            tell(w, _correction(account_id, limit_cents, after))
        # Else nothing of the cut was left before, and is now.


def still_planned(w: Work, account_id: str, limit_cents: int) -> list[Step]:
    """What is planned on a line and changes its limit as it is now, each from when at the earliest."""
    old_cents = old_limit_cents(entries_in_effect(w, account_id)) or 0
    steps = []
    for row in planned_rows(w, account_id, (*LOWERING, *RAISING)):
        target_cents = row["target_cents"]
        target_cents = min(target_cents, old_cents) if row["action"] == RESTORE else target_cents
        lowers = row["action"] in LOWERING
        if target_cents < limit_cents if lowers else target_cents > limit_cents:
            steps.append(Step(target_cents, max(row["planned_us"], w.now_us)))
    return sorted(steps, key=lambda step: step.effective_us)


def _case_of(row: Mapping[str, Any]) -> str:
    return str(row["case_id"])


def told_anew(
    w: Work,
    tell: Tell,
    policy: NoticePolicy,
    case: Mapping[str, Any],
    rows: Sequence[Mapping[str, Any]],
    notice_id: str,
    appeal_until_us: int = 0,
) -> str:
    """Tell of a change as it is now, in place of another letter; what is planned waits for it. The notice's id.

    Parameters
    ----------
    w, tell, policy
        The transaction; writes a notice; from when a cut may take effect that is told of now.
    case, rows
        The decision, and what stands of it on a line: entries that are planned or effective, in their order.
    notice_id
        Of the letter that this one stands for.
    appeal_until_us
        Until when its customer may appeal at least: what was named before.
    """
    account_id, action = rows[0]["account_id"], rows[0]["action"]
    done, ahead = ([row for row in rows if row["state"] == state] for state in (EFFECTIVE, PLANNED))
    out_us = letter_us(owner_row(w, account_id), w.now_us)
    later_us = max(0, policy.effective_us(action, out_us) - ahead[0]["planned_us"]) if ahead else 0
    coming = [Step(row["target_cents"], row["planned_us"] + later_us) for row in ahead]
    told = _told_of(w, account_id, action, done, coming, {row["entry_id"] for row in ahead})
    told = replace(told, trace=trace_of(w, case, account_id), appeal_until_us=appeal_until_us)
    new_id = tell(w, told, notice_id)
    for row in ahead:
        cancelled(w, row["entry_id"], TOLD_ANEW)
    if ahead:
        planned_again(w, ahead, [step.effective_us for step in coming], new_id)
    return new_id


def _told_of(
    w: Work, account_id: str, action: str, done: Sequence[Mapping[str, Any]], coming: Sequence[Step], own: set[str]
) -> Told:  # fmt: skip
    """What is told of a change of which some steps are done and others to come, which are entries of the line."""
    limit_cents = limit_now_cents(w, account_id, 0)
    past = [Step(row["target_cents"], row["effective_us"]) for row in done]
    ahead = coming
    if coming:
        told = told_of_steps(account_id, action, limit_cents, coming)
        if action in RAISING:
            told = rising(told, coming, requests_ahead(w, account_id))
        else:
            others = [row for row in planned_rows(w, account_id, LOWERING) if row["entry_id"] not in own]
            told = with_others(told, action, limit_cents, coming, others)
        if not past:
            return told
        ahead = told.steps or [Step(told.limit_after_cents or 0, told.effective_us)]
    before_cents = done[0]["target_cents"] - done[0]["delta_cents"]
    whole = told_of_steps(account_id, action, before_cents, [*past, *ahead])
    return replace(whole, own_request=told.own_request) if coming else whole


def _correction(account_id: str, limit_cents: int, after: Foretold) -> Told:
    if not after.steps and after.request is not None:
        request = after.request
        return Told("change_overtaken", account_id, limit_cents, request.target_cents, request.effective_us)
    several = after.steps if len(after.steps) > 1 else ()
    return Told(
        "change_corrected", account_id, after.limit_before_cents, after.steps[-1].target_cents,
        after.steps[0].effective_us, steps=several, own_request=after.request,
    )  # fmt: skip
