"""What a person asks for as his right, from its coming in to its answer; its clock, and who may answer.

States: ``received`` waits until it is known who asks, ``verified`` waits for its answer; ``done``, ``partly``,
``refused``, ``withdrawn`` and ``moot`` are ends. What is refused, the whole or the rest, is refused for a stated reason.
The clock is extended once, before it has run out. What waits while its person is erased can be answered by nobody.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from limitkeeper.core.access.actors import Actor
from limitkeeper.core.behaviour.events import DAY_US
from limitkeeper.core.kernel.errors import InputError, RuleError

ACCESS, COPY, CORRECT, ERASE, WITHDRAW_CONSENT, EXPLAIN, HUMAN = (
    "access", "copy", "correct", "erase", "withdraw_consent", "explain", "human",
)  # fmt: skip

KINDS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        ACCESS: ("See what is kept of me.", "查阅我的个人信息。"),
        COPY: ("Get a copy that machines can read, to take elsewhere.", "获取可机读的副本（可携带）。"),
        CORRECT: ("Correct what is wrong.", "更正不准确的信息。"),
        ERASE: ("Erase what is kept of me.", "删除我的个人信息。"),
        WITHDRAW_CONSENT: ("Withdraw a consent.", "撤回同意。"),
        EXPLAIN: ("Explain a decision.", "解释某项决定。"),
        HUMAN: ("Have no decision made by machine alone.", "拒绝仅由自动化作出的决定。"),
    }
)
"""What may be asked for, English and Chinese."""

RECEIVED, VERIFIED = LIVE_STATES = ("received", "verified")
DONE, PARTLY, REFUSED, WITHDRAWN, MOOT = END_STATES = ("done", "partly", "refused", "withdrawn", "moot")

ANSWERS: Mapping[str, str] = MappingProxyType({"answer": DONE, "partly": PARTLY, "refuse": REFUSED})
"""Acts that answer in words, and the end that each leads to."""

END = "end"
"""The act by which an erasure ends what else waited of its person."""

ACTS = ("make", "verify", "extend", *ANSWERS, "erase", "withdraw", END)
"""What is done with a request, as its record names it."""

COPIED = (ACCESS, COPY)
"""Kinds that a copy answers."""

BY_LOGIN = "login"
"""Who verified a request that came by the person's own login."""

REQUEST_RULES = {
    "state": ("This cannot be done with a request in its state.", "该请求当前状态不允许此操作。"),
    "identity": ("It is not known yet who asks.", "尚未核验请求人身份。"),
    "words": (
        "A check of identity, a longer clock, a refusal and each part of an answer in part state their words.",
        "身份核验、延长期限、拒绝以及部分办理的各部分均须说明。",
    ),
    "own": ("A person withdraws his own request only.", "只能撤回本人的请求。"),
    "kind": ("A request of this kind is not answered so.", "该类请求不能以此方式答复。"),
    "extended": ("The clock of a request is extended once.", "请求的答复期限只能延长一次。"),
    "clock_over": ("The clock has run out: it is extended before, not after.", "答复期限已过，不能再延长。"),
    "version": ("A request is acted on as it is now.", "请求须按其当前状态处理。"),
    "copy_over": ("The time to take the copy is over.", "获取副本的期限已过。"),
}
"""Why an act on a request is refused, English and Chinese."""


class RequestError(RuleError):
    """An act on a request that it does not allow."""

    RULES = REQUEST_RULES


@dataclass(frozen=True, slots=True)
class RightsRequest:
    """A request of a person.

    Parameters
    ----------
    request_id, kind, customer_id
        Which, of :data:`KINDS`, whose.
    received_us, answer_until_us
        Its clock, UTC microseconds; by when it is answered as it stands now.
    state
        Of :data:`LIVE_STATES` or :data:`END_STATES`.
    verified_by
        Who knows that it is he who asks: a person, or :data:`BY_LOGIN`.
    extended_days
        By how many days its clock was extended; they are in ``answer_until_us`` already.
    """

    request_id: str
    kind: str
    customer_id: str
    received_us: int
    answer_until_us: int
    state: str = RECEIVED
    verified_by: str | None = None
    extended_days: int = 0

    def is_overdue(self, now_us: int) -> bool:
        """Whether its answer should be there."""
        return self.state in LIVE_STATES and now_us > self.answer_until_us


def received(request: RightsRequest, actor: Actor) -> RightsRequest:
    """A request as it comes in: verified at once where the person's own login brought it."""
    if actor.customer_id is not None and actor.customer_id == request.customer_id:
        return replace(request, state=VERIFIED, verified_by=BY_LOGIN)
    return request


