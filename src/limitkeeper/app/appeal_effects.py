"""What a granted appeal gives back: what is planned is cancelled, what is effective undone, a freeze ended."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from limitkeeper.app.case_ends import freeze_settled
from limitkeeper.app.corrections import Tell, letters_stopped
from limitkeeper.app.customer_preferences import customer_row, letter_us, owner_row, zone_of
from limitkeeper.app.due_changes import IsSuspended
from limitkeeper.app.known_notices import letters_of, newest_told_of_freeze, told_since_us
from limitkeeper.app.limits import LimitChange, cancelled, planned, undone
from limitkeeper.app.notice_policy import NoticePolicy
from limitkeeper.app.notices import is_out
from limitkeeper.app.told import Told, trace_of
from limitkeeper.core.appeal.appeals import WITHDRAWN
from limitkeeper.core.kernel.instants import instant_text
from limitkeeper.core.limits.ledger import (
    CANCELLED,
    DECREASE,
    EFFECTIVE,
    FREEZE,
    LOWERING,
    PLANNED,
    RESTORE,
    THAW,
)
from limitkeeper.store.appeal_tables import appeals
from limitkeeper.store.case_tables import cases
from limitkeeper.store.limit_tables import limit_entries, lines
from limitkeeper.store.tables import proposals
from limitkeeper.store.work import Work

APPEAL = "appeal"
"""The kind of case that an appeal leads to."""

APPEALS_OF = "appeals_of"
"""In a message to the monitor: the account whose appeals changed; whether one is open it reads when it is told."""

WHY = "appeal"
"""Why an entry was cancelled or undone."""


def of_case(case_id: sa.ColumnElement[str], decision_id: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    """Which entries of the ledger took something by a decision: its case's, or a freeze that the monitor began.

    Parameters
    ----------
    case_id, decision_id
        Of the case: columns, or parameters; what is NULL is of no entry.
    """
    own = limit_entries.c.case_id == case_id
    frozen = (limit_entries.c.decision_id == decision_id) & (limit_entries.c.action == FREEZE)
    taking = limit_entries.c.action.in_((*LOWERING, FREEZE)) & sa.not_(limit_entries.c.by_request)
    return (own | frozen) & taking & (limit_entries.c.state != CANCELLED)


_TAKEN = of_case(sa.bindparam("case_id"), sa.bindparam("decision_id"))
_GIVEN = (
    (limit_entries.c.case_id == sa.bindparam("new_case_id"))
    & (limit_entries.c.state != CANCELLED)
    & limit_entries.c.action.in_((*LOWERING, RESTORE))
)
_OF_LINE = limit_entries.c.account_id == sa.bindparam("account_id")
_TAKEN_ENTRIES = sa.select(limit_entries).where(_TAKEN, _OF_LINE).order_by(limit_entries.c.number)
_ALL_ENTRIES = sa.select(limit_entries).where(_TAKEN | _GIVEN, _OF_LINE).order_by(limit_entries.c.number)
_STANDING_APPEAL = sa.select(appeals.c.appeal_id).where(
    appeals.c.case_id == sa.bindparam("case_id"),
    appeals.c.account_id == sa.bindparam("account_id"),
    appeals.c.state != WITHDRAWN,
)
_UNDONE = sa.select(limit_entries.c.reverses).where(
    limit_entries.c.reverses.in_(sa.bindparam("entry_ids", expanding=True)),
    limit_entries.c.state != CANCELLED,
)


def adverse_entries(w: Work, case: Mapping[str, Any], account_id: str) -> list[dict[str, Any]]:
    """What a decision took of a line and still takes, or is to take: entries that are not cancelled or undone."""
    ids = {"case_id": case["case_id"], "decision_id": case["decision_id"], "account_id": account_id}
    return not_undone(w, w.rows(_TAKEN_ENTRIES, **ids))


def appealable_entries(w: Work, case: Mapping[str, Any], account_id: str) -> list[dict[str, Any]]:
    """What an appeal against a decision would be about; nothing where it took nothing, or one was brought and stands."""
    standing = w.rows(_STANDING_APPEAL, case_id=case["case_id"], account_id=account_id)
    return [] if standing else adverse_entries(w, case, account_id)


def appeal_until_us(w: Work, policy: NoticePolicy, entries: Sequence[Mapping[str, Any]]) -> int | None:
    """Until when one may appeal against what a decision took, told or over; None where it took nothing.

    The days count from the newest notice of it that says why and how to appeal, as that notice itself counts them.
    """
    if not entries:
        return None
    customer = owner_row(w, entries[0]["account_id"])
    told_us = {us for row in entries for us in _told_us(w, customer, row)}
    return max(policy.appeal_until_us(us, zone_of(customer)) for us in told_us)


def _told_us(w: Work, customer: Mapping[str, Any], entry: Mapping[str, Any]) -> list[int]:
    """When what an entry takes was told: with it, by each letter in its place, and of a freeze when it was confirmed.

    Days count from when the newest letter went out, and as long as it did not, from now: nobody's days run out untold.
    No day that a letter before named is taken back.
    """
    if entry["action"] == FREEZE:
        newest = newest_told_of_freeze(w, entry)
        letters = [] if newest is None else [newest]
    else:
        letters = [] if entry["notice_id"] is None else letters_of(w, entry["notice_id"])
    if not letters:
        return [int(entry["made_us"])]
    since_us = told_since_us(w, letters[-1]["notice_id"])
    named = [letter_us(customer, each["made_us"]) for each in letters]
    return [*named, max(named[-1], w.now_us if since_us is None else since_us)]


def appeal_until(w: Work, policy: NoticePolicy, case: Mapping[str, Any], account_id: str) -> str | None:
    """Until when one may appeal against a decision about a line, as documents tell it: also where that is over."""
    until_us = appeal_until_us(w, policy, appealable_entries(w, case, account_id))
    return None if until_us is None else instant_text(until_us)


def is_appealed(w: Work, account_id: str, case_id: str | None = None) -> bool:
    """Whether an appeal of a line is open: against the decision of one case, or any."""
    query = sa.select(appeals.c.appeal_id).where(appeals.c.account_id == account_id, appeals.c.is_live)
    if case_id is not None:
        query = query.where(appeals.c.case_id == case_id)
    return w.row(query.limit(1)) is not None


def suspended_by_appeal(policy: NoticePolicy) -> IsSuspended:
    """What tells whether a planned reduction waits for the answer to an appeal, as the market's policy has it."""

    def is_suspended(w: Work, row: Mapping[str, Any]) -> bool:
        takes = row["action"] in LOWERING and row["case_id"] is not None and not row["by_request"]
        return (
            takes and policy.appeal_suspends(w.now_us) and is_appealed(w, row["account_id"], row["case_id"])
        )

    return is_suspended


