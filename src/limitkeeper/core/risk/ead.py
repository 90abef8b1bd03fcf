"""The conversion factor: the share of an undrawn limit that is drawn before default."""

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


@elementwise
def ccf_floored(ccf: float, floor: float) -> float:
    """The conversion factor, at least the floor and at most 1: ``min(max(ccf, floor), 1)``.

    Parameters
    ----------
    ccf
        Share of the undrawn limit.
    floor
        Share; from the dated policy (10 % for unconditionally cancellable lines).

    Returns
    -------
    Share. NaN where either argument is.

    Source
    ------
    CRE32 (EAD input floors of undrawn lines).

    Examples
    --------
    >>> [float(ccf_floored(ccf, 0.1)) for ccf in (0.05, 0.4, 1.2)]
    [0.1, 0.4, 1.0]
    """
    if ccf < floor:
        return floor
    return 1.0 if ccf > 1.0 else ccf + 0.0 * floor
