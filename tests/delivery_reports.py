"""Reports of mail servers (RFC 3464) as they come, for letters that a test sent."""

from email.message import Message

ADDRESS = "gone@mail.test"

EDGE = "4F2A.1764050000/mail.test"


def report(
    letter: Message,
    status: str = "5.1.1",
    action: str = "failed",
    *,
    whole: bool = False,
    more: tuple[tuple[str, str], ...] = (),
) -> bytes:
    """What a server sends back about a letter: with all of it, or with its headers.

    Parameters
    ----------
    letter
        As it was taken.
    status, action
        Of its recipient.
    whole
        Whether the whole letter comes back.
    more
        Action and status of more recipients.
    """
    recipients = "\n".join(
        f"Final-Recipient: rfc822; {ADDRESS}\nOriginal-Recipient: rfc822;{ADDRESS}\nAction: {act}\nStatus: {code}\n"
        f"Remote-MTA: dns; mx.mail.test\nDiagnostic-Code: smtp; 550 {code} <{ADDRESS}>: no such user\n"
        for act, code in ((action, status), *more)
    )
    headers = letter.as_string().split("\n\n")[0]
    back = f"Content-Type: message/rfc822\n\n{letter.as_string()}"
    if not whole:
        back = f"Content-Type: text/rfc822-headers\n\n{headers}\n"
    return f"""\
Return-Path: <>
Date: Mon, 21 Sep 2026 04:00:07 +0000 (UTC)
From: MAILER-DAEMON@mail.test (Mail Delivery System)
Subject: Undelivered Mail Returned to Sender
To: credit@lender.test
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="{EDGE}"
Message-Id: <20260921040007.4F2A@mail.test>

This is a MIME-encapsulated message.

--{EDGE}
Content-Description: Notification
Content-Type: text/plain; charset=us-ascii

Your message could not be delivered: <{"0" * 64}@lender.test>

--{EDGE}
Content-Description: Delivery report
Content-Type: message/delivery-status

Reporting-MTA: dns; mail.test
X-Postfix-Queue-ID: 4F2A
Arrival-Date: Mon, 21 Sep 2026 04:00:05 +0000 (UTC)

{recipients}
--{EDGE}
Content-Description: Undelivered Message
{back}
--{EDGE}--
""".encode()
