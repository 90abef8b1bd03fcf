"""Appeals on every store: submitted, answered by others, granted into one decision and one effect, never lost."""

import datetime as dt
import json
import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest
import sqlalchemy as sa

from limitkeeper.app.appeal_clocks import TRIAGE_LOOK_US, run_appeals
from limitkeeper.app.appeal_effects import suspended_by_appeal
from limitkeeper.app.appeal_evidence import EVIDENCE_FILES_MAX, evidence_added, evidence_read, judged_evidence
from limitkeeper.app.appeal_holds import held_by_grants
from limitkeeper.app.appeal_reading import appeal_read, appeal_statistics
from limitkeeper.app.appeals import appeal_acted, appeal_submitted, decision_to_appeal
from limitkeeper.app.cases import CaseOpening, case_opened
from limitkeeper.app.customer_preferences import preferences_set
from limitkeeper.app.due_changes import effected_due
from limitkeeper.app.freezes import freezes_followed
from limitkeeper.app.late_letters import LateLetters
from limitkeeper.app.limits import ENGINE_TOPIC, LimitChange, planned
from limitkeeper.app.notice_policy import NoticePolicy
from limitkeeper.app.notices import deliver_notices, notice_content
from limitkeeper.app.proposal_cases import cases_of_proposals
from limitkeeper.app.told import Told
from limitkeeper.connectors.evidence import EvidenceError
from limitkeeper.core.access.actors import COMPLIANCE, CUSTOMER, SYSTEM, Actor
from limitkeeper.core.access.chain import first_break
from limitkeeper.core.access.rights import ForbiddenError
from limitkeeper.core.approval.refusals import RefusedError
from limitkeeper.core.approval.tiers import RequiredTier
from limitkeeper.core.behaviour.events import DAY_US, HOUR_US
from limitkeeper.core.kernel.errors import InputError, PolicyError
from limitkeeper.store.appeal_tables import appeal_acts, appeal_evidence, appeals
from limitkeeper.store.audit_tables import audit_events
from limitkeeper.store.case_tables import absences, cases
from limitkeeper.store.limit_tables import limit_entries
from limitkeeper.store.notice_tables import notices
from limitkeeper.store.records import Commit, ProposalChange
from limitkeeper.store.sql import Store
from limitkeeper.store.tables import freeze_changes, outbox
from limitkeeper.store.work import work
from tests.appealed_decisions import (
    DESK,
    KIM,
    NOW_US,
    POLICY,
    SEAL,
    TRACE,
    act,
    appeal_row,
    case_act,
    decided,
    frozen_by_the_monitor,
    in_effect,
    ledger_line,
    officer,
    proposed,
    staffed,
    submitted,
)
from tests.unit.connectors.test_evidence import pdf

BEFORE_CENTS, AFTER_CENTS = 1_000_000, 400_000
GOOD = {"bills_12": 8.0, "late_share_6": 0.0, "on_time_streak": 8.0}
AS_THEN = {"bills_12": 8.0, "late_share_6": 0.5, "on_time_streak": 0.0}


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    found = Store(store_url)
    found.take({})
    staffed(found)
    yield found
    found.close()


def refusal(store: Store, appeal_id: str, doing: str, **given: object) -> str:
    with pytest.raises(RefusedError) as error:
        act(store, appeal_id, doing, **given)  # type: ignore[arg-type]
    return error.value.rule


def told(store: Store, kind: str) -> list[str]:
    rows = store.rows(sa.select(notices).where(notices.c.kind == kind).order_by(notices.c.made_us))
    return [notice_content(dict(row), SEAL).text for row in rows]


def letters_out(store: Store, now_us: int) -> dict[str, int]:
    """What became of the letters that are due, of a customer who has no way but the inbox."""
    return deliver_notices(store, {}, SEAL, lambda: now_us, renewed=LateLetters(DESK))


