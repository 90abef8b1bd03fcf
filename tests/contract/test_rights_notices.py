"""What a person is told of his requests about personal data, on every store: each outcome, in both languages."""

import datetime as dt
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from limitkeeper.app.consents import consent_changed, consent_texts, consents_of
from limitkeeper.app.customer_preferences import preferences_set
from limitkeeper.app.erasure import bars_to_erasure, person_erased
from limitkeeper.app.known_notices import inbox
from limitkeeper.app.notices import contact_added, deliver_notices
from limitkeeper.app.rights import (
    copy_given,
    request_answered,
    request_extended,
    request_made,
    request_verified,
    request_withdrawn,
)
from limitkeeper.app.rights_documents import request_read
from limitkeeper.connectors.letters import Letter, LetterError, LetterRefusedError
from limitkeeper.connectors.sealing import ErasedError, Seal
from limitkeeper.core.access.actors import COMPLIANCE, CUSTOMER, OFFICER, SYSTEM, Actor
from limitkeeper.core.behaviour.events import DAY_US, HOUR_US
from limitkeeper.core.compliance.requests import KINDS
from limitkeeper.store.notice_tables import notices
from limitkeeper.store.rights_tables import rights_requests
from limitkeeper.store.schema import metadata
from limitkeeper.store.sql import Store
from limitkeeper.store.work import work
from tests.vaults import seal_of

NOON_US = int(dt.datetime(2026, 11, 2, 4, tzinfo=dt.UTC).timestamp()) * 1_000_000  # in Shanghai
LATER_US = NOON_US + 3 * DAY_US
KIM, ANN, IVY = (
    Actor("kim-login", frozenset({CUSTOMER}), "kim"),
    Actor("ann", frozenset({OFFICER})),
    Actor("ivy", frozenset({COMPLIANCE})),
)
MAIL = "kim@mail.test"
REASON = "Your income is right: the employer confirmed {it}."
DAYS = {
    "en": ("2026-11-02", "2026-11-05", "2026-11-17", "2026-12-05"),
    "zh": ("2026年11月2日", "2026年11月5日", "2026年11月17日", "2026年12月5日"),
}
"""When he asked, when he was answered, until when he is answered, until when he takes his copy."""

OBJECTION = {"en": "go to court", "zh": "向法院起诉"}

languages = pytest.mark.parametrize("language", ["en", "zh"])


@pytest.fixture
def seal(tmp_path: Path) -> Seal:
    """A vault of this test's own: it destroys keys."""
    return seal_of(tmp_path)


@pytest.fixture
def store(store_url: str, seal: Seal) -> Iterator[Store]:
    """A store of kim, who has a mail address and no line."""
    found = Store(store_url)
    found.take({"market": "CN"})
    with work(found, SYSTEM, NOON_US) as w:
        contact_added(w, seal, "kim", "mail", MAIL, 0)
    yield found
    found.close()


def act(
    store: Store, actor: Actor, command: Callable[..., Any], *given: Any, now_us: int = LATER_US, **more: Any
) -> Any:
    with work(store, actor, now_us) as w:
        return command(w, *given, **more)


def made(store: Store, seal: Seal, kind: str, language: str = "en", actor: Actor = KIM) -> str:
    act(store, KIM, preferences_set, "kim", {"language": language}, now_us=NOON_US)
    return str(act(store, actor, request_made, seal, "kim", kind, "", now_us=NOON_US))


def answered(
    store: Store, seal: Seal, request_id: str, words: str, rest: str = "", act: str = "answer", **more: Any
) -> None:
    with work(store, IVY, LATER_US) as w:
        request_answered(w, seal, request_id, 1, act, words, rest, **more)


def told(store: Store, seal: Seal) -> dict[str, str]:
    """What kim's inbox says, by kind: each kind comes once."""
    found = act(store, KIM, inbox, seal, "kim")
    said = {each["kind"]: "\n".join([each["subject"], *each["paragraphs"]]) for each in found}
    assert len(said) == len(found)
    return said


def sent(store: Store, seal: Seal, now_us: int = LATER_US) -> list[Letter]:
    """The letters that go out by kim's channel."""
    taken: list[Letter] = []
    deliver_notices(store, {"mail": taken.append}, seal, lambda: now_us)
    return taken


