"""Mail by SMTP, with an id that stays the same however often a letter is sent."""

import smtplib
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import formatdate

from limitkeeper.connectors.letters import Letter, LetterError, LetterRefusedError

SEND_SECONDS = 20.0

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


def _error(code: int) -> type[LetterError]:
    return LetterRefusedError if code >= FOR_GOOD else LetterError
