"""How balance, interest-bearing balance and spend answer a change of limit.

A response model is any function with the signature of :func:`debt_response`; pass another to replace it.
"""

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from limitkeeper.core.kernel.compiled import compiled
from limitkeeper.core.kernel.parameters import Parameters


class ResponseTerms(NamedTuple):
    """The parameters of the response on one day; each is described in ``policy/parameters/response.yaml``."""

    debt_per_limit: float
    spend_elasticity: float
    attrition_probability: float
    complaint_probability: float
    complaint_cost_cents: float


def response_terms_in_force(parameters: Parameters) -> ResponseTerms:
    """The response model's terms among the parameters in force."""
    return ResponseTerms(*(parameters[name] for name in ResponseTerms._fields))


RESPONSE_NAMES = ("balance_after_cents", "revolving_after_cents", "spend_after_cents", "change_cost_cents")
"""The rows that a response model writes, in order."""

Response: TypeAlias = Callable[
    [
        NDArray[np.float64],
        NDArray[np.float64],
        NDArray[np.float64],
        NDArray[np.float64],
        NDArray[np.float64],
        NDArray[np.float64],
        ResponseTerms,
        NDArray[np.float64],
    ],
    None,
]


@compiled
def debt_response(
    limit_cents: NDArray[np.float64],
    limit_after_cents: NDArray[np.float64],
    balance_cents: NDArray[np.float64],
    revolving_cents: NDArray[np.float64],
    spend_annual_cents: NDArray[np.float64],
    economic_profit_cents: NDArray[np.float64],
    terms: ResponseTerms,
    response: NDArray[np.float64],
) -> None:
    """Write what a year under the new limit looks like; rows are :data:`RESPONSE_NAMES`, shape ``(4, n)``.

    - A higher limit is borrowed in part: ``balance' = B + debt_per_limit * (L' - L)``, all of it revolving.
    - A lower limit leaves what is owed owed (``balance' = B``: prudent for the exposure), but less of it is
      carried through the year: ``revolving' = max(revolving - debt_per_limit * (L - L'), 0)``.
    - Spend follows the drawable limit: ``spend' = spend * (1 - spend_elasticity * (1 - L' / L))``, none
      where nothing can be drawn (``L' <= B`` after a cut).
    - A cut costs customers: ``attrition_probability * (1 - L' / L)`` of the profit now, where that is
      positive, and ``complaint_probability * complaint_cost_cents``.

    Parameters
    ----------
    limit_cents, limit_after_cents
        Limit that can be drawn, now and then, cents, shape ``(n,)``.
    balance_cents, revolving_cents, spend_annual_cents
        As now, cents, shape ``(n,)``.
    economic_profit_cents
        Of a year under the limit now, cents, shape ``(n,)``.
    terms
        Parameters in force.
    response
        Where to write, shape ``(4, n)``.

    Source
    ------
    D. B. Gross and N. S. Souleles, Do liquidity constraints and interest rates matter for consumer
    behavior? Quarterly Journal of Economics 117 (2002), pages 149-185: debt rises by 10 to 14 % of an
    increase in limit. The elasticity of spend, attrition and complaint are assumptions for a lender to
    replace by its own.
    """
    for i in range(limit_cents.shape[0]):
        change = limit_after_cents[i] - limit_cents[i]
        kept_share = limit_after_cents[i] / limit_cents[i] if limit_cents[i] > 0.0 else 1.0
        owed, revolving, spend, cost = balance_cents[i], revolving_cents[i], spend_annual_cents[i], 0.0
        if change > 0.0:
            owed += terms.debt_per_limit * change
            revolving += terms.debt_per_limit * change
            spend *= 1.0 - terms.spend_elasticity * (1.0 - kept_share)
        elif change < 0.0:
            revolving += terms.debt_per_limit * change
            revolving = max(revolving, 0.0)
            spend *= 1.0 - terms.spend_elasticity * (1.0 - kept_share)
            spend = 0.0 if limit_after_cents[i] <= owed else spend
            profit = economic_profit_cents[i]
            cost = terms.attrition_probability * (1.0 - kept_share) * (max(0.0, profit))
            cost += terms.complaint_probability * terms.complaint_cost_cents
        response[0, i] = owed
        response[1, i] = revolving
        response[2, i] = spend
        response[3, i] = cost
