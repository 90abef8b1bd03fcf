"""What a person asks for as his right, from its coming in to its answer; its clock, and who may answer.

States: ``received`` waits until it is known who asks, ``verified`` waits for its answer; ``done``, ``refused`` and
``withdrawn`` are ends. A refusal states its reason.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from limitkeeper.core.access.actors import Actor
from limitkeeper.core.kernel.errors import RuleError

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

RECEIVED, VERIFIED, DONE, REFUSED, WITHDRAWN = "received", "verified", "done", "refused", "withdrawn"
LIVE_STATES, END_STATES = (RECEIVED, VERIFIED), (DONE, REFUSED, WITHDRAWN)

COPIED = (ACCESS, COPY)
"""Kinds that a copy answers."""

BY_LOGIN = "login"
"""Who verified a request that came by the person's own login."""

REQUEST_RULES = {
    "state": ("This cannot be done with a request in its state.", "该请求当前状态不允许此操作。"),
    "identity": ("It is not known yet who asks.", "尚未核验请求人身份。"),
    "words": ("A check of identity and a refusal state their words.", "身份核验和拒绝须说明依据。"),
    "own": ("A person withdraws his own request only.", "只能撤回本人的请求。"),
    "kind": ("A request of this kind is not answered so.", "该类请求不能以此方式答复。"),
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
        Its clock, UTC microseconds.
    state
        Of :data:`LIVE_STATES` or :data:`END_STATES`.
    verified_by
        Who knows that it is he who asks: a person, or :data:`BY_LOGIN`.
    """

    request_id: str
    kind: str
    customer_id: str
    received_us: int
    answer_until_us: int
    state: str = RECEIVED
    verified_by: str | None = None

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


def answered(request: RightsRequest, *, is_done: bool, words: str) -> RightsRequest:
    """A request that is done, or refused for a reason.

    Raises
    ------
    RequestError
        When it is not known who asks, it has ended, or a refusal gives no reason.
    """
    if request.state == RECEIVED:
        raise RequestError("identity", value=request.request_id, advice="Verify it first.")
    if request.state != VERIFIED:
        raise RequestError("state", value=request.state)
    if not is_done and not words.strip():
        raise RequestError("words")
    return replace(request, state=DONE if is_done else REFUSED)


def answered_in_words(request: RightsRequest, *, is_done: bool, words: str) -> RightsRequest:
    """A request that is answered by somebody who says so; a copy and an erasure are done, not said to be.

    Raises
    ------
    RequestError
        When it is answered by a copy or an erasure alone, or as of :func:`answered`.
    """
    if is_done and request.kind in (*COPIED, ERASE):
        raise RequestError(
            "kind", value=request.kind, advice="Give the copy or erase, or refuse with a reason."
        )
    return answered(request, is_done=is_done, words=words)


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
        return answered(request, is_done=True, words="")
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
