"""A release as the acts on it lead to it: what its row must say."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from limitkeeper.core.compliance.buckets import BUCKETS
from limitkeeper.core.compliance.life import Release


class Act(NamedTuple):
    """One act on a release: who, what, the state that it led to, and what was kept of it."""

    actor_id: str
    act: str
    state: str
    detail: Mapping[str, Any]


def release_of_acts(release_id: str, acts: Iterable[Act], first_bucket: int = 0) -> Release:
    """The release that acts lead to; it is not asked here whether its life allowed them.

    Parameters
    ----------
    release_id
        Which.
    acts
        In their order, the draft first.
    first_bucket
        Of a challenger whose going live was kept without it, as in stores from before it was.

    Raises
    ------
    LookupError, TypeError
        When an act lacks what acts of its kind keep.

    Examples
    --------
    >>> found = release_of_acts("4f2a", [Act("sam", "draft", "draft", {}), Act("sam", "validate", "validated", {})])
    >>> found.author_id, found.state
    ('sam', 'validated')
    """
    found = Release(release_id, "")
    for each in acts:
        found = replace(found, state=each.state, **_led_to(found, each, first_bucket))
    return found


def _led_to(found: Release, each: Act, first_bucket: int) -> dict[str, Any]:
    """What an act changed besides the state."""
    values: dict[str, Any] = {}
    match each.act:
        case "draft":
            values = {"author_id": each.actor_id}
        case "assess":
            values = {"screens_failed": tuple(each.detail["screen"]["failed"])}
        case "justify":
            values = {"justified_by": each.actor_id}
        case "approve":
            values = {"approvals": (*found.approvals, (each.actor_id, each.detail["role"]))}
        case "live" if each.detail["buckets"] < BUCKETS:
            first = each.detail.get("bucket_from", first_bucket)
            values = {"bucket_from": first, "buckets": each.detail["buckets"], "is_champion": False}
        case "live" | "rollback":
            values = {"bucket_from": 0, "buckets": BUCKETS, "is_champion": True}
    return values