def test_letter_of_a_freeze_that_goes_out_late_has_all_the_days_to_appeal_and_none_goes_out_of_one_that_is_over(
    store: Store,
) -> None:
    def freeze(status: str, now_us: int) -> None:
        with work(store, SYSTEM, now_us) as w:
            w.add(freeze_changes, {"account_id": "a", "proposal_id": "p1", "status": status, "reason": None,
                                   "ts_us": now_us, "sequence": 1, "is_kept": False})  # fmt: skip
        freezes_followed(store, DESK.effects, now_us)

    proposed(store, "freeze", after_cents=BEFORE_CENTS)
    freeze("begun", NOW_US)
    late_us = NOW_US + 5 * DAY_US + 12 * HOUR_US
    assert letters_out(store, late_us)["waiting"] == 1  # it is written anew
    assert letters_out(store, late_us)["inbox"] == 1
    old, new = told(store, "line_frozen")
    assert "2026年10月22日（含当日）" in old
    assert "2026年10月27日（含当日）" in new
    assert "自2026年9月21日起" in new
    assert "逾期" in new
    states = store.rows(sa.select(notices.c.state).order_by(notices.c.made_us))
    assert [each["state"] for each in states] == ["withdrawn", "out"]
    over_us = late_us + DAY_US
    proposed_us = over_us - 2 * HOUR_US
    with work(store, SYSTEM, proposed_us) as w:
        DESK.effects.tell(w, Told("freeze_confirmed", "a", BEFORE_CENTS, BEFORE_CENTS, proposed_us, TRACE))
    freeze("lifted", over_us)
    assert letters_out(store, over_us + DAY_US)["inbox"] == 1
    states = store.rows(sa.select(notices.c.kind, notices.c.state).order_by(notices.c.made_us))
    assert [tuple(each.values()) for each in states[2:]] == [
        ("freeze_confirmed", "withdrawn"), ("freeze_lifted", "out"),
    ]  # fmt: skip
    assert first_break(store.rows(sa.select(audit_events).order_by(audit_events.c.number))) is None


def swept(store: Store, now_us: int, known: dict[str, float] | None = None) -> int:
    return run_appeals(store, DESK, now_us, lambda _account, _as_of: known)


def appeal_cases(store: Store) -> list[dict]:
    return [dict(row) for row in store.rows(sa.select(cases).where(cases.c.kind == "appeal"))]


def engine_messages(store: Store) -> list[dict]:
    rows = store.rows(sa.select(outbox).where(outbox.c.topic == ENGINE_TOPIC).order_by(outbox.c.id))
    return [json.loads(row["content"]) for row in rows]


def test_monitor_is_told_whenever_an_appeal_opens_or_is_answered_and_never_between(store: Store) -> None:
    def of_appeals() -> list[dict]:
        return [each for each in engine_messages(store) if "appeals_of" in each]

    appeal_id = submitted(store, decided(store))
    assert of_appeals() == [{"appeals_of": "a"}]
    act(store, appeal_id, "bob claim", "bob ask")
    assert len(of_appeals()) == 1
    act(store, appeal_id, "kim answer", "bob uphold")
    assert len(of_appeals()) == 2
    act(store, appeal_id, "kim again")
    assert len(of_appeals()) == 3
    act(store, appeal_id, "kim withdraw")
    assert of_appeals() == [{"appeals_of": "a"}] * 4


def proposed_again(store: Store, number: int, now_us: int, **changes: object) -> tuple[str, str | None]:
    """The state and the outcome of the case of another cut of line ``a``, whose trace has changes of its inputs."""
    trace = TRACE | {
        "inputs": TRACE["inputs"] | {name: value for name, value in changes.items() if name != "rule"}
    }
    row = {"proposal_id": f"p{number}", "account_id": "a", "decision_id": f"d{number}", "action": "decrease",
           "rule": changes.get("rule", "late_repeatedly"), "limit_before_cents": BEFORE_CENTS,
           "limit_after_cents": AFTER_CENTS, "made_us": number, "trace": json.dumps(trace)}  # fmt: skip
    changed = ProposalChange("a", number, "superseded", row=row)
    store.write(Commit(number, "events", 1, 1, b"", proposals=[changed]))
    held = held_by_grants(DESK.notices)
    cases_of_proposals(store, POLICY, now_us, DESK.effects, held=held)
    (case,) = store.rows(sa.select(cases).where(cases.c.proposal_id == f"p{number}"))
    return case["state"], case["outcome"]


def test_granted_appeal_holds_its_cause_until_bills_or_flags_say_something_new(store: Store) -> None:
    act(store, submitted(store, decided(store)), "bob claim", "bob grant")
    held = ("withdrawn", "granted_before")
    later_us = NOW_US + 100 * DAY_US
    assert proposed_again(store, 2, later_us, balance_cents=950_000.0) == held
    assert proposed_again(store, 3, later_us, on_time_streak=1.0) == ("open", None)
    assert proposed_again(store, 4, later_us, flag_count_90d=1.0) == ("open", None)
    assert proposed_again(store, 5, later_us, rule="risk_high") == ("open", None)
    assert proposed_again(store, 6, NOW_US + 181 * DAY_US) == held
    assert proposed_again(store, 7, NOW_US + 183 * DAY_US) == ("open", None)


