"""What one account would be worth under other limits, as it stands now: for who looks for the right one."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from limitkeeper.core.behaviour.features import FEATURE_NAMES
from limitkeeper.core.decision.assessment import ESTIMATE_NAMES, value_at_limits
from limitkeeper.core.kernel.instants import instant_text
from limitkeeper.core.kernel.missing import missing_document
from limitkeeper.core.value.economics import VALUE_NAMES
from limitkeeper.engines.embedded.engine import Engine

LIMITS_MAX = 64
"""Limits that are looked at in one turn."""

GRID_STEPS = 20
"""Steps from 0 to twice the limit, where no limits are named."""


def limit_grid(limit_cents: int) -> list[int]:
    """Limits from 0 to twice a limit, which is in the middle.

    Examples
    --------
    >>> grid = limit_grid(1_000_000)
    >>> grid[0], grid[10], grid[-1], len(grid)
    (0, 1000000, 2000000, 21)
    """
    return [2 * limit_cents * step // GRID_STEPS for step in range(GRID_STEPS + 1)]


def economics(
    engine: Engine, account_id: str, as_of_us: int, limits_cents: Sequence[int] | None = None
) -> dict[str, Any] | None:
    """An account's value under its own limit and under others; None where there is no such account.

    What is not known is null: without a model all that needs a PD.

    Parameters
    ----------
    engine
        Asked in its own thread; nothing is changed.
    as_of_us
        UTC microseconds.
    limits_cents
        0 or more, :data:`LIMITS_MAX` at most; None for a grid around the limit in force.
    """
    place = engine.state.number(account_id)
    if place is None:
        return None
    terms, shard = engine.state.terms, engine.state.shards[place[0]]
    watch = terms.arms[terms.arm_of(shard, place[1])].watch
    relations = engine.state.web.relations_of(place[0])
    features, seen = shard.seen(np.array([place[1]]), as_of_us, watch, relations)
    limit, balance = (
        _known(features[0, FEATURE_NAMES.index(name)]) for name in ("limit_cents", "balance_cents")
    )
    if limits_cents is None:
        limits_cents = [] if limit is None else limit_grid(int(limit))
    pd = float(seen.assessment.pd[0])
    given = np.array([math.nan if limit is None else limit, *limits_cents], np.float64)
    values, gained = value_at_limits(seen.columns, pd, given, watch.policy)
    reason = "no_limit" if limit is None else "no_model" if watch.model is None else None
    rows = [
        {"limit_cents": None if math.isnan(cents) else int(cents), **figures}
        for cents, figures in zip(given.tolist(), map(_figures, values.T, gained), strict=True)
    ]
    return {
        "account_id": account_id,
        "as_of": instant_text(as_of_us),
        "balance_cents": None if balance is None else int(balance),
        "is_frozen": bool(seen.columns["is_frozen"][0] == 1.0),
        "pd": _known(pd),
        **{name: _known(seen.columns[name][0]) for name in ESTIMATE_NAMES if name != "is_defaulted"},
        "now": rows[0],
        "limits": rows[1:],
        "missing": None if reason is None else missing_document(reason),
    }


def _figures(values: NDArray[np.float64], gained_cents: float) -> dict[str, Any]:
    found = dict(zip(VALUE_NAMES, map(_known, values.tolist()), strict=True))
    amounts = {
        name: None if each is None else round(each)
        for name, each in (*found.items(), ("profit_gained_cents", _known(gained_cents)))
        if name.endswith("_cents")
    }
    return {**amounts, "raroc": found["raroc"]}


def _known(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
