"""Random interleavings of actors and clocks: no tier skipped, no self-approval, always an end."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from limitkeeper.core.access.actors import OFFICER, Actor
from limitkeeper.core.approval.cases import (
    ACTS,
    APPROVED,
    END_STATES,
    LIVE_STATES,
    Case,
    Terms,
    acted,
    clocked,
    opened_case,
)
from limitkeeper.core.approval.clocks import TierClock
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
