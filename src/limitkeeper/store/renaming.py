"""Ids of persons who were erased, taken out of the journal and the outbox; what is replaced is overwritten."""

import contextlib
from collections.abc import Iterator, Mapping

import sqlalchemy as sa

from limitkeeper.store.entries import renamed_entry
from limitkeeper.store.sql import Store
from limitkeeper.store.tables import journal, outbox


def journal_renamed(store: Store, names: Mapping[str, str]) -> int:
    """Call who was erased by other names in the entries that the journal holds; how many were written anew.

    Of his events what could lead to him goes: their ids, and those of devices, merchants, cities and counterparties.
    """
    _, last = store.journal_bounds()
    done = 0
    for entry in store.entries_after(0):
        if entry.sequence > last:
            break
        renamed = renamed_entry(entry.content, names)
        if renamed is not None:
            with _writing(store) as connection:
                change = journal.update().where(journal.c.sequence == entry.sequence)
                connection.execute(change.values(content=renamed))
            done += 1
    return done


def message_deleted(store: Store, message_id: int) -> None:
    """Delete a message of the outbox: what it said must not be kept."""
    with _writing(store) as connection:
        connection.execute(outbox.delete().where(outbox.c.id == message_id))


@contextlib.contextmanager
def _writing(store: Store) -> Iterator[sa.Connection]:
    with store.turn(), store.database.connect() as connection, connection.begin():
        yield connection
