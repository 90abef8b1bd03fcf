"""Contagion: personalised PageRank seeded at the bad accounts, told so that it does not depend on the graph's size.

For accounts ``v`` with links, and ``bad`` 0 or 1::

    contagion(v) = 0.15 * bad(v) + 0.85 * mean of contagion over the accounts linked to v

It is the chance that a walk from ``v``, which stops at each account with 0.15 and else goes on along a link at random,
stops at a bad account. Links go both ways, so that it is personalised PageRank P too: with seeds weighted by their number
of links, ``contagion(v) = P(v) * (links of all seeds) / (links of v)``.

In whole units of 2**-30: sums of whole numbers do not depend on their order, so the result does not depend on how
accounts are numbered, to the last bit.

Source: Page, Brin, Motwani and Winograd (1999), The PageRank citation ranking; Andersen, Chung and Lang (2006), Local
graph partitioning using PageRank vectors, FOCS, for telling only neighbours what changed.
"""

import numpy as np
from numpy.typing import NDArray

from limitkeeper.core.kernel.compiled import compiled

WHOLE = 1 << 30
"""Units of 1: a number fits in 32 bits, and a sum over any number of neighbours that 32 bits can name in 63."""

STOP_PERCENT = 15
"""Chance of a walk to stop at each account: 1 less the damping 0.85 of Page and others."""

UNTOLD = WHOLE >> 17
"""A change no larger than this is not told to the neighbours."""

TOLERANCE = 1e-4
"""How far a contagion may be from that of a full recomputation: each is within 0.85 / 0.15 * 2**-17 of the exact one."""

ROUNDS_MAX = 256
"""A change shrinks to 0.85 each round: from 1 it is below what is told after 73. So many are never needed."""


EVERYONE_FROM = 16
"""When more than one account in so many changed, all are looked at again: that is quicker than to ask who must be."""


@compiled
def contagion_of(
    starts: NDArray[np.int64], neighbours: NDArray[np.int32], bad: bool, told: NDArray[np.int32], v: int
) -> int:
    """The contagion of an account after what it was told, in units; 0 without links."""
    links = starts[v + 1] - starts[v]
    if links == 0:
        return 0
    total = 0
    for k in range(starts[v], starts[v + 1]):
        total += told[neighbours[k]]
    own = WHOLE if bad else 0
    return (STOP_PERCENT * own + (100 - STOP_PERCENT) * (total // links)) // 100


@compiled
def settle(
    starts: NDArray[np.int64],
    neighbours: NDArray[np.int32],
    bad: NDArray[np.bool_],
    contagion: NDArray[np.int32],
    told: NDArray[np.int32],
    marks: NDArray[np.uint8],
    queue: NDArray[np.int32],
    changed: NDArray[np.int32],
    waiting: int,
) -> int:
    """Let changes run along links until none is worth telling; how many rounds that took.

    A round reads what was told before it, so the order of its accounts does not matter, nor does it matter that some
    are looked at who were told nothing new.

    Parameters
    ----------
    starts, neighbours
        Account ``v`` is linked to ``neighbours[starts[v] : starts[v + 1]]``.
    bad
        Of every account.
    contagion, told
        In units, changed; ``told`` is what the neighbours know.
    marks
        Of every account: 1 where it waits; afterwards 2 where it was looked at.
    queue, changed, waiting
        Room for all accounts each; the first ``waiting`` of ``queue``, marked 1, are looked at first.
    """
    accounts, everyone = bad.shape[0], False
    for rounds in range(ROUNDS_MAX):
        if waiting == 0:
            return rounds
        for i in range(waiting):
            v = i if everyone else queue[i]
            marks[v] = 2
            contagion[v] = contagion_of(starts, neighbours, bad[v], told, v)
        changes = 0
        for i in range(waiting):
            v = i if everyone else queue[i]
            if abs(contagion[v] - told[v]) > UNTOLD:
                told[v] = contagion[v]
                changed[changes] = v
                changes += 1
        everyone = changes > accounts // EVERYONE_FROM
        waiting = accounts if everyone else 0
        if everyone:
            continue
        for i in range(changes):
            for k in range(starts[changed[i]], starts[changed[i] + 1]):
                u = neighbours[k]
                if marks[u] != 1:
                    marks[u] = 1
                    queue[waiting] = u
                    waiting += 1
    return ROUNDS_MAX


@compiled
def count_bad_neighbours(
    starts: NDArray[np.int64],
    neighbours: NDArray[np.int32],
    bad: NDArray[np.bool_],
    which: NDArray[np.int64],
    out: NDArray[np.int32],
) -> None:
    """Write how many of those linked to some accounts are bad."""
    for i in range(which.shape[0]):
        v, found = which[i], 0
        for k in range(starts[v], starts[v + 1]):
            found += bad[neighbours[k]]
        out[v] = found


@compiled
def write_columns(
    starts: NDArray[np.int64],
    bad_neighbours: NDArray[np.int32],
    contagion: NDArray[np.int32],
    which: NDArray[np.int64],
    out: NDArray[np.float64],
) -> None:
    """Write links, share of them that is bad, and contagion of some accounts, ``(3, n)``; of new ones, no links yet."""
    for i in range(which.shape[0]):
        v = which[i]
        out[0, i], out[1, i], out[2, i] = 0.0, np.nan, 0.0
        if v < contagion.shape[0]:
            links = starts[v + 1] - starts[v]
            out[0, i] = links
            if links > 0:
                out[1, i] = bad_neighbours[v] / links
            out[2, i] = contagion[v] / WHOLE
