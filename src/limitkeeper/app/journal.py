"""The journal as an event file: what was accepted, in the order in which it came."""

from collections.abc import Collection, Iterator
from typing import Any

import polars as pl

from limitkeeper.connectors.events import AMOUNTS, IDS
from limitkeeper.core.behaviour.events import KINDS, UNKNOWN_CENTS
from limitkeeper.core.kernel.progress import Progress, unseen
from limitkeeper.store.database import StoreError
from limitkeeper.store.entries import entry_table
from limitkeeper.store.sql import Store


def journal_events(store: Store, after: int = 0, progress: Progress = unseen) -> Iterator[pl.DataFrame]:
    """The events of each entry, as ``docs/reference/events.md`` has them, with the entry's ``sequence``.

    Duplicates and events that came too late are among them: they were read, and found to be so when applied.

    Parameters
    ----------
    store
        Whose journal; it may be in use.
    after
        Entries behind this one.
    progress
        Told of entries.

    Raises
    ------
    StoreError
        When the journal has none of the entries, or no longer has the first of them.
    """
    first, last = store.journal_bounds()
    if not last or first > after + 1:
        raise StoreError(
            "The journal does not hold these entries.",
            value=f"entry {after + 1}",
            allowed=f"{first} to {last}" if last else "none: it is empty",
            advice=f"Ask for those after {first - 1}; serve --journal-days keeps them for longer.",
        )
    for entry in store.entries_after(after):
        progress("journal", min(entry.sequence, last), last)
        if entry.kind == "events":
            yield event_rows(entry_table(entry.content)).with_columns(
                pl.lit(entry.sequence, pl.Int64).alias("sequence")
            )


OWNING = ("account_id", "customer_id", "id")
"""Columns of entries that say whose a row is: of events and commands, of stated accounts, of consents."""


def journal_rows_of(
    store: Store, ids: Collection[str], progress: Progress = unseen
) -> Iterator[dict[str, Any]]:
    """What the journal still holds of some accounts and customers: events as they were sent, and commands.

    Parameters
    ----------
    store
        Whose journal; it is read from end to end, an entry at a time: entries are known by their order alone.
    ids
        Of accounts and customers.
    progress
        Told of entries.
    """
    first, last = store.journal_bounds()
    for entry in store.entries_after(first - 1) if last else ():
        progress("journal", min(entry.sequence, last), last)
        if entry.sequence > last:
            return  # written meanwhile
        table = entry_table(entry.content)
        mine = [pl.col(name).is_in(list(ids)) for name in OWNING if table.schema.get(name) == pl.String]
        found = table.filter(pl.any_horizontal(mine)) if mine else table.clear()
        if entry.kind == "events":
            found = event_rows(found).with_columns(pl.col("ts").dt.strftime("%Y-%m-%dT%H:%M:%S%.6f+00:00"))
        for row in found.iter_rows(named=True):
            said = {name: value for name, value in row.items() if value is not None}
            yield {"sequence": entry.sequence, "entry": entry.kind, **said}


def event_rows(accepted: pl.DataFrame) -> pl.DataFrame:
    """Normalised events as the rows of an event file; reading it gives the same events again."""
    return accepted.select(
        "event_id",
        "account_id",
        pl.from_epoch("ts_us", time_unit="us").dt.replace_time_zone("UTC").alias("ts"),
        pl.col("kind").replace_strict(dict(enumerate(KINDS)), return_dtype=pl.String),
        *(pl.when(pl.col(name) != UNKNOWN_CENTS).then(pl.col(name)).alias(name) for name in AMOUNTS),
        *IDS,
    )
