"""Statements that are compiled once, and run by the driver: all that is done around one costs more than running it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

STATEMENTS_KEPT = 1_024


class Prepared:
    """A statement as its database reads it.

    Parameters
    ----------
    statement
        With a named parameter for each value.
    dialect
        Of the database.
    """

    def __init__(self, statement: sa.Executable, dialect: sa.Dialect) -> None:
        compiled = statement.compile(dialect=dialect)  # type: ignore[attr-defined]
        self.text = str(compiled)
        self.names: Sequence[str] | None = compiled.positiontup

    def __call__(self, connection: sa.Connection, *values: Mapping[str, Any]) -> int:
        """Run it with the values of one row, or of many; how many rows it added or changed."""
        with self._cursor(connection) as cursor:
            if len(values) == 1:
                cursor.execute(self.text, self._given(values[0]))
            else:
                cursor.executemany(self.text, [self._given(row) for row in values])
            return int(cursor.rowcount)

    def row(self, connection: sa.Connection, values: Mapping[str, Any]) -> dict[str, Any] | None:
        """The first row that it finds, None without one."""
        with self._cursor(connection) as cursor:
            cursor.execute(self.text, self._given(values))
            found = cursor.fetchone()
            names = (each[0] for each in cursor.description)
            return None if found is None else dict(zip(names, found, strict=True))

    @contextmanager
    def _cursor(self, connection: sa.Connection) -> Iterator[Any]:
        driver = connection.dialect.loaded_dbapi
        cursor = connection.connection.cursor()
        try:
            yield cursor
        except driver.Error as error:
            raise sa.exc.DBAPIError.instance(
                self.text, None, error, driver.Error, dialect=connection.dialect
            ) from error  # as every other statement fails
        finally:
            cursor.close()

    def _given(self, row: Mapping[str, Any]) -> Any:  # noqa: ANN401 - as the driver takes it
        names = self.names
        return dict(row) if names is None else tuple(row[name] for name in names)


@lru_cache(STATEMENTS_KEPT)
def insert(table: sa.Table, names: tuple[str, ...], dialect: sa.Dialect) -> Prepared:
    """Insert rows of some columns."""
    return Prepared(table.insert().values({name: sa.bindparam(name) for name in names}), dialect)


@lru_cache(STATEMENTS_KEPT)
def select(table: sa.Table, dialect: sa.Dialect) -> Prepared:
    """The row of a key, which is the parameter ``key``."""
    (column,) = table.primary_key.columns
    return Prepared(sa.select(table).where(column == sa.bindparam("key")), dialect)


@lru_cache(STATEMENTS_KEPT)
def change(table: sa.Table, names: tuple[str, ...], dialect: sa.Dialect) -> Prepared:
    """Set columns of the row of a ``key`` that still has the version ``seen``, and its ``next`` version."""
    (column,) = table.primary_key.columns
    statement = table.update().where(column == sa.bindparam("key"), table.c.version == sa.bindparam("seen"))
    return Prepared(statement.values({name: sa.bindparam(given) for name, given in _changes(names)}), dialect)


@lru_cache(STATEMENTS_KEPT)
def locked(table: sa.Table, dialect: sa.Dialect) -> Prepared:
    """The rows of a table, locked until the commit where the database has such locks."""
    return Prepared(sa.select(table).with_for_update(), dialect)


@lru_cache(STATEMENTS_KEPT)
def change_all(table: sa.Table, names: tuple[str, ...], dialect: sa.Dialect) -> Prepared:
    """Set columns of every row of a table."""
    return Prepared(table.update().values({name: sa.bindparam(name) for name in names}), dialect)


@lru_cache(STATEMENTS_KEPT)
def insert_and_change_all(
    table: sa.Table, names: tuple[str, ...], changed: sa.Table, changes: tuple[str, ...], dialect: sa.Dialect
) -> Prepared:
    """Insert one row, and set columns of every row of another table to ``end_`` parameters: one way there and back.

    SQLite, which is no way away, has no such statement.
    """
    moved = changed.update().values({name: sa.bindparam(f"end_{name}") for name in changes}).cte("moved")
    row = table.insert().values({name: sa.bindparam(name) for name in names})
    return Prepared(row.add_cte(moved), dialect)


@lru_cache(STATEMENTS_KEPT)
def change_and_insert(
    table: sa.Table, names: tuple[str, ...], added: sa.Table, columns: tuple[str, ...], dialect: sa.Dialect
) -> Prepared:
    """As :func:`change`, with a row of another table of ``add_`` parameters; none is added where none is changed.

    One way there and back; not of SQLite, as above.
    """
    (key,) = table.primary_key.columns
    moved = (
        table.update()
        .where(key == sa.bindparam("key"), table.c.version == sa.bindparam("seen"))
        .values({name: sa.bindparam(given) for name, given in _changes(names)})
        .returning(key)
        .cte("moved")
    )
    row = (sa.cast(sa.bindparam(f"add_{name}"), added.c[name].type) for name in columns)
    return Prepared(added.insert().from_select(columns, sa.select(*row).select_from(moved)), dialect)


def _changes(names: tuple[str, ...]) -> list[tuple[str, str]]:
    return [*((name, name) for name in names), ("version", "next")]
