"""The seal of tests: a real vault in a file that this session's processes share, under a master key that they know."""

import atexit
import base64
import os
import shutil
import tempfile
import time
from pathlib import Path

from limitkeeper.app.vault import VAULT_VARIABLE
from limitkeeper.connectors.sealing import LocalMasterKeys, Seal
from limitkeeper.store.vault import Vault

if VAULT_VARIABLE not in os.environ:
    _folder = tempfile.mkdtemp(prefix="limitkeeper-vault-")
    atexit.register(shutil.rmtree, _folder, ignore_errors=True)
    os.environ[VAULT_VARIABLE] = f"sqlite:///{_folder}/vault.db"

MASTER_KEY = bytes(range(32))
MASTER_KEY_TEXT = base64.b64encode(MASTER_KEY).decode()


def seal_of(folder: Path, master: bytes = MASTER_KEY, before: tuple[bytes, ...] = ()) -> Seal:
    """A seal whose vault lies in a folder."""
    vault = Vault(f"sqlite:///{folder / 'vault.db'}", lambda: time.time_ns() // 1_000)
    return Seal(LocalMasterKeys(master, before), vault)


SEAL = Seal(LocalMasterKeys(MASTER_KEY), Vault(os.environ[VAULT_VARIABLE], lambda: time.time_ns() // 1_000))
"""What a server and commands that a test starts seal with too: they find the vault by the environment."""
