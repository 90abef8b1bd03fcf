"""Cases, mandates and audit events as JSON, the same for the command line and HTTP."""

import json
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from limitkeeper.app.approval_policy import ApprovalPolicy
from limitkeeper.app.case_lines import as_line_is
from limitkeeper.app.case_words import opened_text, opened_words
from limitkeeper.app.cases import case_of, terms_in_force, times_sent_back
from limitkeeper.app.evidence import shown_detail
from limitkeeper.app.freezes import SETTLED_ACTS
from limitkeeper.app.mandates import concerned
from limitkeeper.connectors.sealing import Seal
from limitkeeper.core.approval.cases import LIVE_STATES, deciders, offered_acts
from limitkeeper.core.approval.seats import Seats
from limitkeeper.core.behaviour.events import NEVER_US
from limitkeeper.core.kernel.instants import instant_text
from limitkeeper.store.case_tables import case_acts, cases
from limitkeeper.store.work import Work

CASE_FIELDS = (
    "case_id", "kind", "account_id", "customer_id", "action", "limit_before_cents", "limit_after_cents",
    "exposure_cents", "proposal_id", "decision_id", "state", "tier", "required_tier", "maker_id", "claimed_by",
    "clock", "outcome", "version",
)  # fmt: skip
"""What is told of a case as it is kept."""


def case_document(row: dict[str, Any]) -> dict[str, Any]:
    """A case as JSON, without what people wrote: that is told where one case is looked at, and the look is kept."""
    found = {name: row[name] for name in CASE_FIELDS} | {"is_live": bool(row["is_live"])}
    found |= {name: json.loads(row[name]) for name in ("facts", "tier_rules", "recused")}
    found["votes"] = [
        {"person_id": person, "mandate_of": holder, "choice": choice}
        for person, holder, choice, _ in json.loads(row["votes"])
    ]
    return found | {"opened_at": instant_text(row["opened_us"]), "due_at": instant_text(row["due_us"])}


def whole_case_document(w: Work, seal: Seal, case_id: str) -> dict[str, Any]:
    """A case with everything that was done and said on it, in order; that it was looked at is kept.

    Of a customer who was erased, words are empty.

    Raises
    ------
    MissingError
        When there is no such case.
    """
    row = w.found(cases, case_id)
    w.note("case.look", f"case:{case_id}")
    query = sa.select(case_acts).where(case_acts.c.case_id == case_id).order_by(case_acts.c.version)
    acts = [
        {
            "at": instant_text(each["ts_us"]),
            "by": each["actor_id"],
            "words": opened_words(seal, each["words"], row),
        }
        | {name: each[name] for name in ("act", "state", "tier", "version")}
        for each in w.rows(query)
    ]
    said = [opened_words(seal, words, row) for *_, words in json.loads(row["votes"])]
    found = case_document(row)
    votes = [vote | {"words": words} for vote, words in zip(found["votes"], said, strict=True)]
    return found | {"votes": votes, "acts": acts}


def case_offers_document(w: Work, case_id: str, policy: ApprovalPolicy) -> dict[str, Any]:
    """Who may decide on a case now, and what whoever looks may do with it or why not, as JSON.

    Raises
    ------
    MissingError
        When there is no such case.
    """
    row, terms = w.found(cases, case_id), terms_in_force(w, policy)
    case = replace(as_line_is(w, row, case_of(row), terms), sent_back=times_sent_back(w, case_id))
    able = deciders(case, terms, w.now_us) if case.state in LIVE_STATES else {}
    offers = offered_acts(case, w.actor, terms, w.now_us)
    return {
        "case_id": case_id,
        "deciders": [{"person_id": name, "mandate_of": holder} for name, holder in sorted(able.items())],
        "quorum": terms.quorum,
        "acts": [
            {
                "act": act.replace("_", "-"),
                "needs_words": needs_words,
                "is_allowed": refusal is None,
                "rule": refusal and refusal.rule,
                "why_not": refusal and refusal.problem,
                "why_not_zh": refusal and refusal.chinese,
            }
            for act, needs_words, refusal in offers
        ],
    }


def mandate_document(row: dict[str, Any], seats: Seats) -> dict[str, Any]:
    """A mandate as JSON, with what of it waits for a second member; of those who sit now some may confirm it."""
    names = ("mandate_id", "person_id", "tier", "cut_cents_max", "exposure_cents_max", "version")
    found = {name: row[name] for name in names} | {"actions": json.loads(row["actions"])}
    return found | period_document(row) | pending_document(row, seats)


def absence_document(row: dict[str, Any], seats: Seats) -> dict[str, Any]:
    """An absence as JSON, with what of it waits for a second member; of those who sit now some may confirm it."""
    names = ("absence_id", "person_id", "deputy_id", "version")
    return {name: row[name] for name in names} | period_document(row) | pending_document(row, seats)


def pending_document(row: dict[str, Any], seats: Seats) -> dict[str, Any]:
    """What waits, who asked for it, and who may confirm it or decline it."""
    waits = row["pending"] is not None
    able = sorted(seats.confirmers(row["asked_by"], concerned(row))) if waits else []
    return {"pending": row["pending"], "asked_by": row["asked_by"], "may_confirm": able}


def period_document(row: dict[str, Any]) -> dict[str, Any]:
    """From when, and until when; null without an end."""
    ends = None if row["to_us"] >= NEVER_US else instant_text(row["to_us"])
    return {"from_at": instant_text(row["from_us"]), "to_at": ends}


def audit_event_document(row: dict[str, Any], seal: Seal | None = None) -> dict[str, Any]:
    """An audit event as JSON; words on a customer stay sealed where there is no seal."""
    detail = shown_detail(json.loads(row["detail"]))
    if seal is not None and row["act"] in SETTLED_ACTS:
        detail["words"] = opened_text(seal, detail["words"], row["subject"], detail["customer"])
    return {"number": row["number"], "at": instant_text(row["ts_us"]), "actor_id": row["actor_id"], "act": row["act"],
            "subject": row["subject"], "detail": detail, "hash": row["hash"]}  # fmt: skip
