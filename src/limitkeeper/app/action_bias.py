"""What the lender's own cuts hide: a model judged on what they left, and as if nobody had been cut.

An account that was cut behaves differently, for better or for worse. Those that chance held out of a cut stand for all
that could have been (:mod:`limitkeeper.core.strategy.holdout`), each as many times as it was unlikely to be held out.
"""

from typing import Any

import numpy as np
import polars as pl

from limitkeeper.app.monitoring_figures import Measured
from limitkeeper.core.compliance.shares import ratio, share_difference
from limitkeeper.core.kernel.errors import InputError
from limitkeeper.core.strategy.constraints import Constraint
from limitkeeper.learn.validation import (
    auc_with_interval,
    observed_to_expected,
    weighted_observed_to_expected,
)

NEEDED = ("account_id", "action", "constraints", "holdout_share")
"""Columns of ``decisions.parquet`` that say who was cut, and who was held out."""

TAKING = ("decrease", "freeze", "close")
HELD_OUT = str(Constraint.HELD_OUT.name).lower()


def action_bias(seen: Measured) -> dict[str, Any] | None:
    """The figures of a vintage whose decisions are known, as a document; None where nobody was held out.

    Accounts from which something was taken without a chance of being held out (freezes, closures, violations, the
    over-indebted) are represented by nobody: they are left out of both sides, and counted.

    Parameters
    ----------
    seen
        The vintage with its outcomes and decisions.

    Returns
    -------
    ``cut``, ``held_out``, ``not_represented`` count accounts whose outcome is known; the shares that defaulted of the cut
    and the held out with their ``difference`` (cut less held out); observed over expected as it happened
    (``observed_to_expected``) and weighted as if nobody had been cut; the weighted AUC.

    Raises
    ------
    InputError
        When the decisions or the accounts lack a column.
    """
    decisions = seen.vintage.decisions
    if decisions is None:
        return None
    _check(seen, decisions)
    known = seen.accounts.select("account_id").join(
        decisions.select(NEEDED).unique("account_id", keep="first", maintain_order=True),
        on="account_id",
        how="left",
        maintain_order="left",
    )
    share = known["holdout_share"].fill_null(np.nan).to_numpy()
    took = known["action"].is_in(TAKING).fill_null(value=False).to_numpy()
    held = known["constraints"].list.contains(HELD_OUT).fill_null(value=False).to_numpy()
    judged = ~np.isnan(seen.outcome)
    possible = share > 0.0
    cut, apart = judged & took & possible, judged & took & ~possible
    held &= judged
    if not held.any():
        return None
    # As if nobody had been cut: the cut count nothing, the held out for themselves and for the cut.
    weight = np.where(held, 1.0 / np.where(possible, share, 1.0), 1.0)
    stays, untouched = judged & ~apart, judged & ~apart & ~cut
    bads = {name: int(seen.outcome[here].sum()) for name, here in (("cut", cut), ("held", held))}
    value, bounds = share_difference(bads["cut"], int(cut.sum()), bads["held"], int(held.sum()))
    return {
        "cut": int(cut.sum()),
        "held_out": int(held.sum()),
        "not_represented": int(apart.sum()),
        "bad_rate_cut": ratio(bads["cut"], int(cut.sum())),
        "bad_rate_held_out": ratio(bads["held"], int(held.sum())),
        "difference": [value, *(bounds or (None, None))],
        "observed_to_expected": list(observed_to_expected(seen.outcome[stays], seen.pd[stays])),
        "weighted_observed_to_expected": list(
            weighted_observed_to_expected(seen.outcome[untouched], seen.pd[untouched], weight[untouched])
        ),
        "weighted_auc": list(
            auc_with_interval(seen.outcome[untouched], seen.pd[untouched], weight[untouched])
        ),
    }


def _check(seen: Measured, decisions: pl.DataFrame) -> None:
    lacking = [name for name in NEEDED if name not in decisions.columns]
    if lacking:
        raise InputError(
            f"The decisions of the vintage '{seen.vintage.name}' lack columns.",
            value=", ".join(lacking),
            allowed="a decisions.parquet of limitkeeper review",
        )
    if decisions["constraints"].dtype != pl.List(pl.String):
        raise InputError(
            f"The constraints of the vintage '{seen.vintage.name}' are no lists of words.",
            value=decisions["constraints"].dtype,
            allowed="a decisions.parquet of limitkeeper review",
        )
    if "account_id" not in seen.accounts.columns:
        raise InputError(
            f"The vintage '{seen.vintage.name}' has no column 'account_id' to find its decisions by."
        )
    if decisions["account_id"].dtype != seen.accounts["account_id"].dtype:
        raise InputError(
            f"The account ids of the vintage '{seen.vintage.name}' and of its decisions are of different types.",
            value=f"{seen.accounts['account_id'].dtype}, {decisions['account_id'].dtype}",
            advice="Write both as text or both as whole numbers.",
        )
