"""Letters about planned changes on every store, which something that came later makes untrue."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from limitkeeper.app.appeals import AppealDesk
from limitkeeper.app.approval_policy import approval_policy
from limitkeeper.app.bounces import returned
from limitkeeper.app.cases import CaseOpening, case_acted, case_opened, terms_in_force
from limitkeeper.app.customer_preferences import preferences_set
from limitkeeper.app.decisions import effects
from limitkeeper.app.due_changes import effected_due
from limitkeeper.app.freezes import freezes_followed
from limitkeeper.app.known_notices import inbox
from limitkeeper.app.late_letters import LateLetters
from limitkeeper.app.limits import LimitChange, entries_of, planned, planned_rows, undone
from limitkeeper.app.line_requests import SeenLine, request_made, request_taken_back
from limitkeeper.app.notice_days import suspended
from limitkeeper.app.notice_policy import notice_policy
from limitkeeper.app.notices import contact_added, deliver_notices, is_out, sent_again
from limitkeeper.app.steps import step_cancelled, steps_looked_at
from limitkeeper.connectors.bounces import Bounce
from limitkeeper.connectors.letters import Letter, LetterError, LetterRefusedError
from limitkeeper.core.access.actors import CUSTOMER, OFFICER, SYSTEM, Actor
from limitkeeper.core.access.chain import first_break
from limitkeeper.core.behaviour.events import DAY_US, NEVER_US
from limitkeeper.core.limits.ledger import LOWERING
from limitkeeper.store.audit_tables import audit_events
from limitkeeper.store.case_tables import mandates
from limitkeeper.store.limit_tables import limit_entries, lines
from limitkeeper.store.notice_tables import deliveries, notices
from limitkeeper.store.sql import Store
from limitkeeper.store.tables import freeze_changes, proposals, stated_accounts
from limitkeeper.store.work import work
from tests.vaults import SEAL

NOW_US = 1_790_040_000_000_000  # by day in Shanghai
POLICY = approval_policy()
EFFECTS = effects(SEAL, notice_policy("CN"))
LATE = LateLetters(AppealDesk(EFFECTS, POLICY))
ANN = Actor("ann", frozenset({OFFICER}))
KIM = Actor("kim", frozenset({CUSTOMER}), "c-1")
TRACE: dict[str, Any] = {
    "decision_id": "d",
    "rules": [{"action": "decrease", "hit": True}],
    "reasons": [{"code": "late_recent", "en": "Late", "zh": "逾期", "help_en": "Pay", "help_zh": "还款"}],
}


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    found = Store(store_url)
    with work(found, SYSTEM, NOW_US) as w:
        w.add(stated_accounts, {"account_id": "a", "customer_id": "c-1", "segment": None})
        w.add(mandates, {"mandate_id": "m", "person_id": "ann", "tier": 2, "actions": "[]", "cut_cents_max": None,
                         "exposure_cents_max": None, "from_us": 0, "to_us": NEVER_US, "version": 1})  # fmt: skip
        preferences_set(w, "c-1", {"language": "en"})
        contact_added(w, SEAL, "c-1", "mail", "kim@mail.test", 1)
    yield found
    found.close()


def cut(
    store: Store, after_cents: int, now_us: int, name: str = "p", action: str = "decrease", *, at_once: bool = False
) -> str:  # fmt: skip
    """A decision of the lender's that ann approves; its case."""
    kind = "restoration" if action == "restore" else "decision"
    opening = CaseOpening(kind, action, "a", 1_000_000, after_cents, 1_000_000, "system", "c-1", name,
                          facts={"refused_automation": True})  # fmt: skip
    trace = TRACE | ({"action": {"constraints": ["line_cap"]}} if at_once else {})
    with work(store, SYSTEM, now_us) as w:
        w.add(proposals, {"proposal_id": name, "account_id": "a", "decision_id": name, "action": action, "rule": "r",
                          "limit_before_cents": 1_000_000, "limit_after_cents": after_cents, "made_us": now_us,
                          "status": "open", "status_us": now_us, "reason": None, "trace": json.dumps(trace),
                          "sequence": 1})  # fmt: skip
        case_id = case_opened(w, opening, POLICY, EFFECTS)
    for version, act in ((1, "claim"), (2, "approve")):
        with work(store, ANN, now_us) as w:
            case_acted(w, SEAL, case_id, version, act, terms_in_force(w, POLICY), EFFECTS, "seen")
    return case_id


