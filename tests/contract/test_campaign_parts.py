"""Campaigns that are put forward again in pieces, on every store: counted with the whole for tier and mandate."""

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import polars as pl
import pytest
import sqlalchemy as sa

from limitkeeper.app import campaign_documents, campaigns
from limitkeeper.app.approval_policy import approval_policy
from limitkeeper.app.campaign_documents import proposal_document
from limitkeeper.app.campaign_rows import Standing, rows_taken
from limitkeeper.app.campaigns import (
    Proposal,
    cancelled,
    proposed,
    split,
    standing_of,
    taken_rows,
    turn_to_propose,
)
from limitkeeper.app.case_clocks import run_clocks
from limitkeeper.app.case_documents import case_offers_document
from limitkeeper.app.cases import case_acted, terms_in_force
from limitkeeper.app.decisions import effects
from limitkeeper.app.notice_policy import notice_policy
from limitkeeper.core.access.actors import COMMITTEE, STRATEGIST, SYSTEM, Actor
from limitkeeper.core.approval.refusals import RefusedError
from limitkeeper.core.behaviour.events import DAY_US, NEVER_US
from limitkeeper.store.campaign_tables import campaign_items
from limitkeeper.store.case_tables import cases, mandates
from limitkeeper.store.sql import Store
from limitkeeper.store.work import Work, work
from tests.mandated import mandated
from tests.simulated_accounts import campaign_rows
from tests.vaults import SEAL

NOW_US = 1_790_040_000_000_000
POLICY = approval_policy()
EFFECTS = effects(SEAL, notice_policy("CN"))
SUE, TOM = (Actor(name, frozenset({STRATEGIST})) for name in ("sue", "tom"))
# Of small limits, so that nothing but the number of accounts asks for a tier.
ALL = campaign_rows(1_400).with_columns(limit_before_cents=1_000, limit_after_cents=800)
WHOLE = ALL[:1_100]


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    found = Store(store_url)
    found.take({})
    with work(found, SYSTEM, NOW_US) as w:
        w.add(mandates, *({"mandate_id": name, "person_id": name, "tier": tier, "actions": "[]", "cut_cents_max": None,
                           "exposure_cents_max": bound, "from_us": 0, "to_us": NEVER_US, "version": 1}
                          for name, tier, bound in (("ann", 2, None), ("bob", 2, 500_000), ("cem", 2, None),
                                                    ("m0", 3, None))))  # fmt: skip
    yield found
    found.close()


def propose(store: Store, frame: pl.DataFrame, by: Actor = SUE, now_us: int = NOW_US) -> str:
    with work(store, by, now_us) as w:
        found = rows_taken(frame, standing_of(w, frame["account_id"]), reasons=["product_change"])
        return proposed(w, Proposal("autumn", found), POLICY)


def cancel(store: Store, campaign_id: str) -> None:
    maker = Actor(case(store, campaign_id)["maker_id"], frozenset({STRATEGIST}))
    with work(store, maker, NOW_US) as w:
        cancelled(w, POLICY, campaign_id, "again, in pieces")


def act(store: Store, campaign_id: str, name: str, what: str) -> None:
    with work(store, Actor(name, frozenset({COMMITTEE})), NOW_US + 1) as w:
        version = w.found(cases, campaign_id)["version"]
        case_acted(w, SEAL, campaign_id, version, what, terms_in_force(w, POLICY), EFFECTS, "said")


def case(store: Store, campaign_id: str) -> dict[str, Any]:
    (row,) = store.rows(sa.select(cases).where(cases.c.case_id == campaign_id))
    return row


def lapsed(store: Store, campaign_id: str) -> None:
    for days in (3, 12):
        run_clocks(store, POLICY, NOW_US + days * DAY_US, EFFECTS)
    assert case(store, campaign_id)["state"] == "lapsed"


def refused(store: Store, campaign_id: str) -> None:
    for what in ("claim", "refuse"):
        act(store, campaign_id, "ann", what)


@pytest.mark.parametrize("end", [cancel, refused, lapsed])
def test_piece_of_a_campaign_that_led_to_nothing_needs_the_tier_and_the_mandate_of_the_whole(
    store: Store, end: Any
) -> None:
    whole = propose(store, WHOLE)
    end(store, whole)
    later_us = NOW_US + 13 * DAY_US
    pieces = [propose(store, part, TOM, later_us) for part in (WHOLE[:300], WHOLE[300:600], WHOLE[600:])]
    for piece, accounts in zip(pieces, (300, 300, 500), strict=True):
        row, facts = case(store, piece), json.loads(case(store, piece)["facts"])
        assert (row["required_tier"], json.loads(row["tier_rules"])) == (3, ["split_from"])
        assert (facts["accounts"], facts["counted_accounts"], facts["counted_with"]) == (
            accounts,
            1_100,
            whole,
        )
        assert (row["cut_cents"], row["exposure_cents"]) == (220_000, 1_100_000)
        assert "sue" in json.loads(row["parties"])