def test_appeal_that_was_not_granted_holds_nothing(store: Store) -> None:
    act(store, submitted(store, decided(store)), "bob claim", "bob uphold")
    assert proposed_again(store, 2, NOW_US + 100 * DAY_US) == ("open", None)


def test_cut_that_the_system_would_approve_is_held_too(store: Store) -> None:
    act(store, submitted(store, decided(store)), "bob claim", "bob grant")
    entries = len(store.rows(sa.select(limit_entries)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(POLICY), "tier", lambda *_given: RequiredTier(1, ()))
        assert proposed_again(store, 2, NOW_US + 9 * DAY_US) == ("withdrawn", "granted_before")
    assert len(store.rows(sa.select(limit_entries))) == entries


def test_customer_gets_a_receipt_with_the_day_of_the_answer(store: Store) -> None:
    appeal_id = submitted(store, decided(store))
    row = appeal_row(store, appeal_id)
    assert (row["state"], row["tier"], row["rule"], json.loads(row["reasons"])) == (
        "submitted", 2, "late_repeatedly", ["late_recent"],
    )  # fmt: skip
    assert row["answer_until_us"] == NOW_US + 21 * DAY_US
    (receipt,) = told(store, "appeal_received")
    assert "2026年10月12日前答复" in receipt


def effect(store: Store, now_us: int, policy: NoticePolicy = DESK.notices) -> int:
    """The limit after what is due has taken effect, appeals being respected."""
    effected_due(store, now_us, lambda _w, _notice: True, is_suspended=suspended_by_appeal(policy))
    return ledger_line(store).limit_cents


def test_planned_cut_waits_until_its_appeal_is_answered(store: Store) -> None:
    appeal_id = submitted(store, decided(store))
    assert "暂缓生效" in told(store, "appeal_received")[0]
    assert effect(store, NOW_US + 8 * DAY_US) == BEFORE_CENTS
    act(store, appeal_id, "bob claim", "bob uphold", now_us=NOW_US + 9 * DAY_US)
    assert effect(store, NOW_US + 9 * DAY_US) == AFTER_CENTS


def test_second_instance_does_not_say_that_a_cut_waits_which_is_effective(store: Store) -> None:
    appeal_id = submitted(store, decided(store))
    act(store, appeal_id, "bob claim", "bob uphold")
    assert effect(store, NOW_US + 8 * DAY_US) == AFTER_CENTS
    act(store, appeal_id, "kim again", now_us=NOW_US + 9 * DAY_US)
    assert "暂缓生效" not in told(store, "appeal_received")[1]


def test_withdrawn_appeal_lets_the_cut_take_effect(store: Store) -> None:
    appeal_id = submitted(store, decided(store))
    act(store, appeal_id, "kim withdraw")
    assert effect(store, NOW_US + 8 * DAY_US) == AFTER_CENTS


def test_planned_cut_does_not_wait_where_the_policy_of_the_day_says_so(store: Store) -> None:
    submitted(store, decided(store))
    suspends = replace(
        DESK.notices.parameters["appeal_suspends"],
        values=((dt.date(2002, 1, 1), 1.0), (dt.date(2026, 9, 22), 0.0)),
    )
    policy = replace(DESK.notices, parameters=DESK.notices.parameters | {"appeal_suspends": suspends})
    assert effect(store, NOW_US + 8 * DAY_US, policy) == AFTER_CENTS


def test_appeal_holds_up_no_other_decision_on_the_line(store: Store) -> None:
    submitted(store, decided(store))
    decided(store, number=2, after_cents=300_000)
    assert effect(store, NOW_US + 8 * DAY_US) == 300_000


def test_what_was_written_is_sealed(store: Store) -> None:
    submitted(store, decided(store))
    (row,) = store.rows(sa.select(appeal_acts))
    assert b"paid" not in row["words"]
    assert row["actor_id"] == "kim"


def test_nobody_appeals_for_another_customer(store: Store) -> None:
    case_id = decided(store)
    with pytest.raises(ForbiddenError):
        submitted(store, case_id, Actor("eve", frozenset({CUSTOMER}), "b"))


def test_another_learns_not_even_whether_there_is_a_decision(store: Store) -> None:
    eve = Actor("eve", frozenset({CUSTOMER}), "b")
    for case_id in ("none", decided(store)):
        with pytest.raises(ForbiddenError):
            submitted(store, case_id, eve)
    with pytest.raises(ForbiddenError), work(store, eve, NOW_US) as w:
        decision_to_appeal(w, "nowhere")


def test_decision_is_appealed_against_once_and_in_time(store: Store) -> None:
    case_id = decided(store)
    submitted_late = submitted(store, case_id, now_us=NOW_US + 40 * DAY_US)  # his letter is not out
    act(store, submitted_late, "kim withdraw", now_us=NOW_US + 40 * DAY_US)
    letters_out(store, NOW_US + HOUR_US * 12)
    with pytest.raises(RefusedError, match="time to appeal"):
        submitted(store, case_id, now_us=NOW_US + 32 * DAY_US)
    appeal_id = submitted(store, case_id)
    with pytest.raises(RefusedError, match="one appeal at a time"):
        submitted(store, case_id)
    act(store, appeal_id, "kim withdraw")
    assert submitted(store, case_id) != appeal_id


def test_time_to_appeal_is_over_with_the_day_that_the_newest_letter_of_the_decision_names(
    store: Store,
) -> None:
    case_id = frozen_by_the_monitor(store)
    for act_on_it in ("claim", "approve"):
        case_act(store, case_id, "ann", act_on_it, NOW_US + 2 * DAY_US)
    letter = told(store, "freeze_confirmed")[0]
    assert "您可在2026年10月24日（含当日）前提出申诉" in letter  # it goes out in the morning
    letters_out(store, NOW_US + 2 * DAY_US + 12 * HOUR_US)
    late_us = NOW_US + 33 * DAY_US  # 22:13 of that day in Shanghai
    with pytest.raises(RefusedError, match="time to appeal"):
        submitted(store, case_id, now_us=late_us + 2 * HOUR_US)
    appeal_id = submitted(store, case_id, now_us=late_us + HOUR_US)
    act(store, appeal_id, "bob claim", "bob uphold", now_us=late_us + HOUR_US)
    with pytest.raises(RefusedError, match="time to appeal"):
        act(store, appeal_id, "kim again", now_us=late_us + 31 * DAY_US + 2 * HOUR_US)
    act(store, appeal_id, "kim again", now_us=late_us + 31 * DAY_US + HOUR_US + 1)


def test_who_approved_the_decision_does_not_answer_the_appeal(store: Store) -> None:
    appeal_id = submitted(store, decided(store))
    assert refusal(store, appeal_id, "ann claim") == "appeal_party"
    assert act(store, appeal_id, "bob claim")["claimed_by"] == "bob"


def test_whose_deputy_approved_it_does_not_answer_it_either(store: Store) -> None:
    with work(store, SYSTEM, NOW_US) as w:
        w.add(absences, {"absence_id": "1", "person_id": "bob", "deputy_id": "ann", "from_us": 0,
                         "to_us": NOW_US + 1, "version": 1})  # fmt: skip
    assert refusal(store, submitted(store, decided(store)), "bob claim") == "appeal_party"


def test_granted_before_its_time_a_cut_never_comes(store: Store) -> None:
    case_id = decided(store)
    row = act(store, submitted(store, case_id), "bob claim", "bob grant", words="The bill was paid.")
    in_effect(store)
    assert ledger_line(store).limit_cents == BEFORE_CENTS
    (case,) = appeal_cases(store)
    assert (case["case_id"], case["state"], case["outcome"]) == (row["new_case_id"], "approved", "bob")
    (answer,) = told(store, "appeal_decided")
    assert "申诉成立" in answer
    assert "The bill was paid." in answer


def test_granted_after_its_time_a_cut_is_undone_by_another_entry(store: Store) -> None:
    appeal_id = submitted(store, decided(store))
    in_effect(store)
    assert ledger_line(store).limit_cents == AFTER_CENTS
    row = act(store, appeal_id, "bob claim", "bob grant")
    in_effect(store)
    assert ledger_line(store).limit_cents == BEFORE_CENTS
    (back,) = store.rows(sa.select(limit_entries).where(limit_entries.c.action == "reverse"))
    assert (back["case_id"], back["state"]) == (row["new_case_id"], "effective")
    (case,) = appeal_cases(store)
    assert (case["limit_before_cents"], case["limit_after_cents"]) == (AFTER_CENTS, BEFORE_CENTS)


@pytest.mark.parametrize("effective", [False, True])
def test_granted_in_part_the_limit_is_what_was_granted(store: Store, effective: bool) -> None:
    appeal_id = submitted(store, decided(store))
    if effective:
        in_effect(store)
    act(store, appeal_id, "bob claim", "bob grant_partly", granted_limit_cents=700_000)
    in_effect(store, NOW_US + 3 * DAY_US)
    assert ledger_line(store).limit_cents == (700_000 if effective else BEFORE_CENTS)
    in_effect(store)
    assert ledger_line(store).limit_cents == 700_000
    assert "¥7,000.00" in told(store, "appeal_decided")[0]


@pytest.mark.parametrize("effective", [False, True])
def test_granted_in_part_and_then_whole_is_given_back_once(store: Store, effective: bool) -> None:
    appeal_id = submitted(store, decided(store))
    if effective:
        in_effect(store)
    act(store, appeal_id, "bob claim", "bob grant_partly", granted_limit_cents=700_000)
    in_effect(store)
    act(store, appeal_id, "kim again", "eva claim", "eva grant", now_us=NOW_US + 21 * DAY_US)
    in_effect(store, NOW_US + 22 * DAY_US)
    assert ledger_line(store).limit_cents == BEFORE_CENTS
    assert len(appeal_cases(store)) == 2


def test_part_lies_between_what_was_decided_and_what_was_before(store: Store) -> None:
    appeal_id = submitted(store, decided(store))
    act(store, appeal_id, "bob claim")
    for cents in (AFTER_CENTS, BEFORE_CENTS, None):
        assert refusal(store, appeal_id, "bob grant_partly", granted_limit_cents=cents) == "appeal_part"


def test_granted_appeal_ends_a_freeze_in_ledger_and_monitor(store: Store) -> None:
    appeal_id = submitted(store, decided(store, "freeze", after_cents=BEFORE_CENTS))
    in_effect(store)
    assert ledger_line(store).is_frozen
    assert refusal(store, appeal_id, "bob grant_partly") == "appeal_state"
    act(store, appeal_id, "bob claim", "bob grant")
    in_effect(store)
    assert not ledger_line(store).is_frozen
    assert {"freeze_lifted": "a", "since_us": 1} in engine_messages(store)


def test_freeze_that_waits_to_be_confirmed_is_appealed_against_too(store: Store) -> None:
    case_id = frozen_by_the_monitor(store)
    with work(store, SYSTEM, NOW_US) as w:
        assert decision_to_appeal(w, "a") == case_id
    appeal_id = submitted(store, case_id)
    case_act(store, case_id, "ann", "claim")
    assert refusal(store, appeal_id, "ann claim") == "appeal_party"
    act(store, appeal_id, "bob claim", "bob grant")
    in_effect(store)
    assert not ledger_line(store).is_frozen
    assert {"freeze_lifted": "a", "since_us": 1} in engine_messages(store)


def test_cut_in_steps_is_given_back_as_far_as_it_came(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TRACE, "action", {"rule": "late_repeatedly"})  # no duty: in steps
    appeal_id = submitted(store, decided(store))
    in_effect(store)
    assert AFTER_CENTS < ledger_line(store).limit_cents < BEFORE_CENTS
    act(store, appeal_id, "bob claim", "bob grant")
    in_effect(store, NOW_US + 400 * DAY_US)
    assert ledger_line(store).limit_cents == BEFORE_CENTS
    states = [
        row["state"]
        for row in store.rows(sa.select(limit_entries).where(limit_entries.c.action == "decrease"))
    ]
    assert set(states) == {"effective", "cancelled"}


@pytest.mark.parametrize("effective", [False, True])
def test_line_of_a_campaign_is_appealed_against_by_itself(store: Store, effective: bool) -> None:
    opening = CaseOpening("campaign", "decrease", None, None, None, 10, "sid")
    with work(store, officer("sid"), NOW_US) as w:
        case_id = case_opened(w, opening, DESK.approval, lambda _w, _row: None)
        for account in ("a", "b"):
            planned(
                w, LimitChange(account, "decrease", 1_000_000, 400_000, NOW_US, "campaign", case_id=case_id)
            )
    if effective:
        in_effect(store)
    row = appeal_row(store, submitted(store, case_id))
    assert (row["limit_before_cents"], row["limit_after_cents"], row["cut_cents"]) == (
        1_000_000,
        400_000,
        600_000,
    )
    act(store, row["appeal_id"], "bob claim", "bob grant_partly", granted_limit_cents=700_000)
    in_effect(store)
    assert ledger_line(store).limit_cents == 700_000
    others = store.rows(sa.select(limit_entries).where(limit_entries.c.account_id == "b"))
    assert {each["action"] for each in others} == {"open", "decrease"}


def test_what_a_customer_asked_for_himself_is_no_decision_to_appeal_against(store: Store) -> None:
    with work(store, SYSTEM, NOW_US) as w:
        planned(
            w, LimitChange("a", "decrease", 1_000_000, 500, NOW_US, "wish", "a", case_id="c", by_request=True)
        )
        with pytest.raises(RefusedError):
            decision_to_appeal(w, "a")


def test_corrections_are_told_to_the_monitor_as_events(store: Store) -> None:
    appeal_id = submitted(store, decided(store))
    right = {
        "kind": "bill_corrected",
        "ts": "2026-09-01T00:00:00Z",
        "amount": 100,
        "paid": 100,
        "days_past_due": 0,
    }
    act(store, appeal_id, "bob claim", "bob grant", corrections=[right])
    (message,) = [each for each in engine_messages(store) if each.get("kind") == "bill_corrected"]
    assert message == right | {"event_id": f"appeal-{appeal_id}-1", "account_id": "a"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "purchase"},
        {"kind": "bill_corrected", "ts": "2026-09-01T00:00:00Z"},
        {"kind": "flag_withdrawn"},
    ],
)
def test_correction_that_is_none_leaves_the_appeal_as_it_was(store: Store, wrong: dict) -> None:
    appeal_id = submitted(store, decided(store))
    act(store, appeal_id, "bob claim")
    with pytest.raises(InputError, match="Correction 1"):
        act(store, appeal_id, "bob grant", corrections=[wrong])
    assert appeal_row(store, appeal_id)["state"] == "in_review"
    assert appeal_cases(store) == []


