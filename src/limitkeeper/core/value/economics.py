"""What a limit earns, costs, risks and binds: expected loss, capital, RAROC, economic profit."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from limitkeeper.core.kernel.compiled import compiled, elementwise
from limitkeeper.core.kernel.parameters import Parameters
from limitkeeper.core.risk.expected_loss import expected_loss_cents, exposure_at_default_cents
from limitkeeper.core.value.capital import capital_ratio, defaulted_capital_ratio, floored


class Terms(NamedTuple):
    """The parameters of the value formulas on one day; each is described in ``policy/parameters``."""

    asset_correlation: float
    pd_floor_revolver: float
    pd_floor_transactor: float
    lgd_floor: float
    ccf_floor: float
    apr: float
    fee_rate: float
    funding_rate: float
    opex_cents: float
    hurdle_rate: float
    capital_benefit_rate: float


def terms_in_force(parameters: Parameters) -> Terms:
    """The value formulas' terms among the parameters in force."""
    return Terms(*(parameters[name] for name in Terms._fields))


@elementwise
def revenue_cents(
    revolving_cents: float,
    spend_annual_cents: float,
    balance_cents: float,
    apr: float,
    fee_rate: float,
    funding_rate: float,
) -> float:
    """Revenue of a year: ``apr * revolving balance + fee_rate * spend - funding_rate * B``.

    Parameters
    ----------
    revolving_cents
        Part of the balance that bears interest, cents.
    spend_annual_cents
        Purchases and cash advances of a year, cents.
    balance_cents
        Balance that is funded, cents; a credit balance costs nothing.
    apr, fee_rate, funding_rate
        Annual rates.

    Examples
    --------
    >>> float(revenue_cents(100_000.0, 400_000.0, 150_000.0, 0.18, 0.01, 0.02))
    19000.0
    """
    funded = max(balance_cents, 0.0)
    return apr * revolving_cents + fee_rate * spend_annual_cents - funding_rate * funded


@elementwise
def raroc(
    revenue_cents: float,
    opex_cents: float,
    el_cents: float,
    capital_cents: float,
    capital_benefit_rate: float,
) -> float:
    """Risk-adjusted return on capital.

    ``RAROC = (revenue - opex - EL + capital_benefit_rate * economic_capital) / economic_capital``

    Returns
    -------
    Annual fraction; NaN (undefined, not infinite) where economic capital is 0.

    Examples
    --------
    >>> round(float(raroc(19_000.0, 3_000.0, 7_000.0, 45_000.0, 0.02)), 6)
    0.22
    """
    if capital_cents == 0.0:
        return math.nan
    return (revenue_cents - opex_cents - el_cents + capital_benefit_rate * capital_cents) / capital_cents


@elementwise
def economic_profit_cents(
    revenue_cents: float,
    opex_cents: float,
    el_cents: float,
    capital_cents: float,
    hurdle_rate: float,
    capital_benefit_rate: float,
) -> float:
    """Profit of a year after the price of risk and of capital.

    ``EP = revenue - opex - EL - (hurdle - capital_benefit_rate) * economic_capital``

    Examples
    --------
    >>> float(economic_profit_cents(19_000.0, 3_000.0, 7_000.0, 45_000.0, 0.12, 0.02))
    4500.0
    """
    return revenue_cents - opex_cents - el_cents - (hurdle_rate - capital_benefit_rate) * capital_cents


VALUE_NAMES = (
    "ead_cents",
    "expected_loss_cents",
    "economic_capital_cents",
    "revenue_cents",
    "raroc",
    "economic_profit_cents",
)
"""The rows that :func:`limit_values` writes, in order."""


@compiled
def limit_values(
    pd: NDArray[np.float64],
    lgd: NDArray[np.float64],
    ccf: NDArray[np.float64],
    transactor: NDArray[np.float64],
    defaulted: NDArray[np.float64],
    limit_cents: NDArray[np.float64],
    balance_cents: NDArray[np.float64],
    revolving_cents: NDArray[np.float64],
    spend_annual_cents: NDArray[np.float64],
    terms: Terms,
    values: NDArray[np.float64],
) -> None:
    """Write the value of each limit, one pass: rows of ``values`` are :data:`VALUE_NAMES`, shape ``(6, n)``.

    The expected loss uses the PD as estimated and floored LGD and CCF; the capital uses the floored PD too.

    Parameters
    ----------
    pd, lgd, ccf
        Estimates, shape ``(n,)``, 0 to 1.
    transactor
        1 where every bill of the last 12 months was repaid in full, else 0; picks the PD floor.
    defaulted
        1 where the account is in default: the PD is 1 and ``K = max(0, LGD floored - LGD estimated)``.
    limit_cents, balance_cents, revolving_cents, spend_annual_cents
        Shape ``(n,)``, cents. NaN makes every value of the account NaN.
    terms
        Parameters in force.
    values
        Where to write, shape ``(6, n)``.
    """
    for i in range(pd.shape[0]):
        loss_share = floored(lgd[i], terms.lgd_floor)
        exposure = exposure_at_default_cents(
            balance_cents[i], limit_cents[i], floored(ccf[i], terms.ccf_floor)
        )
        if defaulted[i] == 1.0:
            loss = expected_loss_cents(1.0, loss_share, exposure)
            ratio = defaulted_capital_ratio(loss_share, lgd[i])
        else:
            floor = terms.pd_floor_transactor if transactor[i] == 1.0 else terms.pd_floor_revolver
            loss = expected_loss_cents(pd[i], loss_share, exposure)
            ratio = capital_ratio(floored(pd[i], floor), loss_share, terms.asset_correlation)
        capital = ratio * exposure
        revenue = revenue_cents(
            revolving_cents[i],
            spend_annual_cents[i],
            balance_cents[i],
            terms.apr,
            terms.fee_rate,
            terms.funding_rate,
        )
        values[0, i] = exposure
        values[1, i] = loss
        values[2, i] = capital
        values[3, i] = revenue
        values[4, i] = raroc(revenue, terms.opex_cents, loss, capital, terms.capital_benefit_rate)
        values[5, i] = economic_profit_cents(
            revenue, terms.opex_cents, loss, capital, terms.hurdle_rate, terms.capital_benefit_rate
        )
