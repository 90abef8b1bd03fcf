"""The summary of a review: every figure of the report, as a document (``docs/reference/summary.md``)."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from limitkeeper.app.portfolio import Portfolio
from limitkeeper.core.compliance.shares import ratio
from limitkeeper.core.decision.trace import Reviewed
from limitkeeper.core.kernel.parameters import Parameters
from limitkeeper.core.notice.reasons import FALLBACK_CODE
from limitkeeper.core.review.outcome import (
    Decided,
    coverage_curve,
    curve_area,
    outcome_by_action,
    outcome_by_group,
    outcome_in_all,
)
from limitkeeper.core.review.risk_grid import NOWHERE, RISK_GRADES, UTILISATION_BANDS, grid_cells, grid_sums
from limitkeeper.core.review.value import value_change
from limitkeeper.core.strategy.actions import Action
from limitkeeper.core.strategy.proposals import rule_counts

JUDGED = (
    "defaulters",
    "bad_rate",
    "bad_rate_interval",
    "share_of_defaulters",
    "share_of_defaulters_undrawn_covered",
    "good_customers",
)
"""Figures of an action that need the outcome."""

CALIBRATION_BANDS = 10
SCORE_BANDS = 40


def decided_accounts(reviewed: Reviewed, default: NDArray[np.float64]) -> Decided:
    """A review's accounts with what happened to them: 1, 0, or NaN where it is not known."""
    proposals = reviewed.assessment.proposals
    after = proposals.limits_after_cents
    return Decided(
        effect=proposals.effects,
        limit_cents=reviewed.features["limit_cents"],
        limit_after_cents=np.where(after < 0, np.nan, after),
        balance_cents=reviewed.features["balance_cents"],
        stopped=proposals.drawing_stopped,
        pd=reviewed.assessment.pd,
        default=default,
    )


def review_summary(
    reviewed: Reviewed,
    portfolio: Portfolio,
    parameters: Parameters,
    decisions: pl.DataFrame,
    *,
    card: Mapping[str, Any],
    baselines: Mapping[str, NDArray[np.float64]] | None = None,
    notes: Mapping[str, list[str]] | None = None,
) -> dict[str, Any]:
    """Every figure of a review.

    Parameters
    ----------
    reviewed, portfolio, parameters, decisions
        What was reviewed, by what, with which result.
    card
        The PD model's card.
    baselines
        Scores to compare with, higher is worse, by name.
    notes
        What a reader must know, by language.
    """
    outcome = portfolio.outcome
    default = np.full(len(decisions), np.nan)
    if outcome is not None:
        default = outcome.cast(pl.Float64).fill_null(np.nan).to_numpy()
    decided = decided_accounts(reviewed, default)
    summary: dict[str, Any] = {
        "portfolio": {
            "name": portfolio.name,
            "market": portfolio.market,
            "currency": portfolio.currency,
            "as_of": portfolio.as_of.isoformat(),
            "accounts": portfolio.accounts.height,
            "accounts_read": portfolio.read,
            "accounts_refused": portfolio.rejects.height,
        },
        "notes": dict(notes or {}),
        "versions": reviewed.versions.to_document(),
        "strategy": strategy_figures(reviewed),
        "model": model_figures(card),
        "actions": outcome_by_action(decided),
        "value": value_sums(reviewed, parameters),
        "scores": score_figures(reviewed, decided),
        "grid": risk_grid(reviewed, decided.touched),
        "examples": examples(decisions),
        "outcome": None,
        "curves": None,
        "groups": [],
    }
    if np.isnan(default).all():
        for row in summary["actions"]:
            row.update(dict.fromkeys(JUDGED))
        return summary
    summary["outcome"] = outcome_in_all(decided)
    summary["curves"] = curves(decided, baselines or {})
    if portfolio.protected is not None:
        summary["groups"] = [
            outcome_by_group(decided, name, portfolio.protected[name].cast(pl.String).to_list())
            for name in portfolio.protected.columns
        ]
    return summary


def strategy_figures(reviewed: Reviewed) -> dict[str, Any]:
    """The strategy and how often each rule hit and decided."""
    strategy, proposals = reviewed.policy.strategy.strategy, reviewed.assessment.proposals
    rules = [
        {
            "id": rule.id,
            "trigger": str(rule.trigger),
            "action": rule.action.code,
            "severity": rule.severity.code,
            "description": {"en": rule.description, "zh": rule.description_zh},
            **counts,
        }
        for rule, counts in zip(
            strategy.rules, rule_counts(proposals.hits, proposals.rules, len(strategy.rules)), strict=True
        )
    ]
    described = {"en": strategy.description, "zh": strategy.description_zh}
    return {"name": strategy.name, "version": strategy.version, "description": described, "rules": rules}


VALIDATION = (
    "auc",
    "auc_95",
    "ks",
    "gini",
    "brier",
    "calibration_slope",
    "calibration_intercept",
    "ece",
    "psi",
)


