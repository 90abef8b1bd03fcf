"""Content hashes: the name of a version is what it holds."""

import hashlib
import json

from limitkeeper.core.kernel.errors import InputError


def content_hash(document: object) -> str:
    """The SHA-256 of a document's canonical JSON (sorted keys, no spaces, UTF-8), as ``sha256:<hex>``.

    Parameters
    ----------
    document
        Anything JSON holds. NaN and infinity are refused: they are not JSON.

    Examples
    --------
    >>> content_hash({"b": 1, "a": 2}) == content_hash({"a": 2, "b": 1})
    True
    """
    try:
        text = json.dumps(
            document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
        )
    except ValueError as error:
        raise InputError(f"The document cannot be hashed: {error}.") from error
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()
