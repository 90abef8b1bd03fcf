"""What is sent to a database, and how SQLite would find it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from limitkeeper.store.prepared import Prepared


def statements_heard(database: sa.Engine, hear: Callable[[str, Any], None]) -> Callable[[], None]:
    """Tell of every statement with its parameters before it is sent, prepared ones too; what ends it.

    Of what a prepared statement changes no event of SQLAlchemy tells: the driver runs it.
    """

    def heard(_c: object, _cursor: object, statement: str, parameters: Any, *_more: object) -> None:
        hear(statement, parameters)

    def run(prepared: Prepared, connection: sa.Connection, *values: Any) -> int:
        if connection.engine is database:
            hear(prepared.text, values)
        return plain(prepared, connection, *values)

    plain = Prepared.__call__
    sa.event.listen(database, "before_cursor_execute", heard)
    Prepared.__call__ = run  # type: ignore[method-assign]

    def end() -> None:
        sa.event.remove(database, "before_cursor_execute", heard)
        Prepared.__call__ = plain  # type: ignore[method-assign]

    return end


@contextmanager
def sent_statements(database: sa.Engine) -> Iterator[list[tuple[str, Any]]]:
    """Every statement of the block with its parameters, as they come."""
    sent: list[tuple[str, Any]] = []
    end = statements_heard(database, lambda *each: sent.append(each))
    try:
        yield sent
    finally:
        end()


def sqlite_plan(database: sa.Engine, statement: str, parameters: Any) -> list[str]:
    """The steps by which SQLite finds the rows of a statement."""
    with database.connect() as connection:
        return [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)]
