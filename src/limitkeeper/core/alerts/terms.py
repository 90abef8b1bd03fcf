"""What decides about live events: strategy, scorecard and value, and what the fold reads of them."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from limitkeeper.core.alerts.fold import FoldTerms
from limitkeeper.core.alerts.standing import ALERT_TRIGGERS, DECIDED_NAMES, STATED_NAMES
from limitkeeper.core.behaviour.events import DAY_US
from limitkeeper.core.behaviour.features import FEATURE_NAMES
from limitkeeper.core.decision.assessment import Policy
from limitkeeper.core.kernel.errors import ModelError, did_you_mean
from limitkeeper.core.kernel.parameters import Parameters
from limitkeeper.core.risk.model import Model
from limitkeeper.core.risk.scorecard import Scorecard
from limitkeeper.core.strategy.actions import Action, Trigger
from limitkeeper.core.strategy.definition import Strategy
from limitkeeper.core.strategy.holdout import EXCLUSION_INPUTS, HOLDOUT_DRAW, NO_HOLDOUT, HoldoutTerms

UNSCORED = Scorecard((), 0, points_at_odds=math.nan)
"""No model: the PD is missing, and no rule that reads the score hits."""


@dataclass(frozen=True)
class WatchTerms:
    """Everything that decides about live events.

    Parameters
    ----------
    policy
        Strategy, scorecard, value.
    model
        The PD model, or None.
    estimates
        LGD and CCF by name.
    fold
        Of alerts and proposals.
    holdout
        Who is held out of cuts for risk by chance.
    """

    policy: Policy
    model: Model | None
    estimates: Mapping[str, float]
    fold: FoldTerms
    holdout: HoldoutTerms = NO_HOLDOUT

    @cached_property
    def columns(self) -> tuple[NDArray[np.int64], NDArray[np.int64], tuple[str, ...]]:
        """What it reads: numbers of features, numbers of what is stated, and the names of the rest."""
        scored = self.model.columns_needed if self.model else ()
        held = (*EXCLUSION_INPUTS, HOLDOUT_DRAW) if self.holdout.share else ()
        names = dict.fromkeys((*self.policy.inputs, *scored, *DECIDED_NAMES, *held))
        features = [k for k, name in enumerate(FEATURE_NAMES) if name in names]
        given = [k for k, name in enumerate(STATED_NAMES) if name in names]
        others = tuple(name for name in names if name not in (*FEATURE_NAMES, *STATED_NAMES))
        return np.array(features, np.int64), np.array(given, np.int64), others

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of those columns, in that order."""
        features, given, others = self.columns
        return (
            *(FEATURE_NAMES[k] for k in features.tolist()),
            *(STATED_NAMES[k] for k in given.tolist()),
            *others,
        )


def fold_terms(
    strategy: Strategy, parameters: Parameters, least_step_cents: int, freeze_days: float
) -> FoldTerms:
    """What the fold reads of a strategy, under a market's parameters."""
    rules = strategy.rules
    acting = [rule.action is not Action.NONE for rule in rules]
    return FoldTerms(
        trigger_masks=tuple(
            sum(1 << k for k, rule in enumerate(rules) if acting[k] and rule.trigger is trigger)
            for trigger in list(Trigger)[:ALERT_TRIGGERS]
        ),
        release_mask=sum(1 << k for k, rule in enumerate(rules) if rule.release is not None),
        severities=tuple(int(rule.severity) for rule in rules),
        for_violation=tuple(int(rule.trigger is Trigger.SUSPECTED_VIOLATION) for rule in rules),
        quiet_us=int(parameters["alert_quiet_days"] * DAY_US),
        proposal_valid_us=int(parameters["proposal_valid_days"] * DAY_US),
        least_step_cents=least_step_cents,
        freeze_us=int(min(freeze_days, 36_500) * DAY_US),
    )


def check_model(model: Model, others: tuple[str, ...] = ()) -> None:
    """Refuse a model that reads what live events do not give, or what decisions themselves change.

    Raises
    ------
    ModelError
        When a column of the model is none of the live ones, or no number.
    """
    known = (*FEATURE_NAMES, *STATED_NAMES, *others)
    for column in model.inputs:
        if column.name not in known:
            raise ModelError(
                f"The model reads '{column.name}', which live events do not give.",
                allowed=", ".join(known),
                advice=did_you_mean(column.name, known) or "Train it on a table of features.",
            )
        if column.type == "text":
            raise ModelError(f"The model reads '{column.name}' as text; live features are numbers.")
