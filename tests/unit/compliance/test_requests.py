"""A person's request: whatever is done with it in whatever order, what it promises holds."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limitkeeper.core.access.actors import COMPLIANCE, CUSTOMER, OFFICER, Actor
from limitkeeper.core.compliance.requests import (
    BY_LOGIN,
    COPIED,
    END_STATES,
    ERASE,
    KINDS,
    LIVE_STATES,
    RequestError,
    RightsRequest,
    answered,
    answered_in_words,
    copied,
    received,
    verified,
    withdrawn,
)

KIM, SAM = (Actor(name, frozenset({CUSTOMER}), name) for name in ("kim", "sam"))
IVY, ANN = Actor("ivy", frozenset({COMPLIANCE})), Actor("ann", frozenset({OFFICER}))

Act = Callable[[RightsRequest], RightsRequest]
ACTS: dict[str, Act] = {
    "verify": lambda it: verified(it, IVY, "passport seen"),
    "verify silently": lambda it: verified(it, IVY, " "),
    "answer": lambda it: answered_in_words(it, is_done=True, words="done"),
    "refuse": lambda it: answered_in_words(it, is_done=False, words="not now"),
    "refuse silently": lambda it: answered_in_words(it, is_done=False, words=""),
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
    request = received(RightsRequest("r", kind, "kim", 0, 15), maker)
    assert (request.state, request.verified_by) == (
        ("verified", BY_LOGIN) if maker is KIM else ("received", None)
    )
    for name in acts:
        try:
            after = ACTS[name](request)
        except RequestError:
            continue
        assert "silently" not in name
        assert name != "withdraw another's"
        assert request.state in LIVE_STATES or (name.startswith("copy") and after == request)
        if after.state in ("done", "refused"):
            assert after.verified_by is not None
        if after.state == "done":
            assert name.startswith("copy") == (kind in COPIED)
            assert kind != ERASE, "it is done by erasing alone"
        request = after


@pytest.mark.parametrize("kind", KINDS)
def test_copy_is_given_again_for_its_time_and_of_its_kinds_alone(kind: str) -> None:
    done = answered(received(RightsRequest("r", kind, "kim", 0, 15), KIM), is_done=True, words="")
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
