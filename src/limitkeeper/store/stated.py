"""Whose accounts are, as the store keeps it of what was stated."""

from collections.abc import Iterator

import polars as pl
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from limitkeeper.store.limit_tables import lines
from limitkeeper.store.tables import journal, stated_accounts

STATED_ROWS = 20_000
"""Stated accounts that are written at once."""


def add_stated(connection: sa.Connection, stated: pl.DataFrame) -> None:
    """Keep what is stated of accounts of which nothing is kept; what is kept stays.

    Parameters
    ----------
    stated
        ``account_id, customer_id, segment``.
    """
    statement = _kept_once(connection)
    for part in stated.iter_slices(STATED_ROWS):
        known = stated_accounts.c.account_id.in_(part["account_id"].to_list())
        kept = set(connection.scalars(sa.select(stated_accounts.c.account_id).where(known)))
        new = [row for row in part.to_dicts() if row["account_id"] not in kept]
        if new:  # of a server that starts with its accounts again there are none
            connection.execute(statement, new)


def add_owners_of_ledger(connection: sa.Connection) -> None:
    """Keep whose lines are as the ledger has it, of those of which nothing is kept."""
    known = sa.select(lines.c.account_id, lines.c.customer_id).where(
        lines.c.customer_id != lines.c.account_id
    )
    connection.execute(_kept_once(connection).from_select(["account_id", "customer_id"], known))


def has_stated(connection: sa.Connection) -> bool:
    """Whether anything is kept of any account."""
    return connection.scalar(sa.select(sa.literal(1)).select_from(stated_accounts).limit(1)) is not None


def stated_entries(connection: sa.Connection) -> Iterator[bytes]:
    """The journal's entries that state accounts, in order, one by one: as far as it reaches back."""
    which = sa.select(journal.c.sequence).where(journal.c.kind == "accounts").order_by(journal.c.sequence)
    for sequence in connection.scalars(which).all():
        yield connection.execute(
            sa.select(journal.c.content).where(journal.c.sequence == sequence)
        ).scalar_one()


def _kept_once(connection: sa.Connection) -> sqlite.Insert | postgresql.Insert:
    if connection.dialect.name == "sqlite":
        return sqlite.insert(stated_accounts).on_conflict_do_nothing()
    return postgresql.insert(stated_accounts).on_conflict_do_nothing()