def limit_given_back_cents(w: Work, appeal: Mapping[str, Any], granted_cents: int | None) -> int:
    """The limit that a line has once an appeal is granted, as far as it changes now.

    Parameters
    ----------
    w
        The work that reads it.
    appeal
        Its row.
    granted_cents
        The limit that is granted, of a grant in part; None of a whole one.
    """
    limit_cents: int = w.found(lines, appeal["account_id"])["limit_cents"]
    whole = limit_cents + _taken_cents(_entries(w, appeal))
    return whole if granted_cents is None else max(limit_cents, min(granted_cents, whole))


def give_back(w: Work, case: Mapping[str, Any], policy: NoticePolicy, tell: Tell) -> None:
    """Carry out the approved case of a granted appeal, in the transaction of its approval.

    A line that was told of a larger cut which is not effective yet, and is granted in part, is cut less at the time
    that it was told of; where the letter of the larger cut is not out, it goes out no more, and another tells of the
    smaller one. What an earlier answer gave back in part is not given back twice.

    Parameters
    ----------
    w, case
        The transaction, and the case.
    policy, tell
        From when a cut may take effect that is told of now; writes a notice.
    """
    appeal = w.found(appeals, json.loads(case["facts"])[APPEAL])
    entries = _entries(w, appeal)
    ended = [row for row in entries if row["state"] == PLANNED]
    for row in ended:
        cancelled(w, row["entry_id"], WHY)
    letters_stopped(w, ended)  # the answer tells whoever knows of them
    _end_freezes(w, appeal, case["case_id"], [row for row in entries if row["action"] == FREEZE])
    cuts = [row for row in entries if row["action"] != FREEZE]
    if appeal["granted_limit_cents"] is not None:
        _give_back_in_part(w, appeal, case, cuts, policy, tell)
    elif appeal["new_case_id"] is None:
        for row in cuts:
            if row["state"] == EFFECTIVE:
                undone(w, row["entry_id"], WHY, w.now_us, case["case_id"])
    elif (taken := _taken_cents(cuts)) > 0:
        limit_cents = w.found(lines, appeal["account_id"])["limit_cents"]
        planned(w, _change(appeal, case["case_id"], RESTORE, limit_cents, limit_cents + taken, w.now_us))


