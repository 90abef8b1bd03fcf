"""A score under a constraint of fairness: fairlearn's reductions over the champion's own contributions."""

import warnings
from collections.abc import Sequence

import numpy as np
from fairlearn.reductions import DemographicParity, ExponentiatedGradient
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from limitkeeper.core.kernel.columns import Columns
from limitkeeper.learn.champion import Champion

BOUNDS = (0.10, 0.05, 0.02, 0.01)
"""Most that the share flagged of a group may differ from that of all, loosest first."""

ITERATIONS_MOST = 15


def contributions(champion: Champion, columns: Columns) -> NDArray[np.float64]:
    """What each characteristic adds to the log odds of each account, ``(n, k)``."""
    found = [
        values[bins.bin_of(columns[name])]
        for name, bins, values in zip(champion.names, champion.bins, champion.fit.contributions, strict=True)
    ]
    return np.stack(found, axis=1) if found else np.zeros((len(columns), 0))


def constrained_scores(
    matrix: NDArray[np.float64],
    target: NDArray[np.float64],
    codes: NDArray[np.int64],
    held: NDArray[np.float64],
    bounds: Sequence[float] = BOUNDS,
) -> list[NDArray[np.float64]]:
    """Scores of held-out accounts by a logistic fit under demographic parity, one a bound.

    The group is used to fit, never to score. The fit is a weighted set of logistic regressions; where fairlearn draws
    one of them by lot for each account, their mean probability is taken, so that one account always has one score.

    Parameters
    ----------
    matrix, target, codes
        Contributions, outcome and group of the accounts that are fitted on.
    held
        Contributions of the others.
    bounds
        Most that the share flagged of a group may differ from that of all.

    Source
    ------
    A. Agarwal et al., A reductions approach to fair classification, ICML (2018); fairlearn.
    """
    scores = []
    for bound in bounds:
        fit = ExponentiatedGradient(
            LogisticRegression(max_iter=500), DemographicParity(difference_bound=bound), eps=bound,
            max_iter=ITERATIONS_MOST,
        )  # fmt: skip
        # warnings: of pandas to fairlearn, which sets a value by a label that is new; threads cost more than they give
        with threadpool_limits(1), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fit.fit(matrix, target.astype(np.int64), sensitive_features=codes)
        weights = np.asarray(fit.weights_, np.float64)
        members = [k for k in range(len(weights)) if weights[k] > 0.0]
        score = np.zeros(len(held))
        for k in members:
            predictor = fit.predictors_[k]
            # a member fitted on one class only says the same of everybody, and ranks nobody
            if hasattr(predictor, "predict_proba"):
                score += weights[k] * predictor.predict_proba(held)[:, 1]
        scores.append(score)
    return scores
