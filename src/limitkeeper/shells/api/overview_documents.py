"""What the OpenAPI page says of the route of the overview."""

from typing import Any

from limitkeeper.core.limits.ledger import ACTIONS
from limitkeeper.core.review.risk_grid import BANDS, GRADES, RISK_GRADES, UTILISATION_BANDS
from limitkeeper.engines.embedded.findings import TRIGGERS
from limitkeeper.shells.api.answer_schemas import PROPOSED
from limitkeeper.shells.api.documents import answers
from limitkeeper.shells.api.schemas import ref

NO_CLOCK: dict[str, Any] = {"due_within_day": 0, "soonest_due_at": None}

OVERVIEW_EXAMPLE: dict[str, Any] = {
    "at": "2026-11-22T10:12:00+00:00",
    "events": {
        "accepted": 1250000,
        "rejected": 12,
        "duplicate": 340,
        "accepted_per_second": 180.5,
        "event_time_lag_seconds": 0.4,
        "waiting": 0,
        "sequence": 20712,
    },
    "alerts": [
        {"trigger": name, "open": 41 - 10 * k, "current": 9 - 2 * k, "last_day": 7, "day_before": 5}
        for k, name in enumerate(TRIGGERS)
    ],
    "proposals": [{"action": name, "open": 12, "last_day": 3, "day_before": 4} for name in PROPOSED],
    "cases": [
        {"tier": 1, "open": 0, "past_reminder": 0, **NO_CLOCK},
        {
            "tier": 2,
            "open": 9,
            "past_reminder": 2,
            "due_within_day": 4,
            "soonest_due_at": "2026-11-22T13:00:01+00:00",
        },
        {"tier": 3, "open": 0, "past_reminder": 0, **NO_CLOCK},
    ],
    "appeals": {"open": 1, "due_within_day": 0, "soonest_due_at": "2026-11-25T09:00:00+00:00"},
    "notices": {"undelivered": 0},
    "limits": [
        {
            "action": name,
            "last_day": 2 if name == "decrease" else 0,
            "day_before": 0,
            "change_last_day_cents": -500000 if name == "decrease" else 0,
            "change_day_before_cents": 0,
        }
        for name in ACTIONS
    ],
    "portfolio": {
        "as_of": "2026-11-22T10:11:20+00:00",
        "accounts": 1000000,
        "sampled_accounts": 20000,
        "accounts_with_value": 998500,
        "limit_cents": 2850000000000,
        "balance_cents": 910000000000,
        "ead_cents": 1690000000000,
        "expected_loss_cents": 30420000000,
        "economic_capital_cents": 101400000000,
        "revenue_cents": 121000000000,
        "economic_profit_cents": 50200000000,
        "raroc": 0.62,
        "missing": None,
        "grid": {
            "pd_edges": list(RISK_GRADES),
            "utilisation_edges": list(UTILISATION_BANDS),
            "accounts": [[27000] * BANDS] * GRADES,
            "ead_cents": [[46000000000] * BANDS] * GRADES,
            "unknown_accounts": 28000,
        },
    },
}

OVERVIEW = answers("The overview.", ref("Overview"), OVERVIEW_EXAMPLE, 429, 503)
