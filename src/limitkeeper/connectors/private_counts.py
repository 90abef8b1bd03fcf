"""Counts that may leave the house: discrete Laplace noise by OpenDP, and how far off they are likely to be."""

from collections.abc import Sequence

from limitkeeper.core.kernel.errors import InputError

CONFIDENCE = 0.95
"""Of the accuracy that is told."""


def private_counts(counts: Sequence[int], epsilon: float) -> list[int]:
    """Counts with noise, so that one person more or less changes little of what is likely to be seen.

    ``count + discrete Laplace(1 / epsilon)``, and never below 0

    Parameters
    ----------
    counts
        Of disjoint cells: each person is in one of them at most.
    epsilon
        What is spent: more tells more, of everybody.

    Raises
    ------
    InputError
        When OpenDP is not installed, or epsilon is none.

    Notes
    -----
    Source: Ghosh, Roughgarden and Sundararajan, Universally utility-maximizing privacy mechanisms (2009); the mechanism
    is OpenDP's ``make_laplace`` on integers.
    """
    dp = _opendp(epsilon)
    domain = dp.vector_domain(dp.atom_domain(T=int))
    noisy = dp.m.make_laplace(domain, dp.l1_distance(T=int), scale=1.0 / epsilon)
    assert noisy.map(d_in=1) <= epsilon * (1 + 1e-9)
    return [max(0, int(each)) for each in noisy(list(counts))]


def accuracy(epsilon: float) -> int:
    """How far off a count is at most, in 95 of 100 cases.

    Raises
    ------
    InputError
        When OpenDP is not installed, or epsilon is none.
    """
    found = _opendp(epsilon).discrete_laplacian_scale_to_accuracy(1.0 / epsilon, 1.0 - CONFIDENCE)
    return int(found)


def _opendp(epsilon: float):  # type: ignore[no-untyped-def]  # noqa: ANN202 - a module without types
    if not 0.001 <= epsilon <= 10.0:  # noqa: PLR2004 - below nothing is told, above nothing is protected
        raise InputError("The epsilon is none.", value=epsilon, allowed="0.001 to 10")
    try:
        import opendp.prelude as dp
    except ImportError as error:
        raise InputError(
            "Aggregates that leave the house need OpenDP.", advice="pip install limitkeeper[privacy]"
        ) from error
    dp.enable_features("contrib")
    return dp
