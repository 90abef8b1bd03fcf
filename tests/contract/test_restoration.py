"""Steps on every store: a large cut and a restoration in steps, looked at again, within the old limit, never too soon."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import sqlalchemy as sa

from limitkeeper.app.approval_policy import approval_policy
from limitkeeper.app.cases import CaseOpening, case_acted, case_opened, terms_in_force
from limitkeeper.app.decisions import effects
from limitkeeper.app.due_changes import effected_due
from limitkeeper.app.limits import LimitChange, entries_of, planned
from limitkeeper.app.line_requests import SeenLine, request_made, request_taken_back
from limitkeeper.app.notice_policy import notice_policy
from limitkeeper.app.notices import notice_content
from limitkeeper.app.restoration import restoration_opened
from limitkeeper.app.steps import steps_looked_at
from limitkeeper.core.access.actors import CUSTOMER, OFFICER, SYSTEM, Actor
from limitkeeper.core.behaviour.events import DAY_US, NEVER_US
from limitkeeper.core.limits.ledger import LedgerError
from limitkeeper.store.case_tables import cases, mandates
from limitkeeper.store.limit_tables import limit_entries, lines
from limitkeeper.store.notice_tables import notices
from limitkeeper.store.sql import Store
from limitkeeper.store.tables import proposals, stated_accounts
from limitkeeper.store.work import Work, work
from tests.vaults import SEAL

NOW_US = 1_790_040_000_000_000  # by day in Shanghai
POLICY = approval_policy()
EFFECTS = effects(SEAL, notice_policy("CN"))
ANN = Actor("ann", frozenset({OFFICER}))
KIM = Actor("kim", frozenset({CUSTOMER}), "c-1")
TRACE: dict[str, Any] = {
    "decision_id": "d",
    "rules": [{"action": "decrease", "hit": True}],
    "reasons": [{"code": "late_recent", "en": "Late", "zh": "逾期", "help_en": "Pay", "help_zh": "还款"}],
}
BETTER: dict[str, Any] = {"decision_id": "d2", "rules": [{"action": "decrease", "hit": False}]}


def begun(store_url: str) -> Store:
    """A store in which account ``a`` is customer ``c-1``'s, and ann decides on the second tier."""
    found = Store(store_url)
    with work(found, SYSTEM, NOW_US) as w:
        w.add(stated_accounts, {"account_id": "a", "customer_id": "c-1", "segment": None})
        w.add(mandates, {"mandate_id": "m", "person_id": "ann", "tier": 2, "actions": "[]", "cut_cents_max": None,
                         "exposure_cents_max": None, "from_us": 0, "to_us": NEVER_US, "version": 1})  # fmt: skip
    return found


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    found = begun(store_url)
    yield found
    found.close()


def is_out(_w: Work, _notice: str) -> bool:
    return True


def decide(
    store: Store, now_us: int, action: str, before: int, after: int, trace: Mapping[str, Any] = TRACE
) -> str:
    """A decision of the second tier, approved by ann, whose trace is at hand."""
    name = f"p{now_us}"
    opening = CaseOpening("decision", action, "a", before, after, before, "system", "c-1", name,
                          facts={"refused_automation": True})  # fmt: skip
    with work(store, SYSTEM, now_us) as w:
        w.add(proposals, {"proposal_id": name, "account_id": "a", "decision_id": "d", "action": action, "rule": "r",
                          "limit_before_cents": before, "limit_after_cents": after, "made_us": now_us, "status": "open",
                          "status_us": now_us, "reason": None, "trace": json.dumps(trace), "sequence": 1})  # fmt: skip
        case_id = case_opened(w, opening, POLICY, EFFECTS)
    approve(store, case_id, now_us)
    return case_id


def approve(store: Store, case_id: str, now_us: int) -> None:
    for version, act in ((1, "claim"), (2, "approve")):
        with work(store, ANN, now_us) as w:
            case_acted(w, SEAL, case_id, version, act, terms_in_force(w, POLICY), EFFECTS, "seen")


def ledger(store: Store) -> list[tuple[str, str, int | None]]:
    with work(store, SYSTEM, NOW_US) as w:
        return [(row["action"], row["state"], row["target_cents"]) for row in entries_of(w, "a")]


def limit(store: Store) -> int:
    (row,) = store.rows(sa.select(lines))
    assert row["customer_id"] == "c-1"
    return int(row["limit_cents"])


def kinds(store: Store) -> list[str]:
    return [row["kind"] for row in store.rows(sa.select(notices).order_by(notices.c.made_us, notices.c.kind))]


