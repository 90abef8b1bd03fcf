"""Texts that a query is given as one value, to be joined with: as many as there are, without a table of their own."""

import json
from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY


def given(dialect: sa.Dialect, texts: Iterable[str]) -> sa.FromClause:
    """A table of texts with the column ``value``.

    Parameters
    ----------
    dialect
        Of the database.
    texts
        What no database holds, a text with a null character, is left out.
    """
    kept = [each for each in texts if "\0" not in each]
    if dialect.name == "sqlite":
        listed = sa.literal(json.dumps(kept, ensure_ascii=False), sa.Text)
        return sa.func.json_each(listed).table_valued(sa.column("value", sa.Text), name="given")
    array = sa.cast(sa.literal(kept, ARRAY(sa.Text)), ARRAY(sa.Text))
    return sa.func.unnest(array).table_valued(sa.column("value", sa.Text), name="given").render_derived()
