"""The assessment of accounts: score, value, strategy, and the value after the change, chunk by chunk."""

from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from limitkeeper.core.kernel.columns import Columns, copy_rows
from limitkeeper.core.kernel.compiled import compiled
from limitkeeper.core.risk.scorecard import REASONS, Scorecard, score_into
from limitkeeper.core.strategy.holdout import Holdout
from limitkeeper.core.strategy.proposals import Proposals, PublishedStrategy, proposals_of
from limitkeeper.core.strategy.steps import UNKNOWN_CENTS
from limitkeeper.core.value.basis import BASIS_INPUTS, BASIS_NAMES, value_basis
from limitkeeper.core.value.economics import VALUE_NAMES, Terms, limit_values
from limitkeeper.core.value.response import RESPONSE_NAMES, Response, ResponseTerms, debt_response

ESTIMATE_NAMES = ("lgd", "ccf", "is_defaulted")
"""Columns that a portfolio brings beside the features: the other risk estimates, and who is in default."""


@dataclass(frozen=True)
class Policy:
    """Everything that decides, besides the accounts themselves.

    Parameters
    ----------
    scorecard
        The champion.
    strategy
        Rules and steps with the parameters in force, ready to run.
    terms, response_terms
        Parameters in force.
    response
        How balance and spend answer a change of limit; replaceable.
    """

    scorecard: Scorecard
    strategy: PublishedStrategy
    terms: Terms
    response_terms: ResponseTerms
    response: Response = debt_response

    @cached_property
    def inputs(self) -> tuple[str, ...]:
        """The columns that an assessment reads beside the characteristics, each once."""
        read = (*BASIS_INPUTS, *ESTIMATE_NAMES, *self.strategy.inputs)
        return tuple(name for name in dict.fromkeys(read) if name not in COMPUTED_NAMES)


COMPUTED_NAMES = ("pd", "points", "undrawn_cents", *VALUE_NAMES)
"""What the assessment itself adds to the columns that a rule may read."""


@dataclass(frozen=True, slots=True)
class Assessment:
    """What an assessment found; every array has one entry an account.

    Parameters
    ----------
    points, pd
        Of the champion.
    reasons, points_lost
        The characteristics that cost most, ``(n, 4)``.
    value_before, value_after
        Rows are ``VALUE_NAMES``, ``(6, n)``; after the change, under the response model.
    proposals
        What the strategy proposes.
    marginal_profit_cents
        Economic profit after less before, less the cost of the change.
    """

    points: NDArray[np.float64]
    pd: NDArray[np.float64]
    reasons: NDArray[np.int16]
    points_lost: NDArray[np.float64]
    value_before: NDArray[np.float64]
    value_after: NDArray[np.float64]
    proposals: Proposals
    marginal_profit_cents: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.points)


def empty_assessment(accounts: int) -> Assessment:
    """Room for the assessment of so many accounts."""
    return Assessment(
        points=np.empty(accounts),
        pd=np.empty(accounts),
        reasons=np.empty((accounts, REASONS), np.int16),
        points_lost=np.empty((accounts, REASONS)),
        value_before=np.empty((len(VALUE_NAMES), accounts)),
        value_after=np.empty((len(VALUE_NAMES), accounts)),
        proposals=Proposals(
            hits=np.empty(accounts, np.int64),
            rules=np.empty(accounts, np.int16),
            actions=np.empty(accounts, np.uint8),
            effects=np.empty(accounts, np.uint8),
            limits_after_cents=np.empty(accounts, np.int64),
            constraints=np.empty(accounts, np.uint16),
            drawing_stopped=np.empty(accounts, np.bool_),
        ),
        marginal_profit_cents=np.empty(accounts),
    )


