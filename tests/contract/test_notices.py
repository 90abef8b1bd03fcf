"""Notices on every store, delivered by a real mail server: once, not at night, by another channel where one fails."""

import datetime as dt
import json
from collections.abc import Callable, Iterator

import pytest
import sqlalchemy as sa

from limitkeeper.app.bounces import returned
from limitkeeper.app.customer_preferences import customer_row, preferences_set, served_market
from limitkeeper.app.known_notices import inbox
from limitkeeper.app.notices import contact_added, deliver_notices, is_out, read_marked, sent_again, written
from limitkeeper.connectors.bounces import Bounce
from limitkeeper.connectors.gateway import gateway
from limitkeeper.connectors.letters import Letter, LetterError
from limitkeeper.connectors.mail import MailServer
from limitkeeper.core.access.actors import CUSTOMER, SYSTEM, Actor
from limitkeeper.core.notice.notice import NoticeFacts
from limitkeeper.store.audit_tables import audit_events
from limitkeeper.store.notice_tables import contacts, deliveries, notices
from limitkeeper.store.sql import Store
from limitkeeper.store.work import ConflictError, work
from tests.postman import Postman, postman
from tests.receiver import Receiver
from tests.vaults import SEAL

NOON_US = int(dt.datetime(2026, 9, 21, 4, tzinfo=dt.UTC).timestamp()) * 1_000_000  # in Shanghai
NIGHT_US = int(dt.datetime(2026, 9, 21, 16, tzinfo=dt.UTC).timestamp()) * 1_000_000
HOUR_US = 3_600_000_000
FACTS = NoticeFacts(
    "freeze_lifted", "**** 1 <script>", "¥", limit_after_cents=100, effective_day=dt.date(2026, 9, 21)
)


@pytest.fixture(name="postman")
def postman_with_its_address() -> Iterator[tuple[Postman, MailServer]]:
    with postman() as found:
        yield (
            found,
            MailServer("127.0.0.1", found.port, "credit@lender.test", "lender.test", is_encrypted=False),
        )


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    found = Store(store_url)
    yield found
    found.close()


def customer(store: Store, *ways: tuple[str, str]) -> None:
    with work(store, SYSTEM, NOON_US) as w:
        for rank, (channel, address) in enumerate(ways):
            contact_added(w, SEAL, "c", channel, address, rank)


def notice(store: Store, now_us: int = NOON_US) -> str:
    with work(store, SYSTEM, now_us) as w:
        return written(w, SEAL, "c", "a", FACTS, "en")


def delivered(
    store: Store, channels: dict[str, Callable[[Letter], None]], now_us: int = NOON_US
) -> dict[str, int]:
    found = deliver_notices(store, channels, SEAL, lambda: now_us)
    return {name: count for name, count in found.items() if count}


def out(store: Store, notice_id: str) -> bool:
    with work(store, SYSTEM, NOON_US) as w:
        return is_out(w, notice_id)


def test_two_notices_that_are_alike_at_one_time_are_two(store: Store) -> None:
    customer(store, ("mail", "kim@mail.test"))
    assert notice(store) != notice(store)


def test_notice_goes_out_once_by_mail_and_is_escaped(store: Store, postman: tuple) -> None:
    taken, server = postman
    customer(store, ("mail", "kim@mail.test"))
    notice_id = notice(store)
    assert not out(store, notice_id)
    assert delivered(store, {"mail": server.send}) == {"sent": 1}
    assert delivered(store, {"mail": server.send}) == {}
    assert out(store, notice_id)
    (message,) = taken.taken
    assert message["To"] == "kim@mail.test"
    assert message["Message-ID"].startswith(f"<{notice_id}")
    plain, rich = (message.get_body([kind]).get_content() for kind in ("plain", "html"))
    assert "**** 1 <script>" in plain
    assert "<script>" not in rich
    assert "&lt;script&gt;" in rich


