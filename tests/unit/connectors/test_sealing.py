"""What is personal opens with its customer's key only, which a master key wraps, and a destroyed one opens nothing."""

import base64
import secrets
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from limitkeeper.app.vault import wrapped_again
from limitkeeper.connectors.sealing import (
    FILE_VARIABLE,
    KEY_VARIABLE,
    OLD_VARIABLE,
    ErasedError,
    LocalMasterKeys,
    Seal,
    SealError,
    master_id_of,
    master_keys_from_environment,
)
from limitkeeper.core.kernel.errors import InputError
from limitkeeper.store.vault import Vault
from tests.vaults import MASTER_KEY, seal_of

NEW_KEY = bytes(reversed(range(32)))


def vault_of(seal: Seal) -> Vault:
    assert isinstance(seal.keys, Vault)
    return seal.keys


def test_content_opens_only_where_it_belongs(tmp_path: Path) -> None:
    seal = seal_of(tmp_path)
    sealed = seal.sealed(b"secret", "contact:1", "c-1")
    assert seal.opened(sealed, "contact:1", "c-1") == b"secret"
    for place, customer in (("contact:2", "c-1"), ("contact:1", "c-2")):
        with pytest.raises(SealError):
            seal.opened(sealed, place, customer)


def test_opening_makes_no_key(tmp_path: Path) -> None:
    seal = seal_of(tmp_path)
    sealed = seal.sealed(b"secret", "p", "c-1")
    with pytest.raises(SealError):
        seal.opened(sealed, "p", "c-2")
    assert vault_of(seal).wrapped(["c-1", "c-2"]).keys() == {"c-1"}


@pytest.mark.parametrize("place", range(0, 37, 3))
def test_any_changed_byte_is_found(place: int, tmp_path: Path) -> None:
    seal = seal_of(tmp_path)
    sealed = bytearray(seal.sealed(b"secret", "p", "c"))
    sealed[place % len(sealed)] ^= 1
    with pytest.raises(SealError):
        seal.opened(bytes(sealed), "p", "c")


def test_another_vault_opens_nothing_under_the_same_master_key(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    sealed = seal_of(tmp_path).sealed(b"secret", "p", "c")
    with pytest.raises(SealError):
        seal_of(tmp_path / "other").opened(sealed, "p", "c")


def test_same_content_is_never_the_same_bytes(tmp_path: Path) -> None:
    seal = seal_of(tmp_path)
    assert seal.sealed(b"secret", "p", "c") != seal.sealed(b"secret", "p", "c")


def test_destroyed_key_opens_nothing_here_in_another_process_or_in_a_copy(tmp_path: Path) -> None:
    seal = seal_of(tmp_path)
    sealed, other = seal.sealed(b"secret", "p", "c-1"), seal.sealed(b"another", "p", "c-2")
    assert vault_of(seal).destroyed("c-1")
    assert not vault_of(seal).destroyed("c-1")
    seal.forget("c-1")
    for each in (seal, seal_of(tmp_path)):
        with pytest.raises(ErasedError):
            each.opened(sealed, "p", "c-1")
        with pytest.raises(ErasedError):
            each.sealed(b"again", "p", "c-1")
        assert each.opened(other, "p", "c-2") == b"another"


def test_wrapped_key_is_in_no_byte_of_the_vaults_files_after_it_was_destroyed(tmp_path: Path) -> None:
    seal = seal_of(tmp_path)
    seal.prepare(f"c-{k}" for k in range(50))
    [(_, wrapped)] = vault_of(seal).wrapped(["c-7"]).values()
    assert any(wrapped in path.read_bytes() for path in tmp_path.iterdir())
    with vault_of(
        seal
    ).database.connect():  # so that the key is destroyed by another connection than made the vault
        vault_of(seal).destroyed("c-7")
    assert not any(wrapped in path.read_bytes() for path in tmp_path.iterdir())


def test_customer_who_never_had_a_key_is_erased_all_the_same(tmp_path: Path) -> None:
    seal = seal_of(tmp_path)
    assert not vault_of(seal).destroyed("c-9")
    with pytest.raises(ErasedError):
        seal.key_of("c-9")


def test_after_a_change_of_the_master_key_everything_still_reads_and_the_old_one_is_needed_no_more(
    tmp_path: Path,
) -> None:
    before = seal_of(tmp_path)
    sealed = {f"c-{k}": before.sealed(f"secret {k}".encode(), "p", f"c-{k}") for k in range(1_203)}
    vault_of(before).destroyed("c-3")
    both = LocalMasterKeys(NEW_KEY, (MASTER_KEY,))
    seen: list[tuple[str, int, int]] = []
    assert wrapped_again(vault_of(before), both, lambda *told: seen.append(told)) == 1_202
    assert seen[-1] == ("keys", 1_202, 1_202)
    assert wrapped_again(vault_of(before), both) == 0
    assert vault_of(before).counts() == {master_id_of(NEW_KEY): 1_202, "destroyed": 1}
    after = seal_of(tmp_path, NEW_KEY)
    assert all(after.opened(each, "p", name) for name, each in sealed.items() if name != "c-3")
    with pytest.raises(SealError, match="wrapped by another master key"):
        seal_of(tmp_path).opened(sealed["c-1"], "p", "c-1")


def test_change_of_the_master_key_without_the_one_before_changes_nothing(tmp_path: Path) -> None:
    seal = seal_of(tmp_path)
    seal.prepare(["c-1"])
    with pytest.raises(SealError, match=OLD_VARIABLE):
        wrapped_again(vault_of(seal), LocalMasterKeys(NEW_KEY))
    assert vault_of(seal).counts() == {master_id_of(MASTER_KEY): 1}


def test_wrapped_key_of_one_customer_is_none_of_another(tmp_path: Path) -> None:
    seal = seal_of(tmp_path)
    seal.prepare(["c-1"])
    [wrapped] = vault_of(seal).wrapped(["c-1"]).values()
    with pytest.raises(SealError):
        seal.masters.unwrap(wrapped, "c-2")


def test_content_from_before_customers_had_keys_still_opens(tmp_path: Path) -> None:
    nonce = secrets.token_bytes(12)
    older = nonce + AESGCM(MASTER_KEY).encrypt(nonce, b"older", b"notice:1")
    assert seal_of(tmp_path).opened(older, "notice:1", "c-1") == b"older"
    assert seal_of(tmp_path, NEW_KEY, (MASTER_KEY,)).opened(older, "notice:1", "c-1") == b"older"


@pytest.mark.parametrize("text", ["", "short", base64.b64encode(bytes(16)).decode()])
def test_key_that_is_none_is_told(text: str) -> None:
    with pytest.raises(InputError, match="openssl"):
        master_keys_from_environment({KEY_VARIABLE: text})


def test_keys_are_read_from_the_environment_or_a_file_and_not_shown(tmp_path: Path) -> None:
    new, old = (base64.b64encode(key).decode() for key in (NEW_KEY, MASTER_KEY))
    found = master_keys_from_environment({KEY_VARIABLE: new, OLD_VARIABLE: old})
    assert found == LocalMasterKeys(NEW_KEY, (MASTER_KEY,))
    assert repr(found) == "LocalMasterKeys()"
    (tmp_path / "key").write_text(new + "\n", encoding="ascii")
    assert master_keys_from_environment({FILE_VARIABLE: str(tmp_path / "key")}).current == NEW_KEY
    with pytest.raises(InputError, match="cannot be read"):
        master_keys_from_environment({FILE_VARIABLE: str(tmp_path / "none")})
