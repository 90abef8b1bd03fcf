"""Examples of bodies and answers: what a server answers when they are sent in their order; a test does it.

Long lists are cut short: traces tell of a few inputs and of the rule that hit.
"""

ACCOUNT = {
    "account_id": "a-7",
    "customer_id": "c-3",
    "product": "purchase",
    "opened_at": "2024-05-01",
    "limit_cents": 1000000,
}

PURCHASE = {
    "event_id": "e-1001",
    "account_id": "a-7",
    "ts": "2026-11-22T08:30:00Z",
    "kind": "purchase",
    "amount": 25000,
    "merchant_id": "m-12",
    "device_id": "d-3",
    "city": "Hangzhou",
}

FLAG = {
    "event_id": "e-1002",
    "account_id": "a-7",
    "ts": "2026-11-22T09:00:00Z",
    "kind": "flag",
    "reason": "cash-out",
}

NOT_AN_EVENT = {
    "event_id": "e-1003",
    "account_id": "a-7",
    "ts": "2026-11-22T09:05:00Z",
    "kind": "refund",
    "amount": -1,
}

TAKEN_ACCOUNTS = {"sequence": 2, "accounts": 1}

TAKEN_ONE = {"sequence": 3, "read": 1, "accepted": 1, "rejected": 0, "duplicate": 0, "rejects": []}

TAKEN_MANY = {
    "sequence": 4,
    "read": 3,
    "accepted": 1,
    "rejected": 1,
    "duplicate": 1,
    "rejects": [{"row": 2, "event_id": "e-1003", "account_id": "a-7", "reason": "amount_negative"}],
    "assessments": [
        {"row": 0, "status": "duplicate", "assessment": None},
        {
            "row": 1,
            "status": "accepted",
            "assessment": {
                "pd": None,
                "points": 0.0,
                "action": "freeze",
                "rule": "violation_flagged",
                "limit_after_cents": 1000000,
                "alerts": ["suspected_violation"],
                "proposed": True,
            },
        },
    ],
}

TRACE = {
    "decision_id": "9e6aa3df9d0e382258b920fbf6ea1a12",
    "account_id": "a-7",
    "as_of": "2026-11-22T09:00:00+00:00",
    "versions": {
        "strategy": "sha256:79721e3ca4d1c451cf1cd480fd7b22b42f37dfa288c21e322064dc9caf94c5f7",
        "model": "none",
        "parameters": "sha256:840da6ca281336c77b467882c0a64616755cdf319974f12028e0d2bcbb71a5b8",
        "regulation": "sha256:6a24f04c473e76794db67c15e7b39c1c59cd4d4f189dc3550a603f86765d9038",
        "program": "0.1.0",
    },
    "inputs": {
        "balance_cents": 25000.0,
        "limit_cents": 1000000.0,
        "utilisation": 0.025,
        "spend_sum_30d_cents": 25000.0,
        "merchant_top_share_30d": 1.0,
        "late_share_6": None,
        "flag_count_90d": 1.0,
        "is_frozen": 0.0,
    },
    "score": {
        "points": 0.0,
        "pd": None,
        "pd_low": None,
        "pd_high": None,
        "characteristics": [],
        "lost_most": [],
    },
    "rules": [
        {
            "id": "violation_flagged",
            "trigger": "suspected_violation",
            "action": "freeze",
            "severity": "severe",
            "hit": True,
            "hit_before": False,
            "when": "flag_count_90d >= 1",
            "release": "flag_count_90d == 0",
            "values": {"flag_count_90d": 1.0},
            "parameters": {},
            "reasons": ["terms_breach"],
            "uses_score": False,
        }
    ],
    "action": {
        "asked": "freeze",
        "taken": "freeze",
        "rule": "violation_flagged",
        "constraints": [],
        "drawing_stopped": True,
    },
    "limit": {"before_cents": 1000000, "after_cents": 1000000},
    "value": {
        "before": {
            "ead_cents": 415000.0,
            "expected_loss_cents": None,
            "economic_capital_cents": None,
            "revenue_cents": 4358.333333333333,
            "raroc": None,
            "economic_profit_cents": None,
        },
        "after": {
            "ead_cents": 25000.0,
            "expected_loss_cents": None,
            "economic_capital_cents": None,
            "revenue_cents": -750.0,
            "raroc": None,
            "economic_profit_cents": None,
        },
        "marginal_profit_cents": None,
    },
    "reasons": [
        {
            "code": "terms_breach",
            "en": "Transactions may break the terms",
            "zh": "交易疑似违反用款约定",
            "help_en": "Send us receipts that show what the transactions were for.",
            "help_zh": "请提供能说明交易用途的凭证。",
        }
    ],
}

ASSESSED = {
    "account_id": "a-7",
    "status": "accepted",
    "assessment": {
        "pd": None,
        "points": 0.0,
        "action": "freeze",
        "rule": "violation_flagged",
        "limit_after_cents": 1000000,
        "alerts": ["suspected_violation"],
        "proposed": True,
    },
    "trace": TRACE,
}

ALERT = {
    "alert_id": "d4d8e93225bb20d9fdde222be9003194",
    "account_id": "a-7",
    "trigger": "suspected_violation",
    "severity": "severe",
    "status": "open",
    "rules": ["violation_flagged"],
    "hits": 1,
    "decision_id": "9e6aa3df9d0e382258b920fbf6ea1a12",
    "sequence": 4,
    "opened_at": "2026-11-22T09:00:00+00:00",
    "seen_at": "2026-11-22T09:00:00+00:00",
}

