"""The acts of a case, one by one: what each leads to, and which rule bars it."""

from dataclasses import replace

import pytest

from limitkeeper.core.access.actors import COMMITTEE, OFFICER, Actor
from limitkeeper.core.approval.cases import (
    APPROVED,
    ASKED,
    CLAIMED,
    LAPSED,
    OPEN,
    REFUSED,
    WITHDRAWN,
    Case,
    Terms,
    acted,
    clocked,
    opened_case,
    withdrawn,
)
from limitkeeper.core.approval.clocks import TierClock
from limitkeeper.core.approval.mandates import Absence, Mandate, Mandates
from limitkeeper.core.approval.refusals import RULES, RefusedError
from limitkeeper.core.behaviour.events import HOUR_US

CLOCKS = {2: TierClock(4, 24, 72), 3: TierClock(24, None, 120)}
SEATS = tuple(Mandate(f"member-{k}", 3) for k in range(5))
TEAM = tuple(Mandate(name, 2) for name in ("ann", "bob", "cem"))
TERMS = Terms(Mandates((*TEAM, Mandate("junior", 2, cut_cents_max=1_000), *SEATS)), CLOCKS, 3)


def who(name: str) -> Actor:
    return Actor(name, frozenset({COMMITTEE if name.startswith("member") else OFFICER}))


def case(tier: int = 2, maker: str = "system", cut_cents: int = 50_000) -> Case:
    return opened_case("c", "decrease", cut_cents, 100_000, tier, ("large_cut",), maker, CLOCKS, 0)


def after(found: Case, *acts: str, now_us: int = 1) -> Case:
    """A case after acts like ``ann claim``."""
    for each in acts:
        name, act = each.split()
        found = acted(found, act, who(name), TERMS, now_us, "because")
    return found


def barred(found: Case, act: str, now_us: int = 1) -> str:
    """The rule that bars an act like ``ann claim``."""
    with pytest.raises(RefusedError) as error:
        after(found, act, now_us=now_us)
    assert error.value.chinese == RULES[error.value.rule][1]
    return error.value.rule


def test_what_is_the_systems_own_is_approved_at_once() -> None:
    found = case(tier=1)
    assert (found.state, found.outcome, found.tier) == (APPROVED, "system", 1)


def test_claimed_case_is_approved_by_its_claimer() -> None:
    found = after(case(), "ann claim", "ann approve")
    assert (found.state, found.outcome, found.version) == (APPROVED, "ann", 3)


def test_maker_never_decides_on_his_own() -> None:
    assert barred(case(maker="ann"), "ann claim") == "four_eyes"


def test_nobody_decides_on_what_another_claimed() -> None:
    assert barred(after(case(), "ann claim"), "bob approve") == "claim"


def test_cut_beyond_the_mandate_is_left_to_others() -> None:
    assert barred(case(cut_cents=1_001), "junior claim") == "mandate"
    assert after(case(cut_cents=1_000), "junior claim").state == CLAIMED


def test_case_for_the_committee_is_not_approved_below_it() -> None:
    assert barred(after(case(tier=3), "ann claim"), "ann approve") == "lowest_tier"
    assert after(case(tier=3), "ann claim", "ann refuse").state == REFUSED


def test_decision_without_words_is_refused() -> None:
    claimed = after(case(), "ann claim")
    with pytest.raises(RefusedError) as error:
        acted(claimed, "approve", who("ann"), TERMS, 1, "  ")
    assert error.value.rule == "reason"


def test_question_waits_for_its_answer_and_comes_back_to_the_claimer() -> None:
    asked = after(case(), "ann claim", "ann ask")
    assert asked.state == ASKED
    assert barred(asked, "ann approve") == "state"
    assert after(asked, "bob answer").claimed_by == "ann"
    assert barred(asked, "bob vote_for") == "state"
    assert after(asked, "ann recuse").state == OPEN


def test_member_who_asks_keeps_nobody_from_voting_nor_himself_from_leaving() -> None:
    asked = after(
        case(tier=3), "ann claim", "ann send_up", "member-4 ask", "member-0 vote_for", "member-1 vote_for"
    )
    assert asked.state == ASKED
    assert after(asked, "member-2 vote_for").state == APPROVED
    assert after(asked, "member-4 recuse").state == ASKED


def late(*more: Mandate, quorum: int = 3, away: tuple[Absence, ...] = ()) -> Terms:
    """Terms with seats that were given, and absences that began, after the case was opened at 0."""
    return Terms(Mandates((*TERMS.mandates.mandates, *more), away), CLOCKS, quorum)


