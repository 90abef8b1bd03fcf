"""Exposure at default and expected loss."""

from limitkeeper.core.kernel.compiled import elementwise


@elementwise
def exposure_at_default_cents(balance_cents: float, limit_cents: float, ccf: float) -> float:
    """What is expected to be owed at default: ``EAD = max(B + CCF * max(L - B, 0), 0)``.

    Parameters
    ----------
    balance_cents
        Balance now, cents; negative where the customer has a credit.
    limit_cents
        Limit that can be drawn, cents, >= 0.
    ccf
        Credit conversion factor: share of the undrawn limit drawn by default, 0 to 1.

    Returns
    -------
    Cents. NaN where any argument is.

    Source
    ------
    CRE31 (credit conversion of undrawn retail lines).

    Examples
    --------
    >>> float(exposure_at_default_cents(400_000.0, 1_000_000.0, 0.5))
    700000.0
    """
    # Comparisons written so that NaN stays NaN: max(NaN, 0) would be 0 in a compiled loop.
    undrawn = limit_cents - balance_cents
    exposure = balance_cents + ccf * (max(undrawn, 0.0))
    return max(exposure, 0.0)


@elementwise
def expected_loss_cents(pd: float, lgd: float, ead_cents: float) -> float:
    """Loss expected within the horizon of the PD: ``EL = PD * LGD * EAD``.

    Parameters
    ----------
    pd
        Probability of default, 0 to 1.
    lgd
        Loss given default, share of the exposure.
    ead_cents
        Exposure at default, cents.

    Returns
    -------
    Cents. NaN where any argument is.

    Examples
    --------
    >>> float(expected_loss_cents(0.02, 0.5, 700_000.0))
    7000.0
    """
    return pd * lgd * ead_cents