PROPOSAL = {
    "proposal_id": "b694aa6360882c7daac349e6d9b26688",
    "account_id": "a-7",
    "decision_id": "9e6aa3df9d0e382258b920fbf6ea1a12",
    "action": "freeze",
    "rule": "violation_flagged",
    "limit_before_cents": 1000000,
    "limit_after_cents": 1000000,
    "status": "open",
    "reason": None,
    "sequence": 4,
    "made_at": "2026-11-22T09:00:00+00:00",
    "status_at": "2026-11-22T09:00:00+00:00",
}

PORTRAIT = {
    "account_id": "a-7",
    "as_of": "2026-11-23T00:00:00+00:00",
    "features": {
        "spend_count_1h": 0.0,
        "spend_count_1d": 1.0,
        "spend_count_7d": 1.0,
        "spend_count_30d": 1.0,
        "spend_count_90d": 1.0,
        "spend_sum_1h_cents": 0.0,
        "spend_sum_1d_cents": 25000.0,
        "spend_sum_7d_cents": 25000.0,
        "spend_sum_30d_cents": 25000.0,
        "spend_sum_90d_cents": 25000.0,
        "spend_mean_30d_cents": 25000.0,
        "spend_mean_90d_cents": 25000.0,
        "spend_std_30d_cents": None,
        "spend_std_90d_cents": None,
        "spend_max_30d_cents": 25000.0,
        "spend_zscore_90d": None,
        "spend_velocity_7d_90d": 12.857142857142858,
        "cash_share_30d": 0.0,
        "night_share_30d": 0.0,
        "round_share_30d": 0.0,
        "merchant_count_30d": 1.0,
        "device_count_30d": 1.0,
        "city_count_30d": 1.0,
        "merchant_top_share_30d": 1.0,
        "refund_share_90d": 0.0,
        "declined_count_7d": 0.0,
        "days_since_last_spend": 0.6458333333333334,
        "bills_12": 0.0,
        "paid_full_share_6": None,
        "minimum_only_share_6": None,
        "late_share_6": None,
        "late_share_12": None,
        "days_past_due_max_12": None,
        "days_past_due_mean_6": None,
        "on_time_streak": 0.0,
        "completeness_3": None,
        "completeness_6": None,
        "completeness_12": None,
        "balance_cents": 25000.0,
        "limit_cents": 1000000.0,
        "utilisation": 0.025,
        "days_since_opened": 936.0,
        "days_since_first_credit": 0.0,
        "flag_count_90d": 1.0,
        "window_bounded": 0.0,
    },
    "change": {"spend_change": None, "repayment_change": None},
    "relations": {"linked_accounts": 0.0, "linked_bad_share": None, "contagion": 0.0},
    "standing": {
        "is_frozen": True,
        "frozen_since": "2026-11-22T09:00:00+00:00",
        "freeze_is_confirmed": False,
        "is_defaulted": False,
        "limit_before_reduction_cents": None,
        "alerts": ["suspected_violation"],
    },
}

CONFIRMED = {"sequence": 5, "account_id": "a-7", "freeze": "confirmed"}

LIFTED = {"sequence": 6, "account_id": "a-7", "freeze": "lifted"}

READY = {"ready": True, "store_failing_seconds": 0.0, "sequence": 6}

PORTFOLIO_ALERT = {
    "alert_id": "bbd7c2f4ab0c77c2bc7ab40f95ea3cbb",
    "trigger": "suspected_violation",
    "day": "2026-11-22",
    "alerts": 60,
    "expected": 3.5,
    "sigmas": 27.8,
    "events": 120,
    "sequence": 6,
}

DEAD_MESSAGE = {
    "id": 1,
    "subject": "d4d8e93225bb20d9fdde222be9003194",
    "topic": "alert.opened",
    "status": "dead",
    "attempts": 11,
    "error": "there is no channel for this topic",
    "due_at": "2026-11-23T17:46:40+00:00",
    "content": {
        "topic": "alert.opened",
        "subject": "d4d8e93225bb20d9fdde222be9003194",
        "account_id": "a-7",
        "trigger": "suspected_violation",
        "severity": "severe",
        "rules": ["violation_flagged"],
        "hits": 1,
        "at": "2026-11-22T09:00:00+00:00",
    },
}

REVIVED_MESSAGE = {"id": 1, "status": "waiting"}

STREAM = """\
: limitkeeper

id: 4
event: alert.opened
data: {"topic":"alert.opened","subject":"d4d8e93225bb20d9fdde222be9003194","account_id":"a-7","trigger":\
"suspected_violation","severity":"severe","rules":["violation_flagged"],"hits":1,"at":"2026-11-22T09:00:00+00:00","sequence":4}

"""

METRICS = """\
# HELP limitkeeper_events_total Events by outcome: read = accepted + rejected + duplicate.
# TYPE limitkeeper_events_total counter
limitkeeper_events_total{outcome="accepted"} 2.0
limitkeeper_events_total{outcome="duplicate"} 1.0
limitkeeper_events_total{outcome="rejected"} 1.0
"""
