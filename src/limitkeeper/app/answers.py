"""Requests that are sent again: the first answer, and nothing done twice."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from limitkeeper.core.access.actors import SYSTEM
from limitkeeper.core.behaviour.events import DAY_US
from limitkeeper.core.kernel.errors import InputError
from limitkeeper.store.answer_tables import idempotency_keys
from limitkeeper.store.sql import Store
from limitkeeper.store.work import Work, work

KEPT_US = 2 * DAY_US
"""An answer is kept for so long; the same key does something new after it."""

FORGOTTEN_ROWS = 10_000
"""Answers that are let go of in one transaction."""


@dataclass(frozen=True, slots=True)
class Acted:
    """What an act is answered.

    Parameters
    ----------
    content
        As JSON; without personal data where the act may be sent again.
    status
        Of HTTP.
    version
        Of what was changed, None where it has none.
    """

    content: Any
    status: int = 200
    version: int | None = None


def acted_once(w: Work, key: str, request_hash: str, act: Callable[[Work], Acted]) -> Acted:
    """The answer of an act, which is done only the first time that its actor gives a key.

    Parameters
    ----------
    w
        The work that the act belongs to: its answer is kept with what it changes, or neither is.
    key
        As the sender gave it.
    request_hash
        Of everything that was asked.
    act
        What is to be done.

    Raises
    ------
    InputError
        When the key stood for another request.
    """
    key_hash = hashlib.sha256(json.dumps([w.actor.actor_id, key]).encode()).hexdigest()
    before = w.row(sa.select(idempotency_keys).where(idempotency_keys.c.key_hash == key_hash))
    if before is not None and w.now_us - before["made_us"] < KEPT_US:
        if before["request_hash"] != request_hash:
            raise InputError(
                "The Idempotency-Key stood for another request.", value=key[:100], advice="Take a new key."
            )
        return Acted(json.loads(before["content"]), before["status"], before["version"])
    if before is not None:
        w.connection.execute(idempotency_keys.delete().where(idempotency_keys.c.key_hash == key_hash))
    found = act(w)
    w.add(idempotency_keys, {
        "key_hash": key_hash, "request_hash": request_hash, "made_us": w.now_us, "status": found.status,
        "version": found.version, "content": json.dumps(found.content, ensure_ascii=False),
    })  # fmt: skip
    return found


def answers_forgotten(store: Store, now_us: int, count: int = FORGOTTEN_ROWS) -> int:
    """Let go of answers that are old; how many."""
    old = sa.select(idempotency_keys.c.key_hash).where(idempotency_keys.c.made_us <= now_us - KEPT_US)
    with work(store, SYSTEM, now_us) as w:
        chosen = idempotency_keys.c.key_hash.in_(old.limit(count).scalar_subquery())
        return int(w.connection.execute(idempotency_keys.delete().where(chosen)).rowcount)