@languages
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "erase"])
def test_receipt_says_what_was_asked_when_and_until_when_it_is_answered(
    store: Store, seal: Seal, kind: str, language: str
) -> None:
    request_id = made(store, seal, kind, language)
    (receipt,) = told(store, seal).values()
    asked, _, until, _ = DAYS[language]
    for text in (KINDS[kind][language == "zh"].rstrip(".。"), asked, until, request_id):
        assert text in receipt
    (letter,) = sent(store, seal)
    assert (letter.address, letter.subject) == (MAIL, receipt.split("\n")[0])
    assert receipt.endswith(letter.text.replace("\n\n", "\n"))


def test_days_are_those_of_the_customers_own_clock(store: Store, seal: Seal) -> None:
    act(store, KIM, preferences_set, "kim", {"language": "en", "time_zone": "Asia/Shanghai"})
    morning_us = NOON_US + 19 * HOUR_US  # seven in Shanghai, the day before in Greenwich
    act(store, KIM, request_made, seal, "kim", "human", "", now_us=morning_us)
    (receipt,) = told(store, seal).values()
    assert "On 2026-11-03 we received" in receipt
    assert "by 2026-11-18" in receipt


@languages
def test_receipt_of_a_request_that_somebody_else_brought_says_that_it_is_checked_who_asks(
    store: Store, seal: Seal, language: str
) -> None:
    made(store, seal, "correct", language, ANN)
    made(store, seal, "correct", language)
    checked = {"en": "check that it is you", "zh": "核实请求是否由您本人提出"}[language]
    assert [checked in each.text for each in sent(store, seal)] == [True, False]


@languages
def test_request_that_is_done_is_told_with_what_was_done_and_how_to_object(
    store: Store, seal: Seal, language: str
) -> None:
    request_id = made(store, seal, "correct", language)
    answered(store, seal, request_id, "Corrected to {9,000}.")
    answer = told(store, seal)["data_request_answered"]
    asked, on, *_ = DAYS[language]
    for text in (KINDS["correct"][language == "zh"].rstrip(".。"), asked, on, "Corrected to {9,000}."):
        assert text in answer
    assert OBJECTION[language] in answer
    assert len(sent(store, seal)) == 2


@languages
def test_refusal_is_told_with_its_reason_and_how_to_object(store: Store, seal: Seal, language: str) -> None:
    answered(store, seal, made(store, seal, "correct", language), REASON, act="refuse")
    refusal = told(store, seal)["data_request_refused"]
    asked, on, *_ = DAYS[language]
    assert [text for text in (asked, on, REASON, OBJECTION[language]) if text not in refusal] == []
    assert REASON in sent(store, seal)[-1].text
    assert REASON not in repr(rows(store)), "it is sealed"


@languages
def test_withdrawal_of_consents_is_told_with_the_words_of_those_that_hold_no_more(
    store: Store, seal: Seal, language: str
) -> None:
    for scope in ("bureau", "relations"):
        act(store, KIM, consent_changed, "kim", scope, gives=True, now_us=NOON_US)
    answered(store, seal, made(store, seal, "withdraw_consent", language), "", scopes=["bureau"])
    answer = told(store, seal)["data_request_answered"]
    texts = {scope: versions["2026-11"][language] for scope, versions in consent_texts().items()}
    assert texts["bureau"] in answer
    assert texts["relations"] not in answer


@languages
def test_request_that_is_done_in_part_is_told_with_both_parts_and_how_to_object(
    store: Store, seal: Seal, language: str
) -> None:
    answered(store, seal, made(store, seal, "correct", language), "Your address.", REASON, act="partly")
    answer = told(store, seal)["data_request_partly_answered"]
    headings = {
        "en": ("What was done:", "What was not done, and why:"),
        "zh": ("办理情况：", "未予办理的内容及原因："),
    }[language]
    parts = [f"{heading}\n{text}" for heading, text in zip(headings, ("Your address.", REASON), strict=True)]
    asked, on, *_ = DAYS[language]
    assert [text for text in (asked, on, *parts, OBJECTION[language]) if text not in answer] == []
    assert REASON in sent(store, seal)[-1].text
    assert REASON not in repr(rows(store)), "it is sealed"
    request_id = store.rows(sa.select(rights_requests))[0]["request_id"]
    *_, last = act(store, IVY, request_read, seal, request_id)["acts"]
    assert (last["act"], last["state"], last["words"]) == ("partly", "partly", "\n\n".join(parts))