def test_who_was_seated_after_a_case_was_opened_neither_votes_on_it_nor_counts_in_its_majority() -> None:
    terms = late(*(Mandate(f"friend-{k}", 3, from_us=1) for k in range(4)))
    voted = after(at_committee(), "member-0 vote_for")  # it came up at 1: sending it up late helps nobody
    with pytest.raises(RefusedError) as error:
        acted(voted, "vote_for", who("friend-0"), terms, 2, "yes")
    assert (error.value.rule, error.value.chinese) == ("seated_since", RULES["seated_since"][1])
    for member in ("member-1", "member-2"):  # 3 of 5 is a majority, 3 of 9 is none
        voted = acted(voted, "vote_for", who(member), terms, 2, "yes")
    assert voted.state == APPROVED


def test_who_became_a_members_deputy_after_a_case_was_opened_does_not_vote_for_him() -> None:
    terms = late(away=(Absence("member-0", "friend", 1),))
    with pytest.raises(RefusedError) as error:
        acted(at_committee(), "vote_for", who("friend"), terms, 2, "yes")
    assert error.value.rule == "seated_since"
    assert acted(at_committee(), "vote_for", who("member-0"), terms, 2, "yes").votes
    assert acted(
        at_committee(), "vote_for", who("friend"), late(away=(Absence("member-0", "friend", 0),)), 2, "yes"
    )


def test_first_members_decide_on_what_was_opened_before_them_but_came_up_after() -> None:
    first = Terms(Mandates((*TEAM, *(replace(each, from_us=5) for each in SEATS))), CLOCKS, 3)
    up = at_committee(now_us=5)
    assert acted(up, "vote_for", who("member-0"), first, 6, "yes").votes
    with pytest.raises(RefusedError) as error:
        acted(at_committee(now_us=4), "vote_for", who("member-0"), first, 6, "yes")
    assert error.value.rule == "seated_since"


def test_who_sent_it_up_does_not_decide_above() -> None:
    terms = replace(TERMS, mandates=Mandates((*TERMS.mandates.mandates, Mandate("ann", 3))))
    up = after(case(tier=3), "ann claim", "ann send_up")
    with pytest.raises(RefusedError) as error:
        acted(up, "vote_for", who("ann"), terms, 1, "yes")
    assert error.value.rule == "four_eyes"


def test_neither_who_sent_it_up_for_an_absent_one_nor_that_one_decides_above() -> None:
    seats = (Mandate("ann", 2), Mandate("ann", 3), Mandate("dan", 3))
    terms = replace(TERMS, mandates=Mandates(seats, (Absence("ann", "dan", 0, 100),)))
    found = case(tier=3)
    for act in ("claim", "send_up"):
        found = acted(found, act, who("dan"), terms, 50, "because")
    assert found.parties == {"ann", "dan"}
    for name in ("ann", "dan"):
        with pytest.raises(RefusedError) as error:
            acted(found, "vote_for", who(name), terms, 200, "yes")
        assert error.value.rule == "four_eyes"


def at_committee(now_us: int = 1) -> Case:
    return after(case(tier=3), "ann claim", "ann send_up", now_us=now_us)


def test_committee_approves_with_more_than_half_of_its_members() -> None:
    two = after(at_committee(), "member-0 vote_for", "member-1 vote_for")
    assert two.state == OPEN
    assert after(two, "member-2 vote_for").state == APPROVED


def test_dissent_is_kept_beside_the_outcome() -> None:
    found = after(
        at_committee(), "member-0 vote_against", "member-1 vote_for", "member-2 vote_for", "member-3 vote_for"
    )
    assert found.state == APPROVED
    assert [vote.person_id for vote in found.votes if vote.choice == "against"] == ["member-0"]


def test_tie_refuses() -> None:
    found = after(at_committee(), "member-4 recuse", "member-0 vote_for", "member-1 vote_for",
                  "member-2 vote_against")  # fmt: skip
    assert found.state == OPEN
    assert after(found, "member-3 vote_against").state == REFUSED


def test_member_votes_once_and_a_recused_one_never() -> None:
    assert barred(after(at_committee(), "member-0 vote_for"), "member-0 vote_against") == "vote_once"
    assert barred(after(at_committee(), "member-0 recuse"), "member-0 vote_for") == "recused"


def test_recusal_takes_the_vote_back() -> None:
    found = after(at_committee(), "member-0 vote_for", "member-0 recuse")
    assert found.votes == ()


