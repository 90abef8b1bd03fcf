"""What customers say of themselves: language, quiet hours, refusal of automation, and how they may be reached."""

import re
from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import sqlalchemy as sa

from limitkeeper.app.customer_preferences import customer_row, preferences_set
from limitkeeper.app.notices import contact_added
from limitkeeper.app.policy import checked_language
from limitkeeper.connectors.sealing import Seal
from limitkeeper.core.kernel.errors import InputError
from limitkeeper.store.notice_tables import contacts
from limitkeeper.store.work import MissingError, Work

PREFERENCES = ("language", "time_zone", "quiet_from_hour", "quiet_to_hour", "refuses_automation")

CONTACTS_MAX = 10
"""Ways to reach one customer."""

ADDRESSES = {
    "mail": re.compile(r"[^@\s<>,;:\"']{1,64}@[A-Za-z0-9.-]{1,190}"),
    "sms": re.compile(r"\+[0-9]{6,15}"),
}
"""What an address of each channel that a customer may add looks like; a webhook is the lender's to add."""


def checked_preferences(values: Mapping[str, Any]) -> dict[str, Any]:
    """Preferences that hold.

    Raises
    ------
    InputError
        When one is unknown, or its value is none.
    PolicyError
        When there is no wording in the language.
    """
    for name, value in values.items():
        if name not in PREFERENCES:
            raise InputError("There is no such preference.", value=name, allowed=", ".join(PREFERENCES))
        if name == "language":
            checked_language(value)
        elif name == "time_zone":
            _checked_zone(value)
        elif name == "refuses_automation":
            if not isinstance(value, bool):
                raise InputError("A refusal is yes or no.", value=value, allowed="true, false")
        elif isinstance(value, bool) or not isinstance(value, int) or value not in range(24):
            raise InputError("An hour is none.", value=value, allowed="0 to 23")
    if not values:
        raise InputError("Nothing is to be changed.", allowed=", ".join(PREFERENCES))
    return dict(values)


def _checked_zone(value: object) -> None:
    try:
        ZoneInfo(str(value))
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise InputError(
            "There is no such time zone.", value=str(value)[:100], allowed="a name like Asia/Shanghai"
        ) from error


def preferences_changed(w: Work, customer_id: str, values: Mapping[str, Any]) -> None:
    """Change a customer's preferences, where they hold; see :func:`checked_preferences`."""
    preferences_set(w, customer_id, checked_preferences(values))


def contact_given(
    w: Work, seal: Seal, customer_id: str, channel: str, address: str, *, consents: bool
) -> str:
    """Add a way to reach a customer, behind those that he has, with his consent to it or without; its id.

    Raises
    ------
    InputError
        When the channel is none that he may add, the address looks like none, or he has too many.
    """
    if channel not in ADDRESSES:
        raise InputError("There is no such channel to add.", value=channel, allowed=", ".join(ADDRESSES))
    if not ADDRESSES[channel].fullmatch(address):
        raise InputError(f"This is no address of {channel}.", allowed="name@host, or +COUNTRY and digits")
    rows = w.rows(sa.select(contacts).where(contacts.c.customer_id == customer_id))
    if len(rows) >= CONTACTS_MAX:
        raise InputError("There are too many contacts.", value=len(rows), allowed=CONTACTS_MAX)
    rank = 1 + max((row["rank"] for row in rows), default=-1)
    contact_id = contact_added(w, seal, customer_id, channel, address, rank, consented=consents)
    row = w.found(contacts, contact_id)
    if bool(row["consented"]) != consents or row["is_broken"]:
        w.change(contacts, contact_id, row["version"], {"consented": consents, "is_broken": False})
        w.note("customer.consent", f"customer:{customer_id}", {"contact": contact_id, "consents": consents})
    return contact_id


def consent_set(w: Work, customer_id: str, contact_id: str, *, consents: bool) -> None:
    """Give or withdraw the consent to be written to by a contact.

    Raises
    ------
    MissingError
        When the customer has no such contact.
    """
    row = _own_contact(w, customer_id, contact_id)
    w.change(contacts, contact_id, row["version"], {"consented": consents})
    w.note("customer.consent", f"customer:{customer_id}", {"contact": contact_id, "consents": consents})


def contact_forgotten(w: Work, seal: Seal, customer_id: str, contact_id: str) -> None:
    """Forget a contact's address; that there was one stays, since notices went out by it.

    Raises
    ------
    MissingError
        When the customer has no such contact.
    """
    row = _own_contact(w, customer_id, contact_id)
    values = {
        "address": seal.sealed(b"", f"contact:{contact_id}", customer_id),
        "consented": False,
        "is_broken": True,
    }
    w.change(contacts, contact_id, row["version"], values)
    w.note("customer.forget", f"customer:{customer_id}", {"contact": contact_id})


def _own_contact(w: Work, customer_id: str, contact_id: str) -> dict[str, Any]:
    row = w.found(contacts, contact_id)
    if row["customer_id"] != customer_id:
        raise MissingError("There is no such contact.", value=contact_id)
    return row


def customer_document(w: Work, seal: Seal, customer_id: str, *, shows_addresses: bool) -> dict[str, Any]:
    """A customer's preferences and contacts; addresses open only to himself. That it was looked at is kept."""
    row = customer_row(w, customer_id)
    w.note("customer.look", f"customer:{customer_id}")
    query = sa.select(contacts).where(contacts.c.customer_id == customer_id).order_by(contacts.c.rank)
    found = []
    for each in w.rows(query):
        address = seal.opened(each["address"], f"contact:{each['contact_id']}", customer_id).decode()
        if address:
            found.append({
                "contact_id": each["contact_id"], "channel": each["channel"],
                "address": address if shows_addresses else masked(address),
                "consented": bool(each["consented"]), "is_broken": bool(each["is_broken"]),
            })  # fmt: skip
    names = ("language", "time_zone", "quiet_from_hour", "quiet_to_hour")
    said: dict[str, Any] = {"customer_id": customer_id} | {name: row[name] for name in names}
    refuses = bool(row["refuses_automation"])
    return said | {"refuses_automation": refuses, "contacts": found, "version": row["version"]}


def masked(address: str) -> str:
    """An address of which only the ends are shown.

    Examples
    --------
    >>> masked("kim@mail.test"), masked("+8613900000000")
    ('k***@mail.test', '+86***00')
    """
    name, at, host = address.partition("@")
    return f"{name[:1]}***@{host}" if at else f"{address[:3]}***{address[-2:]}"
