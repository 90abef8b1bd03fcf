"""The challenger: LightGBM with monotone constraints, a mean over members, calibrated on held-out rows."""

import lightgbm as lgb
import numpy as np
from numpy.typing import NDArray

from limitkeeper.core.kernel.columns import Columns
from limitkeeper.core.risk.model import Challenger
from limitkeeper.learn.binning import isotonic_spread
from limitkeeper.learn.champion import Material, folds_of, information_value
from limitkeeper.learn.validation import logistic_line

MEMBERS, MEMBERS_OF_FEW_ROWS, FEW_ROWS = 4, 8, 5_000
"""Members of the mean; each stops early on the rows it was not fitted on, fewer where rows are few."""

ROUNDS_MOST = 1_500
ROUNDS_WITHOUT_GAIN = 40
THREADS = 1
"""Threads of one member; members and folds run side by side."""

TREND_SHARE = 0.98
"""A trend is clear where its isotonic fit explains this share of what twenty quantile bins explain."""


def fitted_challenger(material: Material, seed: int) -> Challenger:
    """The challenger from training rows: constraints, rounds and calibration all found on them."""
    columns, target = material.columns, material.target
    names = columns.names
    constraints = [0 if name in material.categories else clear_trend(material, name) for name in names]
    matrix = np.ascontiguousarray(columns.values.T)
    parameters = {
        **settings(len(target), float(target.sum()), len(names)),
        "monotone_constraints": constraints,
    }
    categorical = [k for k, name in enumerate(names) if name in material.categories]
    members = MEMBERS if len(target) >= FEW_ROWS else MEMBERS_OF_FEW_ROWS
    scores = np.empty(len(target))
    boosters = []
    for member, (fitted_rows, held_rows) in enumerate(folds_of(target, members, seed)):
        datasets = [
            lgb.Dataset(
                matrix[rows],
                target[rows],
                categorical_feature=categorical,
                feature_name=[f"c{k}" for k in range(len(names))],
            )
            for rows in (fitted_rows, held_rows)
        ]
        booster = lgb.train(
            {**parameters, "seed": seed + member},
            datasets[0],
            ROUNDS_MOST,
            valid_sets=[datasets[1]],
            callbacks=[lgb.early_stopping(ROUNDS_WITHOUT_GAIN, verbose=False)],
        )
        scores[held_rows] = booster.predict(matrix[held_rows], raw_score=True)
        boosters.append(booster.model_to_string(num_iteration=booster.best_iteration, importance_type="gain"))
    slope, intercept = logistic_line(scores, target)
    return Challenger(names, tuple(boosters), slope, intercept)


def settings(rows: int, bads: float, columns: int) -> dict[str, object]:
    """LightGBM's settings: shallow trees, slowly; larger ones only where rows carry them."""
    minority = min(bads, rows - bads)
    return {
        "objective": "binary",
        "metric": "binary_logloss",
        "learning_rate": 0.04,
        "num_leaves": int(np.clip(round(np.sqrt(rows) / 18.0), 8, 31)),
        "min_data_in_leaf": int(np.clip(rows / 200.0, 8, 100)),
        "min_sum_hessian_in_leaf": float(np.clip(minority / 500.0, 1e-3, 5.0)),
        "feature_fraction": float(np.clip(25.0 / columns, 0.3, 0.6)),
        "bagging_fraction": 0.7,
        "bagging_freq": 1,
        "lambda_l2": 3.0,
        "max_bin": 127,
        "monotone_constraints_method": "basic",
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": THREADS,
        "verbose": -1,
    }


def clear_trend(material: Material, name: str) -> int:
    """1 or -1 where risk clearly rises or falls with a number, else 0.

    A column with missing codes is left free: its codes lie below its values, and mean something else.
    """
    column, target = material.columns[name], material.target
    if np.isin(column, material.missing_codes).any() or information_value(column, target) < 0.02:  # noqa: PLR2004
        return 0
    known = ~np.isnan(column)
    x, y = column[known], target[known]
    edges = np.unique(np.quantile(x, np.linspace(0.0, 1.0, 21)[1:-1]))
    which = np.searchsorted(edges, x, side="right")
    counts = np.bincount(which, minlength=len(edges) + 1).astype(np.float64)
    used = counts > 0
    means = np.bincount(which, weights=y, minlength=len(counts))[used] / counts[used]
    weights = counts[used]
    whole = float(np.sum(weights * (means - np.average(means, weights=weights)) ** 2))
    noise = float(y.mean() * (1.0 - y.mean())) * (len(means) - 1)
    signal = max(whole - noise, 1e-12)
    for sign in (1, -1):
        if isotonic_spread(sign * means, weights) >= TREND_SHARE * signal:
            return sign
    return 0


def challenger_score(challenger: Challenger, columns: Columns) -> NDArray[np.float64]:
    """The calibrated PD of every account, ``(n,)``."""
    matrix = np.ascontiguousarray(columns.values[columns.rows(challenger.names)].T)
    if not len(matrix):
        return np.empty(0)
    total = np.zeros(len(matrix))
    for text in challenger.boosters:
        total += lgb.Booster(model_str=text).predict(matrix, raw_score=True, num_threads=THREADS)
    score = challenger.intercept + challenger.slope * total / len(challenger.boosters)
    chance: NDArray[np.float64] = 1.0 / (1.0 + np.exp(-score))
    return chance
