"""What becomes of the rows of requests that were worked on together."""

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import polars as pl
import pytest

from limitkeeper.core.behaviour.events import ACCEPTED, TOO_LATE
from limitkeeper.engines.embedded.arrivals import Arrivals
from limitkeeper.engines.embedded.outcome import Outcome
from limitkeeper.engines.embedded.requests import Request, TakenEvents, add_late

TABLE = pl.DataFrame({"event_id": list("abcde"), "account_id": list("vwxyz")})


@pytest.fixture
def made() -> list[pl.DataFrame]:
    """The tables that were made."""
    return []


@pytest.fixture
def taken(made: list[pl.DataFrame]) -> TakenEvents:
    """Rows 0, 2 and 3 of one request, whose row 1 is no event, then rows 0 and 1 of another."""

    def table() -> pl.DataFrame:
        made.append(TABLE)
        return TABLE

    refused: list[list[dict[str, Any]]] = [
        [{"row": 1, "source": "first", "reason": "amount_negative", "event_id": None, "account_id": None}],
        [],
    ]
    events = cast("Arrivals", SimpleNamespace(table=table))
    return TakenEvents(events, np.array([0, 2, 3, 0, 1]), [0, 3, 5], refused)


BATCH = [Request("events", [], source=source) for source in ("first", "second")]


def outcome(*status: int) -> Outcome:
    return cast("Outcome", SimpleNamespace(status=np.array(status, np.uint8)))


def test_late_events_stand_among_the_refused_rows_of_their_request_in_order(taken: TakenEvents) -> None:
    add_late(BATCH, taken, outcome(TOO_LATE, TOO_LATE, ACCEPTED, ACCEPTED, TOO_LATE))
    first, second = taken.rejected
    assert [(row["row"], row["event_id"], row["reason"]) for row in first] == [
        (0, "a", "too_late"), (1, None, "amount_negative"), (2, "b", "too_late"),
    ]  # fmt: skip
    assert second == [
        {"row": 1, "event_id": "e", "account_id": "z", "source": "second", "reason": "too_late"}
    ]


def test_table_of_late_events_is_made_once_and_without_any_not_at_all(
    taken: TakenEvents, made: list[pl.DataFrame]
) -> None:
    add_late(BATCH, taken, outcome(*[ACCEPTED] * 5))
    assert not made
    add_late(BATCH, taken, outcome(*[TOO_LATE] * 5))
    assert len(made) == 1