def asked(store: Store, limit_cents: int, now_us: int) -> None:
    with work(store, KIM, now_us) as w:
        request_made(w, POLICY, EFFECTS, "a", limit_cents, SeenLine(1_000_000, 0))


def taken_back(store: Store, now_us: int) -> None:
    with work(store, KIM, now_us) as w:
        request_taken_back(w, POLICY, EFFECTS, "a")


def sent(store: Store, now_us: int) -> list[Letter]:
    """What goes out by mail."""
    mail: list[Letter] = []
    deliver_notices(store, {"mail": mail.append}, SEAL, lambda: now_us, renewed=LATE)
    return mail


def told_kinds(store: Store) -> list[str]:
    rows = store.rows(sa.select(notices).where(notices.c.state != "withdrawn").order_by(notices.c.made_us))
    return [row["kind"] for row in rows]


def of_cuts(letters: list[Letter]) -> str:
    """The one letter that tells of the lender's cut."""
    (letter,) = (
        each for each in letters if "asked us to" not in each.subject and "taken back" not in each.subject
    )
    return letter.text


def test_cut_that_is_approved_while_a_request_is_planned_is_told_from_the_limit_that_it_will_find(
    store: Store,
) -> None:
    asked(store, 600_000, NOW_US)
    cut(store, 300_000, NOW_US + DAY_US)
    told = of_cuts(sent(store, NOW_US + DAY_US))
    # Of its steps to 6,500 and 3,000 the first takes nothing any more.
    assert "is ¥3,000.00. Until then it is ¥6,000.00" in told
    assert "10,000" not in told
    assert "6,500" not in told
    assert "asked us yourself to lower this line: to ¥6,000.00" in told
    assert "That is counted in" in told
    for days in (3, 8, 38):
        effected_due(store, NOW_US + days * DAY_US, is_out)
    steps = store.rows(sa.select(limit_entries).where(limit_entries.c.state == "planned"))
    assert [row["target_cents"] for row in steps] == [300_000]  # it waits to be looked at
    assert {row["limit_cents"] for row in store.rows(sa.select(lines))} == {600_000}


def test_cut_that_a_request_goes_further_than_is_told_with_it(store: Store) -> None:
    asked(store, 400_000, NOW_US)
    cut(store, 500_000, NOW_US + DAY_US)
    told = of_cuts(sent(store, NOW_US + DAY_US))
    assert "to ¥4,000.00" in told
    assert "the change above takes nothing more" in told


@pytest.mark.parametrize("wanted", [600_000, 250_000])
def test_letter_that_is_out_is_corrected_when_a_request_comes_before_its_cut_and_when_it_is_taken_back(
    store: Store, wanted: int
) -> None:
    cut(store, 300_000, NOW_US)
    assert "from ¥10,000.00 to ¥3,000.00" in of_cuts(sent(store, NOW_US))
    asked(store, wanted, NOW_US + DAY_US)
    told = of_cuts(sent(store, NOW_US + DAY_US))
    if wanted == 600_000:
        assert "the limit is lowered from ¥6,000.00 to ¥3,000.00" in told
    else:
        assert "lowers the limit to ¥2,500.00" in told
        assert "takes nothing more" in told
    taken_back(store, NOW_US + 2 * DAY_US)
    told = of_cuts(sent(store, NOW_US + 2 * DAY_US))
    assert "the limit is lowered from ¥10,000.00 to ¥3,000.00" in told
    assert "¥6,500.00" in told
    rows = store.rows(sa.select(limit_entries).where(limit_entries.c.state == "planned"))
    assert [row["target_cents"] for row in rows] == [650_000, 300_000]  # nothing was planned anew


