"""The way of an appeal: claimed, asked, answered, sent up, brought once more, and what its clock does."""

import pytest

from limitkeeper.core.access.actors import CUSTOMER, OFFICER, Actor
from limitkeeper.core.appeal.appeals import (
    ASKS_MAX,
    Appeal,
    AppealClock,
    AppealTerms,
    acted,
    clocked,
    reviewers,
    settled_by_facts,
    submitted_appeal,
)
from limitkeeper.core.approval.mandates import Absence, Mandate, Mandates
from limitkeeper.core.approval.refusals import RefusedError
from limitkeeper.core.behaviour.events import DAY_US

CLOCK = AppealClock(3 * DAY_US, 8 * DAY_US, 15 * DAY_US, 7 * DAY_US, 30 * DAY_US)
GIVEN = Mandates((Mandate("ann", 2), Mandate("bob", 2), Mandate("eva", 3), Mandate("fay", 3)))
TERMS = AppealTerms(GIVEN, CLOCK)
KIM = Actor("kim", frozenset({CUSTOMER}), "c-1")


def submitted(*parties: str) -> Appeal:
    return submitted_appeal("a", 500, 1_000, frozenset({"c-1", *parties}), CLOCK, 0)


def after(appeal: Appeal, *acts: str, now_us: int = 1, terms: AppealTerms = TERMS) -> Appeal:
    for each in acts:
        name, act = each.split()
        actor = KIM if name == "kim" else Actor(name, frozenset({OFFICER}))
        appeal = acted(appeal, act, actor, terms, now_us, "words")
    return appeal


def refusal(appeal: Appeal, act: str, now_us: int = 1, terms: AppealTerms = TERMS) -> str:
    with pytest.raises(RefusedError) as error:
        after(appeal, act, now_us=now_us, terms=terms)
    return error.value.rule


def test_appeal_waits_on_the_second_tier_with_a_promised_date() -> None:
    found = submitted()
    assert (found.state, found.tier, found.instance, found.answer_until_us) == (
        "submitted",
        2,
        1,
        15 * DAY_US,
    )
    assert (found.clock, found.due_us) == ("remind", 3 * DAY_US)


def test_who_made_the_decision_does_not_answer_the_appeal() -> None:
    assert reviewers(submitted("ann"), TERMS, 0) == {"bob": "bob"}
    assert refusal(submitted("ann"), "ann claim") == "appeal_party"


def test_deputy_of_who_made_the_decision_does_not_answer_it_either() -> None:
    away = Mandates((Mandate("ann", 2),), (Absence("ann", "cem", 0),))
    assert refusal(submitted("ann"), "cem claim", terms=AppealTerms(away, CLOCK)) == "appeal_party"


def test_customer_who_works_here_does_not_answer_his_own() -> None:
    appeal = submitted()
    ann = Actor("ann", frozenset({OFFICER}), "c-1")
    with pytest.raises(RefusedError):
        acted(appeal, "claim", ann, TERMS, 1)


def test_only_who_claimed_it_answers() -> None:
    claimed = after(submitted(), "ann claim")
    assert refusal(claimed, "bob uphold") == "appeal_claim"
    assert refusal(submitted(), "ann grant") == "appeal_state"


def test_answer_needs_words() -> None:
    claimed = after(submitted(), "ann claim")
    with pytest.raises(RefusedError, match="words"):
        acted(claimed, "uphold", Actor("ann", frozenset({OFFICER})), TERMS, 1, " ")


def test_time_that_the_customer_takes_moves_the_promise_and_the_clock() -> None:
    asked = after(submitted(), "ann claim", "ann ask", now_us=DAY_US)
    assert (asked.state, asked.clock, asked.due_us) == (
        "asked",
        "reply",
        9 * DAY_US - 1,
    )  # the end of that day
    back = after(asked, "kim answer", now_us=3 * DAY_US)
    assert (back.state, back.claimed_by, back.answer_until_us) == ("in_review", "ann", 17 * DAY_US)
    assert (back.clock, back.due_us) == ("remind", 5 * DAY_US)


