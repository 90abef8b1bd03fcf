"""What the OpenAPI page says of the routes of campaigns: schemas, bodies, answers."""

from typing import Any

from limitkeeper.app.campaign_rows import ACTIONS, REFUSALS, STANDING_REASONS
from limitkeeper.app.campaign_states import CANCELLED, CANCELLING, DONE, PROPOSED, SPLIT, WORKING
from limitkeeper.core.approval.cases import END_STATES, LIVE_STATES
from limitkeeper.shells.api.case_documents import CASE_ID
from limitkeeper.shells.api.case_schemas import VERSION, page_of
from limitkeeper.shells.api.documents import JSON, answers, body, shown
from limitkeeper.shells.api.line_documents import sent
from limitkeeper.shells.api.schemas import Schema, cents, listed, moment, one_of, or_null, record, ref, value

STATES = tuple(
    dict.fromkeys((PROPOSED, *LIVE_STATES, *END_STATES, WORKING, DONE, CANCELLING, CANCELLED, SPLIT))
)
"""Those of the case, until it is approved."""

CSV, PARQUET = "text/csv", "application/vnd.apache.parquet"

LEFT_OUT_SHOWN = 100
"""Rows that are left out and told one by one."""

ACCOUNTS_LISTED_MAX = 100_000
"""Accounts of one part of a split that are listed one by one."""

COUNT = {"minimum": 0}

CAMPAIGN: dict[str, Schema] = {
    "campaign_id": ref("Id", "Of the campaign, which is its case's."),
    "name": value("string", "What it is called."),
    "items": value("integer", "Accounts.", **COUNT),
    "items_hash": value("string", "Of account, action and limits of each, in order."),
    "split_from": value("string null", "The campaign that it is a part of."),
    "planned": value("integer", "Accounts whose change is planned.", **COUNT),
    "set_aside": value("integer", "Accounts that got a case or a change of their own meanwhile.", **COUNT),
    "cancelled": value("integer", "Accounts whose change was cancelled.", **COUNT),
    "cancel_why": value("string null", "Why it was cancelled."),
    "maker_id": value("string", "Who proposed it; he does not decide on it."),
    "version": VERSION,
    "state": one_of(STATES, "Where it is; while it waits: where its case is."),
    "tier": value("integer", "On which tier its case lies.", minimum=1, maximum=3),
    "required_tier": value("integer", "The lowest tier that may decide.", minimum=1, maximum=3),
    "made_at": moment("When it was proposed."),
    "effective_not_before": or_null(moment("A time."), "Nothing takes effect before; null where nothing is said."),
}  # fmt: skip

GROUPS = listed(ref("ImpactGroup"), "The largest on top; the others together.")

BY_REASON = {"type": "object", "additionalProperties": {"type": "integer"}}

