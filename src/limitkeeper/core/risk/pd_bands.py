"""How sure a PD is: the defaults of the accounts with such a PD that the model had not learned from."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple


class PdBand(NamedTuple):
    """Accounts by their PD, their mean PD, and the exact 95 % interval of their default rate.

    ``pd_to`` is the highest PD of the band, infinite of the last.
    """

    pd_to: float
    mean_pd: float
    low: float
    high: float


def pd_bands_of_card(card: Mapping[str, Any]) -> tuple[PdBand, ...]:
    """The bands that a model's card holds, PDs rising; none of a model that was trained before they were kept.

    Examples
    --------
    >>> part = {"rows": 400, "bads": 8, "pd_to": None, "mean_pd": 0.02, "low": 0.01, "high": 0.04}
    >>> pd_bands_of_card({"champion": {"calibration_bins": [part]}})
    (PdBand(pd_to=inf, mean_pd=0.02, low=0.01, high=0.04),)
    >>> pd_bands_of_card({})
    ()
    """
    parts = card.get("champion", {}).get("calibration_bins", ())
    if any("pd_to" not in part for part in parts):
        return ()
    ends = (math.inf if part["pd_to"] is None else part["pd_to"] for part in parts)
    return tuple(
        PdBand(end, part["mean_pd"], part["low"], part["high"]) for end, part in zip(ends, parts, strict=True)
    )


def pd_interval(bands: Sequence[PdBand], pd: float) -> tuple[float, float] | None:
    """How far off a PD may be: it is moved as far as the default rate of its band may lie from the band's mean PD.

    A band is wide, so that the default rate of all of it says little of a PD at its end. What it does say is by which
    factor the model's odds may be wrong there; the odds of the PD are taken by that factor.

    ``odds(bound) = odds(pd) * odds(bound of the rate) / odds(mean PD)``

    Where all of that interval lies to one side of the PD, it reaches as far as the PD: what the model says is never
    outside what it may be.

    Parameters
    ----------
    bands
        PDs rising.
    pd
        A probability of default, 0 to 1.

    Returns
    -------
    tuple
        Lower and upper bound, between which the PD lies; None where no band is known, or the PD is missing.

    Examples
    --------
    >>> bands = [PdBand(0.1, 0.05, 0.02, 0.08), PdBand(float("inf"), 0.3, 0.2, 0.4)]
    >>> [round(bound, 3) for bound in pd_interval(bands, 0.3)], [round(bound, 3) for bound in pd_interval(bands, 0.15)]
    ([0.2, 0.4], [0.093, 0.215])
    >>> [round(bound, 3) for bound in pd_interval([PdBand(float("inf"), 0.3, 0.2, 0.25)], 0.4)]
    [0.28, 0.4]
    """
    band = next((each for each in bands if pd <= each.pd_to), None)
    if band is None:
        return None
    low, high = _moved(pd, band.mean_pd, band.low), _moved(pd, band.mean_pd, band.high)
    return min(low, pd), max(high, pd)


def _moved(pd: float, mean_pd: float, rate: float) -> float:
    """A PD whose odds are taken by as much as those of a rate differ from those of a mean PD."""
    odds, less = pd * rate * (1 - mean_pd), (1 - pd) * (1 - rate) * mean_pd
    return odds / (odds + less) if odds + less > 0 else rate
