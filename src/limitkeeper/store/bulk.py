"""Many rows at once: by COPY on PostgreSQL, by one statement that is run again and again on SQLite."""

from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa

from limitkeeper.store import prepared


def rows_added(
    connection: sa.Connection, table: sa.Table, names: Sequence[str], rows: Iterable[Sequence[Any]]
) -> None:
    """Add rows in the connection's transaction.

    Parameters
    ----------
    connection
        In its transaction.
    table, names
        Where to, and of which columns.
    rows
        Their values, in that order.
    """
    if connection.dialect.name == "sqlite":
        statement = prepared.insert(table, tuple(names), connection.dialect)
        places = [list(names).index(name) for name in statement.names or names]
        ordered = rows if places == list(range(len(places))) else ([row[k] for k in places] for row in rows)
        given = [tuple(row) for row in ordered]
        if given:
            connection.exec_driver_sql(statement.text, given)
        return
    quote = connection.dialect.identifier_preparer.quote
    text = f"COPY {quote(table.name)} ({', '.join(map(quote, names))}) FROM STDIN"
    with connection.connection.cursor() as cursor, cursor.copy(text) as copy:  # type: ignore[attr-defined]
        for row in rows:
            copy.write_row(row)