def test_customer_without_a_way_to_be_reached_has_it_in_the_inbox(store: Store) -> None:
    notice_id = notice(store)
    assert delivered(store, {}) == {"inbox": 1}
    assert out(store, notice_id)
    with work(store, Actor("c", frozenset({CUSTOMER}), "c"), NOON_US) as w:
        (found,) = inbox(w, SEAL, "c")
        read_marked(w, notice_id)
        read_marked(w, notice_id)
    assert "100" not in found["subject"]
    assert any("2026-09-21" in each for each in found["paragraphs"])
    (row,) = store.rows(sa.select(notices))
    assert row["read_us"] == NOON_US
    acts = [each["act"] for each in store.rows(sa.select(audit_events).order_by(audit_events.c.number))]
    assert acts == ["notice.write", "notice.out", "notice.list", "notice.read"]


def test_nobody_is_written_to_at_night(store: Store, postman: tuple) -> None:
    taken, server = postman
    customer(store, ("mail", "kim@mail.test"))
    notice(store, NIGHT_US)
    assert delivered(store, {"mail": server.send}, NIGHT_US) == {}
    assert delivered(store, {"mail": server.send}, NIGHT_US + 8 * HOUR_US - 1) == {}
    assert delivered(store, {"mail": server.send}, NIGHT_US + 8 * HOUR_US) == {"sent": 1}
    assert len(taken.taken) == 1


def test_quiet_hours_that_began_meanwhile_hold(store: Store, postman: tuple) -> None:
    _, server = postman
    customer(store, ("mail", "kim@mail.test"))
    notice(store)
    with work(store, SYSTEM, NOON_US) as w:
        preferences_set(w, "c", {"quiet_from_hour": 11, "quiet_to_hour": 13})
        preferences_set(w, "c", {"language": "en"})
    assert delivered(store, {"mail": server.send}) == {"quiet": 1}
    assert delivered(store, {"mail": server.send}, NOON_US + HOUR_US) == {"sent": 1}


def test_server_that_says_later_is_asked_again_and_one_that_says_never_is_left_for_the_next_channel(
    store: Store, postman: tuple
) -> None:
    taken, server = postman
    taken.answers = {
        "gone@mail.test": ["550 no such user"],
        "kim@mail.test": ["451 greylisted", "451 greylisted"],
    }
    customer(store, ("mail", "gone@mail.test"), ("mail", "kim@mail.test"))
    notice_id = notice(store)
    for wait in (0, 0, 60, 60 + 300):
        delivered(store, {"mail": server.send}, NOON_US + wait * 1_000_000)
    assert out(store, notice_id)
    states = {(row["state"], row["attempts"]) for row in store.rows(sa.select(deliveries))}
    assert states == {("failed", 1), ("sent", 3)}
    assert [message["To"] for message in taken.taken] == ["kim@mail.test"]


def test_notice_that_nobody_takes_is_dead_and_is_sent_again_when_asked_to(
    store: Store, postman: tuple
) -> None:
    taken, server = postman
    taken.answers = {"kim@mail.test": ["550 no"]}
    customer(store, ("mail", "kim@mail.test"))
    notice_id = notice(store)
    assert delivered(store, {"mail": server.send}) == {"waiting": 1}
    assert delivered(store, {"mail": server.send}) == {"dead": 1}
    assert not out(store, notice_id)
    with work(store, SYSTEM, NOON_US) as w:
        sent_again(w, notice_id)
    assert delivered(store, {"mail": server.send}) == {"sent": 1}
    assert out(store, notice_id)


def test_letter_that_comes_back_is_sent_by_another_channel(store: Store, postman: tuple) -> None:
    _, server = postman
    texts: list[Letter] = []
    customer(store, ("mail", "kim@mail.test"), ("sms", "+8613900000000"))
    notice_id = notice(store)
    channels = {"mail": server.send, "sms": texts.append}
    delivered(store, channels)
    (delivery,) = store.rows(sa.select(deliveries))
    for _ in range(2):
        with work(store, SYSTEM, NOON_US) as w:
            returned(w, [Bounce(delivery["delivery_id"], "failed", "5.2.2")])
    assert not out(store, notice_id)
    assert delivered(store, channels) == {"sent": 1}
    assert [letter.address for letter in texts] == ["+8613900000000"]


