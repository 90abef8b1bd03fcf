"""What decides about live events on a day, from a strategy, a model and a market's parameters."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from limitkeeper.app.live import NO_MODEL, Arm, released_arm
from limitkeeper.app.policy import market_parameters
from limitkeeper.app.regulation_policy import regulation_version
from limitkeeper.app.strategies import published_strategy
from limitkeeper.core.alerts.arms import ArmRules
from limitkeeper.core.alerts.due import Waits
from limitkeeper.core.alerts.portfolio import RateTerms, UnusualRate
from limitkeeper.core.alerts.terms import UNSCORED, WatchTerms, check_model, fold_terms
from limitkeeper.core.behaviour.events import DAY_US, HOUR_US
from limitkeeper.core.decision.assessment import Policy
from limitkeeper.core.kernel.parameters import Parameters
from limitkeeper.core.risk.model import Model
from limitkeeper.core.strategy.holdout import holdout_terms
from limitkeeper.core.strategy.proposals import PublishedStrategy
from limitkeeper.core.strategy.steps import StepTerms
from limitkeeper.core.value.economics import terms_in_force
from limitkeeper.core.value.response import response_terms_in_force
from limitkeeper.engines.embedded.findings import Findings, Reporter, portfolio_row
from limitkeeper.engines.embedded.outcome import Step
from limitkeeper.engines.embedded.shard import CHANGE_NAMES
from limitkeeper.engines.embedded.terms import ArmTerms, LiveTerms
from limitkeeper.store.work import Work

FREEZE_DAYS_MAX = 36_500

KEPT_DAYS = 4
"""Days whose policies are kept."""

Note = Mapping[str, Any]
"""A policy by content: the day, and of each arm its strategy, model and rules."""


@dataclass(frozen=True, slots=True)
class LivePolicy:
    """What decides on a day: terms, and of each arm the reporter that tells of it."""

    day: dt.date
    terms: LiveTerms
    reporters: tuple[Reporter, ...]

    @property
    def reporter(self) -> Reporter:
        """The champion's."""
        return self.reporters[0]

    def findings(self, steps: Iterable[Step], unusual: Iterable[UnusualRate] = ()) -> Findings:
        """The findings of steps, in their order, and of days that were unusual."""
        found = Findings(portfolio=[portfolio_row(each) for each in unusual])
        for step in steps:
            self.reporters[step.arm].add(step, found)
        return found

    def summaries(self, steps: Iterable[Step], count: int) -> list[dict[str, Any] | None]:
        """The looks of a batch's rows in short, None where a row was not applied."""
        found: list[dict[str, Any] | None] = [None] * count
        for step in steps:
            if step.rows is not None:
                looks = self.reporters[step.arm].summaries(step.watched, np.arange(len(step.rows)))
                for row, look in zip(step.rows.tolist(), looks, strict=True):
                    found[row] = look
        return found

    def note(self) -> Note:
        """The policy by content, as journal and snapshots name it."""
        champion, *challengers = (
            _arm_note(*each) for each in zip(self.reporters, self.terms.arms, strict=True)
        )
        del champion["buckets"]
        note = {"day": self.day.isoformat(), "parameters": self.reporter.versions.parameters} | champion
        return note | ({"challengers": challengers} if challengers else {})


def _arm_note(reporter: Reporter, terms: ArmTerms) -> dict[str, Any]:
    versions, buckets = reporter.versions, terms.buckets
    return {
        "strategy": versions.strategy,
        "model": versions.model,
        "rules": list(terms.rules.rules),
        "buckets": [buckets.start, buckets.stop],
    }


def rules_noted(note: Note) -> tuple[ArmRules, ...]:
    """How masks of rules are numbered under a policy, by its note alone."""
    return (
        ArmRules(range(0), tuple(note["rules"])),
        *(ArmRules(range(*each["buckets"]), tuple(each["rules"])) for each in note.get("challengers", ())),
    )


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
        holdout=holdout_terms(parameters),
    )


def _freeze_days(steps: StepTerms) -> float:
    return min(steps.freeze_days, FREEZE_DAYS_MAX)


class Policies:
    """What decides on any day, under the parameters that are in force then.

    Parameters
    ----------
    arms
        The champion, then challengers.
    market, time_zone
        Whose parameters, and where it is night.
    overrides
        The lender's own parameters.

    Raises
    ------
    ModelError
        When a model reads what live events do not give.
    """

    def __init__(
        self, arms: Sequence[Arm], market: str, time_zone: str, overrides: Path | None = None
    ) -> None:
        for arm in arms:
            if arm.model is not None:
                check_model(arm.model, CHANGE_NAMES)
        self.arms, self.market, self.time_zone, self.overrides = tuple(arms), market, time_zone, overrides
        self._of_day: dict[dt.date, LivePolicy] = {}

    def with_arms(self, arms: Sequence[Arm]) -> "Policies":
        """The same, but that others decide."""
        return Policies(arms, self.market, self.time_zone, self.overrides)

    def of_day(self, day: dt.date) -> LivePolicy:
        """What decides on a day."""
        found = self._of_day.get(day)
        if found is None:
            found = self._of_day[day] = self._made(day)
            while len(self._of_day) > KEPT_DAYS:
                del self._of_day[next(iter(self._of_day))]
        return found

    def _made(self, day: dt.date) -> LivePolicy:
        parameters = market_parameters(self.market, day, self.overrides)
        terms = LiveTerms(
            tuple(_arm_terms(arm, parameters) for arm in self.arms),
            self.market,
            self.time_zone,
            relations_allowed=parameters["relations_allowed"] == 1,
            relations_refresh_us=int(parameters["relations_refresh_hours"] * HOUR_US),
            rates=RateTerms(
                usual_days=int(parameters["portfolio_usual_days"]),
                least_days=int(parameters["portfolio_least_days"]),
                sigmas=parameters["portfolio_sigmas"],
                least_difference=parameters["portfolio_least_difference"],
            ),
        )
        rules = regulation_version(self.market, day)
        return LivePolicy(day, terms, tuple(Reporter(arm.watch, parameters, rules) for arm in terms.arms))

    def noted(self, note: Note, w: Work) -> LivePolicy | None:
        """The policy of a note: of these arms, or of releases of a store; None where it is neither.

        Parameters
        ----------
        note
            As :meth:`LivePolicy.note` gave it.
        w
            Of the store.
        """
        day = dt.date.fromisoformat(note["day"])
        found = self.of_day(day)
        if found.note() == note:
            return found
        contents = {(arm.strategy.hash, arm.model.hash if arm.model else NO_MODEL): arm for arm in self.arms}
        arms = []
        for each in (note, *note.get("challengers", ())):
            content = each["strategy"], each["model"]
            arm = contents.get(content) or released_arm(w, self.market, *content)
            if arm is None:
                return None
            arms.append(replace(arm, buckets=range(*each.get("buckets", (0, 0)))))
        found = self.with_arms(arms).of_day(day)
        return found if found.note() == note else None


def _arm_terms(arm: Arm, parameters: Parameters) -> ArmTerms:
    watch = watch_terms(published_strategy(arm.strategy, parameters), arm.model, parameters)
    steps = watch.policy.strategy.terms
    step_days = (*steps.decrease_wait_days[1:], steps.restore_wait_days)
    waits = Waits(
        freeze_confirmation_us=int(parameters["freeze_confirmation_days"] * DAY_US),
        freeze_us=int(_freeze_days(steps) * DAY_US),
        steps_us=tuple(sorted({int(days * DAY_US) for days in step_days if days > 0})),
    )
    return ArmTerms(watch, waits, arm.buckets)
