"""Alternatives to a model or a strategy, by what they are worth and whom they hit."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from limitkeeper.core.compliance.groups import Attribute
from limitkeeper.core.compliance.shares import SMALL_GROUP, share_ratio

AS_IT_IS, THRESHOLD, DROPPED, CONSTRAINED = "as_it_is", "threshold", "dropped", "constrained"
"""What an alternative changes: nothing; a number of the strategy; a feature less; a fit under a constraint."""


def alternative(
    kind: str,
    name: str,
    quality: float,
    touched: NDArray[np.bool_],
    attributes: Sequence[Attribute],
    group_accounts_least: int = SMALL_GROUP,
) -> dict[str, Any]:
    """One alternative: what it is worth, and the group that it hits most.

    Parameters
    ----------
    kind, name
        What it changes.
    quality
        AUC or economic profit: higher is better.
    touched
        From whom it takes something, ``(n,)``.
    attributes
        Of the same accounts; groups of fewer accounts than ``group_accounts_least`` are left out.

    Returns
    -------
    With the least adverse-impact ratio of all groups and its interval, as a report tells a figure.

    Examples
    --------
    >>> from limitkeeper.core.compliance.groups import attribute_of
    >>> touched = np.array([True, False, False, False, True, True, False, False])
    >>> found = alternative(AS_IT_IS, "", 0.7, touched, [attribute_of("g", list("aaaabbbb"))], 4)
    >>> found["group"], found["adverse_impact_ratio"]["value"]
    ('b', 0.666667)
    """
    least: tuple[float, str, str, tuple[float, float] | None, int] = (1.0, "", "", None, len(touched))
    for attribute in attributes:
        accounts = np.bincount(attribute.codes, minlength=len(attribute.groups))
        spared = np.bincount(attribute.codes, weights=~touched, minlength=len(attribute.groups)).astype(int)
        large = [code for code in range(len(accounts)) if accounts[code] >= group_accounts_least]
        if not large:
            continue
        best = max(large, key=lambda code: spared[code] / accounts[code])
        for code in large:
            value, bounds = share_ratio(
                *(int(n) for n in (spared[code], accounts[code], spared[best], accounts[best]))
            )
            if value is not None and code != best and value < least[0]:
                least = (value, attribute.name, attribute.groups[code], bounds, int(accounts[code]))
    value, attribute_name, group, bounds, rows = least
    low, high = (None, None) if bounds is None else (float(f"{bounds[0]:.6g}"), float(f"{bounds[1]:.6g}"))
    return {
        "kind": kind, "name": name, "quality": float(f"{quality:.8g}"), "attribute": attribute_name, "group": group,
        "adverse_impact_ratio": {
            "value": float(f"{value:.6g}"), "low": low, "high": high, "accounts": rows, "is_small": False,
        },
        "share_touched": float(f"{touched.mean():.6g}"),
    }  # fmt: skip


def trade_off(quality: str, tried: Sequence[dict[str, Any]], ratio_least: float) -> dict[str, Any]:
    """Alternatives with the best of those that pass the screen of the ratio; the first is what stands.

    Parameters
    ----------
    quality
        What ``quality`` is: ``auc`` or ``economic_profit_cents``.
    tried
        From :func:`alternative`.
    ratio_least
        Bound of the screen.
    """
    passing = [k for k, each in enumerate(tried) if each["adverse_impact_ratio"]["value"] >= ratio_least]
    best = max(passing, key=lambda k: tried[k]["quality"], default=None)
    return {"quality": quality, "tried": list(tried), "best": best, "already_passes": 0 in passing}
