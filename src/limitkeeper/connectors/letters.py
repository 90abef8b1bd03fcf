"""Letters to customers, whatever the channel."""

from collections.abc import Callable
from dataclasses import dataclass, field

from limitkeeper.core.kernel.errors import LimitkeeperError


@dataclass(frozen=True, slots=True)
class Letter:
    """What a channel is handed.

    Parameters
    ----------
    letter_id
        The same however often it is sent, so that a receiver can tell.
    address
        Where to; not shown in logs.
    subject, text, html
        The notice; escaped in HTML.
    short
        Its short form, which says where to read it.
    """

    letter_id: str
    address: str = field(repr=False)
    subject: str = field(repr=False)
    text: str = field(repr=False)
    html: str = field(repr=False)
    short: str = field(default="", repr=False)


class LetterError(LimitkeeperError):
    """A letter that was not taken now."""


class LetterRefusedError(LetterError):
    """A letter that will never be taken at its address."""


Channel = Callable[[Letter], None]
"""Sends a letter; raises a :class:`LetterError` where it is not taken."""
