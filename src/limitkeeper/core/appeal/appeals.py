"""An appeal: what a customer holds against a decision, on its way to an answer, and what each act makes of it.

States: ``submitted`` waits on its tier, ``in_review`` has somebody, ``asked`` waits for the customer; ``upheld``,
``partly_granted``, ``granted`` and ``withdrawn`` are answers. An answer that left something is appealed against once
more, on the third tier. Who had a part in the decision, or in an earlier answer, answers no appeal against it.
"""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, replace

from limitkeeper.core.access.actors import Actor
from limitkeeper.core.approval.clocks import END, ESCALATE, REMIND
from limitkeeper.core.approval.mandates import Mandates
from limitkeeper.core.approval.refusals import RefusedError
from limitkeeper.core.approval.tiers import COMMITTEE_TIER, TEAM_TIER
from limitkeeper.core.kernel.instants import day_end_us
from limitkeeper.core.limits.ledger import RESTORE

SUBMITTED, IN_REVIEW, ASKED = "submitted", "in_review", "asked"
UPHELD, PARTLY_GRANTED, GRANTED, WITHDRAWN = "upheld", "partly_granted", "granted", "withdrawn"
LIVE_STATES = (SUBMITTED, IN_REVIEW, ASKED)
END_STATES = (UPHELD, PARTLY_GRANTED, GRANTED, WITHDRAWN)
GRANTING = (PARTLY_GRANTED, GRANTED)

REPLY = "reply"
"""The stage of the clock at which the customer's time to answer is over."""

BY_FACTS, BY_CLOCK, BY_CUSTOMER = "facts", "clock", "customer"
"""What an answer comes from where no person gave it."""

FIRST, SECOND = 1, 2
"""The instances."""

ASKS_MAX = 3
"""Times that a customer is asked for more in one instance: each one puts his answer off."""


@dataclass(frozen=True, slots=True)
class AppealClock:
    """How long each part of an appeal may take, microseconds.

    Parameters
    ----------
    remind_us, escalate_us, answer_us
        From its coming in: those who answer are reminded; it goes up to the third tier; it is answered at the latest.
    reply_us
        Of a customer who is asked for more, to the end of the day where he is; the other three wait for so long.
    again_us
        From an answer, to appeal against it.
    """

    remind_us: int
    escalate_us: int
    answer_us: int
    reply_us: int
    again_us: int


@dataclass(frozen=True, slots=True)
class AppealTerms:
    """What decides on how an appeal goes: who may answer, how long it may take, and where its customer's days end.

    What he is told now goes out at ``out_us``, from when his days count; where that is earlier, they count from now.
    """

    mandates: Mandates
    clock: AppealClock
    zone: dt.tzinfo = dt.UTC
    out_us: int = 0

    def customers_end_us(self, now_us: int, given_us: int) -> int:
        """Until when a customer has so long who is told so now: to the end of the day that he is told."""
        return day_end_us(max(now_us, self.out_us) + given_us, self.zone)


@dataclass(frozen=True, slots=True)
class Appeal:
    """An appeal as it is.

    Parameters
    ----------
    appeal_id
        Which.
    cut_cents, exposure_cents
        Of the decision that it is against, minor units: what a mandate must cover to give it back.
    state, tier, instance
        Where it is.
    opened_us
        When it came in, in this instance.
    answer_until_us
        The date by which an answer was promised; it moves by the time that the customer took when he was asked.
    clock, due_us
        What its clock does next, and when.
    parties
        Who may not answer it.
    claimed_by
        Who works on it.
    asks, asked_us, paused
        How often the customer was asked in this instance; since when he is, and what the clock was to do before.
    outcome
        Who or what answered.
    again_until_us
        Until when it may be brought once more; None where it may not.
    version
        One more with each act.
    """

    appeal_id: str
    cut_cents: int
    exposure_cents: int
    state: str
    tier: int
    instance: int
    opened_us: int
    answer_until_us: int
    clock: str
    due_us: int
    parties: frozenset[str]
    claimed_by: str | None = None
    asks: int = 0
    asked_us: int | None = None
    paused: str | None = None
    outcome: str | None = None
    again_until_us: int | None = None
    version: int = 1

    @property
    def is_provisional(self) -> bool:
        """Whether it was granted because nobody answered in time, and not because anybody found it right."""
        return self.state == GRANTED and self.outcome == BY_CLOCK


def submitted_appeal(
    appeal_id: str, cut_cents: int, exposure_cents: int, parties: frozenset[str], clock: AppealClock, now_us: int
) -> Appeal:  # fmt: skip
    """An appeal as it comes in: it waits on the second tier.

    Parameters
    ----------
    appeal_id, cut_cents, exposure_cents
        Which, and of what decision.
    parties
        Who had a part in that decision, those under whose mandate they acted, and the customer.
    clock, now_us
        Of appeals; and now.
    """
    waiting = Appeal(
        appeal_id,
        cut_cents,
        exposure_cents,
        SUBMITTED,
        TEAM_TIER,
        FIRST,
        now_us,
        now_us,
        REMIND,
        now_us,
        parties,
    )
    return _begun(waiting, clock, now_us)


