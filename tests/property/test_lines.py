"""Random doings of lender, customer, monitor and time on one line: every wait and bound of a limit holds."""

import json
import random
import tempfile
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from limitkeeper.app.approval_policy import approval_policy
from limitkeeper.app.cases import CaseOpening, case_acted, case_opened, terms_in_force
from limitkeeper.app.decisions import effects
from limitkeeper.app.due_changes import effected_due
from limitkeeper.app.freezes import freezes_followed
from limitkeeper.app.limit_policy import limit_policy
from limitkeeper.app.limits import entries_in_effect, entries_of, line_row
from limitkeeper.app.line_requests import SeenLine, request_made, request_taken_back
from limitkeeper.app.notice_policy import notice_policy
from limitkeeper.app.notices import deliver_notices, is_out
from limitkeeper.app.restoration import restoration_opened
from limitkeeper.app.steps import steps_looked_at
from limitkeeper.app.verification import evidence_verified
from limitkeeper.core.access.actors import CUSTOMER, OFFICER, SYSTEM, Actor
from limitkeeper.core.behaviour.events import DAY_US
from limitkeeper.core.kernel.errors import InputError
from limitkeeper.core.limits.changes import old_limit_cents
from limitkeeper.core.limits.ledger import EFFECTIVE, LedgerError, is_closed, line_of
from limitkeeper.store.case_tables import cases
from limitkeeper.store.limit_tables import limit_entries
from limitkeeper.store.notice_tables import notices
from limitkeeper.store.sql import Store
from limitkeeper.store.tables import freeze_changes, proposals, stated_accounts
from limitkeeper.store.work import work
from tests.mandated import mandated
from tests.vaults import SEAL

POLICY = approval_policy()
EFFECTS = effects(SEAL, notice_policy("CN"))
LIMIT_CENTS = 1_000_000
DAYS = (0, 1, 3, 8, 31, 61)
KIM = Actor("kim", frozenset({CUSTOMER}), "c-1")
ANN, BOB = (Actor(name, frozenset({OFFICER})) for name in ("ann", "bob"))
REASONS = [{"code": "late_recent", "en": "Late", "zh": "逾期", "help_en": "Pay", "help_zh": "还款"}]


