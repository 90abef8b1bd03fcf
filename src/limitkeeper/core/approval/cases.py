"""A case: a proposal on its way through the tiers, and what each act makes of it.

States: ``open`` waits on its tier, ``claimed`` has somebody, ``asked`` waits for an answer; ``approved``, ``refused``,
``lapsed`` and ``withdrawn`` are ends. On tier 3 the committee votes, also while a question is open.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

from limitkeeper.core.access.actors import Actor
from limitkeeper.core.approval.clocks import END, ESCALATE, REMIND, Clocks
from limitkeeper.core.approval.mandates import Mandates
from limitkeeper.core.approval.refusals import RefusedError
from limitkeeper.core.approval.tiers import COMMITTEE_TIER, SYSTEM_TIER, TEAM_TIER, TierRule

OPEN, CLAIMED, ASKED = "open", "claimed", "asked"
APPROVED, REFUSED, LAPSED, WITHDRAWN = "approved", "refused", "lapsed", "withdrawn"
LIVE_STATES = (OPEN, CLAIMED, ASKED)
END_STATES = (APPROVED, REFUSED, LAPSED, WITHDRAWN)

FOR, AGAINST = "for", "against"

SEND_BACK = "send_back"
"""The act that is done to a case a few times at most."""


class Vote(NamedTuple):
    """A member's vote, under whose mandate, with his words; a vote against the outcome is a dissent."""

    person_id: str
    holder_id: str
    choice: str
    words: str


@dataclass(frozen=True, slots=True)
class Case:
    """A case as it is.

    Parameters
    ----------
    case_id, action, cut_cents, exposure_cents
        What it is about.
    state, tier
        Where it is.
    required_tier, tier_rules
        The lowest tier that may decide, and which rules say so.
    maker_id
        Who proposed it; ``system`` where a strategy did.
    opened_us, since_us
        When it was opened, and came to its tier.
    clock, due_us
        What its clock does next, and when.
    claimed_by
        Who works on it.
    parties
        Who drew up its campaign or sent it up, and may not decide on it.
    votes, recused
        Of the committee; while a vote stands the case is not sent back.
    outcome
        Why it ended, in a word: who or what decided.
    version
        One more with each act.
    changes
        Of a case of several actions, each with its cut: who decides has a mandate for every one. Empty: its action.
    sent_back
        How often it was sent back already.
    """

    case_id: str
    action: str
    cut_cents: int
    exposure_cents: int
    state: str
    tier: int
    required_tier: int
    tier_rules: tuple[str, ...]
    maker_id: str
    opened_us: int
    since_us: int
    clock: str
    due_us: int
    claimed_by: str | None = None
    parties: frozenset[str] = frozenset()
    votes: tuple[Vote, ...] = ()
    recused: frozenset[str] = frozenset()
    outcome: str | None = None
    version: int = 1
    changes: tuple[tuple[str, int], ...] = ()
    sent_back: int = 0


@dataclass(frozen=True, slots=True)
class Terms:
    """What decides on how a case goes.

    Parameters
    ----------
    mandates
        Who may decide on what.
    clocks
        Of tiers 2 and 3.
    quorum
        Votes that the committee needs.
    send_backs_max
        How often a case is sent back: its clocks begin anew each time.
    tier_rules
        Which tier decides; asked again where a line has moved since its case was opened.
    """

    mandates: Mandates
    clocks: Clocks
    quorum: int = 3
    send_backs_max: int = 2
    tier_rules: tuple[TierRule, ...] = ()


def opened_case(
    case_id: str, action: str, cut_cents: int, exposure_cents: int, tier: int, tier_rules: tuple[str, ...],
    maker_id: str, clocks: Clocks, now_us: int,
) -> Case:  # fmt: skip
    """A case at its beginning: the system approves what is its own, and anything else waits on the second tier.

    Parameters
    ----------
    case_id, action, cut_cents, exposure_cents, maker_id
        What it is about, and who proposed it.
    tier, tier_rules
        The tier that must decide at least, and why.
    clocks, now_us
        Of the tiers; and now.
    """
    if tier == SYSTEM_TIER:
        state, outcome, place = APPROVED, "system", SYSTEM_TIER
        clock, due_us = END, now_us
    else:
        state, outcome, place = OPEN, None, TEAM_TIER
        clock, due_us = clocks[TEAM_TIER].next_due(now_us, None)
    return Case(
        case_id, action, cut_cents, exposure_cents, state, place, tier, tier_rules, maker_id, now_us, now_us,
        clock, due_us, outcome=outcome,
    )  # fmt: skip