def reviewers(appeal: Appeal, terms: AppealTerms, now_us: int) -> dict[str, str]:
    """Who may answer an appeal on its tier, and under whose mandate: nobody who had a part in what it is about."""
    return _able(appeal, terms, now_us, appeal.parties)


def _able(
    appeal: Appeal, terms: AppealTerms, now_us: int, parties: frozenset[str] = frozenset()
) -> dict[str, str]:
    return terms.mandates.deciders(
        appeal.tier, RESTORE, appeal.cut_cents, appeal.exposure_cents, now_us, parties
    )


def acted(appeal: Appeal, act: str, actor: Actor, terms: AppealTerms, now_us: int, words: str = "") -> Appeal:
    """An appeal after an act.

    Parameters
    ----------
    appeal
        As it is.
    act
        Of :data:`ACTS`.
    actor
        Whose. Whether he is the customer, or may answer appeals at all, is asked of the matrix of rights before.
    terms, now_us
        What decides; and now, UTC microseconds.
    words
        What was said; needed where the act answers, asks, or brings it once more.

    Raises
    ------
    RefusedError
        When a rule does not allow it, which it names.
    """
    doing, states, needs_words = ACTS[act]
    if appeal.state not in states:
        raise RefusedError("appeal_state", value=f"{act} on an appeal that is {appeal.state}")
    if needs_words and not words.strip():
        raise RefusedError("reason", value=act, advice="Say why.")
    return replace(doing(appeal, actor, terms, now_us), version=appeal.version + 1)


def clocked(appeal: Appeal, terms: AppealTerms, now_us: int) -> Appeal:
    """A live appeal whose clock has come: reminded, sent up, no longer waiting for the customer, or answered.

    Nobody's silence is an answer against the customer: an appeal that no tier answered by the promised date is granted
    provisionally. One whom the customer left without what he was asked for is answered on what is there.
    """
    if appeal.state not in LIVE_STATES or now_us < appeal.due_us:
        return appeal
    if appeal.clock == REPLY:
        found = _resumed(appeal, terms, now_us)
    elif appeal.clock == REMIND:
        stage = ESCALATE if appeal.tier < COMMITTEE_TIER else END
        found = replace(appeal, clock=stage, due_us=_stage_us(appeal, stage, terms.clock))
    elif appeal.clock == ESCALATE:
        found = _sent_up(appeal, appeal.claimed_by, terms)
    else:
        found = _answered(appeal, GRANTED, BY_CLOCK, terms, now_us)
    return replace(found, version=appeal.version + 1)


def settled_by_facts(appeal: Appeal, terms: AppealTerms, now_us: int) -> Appeal:
    """A live appeal, granted because the decision does not hold on the facts as they are known now."""
    if appeal.state not in LIVE_STATES:
        return appeal
    return replace(_answered(appeal, GRANTED, BY_FACTS, terms, now_us), version=appeal.version + 1)


def _begun(appeal: Appeal, clock: AppealClock, now_us: int) -> Appeal:
    begun = replace(appeal, opened_us=now_us, answer_until_us=now_us + clock.answer_us, clock=REMIND)
    return replace(begun, due_us=_stage_us(begun, REMIND, clock))


def _stage_us(appeal: Appeal, stage: str, clock: AppealClock) -> int:
    """When a stage comes: as far before the promised date as the clock has it."""
    before = {REMIND: clock.answer_us - clock.remind_us, ESCALATE: clock.answer_us - clock.escalate_us}
    return appeal.answer_until_us - before.get(stage, 0)


def _answered(appeal: Appeal, state: str, by: str, terms: AppealTerms, now_us: int) -> Appeal:
    may_again = state in (UPHELD, PARTLY_GRANTED) and appeal.instance == FIRST
    return replace(
        appeal,
        state=state,
        outcome=by,
        clock=END,
        claimed_by=None,
        paused=None,
        asked_us=None,
        again_until_us=terms.customers_end_us(now_us, terms.clock.again_us) if may_again else None,
    )


def _holder(appeal: Appeal, actor: Actor, terms: AppealTerms, now_us: int) -> str:
    """Under whose mandate somebody may answer.

    Raises
    ------
    RefusedError
        When he may not, by the rule that bars him.
    """
    who = actor.actor_id
    if {who, actor.customer_id} & appeal.parties:
        raise RefusedError("appeal_party", value=who, advice="Let somebody else answer.")
    holder = reviewers(appeal, terms, now_us).get(who)
    if holder is not None:
        return holder
    if stands_in_for := _able(appeal, terms, now_us).get(who):
        raise RefusedError(
            "appeal_party", value=f"{who}, for {stands_in_for}", advice="Let somebody else answer."
        )
    raise RefusedError("mandate", value=f"{who}, tier {appeal.tier}", advice="Leave it to whose it is.")


def _is_claimer(appeal: Appeal, actor: Actor) -> None:
    if appeal.claimed_by != actor.actor_id:
        raise RefusedError("appeal_claim", value=f"{actor.actor_id}; claimed by {appeal.claimed_by}")


