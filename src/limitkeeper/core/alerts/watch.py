"""Events watched as they happen: each assessed as of its own time, under what stood before it.

The result does not depend on how events are cut into micro-batches. An account's later events in a batch are
assessed under what its earlier ones decided: all are assessed at once, as though nothing changed, and those
behind a change are assessed again, in rounds. Changes are rare, so rounds are few and short.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray

from limitkeeper.core.alerts.fold import fold_decisions
from limitkeeper.core.alerts.standing import (
    ALERT_FIELDS,
    ALERT_TRIGGERS,
    DECIDED_NAMES,
    STATED_NAMES,
    Standing,
    write_decided,
    write_stated,
)
from limitkeeper.core.alerts.terms import WatchTerms
from limitkeeper.core.behaviour.features import FEATURE_NAMES
from limitkeeper.core.decision.assessment import Assessment, assess_into, empty_assessment
from limitkeeper.core.kernel.columns import Columns, copy_rows
from limitkeeper.core.strategy.holdout import HOLDOUT_DRAW, holdout_by
from limitkeeper.core.strategy.proposals import Proposals

LOOKED = -1
"""The kind of a look at an account without an event."""


LOOK_NAMES = ("account", "ts_us", "kind", "amount_cents", "days_past_due", "features")


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

    def part(self, rows: NDArray[np.int64]) -> "Looks":
        """Some of them, in that order."""
        others = {name: column[rows] for name, column in self.others.items()}
        return Looks(**{name: getattr(self, name)[rows] for name in LOOK_NAMES}, others=others)


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
    return watched_upon(parts, [stated_of(part) for part in parts], terms)


def watched_upon(
    parts: Sequence[Part], stated_of_parts: Sequence[NDArray[np.float64]], terms: WatchTerms
) -> Watched:
    """As :func:`watched`, of parts whose events have been applied to what stands.

    Parameters
    ----------
    parts, terms
        As there.
    stated_of_parts
        Of each part what :func:`stated_of` gave.
    """
    looks = _joined_looks([part.looks for part in parts])
    size = len(looks)
    stated = _joined(stated_of_parts, axis=1)
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
    looks, stated = part.looks, stated_of(part)
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
    columns = {name: _joined([getattr(part, name) for part in parts]) for name in LOOK_NAMES}
    others = {name: _joined([part.others[name] for part in parts]) for name in parts[0].others}
    return Looks(**columns, others=others)


def _slices(sizes: Sequence[int]) -> list[slice]:
    """Where parts of some sizes lie one after another."""
    ends = list(accumulate(sizes))
    return [slice(end - size, end) for end, size in zip(ends, sizes, strict=True)]


def stated_of(part: Part) -> NDArray[np.float64]:
    """What stands after each event of a part, which is applied, ``(7, n)``: rows of ``STATED_NAMES``."""
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
    held = (
        holdout_by(here.columns[HOLDOUT_DRAW], here.columns, terms.holdout) if terms.holdout.share else None
    )
    for chunk in here.columns.chunks():
        assess_into(
            here.assessment,
            here.columns,
            here.hits_before,
            here.characteristics,
            terms.policy,
            chunk,
            barred,
            held,
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