@compiled
def write_drawable(
    limits_cents: NDArray[np.float64],
    balances_cents: NDArray[np.float64],
    stopped: NDArray[np.float64],
    closed: NDArray[np.float64],
    drawable_cents: NDArray[np.float64],
) -> None:
    """Write the limit that can be drawn: none of a closed line, what is drawn already where drawing stops.

    ``0`` if closed, ``min(max(B, 0), L)`` if stopped, else ``L``; shapes ``(n,)``. Flags are 1 or 0, NaN
    counting as 0; an unknown limit stays NaN.

    Examples
    --------
    >>> drawable, stopped, closed = np.empty(3), np.array([0.0, 1.0, 1.0]), np.array([0.0, 0.0, 1.0])
    >>> write_drawable(np.full(3, 9.0), np.full(3, 4.0), stopped, closed, drawable)
    >>> drawable.tolist()
    [9.0, 4.0, 0.0]
    """
    for i in range(limits_cents.shape[0]):
        owed = 0.0 if balances_cents[i] < 0.0 else balances_cents[i]
        limit = limits_cents[i]
        if closed[i] == 1.0:
            limit = 0.0
        elif stopped[i] == 1.0 and not limit < owed:
            limit = owed if limit == limit else limit  # noqa: PLR0124 - NaN is not itself
        drawable_cents[i] = limit


@compiled
def write_undrawn(
    limits_cents: NDArray[np.float64], balances_cents: NDArray[np.float64], undrawn_cents: NDArray[np.float64]
) -> None:
    """Write ``max(L - B, 0)``, NaN where either is unknown, shape ``(n,)``."""
    for i in range(limits_cents.shape[0]):
        undrawn = limits_cents[i] - balances_cents[i]
        undrawn_cents[i] = 0.0 if undrawn < 0.0 else undrawn


@compiled
def write_marginal_profit(
    before_cents: NDArray[np.float64],
    after_cents: NDArray[np.float64],
    cost_cents: NDArray[np.float64],
    marginal_cents: NDArray[np.float64],
) -> None:
    """Write the economic profit gained by the change: ``after - before - cost``, shape ``(n,)``."""
    for i in range(before_cents.shape[0]):
        marginal_cents[i] = after_cents[i] - before_cents[i] - cost_cents[i]


def assess_into(
    assessment: Assessment,
    features: Columns,
    hits_before: NDArray[np.int64],
    characteristics: Columns,
    policy: Policy,
    part: slice,
    barred: NDArray[np.int64] | None = None,
    holdout: Holdout | None = None,
) -> None:
    """Assess the accounts of one slice, writing into that slice of an assessment.

    Slices do not overlap, so threads may take one each. A row alone, a batch and a portfolio give the same
    bits: no step looks at more than one account.

    Parameters
    ----------
    assessment
        Where to write.
    features
        At least ``policy.inputs``.
    hits_before
        The rules hit at the last review, as ``Proposals.hits``; 0 where there was none. Shape ``(n,)``.
    characteristics
        At least the scorecard's columns, of the same accounts.
    policy
        What decides.
    part
        The accounts to assess.
    barred
        Rules that may not freeze each account again, ``(n,)``; see ``proposals_of``.
    holdout
        Of all accounts; see ``proposals_of``.
    """
    card = policy.scorecard
    score_into(
        characteristics.values[:, part],
        characteristics.rows(card.names),
        card.flat,
        card.base_points,
        card.offset,
        card.factor,
        assessment.points[part],
        assessment.pd[part],
        assessment.reasons[part],
        assessment.points_lost[part],
    )
    inputs = policy.inputs
    work = Columns(
        (*inputs, *COMPUTED_NAMES), np.empty((len(inputs) + len(COMPUTED_NAMES), part.stop - part.start))
    )
    copy_rows(features.values, features.rows(inputs), part.start, work.values[: len(inputs)])
    work["pd"][:], work["points"][:] = assessment.pd[part], assessment.points[part]
    write_undrawn(work["limit_cents"], work["balance_cents"], work["undrawn_cents"])
    basis, drawable = _basis_and_drawable(work)
    before = work.values[-len(VALUE_NAMES) :]
    _value(work, basis, drawable, work["balance_cents"], basis[0], basis[1], policy, before)
    assessment.value_before[:, part] = before
    held = None if barred is None else barred[part]
    apart = None if holdout is None else holdout.part(part)
    proposals = proposals_of(policy.strategy, work, hits_before[part], held, apart)
    for field in fields(Proposals):
        getattr(assessment.proposals, field.name)[part] = getattr(proposals, field.name)
    _value_after(assessment, work, basis, drawable, proposals, policy, part)