def test_upheld_answer_says_until_when_to_appeal_again_and_then_somebody_above_answers(store: Store) -> None:
    appeal_id = submitted(store, decided(store))
    act(store, appeal_id, "bob claim", "bob uphold")
    # Written by night, it goes out in the morning.
    assert "2026年10月24日（含当日）前提出申诉" in told(store, "appeal_decided")[0]
    again = act(store, appeal_id, "kim again")
    assert (again["tier"], again["instance"]) == (3, 2)
    assert refusal(store, appeal_id, "bob claim") == "appeal_party"
    final = act(store, appeal_id, "eva claim", "eva uphold")
    assert (final["state"], final["again_until_us"]) == ("upheld", None)
    in_effect(store)
    assert ledger_line(store).limit_cents == AFTER_CENTS


def test_question_reaches_the_customer_in_his_language_and_his_answer_moves_the_date(store: Store) -> None:
    with work(store, SYSTEM, NOW_US) as w:
        preferences_set(w, "a", {"language": "en"})
    appeal_id = submitted(store, decided(store))
    asked = act(store, appeal_id, "bob claim", "bob ask", words="Please send the {receipt}.")
    (question,) = told(store, "appeal_asked")
    assert "by 2026-10-04" in question  # from the morning
    assert "{receipt}" in question
    back = act(store, appeal_id, "kim answer", now_us=NOW_US + 5 * DAY_US)
    assert back["answer_until_us"] == asked["answer_until_us"] + 3 * DAY_US