def verified(request: RightsRequest, actor: Actor, words: str) -> RightsRequest:
    """A request of which somebody has checked who asks, and says how.

    Raises
    ------
    RequestError
        When it is checked or ended already, or nothing is said.
    """
    if request.state != RECEIVED:
        raise RequestError("state", value=request.state)
    if not words.strip():
        raise RequestError("words", advice="Say what was checked, such as the document seen.")
    return replace(request, state=VERIFIED, verified_by=actor.actor_id)


def bar_to_extension(request: RightsRequest, now_us: int) -> str | None:
    """The rule by which the clock of a request cannot be extended now; None where it can."""
    if request.state not in LIVE_STATES:
        return "state"
    if request.extended_days:
        return "extended"
    return "clock_over" if request.is_overdue(now_us) else None


def extended(request: RightsRequest, days: int, days_max: int, words: str, now_us: int) -> RightsRequest:
    """A request that is answered later, for a reason: many were made, or it is hard to answer.

    Parameters
    ----------
    request
        That waits.
    days, days_max
        By how many, and by how many at most.
    words
        Why.
    now_us
        UTC microseconds.

    Raises
    ------
    RequestError
        As of :func:`bar_to_extension`, or when no reason is given.
    InputError
        When it is by too many days, or by none.
    """
    if rule := bar_to_extension(request, now_us):
        raise RequestError(rule, value=request.request_id)
    if not words.strip():
        raise RequestError("words", advice="Say why it takes longer: he is told.")
    if not 1 <= days <= days_max:
        raise InputError(
            "The clock cannot be extended by so many days.", value=days, allowed=f"1 to {days_max}"
        )
    until_us = request.answer_until_us + days * DAY_US
    return replace(request, answer_until_us=until_us, extended_days=days)


def answered(request: RightsRequest, state: str, words: str = "", rest: str = "") -> RightsRequest:
    """A request that is done, done in part, or refused for a reason.

    Parameters
    ----------
    request
        Of somebody who is known.
    state
        Of :data:`ANSWERS`.
    words
        What was done, or why it is refused.
    rest
        What of it is not done, and why; of an answer in part.

    Raises
    ------
    RequestError
        When it is not known who asks, it has ended, or a refusal or a part of an answer says nothing.
    """
    if request.state == RECEIVED:
        raise RequestError("identity", value=request.request_id, advice="Verify it first.")
    if request.state != VERIFIED:
        raise RequestError("state", value=request.state)
    needed = {REFUSED: (words,), PARTLY: (words, rest)}.get(state, ())
    if not all(each.strip() for each in needed):
        raise RequestError("words")
    return replace(request, state=state)


def answered_in_words(request: RightsRequest, state: str, words: str, rest: str = "") -> RightsRequest:
    """A request that is answered by somebody who says so; a copy and an erasure are done, not said to be.

    Raises
    ------
    RequestError
        When it is answered by a copy or an erasure alone, or as of :func:`answered`.
    """
    if state != REFUSED and request.kind in (*COPIED, ERASE):
        raise RequestError(
            "kind", value=request.kind, advice="Give the copy or erase, or refuse with a reason."
        )
    return answered(request, state, words, rest)


def copied(request: RightsRequest, now_us: int, again_until_us: int) -> RightsRequest:
    """A request whose copy is given: answered by it, or given once more while there is time.

    Parameters
    ----------
    request
        For access or a copy.
    now_us, again_until_us
        Now, and until when a copy that was given is given again, UTC microseconds.

    Raises
    ------
    RequestError
        When it is for something else, the time is over, or as of :func:`answered`.
    """
    if request.kind not in COPIED:
        raise RequestError("kind", value=request.kind)
    if request.state != DONE:
        return answered(request, DONE)
    if now_us > again_until_us:
        raise RequestError("copy_over", value=request.request_id, advice="Make a new request.")
    return request


def withdrawn(request: RightsRequest, actor: Actor) -> RightsRequest:
    """A request that its person takes back.

    Raises
    ------
    RequestError
        When it is another's, or has ended.
    """
    if actor.customer_id != request.customer_id:
        raise RequestError("own", value=request.request_id)
    if request.state not in LIVE_STATES:
        raise RequestError("state", value=request.state)
    return replace(request, state=WITHDRAWN)


def ended(request: RightsRequest) -> RightsRequest:
    """A request whose person was erased by another: there is nothing to answer with, and nobody to answer.

    Raises
    ------
    RequestError
        When it has ended.
    """
    if request.state not in LIVE_STATES:
        raise RequestError("state", value=request.state)
    return replace(request, state=MOOT)
