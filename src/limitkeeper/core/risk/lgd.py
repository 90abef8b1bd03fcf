"""Loss given default: the share lost of what was owed, never below the floor in force."""

from limitkeeper.core.kernel.compiled import elementwise


@elementwise
def lgd_floored(lgd: float, floor: float) -> float:
    """Loss given default, at least the floor and at most all: ``min(max(lgd, floor), 1)``.

    Parameters
    ----------
    lgd
        Share of the exposure.
    floor
        Share; from the dated policy (50 % for unsecured qualifying revolving retail).

    Returns
    -------
    Share. NaN where either argument is.

    Source
    ------
    CRE32 (LGD input floors).

    Examples
    --------
    >>> float(lgd_floored(0.3, 0.5)), float(lgd_floored(0.8, 0.5))
    (0.5, 0.8)
    """
    if lgd < floor:
        return floor
    return 1.0 if lgd > 1.0 else lgd + 0.0 * floor
