"""Random interleavings of reviewers, customer, facts and time: nobody judges himself, each is answered."""

import contextlib
import random
import tempfile

import sqlalchemy as sa
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from limitkeeper.app.appeal_clocks import run_appeals
from limitkeeper.app.verification import evidence_verified
from limitkeeper.core.access.actors import CUSTOMER, OFFICER, Actor
from limitkeeper.core.access.rights import ForbiddenError
from limitkeeper.core.appeal.appeals import (
    ACTS,
    ASKED,
    ASKS_MAX,
    BY_CLOCK,
    CUSTOMER_ACTS,
    END_STATES,
    GRANTED,
    LIVE_STATES,
    PARTLY_GRANTED,
    UPHELD,
    WITHDRAWN,
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
from limitkeeper.core.kernel.instants import day_end_us
from limitkeeper.store.appeal_tables import appeal_acts
from limitkeeper.store.case_tables import cases
from limitkeeper.store.limit_tables import limit_entries
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
        replied_us = CLOCK.reply_us + DAY_US  # to the end of a day
        latest = self.appeal.opened_us + CLOCK.answer_us + ASKS_MAX * replied_us
        assert self.appeal.answer_until_us <= latest
        assert self.appeal.due_us <= latest + replied_us

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
        cuts = self.store.rows(
            sa.select(limit_entries.c.planned_us).where(
                limit_entries.c.action == "decrease", limit_entries.c.state != "cancelled"
            )
        )
        due_us = max((each["planned_us"] for each in cuts), default=0)
        assert due_us == 0 or due_us >= NOW_US + 7 * DAY_US
        is_due = self.now_us >= due_us
        decided_cents = row["granted_limit_cents"] or 400_000
        expected = 1_000_000 if row["state"] == "granted" or not is_due else decided_cents
        assert limit_cents == expected

    @invariant()
    def nobody_who_decided_answers(self) -> None:
        answered = {row["actor_id"] for row in self.store.rows(sa.select(appeal_acts).where(
            appeal_acts.c.act.in_(("uphold", "grant", "grant_partly"))))}  # fmt: skip
        assert answered <= {"bob", "eva", "fay"}

    def teardown(self) -> None:
        """Left alone, it is answered, the audit and all evidence hold, and the store is put away."""
        for _ in range(5):
            self.now_us += 40 * DAY_US
            run_appeals(self.store, DESK, self.now_us, lambda _account, _as_of: None)
        assert not appeal_row(self.store, self.appeal_id)["is_live"]
        found = evidence_verified(self.store)
        assert (found.audit.broken, found.faults) == (None, [])
        self.store.close()
        self.folder.cleanup()


LIVES = 2_500
"""Of one appeal each: Hypothesis likes the same few acts again and again; what is rare needs many lives."""

DAYS = (0, 1, 2, 3, 4, 7, 8, 9, 14, 15, 16, 29, 30, 31)
"""Around every stage of the clock."""

ANSWERS = {"uphold": UPHELD, "grant_partly": PARTLY_GRANTED, "grant": GRANTED, "withdraw": WITHDRAWN}


class Life:
    """One appeal by chance, each act held against what the rules say in words, by no code of theirs."""

    def __init__(self, seed: int) -> None:
        self.chance = chance = random.Random(seed)  # noqa: S311 - no secret
        self.seats = {tier: set(chance.sample(PEOPLE, chance.randint(1, 5))) for tier in (2, 3)}
        away = chance.sample(PEOPLE, chance.randint(0, 2))
        self.deputies = {each: chance.choice([one for one in PEOPLE if one != each]) for each in away}
        given = [Mandate(each, tier) for tier, people in self.seats.items() for each in sorted(people)]
        absences = tuple(Absence(person, deputy, 0) for person, deputy in self.deputies.items())
        self.terms = AppealTerms(Mandates(tuple(given), absences), CLOCK)
        self.now_us, self.waited_us, self.answerers = 0, 0, set[str]()
        self.made_it = frozenset({*chance.sample(PEOPLE, chance.randint(0, 2)), "c-1", "kim"})
        self.appeal = submitted_appeal("a", 5, 10, self.made_it, CLOCK, 0)

    def may_answer(self, appeal: Appeal, person: str) -> bool:
        """Whether somebody may answer: he has a mandate on its tier, or stands in, and had no part in it."""
        own = {person} - set(self.deputies)
        held = self.seats[appeal.tier] & (
            own | {each for each, who in self.deputies.items() if who == person}
        )
        return person not in appeal.parties and bool(held - appeal.parties)

    def step(self) -> None:
        """An act by chance of what the appeal's state allows, or any, or time."""
        before, now = self.appeal, self.chance
        if now.random() < 0.25:
            at_stage = max(self.now_us, before.due_us + now.choice([-1, 0, 1]))
            self.now_us = at_stage if now.random() < 0.6 else self.now_us + now.choice(DAYS) * DAY_US
            self.appeal = clocked(before, self.terms, self.now_us)
            if self.appeal != before:
                self.check_clock(before, self.appeal)
            return
        fitting = [act for act, (_, states, _) in ACTS.items() if before.state in states]
        usual = [act for act in fitting if act != "withdraw"] or fitting
        act = now.choice(usual if usual and now.random() < 0.9 else sorted(ACTS))
        person = before.claimed_by if before.claimed_by and now.random() < 0.7 else now.choice(PEOPLE)
        actor = CUSTOMER_ONE if act in (*CUSTOMER_ACTS, "withdraw") else Actor(person, frozenset({OFFICER}))
        words = "" if now.random() < 0.05 else "words"
        try:
            self.appeal = acted(before, act, actor, self.terms, self.now_us, words)
        except RefusedError:
            return
        self.check_act(before, self.appeal, person, act, words)

    def check_act(self, before: Appeal, after: Appeal, person: str, act: str, words: str) -> None:
        """What any act may lead to."""
        assert after.version == before.version + 1
        assert words or act in ("claim", "release", "withdraw")
        assert before.parties <= after.parties
        assert (before.state in LIVE_STATES) != (act == "again")
        if act in ("claim", "uphold", "grant", "grant_partly"):
            assert self.may_answer(before, person)
        if act in ("release", "ask", "send_up", "uphold", "grant", "grant_partly"):
            assert before.claimed_by == person
        if act == "send_up":
            assert (before.tier, after.tier, after.claimed_by) == (2, 3, None)
            assert person in after.parties
        if act == "ask":
            assert (after.state, after.asks, after.due_us) == (
                ASKED,
                before.asks + 1,
                day_end_us(self.now_us + CLOCK.reply_us),
            )
            assert after.asks <= ASKS_MAX
        if act == "answer":
            self.check_resumed(before, after)
        if act == "again":
            assert (before.instance, after.instance, after.tier, after.asks) == (1, 2, 3, 0)
            assert before.state in (UPHELD, PARTLY_GRANTED)
            assert self.now_us <= (before.again_until_us or 0)
            assert after.answer_until_us == self.now_us + CLOCK.answer_us
            self.waited_us = 0
        assert (after.state in END_STATES) == (act in ANSWERS)
        if act in ANSWERS:
            self.check_answer(after, person, act)

    def check_answer(self, after: Appeal, person: str, act: str) -> None:
        """How an answer ends it: by one who had no part in it; once more only what gave less than all, and once."""
        assert after.state == ANSWERS[act]
        assert after.outcome == ("customer" if act == "withdraw" else person)
        may_again = act in ("uphold", "grant_partly") and after.instance == 1
        assert after.again_until_us == (day_end_us(self.now_us + CLOCK.again_us) if may_again else None)
        if act != "withdraw":
            assert person not in self.made_it | self.answerers
            assert person in after.parties
            self.answerers.add(person)

    def check_resumed(self, before: Appeal, after: Appeal) -> None:
        """The promise moves by the time that the customer took, and by no more than he was given."""
        took_us = after.answer_until_us - before.answer_until_us
        assert took_us == min(self.now_us, before.due_us) - (before.asked_us or 0)
        assert (after.claimed_by, after.asks) == (before.claimed_by, before.asks)
        self.waited_us += took_us

    def check_clock(self, before: Appeal, after: Appeal) -> None:
        """What time may lead to: nothing before its stage; the next tier, or a grant, never an answer against him."""
        assert self.now_us >= before.due_us
        assert after.version == before.version + 1
        promised_us = before.opened_us + CLOCK.answer_us + self.waited_us
        assert before.answer_until_us == promised_us
        if before.state == ASKED:
            assert self.now_us >= (before.asked_us or 0) + CLOCK.reply_us
            self.check_resumed(before, after)
        elif before.clock == "remind":
            assert self.now_us >= promised_us - CLOCK.answer_us + CLOCK.remind_us
            assert (after.state, after.tier, after.claimed_by) == (
                before.state,
                before.tier,
                before.claimed_by,
            )
        elif before.tier == 2:
            assert self.now_us >= promised_us - CLOCK.answer_us + CLOCK.escalate_us
            assert (after.tier, after.claimed_by) == (3, None)
            assert before.claimed_by is None or before.claimed_by in after.parties
        else:
            assert self.now_us >= promised_us
            assert (after.state, after.outcome, after.is_provisional) == (GRANTED, BY_CLOCK, True)


def test_every_rule_of_appeals_holds_through_many_lives_by_chance() -> None:
    ends: dict[tuple[str, int, bool], int] = {}
    for seed in range(LIVES):
        life = Life(seed)
        for _ in range(30):
            life.step()
        for _ in range(9):  # left alone
            life.now_us = max(life.now_us, life.appeal.due_us)
            before, life.appeal = life.appeal, clocked(life.appeal, life.terms, life.now_us)
            if life.appeal != before:
                life.check_clock(before, life.appeal)
        appeal = life.appeal
        assert appeal.state in END_STATES
        assert appeal.outcome
        how = appeal.state, appeal.instance, appeal.outcome == BY_CLOCK
        ends[how] = ends.get(how, 0) + 1
    # Upheld, granted and granted in part by a person, granted by the clock, withdrawn: each in either instance.
    assert (len(ends), {how: count for how, count in ends.items() if count < 5}) == (10, {})


TestStoredAppeals = StoredAppeals.TestCase
TestStoredAppeals.settings = settings(max_examples=25, stateful_step_count=12, deadline=None)

TestAppeals = Appeals.TestCase
TestAppeals.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)
