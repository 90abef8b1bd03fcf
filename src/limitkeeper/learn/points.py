"""A logistic regression over ordered bins whose points never turn against their trend.

Each characteristic's bins stand in the order of their log odds. What is fitted is the *step* from each bin to
the next: never negative, so that a riskier bin never earns more, and together with every other
characteristic's steps, so that what one already says the other does not say again. The penalty on a step is
that on a multiple of the square root of its own gap in log odds: small gaps get small steps. A missing value
or a missing code starts from the characteristic's average and is moved by what its rows show.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from limitkeeper.core.kernel.compiled import compiled
from limitkeeper.learn.binning import Bins

RIDGE_MISSING = 5.0
"""Weight of the squared departure of a missing bin from the average, in log-likelihood units."""


class Design(NamedTuple):
    """The fit's unknowns: steps in order of risk and departures of missing bins, as a flat list.

    ``order[c, b]`` is the place of bin ``b`` of characteristic ``c`` from safest to riskiest; places above
    the known bins are the missing ones. ``start[c]`` is its first place in the flat list of places.
    """

    start: NDArray[np.int64]
    known: NDArray[np.int64]
    weights: NDArray[np.float64]
    scale: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Fit:
    """The fitted log odds: an intercept and a contribution for each bin of each characteristic.

    ``contributions[c]`` has shape ``(bins + 1 + codes,)`` in the order of `Bins.bin_of`, averages removed, so
    that the intercept is the average score.
    """

    intercept: float
    contributions: tuple[NDArray[np.float64], ...]
    spreads: NDArray[np.float64]


@compiled
def _scores(
    places: NDArray[np.int16],
    start: NDArray[np.int64],
    effects: NDArray[np.float64],
    out: NDArray[np.float64],
) -> None:
    for c in range(places.shape[0]):
        first = start[c]
        for i in range(places.shape[1]):
            out[i] += effects[first + places[c, i]]


@compiled
def _gathered(
    places: NDArray[np.int16],
    start: NDArray[np.int64],
    residuals: NDArray[np.float64],
    out: NDArray[np.float64],
) -> None:
    for c in range(places.shape[0]):
        first = start[c]
        for i in range(places.shape[1]):
            out[first + places[c, i]] += residuals[i]


@compiled
def _effects(parameters: NDArray[np.float64], design: Design, effects: NDArray[np.float64]) -> None:
    """Effects of places from parameters: running sums of steps; a missing place is the mean plus its own."""
    for c in range(len(design.known)):
        first, known = design.start[c], design.known[c]
        level, mean = 0.0, 0.0
        effects[first] = 0.0
        for place in range(first + 1, first + known):
            level += parameters[place] * design.scale[place]
            effects[place] = level
            mean += level * design.weights[place]
        for place in range(first + known, design.start[c + 1]):
            effects[place] = mean + parameters[place]


@compiled
def _slopes(gathered: NDArray[np.float64], design: Design, slopes: NDArray[np.float64]) -> None:
    """The chain rule back from effects to parameters."""
    for c in range(len(design.known)):
        first, known = design.start[c], design.known[c]
        absent = 0.0
        for place in range(first + known, design.start[c + 1]):
            slopes[place] = gathered[place]
            absent += gathered[place]
        above, weight = 0.0, 0.0
        for place in range(first + known - 1, first, -1):
            above += gathered[place]
            weight += design.weights[place]
            slopes[place] = (above + absent * weight) * design.scale[place]
        slopes[first] = 0.0


def fitted_points(
    bins: list[Bins],
    columns: list[NDArray[np.float64]],
    target: NDArray[np.float64],
    *,
    ridge: float,
    lasso: float,
) -> Fit:
    """Steps and departures that make the target most likely under the penalty.

    Parameters
    ----------
    bins, columns
        One a characteristic.
    target
        ``(n,)``; 0 or 1, or a share.
    ridge, lasso
        Weights of the squared and the absolute scaled steps, in log-likelihood units.
    """
    orders = [np.argsort(each.levels, kind="stable") for each in bins]
    ranks = [
        np.concatenate([np.argsort(order), np.arange(each.count, each.count + 1 + len(each.codes))])
        for order, each in zip(orders, bins, strict=True)
    ]
    places = np.array(
        [rank[each.bin_of(column)] for rank, each, column in zip(ranks, bins, columns, strict=True)],
        dtype=np.int16,
    ).reshape(len(bins), len(target))
    design, free = design_of(bins, orders, places)
    parameters = maximised(places, design, free, target, ridge, lasso)
    effects = np.empty(design.start[-1])
    _effects(parameters[1:], design, effects)
    return centred(parameters[0], effects, design, ranks, places)


def design_of(
    bins: list[Bins], orders: list[NDArray[np.int64]], places: NDArray[np.int16]
) -> tuple[Design, NDArray[np.bool_]]:
    """The layout of the unknowns, and which of them are departures (free in sign)."""
    sizes = [each.count + 1 + len(each.codes) for each in bins]
    start = np.cumsum([0, *sizes]).astype(np.int64)
    weights, scale, free = np.zeros(start[-1]), np.zeros(start[-1]), np.zeros(start[-1], dtype=np.bool_)
    for c, (each, order) in enumerate(zip(bins, orders, strict=True)):
        rows = np.bincount(places[c], minlength=sizes[c])[: each.count].astype(np.float64)
        first = start[c]
        weights[first : first + each.count] = rows / max(rows.sum(), 1.0)
        gaps = np.diff(each.levels[order], prepend=each.levels[order[0]])
        scale[first : first + each.count] = np.sqrt(np.maximum(gaps, 0.0))
        free[first + each.count : start[c + 1]] = True
    return Design(start, np.array([each.count for each in bins], dtype=np.int64), weights, scale), free


def maximised(
    places: NDArray[np.int16],
    design: Design,
    free: NDArray[np.bool_],
    target: NDArray[np.float64],
    ridge: float,
    lasso: float,
) -> NDArray[np.float64]:
    """The parameters with the least penalised negative log-likelihood."""
    rows, unknowns = len(target), int(design.start[-1])
    effects, slopes = np.empty(unknowns), np.empty(unknowns)
    penalty = np.where(free, RIDGE_MISSING, ridge)
    absolute = np.where(free, 0.0, lasso)

    def objective(parameters: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        _effects(parameters[1:], design, effects)
        scores = np.full(rows, parameters[0])
        _scores(places, design.start, effects, scores)
        chance = 1.0 / (1.0 + np.exp(-scores))
        loss = float(np.sum(np.logaddexp(0.0, scores) - target * scores))
        residuals = chance - target
        gathered = np.zeros(unknowns)
        _gathered(places, design.start, residuals, gathered)
        _slopes(gathered, design, slopes)
        steps = parameters[1:]
        loss += float(np.sum(penalty * steps**2 + absolute * steps))
        gradient = np.concatenate([[residuals.sum()], slopes + 2.0 * penalty * steps + absolute])
        return loss / rows, gradient / rows

    mean = float(np.clip(target.mean(), 1e-6, 1 - 1e-6))
    first = np.concatenate([[np.log(mean / (1.0 - mean))], np.where(free, 0.0, 0.1)])
    bounds = [(None, None), *((None, None) if each else (0.0, None) for each in free)]
    options = {"maxiter": 400, "ftol": 1e-8, "gtol": 1e-6}
    result: NDArray[np.float64] = minimize(
        objective, first, jac=True, method="L-BFGS-B", bounds=bounds, options=options
    ).x
    return result


def centred(
    intercept: float,
    effects: NDArray[np.float64],
    design: Design,
    ranks: list[NDArray[np.int64]],
    places: NDArray[np.int16],
) -> Fit:
    """Each characteristic's effects less their average, which goes to the intercept."""
    contributions, spreads = [], []
    for c, rank in enumerate(ranks):
        own = effects[design.start[c] : design.start[c + 1]]
        rows = np.bincount(places[c], minlength=len(own)) / max(places.shape[1], 1)
        mean = float(np.sum(rows * own))
        intercept += mean
        contributions.append(own[rank] - mean)
        spreads.append(float(np.sqrt(np.sum(rows * (own - mean) ** 2))))
    return Fit(float(intercept), tuple(contributions), np.array(spreads))