def cut(store: Store, before: int = 1_000_000, after: int = 400_000) -> None:
    with work(store, SYSTEM, NOW_US) as w:
        planned(w, LimitChange("a", "decrease", before, after, NOW_US, "risk", "c-1"))
    effected_due(store, NOW_US, is_out)


def test_cut_of_more_than_a_step_is_told_once_and_made_in_steps_while_it_is_called_for(store: Store) -> None:
    decide(store, NOW_US, "decrease", 1_000_000, 200_000)
    assert kinds(store) == ["limit_decreased_in_steps"]
    assert ledger(store)[1:] == [("decrease", "planned", 600_000), ("decrease", "planned", 200_000)]
    first_us = NOW_US + 7 * DAY_US
    effected_due(store, first_us, is_out)
    assert limit(store) == 600_000
    second_us = first_us + 30 * DAY_US
    effected_due(store, second_us, is_out)
    assert limit(store) == 600_000  # it was not looked at again
    assert steps_looked_at(store, EFFECTS, lambda _account: TRACE, second_us) == 1
    effected_due(store, second_us, is_out)
    assert limit(store) == 200_000
    assert steps_looked_at(store, EFFECTS, lambda _account: TRACE, second_us) == 0


@pytest.mark.parametrize("trace", [BETTER, None])
def test_step_that_is_no_longer_called_for_is_cancelled_and_the_customer_told(
    store: Store, trace: Mapping[str, Any] | None
) -> None:
    decide(store, NOW_US, "decrease", 1_000_000, 100_000)
    effected_due(store, NOW_US + 7 * DAY_US, is_out)
    later_us = NOW_US + 40 * DAY_US
    assert steps_looked_at(store, EFFECTS, lambda _account: trace, later_us) == 1
    effected_due(store, later_us + DAY_US, is_out)
    assert limit(store) == 550_000
    assert ledger(store)[-1][:2] == ("decrease", "cancelled")
    assert kinds(store) == ["limit_decreased_in_steps", "steps_cancelled"]


def test_step_that_came_late_keeps_the_wait_to_the_next(store: Store) -> None:
    decide(store, NOW_US, "decrease", 1_000_000, 200_000)
    late_us = NOW_US + 36 * DAY_US
    effected_due(store, late_us, is_out)
    steps_looked_at(store, EFFECTS, lambda _account: TRACE, NOW_US + 37 * DAY_US)
    effected_due(store, NOW_US + 40 * DAY_US, is_out)
    assert limit(store) == 600_000
    effected_due(store, late_us + 30 * DAY_US, is_out)
    assert limit(store) == 200_000


def test_further_proposal_that_asks_no_more_than_the_plan_changes_nothing(store: Store) -> None:
    decide(store, NOW_US, "decrease", 1_000_000, 200_000)
    decide(store, NOW_US + DAY_US, "decrease", 1_000_000, 500_000)
    assert kinds(store) == ["limit_decreased_in_steps"]
    assert len(ledger(store)) == 3


def test_restoration_goes_by_the_second_tier_in_steps_up_to_the_old_limit(store: Store) -> None:
    cut(store)
    with work(store, SYSTEM, NOW_US) as w:
        case_id = restoration_opened(w, POLICY, EFFECTS, "a", "appeal", 5_000_000)
        row = w.found(cases, case_id)
    assert (row["kind"], row["required_tier"], row["limit_after_cents"]) == ("restoration", 2, 1_000_000)
    approve(store, case_id, NOW_US)
    assert kinds(store) == ["limit_restored_in_steps"]
    effected_due(store, NOW_US, is_out)
    assert limit(store) == 650_000
    for days, expected in ((59, 650_000), (60, 900_000), (119, 900_000), (120, 1_000_000)):
        now_us = NOW_US + days * DAY_US + 10  # what comes at once is a microsecond apart
        steps_looked_at(store, EFFECTS, lambda _account: BETTER, now_us)
        effected_due(store, now_us, is_out)
        assert limit(store) == expected
    with pytest.raises(LedgerError, match="nothing to give back"), work(store, SYSTEM, NOW_US) as w:
        restoration_opened(w, POLICY, EFFECTS, "a", "appeal")


def test_restoration_stops_where_things_are_worse(store: Store) -> None:
    cut(store)
    with work(store, SYSTEM, NOW_US) as w:
        case_id = restoration_opened(w, POLICY, EFFECTS, "a", "appeal")
    approve(store, case_id, NOW_US)
    effected_due(store, NOW_US, is_out)
    later_us = NOW_US + 60 * DAY_US
    steps_looked_at(store, EFFECTS, lambda _account: TRACE, later_us)
    effected_due(store, later_us + 100 * DAY_US, is_out)
    assert limit(store) == 650_000
    assert kinds(store)[-1] == "restoration_stopped"
    assert all(row["state"] != "planned" for row in store.rows(sa.select(limit_entries)))


