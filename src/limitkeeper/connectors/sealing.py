"""Personal data sealed with a key from outside: AES-256-GCM, bound to where it belongs."""

import base64
import binascii
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from limitkeeper.core.kernel.errors import InputError, LimitkeeperError

KEY_VARIABLE = "LIMITKEEPER_MASTER_KEY"
KEY_BYTES, NONCE_BYTES = 32, 12


class SealError(LimitkeeperError):
    """Sealed content that does not open: another key, another place, or changed."""


@dataclass(frozen=True)
class Seal:
    """Seals and opens bytes.

    Parameters
    ----------
    key
        32 bytes.

    Examples
    --------
    >>> seal = Seal(bytes(32))
    >>> seal.opened(seal.sealed(b"13900000000", "customer:7:phone"), "customer:7:phone")
    b'13900000000'
    """

    key: bytes = field(repr=False)

    def sealed(self, content: bytes, place: str) -> bytes:
        """Content sealed for a place, such as ``customer:7:phone``; each time other bytes."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + AESGCM(self.key).encrypt(nonce, content, place.encode())

    def opened(self, sealed: bytes, place: str) -> bytes:
        """What was sealed for a place.

        Raises
        ------
        SealError
            When it was sealed with another key or for another place, or was changed.
        """
        try:
            return AESGCM(self.key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], place.encode())
        except (InvalidTag, ValueError) as error:
            raise SealError("Sealed content does not open.", value=place) from error


def seal_from_environment(environment: Mapping[str, str] = os.environ) -> Seal:
    """The seal whose key, 32 bytes in base64, is in the environment.

    Raises
    ------
    InputError
        When there is none.
    """
    text = environment.get(KEY_VARIABLE, "")
    try:
        key = base64.b64decode(text, validate=True)
    except binascii.Error:
        key = b""
    if len(key) != KEY_BYTES:
        raise InputError(
            f"{KEY_VARIABLE} holds no key.",
            allowed="32 bytes in base64",
            advice="Make one with: openssl rand -base64 32",
        )
    return Seal(key)
