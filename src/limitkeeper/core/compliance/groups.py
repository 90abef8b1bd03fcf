"""Groups of accounts side by side: what compares them, on counts and sums of any number of samples at once."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from limitkeeper.core.kernel.errors import InputError

GROUPS_MAX = 24
"""Groups of one attribute; one with more is put into bands first."""

STRATA = 5
"""Parts of equal size by PD, within which groups of the same risk are compared."""

SPARED, TOUCHED = 0, 1
GOOD, BAD, UNKNOWN = 0, 1, 2
PLACES = STRATA * 2 * 3

RATIOS = ("adverse_impact_ratio", "conditional_adverse_impact_ratio")
"""Figures that are 1 where groups are treated alike; of the others it is 0."""

FIGURES = (
    *RATIOS,
    "score_difference",
    "cut_difference",
    "equal_opportunity_difference",
    "missed_difference",
    "false_cut_difference",
)
"""The figures that compare a group; ``docs/fairness.md`` says what each means."""

CROSSED = ("adverse_impact_ratio", "conditional_adverse_impact_ratio", "equal_opportunity_difference")
"""Those that are told of the intersections."""

Spread = dict[tuple[str, str], NDArray[np.float64]]
"""A figure by its name and what it is against (``best`` or ``whole``), ``(groups, samples)``."""


@dataclass(frozen=True, slots=True)
class Treated:
    """Accounts, what was done to each and what became of it; every array has shape ``(n,)``.

    Parameters
    ----------
    pd
        Probability of default, or another score on which higher is worse; None where there is none.
    cut_share
        Share of the limit taken away, 0 to 1.
    touched
        Whether something was taken from the customer.
    default
        1, 0, or NaN where what happened is not known.
    """

    pd: NDArray[np.float64] | None
    cut_share: NDArray[np.float64]
    touched: NDArray[np.bool_]
    default: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Attribute:
    """A protected attribute: its groups, and the group of each account as a code, shape ``(n,)``."""

    name: str
    groups: tuple[str, ...]
    codes: NDArray[np.int64]


def attribute_of(name: str, labels: Sequence[str | None]) -> Attribute:
    """An attribute from the word of each account; a missing one is the group ``unknown``.

    Raises
    ------
    InputError
        When there are more groups than a report holds.

    Examples
    --------
    >>> attribute_of("sex", ["female", None, "female"]).groups
    ('female', 'unknown')
    """
    words = np.array(["unknown" if label is None else str(label) for label in labels], dtype=object)
    groups, codes = np.unique(words, return_inverse=True)
    if len(groups) > GROUPS_MAX:
        raise InputError(
            f"The protected attribute '{name}' has too many groups to compare.",
            value=len(groups),
            allowed=f"at most {GROUPS_MAX}",
            advice="Put its values into bands.",
        )
    return Attribute(name, tuple(groups.tolist()), codes.astype(np.int64))


def crossed(first: Attribute, second: Attribute) -> Attribute:
    """Two attributes as one: the pairs that occur."""
    both = first.codes * len(second.groups) + second.codes
    found, codes = np.unique(both, return_inverse=True)
    pairs = (divmod(int(each), len(second.groups)) for each in found)
    names = tuple(f"{first.groups[a]} · {second.groups[b]}" for a, b in pairs)
    return Attribute(f"{first.name} · {second.name}", names, codes.astype(np.int64))


def compared(tally: NDArray[np.float64], sums: NDArray[np.float64], best: int) -> Spread:
    """Each figure of each group, against the most favoured (``best``) and the whole (``whole``), ``(groups, samples)``.

    Parameters
    ----------
    tally
        Accounts by group, stratum, treatment and outcome, ``(groups, strata, 2, 3, samples)``.
    sums
        Of the centred score, its square, the cut share and its square, ``(4, groups, samples)``.
    best
        The most favoured group.

    Returns
    -------
    NaN where a figure is not defined: there is nobody to compare with.
    """
    accounts = tally.sum(axis=(1, 2, 3))
    found: Spread = {}
    with np.errstate(invalid="ignore", divide="ignore"):
        means = sums[:4] / accounts
        whole = sums[:4].sum(axis=1, keepdims=True) / accounts.sum(axis=0)
        spread = [np.sqrt(np.maximum(whole[k + 1] - whole[k] ** 2, 0.0)) for k in (0, 2)]
        spared, by_treatment = tally[:, :, SPARED].sum(axis=2), tally.sum(axis=1)
        shares, wholes = _shares(by_treatment), _shares(by_treatment.sum(axis=0, keepdims=True))
        strata = tally.sum(axis=(2, 3))
        for against, other in (("best", slice(best, best + 1)), ("whole", None)):
            for name, share in shares.items():
                base = share[other] if other is not None else wholes[name]
                found[name, against] = share / base if name in RATIOS else share - base
            for name, row, scale in (
                ("score_difference", 0, spread[0]),
                ("cut_difference", 2, spread[1]),
            ):
                base = means[row, other] if other is not None else whole[row]
                found[name, against] = (means[row] - base) / scale
            reference = (
                (spared[other], strata[other])
                if other is not None
                else (spared.sum(axis=0, keepdims=True), strata.sum(axis=0, keepdims=True))
            )
            found["conditional_adverse_impact_ratio", against] = _standardised(
                spared, strata, *reference, strata.sum(axis=0)
            )
    return {key: np.where(np.isfinite(each), each, np.nan) for key, each in found.items()}


def _shares(tally: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """What the figures compare, from accounts by group, treatment and outcome, ``(groups, samples)`` each."""
    return {
        "adverse_impact_ratio": tally[:, SPARED].sum(axis=1) / tally.sum(axis=(1, 2)),
        "equal_opportunity_difference": tally[:, TOUCHED, GOOD] / tally[:, :, GOOD].sum(axis=1),
        "missed_difference": tally[:, SPARED, BAD] / tally[:, :, BAD].sum(axis=1),
        "false_cut_difference": tally[:, TOUCHED, GOOD] / tally[:, TOUCHED, :UNKNOWN].sum(axis=1),
    }


def _standardised(
    spared: NDArray[np.float64],
    strata: NDArray[np.float64],
    other_spared: NDArray[np.float64],
    other_strata: NDArray[np.float64],
    weights: NDArray[np.float64],
) -> NDArray[np.float64]:
    """The ratio of the shares left alone, both with the whole portfolio's mix of risk (direct standardisation).

    Strata in which one of the two has nobody are left out of both.
    """
    usable = (strata > 0) & (other_strata > 0)
    weight = np.where(usable, weights[None], 0.0)
    own = np.where(usable, spared / strata, 0.0)
    other = np.where(usable, other_spared / other_strata, 0.0)
    result: NDArray[np.float64] = (weight * own).sum(axis=1) / (weight * other).sum(axis=1)
    return result
