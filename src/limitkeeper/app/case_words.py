"""What officers write on a customer's case: sealed under his key, so that destroying it erases that too."""

import base64
from collections.abc import Mapping
from typing import Any

from limitkeeper.connectors.sealing import ErasedError, Seal

SEALED = "sealed:"
"""Begins words that are sealed; a case that is nobody's, such as a campaign's, and the system keep theirs plain."""


def sealed_words(seal: Seal, words: str, case: Mapping[str, Any]) -> str:
    """Words as they are kept with a case, on its acts and its votes.

    Parameters
    ----------
    seal
        Of what is personal.
    words
        Of a person.
    case
        The row: plain where it has no customer. Nothing is kept of words on one who was erased: they would name him.
    """
    if not words.strip() or case["customer_id"] is None:
        return words
    try:
        content = seal.sealed(words.encode(), f"case:{case['case_id']}", case["customer_id"])
    except ErasedError:
        return ""
    return SEALED + base64.b64encode(content).decode()


def opened_words(seal: Seal, kept: str, case: Mapping[str, Any]) -> str:
    """Words that are kept with a case, to be read; empty where its customer was erased.

    Parameters
    ----------
    seal
        Of what is personal.
    kept
        As of :func:`sealed_words`, or plain from before words were sealed.
    case
        The row.

    Raises
    ------
    SealError
        When they do not open: they were changed, or are another case's.
    """
    if case["account_id"] is None or not kept.startswith(SEALED):
        return kept
    if case["customer_id"] is None:
        return ""
    content = base64.b64decode(kept.removeprefix(SEALED))
    return seal.words(content, f"case:{case['case_id']}", case["customer_id"])
