"""Whose accounts are, for a store from before that was kept: what the journal and the ledger still know of it."""

from limitkeeper.engines.embedded.commits import stated_of_customers
from limitkeeper.store.entries import entry_table
from limitkeeper.store.sql import Store
from limitkeeper.store.stated import add_owners_of_ledger, add_stated, has_stated, stated_entries


def take_up_owners(store: Store) -> None:
    """Keep whose accounts are where nothing of it is kept, in one transaction.

    What was stated first counts, as it does for the engine; then what the ledger says. An account whose entry was
    trimmed and which has no line is its own customer's until it is stated again.

    Parameters
    ----------
    store
        Taken for writing.

    Raises
    ------
    InputError
        When an entry of the journal cannot be read; nothing is kept then.
    """
    with store.database.begin() as connection:
        if has_stated(connection):
            return
        for content in stated_entries(connection):
            add_stated(connection, stated_of_customers(entry_table(content)))
        add_owners_of_ledger(connection)
