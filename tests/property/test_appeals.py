"""Random interleavings of reviewers, customer, facts and time: nobody judges himself, each is answered."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from limitkeeper.core.access.actors import CUSTOMER, OFFICER, Actor
from limitkeeper.core.appeal.appeals import (
    ACTS,
    ASKS_MAX,
    CUSTOMER_ACTS,
    END_STATES,
    GRANTED,
    LIVE_STATES,
    Appeal,
    AppealClock,
    AppealTerms,
    acted,
    clocked,
    settled_by_facts,
    submitted_appeal,
)
from limitkeeper.core.approval.mandates import Absence, Mandate, Mandates
from limitkeeper.core.approval.refusals import RefusedError
from limitkeeper.core.behaviour.events import DAY_US

PEOPLE = ["ann", "bob", "cem", "dai", "eva"]
CLOCK = AppealClock(3 * DAY_US, 8 * DAY_US, 15 * DAY_US, 7 * DAY_US, 30 * DAY_US)
KIM = Actor("kim", frozenset({CUSTOMER}), "c-1")


class Appeals(RuleBasedStateMachine):
    """One appeal, five people with random mandates and absences of whom some made the decision, and time."""

    @initialize(
        made_it=st.sets(st.sampled_from(PEOPLE), max_size=3),
        second=st.sets(st.sampled_from([*PEOPLE, "kim"])),
        third=st.sets(st.sampled_from(PEOPLE)),
        absent=st.dictionaries(st.sampled_from(PEOPLE), st.sampled_from(PEOPLE), max_size=2),
    )
    def begin(self, made_it: set[str], second: set[str], third: set[str], absent: dict[str, str]) -> None:
        given = [Mandate(each, 2) for each in sorted(second)] + [Mandate(each, 3) for each in sorted(third)]
        self.absences = {person: deputy for person, deputy in absent.items() if person != deputy}
        away = tuple(Absence(person, deputy, 0) for person, deputy in self.absences.items())
        self.terms = AppealTerms(Mandates(tuple(given), away), CLOCK)
        self.made_it, self.now_us = made_it, 0
        self.appeal: Appeal = submitted_appeal("a", 5, 10, frozenset({*made_it, "c-1", "kim"}), CLOCK, 0)
        self.history = [self.appeal]
        self.answers: list[tuple[str, str]] = []
        self.waited_us = 0

    def _move(self, after: Appeal) -> None:
        if after != self.appeal:
            self.appeal = after
            self.history.append(after)

    @rule(
        person=st.sampled_from([*PEOPLE, "kim"]), act=st.sampled_from(sorted(set(ACTS) - set(CUSTOMER_ACTS)))
    )
    def staff_acts(self, person: str, act: str) -> None:
        before = self.appeal
        try:
            after = acted(before, act, Actor(person, frozenset({OFFICER})), self.terms, self.now_us, "words")
        except RefusedError:
            return
        if act in ("uphold", "grant", "grant_partly"):
            self.answers.append((person, act))
        self._move(after)

    @rule(act=st.sampled_from(CUSTOMER_ACTS))
    def customer_acts(self, act: str) -> None:
        try:
            self._move(acted(self.appeal, act, KIM, self.terms, self.now_us, "words"))
        except RefusedError:
            return

    @rule(hours=st.integers(1, 24 * 12))
    def time_passes(self, hours: int) -> None:
        self.now_us += hours * DAY_US // 24
        self._move(clocked(self.appeal, self.terms, self.now_us))

    @rule()
    def facts_settle_it(self) -> None:
        if self.now_us > 40 * DAY_US:
            self._move(settled_by_facts(self.appeal, self.terms, self.now_us))

    @invariant()
    def nobody_answers_what_he_had_a_part_in(self) -> None:
        answered = [person for person, _ in self.answers]
        assert not set(answered) & {*self.made_it, "kim"}
        assert len(set(answered)) == len(answered) <= 2  # two instances, two people
        for person in answered:
            stood_in_for = {away for away, deputy in self.absences.items() if deputy == person}
            own = any(each.person_id == person for each in self.terms.mandates.mandates)
            assert own or stood_in_for - self.made_it

    @invariant()
    def second_instance_is_on_the_third_tier(self) -> None:
        assert all(each.tier == 3 for each in self.history if each.instance == 2)

    @invariant()
    def tier_only_rises_and_versions_rise_by_one(self) -> None:
        tiers = [each.tier for each in self.history]
        assert tiers == sorted(tiers)
        assert [each.version for each in self.history] == list(range(1, len(self.history) + 1))

    @invariant()
    def each_end_says_who_answered(self) -> None:
        ends = [each for each in self.history if each.state in END_STATES]
        assert all(each.outcome for each in ends)
        assert all(each.again_until_us is None for each in ends if each.instance == 2)
        assert sum(each.state == GRANTED for each in self.history) <= 1
        if self.appeal.state == GRANTED:
            assert self.history[-1] is self.appeal

    @invariant()
    def promise_moves_by_no_more_than_the_customer_was_given(self) -> None:
        latest = self.appeal.opened_us + CLOCK.answer_us + ASKS_MAX * CLOCK.reply_us
        assert self.appeal.answer_until_us <= latest
        assert self.appeal.due_us <= latest + CLOCK.reply_us

    def teardown(self) -> None:
        """An appeal that nobody touches any more is answered."""
        for _ in range(6):
            self.now_us += 60 * DAY_US
            self.appeal = clocked(self.appeal, self.terms, self.now_us)
        assert self.appeal.state not in LIVE_STATES


TestAppeals = Appeals.TestCase
TestAppeals.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)
