"""The vault of a store: where it is, its seal, a customer erased from it, its keys wrapped by another master key."""

import os
import time
from collections.abc import Mapping
from pathlib import Path

from limitkeeper.connectors.sealing import LocalMasterKeys, Seal, master_keys_from_environment
from limitkeeper.core.kernel.progress import Progress, unseen
from limitkeeper.store.vault import Vault

VAULT_VARIABLE = "LIMITKEEPER_VAULT"


def vault_url(data: Path, environment: Mapping[str, str] = os.environ) -> str:
    """Where the vault is: as the environment says, else a file in the server's folder."""
    return environment.get(VAULT_VARIABLE) or f"sqlite:///{data / 'vault.db'}"


def vault_at(data: Path) -> Vault:
    """The vault of a server's folder; it is made where it is not there."""
    return Vault(vault_url(data), lambda: time.time_ns() // 1_000)


def seal_at(data: Path) -> Seal:
    """The seal of a server's folder, with the master keys of the environment.

    Raises
    ------
    InputError
        When there is no master key.
    """
    masters = master_keys_from_environment()
    return Seal(masters, vault_at(data))


def wrapped_again(vault: Vault, masters: LocalMasterKeys, progress: Progress = unseen) -> int:
    """Wrap every key that an earlier master key wraps by the current one; how many. What they seal is not touched.

    Parameters
    ----------
    vault
        May be in use.
    masters
        The current master key, and those before it.
    progress
        Told of ``keys``.

    Raises
    ------
    SealError
        When a key is wrapped by none of them: what was wrapped by then stays so, and it can be run again.
    """
    total = sum(
        count for name, count in vault.counts().items() if name not in ("destroyed", masters.current_id)
    )
    done = 0
    for page in vault.pages_under([masters.current_id]):
        after = {name: masters.wrap(masters.unwrap(each, name), name) for name, each in page.items()}
        done += vault.replaced(page, after)
        progress("keys", done, total)
    return done
