"""What a customer is told of a change of his line: from which limit to which, in which steps, why."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import sqlalchemy as sa

from limitkeeper.app.limits import entry_of
from limitkeeper.app.policy import LANGUAGES, reason_wording
from limitkeeper.core.limits.changes import ChangeTerms, Foretold, Step, decrease_steps, foretold
from limitkeeper.core.limits.ledger import CLOSE, PLANNED, RAISING, Entry
from limitkeeper.core.notice.reasons import Reason, reason_texts
from limitkeeper.store.campaign_tables import campaign_items
from limitkeeper.store.tables import proposals
from limitkeeper.store.work import Work

CAPS = {"line_cap", "customer_total_cap"}
"""Constraints of a decision whose cut is a duty: it is made at once, however large."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a customer is told of a line.

    Parameters
    ----------
    kind
        Of :data:`limitkeeper.core.notice.notice.KINDS`.
    account_id
        The line.
    limit_before_cents, limit_after_cents, effective_us
        What changes, and from when.
    trace
        Of the decision, where there is one: its reasons are told where the notice is adverse.
    steps
        Of a change in several.
    words
        What a person wrote.
    own_request
        The customer's own request, which comes before the change and is counted in, leaves nothing of it, or ends it.
    appeal_until_us
        Until when he may appeal at least, where an earlier letter has named a day.
    """

    kind: str
    account_id: str
    limit_before_cents: int | None
    limit_after_cents: int | None
    effective_us: int
    trace: Mapping[str, Any] = field(default_factory=dict)
    steps: Sequence[Step] = ()
    words: str = ""
    own_request: Step | None = None
    appeal_until_us: int = 0


def lowering(
    account_id: str,
    action: str,
    before_cents: int,
    after_cents: int,
    effective_us: int,
    trace: Mapping[str, Any],
    terms: ChangeTerms,
) -> tuple[Told, list[Step]]:
    """What is told of a cut that the lender decided on, and its steps: one where it closes or is a duty.

    Parameters
    ----------
    account_id, action, before_cents, after_cents, effective_us, trace
        What was decided, and from when at the earliest.
    terms
        Of steps.
    """
    if action == CLOSE or CAPS & set(trace.get("action", {}).get("constraints", [])):
        steps = [Step(after_cents, effective_us)]
    else:
        steps = decrease_steps(before_cents, after_cents, effective_us, terms)
    return replace(told_of_steps(account_id, action, before_cents, steps), trace=trace), steps


def cut_from_cents(trace: Mapping[str, Any]) -> int | None:
    """The limit before the lender's cuts as the monitor knows it, None where it knows of none."""
    found = trace.get("inputs", {}).get("limit_before_reduction_cents")
    return None if found is None else int(found)


def kind_of_cut(action: str, steps: Sequence[Step]) -> str:
    """What a cut in so many steps is told as."""
    return ("line_closed" if action == CLOSE else "limit_decreased") + ("_in_steps" if len(steps) > 1 else "")


def told_of_steps(account_id: str, action: str, before_cents: int, steps: Sequence[Step]) -> Told:
    """What is told of a change in its steps, whichever way it goes; without why."""
    several = steps if len(steps) > 1 else ()
    kind = kind_of_rise(steps) if action in RAISING else kind_of_cut(action, steps)
    return Told(kind, account_id, before_cents, steps[-1].target_cents, steps[0].effective_us, steps=several)


def kind_of_rise(steps: Sequence[Step]) -> str:
    """What a rise in so many steps is told as."""
    return "limit_restored" + ("_in_steps" if len(steps) > 1 else "")


