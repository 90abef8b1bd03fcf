"""Events watched as they happen: each assessed as of its own time, under what stood before it.

The result does not depend on how events are cut into micro-batches. An account's later events in a batch are
assessed under what its earlier ones decided: all are assessed at once, as though nothing changed, and those
behind a change are assessed again, in rounds. Changes are rare, so rounds are few and short.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray

from limitkeeper.core.alerts.fold import FoldTerms, fold_decisions
from limitkeeper.core.alerts.standing import (
    ALERT_FIELDS,
    ALERT_TRIGGERS,
    DECIDED_NAMES,
    STATED_NAMES,
    Standing,
    write_decided,
    write_stated,
)
from limitkeeper.core.behaviour.events import DAY_US
from limitkeeper.core.behaviour.features import FEATURE_NAMES
from limitkeeper.core.decision.assessment import Assessment, Policy, assess_into, empty_assessment
from limitkeeper.core.kernel.columns import Columns, copy_rows
from limitkeeper.core.kernel.errors import ModelError, did_you_mean
from limitkeeper.core.kernel.parameters import Parameters
from limitkeeper.core.risk.model import Model
from limitkeeper.core.risk.scorecard import Scorecard
from limitkeeper.core.strategy.actions import Action, Trigger
from limitkeeper.core.strategy.definition import Strategy
from limitkeeper.core.strategy.proposals import Proposals

UNSCORED = Scorecard((), 0, points_at_odds=math.nan)
"""No model: the PD is missing, and no rule that reads the score hits."""

LOOKED = -1
"""The kind of a look at an account without an event."""


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
    """

    policy: Policy
    model: Model | None
    estimates: Mapping[str, float]
    fold: FoldTerms

    @cached_property
    def columns(self) -> tuple[NDArray[np.int64], NDArray[np.int64], tuple[str, ...]]:
        """What it reads: numbers of features, numbers of what is stated, and the names of the rest."""
        names = dict.fromkeys((*self.policy.inputs, *_model_names(self), *DECIDED_NAMES))
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


@dataclass(frozen=True, slots=True)
class Looks:
    """Looks at accounts, by an event or without one, in order; arrays of shape ``(n,)``.

    Parameters
    ----------
    account, ts_us, kind, amount_cents, days_past_due
        Of the event; ``kind`` is -1 where there is none.
    features
        As of the look, ``(n, 45)``.
    others
        Further columns by name, such as relations.
    """

    account: NDArray[np.int64]
    ts_us: NDArray[np.int64]
    kind: NDArray[np.int16]
    amount_cents: NDArray[np.int64]
    days_past_due: NDArray[np.int64]
    features: NDArray[np.float64]
    others: Mapping[str, NDArray[np.float64]]

    def __len__(self) -> int:
        return len(self.account)


@dataclass(frozen=True, slots=True)
class Part:
    """Looks at accounts that are numbered together.

    Parameters
    ----------
    standing
        Of all those accounts; changed.
    customers
        Number of the account that stands for the customer of each.
    looks
        In arrival order.
    """

    standing: Standing
    customers: NDArray[np.int64]
    looks: Looks


@dataclass(frozen=True, slots=True)
class Watched:
    """What came of looks; arrays of shape ``(n, ...)`` in their order.

    Parameters
    ----------
    columns, characteristics, hits_before
        What was read.
    assessment
        What was found.
    alerts, alert_rows
        What became of each trigger's alert, ``(n, 4)``, and the alert then, ``(n, 4, 5)``.
    proposed
        Whether a new proposal is made.
    """

    columns: Columns
    characteristics: Columns
    hits_before: NDArray[np.int64]
    assessment: Assessment
    alerts: NDArray[np.uint8]
    alert_rows: NDArray[np.int64]
    proposed: NDArray[np.bool_]


def watched(parts: Sequence[Part], terms: WatchTerms) -> Watched:
    """Assess looks in their order, and fold what they decide into what stands.

    Several parts are assessed at once, with the same bits as one by one: a call costs more than a few rows.

    Parameters
    ----------
    parts
        At least one; no account is in two of them. Their looks follow one another in what is found.
    terms
        What decides.
    """
    looks = _joined_looks([part.looks for part in parts])
    size = len(looks)
    stated = _joined([_stated(part) for part in parts], axis=1)
    columns = _columns(looks, stated, terms)
    found = _unwatched(columns, _characteristics(columns, terms))
    which: Sequence[slice | NDArray[np.int64]] = _slices([len(part.looks) for part in parts])
    waiting = size
    while waiting:
        pending = _round(parts, looks, stated, terms, found, which)
        which, waiting = pending, sum(len(rows) for rows in pending)
    return found