def test_appeal_that_nobody_answers_goes_up_and_ends_for_the_customer(store: Store) -> None:
    appeal_id = submitted(store, decided(store))
    in_effect(store)
    for day in range(2, 23):
        swept(store, NOW_US + day * DAY_US)
    row = appeal_row(store, appeal_id)
    assert (row["state"], row["outcome"], row["tier"]) == ("granted", "clock", 3)
    in_effect(store, NOW_US + 23 * DAY_US)
    assert ledger_line(store).limit_cents == BEFORE_CENTS
    assert "暂按申诉成立处理" in told(store, "appeal_decided")[0]
    acts = [each["act"] for each in store.rows(sa.select(appeal_acts).order_by(appeal_acts.c.version))]
    assert acts == ["submit", "clock.remind", "clock.escalate", "clock.end"]


def test_facts_that_were_put_right_settle_an_appeal_at_once(store: Store) -> None:
    appeal_id = submitted(store, decided(store))
    in_effect(store)
    assert swept(store, NOW_US + DAY_US, GOOD) == 1
    row = appeal_row(store, appeal_id)
    assert (row["state"], row["outcome"]) == ("granted", "facts")
    in_effect(store)
    assert ledger_line(store).limit_cents == BEFORE_CENTS
    (answer,) = told(store, "appeal_decided")
    assert "最近6期账单逾期占比。 0.5 → 0" in answer
    assert swept(store, NOW_US + 2 * DAY_US, GOOD) == 0


