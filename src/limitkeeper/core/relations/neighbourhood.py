"""Who is near an account along links, and by which ids: for a picture of a few accounts."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from limitkeeper.core.kernel.compiled import compiled
from limitkeeper.core.relations.links import DEGREE_MAX, NO_KEY, Accounts, Days, Keys, holders_of, home_of

NEAR, SHARED_IDS_MAX = 40, 400
"""Accounts of a picture, and ids that any two of them share, at most."""

OUTSIDE = -1


class SharedId(NamedTuple):
    """What links two accounts, by their places in the picture: an id that both were seen with, or a declaration.

    ``day`` is the last one, since 1970, by which both were seen with the id; None of a declaration, whose first account
    declared the second.
    """

    first: int
    second: int
    kind: str
    day: int | None


class Picture(NamedTuple):
    """Accounts near one, which is the first; links away; pairs of places that are linked; and by what."""

    accounts: list[int]
    hops: list[int]
    pairs: list[tuple[int, int]]
    shared: list[SharedId]


KINDS = ("device", "counterparty")
"""What an id is, by its lowest bit."""


def accounts_near(
    starts: NDArray[np.int64],
    neighbours: Accounts,
    contagion: NDArray[np.int32],
    account: int,
    count: int = NEAR,
) -> tuple[list[int], list[int]]:
    """The accounts within two links of one, itself first, and how many links away each is.

    The nearest come first, of those as near the most contagious.

    Parameters
    ----------
    starts, neighbours
        Account ``v`` is linked to ``neighbours[starts[v] : starts[v + 1]]``.
    contagion
        Of every account.
    account
        In the middle.
    count
        Accounts at most.

    Examples
    --------
    >>> starts, contagion = np.array([0, 2, 3, 4]), np.array([5, 1, 2], np.int32)
    >>> accounts_near(starts, np.array([1, 2, 0, 0], np.int32), contagion, 1)
    ([1, 0, 2], [0, 1, 2])
    """
    found, hops = np.array([account]), np.zeros(1, np.int64)
    for distance in (1, 2):
        around = found[hops == distance - 1].tolist()
        linked = np.concatenate(
            [np.zeros(0, np.int32), *(neighbours[starts[v] : starts[v + 1]] for v in around)]
        )
        new = np.setdiff1d(linked, found)
        ranked = new[np.argsort(-contagion[new], kind="stable")][: count - len(found)]
        found = np.concatenate([found, ranked])
        hops = np.concatenate([hops, np.full(len(ranked), distance)])
    return found.tolist(), hops.tolist()


def shared_ids(
    keys: Keys, accounts: Accounts, days: Days, oldest_day: int, chosen: list[int], count: int
) -> list[SharedId]:
    """The ids that link any two of some accounts, as :func:`limitkeeper.core.relations.links.write_links` does.

    Parameters
    ----------
    keys, accounts, days
        The table of pairs.
    oldest_day
        Pairs seen before it are no link.
    chosen
        Accounts.
    count
        How many accounts there are.
    """
    places = np.full(count, OUTSIDE, np.int16)
    places[chosen] = np.arange(len(chosen), dtype=np.int16)
    out = np.empty((SHARED_IDS_MAX, 4), np.int64)
    written = write_shared(keys, accounts, days, oldest_day, places, out)
    return [SharedId(first, second, KINDS[bit], day) for first, second, bit, day in out[:written].tolist()]


@compiled
def write_shared(
    keys: Keys,
    accounts: Accounts,
    days: Days,
    oldest_day: int,
    places: NDArray[np.int16],
    out: NDArray[np.int64],
) -> int:
    """Write both places, the lowest bit of the id, and the last day of both, as far as there is room; how many."""
    written = 0
    for i in range(keys.shape[0]):
        if keys[i] == NO_KEY or days[i] < oldest_day or places[accounts[i]] == OUTSIDE:
            continue
        held = holders_of(keys, days, keys[i], oldest_day)
        if held > DEGREE_MAX:
            continue
        place = home_of(keys[i], keys.shape[0])
        while held > 1 and keys[place] != NO_KEY:
            other = places[accounts[place]]
            if keys[place] == keys[i] and days[place] >= oldest_day and other > places[accounts[i]]:
                if written == out.shape[0]:
                    return written
                out[written, 0], out[written, 1] = places[accounts[i]], other
                out[written, 2], out[written, 3] = keys[i] & 1, min(days[i], days[place])
                written += 1
            place = place + 1 if place + 1 < keys.shape[0] else 0
    return written