@dataclass(frozen=True, slots=True)
class Reading:
    """What some terms read of accounts as they stand.

    Parameters
    ----------
    columns
        Of :attr:`WatchTerms.names`.
    hits_before, barred
        Masks of rules, ``(n,)``: hit before, and not to freeze again; as the strategy that decides numbers them.
    """

    columns: Columns
    hits_before: NDArray[np.int64]
    barred: NDArray[np.int64]


def read_upon(part: Part, terms: WatchTerms) -> Reading:
    """What terms read of accounts as they stand, without an event: nothing changes.

    Parameters
    ----------
    part
        Its looks are without events.
    terms
        What reads; they need not be what decides.
    """
    looks, stated = part.looks, _stated(part)
    columns, size = _columns(looks, stated, terms), len(looks)
    reading = Reading(columns, np.empty(size, np.int64), np.empty(size, np.int64))
    whole = slice(0, size)
    _write_decided(part, looks, stated, columns, whole, whole, reading.hits_before, reading.barred)
    return reading


def assessed_upon(reading: Reading, terms: WatchTerms) -> Watched:
    """Accounts that were read, assessed: nothing is decided of them.

    Parameters
    ----------
    reading
        By the same terms, its masks as their strategy numbers its rules.
    terms
        What assesses.
    """
    columns = reading.columns
    found = replace(_unwatched(columns, _characteristics(columns, terms)), hits_before=reading.hits_before)
    _assess_columns(found, terms, reading.barred)
    return found


def _joined(arrays: Sequence[NDArray[Any]], axis: int = 0) -> NDArray[Any]:
    """Arrays one after another; one alone is not copied."""
    return arrays[0] if len(arrays) == 1 else np.concatenate(arrays, axis)


def _joined_looks(parts: Sequence[Looks]) -> Looks:
    if len(parts) == 1:
        return parts[0]
    names = ("account", "ts_us", "kind", "amount_cents", "days_past_due", "features")
    columns = {name: _joined([getattr(part, name) for part in parts]) for name in names}
    others = {name: _joined([part.others[name] for part in parts]) for name in parts[0].others}
    return Looks(**columns, others=others)


def _slices(sizes: Sequence[int]) -> list[slice]:
    """Where parts of some sizes lie one after another."""
    ends = list(accumulate(sizes))
    return [slice(end - size, end) for end, size in zip(ends, sizes, strict=True)]


def _stated(part: Part) -> NDArray[np.float64]:
    """What stands after each event, which is applied."""
    standing, looks = part.standing, part.looks
    standing.make_room(len(looks))
    stated = np.empty((len(STATED_NAMES), len(looks)))
    write_stated(
        standing.dense, standing.products, standing.slots, standing.rows, standing.top, part.customers,
        looks.account, looks.ts_us, looks.kind, looks.amount_cents, looks.days_past_due, stated,
    )  # fmt: skip
    return stated


def _unwatched(columns: Columns, characteristics: Columns) -> Watched:
    """Looks of which only is known what they read."""
    size = len(columns)
    return Watched(
        columns=columns,
        characteristics=characteristics,
        hits_before=np.zeros(size, np.int64),
        assessment=empty_assessment(size),
        alerts=np.zeros((size, ALERT_TRIGGERS), np.uint8),
        alert_rows=np.zeros((size, ALERT_TRIGGERS, ALERT_FIELDS), np.int64),
        proposed=np.zeros(size, np.bool_),
    )


def _columns(looks: Looks, stated: NDArray[np.float64], terms: WatchTerms) -> Columns:
    """The columns that the policy reads, but for those that decisions change."""
    features, given, others = terms.columns
    first, second = len(features), len(features) + len(given)
    values = np.empty((second + len(others), len(looks)))
    copy_rows(looks.features.T, features, 0, values[:first])
    copy_rows(stated, given, 0, values[first:second])
    closed = np.asarray(looks.features[:, FEATURE_NAMES.index("limit_cents")] == 0.0, np.float64)
    rest: dict[str, NDArray[np.float64] | float] = {**terms.estimates, "is_closed": closed, **looks.others}
    for k, name in enumerate(others, second):
        values[k] = rest.get(name, np.nan)
    return Columns(terms.names, values)


def _model_names(terms: WatchTerms) -> tuple[str, ...]:
    return terms.model.columns_needed if terms.model else ()


