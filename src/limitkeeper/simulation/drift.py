"""A stated drift of simulated portraits: what monitoring must find, with the truth known.

A population's mix drifts by simulating other lives (``simulated_life(mix=...)``); here are a feature's distribution,
the calibration, and the labels.
"""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from limitkeeper.core.kernel.errors import InputError


def with_feature_scaled(portraits: pl.DataFrame, feature: str, factor: float) -> pl.DataFrame:
    """The portraits with one feature multiplied: a feed that changed its unit, or prices that rose.

    Raises
    ------
    InputError
        When there is no such column.
    """
    if feature not in portraits.columns:
        raise InputError(f"The portraits have no column '{feature}'.", allowed=", ".join(portraits.columns))
    return portraits.with_columns(pl.col(feature) * factor)


def with_odds_multiplied(
    portraits: pl.DataFrame, target: str, pd: NDArray[np.float64], factor: float, seed: int
) -> pl.DataFrame:
    """The portraits with the odds of default multiplied: a recession that leaves the order of risks as it was.

    An account of probability ``p`` gets ``p' = factor p / (1 - p + factor p)``; of those that did not default so many
    do, or of those that did so many do not, that this is so.

    Parameters
    ----------
    portraits, target
        With outcomes 0 and 1.
    pd
        ``(n,)``; the probability before.
    factor
        Above 0; 1 changes nothing.
    seed
        Of the chance.
    """
    after = factor * pd / (1.0 - pd + factor * pd)
    rises, falls = np.clip(after - pd, 0.0, None) / (1.0 - pd), np.clip(pd - after, 0.0, None) / pd
    bad = portraits[target].to_numpy() == 1
    chance = np.random.default_rng(seed).random(len(bad))
    changed = np.where(bad, chance < falls, chance < rises)
    return portraits.with_columns(pl.Series(target, (bad ^ changed).astype(np.int8)))


def with_labels_drawn_anew(portraits: pl.DataFrame, target: str, share: float, seed: int) -> pl.DataFrame:
    """The portraits with the outcomes of a share of accounts exchanged among themselves.

    As many default as before; what the features said of them no longer holds.

    Raises
    ------
    InputError
        When the share is out of [0, 1].
    """
    if not 0.0 <= share <= 1.0:
        raise InputError("The share of labels drawn anew is out of range.", value=share, allowed="0 to 1")
    draws = np.random.default_rng(seed)
    outcome = portraits[target].to_numpy().copy()
    chosen = np.flatnonzero(draws.random(len(outcome)) < share)
    outcome[chosen] = outcome[draws.permutation(chosen)]
    return portraits.with_columns(pl.Series(target, outcome))
