"""What is sent to a database, and how SQLite would find it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa


@contextmanager
def sent_statements(database: sa.Engine) -> Iterator[list[tuple[str, Any]]]:
    """Every statement of the block with its parameters, as they come."""
    sent: list[tuple[str, Any]] = []

    def heard(_c: object, _cursor: object, statement: str, parameters: Any, *_more: object) -> None:
        sent.append((statement, parameters))

    sa.event.listen(database, "before_cursor_execute", heard)
    try:
        yield sent
    finally:
        sa.event.remove(database, "before_cursor_execute", heard)


def sqlite_plan(database: sa.Engine, statement: str, parameters: Any) -> list[str]:
    """The steps by which SQLite finds the rows of a statement."""
    with database.connect() as connection:
        return [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)]
