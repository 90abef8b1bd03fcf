"""The conversion factor: the share of an undrawn limit that is drawn before default."""

import numpy as np
from numpy.typing import NDArray

from limitkeeper.core.kernel.compiled import elementwise


@elementwise
def ccf_realised(ead_cents: float, balance_cents: float, limit_cents: float) -> float:
    """The share of the undrawn limit that was drawn: ``(EAD - B) / (L - B)``.

    Parameters
    ----------
    ead_cents
        Exposure at default, cents.
    balance_cents, limit_cents
        Balance and limit at the time from which it was to be foreseen, cents.

    Returns
    -------
    Share; outside [0, 1] where the balance fell or rose above the limit. NaN where nothing was undrawn, and
    where any argument is.

    Examples
    --------
    >>> float(ccf_realised(800.0, 500.0, 1000.0)), float(ccf_realised(900.0, 900.0, 900.0))
    (0.6, nan)
    """
    undrawn = limit_cents - balance_cents
    return (ead_cents - balance_cents) / undrawn if undrawn > 0.0 else float("nan")


def ccf_floored(ccf: NDArray[np.float64], floor: float) -> NDArray[np.float64]:
    """The conversion factor, at least the floor and at most 1: ``min(max(ccf, floor), 1)``.

    Parameters
    ----------
    ccf
        ``(n,)``; share of the undrawn limit.
    floor
        Share; from the dated policy (10 % for unconditionally cancellable lines).

    Returns
    -------
    ``(n,)``; share. NaN where the argument is.

    Source
    ------
    CRE32 (EAD input floors of undrawn lines).

    Examples
    --------
    >>> ccf_floored(np.array([0.05, 0.4, 1.2]), 0.1).tolist()
    [0.1, 0.4, 1.0]
    """
    held: NDArray[np.float64] = np.clip(ccf, floor, 1.0)
    return held
