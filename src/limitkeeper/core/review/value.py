"""What a portfolio earns, costs, risks and binds: the sums over its accounts, and RAROC of the sums."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from limitkeeper.core.compliance.shares import ratio
from limitkeeper.core.value.economics import VALUE_NAMES

SUMMED = tuple(name for name in VALUE_NAMES if name != "raroc")
"""RAROC is not summed, and one without capital is unknown by definition, not by lack of data."""

SUMMED_ROWS = tuple(VALUE_NAMES.index(name) for name in SUMMED)


def has_value(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether all that is summed is known of an account, shape ``(n,)``; ``values`` has rows ``VALUE_NAMES``."""
    return np.asarray(~np.isnan(values[list(SUMMED_ROWS)]).any(axis=0), np.bool_)


def value_change(
    before: NDArray[np.float64],
    after: NDArray[np.float64],
    limits_cents: NDArray[np.float64],
    limits_after_cents: NDArray[np.int64],
    opex_cents: float,
    capital_benefit_rate: float,
) -> dict[str, Any]:
    """The sums of a portfolio before and after what is proposed: values of accounts where they are known, all limits.

    Parameters
    ----------
    before, after
        Rows are ``VALUE_NAMES``, ``(6, n)``; NaN where not known.
    limits_cents, limits_after_cents
        NaN and a negative number where not known, ``(n,)``.
    opex_cents, capital_benefit_rate
        Of :func:`value_totals`.
    """
    known = has_value(before) & has_value(after)
    found: dict[str, Any] = {"accounts": int(known.sum())}
    for side, values in (("before", before), ("after", after)):
        found[side] = value_totals(values[:, known], opex_cents, capital_benefit_rate)
    found["before"]["limit_cents"] = float(np.nansum(limits_cents))
    found["after"]["limit_cents"] = float(limits_after_cents[limits_after_cents >= 0].sum())
    return found


def value_totals(
    values: NDArray[np.float64], opex_cents: float, capital_benefit_rate: float
) -> dict[str, float | None]:
    """Sums over accounts whose values are known, and RAROC of the sums.

    ``RAROC = (revenue - opex - EL + capital_benefit_rate * capital) / capital``, None where no capital is bound.

    Parameters
    ----------
    values
        Rows are ``VALUE_NAMES``, none NaN but RAROC, shape ``(6, n)``.
    opex_cents
        Of one account and year.
    capital_benefit_rate
        Annual rate.

    Examples
    --------
    >>> values = np.array([[100_000.0], [7_000.0], [45_000.0], [19_000.0], [np.nan], [4_500.0]])
    >>> value_totals(values, 3_000.0, 0.02)["raroc"]
    0.22
    """
    sums = {name: float(values[row].sum()) for name, row in zip(SUMMED, SUMMED_ROWS, strict=True)}
    capital = sums["economic_capital_cents"]
    earned = sums["revenue_cents"] - opex_cents * values.shape[1] - sums["expected_loss_cents"]
    return {**sums, "raroc": ratio(earned + capital_benefit_rate * capital, capital)}