def with_others(
    told: Told, action: str, limit_cents: int, steps: Sequence[Step], others: Sequence[Mapping[str, Any]]
) -> Told:
    """What is told of a cut where other entries are planned that lower the line too, and may come before it.

    Parameters
    ----------
    told, action
        As of :func:`lowering`.
    limit_cents, steps
        The limit now, and the steps of the cut as they are planned.
    others
        Their rows: the customer's own requests, and other decisions. A closing takes the limit to nothing, whatever it
        was: it is told as it is.
    """
    if action == CLOSE or not others:
        return told
    found = foretold(limit_cents, cut_entries(action, steps), entries_of_rows(others))
    return counted_in(told, action, found)


def counted_in(told: Told, action: str, found: Foretold) -> Told:
    """What is told of a cut, as it is foretold; of one of which nothing is left, as it was decided."""
    if not found.steps:
        return replace(told, own_request=found.request)
    several = found.steps if len(found.steps) > 1 else ()
    return replace(
        told, kind=kind_of_cut(action, found.steps), limit_before_cents=found.limit_before_cents,
        limit_after_cents=found.steps[-1].target_cents, effective_us=found.steps[0].effective_us, steps=several,
        own_request=found.request,
    )  # fmt: skip


def rising(told: Told, steps: Sequence[Step], requests: Sequence[Mapping[str, Any]]) -> Told:
    """What is told of a restoration: the steps that come before the customer's own request, which ends the rise.

    Parameters
    ----------
    told
        Of all steps.
    steps
        As they are planned.
    requests
        Rows of his own planned requests. Where one comes before every step they are told as they were decided.
    """
    if not requests:
        return told
    request = min(
        (Step(row["target_cents"], row["planned_us"]) for row in requests), key=lambda each: each[1]
    )
    coming = [step for step in steps if step.effective_us < request.effective_us] or steps
    return replace(
        told, kind=kind_of_rise(coming), limit_after_cents=coming[-1].target_cents,
        steps=coming if len(coming) > 1 else (), own_request=request,
    )  # fmt: skip


def cut_entries(action: str, steps: Sequence[Step]) -> list[Entry]:
    """Steps of a cut as entries that are planned."""
    return [Entry("", action, PLANNED, step.effective_us, step.target_cents) for step in steps]


def entries_of_rows(rows: Sequence[Mapping[str, Any]]) -> list[Entry]:
    """The entries that rows hold."""
    return [entry_of(dict(row)) for row in rows]


def trace_of(w: Work, case: Mapping[str, Any], account_id: str) -> dict[str, Any]:
    """What a case was decided on of a line: the trace of its proposal, the reasons of its item in a campaign."""
    if case["proposal_id"] is not None:
        row = w.kept(proposals, case["proposal_id"])
        found: dict[str, Any] = json.loads(row["trace"]) if row else {}
        return found
    item = w.row(
        sa.select(campaign_items.c.reasons).where(
            campaign_items.c.campaign_id == case["case_id"], campaign_items.c.account_id == account_id
        )
    )
    return {"reasons": reasons_of_codes(item["reasons"])} if item else {}


def trace_of_decision(w: Work, account_id: str, decision_id: str | None) -> dict[str, Any]:
    """The trace of a decision of the monitor about a line; empty where it proposed none of that name."""
    if decision_id is None:
        return {}
    query = sa.select(proposals.c.trace).where(
        proposals.c.account_id == account_id, proposals.c.decision_id == decision_id
    )
    row = w.row(query.limit(1))
    found: dict[str, Any] = json.loads(row["trace"]) if row else {}
    return found


@cache
def reasons_of_codes(codes: str) -> list[dict[str, str]]:
    """Reasons as a trace has them, of a JSON list of codes."""
    reasons = [Reason(code) for code in json.loads(codes)]
    texts = [reason_texts(reasons, reason_wording(language)) for language in LANGUAGES]
    return [
        {"code": each[0]["code"]}
        | {language: text["text"] for language, text in zip(LANGUAGES, each, strict=True)}
        | {f"help_{language}": text["help"] for language, text in zip(LANGUAGES, each, strict=True)}
        for each in zip(*texts, strict=True)
    ]
