"""Events for tests of behaviour, as the core takes them and as the oracle does."""

from collections.abc import Sequence

import numpy as np

from limitkeeper.core.behaviour.events import KINDS, EventBatch
from limitkeeper.core.behaviour.features import FEATURE_NAMES
from limitkeeper.core.behaviour.state import Behaviour
from tests.oracle_of_features import Event

STATUS = ("accepted", "duplicate", "too_late")


def batch(events: Sequence[Event]) -> EventBatch:
    def column(name: str, dtype: type = np.int64) -> np.ndarray:
        return np.array([getattr(e, name) for e in events], dtype=dtype)

    return EventBatch(
        account=column("account"),
        ts_us=column("ts"),
        kind=np.array([KINDS.index(e.kind) for e in events], dtype=np.uint8),
        amount_cents=column("amount"),
        paid_cents=column("paid"),
        minimum_due_cents=column("minimum_due"),
        days_past_due=column("days_past_due"),
        merchant=column("merchant"),
        device=column("device"),
        city=column("city"),
        event=column("id"),
        night=column("night", np.bool_),
    )


def rows(values: np.ndarray) -> list[dict[str, float]]:
    return [dict(zip(FEATURE_NAMES, row, strict=True)) for row in values.tolist()]


def last_features(*events: Event) -> dict[str, float]:
    """The features of the last of some events of one account, whose ids are given by their order."""
    behaviour = Behaviour()
    behaviour.add_accounts(1)
    numbered = [Event(**{**e.__dict__, "id": e.id or k + 1}) for k, e in enumerate(events)]
    values, status = behaviour.apply(batch(numbered))
    assert status[-1] == 0
    return rows(values)[-1]
