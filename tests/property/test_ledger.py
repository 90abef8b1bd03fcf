"""Random plans, cancellations, reversals, notices and times: the sum is the limit, and nothing comes too early."""

import tempfile
from itertools import pairwise
from pathlib import Path

import sqlalchemy as sa
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from limitkeeper.app.due_changes import effected_due
from limitkeeper.app.limits import (
    LimitChange,
    cancelled,
    entries_in_effect,
    entries_of,
    entry_of,
    line_row,
    planned,
    undone,
)
from limitkeeper.core.access.actors import SYSTEM
from limitkeeper.core.limits.changes import old_limit_cents
from limitkeeper.core.limits.ledger import EFFECTIVE, LedgerError, line_of
from limitkeeper.store.limit_tables import limit_entries
from limitkeeper.store.sql import Store
from limitkeeper.store.tables import outbox
from limitkeeper.store.work import work

HOUR = 3_600_000_000
COOL_DOWN_US = 8 * HOUR


class Ledger(RuleBasedStateMachine):
    """One line on a real store."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.store = Store(f"sqlite:///{Path(self.folder.name) / 'store.db'}")
        self.now_us, self.out, self.ids = 1_790_000_000_000_000, set[str](), list[str]()

    def teardown(self) -> None:
        self.store.close()
        self.folder.cleanup()

    @rule(
        action=st.sampled_from(["decrease", "restore", "close", "freeze", "thaw"]),
        target_cents=st.integers(0, 2_000),
        wait=st.integers(0, 5),
        has_notice=st.booleans(),
        by_request=st.booleans(),
    )
    def plan(self, action: str, target_cents: int, wait: int, has_notice: bool, by_request: bool) -> None:
        after = {"close": 0, "freeze": None, "thaw": None}.get(action, target_cents)
        notice = f"n{len(self.ids)}" if has_notice else None
        until_us = self.now_us + 9 * HOUR if action == "freeze" else None
        change = LimitChange("a", action, 1_000, after, self.now_us + wait * HOUR, "why", notice_id=notice,
                             until_us=until_us, wait_us=COOL_DOWN_US,
                             by_request=by_request and action in ("decrease", "close"))  # fmt: skip
        with work(self.store, SYSTEM, self.now_us) as w:
            self.ids.append(planned(w, change))

    @rule(place=st.integers(0, 30), undo=st.booleans())
    def take_back(self, place: int, undo: bool) -> None:
        if not self.ids:
            return
        entry_id = self.ids[place % len(self.ids)]
        try:
            with work(self.store, SYSTEM, self.now_us) as w:
                if undo:
                    self.ids.append(undone(w, entry_id, "why", self.now_us))
                else:
                    cancelled(w, entry_id, "why")
        except LedgerError:
            pass

    @rule(number=st.integers(0, 30))
    def notice_goes_out(self, number: int) -> None:
        self.out.add(f"n{number}")

    @rule(hours=st.integers(0, 6))
    def time_passes(self, hours: int) -> None:
        self.now_us += hours * HOUR
        effected_due(self.store, self.now_us, lambda _w, notice: notice in self.out, count=3)

    def rows(self) -> list[dict]:
        return self.store.rows(sa.select(limit_entries).order_by(limit_entries.c.number))

    @invariant()
    def sum_of_the_ledger_is_the_limit(self) -> None:
        with work(self.store, SYSTEM, self.now_us) as w:
            line, entries = line_row(w, "a"), entries_of(w, "a")
        if line is None:
            return
        found = line_of(entry_of(row) for row in entries)
        assert found.limit_cents == line["limit_cents"] >= 0
        effective = sorted(
            (row for row in entries if row["state"] == EFFECTIVE and row["action"] in ("freeze", "thaw")),
            key=lambda row: row["effective_us"],
        )
        if effective and len({row["effective_us"] for row in effective}) == len(effective):
            assert bool(line["is_frozen"]) == (effective[-1]["action"] == "freeze")

    @invariant()
    def no_limit_is_ever_above_the_one_before_the_lenders_cuts(self) -> None:
        with work(self.store, SYSTEM, self.now_us) as w:
            entries = entries_in_effect(w, "a")
        assert all(line_of(entries[:k]).limit_cents <= 1_000 for k in range(len(entries) + 1))
        for k, entry in enumerate(entries):
            old = old_limit_cents(entries[:k])
            if entry.action in ("restore", "reverse") and entry.delta_cents > 0:
                assert old is not None
                assert line_of(entries[: k + 1]).limit_cents <= old

    @invariant()
    def no_two_restorations_lie_within_the_cool_down(self) -> None:
        times = [
            row["effective_us"]
            for row in self.rows()
            if row["action"] == "restore" and row["state"] == EFFECTIVE
        ]
        assert all(second - first >= COOL_DOWN_US for first, second in pairwise(sorted(times)))

    @invariant()
    def nothing_takes_effect_before_its_time_or_its_notice(self) -> None:
        for row in self.rows():
            if row["state"] == EFFECTIVE and row["action"] != "open":
                assert row["effective_us"] >= row["planned_us"]
                assert row["notice_id"] is None or row["notice_id"] in self.out

    @invariant()
    def the_bank_is_told_of_each_effective_entry_exactly_once(self) -> None:
        effective = {
            row["entry_id"] for row in self.rows() if row["state"] == EFFECTIVE and row["action"] != "open"
        }
        told = [
            row["subject"]
            for row in self.store.rows(sa.select(outbox).where(outbox.c.topic == "bank.command"))
        ]
        assert sorted(told) == sorted(effective)


TestLedger = Ledger.TestCase
TestLedger.settings = settings(max_examples=15, stateful_step_count=20, deadline=None)