def test_letter_that_nobody_knows_yet_is_written_anew_and_its_cut_waits_for_it(store: Store) -> None:
    cut(store, 300_000, NOW_US)
    asked(store, 600_000, NOW_US + DAY_US)
    with work(store, KIM, NOW_US + DAY_US) as w:
        kinds = [each["kind"] for each in inbox(w, SEAL, "c-1")]
    assert sorted(kinds) == ["limit_decreased", "lowered_at_request"]
    told = of_cuts(sent(store, NOW_US + DAY_US))
    assert "Until then it is ¥6,000.00" in told
    assert "1. Late" in told
    rows = store.rows(sa.select(limit_entries).order_by(limit_entries.c.number))
    cuts = [row for row in rows if row["action"] == "decrease" and not row["by_request"]]
    assert [row["state"] for row in cuts] == ["cancelled", "cancelled", "planned", "planned"]
    first = cuts[2]
    assert (
        first["planned_us"] == NOW_US + 8 * DAY_US
    )  # its days of notice begin with the letter that goes out
    (withdrawn,) = store.rows(sa.select(notices).where(notices.c.state == "withdrawn"))
    assert withdrawn["notice_id"] != first["notice_id"]
    assert first_break(store.rows(sa.select(audit_events).order_by(audit_events.c.number))) is None


def test_request_that_comes_after_the_cut_leaves_its_letter_as_it_is(store: Store) -> None:
    cut(store, 900_000, NOW_US)
    sent(store, NOW_US)
    asked(store, 600_000, NOW_US + 6 * DAY_US)
    (letter,) = sent(store, NOW_US + 6 * DAY_US)
    assert "from ¥9,000.00 to ¥6,000.00" in letter.text


def test_letter_of_a_step_that_was_cancelled_goes_out_no_more_and_whoever_may_know_of_it_is_told(
    store: Store,
) -> None:
    def step_ended(now_us: int) -> None:
        with work(store, ANN, now_us) as w:
            step_cancelled(w, EFFECTS, POLICY, planned_rows(w, "a", LOWERING)[0]["entry_id"], "a mistake")

    cut(store, 700_000, NOW_US)
    step_ended(NOW_US + 1)
    assert sent(store, NOW_US + 2) == []
    assert told_kinds(store) == []  # nobody knew of it

    def busy(_letter: Letter) -> None:
        raise LetterError("try later")

    cut(store, 700_000, NOW_US + 3, "tried")
    deliver_notices(store, {"mail": busy}, SEAL, lambda: NOW_US + 4)
    step_ended(NOW_US + 5)
    (letter,) = sent(store, NOW_US + DAY_US)
    assert "A planned reduction of your credit line **** a is not made" in letter.subject

    cut(store, 700_000, NOW_US + 2 * DAY_US, "seen")
    with work(store, KIM, NOW_US + 2 * DAY_US) as w:
        assert inbox(w, SEAL, "c-1")[0]["kind"] == "limit_decreased"
    step_ended(NOW_US + 2 * DAY_US + 1)
    (letter,) = sent(store, NOW_US + 2 * DAY_US + 2)
    assert "A planned reduction of your credit line **** a is not made" in letter.subject
    assert told_kinds(store) == [
        "steps_cancelled",
        "limit_decreased",
        "steps_cancelled",
    ]  # what he saw stays there
    assert first_break(store.rows(sa.select(audit_events).order_by(audit_events.c.number))) is None


