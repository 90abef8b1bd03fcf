"""SMS, webhooks and other ways to a customer, through Apprise: one URL says which, and where the address goes."""

import logging
import re
from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit

import apprise

from limitkeeper.connectors.letters import Letter, LetterError, LetterRefusedError
from limitkeeper.core.kernel.errors import InputError

ADDRESS, LETTER_ID = "{address}", "{letter_id}"
"""What a URL says in place of a customer's address, which it must, and of a letter's id, which it may."""

PHONE = re.compile(r"\+?[0-9]{5,15}")

ADDRESS_LETTERS = 254

SAMPLE = {ADDRESS: "+8613900000000", LETTER_ID: "0" * 64}

# What goes wrong is told by the letter's error: the library's own lines name addresses.
logging.getLogger("apprise").addHandler(logging.NullHandler())
logging.getLogger("apprise").propagate = False


@dataclass(frozen=True)
class Gateway:
    """A way to customers.

    Parameters
    ----------
    template
        Apprise's URL with :data:`ADDRESS` in it; holds secrets.
    is_short
        Whether the short form is sent, which says where to read the notice; else the whole text.
    is_phone
        Whether addresses are phone numbers; others are refused then.
    """

    template: str = field(repr=False)
    is_short: bool = False
    is_phone: bool = False

    def send(self, letter: Letter) -> None:
        """Hand a letter over.

        Raises
        ------
        LetterRefusedError
            When it can never be sent to its address.
        LetterError
            When it is not taken now.
        """
        address = letter.address.strip()
        fits = PHONE.fullmatch(address) if self.is_phone else _is_plain(address)
        if not fits:
            raise LetterRefusedError("The address does not fit the channel.")
        plugin = _plugin(self._url({ADDRESS: address, LETTER_ID: letter.letter_id}))
        if plugin is None:
            raise LetterRefusedError("The channel cannot use the address.")
        body = letter.short if self.is_short else letter.text
        title = "" if self.is_short else " ".join(letter.subject.split())
        sender = apprise.Apprise(asset=apprise.AppriseAsset(async_mode=False))
        sender.add(plugin)
        if not sender.notify(body=body, title=title, body_format=apprise.NotifyFormat.TEXT):
            raise LetterError("The channel did not take the letter.")

    def _url(self, values: dict[str, str]) -> str:
        url = self.template
        for name, value in values.items():
            url = url.replace(name, quote(value, safe=""))
        return url


def gateway(template: str, *, is_short: bool, is_phone: bool) -> Gateway:
    """The way to customers that a URL names.

    Parameters
    ----------
    template
        Apprise's URL, with ``{address}`` where a customer's address belongs.
    is_short, is_phone
        As of :class:`Gateway`.

    Raises
    ------
    InputError
        When it cannot be used; the URL, which holds secrets, is not told.

    Examples
    --------
    >>> gateway("jsons://crm.lender.test/notices?:to={address}", is_short=False, is_phone=False)
    Gateway(is_short=False, is_phone=False)
    """
    found = Gateway(template, is_short, is_phone)
    if ADDRESS not in template:
        raise InputError(
            "The channel's URL does not say where the address goes.",
            allowed=f"{ADDRESS} in its path or query",
        )
    if not is_phone and ADDRESS in urlsplit(template).netloc:
        raise InputError(
            "An address does not choose the host.", allowed=f"{ADDRESS} in the URL's path or query"
        )
    if _plugin(found._url(SAMPLE)) is None:  # noqa: SLF001 - of this module
        raise InputError(
            "The channel's URL cannot be used.",
            value=urlsplit(template).scheme,
            allowed="one that Apprise knows, such as jsons://HOST/PATH?:to={address}",
        )
    return found


def _plugin(url: str) -> apprise.NotifyBase | None:
    found = apprise.Apprise.instantiate(url, suppress_exceptions=True)
    return found if isinstance(found, apprise.NotifyBase) else None


def _is_plain(address: str) -> bool:
    # A percent sign would be read twice on its way.
    return 0 < len(address) <= ADDRESS_LETTERS and address.isprintable() and "%" not in address
