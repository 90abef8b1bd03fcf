"""Letters that came back, on every store: from a real mail server, by report, at the command line."""

import datetime as dt
import json
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from limitkeeper.app.bounces import OUTCOMES, returned
from limitkeeper.app.notices import (
    contact_added,
    deliver_notices,
    is_out,
    longest_wait_seconds,
    notices_in,
    written,
)
from limitkeeper.connectors.bounces import Bounce, bounce_of
from limitkeeper.connectors.letters import Letter
from limitkeeper.connectors.mail import MailServer
from limitkeeper.connectors.sealing import KEY_VARIABLE
from limitkeeper.core.access.actors import SYSTEM
from limitkeeper.core.notice.notice import NoticeFacts
from limitkeeper.shells.cli.main import application
from limitkeeper.store.audit_tables import audit_events
from limitkeeper.store.notice_tables import contacts, deliveries, notices
from limitkeeper.store.sql import Store
from limitkeeper.store.work import work
from tests.delivery_reports import ADDRESS, report
from tests.postman import Postman, postman
from tests.vaults import MASTER_KEY_TEXT, SEAL

NOON_US = int(dt.datetime(2026, 9, 21, 4, tzinfo=dt.UTC).timestamp()) * 1_000_000  # in Shanghai
FACTS = NoticeFacts("freeze_lifted", "**** 1", "¥", limit_after_cents=100, effective_day=dt.date(2026, 9, 21))


class Out:
    """A store with a customer whose notice went out by mail, and who has a phone besides."""

    def __init__(self, url: str, post: Postman) -> None:
        self.store, self.post, self.texts = Store(url), post, list[Letter]()
        server = MailServer("127.0.0.1", post.port, "credit@lender.test", "lender.test", is_encrypted=False)
        self.channels = {"mail": server.send, "sms": self.texts.append}
        with work(self.store, SYSTEM, NOON_US) as w:
            contact_added(w, SEAL, "c", "mail", ADDRESS, 0)
            contact_added(w, SEAL, "c", "sms", "+8613900000000", 1)
            self.notice_id = written(w, SEAL, "c", "a", FACTS, "en")
        self.deliver()

    @property
    def letter(self) -> EmailMessage:
        return self.post.taken[0]

    def deliver(self) -> None:
        deliver_notices(self.store, self.channels, SEAL, lambda: NOON_US)

    def returned(self, content: bytes) -> str:
        found = bounce_of(content)
        assert found is not None
        with work(self.store, SYSTEM, NOON_US) as w:
            (outcome,) = [name for name, count in returned(w, [found]).items() if count]
        return outcome

    @property
    def is_out(self) -> bool:
        with work(self.store, SYSTEM, NOON_US) as w:
            return is_out(w, self.notice_id)

    def column(self, column: sa.Column) -> list:
        return [row[column.name] for row in self.store.rows(sa.select(column).order_by(column))]


@pytest.fixture
def out(store_url: str) -> Iterator[Out]:
    with postman() as post:
        found = Out(store_url, post)
        yield found
        found.store.close()


@pytest.mark.parametrize("whole", [False, True])
def test_failure_for_good_breaks_the_contact_and_the_next_one_is_tried(out: Out, *, whole: bool) -> None:
    assert out.is_out
    assert out.returned(report(out.letter, whole=whole)) == "broken"
    assert not out.is_out
    out.deliver()
    assert out.is_out
    assert [text.address for text in out.texts] == ["+8613900000000"]
    assert out.column(contacts.c.is_broken) == [False, True]
    assert out.column(deliveries.c.state) == ["bounced", "sent"]
    kept = repr([out.store.rows(sa.select(table)) for table in (deliveries, notices, audit_events)])
    assert "gone" not in kept


def test_report_that_comes_again_changes_nothing_more(out: Out) -> None:
    assert out.returned(report(out.letter)) == "broken"
    out.deliver()
    assert [out.returned(report(out.letter, status)) for status in ("5.1.1", "4.4.1")] == ["known", "known"]
    out.deliver()
    assert out.is_out
    assert len(out.texts) == 1