def test_committee_sends_back_before_it_votes_and_who_did_so_votes_when_it_comes_up_again() -> None:
    back = after(at_committee(), "member-0 send_back")
    assert (back.tier, back.state, back.parties) == (2, OPEN, {"ann"})
    again = after(back, "bob claim", "bob send_up", "member-0 vote_for")
    assert [vote.person_id for vote in again.votes] == ["member-0"]


def test_case_on_which_a_vote_is_cast_is_not_sent_back() -> None:
    voted = after(at_committee(), "member-0 vote_for")
    assert barred(voted, "member-1 send_back") == "votes_cast"
    assert barred(voted, "member-0 send_back") == "votes_cast"
    assert after(voted, "member-0 recuse", "member-1 send_back").tier == 2


def test_case_is_sent_back_as_often_as_the_policy_allows_and_no_more() -> None:
    found = at_committee()
    for who_sends, who_claims in (("member-0", "bob"), ("member-0", "cem")):
        found = after(found, f"{who_sends} send_back", f"{who_claims} claim", f"{who_claims} send_up")
    assert barred(found, "member-0 send_back") == "sent_back"
    assert barred(found, "member-1 send_back") == "sent_back"
    assert after(found, "member-0 vote_for").tier == 3


def test_who_decides_has_a_mandate_for_each_change_of_a_case() -> None:
    both = replace(case(cut_cents=900), changes=(("decrease", 900), ("increase", -1_001)))
    assert barred(both, "junior claim") == "mandate"
    assert (
        after(replace(both, changes=(("decrease", 900), ("increase", -1_000))), "junior claim").state
        == CLAIMED
    )


def test_committee_is_not_claimed() -> None:
    assert barred(at_committee(), "member-0 claim") == "committee"


def test_deputy_decides_under_the_mandate_of_who_is_absent() -> None:
    terms = replace(TERMS, mandates=Mandates((Mandate("ann", 2),), (Absence("ann", "dan", 0, 100),)))
    assert acted(case(), "claim", who("dan"), terms, 50).claimed_by == "dan"
    with pytest.raises(RefusedError):
        acted(case(), "claim", who("ann"), terms, 50)
    with pytest.raises(RefusedError):
        acted(case(), "claim", who("dan"), terms, 100)


def test_deputy_of_the_maker_is_no_second_pair_of_eyes() -> None:
    terms = replace(TERMS, mandates=Mandates((Mandate("ann", 2),), (Absence("ann", "dan", 0),)))
    with pytest.raises(RefusedError):
        acted(case(maker="ann"), "claim", who("dan"), terms, 50)


def test_deputy_of_a_party_decides_under_a_mandate_of_his_own() -> None:
    given = Mandates((Mandate("ann", 2), Mandate("dan", 2)), (Absence("ann", "dan", 0),))
    terms = replace(TERMS, mandates=given)
    assert acted(case(maker="ann"), "claim", who("dan"), terms, 50).claimed_by == "dan"
    assert given.deciders(2, "decrease", 0, 0, 50) == {"dan": "dan"}


def test_clock_reminds_then_sends_up_then_lapses() -> None:
    found = case()
    reminded = clocked(found, TERMS, 4 * HOUR_US)
    assert (reminded.state, reminded.clock) == (OPEN, "escalate")
    above = clocked(reminded, TERMS, 24 * HOUR_US)
    assert (above.tier, above.clock) == (3, "remind")
    at_end = clocked(above, TERMS, 48 * HOUR_US)
    ended = clocked(at_end, TERMS, (24 + 120) * HOUR_US)
    assert (ended.state, ended.outcome) == (LAPSED, "clock")


def test_clock_that_has_not_come_changes_nothing() -> None:
    assert clocked(case(), TERMS, 4 * HOUR_US - 1) == case()


def test_votes_that_are_a_quorum_decide_at_the_end_of_the_clock() -> None:
    voted = after(at_committee(), "member-0 vote_for", "member-1 vote_for", "member-2 vote_against")
    assert voted.state == OPEN
    at_end = clocked(clocked(voted, TERMS, 24 * HOUR_US + 1), TERMS, 120 * HOUR_US + 1)
    assert (at_end.state, at_end.outcome) == (APPROVED, "committee")


def test_case_whose_proposal_is_no_more_is_withdrawn_but_a_decided_one_stays() -> None:
    assert withdrawn(case(), "superseded").state == WITHDRAWN
    decided = after(case(), "ann claim", "ann approve")
    assert withdrawn(decided, "superseded") == decided