def test_crash_between_sending_and_writing_sends_again_under_the_same_id(
    store: Store, postman: tuple
) -> None:
    taken, server = postman
    customer(store, ("mail", "kim@mail.test"))
    notice(store)

    def dies(letter: Letter) -> None:
        server.send(letter)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        delivered(store, {"mail": dies})
    assert delivered(store, {"mail": server.send}) == {"sent": 1}
    assert len({message["Message-ID"] for message in taken.taken}) == 1
    assert len(taken.taken) == 2


def test_notice_that_is_withdrawn_while_another_is_sent_does_not_go_out(store: Store) -> None:
    customer(store, ("mail", "kim@mail.test"))
    both, taken = {notice(store), notice(store)}, list[str]()

    def withdraws_the_other(letter: Letter) -> None:
        taken.append(letter.letter_id[:32])
        with work(store, SYSTEM, NOON_US) as w:
            for notice_id in both - set(taken):
                version = w.found(notices, notice_id)["version"]
                w.change(notices, notice_id, version, {"state": "withdrawn", "due_us": None})

    assert delivered(store, {"mail": withdraws_the_other}) == {"sent": 1}
    states = {row["notice_id"]: row["state"] for row in store.rows(sa.select(notices))}
    assert states == {taken[0]: "out"} | dict.fromkeys(both - set(taken), "withdrawn")


def test_who_saw_a_notice_before_it_was_tried_does_not_withdraw_it(store: Store) -> None:
    customer(store, ("mail", "kim@mail.test"))
    notice_id = notice(store)
    (seen,) = store.rows(sa.select(notices))

    def withdraws(_letter: Letter) -> None:
        with pytest.raises(ConflictError), work(store, SYSTEM, NOON_US) as w:
            w.change(notices, notice_id, seen["version"], {"state": "withdrawn", "due_us": None})

    assert delivered(store, {"mail": withdraws}) == {"sent": 1}
    assert out(store, notice_id)


def test_server_that_is_away_leaves_the_notice_waiting(store: Store) -> None:
    away = MailServer("127.0.0.1", 1, "a@b.test", "b.test", is_encrypted=False)
    with pytest.raises(LetterError):
        away.send(Letter("1", "x@y.test", "s", "t", "h"))
    customer(store, ("mail", "kim@mail.test"))
    notice(store)
    assert delivered(store, {"mail": away.send}) == {"waiting": 1}


def test_nothing_personal_lies_open_in_the_store(store: Store) -> None:
    customer(store, ("mail", "kim@mail.test"))
    notice(store)
    whole = repr([store.rows(sa.select(table)) for table in (contacts, notices, deliveries, audit_events)])
    assert "kim" not in whole
    assert "1.00" not in whole


def test_letter_that_mail_refuses_goes_out_as_a_short_message_without_amounts(
    store: Store, postman: tuple
) -> None:
    taken, server = postman
    taken.answers = {"gone@mail.test": ["550 no such user"]}
    receiver = Receiver()
    receiver.statuses, receiver.content = [200], b'{"result": {"status": "ok"}}'
    sms = gateway(
        f"smseagle://token@127.0.0.1:{receiver.server_port}/{{address}}", is_short=True, is_phone=True
    )
    customer(store, ("mail", "gone@mail.test"), ("sms", "+8613900000000"))
    notice_id = notice(store)
    channels = {"mail": server.send, "sms": sms.send}
    assert [delivered(store, channels) for _ in range(2)] == [{"waiting": 1}, {"sent": 1}]
    assert out(store, notice_id)
    ((_, body),) = receiver.taken
    message = json.loads(body)["params"]["message"]
    assert message.startswith("Your credit line **** 1 <script> can be used again. Read it in the app")
    assert "1.00" not in message
    receiver.shutdown()
    receiver.server_close()


def test_customer_who_said_nothing_is_written_to_as_the_stores_market_has_it(store: Store) -> None:
    with work(store, SYSTEM, NOON_US) as w:
        silent = customer_row(w, "silent")
    assert (silent["language"], silent["time_zone"]) == ("zh", "Asia/Shanghai")
    store.take({"market": "US", "time_zone": "America/Chicago"})
    with work(store, SYSTEM, NOON_US) as w:
        silent = customer_row(w, "silent")
        assert served_market(w).currency_sign == "$"
    assert (silent["language"], silent["time_zone"]) == ("en", "America/Chicago")