def deciders(case: Case, terms: Terms, now_us: int) -> dict[str, str]:
    """Who may decide on a case on its tier, and under whose mandate: no party, and nobody recused.

    A committee is whoever sat on it when the case was opened, so that nobody packs it for a case that he knows; where
    those are fewer than the quorum, as at a lender's beginning, whoever sat when it came up.
    """
    if case.tier != COMMITTEE_TIER:
        return _able(case, terms.mandates, now_us)
    seated = _able(case, terms.mandates.begun_by(case.opened_us), now_us)
    is_enough = len(seated) >= terms.quorum
    return seated if is_enough else _able(case, terms.mandates.begun_by(case.since_us), now_us)


def _able(case: Case, mandates: Mandates, now_us: int) -> dict[str, str]:
    barred, changes = {case.maker_id, *case.parties, *case.recused}, case.changes
    changes = changes or ((case.action, case.cut_cents),)
    return mandates.deciders_of_all(case.tier, changes, case.exposure_cents, now_us, barred)


def acted(case: Case, act: str, actor: Actor, terms: Terms, now_us: int, words: str = "") -> Case:
    """A case after an act.

    Parameters
    ----------
    case
        As it is.
    act
        Of :data:`ACTS`.
    actor
        Whose.
    terms, now_us
        What decides; and now, UTC microseconds.
    words
        What was said; needed where the act decides, asks or answers.

    Raises
    ------
    RefusedError
        When a rule of approval does not allow it, which it names.
    """
    doing, states, needs_words = ACTS[act]
    if case.state not in states:
        raise RefusedError("state", value=f"{act} on a case that is {case.state}")
    if needs_words and not words.strip():
        raise RefusedError("reason", value=act, advice="Say why.")
    return replace(doing(case, actor, terms, now_us, words), version=case.version + 1)


class Offer(NamedTuple):
    """An act that somebody might do, and the rule that keeps him from it; None where none does."""

    act: str
    needs_words: bool
    refusal: RefusedError | None


def offered_acts(case: Case, actor: Actor, terms: Terms, now_us: int) -> tuple[Offer, ...]:
    """Each act that fits the state of a case, tried for somebody: what keeps him is what would refuse him."""
    found = []
    for act, (_, states, needs_words) in ACTS.items():
        if case.state in states:
            try:
                acted(case, act, actor, terms, now_us, words="tried")
                refusal = None
            except RefusedError as error:
                refusal = error
            found.append(Offer(act, needs_words, refusal))
    return tuple(found)


def clocked(case: Case, terms: Terms, now_us: int) -> Case:
    """A live case whose clock has come: reminded, sent up, or ended with a stated outcome.

    A committee whose votes are enough decides at the end of its clock by those; otherwise a case lapses, and
    nothing is done to the limit.
    """
    if case.state not in LIVE_STATES or now_us < case.due_us:
        return case
    clock = terms.clocks[case.tier]
    if case.clock == REMIND:
        stage, due_us = clock.next_due(case.since_us, REMIND)
        found = replace(case, clock=stage, due_us=due_us)
    elif case.clock == ESCALATE and case.tier < COMMITTEE_TIER:
        found = _moved(case, case.tier + 1, terms, now_us)
    else:
        decided = _counted(case, terms, now_us, at_end=True)
        found = decided if decided.state in END_STATES else _ended(case, LAPSED, "clock")
    return replace(found, version=case.version + 1)


def granted_case(case: Case, tier: int, actor: Actor, terms: Terms, now_us: int) -> Case:
    """A case that somebody approves as it is opened: he has answered the appeal that it comes from.

    What an appeal gives back was approved before it was taken, so that on the third tier one who may decide there is
    enough, without a vote.

    Parameters
    ----------
    case
        Just opened.
    tier
        On which the appeal was answered.
    actor, terms, now_us
        Who answered it; what decides; and now.

    Raises
    ------
    RefusedError
        When he may not decide on it, or the policy asks for a higher tier.
    """
    placed = replace(case, tier=tier)
    _is_decider(placed, actor, terms, now_us)
    _is_high_enough(placed)
    return replace(_ended(placed, APPROVED, actor.actor_id), version=case.version + 1)