def _characteristics(columns: Columns, terms: WatchTerms) -> Columns:
    """What the scorecard reads; a standing that decisions change is not among it."""
    if terms.model is None:
        return Columns((), np.empty((0, len(columns))))
    names = terms.model.columns_needed
    return terms.model.with_characteristics(Columns(names, columns.values[columns.rows(names)]))


def _round(
    parts: Sequence[Part],
    looks: Looks,
    stated: NDArray[np.float64],
    terms: WatchTerms,
    found: Watched,
    which: Sequence[slice | NDArray[np.int64]],
) -> list[NDArray[np.int64]]:
    """Assess some looks of each part and fold them; those that must be assessed again."""
    rows = [each for each in which if not isinstance(each, slice)]
    if rows:
        again = np.concatenate(rows)
        here = _unwatched(_rows_of(found.columns, again), _rows_of(found.characteristics, again))
        owns = _slices([len(each) for each in rows])
    else:
        again, here, owns = np.empty(0, np.int64), found, _slices([len(part.looks) for part in parts])
    _assess(parts, looks, stated, terms, here, which, owns)
    pending = np.empty(len(here.columns), np.bool_)
    proposals = here.assessment.proposals
    for part, each, own in zip(parts, which, owns, strict=True):
        standing = part.standing
        standing.mark += 1
        fold_decisions(
            standing.slots, standing.rows, standing.top, standing.marks, standing.mark, looks.account[each],
            looks.ts_us[each], looks.kind[each], proposals.hits[own], proposals.rules[own],
            proposals.effects[own], proposals.limits_after_cents[own], terms.fold, here.alerts[own],
            here.alert_rows[own], here.proposed[own], pending[own],
        )  # fmt: skip
    if not rows:
        return [own.start + np.flatnonzero(pending[own]) for own in owns]
    _write_back(found, here, again)
    return [each[pending[own]] for each, own in zip(rows, owns, strict=True)]


def _assess(
    parts: Sequence[Part],
    looks: Looks,
    stated: NDArray[np.float64],
    terms: WatchTerms,
    here: Watched,
    which: Sequence[slice | NDArray[np.int64]],
    owns: Sequence[slice],
) -> None:
    """Assess some looks of each part under what stands of their accounts.

    Parameters
    ----------
    parts, looks, stated, terms
        Of everything.
    here
        Of the looks that are assessed, where what is found is written.
    which, owns
        The place of each part's looks in everything, and in ``here``.
    """
    barred = np.empty(len(here.columns), np.int64)
    for part, each, own in zip(parts, which, owns, strict=True):
        _write_decided(part, looks, stated, here.columns, each, own, here.hits_before[own], barred[own])
    _assess_columns(here, terms, barred)


def _write_decided(
    part: Part,
    looks: Looks,
    stated: NDArray[np.float64],
    columns: Columns,
    each: slice | NDArray[np.int64],
    own: slice,
    hits_before: NDArray[np.int64],
    barred: NDArray[np.int64],
) -> None:
    """Write what decisions have changed of a part's accounts: its columns at ``own``, of the looks ``each``."""
    decided = np.empty((len(DECIDED_NAMES), own.stop - own.start))
    write_decided(
        part.standing.slots, part.standing.rows, looks.account[each], looks.ts_us[each],
        np.ascontiguousarray(stated[:, each]), decided, hits_before, barred,
    )  # fmt: skip
    for place, column in zip(columns.rows(DECIDED_NAMES).tolist(), decided, strict=True):
        columns.values[place, own] = column


def _assess_columns(here: Watched, terms: WatchTerms, barred: NDArray[np.int64]) -> None:
    for chunk in here.columns.chunks():
        assess_into(
            here.assessment, here.columns, here.hits_before, here.characteristics, terms.policy, chunk, barred
        )


def _rows_of(columns: Columns, which: NDArray[np.int64]) -> Columns:
    return Columns(columns.names, np.ascontiguousarray(columns.values[:, which]))


def _write_back(found: Watched, here: Watched, which: NDArray[np.int64]) -> None:
    found.columns.values[:, which] = here.columns.values
    for name in ("hits_before", "alerts", "alert_rows", "proposed"):
        getattr(found, name)[which] = getattr(here, name)
    whole, part = found.assessment, here.assessment
    for field in fields(Proposals):
        getattr(whole.proposals, field.name)[which] = getattr(part.proposals, field.name)
    for name in ("points", "pd", "reasons", "points_lost", "marginal_profit_cents"):
        getattr(whole, name)[which] = getattr(part, name)
    whole.value_before[:, which] = part.value_before
    whole.value_after[:, which] = part.value_after
