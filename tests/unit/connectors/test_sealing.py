import base64

import pytest

from limitkeeper.connectors.sealing import KEY_VARIABLE, Seal, SealError, seal_from_environment
from limitkeeper.core.kernel.errors import InputError

SEAL = Seal(bytes(range(32)))


def test_content_opens_only_where_it_belongs() -> None:
    sealed = SEAL.sealed(b"secret", "customer:1:mail")
    assert SEAL.opened(sealed, "customer:1:mail") == b"secret"
    with pytest.raises(SealError):
        SEAL.opened(sealed, "customer:2:mail")


@pytest.mark.parametrize("place", range(0, 34, 3))
def test_any_changed_byte_is_found(place: int) -> None:
    sealed = bytearray(SEAL.sealed(b"secret", "p"))
    sealed[place % len(sealed)] ^= 1
    with pytest.raises(SealError):
        SEAL.opened(bytes(sealed), "p")


def test_another_key_opens_nothing() -> None:
    with pytest.raises(SealError):
        Seal(bytes(32)).opened(SEAL.sealed(b"secret", "p"), "p")


def test_same_content_is_never_the_same_bytes() -> None:
    assert SEAL.sealed(b"secret", "p") != SEAL.sealed(b"secret", "p")


@pytest.mark.parametrize("text", ["", "short", base64.b64encode(bytes(16)).decode()])
def test_key_that_is_none_is_told(text: str) -> None:
    with pytest.raises(InputError, match="openssl"):
        seal_from_environment({KEY_VARIABLE: text})


def test_key_is_read_from_the_environment_and_not_shown() -> None:
    seal = seal_from_environment({KEY_VARIABLE: base64.b64encode(bytes(32)).decode()})
    assert seal == Seal(bytes(32))
    assert "key" not in repr(seal)
