"""Regulatory capital of qualifying revolving retail exposures."""

import math

from limitkeeper.core.kernel.compiled import elementwise
from limitkeeper.core.value.normal import normal_cdf, normal_quantile

CONFIDENCE_QUANTILE = 3.090232306167813
"""G(0.999), the inverse normal at the supervisory confidence level (CRE31)."""


@elementwise
def capital_ratio(pd: float, lgd: float, asset_correlation: float) -> float:
    """Capital for one unit of exposure, not in default.

    ``K = LGD * N[(1 - R)^-0.5 * G(PD) + (R / (1 - R))^0.5 * G(0.999)] - PD * LGD``

    Parameters
    ----------
    pd
        Probability of default within 12 months, floored before, 0 to 1.
    lgd
        Loss given default, floored before, 0 to 1.
    asset_correlation
        R; 0.04 for qualifying revolving retail exposures.

    Returns
    -------
    Share of the exposure; the risk weight is 12.5 times it. 0 at PD 0 and 1; NaN where any argument is.

    Source
    ------
    Basel framework, CRE31 (internal ratings-based approach: risk weight functions), retail exposures.

    Examples
    --------
    >>> f"{12.5 * capital_ratio(0.01, 0.45, 0.04):.2%}"
    '17.22%'
    """
    systematic = math.sqrt(asset_correlation / (1.0 - asset_correlation)) * CONFIDENCE_QUANTILE
    stressed = normal_cdf(normal_quantile(pd) / math.sqrt(1.0 - asset_correlation) + systematic)
    return lgd * stressed - pd * lgd


@elementwise
def defaulted_capital_ratio(lgd: float, best_estimate_loss: float) -> float:
    """Capital for one unit of exposure in default: ``K = max(0, LGD - best-estimate EL)``.

    Examples
    --------
    >>> float(defaulted_capital_ratio(0.75, 0.5))
    0.25
    """
    capital = lgd - best_estimate_loss
    return max(capital, 0.0)


@elementwise
def floored(value: float, floor: float) -> float:
    """The value, or the regulatory floor where that is higher; NaN stays NaN.

    Examples
    --------
    >>> float(floored(0.0002, 0.001))
    0.001
    """
    return max(value, floor)