CAMPAIGN_SCHEMAS: dict[str, Schema] = {
    "Campaign": record("One decision on many accounts.", CAMPAIGN),
    "Campaigns": page_of("Campaign"),
    "WholeCampaign": record(
        "A campaign with its impact.",
        CAMPAIGN | {"impact": ref("Impact", "What it is approved with.")},
    ),
    "ImpactGroup": record(
        "Accounts that have something in common.",
        {
            "name": value("string null", "What; null where it is not known."),
            "accounts": value("integer", "How many.", **COUNT),
            "exposure_cents": cents("Balance and undrawn limit.", nullable=False),
            "cut_cents": cents("What is cut.", nullable=False),
            "raised_cents": cents("What is raised.", nullable=False),
        },
    ),
    "Impact": record(
        "What a campaign does.",
        {
            "accounts": value("integer", "How many.", **COUNT),
            "exposure_cents": cents("Balance and undrawn limit.", nullable=False),
            "cut_cents": cents("What is cut, of the limits that fall.", nullable=False),
            "raised_cents": cents("What is raised, of the limits that rise.", nullable=False),
            "cut_from_cents": cents("Limits before, of those that fall.", nullable=False),
            "limit_before_cents": cents("Limits before, in all.", nullable=False),
            "limit_after_cents": cents("Limits after, in all.", nullable=False),
            "expected_loss_change_cents": value("number null", "Of a year; null where no row tells it."),
            "expected_loss_change_known": value("integer", "Accounts of which it is known.", **COUNT),
            "economic_profit_change_cents": value("number null", "Of a year; null where no row tells it."),
            "economic_profit_change_known": value("integer", "Accounts of which it is known.", **COUNT),
            "raroc_before": value("number null", "Return on the economic capital of all; null where no row tells it."),
            "raroc_after": value("number null", "After the change; null where no row tells it or no capital is left."),
            "raroc_known": value("integer", "Accounts of which it is known.", **COUNT),
            "fairness": or_null(
                ref("FairnessScreen"), "How it treats groups; null where the server knows no protected attributes."
            ),
            "by_action": GROUPS,
            "by_segment": GROUPS,
            "by_trigger": GROUPS,
            "largest": listed(
                record(
                    "A change.",
                    {
                        "account_id": value("string", "Whose line."),
                        "action": one_of(ACTIONS, "What."),
                        "limit_before_cents": cents("Before.", nullable=False),
                        "limit_after_cents": cents("After.", nullable=False),
                        "cut_cents": cents("What is cut.", nullable=False),
                        "raised_cents": cents("What is raised.", nullable=False),
                    },
                ),
                "The largest changes, cuts first.",
            ),
            "counts": record(
                "What became of the rows: read = taken + set aside + refused. A part of a split has none.",
                {
                    "read": value("integer", "Rows.", **COUNT),
                    "taken": value("integer", "Rows that became accounts of it.", **COUNT),
                    "set_aside": BY_REASON
                    | {"description": "Rows set aside, by reason.", "x-reasons": STANDING_REASONS},
                    "refused": BY_REASON | {"description": "Rows refused, by reason.", "x-reasons": REFUSALS},
                },
            ),
        },
        optional=("counts", "fairness"),
    ),
    "CampaignRow": record(
        "A change of one account.",
        {
            "account_id": value("string", "Whose line.", maxLength=200),
            "limit_after_cents": value("integer null", "After; null where the line is closed."),
            "limit_before_cents": value("integer null", "Before; the ledger's stands before it."),
            "action": value("string null", "Without one it is read from the limits."),
            "customer_id": value("string null", "Whose, where the store does not know."),
            "balance_cents": value("integer null", "What is owed."),
            "segment": value("string null", "By what the impact is grouped."),
            "trigger": value("string null", "What led to it."),
            "reasons": value("string null", "Codes with commas."),
        },
        optional=("limit_after_cents", "limit_before_cents", "action", "customer_id", "balance_cents", "segment",
                  "trigger", "reasons"),
    ),
    "ProposedCampaign": record(
        "What rows led to, or would lead to.",
        {
            "campaign_id": value("string null", "Null where nothing is proposed."),
            "name": value("string", "What it is called."),
            "required_tier": value(
                "integer null", "The lowest tier that may decide; null without a row.", minimum=1, maximum=3
            ),
            "tier_rules": listed(value("string", "A rule of the policy."), "Why that tier."),
            "beside": or_null(
                record(
                    "Other campaigns that are counted for the tier.",
                    {
                        "campaigns": value("integer", "How many.", minimum=1),
                        "accounts": value("integer", "Of this one and of them.", **COUNT),
                        "exposure_cents": cents("Of this one and of them.", nullable=False),
                        "with": listed(value("string", "A campaign."), "The newest of them."),
                    },
                ),
                "What else its maker has put forward, and the team decides on; null where there is nothing.",
            ),
            "impact": ref("Impact"),
            "left_out": listed(
                record(
                    "A row that is left out.",
                    {
                        "row": value("integer", "Which, from 1.", minimum=1),
                        "account_id": value("string null", "Whose."),
                        "kind": one_of(("set_aside", "refused"), "How."),
                        "reason": one_of((*STANDING_REASONS, *REFUSALS), "Why."),
                    },
                ),
                f"The first {LEFT_OUT_SHOWN}.",
            ),
        },
    ),
    "Parting": record(
        "The one part of a split: by a condition, or a list.",
        {
            "where": value("string", "Such as: segment = gold.", maxLength=500),
            "accounts": listed(value("string", "An account."), "Which.") | {"maxItems": ACCOUNTS_LISTED_MAX},
        },
        optional=("where", "accounts"),
    ),
    "Parts": record(
        "What a campaign was split into.",
        {
            "campaign_id": ref("Id"),
            "parts": listed(ref("Id"), "Each waits for its own approval.") | {"minItems": 2, "maxItems": 2},
        },
    ),
}  # fmt: skip

