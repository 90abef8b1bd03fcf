"""Letters about cuts that a customer's own request, or his taking it back, makes untrue: told anew, or corrected."""

from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from typing import Any

from limitkeeper.app.limits import cancelled, lenders_ahead, limit_now_cents, requests_ahead
from limitkeeper.app.notice_policy import NoticePolicy
from limitkeeper.app.notices import is_known, notice_withdrawn
from limitkeeper.app.plans import planned_again
from limitkeeper.app.told import Told, entries_of_rows, kind_of_cut, trace_of, with_requests
from limitkeeper.core.limits.changes import Foretold, Step, foretold
from limitkeeper.core.limits.ledger import CLOSE
from limitkeeper.store.case_tables import cases
from limitkeeper.store.notice_tables import notices
from limitkeeper.store.work import Work

Tell = Callable[[Work, Told], str]
"""Writes a notice; its id."""

TOLD_ANEW = "told anew"
"""Why an entry was cancelled, and a notice withdrawn, in whose place another tells what is so now."""

TOLD_OF_CUTS = ("limit_decreased", "limit_decreased_in_steps")


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
    cuts = [
        row for row in lenders_ahead(w, account_id) if row["action"] != CLOSE and row["case_id"] is not None
    ]
    for case_id, found in groupby(sorted(cuts, key=lambda row: (row["case_id"], row["number"])), _case_of):
        rows = list(found)
        entries = entries_of_rows(rows)
        before, after = (foretold(limit_cents, entries, own) for own in (was, now))
        if (before.limit_before_cents, before.steps) == (after.limit_before_cents, after.steps):
            continue
        case, notice_id = w.found(cases, case_id), rows[0]["notice_id"]
        notice = None if notice_id is None else w.found(notices, notice_id)
        if notice is not None and notice["kind"] in TOLD_OF_CUTS and not is_known(w, notice):
            notice_withdrawn(w, notice, TOLD_ANEW)
            _told_anew(w, tell, policy, case, rows, limit_cents)
        else:
            tell(w, _correction(account_id, limit_cents, after))


def _case_of(row: Mapping[str, Any]) -> str:
    return str(row["case_id"])


def _told_anew(
    w: Work,
    tell: Tell,
    policy: NoticePolicy,
    case: Mapping[str, Any],
    rows: Sequence[Mapping[str, Any]],
    limit_cents: int,
) -> None:
    """Plan a cut again that nobody knows of yet, to wait for a letter that tells what is so now."""
    account_id, action = rows[0]["account_id"], rows[0]["action"]
    later_us = max(0, policy.effective_us(action, w.now_us) - rows[0]["planned_us"])
    steps = [Step(row["target_cents"], row["planned_us"] + later_us) for row in rows]
    told = Told(
        kind_of_cut(action, steps), account_id, limit_cents, steps[-1].target_cents, steps[0].effective_us,
        trace_of(w, case, account_id), steps if len(steps) > 1 else (),
    )  # fmt: skip
    notice_id = tell(w, with_requests(told, action, limit_cents, steps, requests_ahead(w, account_id)))
    for row in rows:
        cancelled(w, row["entry_id"], TOLD_ANEW)
    planned_again(w, rows, [step.effective_us for step in steps], notice_id)


def _correction(account_id: str, limit_cents: int, after: Foretold) -> Told:
    if not after.steps:
        assert after.request is not None  # what else leaves nothing of a cut
        return Told(
            "change_overtaken",
            account_id,
            limit_cents,
            after.request.target_cents,
            after.request.effective_us,
        )
    several = after.steps if len(after.steps) > 1 else ()
    return Told(
        "change_corrected", account_id, after.limit_before_cents, after.steps[-1].target_cents,
        after.steps[0].effective_us, steps=several, own_request=after.request,
    )  # fmt: skip
