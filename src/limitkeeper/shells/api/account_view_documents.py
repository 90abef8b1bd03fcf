"""What the OpenAPI page says of the routes of what is seen of one account."""

from typing import Any

from limitkeeper.core.kernel.missing import missing_document
from limitkeeper.shells.api.documents import answers
from limitkeeper.shells.api.line_documents import ENTRY_ID
from limitkeeper.shells.api.schemas import ref

NOW: dict[str, Any] = {
    "limit_cents": 1000000,
    "ead_cents": 472000,
    "expected_loss_cents": 8920,
    "economic_capital_cents": 28320,
    "revenue_cents": 31800,
    "economic_profit_cents": 17050,
    "profit_gained_cents": 0,
    "raroc": 0.702,
}

HALF = NOW | {
    "limit_cents": 500000,
    "ead_cents": 272000,
    "expected_loss_cents": 5141,
    "economic_capital_cents": 16320,
    "revenue_cents": 22000,
    "economic_profit_cents": 12230,
    "profit_gained_cents": -5850,
    "raroc": 0.849,
}

ECONOMICS = answers(
    "The account's value.",
    ref("AccountEconomics"),
    {
        "account_id": "a-7",
        "as_of": "2026-11-22T10:12:00+00:00",
        "balance_cents": 120000,
        "is_frozen": False,
        "pd": 0.042,
        "lgd": 0.45,
        "ccf": 0.4,
        "now": NOW,
        "limits": [HALF, NOW],
        "missing": None,
    },
    404, 422, 429, 503,
)  # fmt: skip

COMPARISON = answers(
    "The account and its peers.",
    ref("AccountComparison"),
    {
        "account_id": "a-7",
        "as_of": "2026-11-22T10:12:00+00:00",
        "product": "purchase",
        "peers": {"accounts": 14210, "as_of": "2026-11-22T10:11:20+00:00"},
        "past": [
            {"days": 30, "at": "2026-10-23T10:12:00+00:00", "missing": None},
            {"days": 90, "at": "2026-08-24T10:12:00+00:00", "missing": missing_document("not_opened")},
        ],
        "features": [
            {
                "name": "utilisation",
                "unit": "ratio",
                "label": "Balance against the limit, or that before the lender's last reduction.",
                "label_zh": "余额与额度（或最近一次降额前额度）之比。",
                "now": 0.82,
                "days_30_ago": 0.41,
                "days_90_ago": None,
                "peers": {"p10": 0.02, "p25": 0.11, "p50": 0.29, "p75": 0.58, "p90": 0.88},
            }
        ],
    },
    404, 429, 503,
)  # fmt: skip

RELATIONS = answers(
    "The account's links.",
    ref("AccountRelations"),
    {
        "account_id": "a-7",
        "as_of": "2026-11-22T10:12:00+00:00",
        "refreshed_at": "2026-11-22T10:00:00+00:00",
        "linked_accounts": 1,
        "nodes": [
            {"account_id": "a-7", "hops": 0, "is_frozen": False, "is_defaulted": False, "contagion": 0.46},
            {"account_id": "a-9", "hops": 1, "is_frozen": True, "is_defaulted": True, "contagion": 0.54},
        ],
        "edges": [
            {
                "first": "a-7",
                "second": "a-9",
                "by": [
                    {"kind": "device", "shared_ids": 2, "seen_on": "2026-11-20", "declared_by": []},
                    {"kind": "guarantor", "shared_ids": 0, "seen_on": None, "declared_by": ["a-9"]},
                ],
            }
        ],
        "missing": None,
    },
    404, 429, 503,
)  # fmt: skip

NO_FIGURES: dict[str, Any] = dict.fromkeys(
    ("state", "amount_cents", "paid_cents", "days_past_due", "limit_before_cents", "limit_after_cents")
)

ITEMS: list[dict[str, Any]] = [
    {"at": "2026-11-29T09:00:01+00:00", "kind": "limit", "id": ENTRY_ID, "what": "decrease", **NO_FIGURES,
     "state": "planned", "limit_after_cents": 750000},
    {"at": "2026-11-22T09:00:00+00:00", "kind": "event", "id": "9f2c41d07be6a853", "what": "purchase", **NO_FIGURES,
     "amount_cents": 25000},
    {"at": "2026-11-20T16:00:00+00:00", "kind": "bill", "id": "644f1b2c0a000", "what": "bill", **NO_FIGURES,
     "amount_cents": 120000, "paid_cents": 12000, "days_past_due": 0},
]  # fmt: skip

TIMELINE = answers(
    "What happened.",
    ref("Timeline"),
    {"account_id": "a-7", "items": ITEMS, "next": None, "left_out": []},
    404, 422, 429, 503,
)  # fmt: skip
