"""Buckets of accounts by a stable hash, and the runs of them that challengers have beside the champion."""

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

BUCKETS = 10_000
"""A share of accounts is a number of buckets: hundredths of a percent."""


def bucket_of(account_id: str, salt: str) -> int:
    """The bucket of an account, 0 to ``BUCKETS - 1``: the same for ever under one salt.

    ``blake2b(salt, account) mod 10,000``

    Examples
    --------
    >>> bucket_of("a-1", "CN") == bucket_of("a-1", "CN")
    True
    >>> 0 <= bucket_of("a-1", "CN") < BUCKETS
    True
    """
    digest = hashlib.blake2b(account_id.encode(), key=salt.encode()[:64], digest_size=8).digest()
    return int.from_bytes(digest, "big") % BUCKETS


def buckets_of(account_ids: Sequence[str], salt: str) -> NDArray[np.int16]:
    """The bucket of each account, ``(n,)``."""
    return np.fromiter((bucket_of(each, salt) for each in account_ids), np.int16, len(account_ids))


def free_runs(taken: Sequence[range]) -> list[range]:
    """The runs of buckets that no challenger has, from the top; the champion keeps the lowest bucket for ever.

    Parameters
    ----------
    taken
        By challengers, each a run of its own.

    Examples
    --------
    >>> free_runs([range(9_000, 9_500)])
    [range(9500, 10000), range(1, 9000)]
    """
    runs, end = [], BUCKETS
    for each in sorted(taken, key=lambda one: -one.start):
        runs.append(range(each.stop, end))
        end = each.start
    return [*runs, range(1, end)]


def free_from_the_top(buckets: int, taken: Sequence[range]) -> range | None:
    """The first free run from the top, None where none is long enough.

    One that goes leaves a gap, and nobody else's accounts move.

    Examples
    --------
    >>> free_from_the_top(1_000, [range(9_000, 9_500)])
    range(8000, 9000)
    """
    found = next((run for run in free_runs(taken) if len(run) >= buckets), None)
    return None if found is None else range(found.stop - buckets, found.stop)


def room_in_place(own: range, others: Sequence[range]) -> range:
    """A run with all that is free next to it.

    Examples
    --------
    >>> room_in_place(range(9_000, 9_500), [range(8_000, 8_500)])
    range(8500, 10000)
    """
    runs = free_runs(others)
    return next((run for run in runs if run.start <= own.start and own.stop <= run.stop), own)


def resized_in_place(own: range, buckets: int, others: Sequence[range]) -> range:
    """A run of another length that has room: it shrinks from below, and grows downwards first, then upwards.

    Whatever its length, as many of its accounts as may stay do, and nobody else's move but the champion's.

    Examples
    --------
    >>> resized_in_place(range(9_000, 10_000), 2_000, [])
    range(8000, 10000)
    >>> resized_in_place(range(9_000, 9_500), 1_200, [range(8_000, 8_500)])
    range(8500, 9700)
    """
    first = max(room_in_place(own, others).start, own.stop - buckets)
    return range(first, first + buckets)
