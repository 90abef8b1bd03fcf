"""Accepted events on their way into the state: arrays for the core, ids as text, and the table for the journal."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from limitkeeper.connectors.events import (
    batch_of_columns,
    event_batch,
    event_records,
    event_table,
    hashes_by_name,
    id_hashes,
)
from limitkeeper.connectors.messages import CheckedMessages
from limitkeeper.core.behaviour.events import EventBatch


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Accepted events in arrival order; arrays of shape ``(n,)``.

    Parameters
    ----------
    rows
        Place of each in its request, or in the requests taken together.
    account_ids
        Whose, as text.
    account_hashes, counterparty_hashes
        64-bit hashes of ids, 0 where missing.
    batch
        As the core takes them; whose they are is not numbered yet.
    table
        Makes them as a table.
    entry
        Makes what the journal keeps: the same, in whichever form costs least.
    """

    rows: NDArray[np.int64]
    account_ids: list[str]
    account_hashes: NDArray[np.int64]
    counterparty_hashes: NDArray[np.int64]
    batch: EventBatch
    table: Callable[[], pl.DataFrame]
    entry: Callable[[], pl.DataFrame | pa.RecordBatch]

    def __len__(self) -> int:
        return len(self.rows)


def arrivals_of_table(events: pl.DataFrame, time_zone: str) -> Arrivals:
    """Arrivals of accepted events that were read as a table."""
    return Arrivals(
        rows=events["row"].to_numpy(),
        account_ids=events["account_id"].to_list(),
        account_hashes=id_hashes(events["account_id"]),
        counterparty_hashes=id_hashes(events["counterparty_id"]),
        batch=event_batch(events, np.zeros(events.height, np.int64), time_zone),
        table=lambda: events,
        entry=lambda: events,
    )


def arrivals_of_messages(messages: CheckedMessages, time_zone: str) -> Arrivals:
    """Arrivals of those messages that are events: without the cost of a table, which a few events do not repay."""
    rows, figures, ids = messages.accepted()
    hashes = hashes_by_name(ids)
    return Arrivals(
        rows=rows,
        account_ids=[account for account in ids["account_id"] if account is not None],
        account_hashes=hashes["account_id"],
        counterparty_hashes=hashes["counterparty_id"],
        batch=batch_of_columns(figures, hashes, np.zeros(len(rows), np.int64), time_zone),
        table=lambda: event_table({"row": rows, **figures}, ids),
        entry=lambda: event_records({"row": rows, **figures}, ids),
    )
