"""Every change of a limit in a store against its market's rules: what was done right holds, what was not is named."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace

import pytest
import sqlalchemy as sa

from limitkeeper.app.due_changes import effected_due
from limitkeeper.app.limits import LimitChange, planned
from limitkeeper.app.notices import deliver_notices, is_out
from limitkeeper.app.regulation import evaluation_document
from limitkeeper.app.regulation_policy import regulation, regulation_version
from limitkeeper.app.restoration import restoration_opened
from limitkeeper.app.rights import request_extended, request_made
from limitkeeper.core.access.actors import SYSTEM
from limitkeeper.core.behaviour.events import DAY_US
from limitkeeper.core.kernel.instants import day_of
from limitkeeper.store.case_tables import cases
from limitkeeper.store.limit_tables import limit_entries
from limitkeeper.store.notice_tables import notices
from limitkeeper.store.rights_tables import rights_requests
from limitkeeper.store.sql import Store
from limitkeeper.store.tables import proposals
from limitkeeper.store.work import work
from tests.contract.test_restoration import EFFECTS, NOW_US, POLICY, TRACE, approve, begun, decide
from tests.vaults import SEAL

FIRST, LAST = day_of(NOW_US), day_of(NOW_US) + dt.timedelta(days=60)
LAST_US = NOW_US + 61 * DAY_US
EFFECTIVE_US = NOW_US + 7 * DAY_US
TOLD_US = NOW_US + DAY_US // 2
"""By day where the customer is; the decision comes in his quiet hours."""
VERSIONS = TRACE | {"versions": {"strategy": "sha256:1", "regulation": "sha256:r"}}


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    found = begun(store_url)
    yield found
    found.close()


def cut(store: Store) -> None:
    """A cut as it should be: approved by the second tier, told, and in effect seven days later."""
    decide(store, NOW_US, "decrease", 1_000_000, 800_000, VERSIONS)
    deliver_notices(store, {}, SEAL, lambda: TOLD_US)
    assert effected_due(store, EFFECTIVE_US, is_out) == 1


def change(store: Store, statement: sa.Update) -> None:
    with work(store, SYSTEM, NOW_US) as w:
        w.connection.execute(statement)


def evaluated(store: Store, market: str = "CN") -> tuple[dict[str, dict[str, int]], set[tuple[str, ...]]]:
    found = evaluation_document(store, market, FIRST, LAST, LAST_US)
    return {each["id"]: each["counts"] for each in found["rules"]}, {
        (each["rule"], each["detail"], each["detail_zh"]) for each in found["failures"]
    }


def test_cut_that_was_made_as_the_rules_ask_fails_none(store: Store) -> None:
    cut(store)
    counts, failures = evaluated(store)
    assert failures == set()
    assert counts["CN.pipl_24_reasons"] == {"met": 1}
    assert counts["CN.algorithm_22_appeal"] == {"met": 1}
    assert counts["CN.told_before_effect"] == {"met": 1}
    assert counts["CN.pipl_24_human"] == {"met": 1}
    assert counts["CN.pipl_69_evidence"] == {"met": 1}
    assert counts["CN.credit_reporting_15_notified"] == {"outside": 2}, "and the limit as it was found"
    assert evaluated(store, "US")[0]["US.reg_b_9_days"] == {"met": 1}


def test_cut_in_effect_before_its_notice_was_out_fails(store: Store) -> None:
    cut(store)
    change(store, notices.update().values(out_us=EFFECTIVE_US + DAY_US))
    assert evaluated(store)[1] == {("CN.told_before_effect", "told 1.0 days after", "生效后 1.0 天才通知")}


def test_decision_by_the_system_alone_on_who_refuses_it_fails(store: Store) -> None:
    cut(store)
    change(store, cases.update().values(tier=1))
    assert evaluated(store)[1] == {("CN.pipl_24_human", "decided at tier 1", "由第 1 级审批决定")}


def test_decision_whose_trace_is_gone_fails(store: Store) -> None:
    cut(store)
    change(store, limit_entries.update().values(decision_id="another"))
    assert evaluated(store)[1] == {("CN.pipl_69_evidence", "no trace is kept", "未保存决策依据")}
    change(store, limit_entries.update().values(decision_id="d"))
    assert evaluated(store)[1] == set()
    change(store, proposals.update().values(trace="{}"))
    assert evaluated(store)[1] == {("CN.pipl_69_evidence", "no trace is kept", "未保存决策依据")}


def test_freeze_is_held_against_the_notice_that_told_of_it(store: Store) -> None:
    decide(store, NOW_US, "freeze", 1_000_000, 1_000_000, VERSIONS)
    deliver_notices(store, {}, SEAL, lambda: TOLD_US)
    assert effected_due(store, NOW_US, is_out) == 1
    counts, failures = evaluated(store)
    assert failures == set()
    assert counts["CN.pipl_24_reasons"] == {"met": 1}
    assert "CN.told_before_effect" not in {rule for rule, found in counts.items() if found}


CAP_CENTS = 30_000_000


@pytest.mark.parametrize("action", ["increase", "restore"])
def test_raise_is_held_against_the_cap_and_its_evidence_and_nothing_that_protects_from_cuts(
    store: Store, action: str
) -> None:
    cut(store)
    (case,) = store.rows(sa.select(cases))
    for limit_cents in (CAP_CENTS, CAP_CENTS + 1):
        with work(store, SYSTEM, EFFECTIVE_US) as w:
            raised = LimitChange("a", action, 800_000, limit_cents, EFFECTIVE_US, "good", "c-1",
                                 case_id=case["case_id"], decision_id="d")  # fmt: skip
            planned(w, raised)
    counts, failures = evaluated(store)
    over = "30000001 of 30000000 cents", "30000001 分，上限 30000000 分"
    assert failures == {("CN.internet_loans_cap", *over)}
    assert counts["CN.internet_loans_cap"] == {"met": 3, "failed": 1}, "opened, cut, raised twice"
    assert counts["CN.pipl_69_evidence"] == {"met": 3}
    silent = ("pipl_24_reasons", "told_before_effect", "algorithm_22_appeal")
    assert [counts[f"CN.{rule}"] for rule in silent] == [{"met": 1}] * 3, "of the cut alone"


def test_limit_above_the_cap_is_found_where_the_ledger_begins(store: Store) -> None:
    decide(store, NOW_US, "decrease", CAP_CENTS + 1, 29_000_000, VERSIONS)
    assert {rule for rule, *_ in evaluated(store)[1]} >= {"CN.internet_loans_cap"}


def test_raise_that_nobody_decided_fails_and_a_limit_as_it_was_found_does_not(store: Store) -> None:
    found = LimitChange(
        "a", "increase", 800_000, 900_000, NOW_US, "as agreed", "c-1", old_limit_cents=1_000_000
    )
    with work(store, SYSTEM, NOW_US) as w:
        planned(w, found)
    counts, failures = evaluated(store)
    assert counts["CN.internet_loans_cap"] == {"met": 3}, "opened, cut from before the ledger, raised"
    assert failures == {("CN.pipl_69_evidence", "no trace is kept", "未保存决策依据")}
    assert counts["CN.pipl_69_evidence"] == {"failed": 1}


def test_restoration_that_somebody_proposed_has_its_case_for_evidence(store: Store) -> None:
    cut(store)
    with work(store, SYSTEM, EFFECTIVE_US) as w:
        case_id = restoration_opened(w, POLICY, EFFECTS, "a", "improvement", decision_id="a look")
    approve(store, case_id, EFFECTIVE_US)
    counts, failures = evaluated(store)
    assert failures == set()
    assert counts["CN.pipl_69_evidence"]["met"] >= 2


def test_request_of_a_person_that_waits_too_long_fails(store: Store) -> None:
    with work(store, SYSTEM, NOW_US) as w:
        request_made(w, SEAL, "c-1", "access", "")
    counts, failures = evaluated(store)
    assert failures == {("CN.pipl_50_request_answered", "open for 61 days of 15", "已历时 61 天，期限 15 天")}
    assert counts["CN.credit_reporting_25_answered"] == {}


@pytest.mark.parametrize(("market", "bound"), [("CN", 15), ("EU", 30)])
def test_request_whose_clock_was_extended_is_late_by_the_longer_clock(
    store: Store, market: str, bound: int
) -> None:
    with work(store, SYSTEM, NOW_US) as w:
        request_id = request_made(w, SEAL, "c-1", "access", "")
        request_extended(w, SEAL, request_id, 1, 20, "three archives")
    for days, late in ((bound + 20, False), (bound + 21, True)):
        change(store, rights_requests.update().values(answered_us=NOW_US + days * DAY_US))
        failed = {detail for _, detail, _ in evaluated(store, market)[1]}
        assert failed == ({f"open for {days} days of {bound + 20}"} if late else set())


def test_what_lies_outside_the_period_is_not_evaluated(store: Store) -> None:
    cut(store)
    found = evaluation_document(store, "CN", LAST, LAST, NOW_US)
    assert (found["subjects"], found["failed"]) == (0, 0)


def test_facts_name_the_event_of_the_audit_that_they_were_read_at(store: Store) -> None:
    cut(store)
    change(store, limit_entries.update().where(limit_entries.c.action == "decrease").values(decision_id="d"))
    found = evaluation_document(store, "CN", FIRST, LAST, NOW_US)
    assert found["audit"]["events"] > 0
    assert len(found["audit"]["hash"]) == 64
    assert found["regulation"] == [
        {"from": FIRST.isoformat(), "to": LAST.isoformat(), "hash": regulation_version("CN", LAST)}
    ]
    assert found["decided_under"] == {"sha256:r": 1}, "what its trace names, whatever holds today"


def test_what_is_not_answered_is_open_until_now_and_not_until_the_end_of_a_period_to_come(
    store: Store,
) -> None:
    with work(store, SYSTEM, NOW_US) as w:
        request_made(w, SEAL, "c-1", "access", "")
    for days, late in ((15, 0), (16, 1)):
        found = evaluation_document(store, "CN", FIRST, LAST, NOW_US + days * DAY_US)
        assert found["failed"] == late


def test_rule_that_ended_in_a_period_is_told_with_what_it_asked(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut(store)
    rules = tuple(
        replace(rule, valid_to=LAST) if rule.id == "CN.pipl_24_reasons" else rule for rule in regulation()
    )
    monkeypatch.setattr("limitkeeper.app.regulation.regulation", lambda: rules)
    found = evaluation_document(store, "CN", FIRST, LAST, LAST_US)
    [ended] = [each for each in found["rules"] if each["id"] == "CN.pipl_24_reasons"]
    assert ended["counts"] == {"met": 1}
    assert [(each["from"], each["to"]) for each in found["regulation"]] == [
        (FIRST.isoformat(), (LAST - dt.timedelta(days=1)).isoformat()),
        (LAST.isoformat(), LAST.isoformat()),
    ]
