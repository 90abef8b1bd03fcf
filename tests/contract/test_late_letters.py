"""Letters that go out on a later day than they were written for, on every store: what they name is whole, and holds."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from limitkeeper.app import late_letters
from limitkeeper.app.appeal_clocks import run_appeals
from limitkeeper.app.appeals import appeal_submitted
from limitkeeper.app.bounces import returned
from limitkeeper.app.customer_preferences import preferences_set
from limitkeeper.app.due_changes import effected_due
from limitkeeper.app.known_notices import inbox
from limitkeeper.app.late_letters import LateLetters
from limitkeeper.app.notice_days import suspended
from limitkeeper.app.notices import contact_added, deliver_notices, is_out, sent_again, written
from limitkeeper.app.verification import evidence_verified
from limitkeeper.connectors.bounces import Bounce
from limitkeeper.connectors.letters import Letter, LetterError, LetterRefusedError
from limitkeeper.core.access.actors import SYSTEM
from limitkeeper.core.access.chain import first_break
from limitkeeper.core.approval.refusals import RefusedError
from limitkeeper.core.behaviour.events import DAY_US, HOUR_US
from limitkeeper.core.kernel.instants import day_of
from limitkeeper.core.notice.notice import NoticeFacts
from limitkeeper.store.appeal_tables import appeal_acts
from limitkeeper.store.audit_tables import audit_events
from limitkeeper.store.limit_tables import limit_entries
from limitkeeper.store.notice_tables import notices
from limitkeeper.store.sql import Store
from limitkeeper.store.work import work
from tests.appealed_decisions import (
    DESK,
    KIM,
    NOW_US,
    SEAL,
    TRACE,
    act,
    appeal_row,
    case_act,
    decided,
    ledger_line,
    proposed,
    staffed,
    submitted,
)  # fmt: skip

LATE = LateLetters(DESK)
MORNING_US = NOW_US + 12 * HOUR_US  # 10:13 in Shanghai; what is written at NOW_US goes out then


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    found = Store(store_url)
    found.take({})
    staffed(found)
    with work(found, SYSTEM, NOW_US) as w:
        preferences_set(w, "a", {"language": "en"})
        contact_added(w, SEAL, "a", "mail", "kim@mail.test", 1)
        contact_added(w, SEAL, "a", "post", "kim@post.test", 2)
    yield found
    assert first_break(found.rows(sa.select(audit_events).order_by(audit_events.c.number))) is None
    assert evidence_verified(found).faults == []
    found.close()


def sent(store: Store, now_us: int, **channels: Callable[[Letter], None]) -> list[Letter]:
    """What goes out by mail and post, once nothing is to be written anew any more."""
    taken: list[Letter] = []
    ways = {"mail": taken.append, "post": taken.append} | channels
    for _ in range(3):
        deliver_notices(store, ways, SEAL, lambda: now_us, renewed=LATE)
    return taken


def came_back(store: Store, letter: Letter, now_us: int) -> None:
    with work(store, SYSTEM, now_us) as w:
        assert returned(w, [Bounce(letter.letter_id, "failed", "5.1.1")])["broken"] == 1


def take_effect(store: Store, now_us: int) -> None:
    effected_due(store, now_us, is_out, is_suspended=suspended(DESK.effects.policy))


def appeal_at(store: Store, case_id: str, now_us: int) -> str:
    with work(store, KIM, now_us) as w:
        return appeal_submitted(w, DESK, case_id, "a", "I paid on time.")


def letters(store: Store) -> list[tuple[str, str]]:
    rows = store.rows(sa.select(notices).order_by(notices.c.made_us, notices.c.notice_id))
    return [(row["kind"], row["state"]) for row in rows]


def test_letter_of_a_cut_that_comes_back_after_its_effect_has_all_the_days_to_appeal_as_often_as_it_does(
    store: Store,
) -> None:
    case_id = decided(store)
    (letter,) = sent(store, MORNING_US)
    assert "appeal until 2026-10-22" in letter.text
    take_effect(store, MORNING_US + 8 * DAY_US)
    assert ledger_line(store).limit_cents == 400_000
    again_us = MORNING_US + 20 * DAY_US
    came_back(store, letter, again_us)
    (second,) = sent(store, again_us)
    assert (
        "From 2026-09-30 the limit of your line **** a is ¥4,000.00. Until then it is ¥10,000.00."
        in second.text
    )
    assert "1. Late" in second.text
    assert "appeal until 2026-11-11" in second.text
    last_us = MORNING_US + 40 * DAY_US
    with work(store, SYSTEM, last_us) as w:
        contact_added(w, SEAL, "a", "mail", "kim@new.test", 3)
        assert returned(w, [Bounce(second.letter_id, "failed", "4.2.0")])["given_up"] == 1
    (third,) = sent(store, last_us)
    assert "appeal until 2026-12-01" in third.text
    assert letters(store) == [("limit_decreased", state) for state in ("withdrawn", "withdrawn", "out")]
    with pytest.raises(RefusedError, match="time to appeal"):
        appeal_at(store, case_id, last_us + 31 * DAY_US)
    assert appeal_at(store, case_id, last_us + 30 * DAY_US)
    assert sent(store, last_us + DAY_US, mail=lambda _letter: pytest.fail("sent twice")) == []


def test_letter_of_a_cut_in_steps_of_which_one_is_done_tells_both_and_the_other_waits_for_it(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(TRACE["action"], "constraints", [])  # type: ignore[arg-type] # no cap asks for one step
    case_id = decided(store, after_cents=300_000)
    (letter,) = sent(store, MORNING_US)
    assert "step by step" in letter.subject
    take_effect(store, MORNING_US + 8 * DAY_US)
    assert ledger_line(store).limit_cents == 650_000
    again_us = MORNING_US + 40 * DAY_US
    came_back(store, letter, again_us)
    (second,) = sent(store, again_us)
    assert second.subject == "Your credit limit is lowered step by step from 2026-09-30"
    assert "from ¥10,000.00 to ¥3,000.00" in second.text
    assert "2026-09-30: ¥6,500.00" in second.text
    assert "2026-11-08: ¥3,000.00" in second.text  # with its days of notice from now
    (ahead,) = store.rows(sa.select(limit_entries).where(limit_entries.c.state == "planned"))
    assert day_of(ahead["planned_us"]).isoformat() == "2026-11-08"
    assert appeal_at(store, case_id, again_us + 30 * DAY_US)


def test_letter_of_a_rise_that_goes_out_late_names_the_day_on_which_the_limit_rises(store: Store) -> None:
    def away(_letter: Letter) -> None:
        raise LetterError("try later")

    decided(store)
    sent(store, MORNING_US)
    take_effect(store, MORNING_US + 8 * DAY_US)
    back_us = MORNING_US + 60 * DAY_US
    case_id = proposed(store, "restore", 2, 1_000_000)
    for doing in ("claim", "approve"):
        case_act(store, case_id, "ann", doing, back_us)
    assert sent(store, back_us, mail=away) == []
    take_effect(store, back_us)
    assert ledger_line(store).limit_cents == 400_000
    (letter,) = sent(store, back_us + 2 * DAY_US)
    assert letter.subject == "Your credit limit rises step by step from 2026-11-23"
    steps = store.rows(
        sa.select(limit_entries).where(limit_entries.c.state == "planned").order_by(limit_entries.c.number)
    )
    assert [day_of(row["planned_us"]).isoformat() for row in steps][:1] == ["2026-11-23"]
    take_effect(store, back_us + 2 * DAY_US)
    assert ledger_line(store).limit_cents > 400_000


def test_question_that_goes_out_late_leaves_all_the_time_to_answer_and_the_clock_waits_for_it(
    store: Store,
) -> None:
    def swept(now_us: int) -> dict[str, Any]:
        run_appeals(store, DESK, now_us, lambda _account, _as_of: None)
        return appeal_row(store, appeal_id)

    case_id = decided(store)
    sent(store, MORNING_US)
    appeal_id = submitted(store, case_id)
    sent(store, MORNING_US + DAY_US)
    asked = act(store, appeal_id, "bob claim", "bob ask", words="Please send the {receipt}.")
    late_us = asked["due_us"] + DAY_US + HOUR_US  # nobody sent anything meanwhile
    row = swept(late_us)
    assert (row["state"], row["version"]) == ("asked", asked["version"])
    (letter,) = sent(store, late_us + 10 * HOUR_US)
    row = appeal_row(store, appeal_id)
    assert f"by {day_of(row['due_us'] - 1)} " in letter.text.replace(":", " ")
    assert "{receipt}" in letter.text
    assert row["due_us"] >= late_us + 10 * DAY_US
    assert swept(row["due_us"] - 1)["state"] == "asked"
    assert swept(row["due_us"])["state"] == "in_review"


def test_question_that_is_answered_already_goes_out_no_more(store: Store) -> None:
    appeal_id = submitted(store, decided(store))
    sent(store, MORNING_US + DAY_US)
    act(store, appeal_id, "bob claim", "bob ask", "kim answer")
    assert sent(store, MORNING_US + 4 * DAY_US) == []
    assert ("appeal_asked", "withdrawn") in letters(store)


def test_answer_that_comes_back_names_a_new_day_until_when_it_is_appealed_against_and_that_day_holds(
    store: Store,
) -> None:
    appeal_id = submitted(store, decided(store))
    sent(store, MORNING_US + DAY_US)
    act(store, appeal_id, "bob claim", "bob uphold", words="You paid {late}.")
    (letter,) = sent(store, MORNING_US + 2 * DAY_US)
    first = appeal_row(store, appeal_id)
    again_us = MORNING_US + 50 * DAY_US
    came_back(store, letter, again_us)
    (second,) = sent(store, again_us)
    row = appeal_row(store, appeal_id)
    assert "You paid {late}." in second.text
    assert "appeal until 2026-12-11" in second.text
    assert (row["state"], row["answered_us"]) == ("upheld", first["answered_us"])
    with pytest.raises(RefusedError, match="time to appeal"):
        act(store, appeal_id, "kim again", now_us=again_us + 31 * DAY_US)
    assert act(store, appeal_id, "kim again", now_us=again_us + 30 * DAY_US)["instance"] == 2
    acts = store.rows(sa.select(appeal_acts.c.act).order_by(appeal_acts.c.version))
    assert [each["act"] for each in acts][-2:] == ["told_anew", "again"]


def test_letter_of_a_cut_that_an_appeal_has_undone_goes_out_no_more(store: Store) -> None:
    case_id = decided(store)
    (letter,) = sent(store, MORNING_US)
    take_effect(store, MORNING_US + 8 * DAY_US)
    appeal_id = appeal_at(store, case_id, MORNING_US + 9 * DAY_US)
    act(store, appeal_id, "bob claim", "bob grant", now_us=MORNING_US + 9 * DAY_US)
    take_effect(store, MORNING_US + 9 * DAY_US)
    sent(store, MORNING_US + 9 * DAY_US)
    came_back(store, letter, MORNING_US + 12 * DAY_US)
    assert sent(store, MORNING_US + 12 * DAY_US) == []
    assert letters(store)[0] == ("limit_decreased", "withdrawn")


def test_letter_that_its_customer_saw_is_told_anew_once_though_it_comes_back_twice(store: Store) -> None:
    decided(store)
    with work(store, KIM, NOW_US + 1) as w:
        inbox(w, SEAL, "a")
    (letter,) = sent(store, MORNING_US)
    take_effect(store, MORNING_US + 8 * DAY_US)
    again_us = MORNING_US + 20 * DAY_US
    with work(store, SYSTEM, again_us) as w:
        assert returned(w, [Bounce(letter.letter_id, "failed", "4.2.0")])["given_up"] == 1
    assert len(sent(store, again_us)) == 1
    came_back(store, letter, again_us + DAY_US)
    assert sent(store, again_us + DAY_US) == []
    assert letters(store) == [("limit_decreased", "out")] * 2


def test_letter_that_nobody_took_and_an_operator_sends_again_after_the_effect_is_whole(store: Store) -> None:
    def refused(_letter: Letter) -> None:
        raise LetterRefusedError("no")

    case_id = decided(store)
    (letter,) = sent(store, MORNING_US)
    take_effect(store, MORNING_US + 8 * DAY_US)
    came_back(store, letter, MORNING_US + 9 * DAY_US)
    assert sent(store, MORNING_US + 9 * DAY_US, post=refused) == []
    assert letters(store)[-1] == ("limit_decreased", "dead")
    late_us = MORNING_US + 70 * DAY_US
    dead = store.rows(sa.select(notices).where(notices.c.state == "dead"))[0]["notice_id"]
    with work(store, SYSTEM, late_us) as w:
        sent_again(w, dead)
    (second,) = sent(store, late_us)
    assert "appeal until 2026-12-31" in second.text
    assert appeal_at(store, case_id, late_us + 30 * DAY_US)


def test_day_that_a_letter_named_is_not_taken_back_where_the_policy_is_shorter_since(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    case_id = decided(store)
    (letter,) = sent(store, MORNING_US)
    policy, again_us = DESK.effects.policy, MORNING_US + 9 * DAY_US
    take_effect(store, MORNING_US + 8 * DAY_US)
    came_back(store, letter, again_us)
    whole = type(policy)._at

    def shorter(self: Any, now_us: int, name: str) -> float:
        return 5.0 if name == "appeal_days" and now_us > MORNING_US + DAY_US else whole(self, now_us, name)

    monkeypatch.setattr(type(policy), "_at", shorter)
    (second,) = sent(store, again_us)
    assert "appeal until 2026-10-22" in second.text
    assert appeal_at(store, case_id, MORNING_US + 30 * DAY_US)


def test_letter_that_cannot_be_written_anew_holds_up_no_other_and_nothing_of_it_is_kept(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    decided(store)
    with work(store, SYSTEM, NOW_US) as w:
        facts = NoticeFacts("freeze_lifted", "**** b", "¥", effective_day=day_of(NOW_US))
        written(w, SEAL, "b", "b", facts, "en")
        contact_added(w, SEAL, "b", "mail", "b@mail.test", 1)

    def dies(*_: object) -> None:
        raise ArithmeticError("half way")

    with monkeypatch.context() as odd:
        odd.setattr(late_letters, "tries_carried", dies)
        with pytest.raises(ArithmeticError):
            sent(store, MORNING_US + 5 * DAY_US)
    assert sorted(letters(store)) == [("freeze_lifted", "out"), ("limit_decreased", "waiting")]
    (letter,) = sent(store, MORNING_US + 5 * DAY_US)
    assert "appeal until 2026-10-27" in letter.text
    assert sorted(state for _, state in letters(store)) == ["out", "out", "withdrawn"]