def _entries(w: Work, appeal: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What the decision took, and what an earlier answer gave back of it."""
    ids = {name: appeal[name] for name in ("case_id", "decision_id", "new_case_id", "account_id")}
    return not_undone(w, w.rows(_ALL_ENTRIES, **ids))


def not_undone(w: Work, found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The entries that none undoes."""
    already = {row["reverses"] for row in w.rows(_UNDONE, entry_ids=[row["entry_id"] for row in found])}
    return [row for row in found if row["entry_id"] not in already]


def _taken_cents(entries: list[dict[str, Any]]) -> int:
    return -sum(int(row["delta_cents"]) for row in entries if row["state"] == EFFECTIVE)


def _change(
    appeal: Mapping[str, Any], case_id: str, action: str, limit_cents: int, target: int | None, effective_us: int,
    notice_id: str | None = None,
) -> LimitChange:  # fmt: skip
    return LimitChange(
        appeal["account_id"], action, limit_cents, target, effective_us, WHY, appeal["customer_id"], case_id=case_id,
        decision_id=appeal["decision_id"], notice_id=notice_id,
    )  # fmt: skip


def _give_back_in_part(
    w: Work, appeal: Mapping[str, Any], case: Mapping[str, Any], cuts: list[dict[str, Any]], policy: NoticePolicy,
    tell: Tell,
) -> None:  # fmt: skip
    limit_cents, target = w.found(lines, appeal["account_id"])["limit_cents"], appeal["granted_limit_cents"]
    waiting = [row for row in cuts if row["state"] == PLANNED]
    if limit_cents < target:
        planned(w, _change(appeal, case["case_id"], RESTORE, limit_cents, target, w.now_us))
    elif limit_cents > target and waiting:
        last = waiting[-1]
        when, notice_id = last["planned_us"], last["notice_id"]
        if notice_id is not None and not is_out(w, notice_id):
            customer = customer_row(w, appeal["customer_id"])
            when = max(when, policy.effective_us(DECREASE, letter_us(customer, w.now_us)))
            trace = trace_of(w, w.found(cases, appeal["case_id"]), appeal["account_id"])
            told = Told("limit_decreased", appeal["account_id"], limit_cents, target, when, trace)
            notice_id = tell(w, told)
        planned(w, _change(appeal, case["case_id"], DECREASE, limit_cents, target, when, notice_id))


def _end_freezes(w: Work, appeal: Mapping[str, Any], case_id: str, freezes: list[dict[str, Any]]) -> None:
    if not freezes:
        return
    line = w.found(lines, appeal["account_id"])
    if line["is_frozen"]:
        planned(w, _change(appeal, case_id, THAW, line["limit_cents"], None, w.now_us))
    of = proposals.c.decision_id == freezes[-1]["decision_id"]
    freeze_settled(w, case_id, appeal["account_id"], confirm=False, of=of)
