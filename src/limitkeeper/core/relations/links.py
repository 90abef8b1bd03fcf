"""Links between accounts: which ids each account was seen with, and who shares one.

A table of pairs (id, account) with open addressing: all pairs of an id lie in one stretch from the id's home. Most
ids belong to one account only, so a pair is all that is kept of them: 14 bytes, and the table is at least 64 % full.
"""

import numpy as np
from numpy.typing import NDArray

from limitkeeper.core.behaviour.events import DAY_US, MISSING_ID
from limitkeeper.core.kernel.compiled import compiled
from limitkeeper.core.kernel.prefetch import prefetch

DEGREE_MAX = 8
"""An id seen with more accounts than this within the window is a shop's, or a call centre's, and links nobody."""

LINK_DAYS = 180
"""A pair that was not seen for longer is no link any more."""

NO_KEY = 0
"""The key of an empty place."""

PLACES_LEAST = 1_024

FULL_TENTHS = 8
"""The table grows when so many tenths of its places are taken; then by a quarter, to 64 % of them."""

DAY_MAX = np.iinfo(np.uint16).max
"""The last day that is kept, in 2149."""

AHEAD = 8
"""Events by which an id's place is asked for before it is needed."""

Keys = NDArray[np.int64]
Accounts = NDArray[np.int32]
Days = NDArray[np.uint16]


@compiled
def home_of(key: int, places: int) -> int:
    """Where the stretch of an id begins (Fibonacci hashing: Knuth, TAOCP 3, 6.4)."""
    mixed = np.uint64(key) * np.uint64(0x9E3779B97F4A7C15)
    return int(np.int64(((mixed >> np.uint64(32)) * np.uint64(places)) >> np.uint64(32)))


@compiled
def keep_pair(keys: Keys, accounts: Accounts, days: Days, key: int, account: int, day: int) -> int:
    """Keep that an id was seen with an account on a day; 1 where that took a place.

    Of an id the ``DEGREE_MAX + 1`` pairs seen last are kept. That is enough: where that many are within the
    window it is no link, and where not, no pair within the window was ever dropped.
    """
    place, held, oldest = home_of(key, keys.shape[0]), 0, -1
    while keys[place] != NO_KEY:
        if keys[place] == key:
            if accounts[place] == account:
                if day > days[place]:
                    days[place] = day
                return 0
            held += 1
            if (
                oldest < 0
                or days[place] < days[oldest]
                or (days[place] == days[oldest] and accounts[place] > accounts[oldest])
            ):
                oldest = place
        place = place + 1 if place + 1 < keys.shape[0] else 0
    if held <= DEGREE_MAX:
        keys[place], accounts[place], days[place] = key, account, day
        return 1
    if day > days[oldest] or (day == days[oldest] and account < accounts[oldest]):
        accounts[oldest], days[oldest] = account, day
    return 0


@compiled
def observe_ids(
    keys: Keys,
    accounts: Accounts,
    days: Days,
    taken: NDArray[np.int64],
    account: NDArray[np.int64],
    device: NDArray[np.int64],
    counterparty: NDArray[np.int64],
    ts_us: NDArray[np.int64],
    first: int,
) -> int:
    """Keep the pairs of events from ``first`` on; gives the event for which the table must grow, or the count.

    A device and a counterparty of the same hash are two ids: the lowest bit tells which.
    """
    places = keys.shape[0]
    for i in range(first, account.shape[0]):
        if taken[0] + 2 > places * FULL_TENTHS // 10:
            return i
        if i + AHEAD < account.shape[0]:
            prefetch(keys, home_of(device[i + AHEAD] << 1, places))
            prefetch(keys, home_of(counterparty[i + AHEAD] << 1 | 1, places))
        day = min(max(ts_us[i] // DAY_US, 0), DAY_MAX)
        if device[i] << 1 != NO_KEY:
            taken[0] += keep_pair(keys, accounts, days, device[i] << 1, account[i], day)
        if counterparty[i] != MISSING_ID:
            taken[0] += keep_pair(keys, accounts, days, counterparty[i] << 1 | 1, account[i], day)
    return account.shape[0]


@compiled
def keep_pairs(
    keys: Keys,
    accounts: Accounts,
    days: Days,
    other_keys: Keys,
    other_accounts: Accounts,
    other_days: Days,
    oldest_day: int,
) -> int:
    """Keep the pairs of another table that were seen on a day or later; how many there are."""
    kept = 0
    for i in range(other_keys.shape[0]):
        if other_keys[i] != NO_KEY and other_days[i] >= oldest_day:
            kept += keep_pair(keys, accounts, days, other_keys[i], other_accounts[i], other_days[i])
    return kept


@compiled
def holders_of(keys: Keys, days: Days, key: int, oldest_day: int) -> int:
    """How many accounts had an id on a day or later: one that very many have links nobody."""
    held, place = 0, home_of(key, keys.shape[0])
    while keys[place] != NO_KEY:
        held += keys[place] == key and days[place] >= oldest_day
        place = place + 1 if place + 1 < keys.shape[0] else 0
    return held


@compiled
def write_links(keys: Keys, accounts: Accounts, days: Days, oldest_day: int, out: NDArray[np.int64]) -> int:
    """Write both directions of each link as ``first << 32 | second``, as far as there is room; how many there are.

    A link that two ids make is written twice.
    """
    written = 0
    for i in range(keys.shape[0]):
        if keys[i] == NO_KEY or days[i] < oldest_day:
            continue
        held = holders_of(keys, days, keys[i], oldest_day)
        if held > DEGREE_MAX:
            continue
        place = home_of(keys[i], keys.shape[0])
        while held > 1 and keys[place] != NO_KEY:
            if keys[place] == keys[i] and days[place] >= oldest_day and place != i:
                if written < out.shape[0]:
                    out[written] = np.int64(accounts[i]) << 32 | np.int64(accounts[place])
                written += 1
            place = place + 1 if place + 1 < keys.shape[0] else 0
    return written


def linked(
    keys: Keys, accounts: Accounts, days: Days, oldest_day: int, declared: NDArray[np.int64]
) -> NDArray[np.int64]:
    """All links in both directions as ``first << 32 | second``, in order, none twice.

    Parameters
    ----------
    keys, accounts, days
        The table of pairs.
    oldest_day
        Pairs seen before it are no link.
    declared
        Accounts whose link was declared, shape ``(m, 2)``.
    """
    shared = np.empty(write_links(keys, accounts, days, oldest_day, np.empty(0, np.int64)), np.int64)
    write_links(keys, accounts, days, oldest_day, shared)
    first, second = declared[:, 0], declared[:, 1]
    links = np.sort(np.concatenate([shared, first << 32 | second, second << 32 | first]))
    # As np.unique, which hashes first and takes ten times as long.
    return links[np.diff(links, prepend=-1) != 0]