GROUP = {"accounts": 1, "exposure_cents": 1_000_000, "cut_cents": 250_000, "raised_cents": 0}

IMPACT: dict[str, Any] = {
    **GROUP,
    "cut_from_cents": 1_000_000,
    "limit_before_cents": 1_000_000,
    "limit_after_cents": 750_000,
    "expected_loss_change_cents": None,
    "expected_loss_change_known": 0,
    "economic_profit_change_cents": None,
    "economic_profit_change_known": 0,
    "raroc_before": None,
    "raroc_after": None,
    "raroc_known": 0,
    "fairness": None,
    "by_action": [{"name": "decrease", **GROUP}],
    "by_segment": [{"name": "gold", **GROUP}],
    "by_trigger": [{"name": None, **GROUP}],
    "largest": [
        {
            "account_id": "a-7",
            "action": "decrease",
            "limit_before_cents": 1_000_000,
            "limit_after_cents": 750_000,
            "cut_cents": 250_000,
            "raised_cents": 0,
        }
    ],
    "counts": {"read": 2, "taken": 1, "set_aside": {"live_case": 1}, "refused": {}},
}

ONE: dict[str, Any] = {
    "campaign_id": CASE_ID,
    "name": "autumn",
    "items": 1,
    "items_hash": "sha256:9a31",
    "split_from": None,
    "planned": 0,
    "set_aside": 0,
    "cancelled": 0,
    "cancel_why": None,
    "maker_id": "sue",
    "version": 1,
    "state": "open",
    "tier": 2,
    "required_tier": 2,
    "made_at": "2026-11-22T09:00:00+00:00",
    "effective_not_before": None,
}

CAMPAIGNS = answers("Campaigns.", ref("Campaigns"), {"items": [ONE], "next": None}, 422, 503)

ONE_CAMPAIGN = answers("The campaign.", ref("WholeCampaign"), ONE | {"impact": IMPACT}, 404, 422, 503)

_PROPOSED = {
    "campaign_id": CASE_ID,
    "name": "autumn",
    "required_tier": 2,
    "tier_rules": ["campaign"],
    "beside": None,
    "impact": IMPACT,
    "left_out": [{"row": 2, "account_id": "a-8", "kind": "set_aside", "reason": "live_case"}],
    "fairness": None,
}

SELECT = answers(
    "A table that can be proposed.",
    value("string", "With a line of names; what limits are worth before and after, where a model tells it."),
    "account_id,limit_before_cents,limit_after_cents,balance_cents\na-7,1000000,800000,0\n",
    422, 429, 503,
    media=CSV,
)  # fmt: skip

PROPOSE: dict[str, Any] = {
    "requestBody": body(
        {
            JSON: {
                "schema": listed(ref("CampaignRow"), "Rows."),
                **shown([{"account_id": "a-7", "limit_after_cents": 750_000, "segment": "gold"}]),
            },
            CSV: {
                "schema": value("string", "With a line of names."),
                **shown("account_id,limit_after_cents\na-7,750000\n"),
            },
            PARQUET: {"schema": value("string", "A file, as the decisions of a review.", format="binary")},
        }
    ),
    "responses": answers(
        "What it would do, with dry_run; nothing is changed.",
        ref("ProposedCampaign"),
        _PROPOSED | {"campaign_id": None},
        409, 413, 422, 503,
    )
    | answers("The campaign waits.", ref("ProposedCampaign"), _PROPOSED, status=201),
}  # fmt: skip

SPLIT_CAMPAIGN: dict[str, Any] = {
    "requestBody": sent("Parting", {"where": "segment = gold"}),
    "responses": answers(
        "The parts.",
        ref("Parts"),
        {"campaign_id": CASE_ID, "parts": ["7" + CASE_ID[1:], "8" + CASE_ID[1:]]},
        404, 409, 412, 413, 422, 428, 503,
    ),
}  # fmt: skip

CANCEL_CAMPAIGN: dict[str, Any] = {
    "requestBody": sent("Why", {"why": "The board said no."}),
    "responses": answers(
        "The campaign.",
        ref("WholeCampaign"),
        ONE | {"state": "cancelled", "cancel_why": "The board said no.", "version": 2, "impact": IMPACT},
        404, 409, 413, 422, 503,
    ),
}  # fmt: skip
