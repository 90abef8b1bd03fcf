"""Random changes to a committee, by all and by one alone: who votes was let in by two, and one alone packs nothing."""

import tempfile
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from limitkeeper.app.cases import terms_in_force
from limitkeeper.app.mandates import (
    ABSENCE,
    MANDATE,
    absence_ended,
    absence_noted,
    change_confirmed,
    change_declined,
    mandate_ended,
    mandate_given,
)
from limitkeeper.app.verification import evidence_verified
from limitkeeper.core.access.actors import COMMITTEE, SYSTEM, Actor
from limitkeeper.core.approval.mandates import Absence, Mandate
from limitkeeper.core.approval.refusals import RefusedError
from limitkeeper.core.kernel.errors import InputError
from limitkeeper.store.case_tables import absences, mandates
from limitkeeper.store.sql import Store
from limitkeeper.store.work import ConflictError, Work, work
from tests.mandated import POLICY, mandated

FIRST = ["mia", "max", "moe"]
"""As many as decide."""

PEOPLE = [*FIRST, "pal", "pim"]
ONE = "mia"
NOW_US = 1_790_042_400_000_000
VERBS = ["give", "end", "note", "end_absence", "confirm", "decline"]


class Committee(RuleBasedStateMachine):
    """Three members, two who would like to be, and whatever they may do; each act held against what is said in words."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.store = Store(f"sqlite:///{Path(self.folder.name) / 'store.db'}")
        self.now_us, self.ever, self.is_alone, self.own_deputies = NOW_US, set(FIRST), False, set[str]()
        with work(self.store, SYSTEM, self.now_us) as w:
            mandated(w, *((name, 3) for name in FIRST))

    def teardown(self) -> None:
        assert evidence_verified(self.store).faults == []
        self.store.close()
        self.folder.cleanup()

    @initialize(is_alone=st.booleans())
    def begin(self, is_alone: bool) -> None:
        self.is_alone = is_alone

    def rows(self, table: sa.Table) -> list[dict[str, Any]]:
        """Those that are not over, in the order in which they were written."""
        return self.store.rows(
            sa.select(table).where(table.c.to_us > self.now_us).order_by(sa.literal_column("rowid"))
        )

    def sitting(self) -> set[str]:
        """Who has a seat, by the rows alone."""
        return {
            row["person_id"]
            for row in self.rows(mandates)
            if row["pending"] != "begin" and row["from_us"] <= self.now_us
        }

    def voters(self) -> dict[str, str]:
        """Who votes, under whose seat."""
        with work(self.store, SYSTEM, self.now_us) as w:
            return terms_in_force(w, POLICY).mandates.deciders(3, "close", 1, 1, self.now_us)

    @rule(
        person=st.sampled_from(PEOPLE),
        verb=st.sampled_from(VERBS),
        whom=st.sampled_from(PEOPLE),
        deputy=st.sampled_from(PEOPLE),
        place=st.integers(0, 9),
    )
    def act(self, person: str, verb: str, whom: str, deputy: str, place: int) -> None:
        person = ONE if self.is_alone else person
        seated, sat, voted, waiting = self.sitting(), set(self.ever), self.voters(), self.waiting(place)
        self.now_us += 1
        try:
            with work(self.store, Actor(person, frozenset({COMMITTEE})), self.now_us) as w:
                self.done(w, verb, whom, deputy, place, waiting)
        except (RefusedError, ConflictError, InputError):
            assert (self.sitting(), self.voters()) == (seated, voted)
            return
        self.ever |= self.sitting()
        if verb == "note" and whom == person:
            self.own_deputies.add(deputy)
        if verb == "confirm" and waiting:
            row = waiting[1]
            assert person in seated - {row["asked_by"], row["person_id"], row.get("deputy_id")}
        elif len(sat) >= len(FIRST) and seated - {person}:
            assert self.sitting() <= seated, "nobody gets a seat by one alone"
            assert seated - self.sitting() <= {person}, "nor loses it by another alone"
            for who, holder in self.voters().items():
                assert who in voted or holder in (who, person), "nor votes for a member by another's choice"

    def waiting(self, place: int) -> tuple[str, dict[str, Any]] | None:
        """Something that waits for a second member."""
        found = [(what, row) for what, table in ((MANDATE, mandates), (ABSENCE, absences))
                 for row in self.rows(table) if row["pending"]]  # fmt: skip
        return found[place % len(found)] if found else None

    def done(
        self,
        w: Work,
        verb: str,
        whom: str,
        deputy: str,
        place: int,
        waiting: tuple[str, dict[str, Any]] | None,
    ) -> None:
        """Do one act, on one of the rows that there are."""
        if verb == "give":
            mandate_given(w, Mandate(whom, 3), POLICY)
        elif verb == "note":
            absence_noted(w, Absence(whom, deputy, 0), POLICY)
        elif verb == "end" and (seats := self.rows(mandates)):
            mandate_ended(w, seats[place % len(seats)]["mandate_id"], POLICY)
        elif verb == "end_absence" and (away := self.rows(absences)):
            absence_ended(w, away[place % len(away)]["absence_id"])
        elif waiting and verb in ("confirm", "decline"):
            what, row = waiting
            settle = change_confirmed if verb == "confirm" else change_declined
            settle(w, what, row[f"{what}_id"])

    @invariant()
    def nobody_votes_by_what_waits(self) -> None:
        away = {
            (row["deputy_id"], row["person_id"]) for row in self.rows(absences) if row["pending"] != "begin"
        }
        for who, holder in self.voters().items():
            assert holder in self.sitting()
            assert who == holder or (who, holder) in away

    @invariant()
    def one_alone_packs_nothing(self) -> None:
        if self.is_alone:
            assert self.sitting() | {ONE} == set(FIRST)
            assert set(self.voters()) <= {*FIRST, *self.own_deputies}


TestCommittee = Committee.TestCase
TestCommittee.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
