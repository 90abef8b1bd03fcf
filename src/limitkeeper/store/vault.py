"""The vault: customers' wrapped keys, in a database of their own that no backup of the store holds."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache

import sqlalchemy as sa
from sqlalchemy import BigInteger, Column, Index, LargeBinary, MetaData, String, Table
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.schema import CreateIndex, CreateTable

from limitkeeper.store import prepared
from limitkeeper.store.database import database_at
from limitkeeper.store.given import given
from limitkeeper.store.turns import in_turn

customer_keys = Table(
    "customer_keys",
    MetaData(),
    Column("customer_id", String(200), primary_key=True),
    Column("master_id", String(16), nullable=False),  # which master key wraps it
    Column("wrapped", LargeBinary, nullable=False),  # empty where it was destroyed
    Column("made_us", BigInteger, nullable=False),
    Column("destroyed_us", BigInteger),
    Index("customer_keys_by_master", "master_id"),
)

PAGE_KEYS = 500
"""Keys that are read, or wrapped again, at once."""

Wrapped = tuple[str, bytes]


class Vault:
    """Customers' wrapped keys.

    Parameters
    ----------
    url
        ``sqlite:///FILE`` or ``postgresql+psycopg://...``: a database of its own.
    now_us
        The clock, UTC microseconds.
    """

    def __init__(self, url: str, now_us: Callable[[], int]) -> None:
        self.database, self.now_us = database_at(url), now_us
        with self.database.begin() as connection:
            in_turn(connection, "limitkeeper vault")
            # Not by looking first: a server and a command may open it for the first time at once.
            connection.execute(CreateTable(customer_keys, if_not_exists=True))
            for index in customer_keys.indexes:
                connection.execute(CreateIndex(index, if_not_exists=True))

    def wrapped(self, customer_ids: Sequence[str]) -> Mapping[str, Wrapped]:
        """The keys of customers, of those who have or had one: by which master key, and the bytes."""
        with self.database.connect() as connection:
            if len(customer_ids) == 1:  # the usual one, behind an act that waits for it
                one = prepared.select(customer_keys, connection.dialect).row(
                    connection, {"key": customer_ids[0]}
                )
                return {} if one is None else {one["customer_id"]: (one["master_id"], one["wrapped"])}
            kept = customer_keys.c
            wanted = given(connection.dialect, customer_ids)
            query = sa.select(kept.customer_id, kept.master_id, kept.wrapped).join(
                wanted, wanted.c.value == kept.customer_id
            )
            return {name: (master, content) for name, master, content in connection.execute(query)}

    def added(self, keys: Mapping[str, Wrapped]) -> Mapping[str, Wrapped]:
        """Keep keys of customers who have none; what is kept of each by then, should somebody else have been first."""
        made_us = self.now_us()
        rows = [
            {
                "customer_id": name,
                "master_id": master,
                "wrapped": content,
                "made_us": made_us,
                "destroyed_us": None,
            }
            for name, (master, content) in keys.items()
        ]
        with self.database.begin() as connection:
            kept = _insert_new(connection.dialect)(connection, *rows)
        return keys if kept == len(keys) else self.wrapped(list(keys))

    def destroyed(self, customer_id: str) -> bool:
        """Destroy a customer's key for ever, and let him have no other; whether there was one.

        What is left is that he had one, and when it was destroyed.
        """
        now_us = self.now_us()
        with self.database.begin() as connection:
            gone = connection.execute(
                customer_keys.update()
                .where(customer_keys.c.customer_id == customer_id, customer_keys.c.destroyed_us.is_(None))
                .values(wrapped=b"", destroyed_us=now_us)
            ).rowcount
            if not gone:
                empty = {"customer_id": customer_id, "master_id": "", "wrapped": b"", "made_us": now_us,
                         "destroyed_us": now_us}  # fmt: skip
                _insert_new(connection.dialect)(connection, empty)
        if self.database.dialect.name == "sqlite":
            with self.database.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.execute(sa.text("PRAGMA wal_checkpoint(TRUNCATE)"))  # the log's copy goes too
        return gone > 0

    def pages_under(self, masters: Sequence[str]) -> Iterator[dict[str, Wrapped]]:
        """Standing keys that are wrapped by other master keys than these, page by page."""
        last = ""
        other = sa.select(customer_keys).where(
            customer_keys.c.master_id.not_in(masters), customer_keys.c.destroyed_us.is_(None)
        )
        while True:
            page = other.where(customer_keys.c.customer_id > last).order_by(customer_keys.c.customer_id)
            with self.database.connect() as connection:
                rows = connection.execute(page.limit(PAGE_KEYS)).all()
            if not rows:
                return
            yield {row.customer_id: (row.master_id, row.wrapped) for row in rows}
            last = rows[-1].customer_id

    def pages_destroyed(self) -> Iterator[list[str]]:
        """Customers whose keys were destroyed, page by page."""
        last = ""
        gone = sa.select(customer_keys.c.customer_id).where(customer_keys.c.destroyed_us.is_not(None))
        while True:
            page = gone.where(customer_keys.c.customer_id > last).order_by(customer_keys.c.customer_id)
            with self.database.connect() as connection:
                found = [str(each) for each in connection.scalars(page.limit(PAGE_KEYS))]
            if not found:
                return
            yield found
            last = found[-1]

    def replaced(self, before: Mapping[str, Wrapped], after: Mapping[str, Wrapped]) -> int:
        """Put newly wrapped keys in the place of the ones that they were; how many still were those."""
        done = 0
        statement = (
            customer_keys.update()
            .where(
                customer_keys.c.customer_id == sa.bindparam("name"),
                customer_keys.c.wrapped == sa.bindparam("was"),
            )
            .values(master_id=sa.bindparam("master"), wrapped=sa.bindparam("content"))
        )
        with self.database.begin() as connection:
            for name, (master, content) in after.items():
                values = {"name": name, "was": before[name][1], "master": master, "content": content}
                done += connection.execute(statement, values).rowcount
        return done

    def counts(self) -> dict[str, int]:
        """How many keys each master key wraps; ``destroyed`` for those that are no more."""
        gone = customer_keys.c.destroyed_us.is_not(None)
        by = sa.case((gone, "destroyed"), else_=customer_keys.c.master_id)
        with self.database.connect() as connection:
            return {str(name): count for name, count in
                    connection.execute(sa.select(by.label("by"), sa.func.count()).group_by(sa.text("1")))}  # fmt: skip

    def close(self) -> None:
        """Give the database back."""
        self.database.dispose()


@lru_cache
def _insert_new(dialect: sa.Dialect) -> prepared.Prepared:
    """An insert that leaves alone who is there already."""
    insert = sqlite_insert if dialect.name == "sqlite" else postgres_insert
    return prepared.Prepared(insert(customer_keys).on_conflict_do_nothing(), dialect)
