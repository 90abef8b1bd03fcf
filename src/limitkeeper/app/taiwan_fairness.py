"""The fairness report of a strategy on the public Taiwan set, which the repository keeps in ``docs/fairness/``."""

import datetime as dt
from typing import Any

import polars as pl

from limitkeeper.app.demo import reviewed_taiwan
from limitkeeper.app.fairness import strategy_fairness
from limitkeeper.app.fairness_alternatives import threshold_alternatives
from limitkeeper.app.policy import market_parameters, screens_in_force
from limitkeeper.app.taiwan import AS_OF, MARKET
from limitkeeper.core.kernel.progress import Progress, unseen
from limitkeeper.core.strategy.definition import Strategy

SCREENS_DAY = dt.date(2026, 11, 1)
"""The screens in force on it judge; a day that is written down, so that the report stays as it is."""


def taiwan_fairness(
    statements: pl.DataFrame, strategy: Strategy, progress: Progress = unseen
) -> dict[str, Any]:
    """The report of a strategy by sex, age band, marital status and education, with its alternatives.

    The model is fitted on the train split and the strategy reviews the test split, as in the demo.

    Parameters
    ----------
    statements
        From :func:`limitkeeper.connectors.taiwan.taiwan_statements`.
    strategy
        Which.
    progress
        Told of the work done.
    """
    review = reviewed_taiwan(statements, strategy, progress=progress).review
    policy = screens_in_force(SCREENS_DAY)
    report = strategy_fairness(
        review, policy, strategy=strategy.name, notes=[{"code": "outcome_untouched"}], progress=progress
    )
    found = threshold_alternatives(review, market_parameters(MARKET, AS_OF.date()), policy, progress=progress)
    return {**report, "alternatives": found}
