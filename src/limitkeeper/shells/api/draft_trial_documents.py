"""What the OpenAPI page says of drafts that are tried."""

from typing import Any

from limitkeeper.shells.api.documents import JSON, answers, body, shown
from limitkeeper.shells.api.release_documents import HASH, HITS
from limitkeeper.shells.api.schemas import ref

SUMS = {
    "ead_cents": 81_400_000.0, "expected_loss_cents": 2_310_000.0, "economic_capital_cents": 6_900_000.0,
    "revenue_cents": 5_120_000.0, "economic_profit_cents": 1_480_000.0, "raroc": 0.31, "limit_cents": 96_000_000.0,
}  # fmt: skip

SIDE: dict[str, Any] = {
    "strategy": "standard 2026-11",
    "hash": HASH,
    "model_hash": None,
    "actions": {"none": 58, "alert": 0, "restore": 0, "decrease": 2, "freeze": 0, "close": 0},
    "rules": {"long_arrears": HITS},
    "value": {
        "accounts": 60, "before": SUMS, "after": SUMS | {"ead_cents": 80_400_000.0, "limit_cents": 95_000_000.0},
        "exposure_cut_cents": 1_000_000.0, "limit_cut_cents": 1_000_000.0,
    },
}  # fmt: skip

EXAMPLE = {
    "account_id": "a-1",
    "limit_cents": 1_000_000,
    "now": {"action": "decrease", "rule": "risk_high", "limit_after_cents": 500_000},
    "draft": {"action": "none", "rule": None, "limit_after_cents": 1_000_000},
}

TRIAL: dict[str, Any] = {
    "as_of": "2026-11-26T05:00:00+00:00",
    "accounts": 60,
    "sampled_accounts": 60,
    "now": SIDE,
    "draft": SIDE | {"strategy": "standard 2026-12"},
    "differing": 1,
    "differing_limits": 0,
    "pairs": [{"now": "decrease", "draft": "none", "accounts": 1}],
    "examples": [EXAMPLE],
}

TRY: dict[str, Any] = {
    "requestBody": body({JSON: {"schema": ref("TriedDraft"), **shown({"strategy": "name: mine\n..."})}}),
    "responses": answers(
        "What it would do, and what the strategy that decides would.", ref("DraftTrial"), TRIAL,
        404, 409, 413, 422, 429, 503,
    ),
}  # fmt: skip
