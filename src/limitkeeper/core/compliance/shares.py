"""Shares of groups and their 95 % intervals in closed form: exact where that is possible."""

import math

from scipy.special import betaincinv

Z_95 = 1.959963984540054
"""The normal quantile of a two-sided 95 % interval."""

TAIL = 0.025
"""What each side of it leaves out."""

SMALL_GROUP = 100
"""Groups with fewer accounts, or fewer good ones, are shown with a warning."""


def ratio(part: float, whole: float) -> float | None:
    """A share, or None where there is no whole.

    Examples
    --------
    >>> ratio(1, 4), ratio(0, 0)
    (0.25, None)
    """
    return float(part) / float(whole) if whole else None


def wilson_interval(successes: int, trials: int) -> tuple[float, float] | None:
    """The 95 % interval of a share.

    Source
    ------
    E. B. Wilson, Probable inference, JASA 22 (1927), pages 209-212.

    Examples
    --------
    >>> [round(bound, 3) for bound in wilson_interval(8, 10)]
    [0.49, 0.943]
    """
    if trials == 0:
        return None
    share, z2 = successes / trials, Z_95**2
    centre = (share + z2 / (2 * trials)) / (1 + z2 / trials)
    half = Z_95 / (1 + z2 / trials) * math.sqrt(share * (1 - share) / trials + z2 / (4 * trials**2))
    return max(centre - half, 0.0), min(centre + half, 1.0)


def share_ratio(
    hits: int, trials: int, reference_hits: int, reference_trials: int
) -> tuple[float | None, tuple[float, float] | None]:
    """The ratio of two independent shares with its 95 % interval; None where it is not defined.

    The interval is recovered from Wilson's of each share, and has a width where both are 0 or 1: of two groups of 100 of
    whom nobody was touched the ratio is 1, from 0.963 to 1.038.

    Source
    ------
    A. Donner, G. Y. Zou, Closed-form confidence intervals for functions of the normal mean and standard deviation,
    Statistical Methods in Medical Research 21 (2012), pages 347-359 (the method of variance estimates recovery).

    Examples
    --------
    >>> value, (low, high) = share_ratio(80, 100, 100, 100)
    >>> value, round(low, 3), round(high, 3)
    (0.8, 0.711, 0.874)
    """
    own, other = wilson_interval(hits, trials), wilson_interval(reference_hits, reference_trials)
    if own is None or other is None or not reference_hits:
        return None, None
    share, base = hits / trials, reference_hits / reference_trials
    product = share * base
    least, most = own[0] * (2 * share - own[0]), own[1] * (2 * share - own[1])
    under, over = other[1] * (2 * base - other[1]), other[0] * (2 * base - other[0])
    # The lower root with the sum below, so that a base whose upper bound is twice itself divides by no 0.
    low = least / (product + math.sqrt(max(product**2 - least * under, 0.0))) if hits else 0.0
    high = (product + math.sqrt(max(product**2 - most * over, 0.0))) / over
    return share / base, (low, high)


def exact_interval(hits: int, trials: int) -> tuple[float, float] | None:
    """The exact 95 % interval of a share; None without trials.

    Source
    ------
    C. J. Clopper, E. S. Pearson, The use of confidence or fiducial limits, Biometrika 26 (1934), pages 404-413.

    Examples
    --------
    >>> [round(bound, 3) for bound in exact_interval(8, 10)]
    [0.444, 0.975]
    """
    if not trials:
        return None
    low = float(betaincinv(hits, trials - hits + 1, TAIL)) if hits else 0.0
    high = float(betaincinv(hits + 1, trials - hits, 1.0 - TAIL)) if hits < trials else 1.0
    return low, high


def share_difference(
    hits: int, trials: int, reference_hits: int, reference_trials: int
) -> tuple[float | None, tuple[float, float] | None]:
    """The difference of two independent shares with its 95 % interval; None where it is not defined.

    Source
    ------
    R. G. Newcombe, Interval estimation for the difference between independent proportions, Statistics in Medicine 17
    (1998), pages 873-890, method 10 (from Wilson's intervals).

    Examples
    --------
    >>> value, (low, high) = share_difference(56, 70, 48, 80)
    >>> round(value, 4), round(low, 4), round(high, 4)
    (0.2, 0.0524, 0.3339)
    """
    own, other = wilson_interval(hits, trials), wilson_interval(reference_hits, reference_trials)
    if own is None or other is None:
        return None, None
    share, base = hits / trials, reference_hits / reference_trials
    low = math.hypot(share - own[0], other[1] - base)
    high = math.hypot(own[1] - share, base - other[0])
    return share - base, (share - base - low, share - base + high)
