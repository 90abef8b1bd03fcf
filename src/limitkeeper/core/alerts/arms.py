"""Champion and challengers side by side: each account is watched under the terms of its own arm."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from limitkeeper.core.alerts.terms import WatchTerms
from limitkeeper.core.alerts.watch import Part, Watched, stated_of, watched, watched_upon
from limitkeeper.core.compliance.buckets import BUCKETS


class ArmWatched(NamedTuple):
    """What came of the looks at one arm's accounts.

    Parameters
    ----------
    arm
        Number of its terms; 0 is the champion.
    rows
        Which looks of all parts one after another, in their order; a slice where all are the arm's.
    watched
        What came of them.
    """

    arm: int
    rows: NDArray[np.int64] | slice
    watched: Watched


def watched_by_arm(
    parts: Sequence[Part], arms: Sequence[NDArray[np.uint8]] | None, terms: Sequence[WatchTerms]
) -> list[ArmWatched]:
    """Assess looks in their order, each under the terms of its account's arm.

    An account is of one arm, so that what stands of it is read and changed under one numbering of rules. What
    events state is applied first and of all arms together: a customer's total is of lines of several.

    Parameters
    ----------
    parts
        At least one; no account is in two of them.
    arms
        Of each part the arm of each look, ``(n,)``; None where there is one arm only, which costs nothing.
    terms
        Of each arm.
    """
    if arms is None:
        return [ArmWatched(0, slice(None), watched(parts, terms[0]))]
    stated = [stated_of(part) for part in parts]
    starts = np.cumsum([0, *(len(part.looks) for part in parts)])
    found = []
    for arm in np.unique(np.concatenate(arms)).tolist():
        own = [np.flatnonzero(each == arm) for each in arms]
        which = [k for k, rows in enumerate(own) if len(rows)]
        seen = watched_upon(
            [Part(parts[k].standing, parts[k].customers, parts[k].looks.part(own[k])) for k in which],
            [np.ascontiguousarray(stated[k][:, own[k]]) for k in which],
            terms[arm],
        )
        found.append(ArmWatched(arm, np.concatenate([starts[k] + own[k] for k in which]), seen))
    return found


class ArmRules(NamedTuple):
    """How the masks of an arm's accounts are numbered.

    Parameters
    ----------
    buckets
        Of its accounts; the champion's are all that no other arm has, whatever stands here.
    rules
        Ids, in order.
    """

    buckets: range
    rules: tuple[str, ...]


def arm_of_bucket(buckets: Sequence[range]) -> NDArray[np.uint8]:
    """The arm of each bucket: 0, the champion, but for those that others have.

    Examples
    --------
    >>> found = arm_of_bucket([range(0), range(9_000, 10_000)])
    >>> found[8_999], found[9_000], len(found)
    (np.uint8(0), np.uint8(1), 10000)
    """
    found = np.zeros(BUCKETS, np.uint8)
    for arm, own in enumerate(buckets):
        found[own.start : own.stop] = arm
    return found
