"""Campaigns as JSON, the same for the command line and HTTP."""

import json
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from limitkeeper.app.campaign_states import PROPOSED
from limitkeeper.core.kernel.instants import instant_text
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
