"""What decides about live events on a day, from a strategy, a model and a market's parameters."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from limitkeeper.app.policy import market_parameters
from limitkeeper.app.strategies import published_strategy
from limitkeeper.core.alerts.due import Waits
from limitkeeper.core.alerts.portfolio import RateTerms
from limitkeeper.core.alerts.watch import UNSCORED, WatchTerms, check_model, fold_terms
from limitkeeper.core.behaviour.events import DAY_US, HOUR_US
from limitkeeper.core.decision.assessment import Policy
from limitkeeper.core.kernel.parameters import Parameters
from limitkeeper.core.risk.model import Model
from limitkeeper.core.strategy.definition import Strategy
from limitkeeper.core.strategy.proposals import PublishedStrategy
from limitkeeper.core.strategy.steps import StepTerms
from limitkeeper.core.value.economics import terms_in_force
from limitkeeper.core.value.response import response_terms_in_force
from limitkeeper.engines.embedded.findings import Reporter
from limitkeeper.engines.embedded.shard import CHANGE_NAMES
from limitkeeper.engines.embedded.state import LiveTerms

FREEZE_DAYS_MAX = 36_500


@dataclass(frozen=True, slots=True)
class LivePolicy:
    """What decides on a day: terms, and the reporter that tells of it."""

    day: dt.date
    terms: LiveTerms
    reporter: Reporter

    def note(self) -> dict[str, Any]:
        """The policy by content, as journal and snapshots name it."""
        versions = self.reporter.versions
        return {
            "day": self.day.isoformat(),
            "strategy": versions.strategy,
            "model": versions.model,
            "parameters": versions.parameters,
            "rules": [rule.id for rule in self.reporter.rules],
        }


def watch_terms(published: PublishedStrategy, model: Model | None, parameters: Parameters) -> WatchTerms:
    """What decides about events.

    Parameters
    ----------
    published
        The strategy, under the same parameters.
    model
        The PD model; without one the PD is missing, and no rule that reads the score hits.
    parameters
        In force.
    """
    steps = published.terms
    return WatchTerms(
        policy=Policy(
            model.scorecard if model else UNSCORED,
            published,
            terms_in_force(parameters),
            response_terms_in_force(parameters),
        ),
        model=model,
        estimates={"lgd": parameters["lgd"], "ccf": parameters["ccf"]},
        fold=fold_terms(published.strategy, parameters, steps.least_step_cents, _freeze_days(steps)),
    )


def _freeze_days(steps: StepTerms) -> float:
    return min(steps.freeze_days, FREEZE_DAYS_MAX)


def policy_of_day(
    strategy: Strategy, model: Model | None, market: str, time_zone: str, overrides: Path | None = None
) -> Callable[[dt.date], LivePolicy]:
    """What decides on any day, under the parameters that are in force then.

    Parameters
    ----------
    strategy, model
        What decides; without a model the PD is missing, and no rule that reads the score hits.
    market, time_zone
        Whose parameters, and where it is night.
    overrides
        The lender's own parameters.

    Raises
    ------
    ModelError
        When the model reads what live events do not give.
    """
    if model is not None:
        check_model(model, CHANGE_NAMES)

    @lru_cache(maxsize=4)
    def policy(day: dt.date) -> LivePolicy:
        parameters = market_parameters(market, day, overrides)
        watch = watch_terms(published_strategy(strategy, parameters), model, parameters)
        steps = watch.policy.strategy.terms
        step_days = (*steps.decrease_wait_days[1:], steps.restore_wait_days)
        waits = Waits(
            freeze_confirmation_us=int(parameters["freeze_confirmation_days"] * DAY_US),
            freeze_us=int(_freeze_days(steps) * DAY_US),
            steps_us=tuple(sorted({int(days * DAY_US) for days in step_days if days > 0})),
        )
        terms = LiveTerms(
            watch,
            waits,
            time_zone,
            relations_allowed=parameters["relations_allowed"] == 1,
            relations_refresh_us=int(parameters["relations_refresh_hours"] * HOUR_US),
            rates=RateTerms(
                usual_days=int(parameters["portfolio_usual_days"]),
                least_days=int(parameters["portfolio_least_days"]),
                sigmas=parameters["portfolio_sigmas"],
                least_difference=parameters["portfolio_least_difference"],
            ),
        )
        return LivePolicy(day, terms, Reporter(watch, parameters))

    return policy