def withdrawn(case: Case, why: str) -> Case:
    """A case whose proposal is no more; ended ones stay as they are."""
    if case.state not in LIVE_STATES:
        return case
    return replace(_ended(case, WITHDRAWN, why), version=case.version + 1)


def _ended(case: Case, state: str, outcome: str) -> Case:
    return replace(case, state=state, outcome=outcome, clock=END, claimed_by=None)


def _moved(case: Case, tier: int, terms: Terms, now_us: int) -> Case:
    clock, due_us = terms.clocks[tier].next_due(now_us, None)
    moved = replace(case, state=OPEN, tier=tier, since_us=now_us, claimed_by=None)
    return replace(moved, clock=clock, due_us=due_us)


def check_decider(case: Case, actor: Actor, terms: Terms, now_us: int) -> None:
    """Nothing, where somebody might decide on a case like this, were it opened now.

    Raises
    ------
    RefusedError
        When he may not, by the rule that bars him.
    """
    _is_decider(replace(case, opened_us=now_us, since_us=now_us), actor, terms, now_us)


def _is_decider(case: Case, actor: Actor, terms: Terms, now_us: int) -> str:
    """Under whose mandate somebody may decide.

    Raises
    ------
    RefusedError
        When he may not, by the rule that bars him.
    """
    who = actor.actor_id
    if who in case.recused:
        raise RefusedError("recused", value=who)
    if who == case.maker_id or who in case.parties:
        raise RefusedError("four_eyes", value=who, advice="Let somebody else decide.")
    holder = deciders(case, terms, now_us).get(who)
    if holder is None and who in _able(case, terms.mandates, now_us):
        raise RefusedError("seated_since", value=who, advice="Leave it to who sat before.")
    if holder is None:
        raise RefusedError(
            "mandate", value=f"{who}, tier {case.tier}", advice="Send it to somebody whose it is."
        )
    return holder


def _claim(case: Case, actor: Actor, terms: Terms, now_us: int, _words: str) -> Case:
    if case.tier == COMMITTEE_TIER:
        raise RefusedError("committee", value=case.case_id, advice="Vote.")
    _is_decider(case, actor, terms, now_us)
    return replace(case, state=CLAIMED, claimed_by=actor.actor_id)


def _is_claimer(case: Case, actor: Actor) -> None:
    if case.claimed_by != actor.actor_id:
        raise RefusedError("claim", value=f"{actor.actor_id}; claimed by {case.claimed_by}")


def _release(case: Case, actor: Actor, _terms: Terms, _now_us: int, _words: str) -> Case:
    _is_claimer(case, actor)
    return replace(case, state=OPEN, claimed_by=None)


def _comment(case: Case, _actor: Actor, _terms: Terms, _now_us: int, _words: str) -> Case:
    return case


def _ask(case: Case, actor: Actor, terms: Terms, now_us: int, _words: str) -> Case:
    if case.tier == COMMITTEE_TIER:
        _is_decider(case, actor, terms, now_us)
    else:
        _is_claimer(case, actor)
    return replace(case, state=ASKED)


def _answer(case: Case, _actor: Actor, _terms: Terms, _now_us: int, _words: str) -> Case:
    return replace(case, state=CLAIMED if case.claimed_by else OPEN)


def _decide(case: Case, actor: Actor, terms: Terms, now_us: int, state: str) -> Case:
    if case.tier == COMMITTEE_TIER:
        raise RefusedError("committee", value=case.case_id, advice="Vote.")
    _is_claimer(case, actor)
    _is_decider(case, actor, terms, now_us)
    if state == APPROVED:
        _is_high_enough(case)
    return _ended(case, state, actor.actor_id)


def _is_high_enough(case: Case) -> None:
    if case.tier < case.required_tier:
        rules, advice = ", ".join(case.tier_rules), f"Send it up to tier {case.required_tier}."
        raise RefusedError("lowest_tier", value=rules, advice=advice)


def _approve(case: Case, actor: Actor, terms: Terms, now_us: int, _words: str) -> Case:
    return _decide(case, actor, terms, now_us, APPROVED)


