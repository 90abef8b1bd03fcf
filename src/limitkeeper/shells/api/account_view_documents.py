"""What the OpenAPI page says of the routes of what is seen of one account."""

from typing import Any

from limitkeeper.shells.api.documents import answers
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