def test_facts_that_come_later_settle_it_then_and_a_look_is_no_act(store: Store) -> None:
    appeal_id = submitted(store, decided(store))
    assert swept(store, NOW_US + DAY_US, AS_THEN) == 0
    assert swept(store, NOW_US + DAY_US + 1, GOOD) == 0  # not looked at so soon
    assert appeal_row(store, appeal_id)["version"] == 1
    act(store, appeal_id, "bob claim")
    assert swept(store, NOW_US + DAY_US + TRIAGE_LOOK_US, GOOD) == 1
    assert appeal_row(store, appeal_id)["outcome"] == "facts"


def test_monitor_is_asked_while_it_may_write_to_the_same_store(store: Store) -> None:
    appeal_id = submitted(store, decided(store))

    def known(_account: str, _as_of: int) -> dict[str, float]:
        with work(store, SYSTEM, NOW_US) as w:  # as the monitor does between two answers
            w.note("alerts.acknowledge", "account:a")
        return GOOD

    assert run_appeals(store, DESK, NOW_US + DAY_US, known) == 1
    assert appeal_row(store, appeal_id)["outcome"] == "facts"


def test_facts_never_answer_against_the_customer(store: Store) -> None:
    appeal_id = submitted(store, decided(store))
    for known in (None, AS_THEN, AS_THEN | {"late_share_6": 1.0}, {}):
        swept(store, NOW_US + DAY_US + TRIAGE_LOOK_US, known)
        assert appeal_row(store, appeal_id)["state"] == "submitted"


