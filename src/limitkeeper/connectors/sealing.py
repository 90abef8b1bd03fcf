"""Personal data sealed with its customer's own key, which a master key from outside wraps: AES-256-GCM throughout.

Content is bound to its place and its customer. Without the customer's key nothing opens it, wherever a copy lies; so a
customer is erased by destroying one key. A master key is changed by wrapping the keys again, never the content.
"""

import base64
import binascii
import hashlib
import os
import re
import secrets
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from limitkeeper.core.kernel.errors import InputError, LimitkeeperError

KEY_VARIABLE = "LIMITKEEPER_MASTER_KEY"
FILE_VARIABLE = "LIMITKEEPER_MASTER_KEY_FILE"
OLD_VARIABLE = "LIMITKEEPER_MASTER_KEYS_BEFORE"
KEY_BYTES, NONCE_BYTES = 32, 12

MARK = b"lk1"
"""Begins what is sealed with a customer's key; what is older was sealed with the master key itself."""

ERASED_NAME = re.compile(r"erased-[0-9a-f]{16}")
"""What rows that are kept call a person who was erased: a name that leads nowhere."""

KEYS_CACHED = 100_000
"""Customers' keys that a process holds open."""

KEY_SECONDS = 10.0
"""So long it holds one before it looks again whether the customer is erased."""


class SealError(LimitkeeperError):
    """Sealed content that does not open: another key, another place, or changed."""


class ErasedError(SealError):
    """Content of a customer who was erased: nothing opens it any more."""


Wrapped = tuple[str, bytes]
"""A customer's key as it is kept: the name of the master key, and what it wraps; empty where it was destroyed."""


class CustomerKeys(Protocol):
    """Where customers' wrapped keys are kept, apart from everything that they seal."""

    def wrapped(self, customer_ids: Sequence[str]) -> Mapping[str, Wrapped]:
        """The keys of customers, of those who have or had one."""
        ...

    def added(self, keys: Mapping[str, Wrapped]) -> Mapping[str, Wrapped]:
        """Keep keys of customers who have none; what is kept of each by then, should somebody else have been first."""
        ...

    def destroyed(self, customer_id: str) -> bool:
        """Destroy a customer's key for ever, and let him have no other; whether there was one."""
        ...


class MasterKeys(Protocol):
    """What wraps and unwraps customers' keys: keys of this process, or a service that never gives its own out."""

    def wrap(self, key: bytes, customer_id: str) -> Wrapped:
        """A key wrapped by the current master key, for its customer."""
        ...

    def unwrap(self, wrapped: Wrapped, customer_id: str) -> bytes:
        """The key; raises :class:`SealError` where no master key of this process opens it."""
        ...

    def opened_before(self, sealed: bytes, place: str) -> bytes:
        """Content from before customers had keys of their own."""
        ...


