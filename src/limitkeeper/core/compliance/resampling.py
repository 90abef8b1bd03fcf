"""The Poisson bootstrap: how often each account is drawn into each sample is a hash, so nothing is left to chance."""

import numpy as np
from numpy.typing import NDArray

from limitkeeper.core.kernel.compiled import compiled

SAMPLES = 1_000
"""Samples of a bootstrap."""

BLOCK = 64
"""Samples that are worked on together: what they add up stays in the processor's cache."""

DRAWN = tuple(
    round(2**32 * share)
    for share in (
        0.36787944117144233, 0.7357588823428847, 0.9196986029286058, 0.9810118431238462,
        0.9963401531726563, 0.9994058151824183, 0.999916758850712, 0.9999897508033253, 0.9999988747974020,
    )
)  # fmt: skip
"""A hash below the k-th draws an account at most k times: the distribution of Poisson(1), up to nine draws."""

FIRST, SECOND, STEP = np.uint32(0x85EBCA6B), np.uint32(0xC2B2AE35), np.uint32(0x9E3779B9)
LEVELS = np.array(DRAWN, np.uint32)


@compiled
def write_mixed(numbers: NDArray[np.uint32]) -> None:
    """Write the hash of each 32-bit number over it: one to one, each bit depending on all.

    Source
    ------
    A. Appleby, MurmurHash3, the finaliser ``fmix32``.
    """
    for i in range(numbers.shape[0]):
        x = numbers[i]
        x = np.uint32((x ^ np.uint32(x >> np.uint32(16))) * FIRST)
        x = np.uint32((x ^ np.uint32(x >> np.uint32(13))) * SECOND)
        numbers[i] = np.uint32(x ^ np.uint32(x >> np.uint32(16)))


@compiled
def add_block(
    rows: NDArray[np.uint32],
    cells: NDArray[np.int64],
    values: NDArray[np.float64],
    keys: NDArray[np.uint32],
    counts: NDArray[np.float64],
    sums: NDArray[np.float64],
) -> None:
    """Add each account to its cell as often as each sample draws it.

    Parameters
    ----------
    rows
        Hashes of the accounts' numbers, ``(n,)``.
    cells
        Where each account counts, ``(n,)``, in ascending order.
    values
        What is summed beside the count, ``(k, n)``.
    keys
        Hashes of the samples, ``(BLOCK,)``.
    counts, sums
        Added to: ``(cells, BLOCK)`` and ``(k, cells, BLOCK)``.
    """
    drawn = np.empty(BLOCK, np.float64)
    for i in range(rows.shape[0]):
        for b in range(BLOCK):
            x = np.uint32(rows[i] + keys[b])
            x = np.uint32((x ^ np.uint32(x >> np.uint32(16))) * FIRST)
            x = np.uint32((x ^ np.uint32(x >> np.uint32(13))) * SECOND)
            x = np.uint32(x ^ np.uint32(x >> np.uint32(16)))
            times = np.int32(0)
            for level in DRAWN:
                times += np.int32(x >= np.uint32(level))
            drawn[b] = times
        cell = cells[i]
        for b in range(BLOCK):
            counts[cell, b] += drawn[b]
        for k in range(values.shape[0]):
            value = values[k, i]
            for b in range(BLOCK):
                sums[k, cell, b] += drawn[b] * value


def row_hashes(rows: int, seed: int) -> NDArray[np.uint32]:
    """A hash of each account's number under a seed, shape ``(n,)``; no two accounts have the same."""
    numbers = np.arange(rows, dtype=np.uint32)
    numbers ^= np.uint32(seed * 0x9E3779B1 % 2**32)
    write_mixed(numbers)
    return numbers


def sample_keys(samples: int, seed: int) -> NDArray[np.uint32]:
    """A hash of each sample's number under a seed, shape ``(samples,)``."""
    keys = np.arange(samples, dtype=np.uint32) * STEP + np.uint32((seed + 1) * 0x632BE5AB % 2**32)
    write_mixed(keys)
    return keys
