"""What the decisions were worth: by action, against baselines, by group, judged by what really happened."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from limitkeeper.core.compliance.shares import SMALL_GROUP, ratio, share_ratio, wilson_interval
from limitkeeper.core.strategy.actions import Action

CURVE_POINTS = 101

ADVERSE = (Action.DECREASE, Action.FREEZE, Action.CLOSE)
"""Actions that take something from the customer."""


@dataclass(frozen=True, slots=True)
class Decided:
    """Accounts after a review, with what happened to them; every array has shape ``(n,)``.

    Parameters
    ----------
    effect
        Action taken, as :class:`Action` numbers them.
    limit_cents, limit_after_cents, balance_cents
        float64, NaN where unknown.
    stopped
        Whether nothing can be drawn after.
    pd
        Of the model.
    default
        Whether the account defaulted after the review: 1, 0, or NaN where what happened is not known.
    """

    effect: NDArray[np.uint8]
    limit_cents: NDArray[np.float64]
    limit_after_cents: NDArray[np.float64]
    balance_cents: NDArray[np.float64]
    stopped: NDArray[np.bool_]
    pd: NDArray[np.float64]
    default: NDArray[np.float64]

    @property
    def bad(self) -> NDArray[np.bool_]:
        """Whether the account is known to have defaulted."""
        return np.asarray(self.default == 1, np.bool_)

    @property
    def good(self) -> NDArray[np.bool_]:
        """Whether the account is known not to have defaulted."""
        return np.asarray(self.default == 0, np.bool_)

    @property
    def touched(self) -> NDArray[np.bool_]:
        """Whether something was taken from the customer."""
        return np.isin(self.effect, ADVERSE)

    @property
    def undrawn_cents(self) -> NDArray[np.float64]:
        """What could have been drawn, 0 where unknown."""
        return np.nan_to_num(np.maximum(self.limit_cents - np.maximum(self.balance_cents, 0.0), 0.0))

    @property
    def covered_cents(self) -> NDArray[np.float64]:
        """How much of it can no longer be drawn."""
        after = np.maximum(self.limit_after_cents - np.maximum(self.balance_cents, 0.0), 0.0)
        left = np.where(self.stopped & self.touched, 0.0, np.nan_to_num(after))
        return np.maximum(self.undrawn_cents - left, 0.0) * self.touched

    @property
    def cut_share(self) -> NDArray[np.float64]:
        """Share of the limit taken away, 0 where the limit is unknown."""
        with np.errstate(invalid="ignore", divide="ignore"):
            share = 1.0 - self.limit_after_cents / self.limit_cents
        return np.clip(np.nan_to_num(share, nan=0.0, posinf=0.0, neginf=0.0), 0.0, 1.0)


def outcome_by_action(decided: Decided) -> list[dict[str, Any]]:
    """For each action taken: accounts, limits, and the defaulters and good customers among them."""
    rows = []
    defaulters = int(decided.bad.sum())
    undrawn_bad = float(decided.undrawn_cents[decided.bad].sum())
    for action in Action:
        here = decided.effect == action
        bad, good = here & decided.bad, here & decided.good
        judged = int(bad.sum() + good.sum())
        removed = np.nan_to_num(decided.limit_cents - decided.limit_after_cents)[here].sum()
        rows.append(
            {
                "action": action.code,
                "is_adverse": action in ADVERSE,
                "accounts": int(here.sum()),
                "limit_cents": float(np.nan_to_num(decided.limit_cents)[here].sum()),
                "exposure_cents": float(np.maximum(np.nan_to_num(decided.balance_cents), 0.0)[here].sum()),
                "limit_removed_cents": float(removed),
                "defaulters": int(bad.sum()),
                "bad_rate": ratio(int(bad.sum()), judged),
                "bad_rate_interval": wilson_interval(int(bad.sum()), judged),
                "share_of_defaulters": ratio(int(bad.sum()), defaulters),
                "share_of_defaulters_undrawn_covered": ratio(
                    float(decided.covered_cents[bad].sum()), undrawn_bad
                ),
                "good_customers": int(good.sum()),
            }
        )
    return rows


def outcome_in_all(decided: Decided) -> dict[str, Any]:
    """The same over all actions that take something, and what was taken from good customers."""
    bad, good, touched = decided.bad, decided.good, decided.touched
    taken = np.nan_to_num(decided.limit_cents - decided.limit_after_cents)
    hit, spared = int((bad & touched).sum()), int((good & touched).sum())
    return {
        "accounts": len(bad),
        "unknown": int((~bad & ~good).sum()),
        "defaulters": int(bad.sum()),
        "defaulters_touched": hit,
        "touched": int(touched.sum()),
        "share_touched": ratio(int(touched.sum()), len(bad)),
        "bad_rate_of_touched": ratio(hit, hit + spared),
        "share_of_defaulters_touched": ratio(hit, int(bad.sum())),
        "share_of_defaulters_touched_interval": wilson_interval(hit, int(bad.sum())),
        "share_of_defaulters_undrawn_reached": ratio(
            float(decided.undrawn_cents[bad & touched].sum()), float(decided.undrawn_cents[bad].sum())
        ),
        "defaulters_undrawn_cents": float(decided.undrawn_cents[bad].sum()),
        "share_of_defaulters_undrawn_covered": ratio(
            float(decided.covered_cents[bad].sum()), float(decided.undrawn_cents[bad].sum())
        ),
        "good_customers": int(good.sum()),
        "good_customers_touched": spared,
        "share_of_good_customers_touched": ratio(spared, int(good.sum())),
        "share_of_good_customers_touched_interval": wilson_interval(spared, int(good.sum())),
        "limit_taken_from_good_customers_cents": float(taken[good & touched].clip(0).sum()),
    }


def coverage_curve(
    score: NDArray[np.float64], weight: NDArray[np.float64], default: NDArray[np.bool_]
) -> list[float]:
    """Share of the defaulters' weight that is reached when the worst share of accounts is touched.

    Parameters
    ----------
    score
        Higher is worse, shape ``(n,)``; accounts with equal scores are taken in expectation; NaN is least.
    weight
        Such as the undrawn limit, >= 0.
    default
        Whose weight counts.

    Returns
    -------
    At the shares 0, 0.01, ..., 1 of the accounts.
    """
    total = float(weight[default].sum())
    if total == 0.0 or not len(score):
        return [share / (CURVE_POINTS - 1) for share in range(CURVE_POINTS)]
    filled = np.where(np.isnan(score), -np.inf, score)
    levels, group = np.unique(-filled, return_inverse=True)
    sizes = np.bincount(group, minlength=len(levels))
    reached = np.bincount(group, weights=weight * default, minlength=len(levels))
    at = np.concatenate([[0.0], np.cumsum(sizes) / len(score)])
    share = np.concatenate([[0.0], np.cumsum(reached) / total])
    return [float(x) for x in np.interp(np.linspace(0.0, 1.0, CURVE_POINTS), at, share)]


def curve_area(curve: Sequence[float]) -> float:
    """The area under a curve of equally spaced points: 0.5 at random.

    Examples
    --------
    >>> curve_area([0.0, 0.5, 1.0])
    0.5
    """
    return float(np.trapezoid(curve) / (len(curve) - 1))


def outcome_by_group(decided: Decided, attribute: str, labels: Sequence[str | None]) -> dict[str, Any]:
    """What each group of a protected attribute got, against the group that was spared most.

    The adverse-impact ratio is a group's share of accounts from which nothing was taken, over that of the
    most favoured group, with the interval of :func:`limitkeeper.core.compliance.shares.share_ratio`.

    Source
    ------
    Uniform Guidelines on Employee Selection Procedures, 29 CFR 1607.4(D) (the four-fifths screen).
    """
    names = np.array(["unknown" if label is None else str(label) for label in labels], dtype=object)
    rows = []
    for name in sorted(set(names.tolist())):
        here = names == name
        bad, good = here & decided.bad, here & decided.good
        rows.append(
            {
                "group": name,
                "accounts": int(here.sum()),
                "bad_rate": ratio(int(bad.sum()), int(bad.sum() + good.sum())),
                "mean_pd": float(decided.pd[here].mean()),
                "touched": int((here & decided.touched).sum()),
                "share_touched": ratio(int((here & decided.touched).sum()), int(here.sum())),
                "good_customers": int(good.sum()),
                "good_customers_touched": int((good & decided.touched).sum()),
                "share_of_good_customers_touched": ratio(
                    int((good & decided.touched).sum()), int(good.sum())
                ),
                "mean_cut_share": float(decided.cut_share[here].mean()),
                "is_small": bool(here.sum() < SMALL_GROUP or good.sum() < SMALL_GROUP),
            }
        )
    large = [row for row in rows if not row["is_small"]] or rows
    favoured = min(large, key=lambda row: row["share_touched"])
    for row in rows:
        spared = (row["accounts"] - row["touched"], row["accounts"])
        best = (favoured["accounts"] - favoured["touched"], favoured["accounts"])
        row["adverse_impact_ratio"], row["adverse_impact_interval"] = share_ratio(*spared, *best)
        if row is favoured:
            row["adverse_impact_interval"] = None
    return {"attribute": attribute, "most_favoured": favoured["group"], "groups": rows}
