"""What the value formulas need of an account, read from its portrait."""

import numpy as np
from numpy.typing import NDArray

from limitkeeper.core.kernel.compiled import compiled

BASIS_INPUTS = ("balance_cents", "spend_sum_90d_cents", "paid_full_share_6", "completeness_12", "bills_12")
"""The features that :func:`value_basis` reads."""

BASIS_NAMES = ("revolving_cents", "spend_annual_cents", "transactor")
"""The rows that :func:`value_basis` writes, in order."""

BILLS_OF_A_YEAR = 12.0


@compiled
def value_basis(
    balance_cents: NDArray[np.float64],
    spend_sum_90d_cents: NDArray[np.float64],
    paid_full_share_6: NDArray[np.float64],
    completeness_12: NDArray[np.float64],
    bills_12: NDArray[np.float64],
    basis: NDArray[np.float64],
) -> None:
    """Write interest-bearing balance, spend of a year and transactor flag; rows are :data:`BASIS_NAMES`.

    - ``revolving = max(balance, 0) * (1 - paid_full_share_6)``; the whole balance where no bill is known.
    - ``spend_annual = spend_sum_90d * 365 / 90``; none where it is unknown.
    - ``transactor = 1`` where 12 bills are known and all were repaid in full (``completeness_12 = 1``).

    Parameters
    ----------
    balance_cents, spend_sum_90d_cents, paid_full_share_6, completeness_12, bills_12
        Features, shape ``(n,)``.
    basis
        Where to write, shape ``(3, n)``.

    Source
    ------
    Basel framework CRE30 (transactors: balance repaid in full at each due date of the previous 12 months).
    """
    for i in range(balance_cents.shape[0]):
        owed = 0.0 if balance_cents[i] < 0.0 else balance_cents[i]
        revolving_share = 1.0 - paid_full_share_6[i]
        basis[0, i] = owed * (revolving_share if revolving_share >= 0.0 else 1.0)
        spend = spend_sum_90d_cents[i]
        basis[1, i] = spend * 365.0 / 90.0 if spend >= 0.0 else 0.0
        basis[2, i] = 1.0 if bills_12[i] >= BILLS_OF_A_YEAR and completeness_12[i] >= 1.0 else 0.0
