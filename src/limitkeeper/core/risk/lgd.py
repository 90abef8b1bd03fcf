"""Loss given default: the share lost of what was owed, never below the floor in force."""

import numpy as np
from numpy.typing import NDArray


def lgd_floored(lgd: NDArray[np.float64], floor: float) -> NDArray[np.float64]:
    """Loss given default, at least the floor and at most all: ``min(max(lgd, floor), 1)``.

    Parameters
    ----------
    lgd
        ``(n,)``; share of the exposure.
    floor
        Share; from the dated policy (50 % for unsecured qualifying revolving retail).

    Returns
    -------
    ``(n,)``; share. NaN where the argument is.

    Source
    ------
    CRE32 (LGD input floors).

    Examples
    --------
    >>> lgd_floored(np.array([0.3, 0.8]), 0.5).tolist()
    [0.5, 0.8]
    """
    held: NDArray[np.float64] = np.clip(lgd, floor, 1.0)
    return held