class LineMachine(RuleBasedStateMachine):
    """One line on a real store."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.store = Store(f"sqlite:///{Path(self.folder.name) / 'store.db'}")
        self.now_us, self.number, self.taken_back = 1_790_042_400_000_000, 0, set[str]()
        self.terms = limit_policy().terms(self.now_us)
        with work(self.store, SYSTEM, self.now_us) as w:
            w.add(stated_accounts, {"account_id": "a", "customer_id": "c-1", "segment": None})
            mandated(w, ("ann", 2), ("bob", 2))

    def teardown(self) -> None:
        found = evidence_verified(self.store)
        assert (found.audit.broken, found.faults) == (None, [])
        self.store.close()
        self.folder.cleanup()

    def is_closed(self) -> bool:
        with work(self.store, SYSTEM, self.now_us) as w:
            return is_closed(entries_in_effect(w, "a"))

    def limit(self) -> int:
        with work(self.store, SYSTEM, self.now_us) as w:
            line = line_row(w, "a")
        return LIMIT_CENTS if line is None else int(line["limit_cents"])

    def proposal(self, action: str, after_cents: int) -> dict[str, Any]:
        self.number += 1
        return {"proposal_id": f"p{self.number}", "account_id": "a", "decision_id": f"d{self.number}",
                "action": action, "rule": "r", "limit_before_cents": self.limit(), "limit_after_cents": after_cents,
                "made_us": self.now_us, "status": "open", "status_us": self.now_us, "reason": None,
                "trace": json.dumps({"reasons": REASONS}), "sequence": 1}  # fmt: skip

    def decide(self, case_id: str, act: str) -> None:
        """Claimed and decided on by bob, whatever tier he is on."""
        for doing in ("claim", act):
            with work(self.store, BOB, self.now_us) as w:
                version = w.found(cases, case_id)["version"]
                case_acted(w, SEAL, case_id, version, doing, terms_in_force(w, POLICY), EFFECTS, "seen")

    @rule(share=st.integers(0, 95), is_approved=st.booleans())
    def lender_cuts(self, share: int, is_approved: bool) -> None:
        before = self.limit()
        after = before * share // 100
        if before == after:
            return
        row = self.proposal("decrease", after)
        opening = CaseOpening("decision", "decrease", "a", before, after, before, "system", "c-1",
                              row["proposal_id"], row["decision_id"], {"refused_automation": True})  # fmt: skip
        with work(self.store, SYSTEM, self.now_us) as w:
            w.add(proposals, row)
            case_id = case_opened(w, opening, POLICY, EFFECTS)
        self.decide(case_id, "approve" if is_approved else "refuse")

    @rule(share=st.integers(1, 200), is_approved=st.booleans())
    def lender_gives_back(self, share: int, is_approved: bool) -> None:
        try:
            with work(self.store, ANN, self.now_us) as w:
                wanted = LIMIT_CENTS * share // 100
                case_id = restoration_opened(w, POLICY, EFFECTS, "a", "appeal", wanted)
        except LedgerError:
            return
        self.decide(case_id, "approve" if is_approved else "refuse")

    @rule(share=st.integers(0, 120), owed_share=st.integers(0, 100))
    def customer_asks(self, share: int, owed_share: int) -> None:
        limit = self.limit()
        wanted, owed = limit * share // 100, limit * owed_share // 100
        try:
            with work(self.store, KIM, self.now_us) as w:
                request_made(w, POLICY, EFFECTS, "a", wanted, SeenLine(limit, owed))
        except InputError:
            assert (wanted >= limit and (limit > 0 or self.is_closed())) or 0 < wanted < owed
        except LedgerError:
            pass  # one waits already

    @rule()
    def customer_takes_back(self) -> None:
        try:
            with work(self.store, KIM, self.now_us) as w:
                self.taken_back |= set(request_taken_back(w, POLICY, EFFECTS, "a"))
        except LedgerError:
            pass

    @rule(status=st.sampled_from(["begun", "confirmed", "lapsed", "lifted"]))
    def monitor_freezes_and_lets_go(self, status: str) -> None:
        row = self.proposal("freeze", self.limit()) if status == "begun" else None
        change = {"account_id": "a", "ts_us": self.now_us, "status": status, "reason": None,
                  "proposal_id": row and row["proposal_id"], "sequence": 1, "is_kept": False}  # fmt: skip
        with work(self.store, SYSTEM, self.now_us) as w:
            w.add(proposals, *([row] if row else []))
            w.add(freeze_changes, change)

    @rule(
        days=st.sampled_from(DAYS),
        calls_for_a_cut=st.sampled_from([True, False, None]),
        is_delivered=st.booleans(),
    )
    def time_passes(self, days: int, calls_for_a_cut: bool | None, is_delivered: bool) -> None:
        self.now_us += days * DAY_US
        trace = {"decision_id": "look", "rules": [{"action": "decrease", "hit": calls_for_a_cut}]}
        freezes_followed(self.store, EFFECTS, self.now_us)
        steps_looked_at(
            self.store, EFFECTS, lambda _account: None if calls_for_a_cut is None else trace, self.now_us
        )
        if is_delivered:
            deliver_notices(self.store, {}, SEAL, lambda: self.now_us)
        effected_due(self.store, self.now_us, is_out)

    def rows(self) -> list[dict[str, Any]]:
        return self.store.rows(sa.select(limit_entries).order_by(limit_entries.c.number))

    @invariant()
    def the_ledger_adds_up_to_the_limit_which_is_never_above_the_old_one(self) -> None:
        with work(self.store, SYSTEM, self.now_us) as w:
            line, entries = line_row(w, "a"), entries_in_effect(w, "a")
        if line is None:
            return
        assert line_of(entries).limit_cents == line["limit_cents"] >= 0
        for place, entry in enumerate(entries):
            if entry.action == "restore":
                old = old_limit_cents(entries[:place])
                assert old is not None
                assert line_of(entries[: place + 1]).limit_cents <= old <= LIMIT_CENTS

    @invariant()
    def every_change_of_amount_was_approved_and_told(self) -> None:
        kept = {row["case_id"]: row for row in self.store.rows(sa.select(cases))}
        out = {row["notice_id"] for row in self.store.rows(sa.select(notices)) if row["state"] == "out"}
        for row in self.rows():
            if row["state"] == EFFECTIVE and row["action"] in ("decrease", "close", "restore"):
                assert kept[row["case_id"]]["state"] == "approved"
                assert row["by_request"] or row["notice_id"] in out

    @invariant()
    def no_two_changes_of_one_direction_lie_within_their_wait(self) -> None:
        effective = [row for row in self.rows() if row["state"] == EFFECTIVE]
        raised = sorted(row["effective_us"] for row in effective if row["action"] == "restore")
        assert all(later - first >= self.terms.restore_wait_us for first, later in pairwise(raised))
        by_case: dict[str, list[int]] = {}
        for row in effective:
            if row["action"] == "decrease" and not row["by_request"]:
                by_case.setdefault(row["case_id"], []).append(row["effective_us"])
        for times in by_case.values():
            assert all(later - first >= self.terms.step_wait_us for first, later in pairwise(sorted(times)))

    @invariant()
    def what_was_taken_back_never_takes_effect_and_a_wish_only_after_its_cooling_off(self) -> None:
        for row in self.rows():
            if row["by_request"] and row["state"] == EFFECTIVE:
                assert row["case_id"] not in self.taken_back
                assert row["effective_us"] - row["made_us"] >= self.terms.cooling_off_us

    @invariant()
    def a_line_is_paused_in_the_ledger_exactly_between_freeze_and_thaw(self) -> None:
        with work(self.store, SYSTEM, self.now_us) as w:
            line = line_row(w, "a")
            told = [row["action"] for row in entries_of(w, "a")
                    if row["action"] in ("freeze", "thaw") and row["state"] == EFFECTIVE]  # fmt: skip
        assert told == [("freeze", "thaw")[k % 2] for k in range(len(told))]
        if line is not None and told:
            assert bool(line["is_frozen"]) == (told[-1] == "freeze")


@pytest.mark.parametrize("seed", range(10))
def test_every_bound_holds_through_a_long_life_by_chance(seed: int) -> None:
    """Hypothesis likes the same few rules again and again; a long life needs all of them in turn."""
    chance, line = random.Random(seed), LineMachine()  # noqa: S311 - no secret
    holds = [
        getattr(line, name)
        for name in dir(LineMachine)
        if name.startswith(("the_", "every_", "no_", "what_", "a_"))
    ]
    assert len(holds) == 5
    for _ in range(40):
        act = chance.choice("cgaabftt")
        if act == "c":
            line.lender_cuts(chance.randint(0, 95), chance.random() < 0.8)
        elif act == "g":
            line.lender_gives_back(chance.randint(1, 200), chance.random() < 0.8)
        elif act == "a":
            line.customer_asks(chance.randint(0, 120), chance.randint(0, 100))
        elif act == "b":
            line.customer_takes_back()
        elif act == "f":
            line.monitor_freezes_and_lets_go(chance.choice(["begun", "confirmed", "lapsed", "lifted"]))
        else:
            line.time_passes(chance.choice(DAYS), chance.choice([True, False, None]), chance.random() < 0.7)
        for each in holds:
            each()
    line.teardown()


TestLines = LineMachine.TestCase
TestLines.settings = settings(max_examples=15, stateful_step_count=20, deadline=None)