def test_small_piece_is_beyond_the_mandate_that_the_whole_was_beyond(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    cancel(store, propose(store, campaign_rows(6)))  # 600,015 of exposure
    piece = propose(store, campaign_rows(6)[:2], TOM)
    few = campaign_rows(6)[:2]
    monkeypatch.delattr(
        campaign_documents, "put_forward_before"
    )  # what is proposed is not read a second time
    with work(store, TOM, NOW_US) as w:
        found = rows_taken(few, standing_of(w, few["account_id"][:0]), reasons=["product_change"])
        document = proposal_document(w, piece, Proposal("autumn", found), POLICY)
    assert document["required_tier"] == case(store, piece)["required_tier"] == 2
    with pytest.raises(RefusedError) as error:
        act(store, piece, "bob", "claim")
    assert error.value.rule == "mandate"
    act(store, piece, "ann", "claim")


def test_half_of_a_split_campaign_is_beyond_that_mandate_too(store: Store) -> None:
    whole = propose(store, campaign_rows(6))
    with work(store, SUE, NOW_US) as w:
        parts = split(w, whole, pl.col("number") <= 3, POLICY)
    for part in parts:
        assert case(store, part)["exposure_cents"] == case(store, whole)["exposure_cents"]
        with pytest.raises(RefusedError, match="mandate"):
            act(store, part, "bob", "claim")


def test_who_was_seated_after_a_campaign_was_opened_votes_on_no_part_that_is_split_from_it_later(
    store: Store,
) -> None:
    with work(store, Actor("m0", frozenset({COMMITTEE})), NOW_US - 1) as w:
        mandated(w, ("m1", 3), ("m2", 3))
    whole = propose(store, campaign_rows(6))
    with work(store, Actor("m0", frozenset({COMMITTEE})), NOW_US + 1) as w:
        mandated(w, ("friend", 3))  # also where it says that it began at 0
    with work(store, SUE, NOW_US + 1) as w:
        part, _ = split(w, whole, pl.col("number") <= 3, POLICY)
    act(store, part, "cem", "claim")
    act(store, part, "cem", "send_up")
    with pytest.raises(RefusedError) as error:
        act(store, part, "friend", "vote_for")
    assert error.value.rule == "seated_since"
    with work(store, Actor("friend", frozenset({COMMITTEE})), NOW_US + 1) as w:
        found = case_offers_document(w, part, POLICY)
    assert [each["person_id"] for each in found["deciders"]] == ["m0", "m1", "m2"]
    assert {each["rule"] for each in found["acts"] if each["act"].startswith("vote")} == {"seated_since"}


def test_parts_of_a_split_are_beyond_it_too_when_they_are_put_forward_again(store: Store) -> None:
    rows = campaign_rows(9)
    whole = propose(store, rows[:6])
    with work(store, SUE, NOW_US) as w:
        parts = split(w, whole, pl.col("number") <= 3, POLICY)
    cancel(store, parts[0])
    again = propose(store, rows[:3], TOM)  # the other part waits
    cancel(store, parts[1])
    wider = propose(store, rows[3:], TOM)  # the first part waits again
    counted = [json.loads(case(store, each)["facts"])["counted_accounts"] for each in (again, wider)]
    assert counted == [6, 9]
    for each in (again, wider):
        cancel(store, each)
    together = propose(store, rows[:6], TOM)
    assert json.loads(case(store, together)["facts"])["counted_accounts"] == 9
    for each in (again, wider, together):
        assert whole in json.loads(case(store, each)["facts"])["counted_with"].split()
        assert case(store, each)["exposure_cents"] >= case(store, whole)["exposure_cents"]
    with pytest.raises(RefusedError, match="mandate"):
        act(store, together, "bob", "claim")
    act(store, together, "ann", "claim")


def test_cut_beside_a_raise_needs_the_tier_and_the_mandates_of_each_alone(store: Store) -> None:
    cut = pl.DataFrame(
        {"account_id": ["c"], "limit_before_cents": 15_000_000, "limit_after_cents": 1_000_000}
    )
    both = pl.concat([
        cut.with_columns(account_id=pl.lit("d")),
        pl.DataFrame({"account_id": ["e"], "limit_before_cents": 1_000_000, "limit_after_cents": 15_000_000}),
    ])  # fmt: skip
    alone, hidden = case(store, propose(store, cut)), case(store, propose(store, both))
    for row in (alone, hidden):
        assert (row["action"], row["cut_cents"], row["required_tier"]) == ("decrease", 14_000_000, 3)
        assert json.loads(row["tier_rules"]) == ["very_large_cut"]
    small = pl.DataFrame({
        "account_id": ["f", "g"], "limit_before_cents": [1_000, 1_000], "limit_after_cents": [800, 1_200],
    })  # fmt: skip
    campaign = propose(store, small)
    given = {"tier": 2, "exposure_cents_max": None, "from_us": 0, "to_us": NEVER_US, "version": 1}
    with work(store, SYSTEM, NOW_US) as w:
        w.add(mandates, *(given | {"mandate_id": f"{name}-{bound}", "person_id": name, "actions": actions,
                                   "cut_cents_max": bound}
                          for name, actions, bound in (("fay", '["decrease"]', None), ("dai", "[]", 199),
                                                       ("eva", "[]", 200))))  # fmt: skip
    for name in ("fay", "dai"):  # nobody raises by a mandate to cut, nor does a raise make room for a cut
        with pytest.raises(RefusedError, match="mandate"):
            act(store, campaign, name, "claim")
    act(store, campaign, "eva", "claim")


def test_pieces_are_counted_together_with_what_each_adds(store: Store) -> None:
    cancel(store, propose(store, ALL[:600]))
    first = propose(store, pl.concat([ALL[:300], ALL[600:850]]), TOM)
    assert case(store, first)["required_tier"] == 2  # 850 together
    second = propose(store, pl.concat([ALL[300:600], WHOLE[850:]]), TOM)
    row = case(store, second)
    assert (row["required_tier"], json.loads(row["tier_rules"])) == (3, ["split_from"])
    assert json.loads(row["facts"])["counted_accounts"] == 1_100


def test_campaign_that_has_little_in_common_or_comes_late_is_counted_alone(store: Store) -> None:
    cancel(store, propose(store, WHOLE))
    alone = propose(store, pl.concat([ALL[:20], ALL[1_100:]]), TOM)
    late = propose(store, ALL[20:900], TOM, NOW_US + 31 * DAY_US)
    for each in (alone, late):
        row = case(store, each)
        assert (row["required_tier"], json.loads(row["tier_rules"])) == (2, ["campaign"])
        assert "counted_with" not in json.loads(row["facts"])


def test_committee_does_not_send_a_campaign_back_again_and_again(store: Store) -> None:
    campaign = propose(store, campaign_rows(2))
    for name in ("ann", "bob", "cem"):
        act(store, campaign, name, "claim")
        act(store, campaign, name, "send_up")
        with work(store, Actor("m0", frozenset({COMMITTEE})), NOW_US + 1) as w:
            acts = {each["act"]: each["rule"] for each in case_offers_document(w, campaign, POLICY)["acts"]}
        if name != "cem":
            assert acts["send-back"] is None
            act(store, campaign, "m0", "send_back")
    assert acts["send-back"] == "sent_back"
    with pytest.raises(RefusedError, match="again and again"):
        act(store, campaign, "m0", "send_back")


def test_pieces_that_are_proposed_at_once_are_counted_together_and_never_share_an_account(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    cancel(store, propose(store, ALL[:600]))
    pieces = (pl.concat([ALL[:300], ALL[600:850]]), pl.concat([ALL[290:600], WHOLE[850:]]))
    looked, both, looks = threading.Event(), threading.Event(), campaigns.standing_of

    def look(w: Work, accounts: pl.Series) -> Standing:
        found = looks(w, accounts)
        if looked.is_set():
            both.set()
        looked.set()
        both.wait(0.3)  # the other has looked too by then, unless it waits for its turn
        return found

    monkeypatch.setattr(campaigns, "standing_of", look)

    def propose_piece(frame: pl.DataFrame) -> str:
        with work(store, TOM, NOW_US) as w:
            turn_to_propose(w)
            taken = taken_rows(w, frame, reasons=["product_change"])
            return proposed(w, Proposal("autumn", taken), POLICY)

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(propose_piece, pieces[0])
        looked.wait()
        second = pool.submit(propose_piece, pieces[1])
        found = [first.result(), second.result()]
    assert [case(store, each)["required_tier"] for each in found] == [2, 3]
    items = store.rows(sa.select(campaign_items.c.account_id).where(campaign_items.c.campaign_id.in_(found)))
    assert len({row["account_id"] for row in items}) == len(items) == 1_100
