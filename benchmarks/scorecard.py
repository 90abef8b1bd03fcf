"""Scoring with reasons: our kernel against optbinning's scorecard on the same bins and accounts.

Ours gives points, PD and the four characteristics that cost most; optbinning gives points.
"""

import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from limitkeeper.core.kernel.columns import Columns
from limitkeeper.learn.champion import Champion, Material, fit_of

ACCOUNTS = 1_000_000
PEER_ACCOUNTS = 100_000
CHARACTERISTICS = 20
FITTED_ROWS = 20_000
REPEATS = 5


def accounts(rows: int, seed: int) -> tuple[Columns, NDArray[np.float64]]:
    """Made-up accounts: twenty numbers that each carry some risk, 2 % missing, and the outcome."""
    draws = np.random.default_rng(seed)
    values = draws.normal(size=(CHARACTERISTICS, rows))
    score = -2.0 + 0.25 * values.sum(axis=0)
    target = (draws.uniform(size=rows) < 1.0 / (1.0 + np.exp(-score))).astype(np.float64)
    values[draws.uniform(size=values.shape) < 0.02] = np.nan
    return Columns(tuple(f"c{k}" for k in range(CHARACTERISTICS)), values), target


def seconds(work: Callable[[], object]) -> float:
    """The shortest of a few runs, after one to warm up."""
    work()
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def run() -> dict[str, Any]:
    """Rows scored a second on one core, ours and optbinning's."""
    columns, target = accounts(FITTED_ROWS, 0)
    material = Material(columns, target, {}, np.empty(0))
    binned = material.binned(columns.names)
    fit = fit_of(material, list(binned), list(binned.values()), (6.0, 2.0))
    scorecard = Champion(tuple(binned), tuple(binned.values()), fit, 1.0, 0.0, (6.0, 2.0)).scorecard()
    many, _ = accounts(ACCOUNTS, 1)
    ours = ACCOUNTS / seconds(lambda: scorecard.scored(many))
    rows: list[dict[str, Any]] = [
        {
            "what": "limitkeeper: points, PD, four reasons",
            "rate": ours,
            "unit": "rows/s per core",
            "ratio_to_ours": 1.0,
        }
    ]
    peer = optbinning_rate(columns, target, {name: bins.edges for name, bins in binned.items()})
    rows.append(
        {
            "what": "optbinning Scorecard.score: points only",
            "rate": "not installed" if peer is None else peer,
            "unit": "rows/s",
            "ratio_to_ours": None if peer is None else peer / ours,
        }
    )
    bins = sum(each.count for each in binned.values())
    return {
        "name": "scorecard",
        "rows": rows,
        "notes": [
            f"{len(binned)} characteristics with {bins} bins, the same edges for both.",
            f"{ACCOUNTS:,} accounts from memory (optbinning: {PEER_ACCOUNTS:,}); best of {REPEATS}.",
        ],
    }


def optbinning_rate(
    columns: Columns, target: NDArray[np.float64], edges: dict[str, NDArray[np.float64]]
) -> float | None:
    """Rows a second of optbinning's scorecard with the same bins, or None where it is not installed."""
    try:
        import pandas as pd
        from optbinning import BinningProcess, Scorecard
        from sklearn.linear_model import LogisticRegression
    except ImportError:
        return None
    names = list(edges)
    frame = pd.DataFrame(columns.values[columns.rows(names)].T, columns=names)
    fixed = {
        name: {"user_splits": own, "user_splits_fixed": [True] * len(own)} for name, own in edges.items()
    }
    many, _ = accounts(PEER_ACCOUNTS, 1)
    scored = pd.DataFrame(many.values[many.rows(names)].T, columns=names)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scorecard = Scorecard(
            binning_process=BinningProcess(names, binning_fit_params=fixed),
            estimator=LogisticRegression(max_iter=1_000),
            scaling_method="pdo_odds",
            scaling_method_params={"pdo": 20, "odds": 50, "scorecard_points": 600},
        ).fit(frame, target.astype(np.int64))
        return PEER_ACCOUNTS / seconds(lambda: scorecard.score(scored))
