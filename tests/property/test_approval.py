"""Random interleavings of actors and clocks: no tier skipped, no self-approval, always an end."""

import random

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from limitkeeper.core.access.actors import OFFICER, Actor
from limitkeeper.core.approval.cases import (
    ACTS,
    APPROVED,
    ASKED,
    CLAIMED,
    END_STATES,
    LAPSED,
    LIVE_STATES,
    REFUSED,
    Case,
    Terms,
    acted,
    clocked,
    opened_case,
)
from limitkeeper.core.approval.clocks import REMIND, TierClock
from limitkeeper.core.approval.mandates import Absence, Mandate, Mandates
from limitkeeper.core.approval.refusals import RefusedError
from limitkeeper.core.behaviour.events import HOUR_US

PEOPLE = ["ann", "bob", "cem", "dai", "eva", "fay"]
CLOCKS = {2: TierClock(4, 24, 72), 3: TierClock(24, None, 120)}


class Approval(RuleBasedStateMachine):
    """One case, six people with random mandates and absences, and time that passes."""

    @initialize(
        tier=st.integers(1, 3),
        maker=st.sampled_from(["system", *PEOPLE]),
        second=st.sets(st.sampled_from(PEOPLE)),
        third=st.sets(st.sampled_from(PEOPLE)),
        absent=st.dictionaries(st.sampled_from(PEOPLE), st.sampled_from(PEOPLE), max_size=2),
        quorum=st.integers(1, 4),
    )
    def begin(
        self, tier: int, maker: str, second: set[str], third: set[str], absent: dict[str, str], quorum: int
    ) -> None:
        mandates = [Mandate(each, 2) for each in sorted(second)] + [
            Mandate(each, 3) for each in sorted(third)
        ]
        absences = tuple(Absence(person, deputy, 0) for person, deputy in absent.items() if person != deputy)
        self.terms = Terms(Mandates(tuple(mandates), absences), CLOCKS, quorum)
        self.now_us = 0
        self.case: Case = opened_case("c", "decrease", 5, 10, tier, (), maker, CLOCKS, 0)
        self.history = [self.case]
        self.acts: list[tuple[str, str, int]] = []

    @rule(person=st.sampled_from(PEOPLE), act=st.sampled_from(sorted(ACTS)))
    def act(self, person: str, act: str) -> None:
        before = self.case
        try:
            self.case = acted(
                before, act, Actor(person, frozenset({OFFICER})), self.terms, self.now_us, "words"
            )
        except RefusedError:
            assert self.case == before
            return
        self.acts.append((person, act, before.tier))
        self.history.append(self.case)

    @rule(hours=st.integers(1, 60))
    def time_passes(self, hours: int) -> None:
        self.now_us += hours * HOUR_US
        before = self.case
        self.case = clocked(before, self.terms, self.now_us)
        if self.case != before:
            self.history.append(self.case)

    @invariant()
    def tiers_are_climbed_one_by_one(self) -> None:
        steps = [(one.tier, other.tier) for one, other in zip(self.history, self.history[1:], strict=False)]
        assert all(abs(one - other) <= 1 for one, other in steps)

    @invariant()
    def nothing_is_approved_below_its_tier_or_by_its_maker(self) -> None:
        if self.case.state == APPROVED:
            assert self.case.tier >= self.case.required_tier
            assert self.case.outcome != self.case.maker_id or self.case.outcome == "system"
            assert all(vote.person_id != self.case.maker_id for vote in self.case.votes)
            assert self.case.outcome not in self.case.parties

    @invariant()
    def what_has_ended_stays_and_says_why(self) -> None:
        ends = [each for each in self.history if each.state in END_STATES]
        assert len(ends) <= 1
        assert all(each.outcome for each in ends)

    @invariant()
    def versions_rise_by_one(self) -> None:
        versions = [each.version for each in self.history]
        assert versions == list(range(1, len(versions) + 1))

    def teardown(self) -> None:
        """A case that nobody touches any more comes to an end."""
        for _ in range(6):
            self.now_us += 200 * HOUR_US
            self.case = clocked(self.case, self.terms, self.now_us)
        assert self.case.state not in LIVE_STATES


TestApproval = Approval.TestCase
TestApproval.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)


LIVES = 2_500
"""Of one case each: Hypothesis likes the same few acts again and again; what is rare needs many lives."""

HOURS = (0, 1, 3, 4, 5, 23, 24, 25, 47, 48, 71, 72, 73, 96, 119, 120, 121)
"""Around every stage of the clocks."""