@dataclass(frozen=True)
class LocalMasterKeys:
    """Master keys that this process holds: the current one, and those before it.

    Parameters
    ----------
    current
        32 bytes; wraps.
    before
        Unwrap what is not wrapped again yet.

    Examples
    --------
    >>> masters = LocalMasterKeys(bytes(32))
    >>> masters.unwrap(masters.wrap(b"k" * 32, "c-1"), "c-1") == b"k" * 32
    True
    """

    current: bytes = field(repr=False)
    before: tuple[bytes, ...] = field(default=(), repr=False)

    @property
    def current_id(self) -> str:
        """The name of the current master key: a hash of it."""
        return master_id_of(self.current)

    def wrap(self, key: bytes, customer_id: str) -> Wrapped:
        """A key wrapped by the current master key, for its customer."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return self.current_id, nonce + AESGCM(self.current).encrypt(nonce, key, _about_key(customer_id))

    def unwrap(self, wrapped: Wrapped, customer_id: str) -> bytes:
        """The key of a customer.

        Raises
        ------
        SealError
            When the master key that wrapped it is not here, or it was changed, or is another customer's.
        """
        master_id, content = wrapped
        for master in (self.current, *self.before):
            if master_id_of(master) == master_id:
                found = _opened(master, content, _about_key(customer_id))
                if found is None:
                    raise SealError("A customer's key does not open.", value=customer_id)
                return found
        raise SealError(
            "A customer's key is wrapped by another master key.",
            value=master_id,
            allowed=", ".join(master_id_of(each) for each in (self.current, *self.before)),
            advice=f"Give the earlier key in {OLD_VARIABLE}.",
        )

    def opened_before(self, sealed: bytes, place: str) -> bytes:
        """Content from before customers had keys of their own.

        Raises
        ------
        SealError
            When no master key opens it.
        """
        for master in (self.current, *self.before):
            found = _opened(master, sealed, place.encode())
            if found is not None:
                return found
        raise SealError("Sealed content does not open.", value=place)


class Seal:
    """Seals and opens what is personal.

    Parameters
    ----------
    masters
        Wrap and unwrap.
    keys
        Where wrapped keys are kept.
    """

    def __init__(self, masters: MasterKeys, keys: CustomerKeys) -> None:
        self.masters, self.keys = masters, keys
        self._cached: dict[str, tuple[bytes, float]] = {}

    def sealed(self, content: bytes, place: str, customer_id: str) -> bytes:
        """Content sealed for a place and its customer; each time other bytes.

        Parameters
        ----------
        content
            Any bytes.
        place
            Such as ``notice:4f2a...``: it opens nowhere else.
        customer_id
            Whose; he gets a key where he has none.

        Raises
        ------
        ErasedError
            When he was erased.
        """
        nonce = secrets.token_bytes(NONCE_BYTES)
        about = _about(place, customer_id)
        return MARK + nonce + AESGCM(self.key_of(customer_id)).encrypt(nonce, content, about)

    def opened(self, sealed: bytes, place: str, customer_id: str) -> bytes:
        """What was sealed for a place and a customer.

        Raises
        ------
        ErasedError
            When he was erased.
        SealError
            When it was sealed with another key, for another place or customer, or was changed.
        """
        if is_erased(customer_id):
            raise ErasedError("This person was erased.", value=customer_id)
        key = self._held_key(customer_id, makes=False) if sealed.startswith(MARK) else None
        found = None if key is None else _opened(key, sealed[len(MARK) :], _about(place, customer_id))
        return self.masters.opened_before(sealed, place) if found is None else found

    def words(self, sealed: bytes, place: str, customer_id: str) -> str:
        """The text that was sealed; empty where there is none, or where he was erased.

        Raises
        ------
        SealError
            As of :meth:`opened`, but where he was erased.
        """
        try:
            return self.opened(sealed, place, customer_id).decode() if sealed else ""
        except ErasedError:
            return ""

    def key_of(self, customer_id: str) -> bytes:
        """A customer's key; made where he has none.

        Raises
        ------
        ErasedError
            When it was destroyed.
        """
        key = self._held_key(customer_id, makes=True)
        assert key is not None
        return key

    def prepare(self, customer_ids: Iterable[str], *, makes: bool = True) -> frozenset[str]:
        """Have the keys of many customers at hand, in two steps instead of two for each; who of them was erased.

        Parameters
        ----------
        customer_ids
            Whose.
        makes
            Whether who has none gets one.
        """
        wanted, until = list(dict.fromkeys(customer_ids)), time.monotonic() + KEY_SECONDS
        found = dict(self.keys.wrapped(wanted))
        fresh = {each: secrets.token_bytes(KEY_BYTES) for each in wanted if makes and each not in found}
        wrapped = {each: self.masters.wrap(key, each) for each, key in fresh.items()}
        if fresh:
            found |= self.keys.added(wrapped)
        if len(self._cached) + len(wanted) > KEYS_CACHED:
            self._cached.clear()
        for each in wanted:
            self._cached.pop(each, None)
            kept = found.get(each)
            if kept and kept[1]:  # a key of somebody who was first is another one
                key = fresh[each] if kept == wrapped.get(each) else self.masters.unwrap(kept, each)
                self._cached[each] = (key, until)
        return frozenset(each for each, (_, content) in found.items() if not content)

    def _held_key(self, customer_id: str, *, makes: bool) -> bytes | None:
        known = self._cached.get(customer_id)
        if known is None or known[1] < time.monotonic():
            if customer_id in self.prepare([customer_id], makes=makes):
                raise ErasedError("This customer was erased.", value=customer_id)
            known = self._cached.get(customer_id)
        return None if known is None else known[0]

    def destroy(self, customer_id: str) -> None:
        """Destroy a customer's key for ever: nothing of his opens any more, wherever a copy of it lies."""
        self.keys.destroyed(customer_id)
        self.forget(customer_id)

    def forget(self, customer_id: str) -> None:
        """Hold a customer's key no longer."""
        self._cached.pop(customer_id, None)


def master_keys_from_environment(environment: Mapping[str, str] = os.environ) -> LocalMasterKeys:
    """The master keys that the environment names: the current one, or a file of it, and those before.

    Raises
    ------
    InputError
        When there is none, or one is no key.
    """
    text = environment.get(KEY_VARIABLE, "")
    if not text and environment.get(FILE_VARIABLE):
        try:
            text = Path(environment[FILE_VARIABLE]).read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"The file of the master key cannot be read: {error}.") from error
    before = [each for each in environment.get(OLD_VARIABLE, "").split(",") if each.strip()]
    return LocalMasterKeys(
        _key(text, KEY_VARIABLE), tuple(_key(each.strip(), OLD_VARIABLE) for each in before)
    )


def erased_name() -> str:
    """A name that leads nowhere, for what is kept of a person who is erased."""
    return f"erased-{secrets.token_hex(8)}"


def is_erased(customer_id: str) -> bool:
    """Whether a row's customer is one who was erased.

    Examples
    --------
    >>> is_erased(erased_name()), is_erased("kim")
    (True, False)
    """
    return ERASED_NAME.fullmatch(customer_id) is not None


def master_id_of(key: bytes) -> str:
    """The name of a master key: a hash that says nothing of it."""
    return hashlib.blake2b(key, digest_size=8, person=b"master").hexdigest()


def _key(text: str, variable: str) -> bytes:
    try:
        key = base64.b64decode(text, validate=True)
    except binascii.Error:
        key = b""
    if len(key) != KEY_BYTES:
        raise InputError(
            f"{variable} holds no key.",
            allowed="32 bytes in base64",
            advice="Make one with: openssl rand -base64 32",
        )
    return key


def _about(place: str, customer_id: str) -> bytes:
    return f"{place}\n{customer_id}".encode()


def _about_key(customer_id: str) -> bytes:
    return f"key of\n{customer_id}".encode()


def _opened(key: bytes, sealed: bytes, about: bytes) -> bytes | None:
    try:
        return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], about)
    except (InvalidTag, ValueError):
        return None
