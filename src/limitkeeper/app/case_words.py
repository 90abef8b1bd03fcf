"""What officers write about a customer: sealed under his key, so that destroying it erases that too."""

import base64
from collections.abc import Mapping
from typing import Any

from limitkeeper.connectors.sealing import ErasedError, Seal

SEALED = "sealed:"
"""Begins words that are sealed; what is nobody's, such as a campaign's case, and the system keep theirs plain."""


def sealed_text(seal: Seal, words: str, place: str, customer_id: str | None) -> str:
    """Words as they are kept in a column of text.

    Parameters
    ----------
    seal
        Of what is personal.
    words
        Of a person.
    place
        What they belong to: elsewhere they do not open.
    customer_id
        Whom they are about: plain where that is nobody. Nothing is kept of words on one who was erased: they would
        name him.
    """
    if not words.strip() or customer_id is None:
        return words
    try:
        content = seal.sealed(words.encode(), place, customer_id)
    except ErasedError:
        return ""
    return SEALED + base64.b64encode(content).decode()


def opened_text(seal: Seal, kept: str, place: str, customer_id: str | None) -> str:
    """Words to be read, kept as of :func:`sealed_text` or plain; empty where the customer was erased.

    Raises
    ------
    SealError
        When they do not open: they were changed, or belong elsewhere.
    """
    if not kept.startswith(SEALED):
        return kept
    if customer_id is None:
        return ""
    return seal.words(base64.b64decode(kept.removeprefix(SEALED)), place, customer_id)


def sealed_words(seal: Seal, words: str, case: Mapping[str, Any]) -> str:
    """Words as they are kept with a case, on its acts and its votes."""
    return sealed_text(seal, words, f"case:{case['case_id']}", case["customer_id"])


def opened_words(seal: Seal, kept: str, case: Mapping[str, Any]) -> str:
    """Words that are kept with a case, to be read; a case without an account is nobody's."""
    if case["account_id"] is None:
        return kept
    return opened_text(seal, kept, f"case:{case['case_id']}", case["customer_id"])