class Life:
    """One case by chance, each act held against what the rules say in words, by no code of theirs."""

    def __init__(self, seed: int) -> None:
        self.chance = chance = random.Random(seed)  # noqa: S311 - no secret
        some = [chance.sample(PEOPLE, chance.randint(1, len(PEOPLE))) for _ in range(2)]
        self.seats = {2: set(some[0]), 3: set(some[1])}
        away = chance.sample(PEOPLE, chance.randint(0, 2))
        self.deputies = {each: chance.choice([one for one in PEOPLE if one != each]) for each in away}
        given = [Mandate(each, tier) for tier, people in self.seats.items() for each in sorted(people)]
        absences = tuple(Absence(person, deputy, 0) for person, deputy in self.deputies.items())
        self.terms = Terms(Mandates(tuple(given), absences), CLOCKS, chance.randint(1, 4))
        self.now_us = 0
        maker = chance.choice(["system", *PEOPLE])
        self.case = opened_case("c", "decrease", 5, 10, chance.randint(2, 3), (), maker, CLOCKS, 0)

    def stand_ins(self, person: str, tier: int) -> set[str]:
        """Those for whom somebody may decide on a tier: himself where he is not away, and those whose deputy he is."""
        own = {person} - set(self.deputies)
        return self.seats[tier] & (own | {each for each, deputy in self.deputies.items() if deputy == person})

    def may_decide(self, case: Case, person: str) -> bool:
        """Whether somebody may decide on a case: he has a mandate, or stands in, and had no part in it."""
        barred = {case.maker_id, *case.parties, *case.recused}
        return person not in barred and bool(self.stand_ins(person, case.tier) - barred)

    def step(self) -> None:
        """An act by chance of what the case's state allows, or any, or time."""
        before, now = self.case, self.chance
        if now.random() < 0.25:
            self.now_us = self.at_stage() if now.random() < 0.6 else self.now_us + now.choice(HOURS) * HOUR_US
            self.case = clocked(before, self.terms, self.now_us)
            if self.case != before:
                self.check_clock(before, self.case)
            return
        fitting = [act for act, (_, states, _) in ACTS.items() if before.state in states]
        act = now.choice(fitting if now.random() < 0.9 else sorted(ACTS))
        person = before.claimed_by if before.claimed_by and now.random() < 0.6 else now.choice(PEOPLE)
        words = "" if now.random() < 0.05 else "words"
        try:
            self.case = acted(
                before, act, Actor(person, frozenset({OFFICER})), self.terms, self.now_us, words
            )
        except RefusedError:
            return
        self.check_act(before, self.case, person, act, words)

    def at_stage(self) -> int:
        """A moment at, just before or just after what the clock does next."""
        return max(self.now_us, self.case.due_us + self.chance.choice([-1, 0, 1]))

    def check_act(self, before: Case, after: Case, person: str, act: str, words: str) -> None:
        """What any act may lead to."""
        assert before.state in LIVE_STATES
        assert after.version == before.version + 1
        assert words or act in ("claim", "release", "recuse")
        assert after.tier - before.tier == {"send_up": 1, "send_back": -1}.get(act, 0)
        assert before.parties | before.recused <= after.parties | after.recused
        if act == "send_back":
            assert (before.votes, after.parties) == ((), before.parties)
        if act == "send_up":
            assert person in after.parties
        if act in ("send_up", "send_back"):
            assert (after.votes, after.claimed_by, after.since_us) == ((), None, self.now_us)
        if act in ("claim", "approve", "refuse", "send_back", "vote_for", "vote_against", "recuse"):
            assert self.may_decide(before, person)
        if act in ("approve", "refuse", "release", "send_up"):
            assert before.claimed_by == person
        if act == "answer":
            assert (before.state, after.state == CLAIMED) == (ASKED, before.claimed_by is not None)
        if act == "recuse":
            assert not any(person in vote[:2] for vote in after.votes)
        if after.state in END_STATES:
            self.check_end(before, after, person, act)

    def check_end(self, before: Case, after: Case, person: str, act: str) -> None:
        """How an act may end a case: by one who may on the second tier, by votes on the third."""
        if before.tier == 2:
            assert (act, after.state) in (("approve", APPROVED), ("refuse", REFUSED))
            assert after.outcome == person
        else:
            members = {each for each in PEOPLE if self.may_decide(after, each)}
            members |= {vote.person_id for vote in after.votes}
            supporting = sum(vote.choice == "for" for vote in after.votes)
            against = len(after.votes) - supporting
            assert after.outcome == "committee"
            assert len(after.votes) >= self.terms.quorum
            assert (
                (2 * supporting > len(members)) if after.state == APPROVED else (2 * against >= len(members))
            )
            given = [name for vote in after.votes for name in {vote.person_id, vote.holder_id}]
            assert len(given) == len(set(given))
        assert after.state != APPROVED or before.tier >= after.required_tier

    def check_clock(self, before: Case, after: Case) -> None:
        """What time may lead to: nothing before its stage; a reminder, the next tier, an end that says why."""
        lain = (self.now_us - before.since_us) / HOUR_US
        clock = CLOCKS[before.tier]
        assert after.version == before.version + 1
        assert self.now_us >= before.due_us
        if before.clock == REMIND:
            assert lain >= clock.remind_hours
            assert (after.state, after.tier, after.votes) == (before.state, before.tier, before.votes)
        elif before.tier == 2:
            assert lain >= (clock.escalate_hours or 0)
            assert (after.tier, after.state, after.claimed_by, after.since_us) == (
                3,
                "open",
                None,
                self.now_us,
            )
        else:
            assert lain >= clock.end_hours
            supporting = sum(vote.choice == "for" for vote in before.votes)
            if len(before.votes) < self.terms.quorum:
                assert (after.state, after.outcome) == (LAPSED, "clock")
            else:
                wins = 2 * supporting > len(before.votes)
                assert (after.state, after.outcome) == (APPROVED if wins else REFUSED, "committee")


def test_every_rule_of_approval_holds_through_many_lives_by_chance() -> None:
    ends: dict[tuple[str, str], int] = {}
    for seed in range(LIVES):
        life = Life(seed)
        for _ in range(30):
            if life.case.state in LIVE_STATES:
                life.step()
        for _ in range(6):  # left alone
            life.now_us = max(life.now_us, life.case.due_us)
            before, life.case = life.case, clocked(life.case, life.terms, life.now_us)
            if life.case != before:
                life.check_clock(before, life.case)
        assert life.case.state in END_STATES
        assert life.case.outcome
        how = life.case.outcome if life.case.outcome in ("clock", "committee") else "person"
        ends[life.case.state, how] = ends.get((life.case.state, how), 0) + 1
    rare = {key: count for key, count in ends.items() if count < LIVES // 100}
    assert (len(ends), rare) == (5, {})  # approved and refused by a person and by votes, lapsed by the clock