def test_letter_that_its_customer_saw_in_the_inbox_is_corrected_and_not_withdrawn(store: Store) -> None:
    cut(store, 300_000, NOW_US)
    with work(store, SYSTEM, NOW_US + 1) as w:
        inbox(w, SEAL, "c-1")  # that others look says nothing
    assert store.rows(sa.select(deliveries)) == []
    for _ in range(2):
        with work(store, KIM, NOW_US + 1) as w:
            inbox(w, SEAL, "c-1")
    (shown,) = store.rows(sa.select(deliveries))
    assert (shown["channel"], shown["state"]) == ("inbox", "shown")
    asked(store, 600_000, NOW_US + 2)
    assert sorted(told_kinds(store)) == ["change_corrected", "limit_decreased_in_steps", "lowered_at_request"]


def test_request_is_taken_back_where_nothing_is_left_of_a_planned_step(store: Store) -> None:
    cut(store, 300_000, NOW_US)
    sent(store, NOW_US)
    effected_due(store, NOW_US + 7 * DAY_US, is_out)
    cut(store, 250_000, NOW_US + 8 * DAY_US, "further", at_once=True)
    sent(store, NOW_US + 8 * DAY_US)
    effected_due(store, NOW_US + 15 * DAY_US, is_out)
    assert {row["limit_cents"] for row in store.rows(sa.select(lines))} == {250_000}
    asked(store, 100_000, NOW_US + 16 * DAY_US)
    taken_back(store, NOW_US + 16 * DAY_US + 1)
    assert told_kinds(store)[2:] == ["lowered_at_request", "request_taken_back"]


def test_letter_that_goes_out_late_is_written_anew_and_its_cut_has_all_its_days_of_notice(
    store: Store,
) -> None:
    def refused(_letter: Letter) -> None:
        raise LetterRefusedError("no")

    cut(store, 700_000, NOW_US)
    for _ in range(2):
        deliver_notices(store, {"mail": refused}, SEAL, lambda: NOW_US)
    (dead,) = store.rows(sa.select(notices))
    assert dead["state"] == "dead"
    late_us = NOW_US + 20 * DAY_US
    with work(store, SYSTEM, late_us) as w:
        sent_again(w, dead["notice_id"])
    assert sent(store, late_us) == []
    (letter,) = sent(store, late_us)
    assert letter.subject == "Your credit limit changes on 2026-10-19"
    is_suspended = suspended(EFFECTS.policy)
    effected_due(store, late_us + 7 * DAY_US - 1, is_out, is_suspended=is_suspended)
    assert {row["limit_cents"] for row in store.rows(sa.select(lines))} == {1_000_000}
    effected_due(store, late_us + 8 * DAY_US, is_out, is_suspended=is_suspended)
    assert {row["limit_cents"] for row in store.rows(sa.select(lines))} == {700_000}


def test_cut_whose_letter_came_back_waits_from_when_another_went_out(store: Store) -> None:
    with work(store, SYSTEM, NOW_US) as w:
        contact_added(w, SEAL, "c-1", "mail", "kim@other.test", 2)
    cut(store, 700_000, NOW_US)
    (letter,) = sent(store, NOW_US)
    again_us = NOW_US + 3_600_000_000
    with work(store, SYSTEM, again_us) as w:
        assert returned(w, [Bounce(letter.letter_id, "failed", "5.1.1")])["broken"] == 1
    assert len(sent(store, again_us)) == 1  # on the same day: its day of effect holds
    is_suspended = suspended(EFFECTS.policy)
    effected_due(store, NOW_US + 7 * DAY_US, is_out, is_suspended=is_suspended)
    assert {row["state"] for row in store.rows(sa.select(limit_entries))} == {"effective", "planned"}
    effected_due(store, again_us + 7 * DAY_US, is_out, is_suspended=is_suspended)
    assert {row["limit_cents"] for row in store.rows(sa.select(lines))} == {700_000}


