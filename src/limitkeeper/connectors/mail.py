"""Mail by SMTP, with an id that stays the same however often a letter is sent."""

import smtplib
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import formatdate
from urllib.parse import parse_qsl, unquote, urlsplit

from limitkeeper.connectors.letters import Letter, LetterError, LetterRefusedError
from limitkeeper.core.kernel.errors import InputError

SEND_SECONDS = 20.0

SUBMISSION_PORT = 587

FOR_GOOD = 500
"""An answer from here on says that the letter will never be taken."""


@dataclass(frozen=True)
class MailServer:
    """Where mail is handed over.

    Parameters
    ----------
    host, port
        Of the server.
    sender
        Whose letters they are.
    domain
        Behind the id of each letter.
    user, password
        Empty where the server asks for none.
    is_encrypted
        Whether the connection must be (STARTTLS).
    """

    host: str
    port: int
    sender: str
    domain: str
    user: str = ""
    password: str = field(default="", repr=False)
    is_encrypted: bool = True

    def send(self, letter: Letter) -> None:
        """Hand a letter over.

        Raises
        ------
        LetterRefusedError
            When it will never be taken.
        LetterError
            When it is not taken now.
        """
        message = EmailMessage()
        message["From"], message["To"] = self.sender, letter.address
        message["Subject"] = " ".join(letter.subject.split())
        message["Message-ID"], message["Date"] = f"<{letter.letter_id}@{self.domain}>", formatdate()
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(letter.text)
        message.add_alternative(letter.html, subtype="html")
        try:
            with smtplib.SMTP(self.host, self.port, timeout=SEND_SECONDS) as server:
                if self.is_encrypted:
                    server.starttls()
                if self.user:
                    server.login(self.user, self.password)
                server.send_message(message)
        except smtplib.SMTPRecipientsRefused as error:
            code = next(iter(error.recipients.values()))[0]
            raise _error(code)(f"The mail server refused the address ({code}).") from error
        except smtplib.SMTPResponseException as error:
            raise _error(error.smtp_code)(
                f"The mail server refused the letter ({error.smtp_code})."
            ) from error
        except (smtplib.SMTPException, OSError) as error:
            raise LetterError(f"The mail server cannot be used ({type(error).__name__}).") from error


def mail_server(url: str, password: str = "") -> MailServer:
    """The server that a URL names: ``smtp://[USER[:PASSWORD]@]HOST[:PORT]?from=SENDER``.

    The connection is encrypted by STARTTLS, except to this machine itself.

    Parameters
    ----------
    url
        Of the server.
    password
        The user's, where the URL has none.

    Raises
    ------
    InputError
        When it cannot be read.

    Examples
    --------
    >>> server = mail_server("smtp://mail.lender.test?from=credit@lender.test")
    >>> server.host, server.port, server.domain, server.is_encrypted
    ('mail.lender.test', 587, 'lender.test', True)
    """
    parts = urlsplit(url)
    sender = dict(parse_qsl(parts.query)).get("from", "")
    try:
        port = parts.port or SUBMISSION_PORT
    except ValueError:
        port = 0
    if parts.scheme != "smtp" or not parts.hostname or not port or sender.count("@") != 1:
        raise InputError(
            "The mail server's URL cannot be read.",
            value=parts._replace(netloc=parts.hostname or "").geturl(),
            allowed="smtp://[USER[:PASSWORD]@]HOST[:PORT]?from=SENDER",
        )
    user, password = unquote(parts.username or ""), unquote(parts.password or "") or password
    is_local = parts.hostname in ("localhost", "127.0.0.1", "::1")
    return MailServer(parts.hostname, port, sender, sender.split("@")[1], user, password, not is_local)


def has_password(url: str) -> bool:
    """Whether a URL holds a password.

    Examples
    --------
    >>> has_password("smtp://kim:s3cret@mail.lender.test"), has_password("smtp://kim@mail.lender.test")
    (True, False)
    """
    return bool(urlsplit(url).password)


def _error(code: int) -> type[LetterError]:
    return LetterRefusedError if code >= FOR_GOOD else LetterError
