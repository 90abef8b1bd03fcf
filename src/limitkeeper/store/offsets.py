"""How far topics were read: kept in the transaction of what their messages led to."""

from collections.abc import Iterator, Mapping

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from limitkeeper.store.tables import offsets


def offset_statements(next_offsets: Mapping[tuple[str, int], int], *, is_sqlite: bool) -> Iterator[sa.Insert]:
    """The statements that keep the next offset of each topic and partition."""
    for (topic, partition), next_offset in next_offsets.items():
        key = {"topic": topic, "partition": partition}
        statement = (
            (sqlite if is_sqlite else postgresql).insert(offsets).values(**key, next_offset=next_offset)
        )
        yield statement.on_conflict_do_update(index_elements=list(key), set_={"next_offset": next_offset})