def _claim(appeal: Appeal, actor: Actor, terms: AppealTerms, now_us: int) -> Appeal:
    _holder(appeal, actor, terms, now_us)
    return replace(appeal, state=IN_REVIEW, claimed_by=actor.actor_id)


def _release(appeal: Appeal, actor: Actor, _terms: AppealTerms, _now_us: int) -> Appeal:
    _is_claimer(appeal, actor)
    return replace(
        appeal, state=SUBMITTED if appeal.state == IN_REVIEW else appeal.state, claimed_by=None
    )  # fmt: skip


def _ask(appeal: Appeal, actor: Actor, terms: AppealTerms, now_us: int) -> Appeal:
    _is_claimer(appeal, actor)
    if appeal.asks >= ASKS_MAX:
        raise RefusedError("appeal_asks", value=appeal.asks, advice="Answer on what is there.")
    return replace(
        appeal, state=ASKED, asks=appeal.asks + 1, asked_us=now_us, paused=appeal.clock, clock=REPLY,
        due_us=terms.customers_end_us(now_us, terms.clock.reply_us),
    )  # fmt: skip


def _resumed(appeal: Appeal, terms: AppealTerms, now_us: int) -> Appeal:
    """An appeal that waits for the customer no longer: its clock goes on where it stood."""
    assert appeal.asked_us is not None
    assert appeal.paused is not None
    # The promise moves by no more than the time that he was given, however late this is noticed.
    waited = max(min(now_us, appeal.due_us) - appeal.asked_us, 0)
    moved = replace(
        appeal, state=IN_REVIEW if appeal.claimed_by else SUBMITTED, clock=appeal.paused, paused=None, asked_us=None,
        answer_until_us=appeal.answer_until_us + waited,
    )  # fmt: skip
    return replace(moved, due_us=_stage_us(moved, moved.clock, terms.clock))


def _answer(appeal: Appeal, _actor: Actor, terms: AppealTerms, now_us: int) -> Appeal:
    return _resumed(appeal, terms, now_us)


def _sent_up(appeal: Appeal, by: str | None, terms: AppealTerms) -> Appeal:
    above = replace(
        appeal, state=SUBMITTED, tier=COMMITTEE_TIER, clock=END, claimed_by=None,
        parties=appeal.parties | ({by} if by else set()),
    )  # fmt: skip
    return replace(above, due_us=_stage_us(above, END, terms.clock))


def _send_up(appeal: Appeal, actor: Actor, terms: AppealTerms, _now_us: int) -> Appeal:
    if appeal.tier == COMMITTEE_TIER:
        raise RefusedError("highest_tier", value=appeal.appeal_id)
    _is_claimer(appeal, actor)
    return _sent_up(appeal, actor.actor_id, terms)


def _decide(state: str) -> "Doing":
    def doing(appeal: Appeal, actor: Actor, terms: AppealTerms, now_us: int) -> Appeal:
        _is_claimer(appeal, actor)
        holder = _holder(appeal, actor, terms, now_us)
        answered = _answered(appeal, state, actor.actor_id, terms, now_us)
        return replace(answered, parties=appeal.parties | {actor.actor_id, holder})

    return doing


def _withdraw(appeal: Appeal, _actor: Actor, terms: AppealTerms, now_us: int) -> Appeal:
    return _answered(appeal, WITHDRAWN, BY_CUSTOMER, terms, now_us)


def _again(appeal: Appeal, _actor: Actor, terms: AppealTerms, now_us: int) -> Appeal:
    if appeal.again_until_us is None:
        raise RefusedError("appeal_final", value=f"instance {appeal.instance}, {appeal.state}")
    if now_us > appeal.again_until_us:
        raise RefusedError("appeal_window", value=now_us)
    above = replace(
        appeal,
        state=SUBMITTED,
        tier=COMMITTEE_TIER,
        instance=SECOND,
        asks=0,
        outcome=None,
        again_until_us=None,
    )
    return _begun(above, terms.clock, now_us)


Doing = Callable[[Appeal, Actor, AppealTerms, int], Appeal]

ACTS: dict[str, tuple[Doing, tuple[str, ...], bool]] = {
    "claim": (_claim, (SUBMITTED,), False),
    "release": (_release, (IN_REVIEW, ASKED), False),
    "ask": (_ask, (IN_REVIEW,), True),
    "answer": (_answer, (ASKED,), True),
    "send_up": (_send_up, (IN_REVIEW,), True),
    "uphold": (_decide(UPHELD), (IN_REVIEW,), True),
    "grant_partly": (_decide(PARTLY_GRANTED), (IN_REVIEW,), True),
    "grant": (_decide(GRANTED), (IN_REVIEW,), True),
    "withdraw": (_withdraw, LIVE_STATES, False),
    "again": (_again, (UPHELD, PARTLY_GRANTED), True),
}
"""Each act: what it does, in which states, and whether it needs words."""

CUSTOMER_ACTS = ("answer", "withdraw", "again")
"""These are the customer's; the others are of those who answer him."""
