"""The trace of a decision: everything that led to it, as a document. Reasons and reports read it."""

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from limitkeeper.core.decision.assessment import Assessment, Policy
from limitkeeper.core.decision.identity import decision_id
from limitkeeper.core.kernel.columns import Columns
from limitkeeper.core.risk.pd_bands import PdBand, pd_interval
from limitkeeper.core.strategy.actions import Action
from limitkeeper.core.strategy.constraints import Constraint
from limitkeeper.core.strategy.holdout import HELD_OUT_WORDING, Holdout
from limitkeeper.core.strategy.trace import rule_traces
from limitkeeper.core.value.economics import VALUE_NAMES


@dataclass(frozen=True, slots=True)
class Versions:
    """What decided, by content: hashes of strategy, model, parameters and the market's rules; the program's version."""

    strategy: str
    model: str
    parameters: str
    regulation: str
    program: str

    def to_document(self) -> dict[str, str]:
        """The versions as a trace holds them."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class Reviewed:
    """Accounts with what was read of them and what was found: all that a trace needs.

    Parameters
    ----------
    account_ids
        One an account.
    features, characteristics
        As they were assessed.
    points_given
        Points of each characteristic, ``(k, n)``.
    hits_before
        The rules hit at the last review.
    assessment, policy, versions, as_of
        What was found, what decided, and when.
    holdout
        Who was left as he was by chance; None: nobody.
    pd_bands
        How sure the model's PDs are; none where it does not say.
    """

    account_ids: tuple[object, ...]
    features: Columns
    characteristics: Columns
    points_given: NDArray[np.float64]
    hits_before: tuple[int, ...]
    assessment: Assessment
    policy: Policy
    versions: Versions
    as_of: dt.datetime
    holdout: Holdout | None = None
    pd_bands: tuple[PdBand, ...] = ()


def decision_trace(reviewed: Reviewed, account: int) -> dict[str, Any]:
    """The trace of one account's decision, as JSON holds it; missing is null.

    Parameters
    ----------
    reviewed
        The review.
    account
        Number of the account, 0 to n - 1.

    Returns
    -------
    ``decision_id, account_id, as_of, versions, score, rules, action, limit, value``, and ``held_out`` of one that was -
    see ``docs/reference/trace.md``.
    """
    found, versions = reviewed.assessment, reviewed.versions
    proposals = found.proposals
    row = dict(zip(reviewed.features.names, reviewed.features.values[:, account].tolist(), strict=True))
    before = dict(zip(VALUE_NAMES, found.value_before[:, account].tolist(), strict=True))
    after = dict(zip(VALUE_NAMES, found.value_after[:, account].tolist(), strict=True))
    row |= {"pd": float(found.pd[account]), "points": float(found.points[account]), **before}
    row["undrawn_cents"] = undrawn_cents(row["limit_cents"], row["balance_cents"])
    hits, rule = int(proposals.hits[account]), int(proposals.rules[account])
    limit_after = int(proposals.limits_after_cents[account])
    held = holdout_trace(reviewed) if int(proposals.constraints[account]) & Constraint.HELD_OUT else {}
    return {
        "decision_id": decision_id(
            reviewed.account_ids[account], reviewed.as_of, versions.strategy, versions.model
        ),
        "account_id": reviewed.account_ids[account],
        "as_of": reviewed.as_of.astimezone(dt.UTC).isoformat(),
        "versions": versions.to_document(),
        "inputs": {name: known(row[name]) for name in reviewed.policy.inputs},
        "score": score_trace(reviewed, account),
        "rules": rules_with_reasons(reviewed, row, hits, account),
        "action": {
            "asked": Action(int(proposals.actions[account])).code,
            "taken": Action(int(proposals.effects[account])).code,
            "rule": reviewed.policy.strategy.strategy.rules[rule].id if rule >= 0 else None,
            "constraints": constraint_names(int(proposals.constraints[account])),
            "drawing_stopped": bool(proposals.drawing_stopped[account]),
        },
        "limit": {
            "before_cents": whole(row["limit_cents"]),
            "after_cents": limit_after if limit_after >= 0 else None,
        },
        "value": {
            "before": {name: known(value) for name, value in before.items()},
            "after": {name: known(value) for name, value in after.items()},
            "marginal_profit_cents": known(float(found.marginal_profit_cents[account])),
        },
        **held,
    }


def holdout_trace(reviewed: Reviewed) -> dict[str, Any]:
    """Why an account was held out, by which terms; nothing where none were in force."""
    if reviewed.holdout is None:
        return {}
    terms = reviewed.holdout.terms._asdict()
    english, chinese = (wording.format(**terms) for wording in HELD_OUT_WORDING)
    return {"held_out": {**terms, "en": english, "zh": chinese}}


def score_trace(reviewed: Reviewed, account: int) -> dict[str, Any]:
    """Points, PD and how sure it is, every characteristic with its value and points, and those that cost most."""
    found, columns = reviewed.assessment, reviewed.characteristics
    lines = reviewed.policy.scorecard.characteristics
    given = reviewed.points_given[:, account].tolist()
    pd = float(found.pd[account])
    low, high = pd_interval(reviewed.pd_bands, pd) or (None, None)
    places = zip(found.reasons[account].tolist(), found.points_lost[account].tolist(), strict=True)
    return {
        "points": float(found.points[account]),
        "pd": known(pd),
        "pd_low": low,
        "pd_high": high,
        "characteristics": [
            {"name": line.name, "value": known(float(columns[line.name][account])), "points": points}
            for line, points in zip(lines, given, strict=True)
        ],
        "lost_most": [
            {
                "name": lines[number].name,
                "label": lines[number].label,
                "reason": lines[number].reason,
                "points_lost": lost,
            }
            for number, lost in places
            if number >= 0
        ],
    }


def rules_with_reasons(
    reviewed: Reviewed, row: Mapping[str, float], hits: int, account: int
) -> list[dict[str, Any]]:
    """Each rule as it was judged, with the reasons it gives and whether it used the score."""
    published = reviewed.policy.strategy
    judged = rule_traces(published, row, hits, reviewed.hits_before[account])
    return [
        {**entry, "reasons": list(rule.reasons), "uses_score": rule.uses_score}
        for entry, rule in zip(judged, published.strategy.rules, strict=True)
    ]


def constraint_names(mask: int) -> list[str]:
    """The names of the constraints that bound an action."""
    return [str(each.name).lower() for each in Constraint if mask & each]


def undrawn_cents(limit_cents: float, balance_cents: float) -> float:
    """``max(L - B, 0)``, NaN where either is unknown, as the assessment computes it."""
    undrawn = limit_cents - balance_cents
    return 0.0 if undrawn < 0.0 else undrawn


def known(value: float) -> float | str | None:
    """A number that JSON holds: NaN is null, infinity by name."""
    if math.isnan(value):
        return None
    return value if math.isfinite(value) else str(value)


def whole(cents: float) -> int | None:
    """Whole minor units, null where unknown."""
    return int(cents) if math.isfinite(cents) else None