@languages
def test_consents_that_an_answer_in_part_withdraws_are_told_before_what_it_does_not_do(
    store: Store, seal: Seal, language: str
) -> None:
    for scope in ("bureau", "relations"):
        act(store, KIM, consent_changed, "kim", scope, gives=True, now_us=NOON_US)
    request_id = made(store, seal, "withdraw_consent", language)
    answered(store, seal, request_id, "One of two.", REASON, act="partly", scopes=["bureau"])
    answer = told(store, seal)["data_request_partly_answered"]
    texts = {scope: versions["2026-11"][language] for scope, versions in consent_texts().items()}
    assert answer.index("One of two.") < answer.index(texts["bureau"]) < answer.index(REASON)
    assert texts["relations"] not in answer
    held = {each.scope: each.holds for each in act(store, KIM, consents_of, "kim")}
    assert held == {"bureau": False, "relations": True}


@languages
@pytest.mark.parametrize("kind", ["explain", "erase"])
def test_longer_clock_is_told_with_its_reason_and_the_new_day(
    store: Store, seal: Seal, kind: str, language: str
) -> None:
    request_id = made(store, seal, kind, language)
    act(store, IVY, request_extended, seal, request_id, 1, 20, "Forty decisions of {three} years.")
    longer = told(store, seal)["data_request_extended"]
    asked, _, until, _ = DAYS[language]
    new_day = {"en": "2026-12-07", "zh": "2026年12月7日"}[language]
    for text in (
        KINDS[kind][language == "zh"].rstrip(".。"),
        asked,
        new_day,
        request_id,
        "of {three} years.",
    ):
        assert text in longer
    assert until not in longer
    assert OBJECTION[language] not in longer
    letter = sent(store, seal)[-1]
    assert new_day in letter.short, "a short message says the new day, too"
    assert "{three}" not in repr(rows(store)), "it is sealed"


def test_clock_that_is_longer_bounds_the_wait_for_the_notice_of_an_erasure(store: Store, seal: Seal) -> None:
    request_id = made(store, seal, "erase")
    deliver_notices(store, {"mail": later}, seal, lambda: LATER_US)
    act(store, IVY, request_extended, seal, request_id, 1, 30, "Two lines are looked into.")
    assert bars(store, NOON_US + 45 * DAY_US) == ["not_told"]
    assert bars(store, NOON_US + 45 * DAY_US + 1) == []


@languages
@pytest.mark.parametrize("kind", ["access", "copy"])
def test_copy_is_told_once_with_where_and_until_when_it_can_be_taken(
    store: Store, seal: Seal, kind: str, language: str
) -> None:
    request_id = made(store, seal, kind, language)
    for _ in range(2):
        assert act(store, KIM, copy_given, seal, request_id)["data"]["contacts"]
    ready = told(store, seal)["data_copy_ready"]
    assert DAYS[language][3] in ready
    assert {"en": "My data", "zh": "我的信息"}[language] in ready
    assert OBJECTION[language] in ready


@languages
def test_request_that_is_taken_back_is_told_to_be(store: Store, seal: Seal, language: str) -> None:
    act(store, KIM, request_withdrawn, seal, made(store, seal, "human", language), 1)
    back = told(store, seal)["data_request_taken_back"]
    assert KINDS["human"][language == "zh"].rstrip(".。") in back
    assert OBJECTION[language] not in back


def test_notice_that_is_not_kept_with_its_answer_is_not_sent(store: Store, seal: Seal) -> None:
    request_id = made(store, seal, "correct")

    def answered_and_stopped(w: Any) -> None:
        request_answered(w, seal, request_id, 1, "answer", "")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        act(store, IVY, answered_and_stopped)
    assert set(told(store, seal)) == {"data_request_received"}