def test_silence_of_the_customer_sends_it_back_to_be_answered() -> None:
    asked = after(submitted(), "ann claim", "ann ask", now_us=0)
    back = clocked(asked, TERMS, 30 * DAY_US)
    assert (back.state, back.answer_until_us) == ("in_review", 23 * DAY_US - 1)


def test_customer_is_not_asked_for_ever() -> None:
    found = after(submitted(), "ann claim")
    for _ in range(ASKS_MAX):
        found = after(found, "ann ask", "kim answer")
    assert refusal(found, "ann ask") == "appeal_asks"


def test_appeal_that_nobody_answers_goes_up_and_is_granted_provisionally_at_the_end() -> None:
    found, seen = submitted(), []
    for day in range(16):
        later = clocked(found, TERMS, day * DAY_US)
        if later != found:
            seen.append((day, later.state, later.tier, later.clock))
        found = later
    assert seen == [
        (3, "submitted", 2, "escalate"), (8, "submitted", 3, "end"), (15, "granted", 3, "end"),
    ]  # fmt: skip
    assert (found.outcome, found.is_provisional) == ("clock", True)


def test_who_let_it_run_out_does_not_answer_it_above() -> None:
    both = AppealTerms(Mandates((Mandate("ann", 2), Mandate("ann", 3))), CLOCK)
    held = after(submitted(), "ann claim", terms=both)
    above = clocked(clocked(held, both, 3 * DAY_US), both, 8 * DAY_US)
    assert (above.state, above.claimed_by) == ("submitted", None)
    assert refusal(above, "ann claim", terms=both) == "appeal_party"


def test_second_instance_is_above_and_by_somebody_else() -> None:
    upheld = after(submitted(), "ann claim", "ann uphold", now_us=DAY_US)
    assert upheld.again_until_us == 32 * DAY_US - 1  # to the end of the day
    again = after(upheld, "kim again", now_us=2 * DAY_US)
    assert (again.state, again.tier, again.instance, again.answer_until_us) == (
        "submitted",
        3,
        2,
        17 * DAY_US,
    )
    assert (refusal(again, "bob claim"), refusal(again, "ann claim")) == ("mandate", "appeal_party")
    final = after(again, "eva claim", "eva uphold", now_us=3 * DAY_US)
    assert refusal(final, "kim again", now_us=4 * DAY_US) == "appeal_final"


def test_answer_is_not_appealed_against_after_its_time() -> None:
    upheld = after(submitted(), "ann claim", "ann uphold")
    assert refusal(upheld, "kim again", now_us=32 * DAY_US) == "appeal_window"


def test_granted_or_withdrawn_leaves_nothing_to_appeal_against() -> None:
    for end in ("ann grant", "kim withdraw"):
        assert refusal(after(submitted(), "ann claim", end), "kim again") == "appeal_state"


def test_second_instance_that_nobody_answers_is_granted_too() -> None:
    again = after(after(submitted(), "ann claim", "ann uphold"), "kim again", now_us=DAY_US)
    reminded = clocked(again, TERMS, 4 * DAY_US)
    assert (reminded.state, reminded.clock) == ("submitted", "end")
    assert clocked(reminded, TERMS, 16 * DAY_US).is_provisional


def test_sent_up_goes_to_the_third_tier_without_who_sent_it() -> None:
    up = after(submitted(), "ann claim", "ann send_up")
    assert (up.state, up.tier, up.instance) == ("submitted", 3, 1)
    assert "ann" in up.parties
    assert refusal(after(up, "eva claim"), "eva send_up") == "highest_tier"


def test_facts_settle_only_what_waits() -> None:
    assert settled_by_facts(submitted(), TERMS, 1).outcome == "facts"
    upheld = after(submitted(), "ann claim", "ann uphold")
    assert settled_by_facts(upheld, TERMS, 1) is upheld
