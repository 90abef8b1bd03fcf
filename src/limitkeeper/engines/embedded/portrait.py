"""What is told of one account: its portrait now, and what would be decided of an event that did not happen."""

import math
from typing import Any

import numpy as np
import polars as pl

from limitkeeper.core.alerts.standing import (
    ALERT_FIELDS,
    BEFORE_REDUCTION,
    COUNT,
    DEFAULTED,
    FIRST_ALERT,
    FREEZE_CONFIRMED,
    FROZEN_SINCE_US,
    NO_SLOT,
    Standing,
)
from limitkeeper.core.alerts.watch import watched
from limitkeeper.core.behaviour.events import ACCEPTED, NEVER_US
from limitkeeper.core.behaviour.features import FEATURE_NAMES
from limitkeeper.core.behaviour.ring import LATENESS_US
from limitkeeper.core.behaviour.state import Behaviour
from limitkeeper.core.kernel.errors import InputError
from limitkeeper.core.kernel.instants import instant
from limitkeeper.engines.embedded.arrivals import arrivals_of_table
from limitkeeper.engines.embedded.engine import Engine
from limitkeeper.engines.embedded.findings import TRIGGERS
from limitkeeper.engines.embedded.shard import CHANGE_NAMES, RELATION_NAMES, Shard

STATUS_WORDS = {0: "accepted", 1: "duplicate", 2: "too_late"}


def _place(engine: Engine, account_id: str) -> tuple[int, Shard, int]:
    place = engine.state.number(account_id)
    if place is None:
        raise InputError(
            "There is no such account.", value=account_id, advice="Send an event of it, or register it."
        )
    return place[0], engine.state.shards[place[0]], place[1]


def _numbers(names: tuple[str, ...], values: list[float]) -> dict[str, float | None]:
    return {name: value if math.isfinite(value) else None for name, value in zip(names, values, strict=True)}


def portrait(engine: Engine, account_id: str, as_of_us: int) -> dict[str, Any]:
    """An account's features as of a time, what stands of it, and its open alerts.

    Raises
    ------
    InputError
        When there is no such account.
    """
    place, shard, number = _place(engine, account_id)
    one = np.array([number])
    features = shard.books.behaviour.portraits(as_of_us, one)[0].tolist()
    relations = engine.state.web.relations_of(place)(one)[:, 0].tolist()
    return {
        "account_id": account_id,
        "as_of": instant(as_of_us).isoformat(),
        "features": _numbers(FEATURE_NAMES, features),
        "change": _numbers(CHANGE_NAMES, shard.change.scores(one)[0].tolist()),
        "relations": _numbers(RELATION_NAMES, relations),
        "standing": standing_document(shard.standing, number),
    }


def features_as_of(
    engine: Engine, account_id: str, as_of_us: int, now_us: int | None = None
) -> dict[str, float | None] | None:
    """An account's features as of a time, by all that is known now; None where it is unknown, or that is too long ago.

    Parameters
    ----------
    engine
        Asked in its own thread.
    as_of_us
        No longer ago than an event may be late, counted from now; before that its windows are not whole.
    now_us
        What is now to who asks, where that was just read off the clock; None to read it here.
    """
    place = engine.state.number(account_id)
    if place is None or as_of_us < (engine.as_of_us() if now_us is None else now_us) - LATENESS_US:
        return None
    behaviour = engine.state.shards[place[0]].books.behaviour
    return _numbers(FEATURE_NAMES, behaviour.portraits(as_of_us, np.array([place[1]]))[0].tolist())


def standing_document(standing: Standing, number: int) -> dict[str, Any]:
    """What stands of an account, as JSON."""
    slot = int(standing.slots[number])
    if slot == NO_SLOT:
        return {"is_frozen": False, "is_defaulted": False, "limit_before_reduction_cents": None, "alerts": []}
    row = standing.rows[slot].tolist()
    frozen, before = row[FROZEN_SINCE_US] != NEVER_US, row[BEFORE_REDUCTION]
    return {
        "is_frozen": frozen,
        "frozen_since": instant(row[FROZEN_SINCE_US]).isoformat() if frozen else None,
        "freeze_is_confirmed": bool(row[FREEZE_CONFIRMED]) if frozen else None,
        "is_defaulted": bool(row[DEFAULTED]),
        "limit_before_reduction_cents": before if before >= 0 else None,
        "alerts": [
            name for k, name in enumerate(TRIGGERS) if row[FIRST_ALERT + k * ALERT_FIELDS + COUNT] > 0
        ],
    }


def looked_at(engine: Engine, account_id: str, as_of_us: int) -> dict[str, Any] | None:
    """The trace of a look at an account as of a time, worked out on a copy; None where there is no such account."""
    place = engine.state.number(account_id)
    if place is None:
        return None
    shard = engine.state.shards[place[0]]
    copy = _copy_of_one(shard, place[1], account_id)
    relations = engine.state.web.relations_of(place[0])(np.array([place[1]]))
    one, arm = np.zeros(1, np.int64), engine.state.terms.arm_of(shard, place[1])
    terms = engine.state.terms.arms[arm]
    found = copy.look(one, as_of_us, terms.watch, lambda accounts: relations[:, accounts])
    return engine.policy.reporters[arm].trace(found, 0, account_id, as_of_us)


def hypothetical(engine: Engine, event: pl.DataFrame) -> dict[str, Any]:
    """What would be decided if an event happened: worked out on a copy of its account; nothing is changed.

    Parameters
    ----------
    event
        One row, normalised.

    Raises
    ------
    InputError
        When there is no such account.
    """
    account_id = event["account_id"][0]
    place, shard, number = _place(engine, account_id)
    copy = _copy_of_one(shard, number, account_id)
    terms = engine.state.terms
    relations = engine.state.web.relations_of(place)(np.array([number]))
    batch = arrivals_of_table(event, terms.time_zone).batch
    applied = copy.apply([account_id], batch, lambda accounts: relations[:, accounts], terms.watch.holdout)
    status = STATUS_WORDS[int(applied.status[0])]
    found: dict[str, Any] = {"account_id": account_id, "status": status, "assessment": None, "trace": None}
    if applied.status[0] == ACCEPTED:
        ts_us = int(event["ts_us"][0])
        arm = terms.arm_of(shard, number)
        seen, reporter = watched([applied.part], terms.arms[arm].watch), engine.policy.reporters[arm]
        found["assessment"] = reporter.summary(seen, 0)
        found["trace"] = reporter.trace(seen, 0, account_id, ts_us)
    return found


def _copy_of_one(shard: Shard, number: int, account_id: str) -> Shard:
    """A shard of one account, as it stands in another."""
    behaviour = Behaviour()
    behaviour.add_accounts(1)
    behaviour.restore_ring(0, shard.books.behaviour.ring_bytes(number))
    copy = Shard()
    copy.books.behaviour, copy.books.numbers, copy.ids = behaviour, {account_id: 0}, [account_id]
    copy.standing = shard.standing.of_one(number, int(shard.books.behaviour.customers()[number]))
    copy.change = shard.change.of_one(number)
    return copy