def test_cut_that_is_decided_replaces_a_restoration_that_is_planned(store: Store) -> None:
    cut(store)
    with work(store, SYSTEM, NOW_US) as w:
        case_id = restoration_opened(w, POLICY, EFFECTS, "a", "appeal")
    approve(store, case_id, NOW_US)
    decide(store, NOW_US, "decrease", 400_000, 300_000)
    effected_due(store, NOW_US + 500 * DAY_US, is_out)
    assert limit(store) == 300_000


def restored_then_asked(store: Store) -> None:
    """A restoration to 650,000, 900,000 and 1,000,000, of which the first step is made, gives way to Kim's request."""
    cut(store)
    with work(store, SYSTEM, NOW_US) as w:
        case_id = restoration_opened(w, POLICY, EFFECTS, "a", "appeal")
    approve(store, case_id, NOW_US)
    effected_due(store, NOW_US, is_out)
    with work(store, KIM, NOW_US + DAY_US) as w:
        request_made(w, POLICY, EFFECTS, "a", 300_000, SeenLine(650_000, 0))
    assert [each for each in ledger(store) if each[1] == "planned"] == [("decrease", "planned", 300_000)]


def taken_back(store: Store, now_us: int) -> None:
    with work(store, KIM, now_us) as w:
        request_taken_back(w, POLICY, EFFECTS, "a")


def test_request_that_is_taken_back_puts_the_restoration_that_it_replaced_in_place_again(
    store: Store,
) -> None:
    restored_then_asked(store)
    before = ledger(store)
    taken_back(store, NOW_US + 2 * DAY_US)
    after = ledger(store)
    assert [each[:2] for each in after[: len(before)]].count(("restore", "cancelled")) == 2  # as they were
    assert after[len(before) :] == [("restore", "planned", 900_000), ("restore", "planned", 1_000_000)]
    assert kinds(store)[-1] == "request_taken_back_restored"
    row = store.rows(sa.select(notices).order_by(notices.c.made_us))[-1]
    assert "10,000.00" in "".join(notice_content(row, SEAL).paragraphs)
    for days, expected in ((59, 650_000), (60, 900_000), (120, 1_000_000)):
        now_us = NOW_US + days * DAY_US + 10
        steps_looked_at(store, EFFECTS, lambda _account: BETTER, now_us)
        effected_due(store, now_us, is_out)
        assert limit(store) == expected


def test_restoration_that_a_later_cut_stands_against_is_looked_at_by_a_person_when_the_request_is_taken_back(
    store: Store,
) -> None:
    restored_then_asked(store)
    decide(store, NOW_US + 2 * DAY_US, "decrease", 650_000, 600_000)
    for _ in range(2):
        taken_back(store, NOW_US + 2 * DAY_US + 1)
        assert not [each for each in ledger(store) if each[:2] == ("restore", "planned")]
        (row,) = store.rows(sa.select(cases).where(cases.c.is_live))
        assert (row["kind"], row["action"], row["limit_after_cents"], row["tier"]) == (
            "restoration", "restore", 1_000_000, 2,
        )  # fmt: skip
        told = [
            row["kind"]
            for row in store.rows(sa.select(notices).where(notices.c.made_us > NOW_US + 2 * DAY_US))
        ]
        assert "request_taken_back_reviewed" in told
        with work(store, KIM, NOW_US + 2 * DAY_US + 1) as w:
            request_made(w, POLICY, EFFECTS, "a", 300_000, SeenLine(650_000, 0))


def test_customer_who_was_cut_before_there_was_a_ledger_is_restored_up_to_what_the_monitor_knows(
    store: Store,
) -> None:
    trace = BETTER | {"inputs": {"limit_before_reduction_cents": 1_000_000.0}}
    decide(store, NOW_US, "restore", 400_000, 650_000, trace)
    effected_due(store, NOW_US, is_out)
    assert limit(store) == 650_000
    assert [each[0] for each in ledger(store)] == ["open", "decrease", "restore"]


def test_cut_of_which_nothing_can_be_told_truly_still_says_what_it_rests_on(store: Store) -> None:
    decide(store, NOW_US, "decrease", 1_000_000, 900_000, TRACE | {"reasons": []})
    (row,) = store.rows(sa.select(notices))
    assert any("1." in part for part in notice_content(row, EFFECTS.seal).paragraphs)
