"""Persons who were erased, erased again in a store that was brought back from a copy of before."""

from collections.abc import Iterable

import sqlalchemy as sa

from limitkeeper.app.erasure import person_taken_away, waiting_ended
from limitkeeper.app.personal_data import PERSONAL, personal_rows
from limitkeeper.connectors.sealing import Seal
from limitkeeper.core.access.chain import ERASURE
from limitkeeper.store.vault import PAGE_KEYS, Vault
from limitkeeper.store.work import Work


def erased_again(w: Work, seal: Seal, vault: Vault) -> int:
    """Take away what names persons whose keys are destroyed; how many there were.

    Nothing bars it: each was erased once, and nothing of his opens. A request of his that waits in the copy ends.

    Parameters
    ----------
    w, seal
        Of whoever does it, and what held the keys.
    vault
        Knows who was erased; it is newer than the copy.
    """
    again = [
        each
        for some in vault.pages_destroyed()
        for each in _named(w, some)
        if any(personal_rows(w, each).values())
    ]
    for customer_id in again:
        name, done, blanked = person_taken_away(w, customer_id)
        w.note(ERASURE, f"customer:{name}", done | blanked)
        waiting_ended(w, seal, name)
    return len(again)


def _named(w: Work, customer_ids: Iterable[str]) -> list[str]:
    """Those of some customers whom any table names, as a customer or as an account, in order."""
    wanted, found = list(customer_ids), set[str]()
    assert len(wanted) <= PAGE_KEYS, "a page of the vault"
    for of in PERSONAL.values():
        for column in {"customer_id", "account_id"} & set(of.table.c.keys()):
            query = sa.select(of.table.c[column].label("id")).where(of.table.c[column].in_(wanted)).distinct()
            found |= {row["id"] for row in w.rows(query)}
    return sorted(found)
