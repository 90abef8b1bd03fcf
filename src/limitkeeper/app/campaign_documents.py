"""Campaigns as JSON, the same for the command line and HTTP."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from limitkeeper.app.approval_policy import ApprovalPolicy
from limitkeeper.app.campaign_beside import put_forward_beside
from limitkeeper.app.campaign_parts import opening_of, put_forward_before
from limitkeeper.app.campaign_states import PROPOSED
from limitkeeper.app.campaigns import Proposal
from limitkeeper.core.kernel.instants import day_of, instant_text
from limitkeeper.store.campaign_tables import campaigns
from limitkeeper.store.case_tables import cases
from limitkeeper.store.work import MissingError, Work

CAMPAIGN_FIELDS = (
    "campaign_id", "name", "items", "items_hash", "split_from", "planned", "set_aside", "cancelled", "cancel_why",
    "maker_id", "version",
)  # fmt: skip
"""What is told of a campaign as it is kept."""


def campaign_query() -> sa.Select[Any]:
    """Campaigns with the state of their cases."""
    return sa.select(campaigns, cases.c.state.label("case_state"), cases.c.tier, cases.c.required_tier).join(
        cases, cases.c.case_id == campaigns.c.campaign_id
    )


def campaign_document(row: Mapping[str, Any]) -> dict[str, Any]:
    """A campaign as JSON: one that is proposed is in the state of its case."""
    found = {name: row[name] for name in CAMPAIGN_FIELDS}
    return found | {
        "state": row["case_state"] if row["state"] == PROPOSED else row["state"],
        "tier": row["tier"],
        "required_tier": row["required_tier"],
        "made_at": instant_text(row["made_us"]),
        "effective_not_before": instant_text(row["earliest_us"]) if row["earliest_us"] else None,
    }


def whole_campaign_document(w: Work, campaign_id: str) -> dict[str, Any]:
    """A campaign with its impact.

    Raises
    ------
    MissingError
        When there is no such campaign.
    """
    row = w.row(campaign_query().where(campaigns.c.campaign_id == campaign_id))
    if row is None:
        raise MissingError("There is no such campaign.", value=campaign_id)
    return campaign_document(row) | {"impact": json.loads(row["impact"])}


def proposal_document(
    w: Work, campaign_id: str | None, proposal: Proposal, policy: ApprovalPolicy
) -> dict[str, Any]:
    """What a table would lead to as a campaign, or led to, and which tier decides; without an id nothing is proposed."""
    taken, impact = proposal.taken, proposal.impact
    told: dict[str, Any] = {"required_tier": None, "tier_rules": [], "beside": None}
    if not taken.items.is_empty():
        tier, rules, facts = _required(w, campaign_id, proposal, policy)
        told = {"required_tier": tier, "tier_rules": list(rules), "beside": _beside_document(facts)}
    return {"campaign_id": campaign_id, "name": proposal.name, **told, "impact": impact}


def _required(
    w: Work, campaign_id: str | None, proposal: Proposal, policy: ApprovalPolicy
) -> tuple[int, Sequence[str], Mapping[str, Any]]:
    """Which tier decides on a campaign, and why, and the facts of its case: as that has it, or as it would."""
    if campaign_id is not None:
        case = w.found(cases, campaign_id)
        return case["required_tier"], json.loads(case["tier_rules"]), json.loads(case["facts"])
    items, impact = proposal.taken.items, proposal.impact
    whole = put_forward_before(w, items, impact, policy)
    beside = put_forward_beside(w, items, impact, policy, whole)
    opening = opening_of(w, impact, policy, whole=whole, beside=beside)
    return *policy.tier_of_all(opening.tier_facts(), day_of(w.now_us)), opening.facts


def _beside_document(facts: Mapping[str, Any]) -> dict[str, Any] | None:
    """What a campaign is counted with that its maker has put forward beside it; None where there is none."""
    if "beside_tier" not in facts:
        return None
    names = ("campaigns", "accounts", "exposure_cents")
    return {name: facts[f"beside_{name}"] for name in names} | {"with": facts["beside_with"].split()}