@languages
def test_erasure_is_announced_with_what_goes_what_stays_and_that_it_is_the_last_message(
    store: Store, seal: Seal, language: str
) -> None:
    request_id = made(store, seal, "erase", language)
    announcement = told(store, seal)["erasure_announced"]
    words = {
        "en": ("your login", "the law has us keep", "our last message", "My data"),
        "zh": ("登录账号", "法律要求我们保存", "最后一条通知", "我的信息"),
    }[language]
    for text in (*words, DAYS[language][0], DAYS[language][2], request_id):
        assert text in announcement
    (letter,) = sent(store, seal)
    assert DAYS[language][2] in letter.short, "there is no inbox to read it in afterwards"


def test_erasure_that_somebody_else_asks_for_is_announced_once_it_is_known_who_asks(
    store: Store, seal: Seal
) -> None:
    request_id = made(store, seal, "erase", actor=ANN)
    assert set(told(store, seal)) == {"data_request_received"}
    act(store, IVY, request_verified, seal, request_id, 1, "passport seen")
    assert set(told(store, seal)) == {"data_request_received", "erasure_announced"}


def bars(store: Store, now_us: int = LATER_US) -> list[str]:
    return [each.code for each in act(store, IVY, bars_to_erasure, "kim", now_us=now_us)]


def rows(store: Store) -> list[dict[str, Any]]:
    return [row for table in metadata.sorted_tables for row in store.rows(sa.select(table))]


def test_nobody_is_erased_before_the_notice_that_tells_him_is_out_and_nothing_is_sent_afterwards(
    store: Store, seal: Seal
) -> None:
    request_id = made(store, seal, "erase")
    assert bars(store) == ["not_told"]
    assert len(sent(store, seal)) == 1
    assert bars(store) == []
    before = store.rows(sa.select(notices))
    act(store, IVY, person_erased, seal, request_id, 1)
    assert sent(store, seal, LATER_US + DAY_US) == []
    assert {row["customer_id"][:7] for row in store.rows(sa.select(notices))} == {"erased-"}
    assert [row["kind"] for row in store.rows(sa.select(notices))] == ["erasure_announced"]
    assert MAIL not in repr(rows(store))
    with pytest.raises(ErasedError):
        seal.opened(before[0]["content"], f"notice:{before[0]['notice_id']}", "kim")
    (request,) = store.rows(sa.select(rights_requests))
    assert (request["request_id"], request["state"]) == (request_id, "done")


def refused(_: Letter) -> None:
    raise LetterRefusedError("no such user")


def later(_: Letter) -> None:
    raise LetterError("try again")


def test_notice_that_nobody_takes_keeps_no_one_from_being_erased(store: Store, seal: Seal) -> None:
    made(store, seal, "erase")
    for _ in range(2):
        deliver_notices(store, {"mail": refused}, seal, lambda: LATER_US)
    assert [row["state"] for row in store.rows(sa.select(notices))] == ["dead"]
    assert bars(store) == []


def test_notice_that_is_still_tried_bars_an_erasure_until_its_answer_is_due(store: Store, seal: Seal) -> None:
    made(store, seal, "erase")
    deliver_notices(store, {"mail": later}, seal, lambda: LATER_US)
    assert bars(store, NOON_US + 15 * DAY_US) == ["not_told"]
    assert bars(store, NOON_US + 15 * DAY_US + 1) == []


def test_customer_without_a_way_to_reach_him_reads_it_in_his_inbox_and_can_be_erased(
    store: Store, seal: Seal
) -> None:
    with work(store, SYSTEM, NOON_US) as w:
        w.connection.execute(sa.text("UPDATE contacts SET is_broken = :broken"), {"broken": True})
    request_id = made(store, seal, "erase")
    assert "erasure_announced" in told(store, seal)
    act(store, IVY, person_erased, seal, request_id, 1)


def test_refused_erasure_is_told_and_its_announcement_bars_no_later_one(store: Store, seal: Seal) -> None:
    answered(store, seal, made(store, seal, "erase"), REASON, act="refuse")
    assert REASON in told(store, seal)["data_request_refused"]
    assert bars(store) == []
