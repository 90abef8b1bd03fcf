"""What the audit keeps of a row that is evidence: a hash of what never changes in it, so that an edit shows."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

_PLAIN = frozenset({str, int, type(None)})

_text = msgspec.json.Encoder().encode


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
    return values_digest([row[name] for name in columns]).hex()


def values_digest(values: Iterable[object]) -> bytes:
    """The 32 bytes of :func:`row_hash`, of the values of the columns: for many rows.

    Parameters
    ----------
    values
        In the columns' order.

    Examples
    --------
    >>> values_digest([1, "x"]).hex() == row_hash({"a": 1, "b": "x"}, ["a", "b"])
    True
    """
    # Most values are plain as they are: a call for each would cost more than all the rest.
    plain = [each if each.__class__ in _PLAIN else _plain(each) for each in values]
    return hashlib.sha256(_text(plain)).digest()


def _plain(value: object) -> object:
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, bytes | memoryview):
        return hashlib.sha256(value).hexdigest()
    return value
