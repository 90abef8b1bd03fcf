"""What the audit keeps of a row that is evidence: a hash of what never changes in it, so that an edit shows."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

_text = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def row_hash(row: Mapping[str, Any], columns: Sequence[str]) -> str:
    """The SHA-256 of some columns of a row, in their order, 64 hexadecimal digits; the same on every database.

    Parameters
    ----------
    row
        Texts, whole numbers, truth values, bytes, None.
    columns
        Which.

    Examples
    --------
    >>> row_hash({"a": True, "b": b"x"}, ["a", "b"]) == row_hash({"a": 1, "b": b"x"}, ["a", "b"])
    True
    """
    text = _text([_plain(row[name]) for name in columns])
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(value: object) -> object:
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, bytes | memoryview):
        return hashlib.sha256(value).hexdigest()
    return value
