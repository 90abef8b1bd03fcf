"""How well the features that are used tell a protected attribute, and which of them do."""

from collections.abc import Sequence
from typing import Any

import lightgbm as lgb
import numpy as np
from numpy.typing import NDArray

from limitkeeper.core.compliance.groups import Attribute
from limitkeeper.core.kernel.columns import Columns
from limitkeeper.core.kernel.progress import Progress, unseen
from limitkeeper.learn.challenger import settings
from limitkeeper.learn.champion import folds_of
from limitkeeper.learn.validation import auc_with_interval

ROWS_MOST = 20_000
"""Accounts that the test looks at; of more, so many are drawn."""

FOLDS, ROUNDS = 5, 80

FEATURES_TOLD = 5
"""Features that are named, those first that the model used most."""


def proxies(
    columns: Columns,
    attributes: Sequence[Attribute],
    *,
    seed: int,
    group_accounts_least: int,
    progress: Progress = unseen,
) -> list[dict[str, Any]]:
    """For each group of each attribute, how well the features tell it from the others.

    A gradient-boosted model of the group is fitted on four fifths of the accounts and judged on the fifth that it never
    saw, in turn. The AUC over all of them has DeLong's interval; 0.5 is none, 1 says that the features spell the
    attribute out. Of two groups, one is told: the other has the same AUC. Groups of too few accounts are left out.

    Parameters
    ----------
    columns
        The features that the model and the rules read, ``(k, n)``; NaN is missing.
    attributes
        Protected attributes of the same accounts.
    seed
        Of the accounts drawn, and of the folds.
    group_accounts_least
        A group of fewer, or with fewer others, is left out.
    progress
        Told of each attribute that is done.
    """
    chance = np.random.default_rng(seed)
    rows = np.arange(len(columns))
    if len(rows) > ROWS_MOST:
        rows = np.sort(chance.choice(rows, ROWS_MOST, replace=False))
    telling = [k for k, column in enumerate(columns.values) if _tells(column[rows])]
    matrix = np.ascontiguousarray(columns.values[telling][:, rows].T)
    names = [columns.names[k] for k in telling]
    found = []
    for number, attribute in enumerate(attributes, start=1):
        codes = attribute.codes[rows]
        counts = np.bincount(codes, minlength=len(attribute.groups))
        groups = [
            code
            for code in range(len(counts))
            if min(counts[code], len(rows) - counts[code]) >= group_accounts_least
        ]
        for code in groups[:1] if len(attribute.groups) == 2 else groups:  # noqa: PLR2004 - one is not the other
            told = _told_apart(matrix, names, (codes == code).astype(np.float64), seed)
            found.append({"attribute": attribute.name, "group": attribute.groups[code], **told})
        progress("proxies", number, len(attributes))
    return found


def _tells(column: NDArray[np.float64]) -> bool:
    """Whether a column differs between accounts: by its values, or by where it has none, which can be a proxy too."""
    known = column[~np.isnan(column)]
    return 0 < len(known) < len(column) or (len(known) > 0 and float(np.ptp(known)) > 0.0)


def _told_apart(
    matrix: NDArray[np.float64], names: Sequence[str], inside: NDArray[np.float64], seed: int
) -> dict[str, Any]:
    """The cross-fitted AUC of one group against the others, and the features that gave most."""
    predicted, gains = np.zeros(len(inside)), np.zeros(len(names))
    parameters = {**settings(len(inside), float(inside.sum()), max(len(names), 1)), "seed": seed}
    for fitted_rows, held_rows in folds_of(inside, FOLDS, seed) if names else []:
        data = lgb.Dataset(
            matrix[fitted_rows], inside[fitted_rows], feature_name=[f"c{k}" for k in range(len(names))]
        )
        booster = lgb.train(parameters, data, ROUNDS)
        predicted[held_rows] = booster.predict(matrix[held_rows], raw_score=True)
        gains += booster.feature_importance("gain")
    area = auc_with_interval(inside, predicted)
    features = []
    for k in np.argsort(-gains, kind="stable")[:FEATURES_TOLD]:
        if gains[k] > 0.0:
            alone = auc_with_interval(inside, np.nan_to_num(matrix[:, k], nan=-np.inf)).value
            share = float(gains[k] / gains.sum())
            features.append(
                {
                    "name": names[k],
                    "auc_alone": round(float(max(alone, 1.0 - alone)), 4),
                    "gain_share": round(share, 4),
                }
            )
    return {
        "auc": {
            # Plain numbers: numpy's round otherwise than those that a report is read back with.
            **{name: round(float(getattr(area, name)), 4) for name in ("value", "low", "high")},
            "accounts": len(inside), "is_small": False,
        },
        "features": features,
    }  # fmt: skip