def _refuse(case: Case, actor: Actor, terms: Terms, now_us: int, _words: str) -> Case:
    return _decide(case, actor, terms, now_us, REFUSED)


def _send_up(case: Case, actor: Actor, terms: Terms, now_us: int, _words: str) -> Case:
    if case.tier == COMMITTEE_TIER:
        raise RefusedError("highest_tier", value=case.case_id)
    _is_claimer(case, actor)
    # Neither the deputy nor the one whose mandate he argued under decides above.
    above = replace(case, parties=case.parties | {actor.actor_id, _is_decider(case, actor, terms, now_us)})
    return _moved(above, case.tier + 1, terms, now_us)


def _send_back(case: Case, actor: Actor, terms: Terms, now_us: int, _words: str) -> Case:
    if case.tier == TEAM_TIER:
        raise RefusedError("lowest_tier", value=case.case_id)
    if case.votes:  # one member would undo what the others have said
        raise RefusedError("votes_cast", value=case.case_id, advice="Vote.")
    if case.sent_back >= terms.send_backs_max:
        raise RefusedError("sent_back", value=f"{case.sent_back} times", advice="Vote.")
    _is_decider(case, actor, terms, now_us)
    return replace(_moved(case, case.tier - 1, terms, now_us), sent_back=case.sent_back + 1)


def _vote(choice: str) -> "Doing":
    def doing(case: Case, actor: Actor, terms: Terms, now_us: int, words: str) -> Case:
        if case.tier != COMMITTEE_TIER:
            raise RefusedError("state", value=f"a vote on tier {case.tier}", advice="Claim and decide.")
        holder = _is_decider(case, actor, terms, now_us)
        if {actor.actor_id, holder} & {person for vote in case.votes for person in vote[:2]}:
            raise RefusedError("vote_once", value=actor.actor_id)
        voted = replace(case, votes=(*case.votes, Vote(actor.actor_id, holder, choice, words)))
        return _counted(voted, terms, now_us, at_end=False)

    return doing


def _counted(case: Case, terms: Terms, now_us: int, *, at_end: bool) -> Case:
    """The case as its votes decide it: more than half of those who may vote, or at the end of those who did."""
    if case.tier != COMMITTEE_TIER or len(case.votes) < terms.quorum:
        return case
    supporting = sum(vote.choice == FOR for vote in case.votes)
    voters = {vote.person_id for vote in case.votes}
    all_members = len(voters | set(deciders(case, terms, now_us)))
    base = len(case.votes) if at_end else all_members
    if 2 * supporting > base:
        return _ended(case, APPROVED, "committee")
    # What cannot reach more than half any more is refused: a tie refuses.
    if 2 * (supporting + base - len(case.votes)) <= base:
        return _ended(case, REFUSED, "committee")
    return case


def _recuse(case: Case, actor: Actor, terms: Terms, now_us: int, _words: str) -> Case:
    _is_decider(case, actor, terms, now_us)
    own = actor.actor_id
    left = replace(
        case,
        recused=case.recused | {own},
        votes=tuple(vote for vote in case.votes if own not in vote[:2]),
        state=OPEN if case.claimed_by == own else case.state,
        claimed_by=None if case.claimed_by == own else case.claimed_by,
    )
    return _counted(left, terms, now_us, at_end=False)


Doing = Callable[[Case, Actor, Terms, int, str], Case]

ACTS: dict[str, tuple[Doing, tuple[str, ...], bool]] = {
    "claim": (_claim, (OPEN,), False),
    "release": (_release, (CLAIMED, ASKED), False),
    "comment": (_comment, LIVE_STATES, True),
    "ask": (_ask, (OPEN, CLAIMED), True),
    "answer": (_answer, (ASKED,), True),
    "approve": (_approve, (CLAIMED,), True),
    "refuse": (_refuse, (CLAIMED,), True),
    "send_up": (_send_up, (CLAIMED,), True),
    SEND_BACK: (_send_back, (OPEN,), True),
    # A question keeps nobody from voting: one member would keep all of them from it by asking again and again.
    "vote_for": (_vote(FOR), (OPEN, ASKED), True),
    "vote_against": (_vote(AGAINST), (OPEN, ASKED), True),
    "recuse": (_recuse, LIVE_STATES, False),
}
"""Each act: what it does, in which states, and whether it needs words."""
