"""How sure a PD is: the defaults of the accounts with such a PD that the model had not learned from."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple


class PdBand(NamedTuple):
    """Accounts by their PD, and the exact 95 % interval of their default rate.

    ``pd_to`` is the highest PD of the band, infinite of the last.
    """

    pd_to: float
    low: float
    high: float


def pd_bands_of_card(card: Mapping[str, Any]) -> tuple[PdBand, ...]:
    """The bands that a model's card holds, PDs rising; none of a model that was trained before they were kept.

    Examples
    --------
    >>> part = {"rows": 400, "bads": 8, "pd_to": None, "low": 0.01, "high": 0.04}
    >>> pd_bands_of_card({"champion": {"calibration_bins": [part]}})
    (PdBand(pd_to=inf, low=0.01, high=0.04),)
    >>> pd_bands_of_card({})
    ()
    """
    parts = card.get("champion", {}).get("calibration_bins", ())
    if any("pd_to" not in part for part in parts):
        return ()
    ends = (math.inf if part["pd_to"] is None else part["pd_to"] for part in parts)
    return tuple(PdBand(end, part["low"], part["high"]) for end, part in zip(ends, parts, strict=True))


def pd_interval(bands: Sequence[PdBand], pd: float) -> tuple[float, float] | None:
    """The interval of the band that a PD falls into; None where no band is known, or the PD is missing.

    Examples
    --------
    >>> pd_interval([PdBand(0.1, 0.02, 0.08), PdBand(float("inf"), 0.2, 0.4)], 0.15)
    (0.2, 0.4)
    """
    return next(((band.low, band.high) for band in bands if pd <= band.pd_to), None)