def test_address_that_is_given_again_is_whole_again_and_that_is_kept(out: Out) -> None:
    with work(out.store, SYSTEM, NOON_US) as w:
        w.connection.execute(contacts.update().values(is_broken=True))
        contact_added(w, SEAL, "c", "mail", ADDRESS, 0)
        contact_added(w, SEAL, "c", "mail", ADDRESS, 0)
    assert out.column(contacts.c.is_broken) == [False, True]
    mended = [json.loads(row["detail"]) for row in out.store.rows(sa.select(audit_events))]
    assert [each.get("mended") for each in mended].count(True) == 1


def test_failure_for_now_loses_the_letter_and_keeps_the_contact(out: Out) -> None:
    assert out.returned(report(out.letter, "4.4.7")) == "given_up"
    out.deliver()
    assert out.is_out
    assert out.column(contacts.c.is_broken) == [False, False]
    assert len(out.texts) == 1


def test_failure_for_good_after_one_for_now_breaks_the_contact_and_leaves_the_notice_out(out: Out) -> None:
    out.returned(report(out.letter, "4.4.7"))
    out.deliver()
    assert out.returned(report(out.letter)) == "broken"
    out.deliver()
    assert out.is_out
    assert len(out.texts) == 1


def test_delay_is_noted_and_the_notice_stays_out(out: Out) -> None:
    delayed = report(out.letter, "4.4.1", "delayed")
    assert [out.returned(delayed) for _ in range(2)] == ["noted", "known"]
    assert out.is_out
    assert out.column(deliveries.c.problem) == ["The letter is delayed (4.4.1)."]


def test_report_on_a_letter_that_was_never_sent_is_told_as_unknown(out: Out) -> None:
    with work(out.store, SYSTEM, NOON_US) as w:
        found = returned(w, [Bounce("f" * 64, "failed", "5.1.1")])
    assert found == dict.fromkeys(OUTCOMES, 0) | {"unknown": 1}
    assert out.is_out


def test_notice_that_comes_back_from_everywhere_is_dead_and_counted(out: Out) -> None:
    assert notices_in(out.store, "dead") == longest_wait_seconds(out.store, NOON_US) == 0
    out.returned(report(out.letter))
    assert notices_in(out.store, "waiting") == 1
    assert longest_wait_seconds(out.store, NOON_US + 90_000_000) == 90
    del out.channels["sms"]
    out.deliver()
    assert (notices_in(out.store, "dead"), notices_in(out.store, "waiting")) == (1, 0)


def test_reports_are_read_from_the_input_a_maildir_and_a_mailbox_file(
    out: Out, store_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(KEY_VARIABLE, MASTER_KEY_TEXT)
    content = report(out.letter)

    def read(*arguments: str, given: bytes = b"") -> dict[str, int]:
        command = ["notice", "bounce", "--as", "postmaster", "--store", store_url, "--json", *arguments]
        found = CliRunner().invoke(application, command, input=given, catch_exceptions=False)
        assert found.exit_code == 0, found.output
        return {name: count for name, count in json.loads(found.stdout).items() if count}

    assert read(given=b"Subject: I am on holiday\n\n") == {"no_report": 1}
    for part in ("new", "cur", "tmp"):
        (tmp_path / "box" / part).mkdir(parents=True)
    (tmp_path / "box" / "new" / "1.host").write_bytes(content)
    assert read("--maildir", str(tmp_path / "box")) == {"broken": 1}
    assert read("--maildir", str(tmp_path / "box")) == {}
    (tmp_path / "mbox").write_bytes(b"From x Mon Sep 21 04:00:00 2026\n" + content)
    assert read("--mbox", str(tmp_path / "mbox")) == {"known": 1}
    assert read(given=content) == {"known": 1}
