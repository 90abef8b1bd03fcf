"""Pages of a list by a cursor: what comes after the last row, whatever was added in the meantime."""

import base64
import binascii
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, NamedTuple

import sqlalchemy as sa
from fastapi import Query

from limitkeeper.core.kernel.errors import InputError
from limitkeeper.store.sql import Store

PAGE_ROWS, PAGE_ROWS_MAX = 50, 500

CURSOR_LETTERS = 1_000

PageSize = Annotated[int, Query(ge=1, le=PAGE_ROWS_MAX, description="Rows at most.")]
Cursor = Annotated[
    str | None,
    Query(max_length=CURSOR_LETTERS, description="The field `next` of the page before.", examples=["WyJhLTciXQ"]),
]  # fmt: skip


class By(NamedTuple):
    """A column that orders a list; the last one of a list is unique."""

    column: sa.Column[Any]
    is_descending: bool = False


def cursor_of(values: Sequence[object]) -> str:
    """The cursor behind a row, from what orders it.

    Examples
    --------
    >>> values_of(cursor_of([12, "a-7"]), (int, str))
    [12, 'a-7']
    """
    text = json.dumps(list(values), ensure_ascii=False, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def values_of(cursor: str, kinds: Sequence[type]) -> list[Any]:
    """What orders the row that a cursor stands behind.

    Raises
    ------
    InputError
        When it is none of ours, or of another list.
    """
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        found = json.loads(text)
    except (binascii.Error, ValueError) as error:
        raise _refused(cursor) from error
    if not isinstance(found, list) or len(found) != len(kinds):
        raise _refused(cursor)
    for value, kind in zip(found, kinds, strict=True):
        is_large = isinstance(value, int) and abs(value) >= 2**63
        if type(value) is not kind or is_large or (isinstance(value, str) and "\0" in value):
            raise _refused(cursor)
    return found


def _refused(cursor: str) -> InputError:
    return InputError("The cursor cannot be read.", value=cursor[:100], advice="Begin without one.")


def rows_with(table: sa.FromClause, wanted: Mapping[str, str | int | None]) -> sa.Select[Any]:
    """The rows of a table that have some values, by column; those of None aside.

    Examples
    --------
    >>> cases = sa.table("cases", sa.column("state"), sa.column("tier"))
    >>> print(rows_with(cases, {"state": None, "tier": 2}).whereclause)
    cases.tier = :tier_1
    """
    query = sa.select(table)
    for name, value in wanted.items():
        if value is not None:
            query = query.where(wanted_column(table, name, wanted) == value)
    return query


def wanted_column(
    table: sa.FromClause, name: str, wanted: Mapping[str, str | int | None]
) -> sa.ColumnElement[Any]:
    """A column as it is compared: beside an account or a customer, who have few rows, as none that an index has.

    A database without statistics would else rather take an index in the order of the list, and look at all rows.
    """
    narrow = next((each for each in ("account_id", "customer_id") if wanted.get(each) is not None), name)
    column = table.c[name]
    return column if name == narrow else sa.func.coalesce(column, column)


def page(
    store: Store,
    query: sa.Select[Any],
    order: Sequence[By],
    limit: int,
    cursor: str | None,
    document: Callable[[dict[str, Any]], dict[str, Any]] = dict,
) -> dict[str, Any]:
    """A page of a list: ``items``, and the cursor of the ``next`` one, null at the end.

    Parameters
    ----------
    store
        Where the rows lie.
    query
        Of the rows, with the columns that order them, and not ordered.
    order
        By what, none of them null.
    limit, cursor
        Rows at most, and where the page before ended.
    document
        What is shown of a row.

    Raises
    ------
    InputError
        When the cursor is none of this list.
    """
    if cursor is not None:
        kinds = [each.column.type.python_type for each in order]
        query = query.where(_behind(order, values_of(cursor, kinds)))
    ordered = query.order_by(*(each.column.desc() if each.is_descending else each.column for each in order))
    rows = store.rows(ordered.limit(limit + 1))
    following = None
    if len(rows) > limit:
        following = cursor_of([rows[limit - 1][each.column.name] for each in order])
    return {"items": [document(row) for row in rows[:limit]], "next": following}


def _behind(order: Sequence[By], values: Sequence[object]) -> sa.ColumnElement[bool]:
    """Whether a row comes after the one that has some values; its first column is bounded: an index begins there."""
    (column, is_descending), value = order[0], values[0]
    past = column < value if is_descending else column > value
    if len(order) == 1:
        return past
    bound = column <= value if is_descending else column >= value
    return sa.and_(bound, sa.or_(past, _behind(order[1:], values[1:])))
