"""A summary for tests of the page: 2,000 drawn accounts, judged by the same functions as real ones."""

from typing import Any

import numpy as np

from limitkeeper.core.review.outcome import (
    Decided,
    coverage_curve,
    curve_area,
    outcome_by_action,
    outcome_by_group,
    outcome_in_all,
)
from limitkeeper.core.strategy.actions import Action

HOSTILE = "<script>alert('x')</script>"


def drawn_accounts(accounts: int = 2_000) -> Decided:
    draw = np.random.default_rng(0)
    pd = draw.beta(1.2, 5.0, accounts)
    limit = draw.integers(1, 50, accounts) * 1_000_000.0
    effect = np.select([pd > 0.6, pd > 0.45, pd > 0.3], [Action.CLOSE, Action.FREEZE, Action.DECREASE], 0)
    return Decided(
        effect=effect.astype(np.uint8),
        limit_cents=limit,
        limit_after_cents=np.where(effect == Action.DECREASE, limit * 0.8, limit),
        balance_cents=limit * draw.random(accounts),
        stopped=effect > Action.DECREASE,
        pd=pd,
        default=draw.random(accounts) < pd,
    )


def report_summary() -> dict[str, Any]:
    decided = drawn_accounts()
    everything = outcome_in_all(decided)
    counts, edges = np.histogram(-decided.pd, bins=20)
    curve = coverage_curve(decided.pd, decided.undrawn_cents, decided.default)
    side = {
        f"{name}_cents": 1e9
        for name in ("limit", "ead", "expected_loss", "economic_capital", "revenue", "economic_profit")
    }
    words = {"en": "A rule.", "zh": "一条规则。"}
    rule = {"id": "r", "trigger": "suspected_violation", "action": "freeze", "severity": "mild"}
    shares = (decided.pd > 0.5).astype(int).tolist()
    return {
        "portfolio": {"name": HOSTILE, "market": "TW", "currency": "TWD", "as_of": "2005-09-30T23:59:59+00:00",
                      "accounts": 2_000, "accounts_read": 2_001, "accounts_refused": 1},
        "notes": {"en": [HOSTILE], "zh": []},
        "versions": {"strategy": "sha256:1", "model": "sha256:2", "parameters": "sha256:3", "program": "0"},
        "strategy": {"name": "standard", "version": "1", "description": words,
                     "rules": [{**rule, "description": words, "hits": sum(shares), "decided": 1},
                               {**rule, "id": "idle", "description": words, "hits": 0, "decided": 0}]},
        "model": {"target": "d", "positive": None, "rows": {}, "validation": "5-fold", "model_hash": "sha256:2"},
        "actions": outcome_by_action(decided),
        "value": {"accounts": 2_000, "marginal_profit_cents": 5e7, "before": {**side, "raroc": 0.1},
                  "after": {**side, "raroc": 0.12}},
        "scores": {"edges": edges.tolist(), "counts": counts.tolist(), "bad": (counts // 4).tolist(),
                   "calibration": [{"accounts": 1, "pd": 0.1, "bad_rate": 0.1}] * 2},
        "grid": {"pd_edges": [0, 0.5, 1.0], "utilisation_edges": [0, 0.5], "accounts": [[10, 0], [5, 5]],
                 "touched": [[1, 0], [5, 4]], "unknown": 3},
        "examples": [{"action": "freeze", "decision_id": "d1", "account_id": HOSTILE, "rule": "r", "pd": 0.5,
                      "points": 1, "limit_before_cents": 100, "limit_after_cents": 100, "balance_cents": None,
                      "drawing_stopped": True, "marginal_profit_cents": None,
                      "reasons": [{"code": "c", "en": "Late", "zh": "逾期", "help_en": "Pay", "help_zh": "还款"}]}],
        "outcome": everything,
        "curves": {"lines": [{"name": "model", "area": curve_area(curve), "points": curve}],
                   "strategy": {"share_touched": everything["share_touched"],
                                "share_reached": everything["share_of_defaulters_undrawn_reached"],
                                "share_covered": everything["share_of_defaulters_undrawn_covered"]}},
        "groups": [outcome_by_group(decided, "sex", ["male", "female"] * 1_000)],
    }  # fmt: skip