def test_cut_is_told_from_the_limit_that_another_planned_cut_leaves_and_days_of_notice_begin_in_the_morning(
    store: Store,
) -> None:
    cut(store, 800_000, NOW_US)
    cut(store, 600_000, NOW_US + 2 * DAY_US, "further")
    told = sent(store, NOW_US + 2 * DAY_US)[-1].text
    assert "is ¥6,000.00. Until then it is ¥8,000.00" in told
    night_us = NOW_US + 2 * DAY_US + 13 * 3_600_000_000  # 22:20 in Shanghai
    cut(store, 500_000, night_us, "by night")
    assert sent(store, night_us) == []
    (letter,) = sent(store, night_us + DAY_US // 2)
    assert letter.subject == "Your credit limit changes on 2026-10-02"


def test_restoration_that_the_customers_own_request_ends_is_told_as_far_as_it_comes(store: Store) -> None:
    cut(store, 300_000, NOW_US, at_once=True)
    sent(store, NOW_US)
    effected_due(store, NOW_US + 8 * DAY_US, is_out)
    now_us = NOW_US + 40 * DAY_US
    asked(store, 200_000, now_us)
    sent(store, now_us)
    cut(store, 1_000_000, now_us, "back", "restore")
    (letter,) = sent(store, now_us)
    assert "is ¥5,500.00, up from ¥3,000.00" in letter.text
    assert (
        "to ¥2,000.00 on 2026-11-04. As long as your request stands, the limit does not rise" in letter.text
    )
    assert "8,000" not in letter.text
    taken_back(store, now_us + 1)
    (letter,) = sent(store, now_us + 1)
    assert "up to ¥10,000.00, from 2026-11-01" in letter.text


def test_change_that_is_known_and_gives_way_to_another_is_told_as_replaced(store: Store) -> None:
    cut(store, 300_000, NOW_US)
    sent(store, NOW_US)
    effected_due(store, NOW_US + 8 * DAY_US, is_out)
    cut(store, 750_000, NOW_US + 9 * DAY_US, "back", "restore")  # its next step does not come
    assert "change_replaced" in told_kinds(store)
    sent(store, NOW_US + 9 * DAY_US)
    asked(store, 400_000, NOW_US + 9 * DAY_US + 1)  # nor does the rise
    letters = sent(store, NOW_US + 9 * DAY_US + 1)
    assert any("we told you of does not take place" in each.subject for each in letters)


def steps_go_on(store: Store, now_us: int, trace: dict[str, Any] = TRACE) -> None:
    """The steps that have come are looked at, still called for, and taken into effect, or there is nothing left."""
    steps_looked_at(store, EFFECTS, lambda _account: trace, now_us)
    is_suspended = suspended(EFFECTS.policy)
    effected_due(store, now_us, is_out, is_suspended=is_suspended, told_moot=EFFECTS.told_moot)


def test_step_that_finds_nothing_left_to_change_is_told_to_whoever_was_told_of_it(store: Store) -> None:
    cut(store, 300_000, NOW_US)  # to 6,500 and 3,000
    sent(store, NOW_US)
    steps_go_on(store, NOW_US + 7 * DAY_US)
    cut(store, 250_000, NOW_US + 8 * DAY_US, "further", at_once=True)
    sent(store, NOW_US + 8 * DAY_US)
    steps_go_on(store, NOW_US + 15 * DAY_US)
    cut(store, 100_000, NOW_US + 44 * DAY_US, "last", at_once=True)
    sent(store, NOW_US + 44 * DAY_US)
    steps_go_on(store, NOW_US + 46 * DAY_US)
    (letter,) = sent(store, NOW_US + 46 * DAY_US)
    assert letter.subject == "A planned change of your credit line **** a is not made"
    assert "was to come on 2026-10-29" in letter.text
    assert "have brought the limit to ¥2,500.00" in letter.text
    assert "still planned, from these days at the earliest:\n- 2026-11-12: ¥1,000.00" in letter.text


def test_step_of_which_the_customers_own_request_left_nothing_is_not_told_once_more(store: Store) -> None:
    cut(store, 700_000, NOW_US)
    sent(store, NOW_US)
    asked(store, 500_000, NOW_US + 1)
    for days in (3, 8):
        steps_go_on(store, NOW_US + days * DAY_US)
    assert {row["limit_cents"] for row in store.rows(sa.select(lines))} == {500_000}
    assert sorted(told_kinds(store)) == ["change_overtaken", "limit_decreased", "lowered_at_request"]


def test_way_that_fails_comes_to_its_end_and_the_next_is_tried_though_the_letter_is_written_anew_each_day(
    store: Store,
) -> None:
    with work(store, SYSTEM, NOW_US) as w:
        contact_added(w, SEAL, "c-1", "sms", "+8613900000000", 2)
    phone: list[Letter] = []

    def busy(_letter: Letter) -> None:
        raise LetterError("try later")

    cut(store, 700_000, NOW_US)
    for hours in range(60):
        now_us = NOW_US + hours * 3_600_000_000
        deliver_notices(store, {"mail": busy, "sms": phone.append}, SEAL, lambda at=now_us: at, renewed=LATE)
    (letter,) = phone
    assert "Your credit limit changes on 2026-09-30" in letter.subject
    states = store.rows(sa.select(notices.c.state).order_by(notices.c.made_us))
    assert [row["state"] for row in states] == ["withdrawn", "out"]


def test_restoration_in_the_night_is_told_with_the_day_of_its_letter_and_what_an_appeal_gave_back_before_is_told_once(
    store: Store,
) -> None:
    cut(store, 300_000, NOW_US, at_once=True)
    sent(store, NOW_US)
    effected_due(store, NOW_US + 8 * DAY_US, is_out)
    night_us = NOW_US + 40 * DAY_US + 13 * 3_600_000_000  # 22:20 in Shanghai
    cut(store, 1_000_000, night_us, "back", "restore")  # to 5,500, 8,000 and 10,000
    morning_us = night_us + DAY_US // 2
    (letter,) = sent(store, morning_us)
    assert letter.subject == "Your credit limit rises step by step from 2026-11-02"
    effected_due(store, morning_us, is_out)
    with work(store, ANN, morning_us + 1) as w:
        (taken,) = [row["entry_id"] for row in entries_of(w, "a") if row["action"] == "decrease"]
        undone(w, taken, "appeal", morning_us + 1)
    effected_due(store, morning_us + 1, is_out)
    assert {row["limit_cents"] for row in store.rows(sa.select(lines))} == {1_000_000}
    for days in (31, 62):
        steps_go_on(store, morning_us + days * DAY_US, TRACE | {"rules": []})
    (letter,) = sent(store, morning_us + 62 * DAY_US)
    assert "have brought the limit to ¥10,000.00" in letter.text
    assert "still planned" not in letter.text
    assert store.rows(sa.select(limit_entries).where(limit_entries.c.state == "planned")) == []


def test_end_of_a_freeze_is_not_told_of_a_line_that_was_closed_meanwhile(store: Store) -> None:
    with work(store, SYSTEM, NOW_US) as w:
        for action, after_cents in (("freeze", None), ("close", 0)):
            planned(w, LimitChange("a", action, 1_000_000, after_cents, NOW_US, "risk", "c-1"))
    effected_due(store, NOW_US, is_out)
    with work(store, SYSTEM, NOW_US + 1) as w:
        w.add(freeze_changes, {"account_id": "a", "proposal_id": None, "status": "lapsed", "reason": None,
                               "ts_us": NOW_US + 1, "sequence": 1, "is_kept": False})  # fmt: skip
    freezes_followed(store, EFFECTS, NOW_US + 1)
    effected_due(store, NOW_US + 1, is_out)
    assert [(row["limit_cents"], bool(row["is_frozen"])) for row in store.rows(sa.select(lines))] == [
        (0, False)
    ]
    assert told_kinds(store) == []