def model_figures(card: Mapping[str, Any]) -> dict[str, Any]:
    """What the model's card says of champion and challenger in validation."""
    figures = {key: card.get(key) for key in ("target", "rows", "bad_rate", "validation", "model_hash")}
    for side in ("champion", "challenger"):
        found = card.get(side) or {}
        figures[side] = {name: found.get(name) for name in VALIDATION} if found else None
    return figures


def value_sums(reviewed: Reviewed, parameters: Parameters) -> dict[str, Any]:
    """The sums of the portfolio before and after, over the accounts whose values are known.

    RAROC is that of the sums: ``(revenue - opex - EL + benefit * capital) / capital``.
    """
    found = reviewed.assessment
    sides = value_change(
        found.value_before, found.value_after, reviewed.features["limit_cents"],
        found.proposals.limits_after_cents, parameters["opex_cents"], parameters["capital_benefit_rate"],
    )  # fmt: skip
    return sides | {"marginal_profit_cents": float(np.nansum(found.marginal_profit_cents))}


def score_figures(reviewed: Reviewed, decided: Decided) -> dict[str, Any]:
    """The distribution of points, and, where the outcome is known, PD against what happened in ten bands."""
    points, pd = reviewed.assessment.points, reviewed.assessment.pd
    counts, edges = np.histogram(points, bins=SCORE_BANDS)
    figures: dict[str, Any] = {
        "edges": edges.tolist(),
        "counts": counts.tolist(),
        "bad": None,
        "calibration": None,
    }
    judged = decided.bad | decided.good
    if not judged.any():
        return figures
    figures["bad"] = np.histogram(points[decided.bad], bins=edges)[0].tolist()
    order = np.flatnonzero(judged)[np.argsort(pd[judged], kind="stable")]
    figures["calibration"] = [
        {"accounts": len(band), "pd": float(pd[band].mean()), "bad_rate": float(decided.bad[band].mean())}
        for band in np.array_split(order, CALIBRATION_BANDS)
        if len(band)
    ]
    return figures


def risk_grid(reviewed: Reviewed, taken: NDArray[np.bool_]) -> dict[str, Any]:
    """Accounts, and those from which something is taken, by band of PD and of utilisation."""
    features = reviewed.features
    if "utilisation" in features:
        against = features["utilisation"]
    else:
        with np.errstate(invalid="ignore", divide="ignore"):
            against = features["balance_cents"] / features["limit_cents"]
    cells = grid_cells(reviewed.assessment.pd, against)
    return {
        "pd_edges": list(RISK_GRADES),
        "utilisation_edges": list(UTILISATION_BANDS),
        "accounts": grid_sums(cells).tolist(),
        "touched": grid_sums(cells[taken]).tolist(),
        "unknown": int((cells == NOWHERE).sum()),
    }


def curves(decided: Decided, baselines: Mapping[str, NDArray[np.float64]]) -> dict[str, Any]:
    """How much of the defaulters' undrawn limit is reached when the worst are touched, by ranking."""
    judged = decided.bad | decided.good
    bad, undrawn = decided.bad[judged], decided.undrawn_cents[judged]
    rankings = {"model": decided.pd, "random": np.zeros(len(judged)), **baselines}
    lines = {name: coverage_curve(score[judged], undrawn, bad) for name, score in rankings.items()}
    whole = outcome_in_all(decided)
    return {
        "lines": [{"name": name, "area": curve_area(line), "points": line} for name, line in lines.items()],
        "strategy": {
            "share_touched": ratio(int(decided.touched[judged].sum()), int(judged.sum())),
            "share_reached": whole["share_of_defaulters_undrawn_reached"],
            "share_covered": whole["share_of_defaulters_undrawn_covered"],
        },
    }


def examples(decisions: pl.DataFrame) -> list[dict[str, Any]]:
    """One decision an action, that with the most reasons of its own, explained in the customer's words."""
    shown = []
    for action in Action:
        here = decisions.filter(pl.col("action") == action.code)
        if action is Action.NONE or here.is_empty():
            continue
        named = pl.col("reason_codes").list.filter(pl.element() != FALLBACK_CODE).list.len()
        chosen = here.sort(named, "decision_id", descending=[True, False]).row(0, named=True)
        trace = json.loads(chosen["trace"])
        shown.append(
            {
                "action": action.code,
                "decision_id": chosen["decision_id"],
                "account_id": str(chosen["account_id"]),
                "rule": chosen["rule"],
                "pd": chosen["pd"],
                "points": chosen["points"],
                "limit_before_cents": chosen["limit_before_cents"],
                "limit_after_cents": chosen["limit_after_cents"],
                "balance_cents": chosen["balance_cents"],
                "drawing_stopped": chosen["drawing_stopped"],
                "marginal_profit_cents": chosen["marginal_profit_cents"],
                "reasons": trace["reasons"],
            }
        )
    return shown