def test_evidence_is_sealed_with_its_hash_and_every_look_is_kept(store: Store) -> None:
    appeal_id, content = submitted(store, decided(store)), pdf()
    with work(store, KIM, NOW_US + DAY_US) as w:
        evidence_id = evidence_added(w, DESK, appeal_id, judged_evidence("../../bill\n.exe", content))
    (row,) = store.rows(sa.select(appeal_evidence))
    assert (row["kind"], row["size_bytes"]) == ("pdf", len(content))
    assert content not in row["content"]
    with work(store, officer("bob"), NOW_US + 2 * DAY_US) as w:
        read = evidence_read(w, SEAL, appeal_id, evidence_id)
    assert (read.content, read.kind, read.name) == (content, "pdf", "../../bill.exe")
    events = store.rows(sa.select(audit_events).order_by(audit_events.c.number))
    assert [(each["actor_id"], each["act"]) for each in events][-1] == ("bob", "appeal.look")
    assert first_break([dict(each) for each in events]) is None


def test_evidence_of_another_customer_is_not_read_nor_added(store: Store) -> None:
    appeal_id = submitted(store, decided(store))
    with work(store, KIM, NOW_US) as w:
        evidence_id = evidence_added(w, DESK, appeal_id, judged_evidence("a", b"paid"))
    eve = Actor("eve", frozenset({CUSTOMER}), "b")
    with pytest.raises(ForbiddenError), work(store, eve, NOW_US) as w:
        evidence_read(w, SEAL, appeal_id, evidence_id)
    with pytest.raises(ForbiddenError), work(store, eve, NOW_US) as w:
        evidence_added(w, DESK, appeal_id, judged_evidence("a", b"paid"))


def test_files_are_few_and_the_same_one_is_kept_once(store: Store) -> None:
    appeal_id = submitted(store, decided(store))
    with work(store, KIM, NOW_US) as w:
        ids = {
            evidence_added(w, DESK, appeal_id, judged_evidence("a", b"%d" % number))
            for number in (*range(EVIDENCE_FILES_MAX), 0)
        }
    assert len(ids) == EVIDENCE_FILES_MAX
    with pytest.raises(EvidenceError, match="too many"), work(store, KIM, NOW_US) as w:
        evidence_added(w, DESK, appeal_id, judged_evidence("a", b"one more"))


def test_who_answers_has_seen_the_newest_evidence(store: Store) -> None:
    appeal_id = submitted(store, decided(store))
    version = act(store, appeal_id, "bob claim")["version"]
    with work(store, KIM, NOW_US) as w:
        evidence_added(w, DESK, appeal_id, judged_evidence("a", b"paid"))
    with pytest.raises(RefusedError) as error, work(store, officer("bob"), NOW_US + DAY_US) as w:
        appeal_acted(w, DESK, appeal_id, version, "uphold", "why")
    assert error.value.rule == "version"


