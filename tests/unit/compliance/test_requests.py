"""A person's request: whatever is done with it in whatever order, what it promises holds."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limitkeeper.core.access.actors import COMPLIANCE, CUSTOMER, OFFICER, Actor
from limitkeeper.core.behaviour.events import DAY_US
from limitkeeper.core.compliance.requests import (
    ANSWERS,
    BY_LOGIN,
    COPIED,
    DONE,
    END_STATES,
    ERASE,
    KINDS,
    LIVE_STATES,
    PARTLY,
    REFUSED,
    RequestError,
    RightsRequest,
    answered,
    answered_in_words,
    bar_to_extension,
    copied,
    extended,
    received,
    verified,
    withdrawn,
)
from limitkeeper.core.kernel.errors import InputError

KIM, SAM = (Actor(name, frozenset({CUSTOMER}), name) for name in ("kim", "sam"))
IVY, ANN = Actor("ivy", frozenset({COMPLIANCE})), Actor("ann", frozenset({OFFICER}))

UNTIL_US = 15 * DAY_US

Act = Callable[[RightsRequest], RightsRequest]
ACTS: dict[str, Act] = {
    "verify": lambda it: verified(it, IVY, "passport seen"),
    "verify silently": lambda it: verified(it, IVY, " "),
    "answer": lambda it: answered_in_words(it, DONE, "done"),
    "refuse": lambda it: answered_in_words(it, REFUSED, "not now"),
    "refuse silently": lambda it: answered_in_words(it, REFUSED, ""),
    "answer in part": lambda it: answered_in_words(it, PARTLY, "the address", "the income is right"),
    "answer in part silently": lambda it: answered_in_words(it, PARTLY, " ", "the income is right"),
    "answer in part and keep silently still": lambda it: answered_in_words(it, PARTLY, "the address", ""),
    "extend": lambda it: extended(it, 30, 30, "forty decisions", UNTIL_US),
    "extend silently": lambda it: extended(it, 30, 30, " ", UNTIL_US),
    "extend late": lambda it: extended(it, 30, 30, "forty decisions", it.answer_until_us + 1),
    "copy": lambda it: copied(it, 100, 100),
    "copy late": lambda it: copied(it, 101, 100),
    "withdraw": lambda it: withdrawn(it, KIM),
    "withdraw another's": lambda it: withdrawn(it, SAM),
}


@given(
    st.sampled_from(list(KINDS)),
    st.sampled_from([KIM, ANN]),
    st.lists(st.sampled_from(list(ACTS)), max_size=8),
)
def test_request_is_answered_only_of_who_is_known_and_an_end_is_an_end(
    kind: str, maker: Actor, acts: list[str]
) -> None:
    request, clocks = received(RightsRequest("r", kind, "kim", 0, UNTIL_US), maker), {UNTIL_US}
    assert (request.state, request.verified_by) == (
        ("verified", BY_LOGIN) if maker is KIM else ("received", None)
    )
    for name in acts:
        try:
            after = ACTS[name](request)
        except RequestError:
            continue
        assert "silently" not in name
        assert name not in ("withdraw another's", "extend late")
        assert request.state in LIVE_STATES or (name.startswith("copy") and after == request)
        if after.state in ANSWERS.values():
            assert after.verified_by is not None
        if after.state == PARTLY:
            assert kind not in (*COPIED, ERASE), "what is a deed has no part"
        if after.state == "done":
            assert name.startswith("copy") == (kind in COPIED)
            assert kind != ERASE, "it is done by erasing alone"
        clocks.add(after.answer_until_us)
        assert after.answer_until_us == UNTIL_US + after.extended_days * DAY_US
        request = after
    assert len(clocks) <= 2, "a clock is extended once"


@pytest.mark.parametrize("kind", KINDS)
def test_copy_is_given_again_for_its_time_and_of_its_kinds_alone(kind: str) -> None:
    done = answered(received(RightsRequest("r", kind, "kim", 0, 15), KIM), DONE)
    if kind in COPIED:
        assert copied(done, 100, 100) is done
    with pytest.raises(RequestError) as error:
        copied(done, 101, 100)
    assert error.value.rule == ("copy_over" if kind in COPIED else "kind")


@pytest.mark.parametrize("state", END_STATES)
def test_request_that_has_ended_is_never_overdue(state: str) -> None:
    request = RightsRequest("r", "access", "kim", 0, 15)
    assert request.is_overdue(16)
    assert not request.is_overdue(15)
    assert not RightsRequest("r", "access", "kim", 0, 15, state).is_overdue(16)


@pytest.mark.parametrize("state", LIVE_STATES)
@given(days=st.integers(-5, 70), days_max=st.integers(0, 60), now_us=st.integers(0, 20 * DAY_US))
def test_clock_is_extended_by_as_many_days_as_policy_allows_before_it_runs_out_and_is_then_the_clock(
    state: str, days: int, days_max: int, now_us: int
) -> None:
    request = RightsRequest("r", "explain", "kim", 0, UNTIL_US, state)
    if now_us > UNTIL_US:
        with pytest.raises(RequestError) as late:
            extended(request, days, days_max, "forty decisions", now_us)
        assert late.value.rule == bar_to_extension(request, now_us) == "clock_over"
    elif not 1 <= days <= days_max:
        with pytest.raises(InputError, match=f"Given: {days}. Allowed: 1 to {days_max}"):
            extended(request, days, days_max, "forty decisions", now_us)
    else:
        longer = extended(request, days, days_max, "forty decisions", now_us)
        end_us = UNTIL_US + days * DAY_US
        assert (longer.state, longer.extended_days, longer.answer_until_us) == (state, days, end_us)
        assert not longer.is_overdue(end_us)
        assert longer.is_overdue(end_us + 1)
        assert bar_to_extension(longer, now_us) == "extended"


@pytest.mark.parametrize("state", END_STATES)
def test_clock_of_a_request_that_has_ended_is_not_extended(state: str) -> None:
    assert bar_to_extension(RightsRequest("r", "explain", "kim", 0, UNTIL_US, state), 0) == "state"


@pytest.mark.parametrize(("words", "rest"), [("", "the rest"), ("done", ""), (" ", "\n")])
def test_answer_in_part_says_what_was_done_and_what_was_not(words: str, rest: str) -> None:
    request = received(RightsRequest("r", "correct", "kim", 0, UNTIL_US), KIM)
    with pytest.raises(RequestError) as error:
        answered_in_words(request, PARTLY, words, rest)
    assert error.value.rule == "words"
    assert answered_in_words(request, PARTLY, "done", "the rest").state == PARTLY
