"""Reports of mail servers are read for what they say of our letters, and nothing else is taken for one."""

from email.message import EmailMessage
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limitkeeper.connectors.bounces import (
    REPORT_BYTES_MAX,
    Bounce,
    bounce_of,
    maildir_messages,
    mbox_messages,
)
from limitkeeper.core.kernel.errors import InputError
from tests.delivery_reports import ADDRESS, report

LETTER_ID = "ab" * 32


def letter(letter_id: str = LETTER_ID) -> EmailMessage:
    found = EmailMessage()
    found["From"], found["To"], found["Subject"] = "credit@lender.test", ADDRESS, "您的额度"
    found["Message-ID"], found["Date"] = f"<{letter_id}@lender.test>", "Mon, 21 Sep 2026 04:00:00 -0000"
    found.set_content("text")
    return found


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize(
    ("action", "status"), [("failed", "5.1.1"), ("failed", "4.4.7"), ("delayed", "4.4.1")]
)
def test_report_tells_letter_action_and_status(action: str, status: str, *, whole: bool) -> None:
    assert bounce_of(report(letter(), status, action, whole=whole)) == Bounce(LETTER_ID, action, status)


def test_nothing_personal_is_taken_over() -> None:
    assert "mail.test" not in repr(bounce_of(report(letter())))


@pytest.mark.parametrize("action", ["delivered", "relayed", "expanded"])
def test_letter_that_arrived_did_not_come_back(action: str) -> None:
    assert bounce_of(report(letter(), "2.0.0", action)) is None


def test_worst_of_several_recipients_holds() -> None:
    more = (("failed", "5.2.1"), ("delivered", "2.0.0"))
    assert bounce_of(report(letter(), "4.4.1", "delayed", more=more)) == Bounce(LETTER_ID, "failed", "5.2.1")


@pytest.mark.parametrize("letter_id", ["ab" * 31, "AB" * 32, "x" * 64, "ab" * 33])
def test_report_on_somebody_elses_letter_is_none_of_ours(letter_id: str) -> None:
    assert bounce_of(report(letter(letter_id))) is None


def test_answer_of_a_person_is_no_report() -> None:
    answered = letter()
    answered["In-Reply-To"] = f"<{LETTER_ID}@lender.test>"
    assert bounce_of(answered.as_bytes()) is None


def test_message_beyond_the_bound_is_not_read() -> None:
    assert bounce_of(report(letter()) + b" " * REPORT_BYTES_MAX) is None


@given(st.binary(max_size=400), st.integers(0, 2_000), st.integers(0, 2_000))
def test_broken_messages_are_never_more_than_no_report(noise: bytes, start: int, end: int) -> None:
    whole = report(letter())
    found = bounce_of(whole[:start] + noise + whole[end:])
    assert found is None or len(found.letter_id) == 64
    assert bounce_of(noise) is None


def test_maildir_message_counts_as_seen_only_when_the_next_is_asked_for(tmp_path: Path) -> None:
    for part in ("new", "cur", "tmp"):
        (tmp_path / part).mkdir()
    for name in ("1.a", "2.b"):
        (tmp_path / "new" / name).write_bytes(name.encode())
    messages = maildir_messages(tmp_path)
    assert next(messages) == b"1.a"
    assert [path.name for path in (tmp_path / "cur").iterdir()] == []  # killed here, it is read again
    assert next(messages) == b"2.b"
    assert [path.name for path in (tmp_path / "cur").iterdir()] == ["1.a:2,S"]
    assert list(messages) == []
    assert list(maildir_messages(tmp_path)) == []


def test_mailbox_file_gives_each_message_and_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "mbox"
    path.write_bytes(
        b"".join(b"From x Mon Sep 21 04:00:00 2026\n" + report(letter()) + b"\n" for _ in range(2))
    )
    before = path.read_bytes()
    assert [bounce_of(content) for content in mbox_messages(path)] == [
        Bounce(LETTER_ID, "failed", "5.1.1")
    ] * 2
    assert path.read_bytes() == before


def test_place_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no Maildir"):
        list(maildir_messages(tmp_path))
    with pytest.raises(InputError, match="no such mailbox"):
        list(mbox_messages(tmp_path / "none"))