def _value(
    work: Columns,
    basis: NDArray[np.float64],
    drawable_cents: NDArray[np.float64],
    balance_cents: NDArray[np.float64],
    revolving_cents: NDArray[np.float64],
    spend_annual_cents: NDArray[np.float64],
    policy: Policy,
    values: NDArray[np.float64],
) -> None:
    risks = (work["pd"], work["lgd"], work["ccf"], basis[2], work["is_defaulted"])
    amounts = (drawable_cents, balance_cents, revolving_cents, spend_annual_cents)
    limit_values(*risks, *amounts, policy.terms, values)


def _value_after(
    assessment: Assessment,
    work: Columns,
    basis: NDArray[np.float64],
    drawable_before: NDArray[np.float64],
    proposals: Proposals,
    policy: Policy,
    part: slice,
) -> None:
    after_cents = proposals.limits_after_cents
    limit = np.where(after_cents == UNKNOWN_CENTS, np.nan, after_cents)
    stopped = proposals.drawing_stopped.astype(np.float64)
    after, gained = assessment.value_after[:, part], assessment.marginal_profit_cents[part]
    _value_at(limit, stopped, work, basis, drawable_before, policy, after, gained)


def _value_at(
    limits_cents: NDArray[np.float64],
    stopped: NDArray[np.float64],
    work: Columns,
    basis: NDArray[np.float64],
    drawable_before: NDArray[np.float64],
    policy: Policy,
    values: NDArray[np.float64],
    gained_cents: NDArray[np.float64],
) -> None:
    """Write the value under other limits, and the economic profit that the change gains."""
    balance, profit = work["balance_cents"], work["economic_profit_cents"]
    drawable = np.empty(len(work))
    write_drawable(limits_cents, balance, stopped, np.zeros(len(work)), drawable)
    response = np.empty((len(RESPONSE_NAMES), len(work)))
    spent, terms = basis[1], policy.response_terms
    policy.response(drawable_before, drawable, balance, basis[0], spent, profit, terms, response)
    owed, revolving, spend, cost = response
    _value(work, basis, drawable, owed, revolving, spend, policy, values)
    write_marginal_profit(profit, values[VALUE_NAMES.index("economic_profit_cents")], cost, gained_cents)


def value_at_limits(
    features: Columns, pd: float | NDArray[np.float64], limits_cents: NDArray[np.float64], policy: Policy
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What accounts would be worth under other limits, as an assessment values what it proposes.

    Parameters
    ----------
    features
        At least ``policy.inputs``, of one account, or of one for each limit.
    pd
        Of the champion, one or one for each limit; NaN where it is not known.
    limits_cents
        0 or more, shape ``(n,)``. Where drawing is stopped it stays so.
    policy
        What decides.

    Returns
    -------
    Values with rows ``VALUE_NAMES``, ``(6, n)``, and the economic profit that the change to each limit gains, ``(n,)``.
    """
    count = len(limits_cents)
    inputs = policy.inputs
    work = Columns((*inputs, *COMPUTED_NAMES), np.full((len(inputs) + len(COMPUTED_NAMES), count), np.nan))
    work.values[: len(inputs)] = features.values[features.rows(inputs)]
    work["pd"][:] = pd
    basis, drawable = _basis_and_drawable(work)
    before = work.values[-len(VALUE_NAMES) :]
    _value(work, basis, drawable, work["balance_cents"], basis[0], basis[1], policy, before)
    values, gained = np.empty((len(VALUE_NAMES), count)), np.empty(count)
    _value_at(limits_cents, work["is_frozen"], work, basis, drawable, policy, values, gained)
    return values, gained


def _basis_and_drawable(work: Columns) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What value rests on, ``BASIS_NAMES``, and the limit that can be drawn now."""
    basis = np.empty((len(BASIS_NAMES), len(work)))
    balance, spend, paid_full, completeness, bills = (work[name] for name in BASIS_INPUTS)
    value_basis(balance, spend, paid_full, completeness, bills, basis)
    drawable = np.empty(len(work))
    write_drawable(work["limit_cents"], balance, work["is_frozen"], work["is_closed"], drawable)
    return basis, drawable


def assessed(
    features: Columns, hits_before: NDArray[np.int64], characteristics: Columns, policy: Policy
) -> Assessment:
    """The assessment of accounts, chunk by chunk; arguments as for :func:`assess_into`."""
    assessment = empty_assessment(len(features))
    for part in features.chunks():
        assess_into(assessment, features, hits_before, characteristics, policy, part)
    return assessment
