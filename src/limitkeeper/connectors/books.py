"""The state of the accounts in a file: saved whole or not at all, and checked when it is read."""

import hashlib
import io
import json
import tempfile
from pathlib import Path

import numpy as np

from limitkeeper.core.behaviour.state import Behaviour
from limitkeeper.core.kernel.errors import InputError

MAGIC = b"limitkeeper-state/1\n"


def state_written(behaviour: Behaviour, numbers: dict[str, int], path: Path) -> Path:
    """The state of accounts in a file: a line that names the form, the SHA-256 of the arrays, the arrays."""
    content = io.BytesIO()
    accounts = np.frombuffer(json.dumps(numbers, ensure_ascii=False).encode(), np.uint8)
    np.savez(content, numbers=accounts, **behaviour.arrays())  # type: ignore[arg-type]
    body = content.getvalue()
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
        file.write(MAGIC + hashlib.sha256(body).hexdigest().encode() + b"\n" + body)
    Path(file.name).replace(path)
    return path


def state_read(path: Path) -> tuple[Behaviour, dict[str, int]]:
    """The state that a file holds.

    Raises
    ------
    InputError
        When the file cannot be read, was changed, or is of another form.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"The state cannot be read: {error}.", value=path) from error
    head, body = content[: len(MAGIC)], content[len(MAGIC) + 65 :]
    checksum = content[len(MAGIC) : len(MAGIC) + 64].decode("ascii", "replace")
    if head != MAGIC or hashlib.sha256(body).hexdigest() != checksum:
        raise InputError(
            "The state file is broken or of another version.",
            value=path,
            advice="Restore it from a copy, or build the state again from the events.",
        )
    with np.load(io.BytesIO(body), allow_pickle=False) as arrays:
        numbers = json.loads(bytes(arrays["numbers"]))
        return Behaviour.from_arrays(
            {name: arrays[name] for name in arrays.files if name != "numbers"}
        ), numbers
