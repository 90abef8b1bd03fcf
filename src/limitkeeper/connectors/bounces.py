"""Mail that came back: reports of mail servers (RFC 3464), in a message, a Maildir or a mailbox file."""

import mailbox
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage, Message
from email.parser import BytesParser
from email.policy import default
from pathlib import Path

from limitkeeper.core.kernel.errors import InputError

REPORT_BYTES_MAX = 1_048_576
"""A larger message is none of ours: a report quotes a letter, which is small."""

RECIPIENTS_MAX = 10
"""A letter goes to one; more in a report are not looked at."""

LETTER_ID = re.compile(r"<([0-9a-f]{64})@[^<>\s]+>")

STATUS = re.compile(r"([245])\.(\d{1,3})\.(\d{1,3})")

FAILED, DELAYED = "failed", "delayed"


@dataclass(frozen=True, slots=True)
class Bounce:
    """What a report says of a letter; nothing personal.

    Parameters
    ----------
    letter_id
        Ours, from the headers that came back.
    action
        ``failed`` or ``delayed``.
    status
        Of RFC 3463, such as ``5.1.1``; its first digit is 5 where it holds for good.
    """

    letter_id: str
    action: str
    status: str


def bounce_of(content: bytes) -> Bounce | None:
    """What a message reports of one of our letters; None where it is no report, or none of ours.

    A report of a letter that arrived, was relayed or spread is none of a bounce. What servers say in words is left
    out: it names addresses.

    Source
    ------
    RFC 3464 (reports), RFC 3462 (what comes back), RFC 3463 (status codes).

    Examples
    --------
    >>> bounce_of(b"Subject: I am on holiday") is None
    True
    """
    if len(content) > REPORT_BYTES_MAX:
        return None
    message = BytesParser(policy=default).parsebytes(content)
    if message.get_content_type() != "multipart/report":
        return None
    parts = list(message.walk())
    letter_id = next((found for part in parts if (found := _letter_id(part))), None)
    recipients = [each for part in parts for each in _recipients(part)][:RECIPIENTS_MAX]
    if letter_id is None or not recipients:
        return None
    # The worst is what holds: one letter has one recipient, and his alias may lead to several.
    action, status = max(recipients, key=lambda each: (each[0] == FAILED, each[1]))
    return Bounce(letter_id, action, status)


def _letter_id(part: Message) -> str | None:
    """Our id in the headers of a letter that a part returns."""
    if part.get_content_type() == "text/rfc822-headers":
        text = part.get_content() if isinstance(part, EmailMessage) else ""
        returned: Message = BytesParser(policy=default).parsebytes(str(text).encode(), headersonly=True)
    elif part.get_content_type() == "message/rfc822":
        payload = part.get_payload()
        if not isinstance(payload, list) or not payload or not isinstance(payload[0], Message):
            return None
        returned = payload[0]
    else:
        return None
    found = LETTER_ID.search(str(returned.get("Message-ID", "")))
    return found.group(1) if found else None


def _recipients(part: Message) -> Iterator[tuple[str, str]]:
    """Action and status of each recipient that a part reports a failure or a delay of."""
    payload = part.get_payload()
    if part.get_content_type() != "message/delivery-status" or not isinstance(payload, list):
        return
    for fields in payload:
        if not isinstance(fields, Message):
            continue
        action = str(fields.get("Action", "")).strip().lower()
        status = STATUS.search(str(fields.get("Status", "")))
        if action in (FAILED, DELAYED) and status:
            yield action, status.group()


def maildir_messages(folder: Path) -> Iterator[bytes]:
    """Each new message of a Maildir; it counts as seen when the next one is asked for.

    Raises
    ------
    InputError
        When the folder is no Maildir.
    """
    if not all((folder / part).is_dir() for part in ("new", "cur")):
        raise InputError("The folder is no Maildir.", value=folder, allowed="new and cur in it")
    for path in sorted((folder / "new").iterdir()):
        if path.name.startswith("."):
            continue
        yield _beginning(path)
        path.rename(folder / "cur" / f"{path.name}:2,S")


def mbox_messages(path: Path) -> Iterator[bytes]:
    """Each message of a mailbox file, which stays as it is.

    Raises
    ------
    InputError
        When there is no such file.
    """
    if not path.is_file():
        raise InputError("There is no such mailbox file.", value=path)
    box = mailbox.mbox(path, create=False)
    try:
        for key in box.keys():  # noqa: SIM118 - a mailbox gives its messages otherwise
            yield box.get_bytes(key)
    finally:
        box.close()


def _beginning(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(REPORT_BYTES_MAX + 1)
