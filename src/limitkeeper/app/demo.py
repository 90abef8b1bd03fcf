"""The main job on the public Taiwan set: train, review, judge."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from limitkeeper.app.policy import market_parameters
from limitkeeper.app.portfolio import Portfolio, portfolio_of_accounts
from limitkeeper.app.review import Models, Review, decisions, portrait, reviewed_portfolio
from limitkeeper.app.summary import review_summary
from limitkeeper.app.taiwan import (
    AS_OF,
    CURRENCY,
    MARKET,
    PROTECTED,
    TIME_ZONE,
    is_test,
    taiwan_accounts,
    taiwan_events,
)
from limitkeeper.app.training import trained_model
from limitkeeper.connectors.taiwan import TARGET
from limitkeeper.core.behaviour.features import FEATURE_NAMES
from limitkeeper.core.kernel.progress import Progress, unseen
from limitkeeper.core.risk.model import Model
from limitkeeper.core.strategy.definition import Strategy

NAME = "Taiwan credit cards (UCI 350)"


@dataclass(frozen=True, slots=True)
class Demonstration:
    """What the demo leaves: the model, the review, its decisions and summary; and what the model learned from."""

    model: Model
    review: Review
    decisions: pl.DataFrame
    summary: dict[str, Any]
    training: pl.DataFrame


def taiwan_portfolio(accounts: pl.DataFrame, events: pl.DataFrame) -> Portfolio:
    """Some of the accounts as a portfolio as of the September statement."""
    return portfolio_of_accounts(
        accounts,
        name=NAME,
        market=MARKET,
        currency=CURRENCY,
        as_of=AS_OF,
        time_zone=TIME_ZONE,
        events=events.join(accounts, on="account_id", how="semi", maintain_order="left"),
        outcome=TARGET,
        protected=PROTECTED,
    )


def reviewed_taiwan(
    statements: pl.DataFrame,
    strategy: Strategy,
    *,
    notes: Mapping[str, list[str]] | None = None,
    progress: Progress = unseen,
) -> Demonstration:
    """Train on the train split, review the test split under a strategy, and judge it by what happened.

    The model reads the statements and the features of the events, never the protected attributes.
    """
    accounts, events = taiwan_accounts(statements), taiwan_events(statements)
    training = taiwan_portfolio(accounts.filter(~is_test()), events)
    assert training.outcome is not None
    assert training.protected is not None
    table, _ = portrait(training, progress)
    table = table.hstack([training.outcome.cast(pl.Int64).alias(TARGET), *training.protected])
    # What says the same as a statement column, or nothing on monthly events, is no characteristic of its own.
    apart = ["account_id", "product_code", "is_defaulted", *TELLING_NOTHING]
    model = trained_model(table, TARGET, drop=apart, protected=PROTECTED, progress=progress)
    parameters = market_parameters(MARKET, AS_OF.date())
    portfolio = taiwan_portfolio(accounts.filter(is_test()), events)
    review = reviewed_portfolio(portfolio, Models(model), strategy, parameters, progress=progress)
    decided = decisions(review.reviewed, progress)
    frame = review.portfolio.accounts
    baselines = {
        "PAY_0": frame["PAY_0"].cast(pl.Float64).to_numpy(),
        "utilisation": review.reviewed.features["utilisation"],
    }
    summary = review_summary(
        review.reviewed,
        review.portfolio,
        parameters,
        decided,
        card=model.card,
        baselines=baselines,
        notes=notes,
    )
    return Demonstration(model, review, decided, summary, table)


TELLING = (
    "utilisation",
    "late_share_6",
    "days_past_due_max_12",
    "days_past_due_mean_6",
    "on_time_streak",
    "paid_full_share_6",
    "completeness_3",
    "completeness_6",
    "spend_velocity_7d_90d",
    "spend_sum_90d_cents",
    "spend_mean_90d_cents",
    "refund_share_90d",
)
"""Features of the events that monthly statements can fill."""

TELLING_NOTHING = tuple(name for name in FEATURE_NAMES if name not in TELLING)
