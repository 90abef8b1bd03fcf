"""A release replayed from its acts is the one that they led to."""

from typing import Any

import pytest

from limitkeeper.core.compliance.acts import Act, release_of_acts
from limitkeeper.core.compliance.life import Release

ACTS = [
    Act("sam", "draft", "draft", {}),
    Act("sam", "validate", "validated", {"findings": []}),
    Act("sam", "assess", "assessed", {"screen": {"failed": ["sex: 0.71"]}}),
    Act("ivy", "justify", "assessed", {"words": "because"}),
    Act("kim", "approve", "assessed", {"role": "committee"}),
    Act("ivy", "approve", "approved", {"role": "compliance"}),
]
APPROVED = Release(
    "r", "sam", "approved", ("sex: 0.71",), "ivy", (("kim", "committee"), ("ivy", "compliance"))
)


def after(*acts: tuple[str, str, dict[str, Any]]) -> Release:
    return release_of_acts("r", [*ACTS, *(Act("kim", *each) for each in acts)], first_bucket=7)


def test_acts_lead_through_every_gate() -> None:
    assert after() == APPROVED


def test_share_and_rank_are_those_of_the_last_act() -> None:
    share = ("live", "live", {"buckets": 500, "bucket_from": 9_500})
    champion = ("live", "live", {"buckets": 10_000, "bucket_from": 0})
    found = after(share)
    assert (found.state, found.own_buckets) == ("live", range(9_500, 10_000))
    found = after(share, champion)
    assert (found.is_champion, found.bucket_from, found.buckets) == (True, 0, 10_000)
    gone = after(share, champion, ("retire", "retired", {}))
    assert (gone.state, gone.is_champion) == ("retired", True)
    assert after(share, champion, ("retire", "retired", {}), ("rollback", "live", {})) == found


def test_challenger_whose_going_live_was_kept_without_its_first_bucket_has_the_one_that_is_given() -> None:
    assert after(("live", "live", {"buckets": 500})).own_buckets == range(7, 507)


@pytest.mark.parametrize("act", ["assess", "approve", "live"])
def test_act_that_lacks_what_its_kind_keeps_leads_nowhere(act: str) -> None:
    with pytest.raises(LookupError):
        after((act, "live", {}))
