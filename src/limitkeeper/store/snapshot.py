"""A store read as it is at one moment."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import sqlalchemy as sa

from limitkeeper.store.sql import Store

Rows = Callable[[sa.Select[Any]], list[dict[str, Any]]]
"""What reads a store."""


@contextlib.contextmanager
def snapshot(store: Store) -> Iterator[Rows]:
    """What reads a store as it is at one moment, whatever is written meanwhile; nobody who writes waits for it."""
    with store.database.connect() as connection:
        if store.is_sqlite:
            connection.exec_driver_sql("BEGIN")
        else:
            connection.execution_options(isolation_level="REPEATABLE READ")
        yield lambda query: [dict(row) for row in connection.execute(query).mappings()]
