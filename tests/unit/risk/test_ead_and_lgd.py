"""Floors and the realised conversion factor."""

import numpy as np

from limitkeeper.core.risk.ead import ccf_floored, ccf_realised
from limitkeeper.core.risk.lgd import lgd_floored

VALUES = np.array([-0.2, 0.05, 0.3, 0.9, 1.4, np.nan])


def test_lgd_stays_between_the_floor_and_all_and_missing_stays_missing() -> None:
    np.testing.assert_array_equal(lgd_floored(VALUES, 0.5), [0.5, 0.5, 0.5, 0.9, 1.0, np.nan])


def test_ccf_stays_between_the_floor_and_all_and_missing_stays_missing() -> None:
    np.testing.assert_array_equal(ccf_floored(VALUES, 0.1), [0.1, 0.1, 0.3, 0.9, 1.0, np.nan])


def test_ccf_is_the_share_of_the_undrawn_limit_and_missing_where_nothing_was_undrawn() -> None:
    ead, balance, limit = np.array(
        [[80_000.0, 30_000.0, 90_000.0], [50_000.0, 50_000.0, 90_000.0], [100_000.0] * 2 + [80_000.0]]
    )
    np.testing.assert_allclose(ccf_realised(ead, balance, limit), [0.6, -0.4, np.nan])


def test_realised_ccf_gives_back_the_exposure() -> None:
    balance, limit, ead = np.array([200.0, 0.0]), np.array([1000.0, 400.0]), np.array([680.0, 100.0])
    ccf = ccf_realised(ead, balance, limit)
    np.testing.assert_allclose(balance + ccf * (limit - balance), ead)
