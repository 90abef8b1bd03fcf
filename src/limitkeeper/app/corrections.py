"""Letters that what came later makes untrue: stopped where they are not out, written anew, or corrected by another."""

from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from typing import Any

import sqlalchemy as sa

from limitkeeper.app.customer_preferences import letter_us, owner_row
from limitkeeper.app.known_notices import (
    TOLD_OF_FREEZES,
    is_known,
    newest_told_of_freeze,
    notice_stopped,
    told_of,
    tries_carried,
)
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
from limitkeeper.app.told import Told, entries_of_rows, kind_of_cut, trace_of, trace_of_decision, with_others
from limitkeeper.core.limits.changes import Foretold, Step, foretold, old_limit_cents
from limitkeeper.core.limits.ledger import (
    CANCELLED,
    CLOSE,
    EFFECTIVE,
    FREEZE,
    FREEZING,
    LOWERING,
    PLANNED,
    RAISING,
    RESTORE,
    THAW,
)
from limitkeeper.store.case_tables import cases
from limitkeeper.store.limit_tables import limit_entries
from limitkeeper.store.notice_tables import notices
from limitkeeper.store.work import Work

Tell = Callable[[Work, Told], str]
"""Writes a notice; its id."""

TOLD_ANEW = "told anew"
"""Why an entry was cancelled, and a notice withdrawn, in whose place another tells what is so now."""

CHANGE_CANCELLED = "the change was cancelled"
"""Why a notice was withdrawn that tells of a change which does not come."""

FREEZE_TOLD_OTHERWISE = "the freeze is over, or was confirmed since"
"""Why a notice of a freeze was withdrawn that would go out late."""

TOLD_OF_CUTS = ("limit_decreased", "limit_decreased_in_steps")

_BY_NOTICE = (
    sa.select(limit_entries)
    .where(
        limit_entries.c.account_id == sa.bindparam("account_id"),
        limit_entries.c.notice_id == sa.bindparam("notice_id"),
    )
    .order_by(limit_entries.c.number)
)


_FREEZES = (
    sa.select(limit_entries)
    .where(
        limit_entries.c.account_id == sa.bindparam("account_id"),
        limit_entries.c.action.in_(FREEZING),
        limit_entries.c.state != CANCELLED,
    )
    .order_by(limit_entries.c.number)
)


def entries_by_notice(w: Work, notice: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The entries of a line that a notice tells of and that wait, or waited, for it."""
    return w.rows(_BY_NOTICE, account_id=notice["account_id"], notice_id=notice["notice_id"])


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


def letter_renewed(w: Work, tell: Tell, policy: NoticePolicy, notice: Mapping[str, Any]) -> bool:
    """Write a letter anew that goes out later than on its day, of a freeze or a planned cut; whether it was.

    The new one has all the days to appeal, and a cut is planned again to wait for it, with all its days of notice. It
    goes on with the ways to its customer where the old one was, so that a way that fails comes to its end.

    Parameters
    ----------
    w
        The transaction in which the letter would go out.
    tell, policy
        Writes a notice; from when a cut may take effect that is told of now.
    notice
        Its row.
    """
    if notice["kind"] in TOLD_OF_FREEZES:
        return freeze_letter_renewed(w, tell, notice)
    found = entries_by_notice(w, notice)
    rows = [row for row in found if row["state"] == PLANNED and row["action"] in LOWERING]
    if not rows or any(row["state"] == EFFECTIVE for row in found) or rows[0]["case_id"] is None:
        return False
    notice_stopped(w, notice, TOLD_ANEW)
    limit_cents = limit_now_cents(w, rows[0]["account_id"], 0)
    new_id = _told_anew(w, tell, policy, w.found(cases, rows[0]["case_id"]), rows, limit_cents)
    tries_carried(w, notice["notice_id"], new_id)
    return True


def freeze_letter_renewed(w: Work, tell: Tell, notice: Mapping[str, Any]) -> bool:
    """Write a letter of a freeze anew that goes out late, where the freeze stands as it tells; whether it is dealt with.

    Parameters
    ----------
    w, tell, notice
        As of :func:`letter_renewed`.
    """
    account_id = notice["account_id"]
    freezes = w.rows(_FREEZES, account_id=account_id)
    begun = [row for row in freezes if row["action"] == FREEZE and row["made_us"] <= notice["made_us"]]
    if not begun:
        return False
    entry = begun[-1]
    is_over = any(row["action"] == THAW and row["number"] > entry["number"] for row in freezes)
    newer = newest_told_of_freeze(w, entry)
    notice_stopped(w, notice, FREEZE_TOLD_OTHERWISE if is_over else TOLD_ANEW)
    if is_over or (newer is not None and newer["notice_id"] != notice["notice_id"]):
        return True
    limit_cents = limit_now_cents(w, account_id, 0)
    since_us = entry["planned_us"] if entry["effective_us"] is None else entry["effective_us"]
    trace = trace_of_decision(w, account_id, entry["decision_id"])
    new_id = tell(w, Told(notice["kind"], account_id, limit_cents, limit_cents, since_us, trace))
    told_of(w, entry["entry_id"], new_id)
    tries_carried(w, notice["notice_id"], new_id)
    return True


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
            _told_anew(w, tell, policy, case, rows, limit_cents)
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


def _told_anew(
    w: Work,
    tell: Tell,
    policy: NoticePolicy,
    case: Mapping[str, Any],
    rows: Sequence[Mapping[str, Any]],
    limit_cents: int,
) -> str:
    """Plan a cut again, to wait for a letter that tells what is so now; the notice's id."""
    account_id, action = rows[0]["account_id"], rows[0]["action"]
    out_us = letter_us(owner_row(w, account_id), w.now_us)
    later_us = max(0, policy.effective_us(action, out_us) - rows[0]["planned_us"])
    steps = [Step(row["target_cents"], row["planned_us"] + later_us) for row in rows]
    told = Told(
        kind_of_cut(action, steps), account_id, limit_cents, steps[-1].target_cents, steps[0].effective_us,
        trace_of(w, case, account_id), steps if len(steps) > 1 else (),
    )  # fmt: skip
    own = {row["entry_id"] for row in rows}
    others = [row for row in planned_rows(w, account_id, LOWERING) if row["entry_id"] not in own]
    notice_id = tell(w, with_others(told, action, limit_cents, steps, others))
    for row in rows:
        cancelled(w, row["entry_id"], TOLD_ANEW)
    planned_again(w, rows, [step.effective_us for step in steps], notice_id)
    return notice_id


def _correction(account_id: str, limit_cents: int, after: Foretold) -> Told:
    if not after.steps and after.request is not None:
        request = after.request
        return Told("change_overtaken", account_id, limit_cents, request.target_cents, request.effective_us)
    several = after.steps if len(after.steps) > 1 else ()
    return Told(
        "change_corrected", account_id, after.limit_before_cents, after.steps[-1].target_cents,
        after.steps[0].effective_us, steps=several, own_request=after.request,
    )  # fmt: skip
