"""Random interleavings of reviewers, customer, facts and time: nobody judges himself, each is answered."""

import contextlib
import tempfile

import sqlalchemy as sa
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from limitkeeper.app.appeal_clocks import run_appeals
from limitkeeper.core.access.actors import CUSTOMER, OFFICER, Actor
from limitkeeper.core.access.chain import first_break
from limitkeeper.core.access.rights import ForbiddenError
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
from limitkeeper.store.appeal_tables import appeal_acts
from limitkeeper.store.audit_tables import audit_events
from limitkeeper.store.case_tables import cases
from limitkeeper.store.sql import Store
from tests.appealed_decisions import (
    DESK,
    NOW_US,
    act,
    appeal_row,
    decided,
    in_effect,
    ledger_line,
    staffed,
    submitted,
)

PEOPLE = ["ann", "bob", "cem", "dai", "eva"]
CLOCK = AppealClock(3 * DAY_US, 8 * DAY_US, 15 * DAY_US, 7 * DAY_US, 30 * DAY_US)
PUT_RIGHT = {"bills_12": 8.0, "late_share_6": 0.0, "on_time_streak": 8.0}
CUSTOMER_ONE = Actor("kim", frozenset({CUSTOMER}), "c-1")


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
            self._move(acted(self.appeal, act, CUSTOMER_ONE, self.terms, self.now_us, "words"))
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


class StoredAppeals(RuleBasedStateMachine):
    """Appeals against one cut in a real store: what was taken is given back once, or not at all."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.store = Store(f"sqlite:///{self.folder.name}/store.db")
        self.store.take({})
        staffed(self.store)
        self.now_us = NOW_US + DAY_US
        self.appeal_id = submitted(self.store, decided(self.store), now_us=self.now_us)

    @rule(person=st.sampled_from(["ann", "bob", "eva", "fay", "kim"]), doing=st.sampled_from(sorted(ACTS)),
          cents=st.sampled_from([500_000, 800_000]))  # fmt: skip
    def somebody_acts(self, person: str, doing: str, cents: int) -> None:
        given = {"granted_limit_cents": cents} if doing == "grant_partly" else {}
        with contextlib.suppress(RefusedError, ForbiddenError):
            act(self.store, self.appeal_id, f"{person} {doing}", now_us=self.now_us, **given)

    @rule(
        name=st.sampled_from(["bob", "eva", "fay"]),
        doing=st.sampled_from(["uphold", "grant", "grant_partly"]),
    )
    def somebody_answers(self, name: str, doing: str) -> None:
        given = {"granted_limit_cents": 600_000} if doing == "grant_partly" else {}
        with contextlib.suppress(RefusedError):
            act(self.store, self.appeal_id, f"{name} claim", now_us=self.now_us)
        with contextlib.suppress(RefusedError):
            act(self.store, self.appeal_id, f"{name} {doing}", now_us=self.now_us, **given)

    @rule(
        days=st.integers(1, 12),
        known=st.sampled_from([None, {"bills_12": 8.0, "late_share_6": 0.0, "on_time_streak": 8.0}]),
    )
    def time_passes(self, days: int, known: dict[str, float] | None) -> None:
        self.now_us += days * DAY_US
        run_appeals(self.store, DESK, self.now_us, lambda _account, _as_of: known)
        in_effect(self.store, self.now_us)

    @invariant()
    def ledger_has_what_was_decided_and_what_was_granted_and_nothing_else(self) -> None:
        row = appeal_row(self.store, self.appeal_id)
        made = self.store.rows(sa.select(cases).where(cases.c.kind == "appeal"))
        answers = self.store.rows(
            sa.select(appeal_acts.c.state).where(appeal_acts.c.state.in_(("granted", "partly_granted")),
                                                 appeal_acts.c.act.in_(("grant", "grant_partly", "facts", "clock.end")))
        )  # fmt: skip
        assert len(made) == len(answers)
        assert all(case["state"] == "approved" for case in made)
        in_effect(self.store, self.now_us)
        limit_cents = ledger_line(self.store).limit_cents
        is_due = self.now_us >= NOW_US + 7 * DAY_US
        decided_cents = row["granted_limit_cents"] or 400_000
        expected = 1_000_000 if row["state"] == "granted" or not is_due else decided_cents
        assert limit_cents == expected

    @invariant()
    def nobody_who_decided_answers(self) -> None:
        answered = {row["actor_id"] for row in self.store.rows(sa.select(appeal_acts).where(
            appeal_acts.c.act.in_(("uphold", "grant", "grant_partly"))))}  # fmt: skip
        assert answered <= {"bob", "eva", "fay"}

    def teardown(self) -> None:
        """Left alone, it is answered, the chain holds, and the store is put away."""
        for _ in range(5):
            self.now_us += 40 * DAY_US
            run_appeals(self.store, DESK, self.now_us, lambda _account, _as_of: None)
        assert not appeal_row(self.store, self.appeal_id)["is_live"]
        events = [
            dict(row) for row in self.store.rows(sa.select(audit_events).order_by(audit_events.c.number))
        ]
        assert first_break(events) is None
        self.store.close()
        self.folder.cleanup()


TestStoredAppeals = StoredAppeals.TestCase
TestStoredAppeals.settings = settings(max_examples=25, stateful_step_count=12, deadline=None)

TestAppeals = Appeals.TestCase
TestAppeals.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)
