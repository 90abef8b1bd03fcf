"""The fairness report of a release, made of what the store holds of it and a portfolio's files."""

from typing import Any

from limitkeeper.app.fairness import strategy_fairness
from limitkeeper.app.life_contents import Released
from limitkeeper.app.portfolio import Portfolio
from limitkeeper.app.review import Models, reviewed_portfolio
from limitkeeper.core.kernel.errors import InputError
from limitkeeper.core.kernel.parameters import Parameters
from limitkeeper.core.kernel.progress import Progress, unseen


def release_fairness(
    of: Released, portfolio: Portfolio, parameters: Parameters, policy: Parameters, *, seed: int = 0,
    progress: Progress = unseen,
) -> dict[str, Any]:  # fmt: skip
    """The report of a release on a portfolio.

    Parameters
    ----------
    of
        The release: its strategy and model by content.
    portfolio
        Of its market, with protected columns.
    parameters, policy
        Of the market on the portfolio's day, and the screens in force.
    seed
        Of the bootstrap and of the folds.
    progress
        Told of the work done.

    Raises
    ------
    InputError
        When the release has no model, the portfolio is of another market or names no protected column.
    """
    if of.model is None:
        raise InputError("A review needs a model, and the release has none.", value=of.row["release_id"])
    if portfolio.market != of.row["market"]:
        raise InputError(
            "The portfolio is of another market.", value=portfolio.market, allowed=of.row["market"]
        )
    review = reviewed_portfolio(portfolio, Models(of.model), of.strategy, parameters, progress=progress)
    return strategy_fairness(review, policy, strategy=of.strategy.name, seed=seed, progress=progress)