def test_answered_appeal_takes_no_more_evidence(store: Store) -> None:
    appeal_id = submitted(store, decided(store))
    act(store, appeal_id, "bob claim", "bob uphold")
    with pytest.raises(RefusedError), work(store, KIM, NOW_US) as w:
        evidence_added(w, DESK, appeal_id, judged_evidence("a", b"paid"))


def test_customer_reads_what_concerns_him_and_not_who_works_on_it(store: Store) -> None:
    appeal_id = submitted(store, decided(store))
    act(store, appeal_id, "bob claim", "bob uphold", words="Both bills were late.")
    with work(store, KIM, NOW_US) as w:
        own = appeal_read(w, SEAL, appeal_id)
    assert "bob" not in json.dumps(own)
    assert [each["act"] for each in own["acts"]] == ["submit", "uphold"]
    assert own["acts"][1]["words"] == "Both bills were late."
    with work(store, officer("fay"), NOW_US) as w:
        assert appeal_read(w, SEAL, appeal_id)["outcome"] == "bob"


def test_statistics_count_what_was_overturned_by_rule_reason_and_model(store: Store) -> None:
    first = submitted(store, decided(store))
    act(store, first, "bob claim", "bob grant")
    second = submitted(store, decided(store, number=2))
    act(store, second, "bob claim", "bob uphold")
    third = submitted(store, decided(store, number=3, after_cents=200_000))
    with work(store, Actor("cam", frozenset({COMPLIANCE})), NOW_US) as w:
        found = appeal_statistics(w)
    assert found["waiting"] == 1
    assert (found["all"]["answered"], found["all"]["overturned_share"]) == (2, 0.5)
    assert [row["rule"] for row in found["by_rule"]] == ["late_repeatedly"]
    assert (found["by_reason"][0]["reason"], found["by_model"][0]["model"]) == ("late_recent", "sha256:m1")
    for day in range(3, 30):
        swept(store, NOW_US + day * DAY_US)
    assert appeal_row(store, third)["outcome"] == "clock"
    with work(store, officer("bob"), NOW_US) as w:
        found = appeal_statistics(w)
    assert (found["all"]["provisional"], found["all"]["overturned_share"]) == (1, 0.5)


def test_appeal_that_cannot_be_moved_holds_up_no_other(store: Store) -> None:
    odd = submitted(store, decided(store))
    other = appeal_row(store, odd) | {
        "appeal_id": "b" * 32,
        "account_id": "b",
        "customer_id": "b",
        "triage_us": None,
    }
    with work(store, SYSTEM, NOW_US) as w:
        preferences_set(w, "a", {"language": "xx"})
        w.add(appeals, other | {"due_us": NOW_US + 21 * DAY_US})
    swept(store, NOW_US + 6 * DAY_US)
    swept(store, NOW_US + 11 * DAY_US)
    for _ in range(2):
        with pytest.raises(PolicyError):  # the end is told, in no language
            swept(store, NOW_US + 21 * DAY_US)
    assert appeal_row(store, odd)["is_live"]
    assert appeal_row(store, "b" * 32)["version"] > 1


def test_two_who_submit_at_once_have_one_appeal(store: Store) -> None:
    case_id, found = decided(store), list[str]()

    def submit() -> None:
        try:
            found.append(submitted(store, case_id))
        except Exception as error:  # noqa: BLE001 - what is told is what the test reads
            found.append(type(error).__name__)

    threads = [threading.Thread(target=submit) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(store.rows(sa.select(appeals))) == 1
    assert sorted(name for name in found if name.endswith("Error")) == sorted(
        name for name in found if name in ("RefusedError", "ConflictError")
    )
    assert len(told(store, "appeal_received")) == 1


def test_act_that_fails_half_way_leaves_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    appeal_id = submitted(store, decided(store))
    act(store, appeal_id, "bob claim")

    def fails(*_given: object, **_named: object) -> None:
        raise OSError("away")

    monkeypatch.setattr("limitkeeper.app.appeals.told", fails)
    with pytest.raises(OSError, match="away"):
        act(store, appeal_id, "bob grant")
    assert appeal_row(store, appeal_id)["state"] == "in_review"
    assert appeal_cases(store) == []
    in_effect(store)
    assert ledger_line(store).limit_cents == AFTER_CENTS


def test_appeal_without_words_or_too_many_is_refused(store: Store) -> None:
    case_id = decided(store)
    for text, error in ((" ", RefusedError), ("a" * 10_001, InputError)):
        with pytest.raises(error), work(store, KIM, NOW_US) as w:
            appeal_submitted(w, DESK, case_id, "a", text)
