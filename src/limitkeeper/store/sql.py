"""The store in SQLite or PostgreSQL: a micro-batch is one transaction, and one engine writes."""

import contextlib
import json
from collections.abc import Collection, Iterator, Sequence
from typing import Any

import sqlalchemy as sa

from limitkeeper.store import migrations
from limitkeeper.store.bell import Bell
from limitkeeper.store.database import StoreError, check_file, check_revision, database_at
from limitkeeper.store.entries import entry_mark
from limitkeeper.store.lock import StoreBusyError, StoreTakenError, lock_of, store_lost, store_taken
from limitkeeper.store.parts import write_parts
from limitkeeper.store.prepared import Prepared
from limitkeeper.store.records import Commit, Counts, Entry, Sent, counted
from limitkeeper.store.tables import FORMAT, journal, offsets, outbox, store_heads
from limitkeeper.store.turns import Turns

HEAD = 1
"""The only row of ``store_heads``."""

ENTRY_NAMES = ("sequence", "kind", "events", "committed_us", "content")
"""The columns of an entry of the journal."""

HELD = "limitkeeper_epoch"
"""On each connection, once the store was held: the epoch."""

TURN_SECONDS = 30.0
"""A writer of this process waits so long for the others."""


class Store:
    """One database, opened for reading by anybody and for writing by one engine; made where it is empty.

    Parameters
    ----------
    url
        ``sqlite:///FILE`` or ``postgresql+psycopg://...``.
    upgrades
        Whether one of an earlier revision is let in too; :meth:`take` or :meth:`upgrade` brings it up.
    makes
        Whether an empty database becomes a store.

    Raises
    ------
    StoreError
        When the database cannot be opened, or is of another revision.
    """

    def __init__(self, url: str, *, upgrades: bool = False, makes: bool = True) -> None:
        self.database = database_at(url)
        self.url = self.database.url
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self._turns = Turns()
        self.outbox_bell = Bell()
        self.epoch = 0
        self._counts: Counts = {}
        self._writer: sa.Connection | None = None
        self._move = Prepared(
            store_heads.update()
            .where(
                store_heads.c.sequence == sa.bindparam("before"), store_heads.c.epoch == sa.bindparam("own")
            )
            .values(sequence=sa.bindparam("now"), counts=sa.bindparam("counted")),
            self.database.dialect,
        )
        self._enter = Prepared(journal.insert(), self.database.dialect)
        self._lock = lock_of(self.database)
        self.lost: StoreTakenError | None = None
        try:
            self._admit(upgrades=upgrades, makes=makes)
        except BaseException:
            self.database.dispose()
            raise

    @property
    def name(self) -> str:
        """Its URL without the password."""
        return self.url.render_as_string(hide_password=True)

    def _admit(self, *, upgrades: bool, makes: bool) -> None:
        try:
            with self.database.connect() as connection:
                revision = migrations.revision_of(connection)
            if revision == migrations.EMPTY and makes:
                self._bring_up()
        except sa.exc.DBAPIError as error:
            raise StoreError(f"The store cannot be opened: {error.orig}.", value=self.name) from error
        if revision != migrations.EMPTY or not makes:
            check_revision(revision, self.name, upgrades=upgrades)

    def take(self, settings: dict[str, Any]) -> int:
        """Take the store for writing; the sequence of its last micro-batch.

        Parameters
        ----------
        settings
            What the state depends on; must be as when the store was made.

        Raises
        ------
        StoreTakenError
            When another engine has it.
        StoreError
            When it cannot be brought to the newest revision, or was made under other settings.
        """
        self.upgrade()
        text = json.dumps(settings, sort_keys=True)
        with self.database.begin() as connection:
            head = connection.execute(sa.select(store_heads)).one_or_none()
            if head is None:
                self.epoch = 1
                row = {
                    "id": HEAD,
                    "format": FORMAT,
                    "sequence": 0,
                    "epoch": 1,
                    "counts": "{}",
                    "settings": text,
                }
                connection.execute(store_heads.insert(), row)
                return 0
            if head.settings != text:
                raise StoreError(
                    "The store was made under other settings.",
                    value=text,
                    allowed=head.settings,
                    advice="Start with those, or with a new store.",
                )
            self.epoch, self._counts = head.epoch + 1, json.loads(head.counts)
            connection.execute(store_heads.update().values(epoch=self.epoch))
            return int(head.sequence)

    def upgrade(self) -> None:
        """Bring the store to the newest revision, whole or not at all, while no server runs on it.

        Raises
        ------
        StoreTakenError
            When a server has it.
        StoreError
            When the database refuses, as where somebody keeps its tables in use.
        """
        if not self._lock.take():
            raise store_taken(self.name)
        try:
            self._bring_up()
        except sa.exc.DBAPIError as error:
            raise StoreError(
                f"The store cannot be upgraded now: {error.orig}.",
                value=self.name,
                advice="Nothing is changed. End what uses it, and try again.",
            ) from error

    def _bring_up(self) -> None:
        with self.database.connect() as connection, connection.begin():
            if self.is_sqlite:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            migrations.upgrade(connection)

    def hold(self) -> None:
        """Have the store's lock still, or again where the database lost it, as at its restart; not taken, nothing.

        Raises
        ------
        StoreTakenError
            When another server has taken the store meanwhile; nothing is written by this one any more.
        StoreBusyError
            When another session holds the lock, and no server has taken the store yet.
        sqlalchemy.exc.DBAPIError
            When the database is away.
        """
        if self.lost is not None:
            raise store_lost(self.name)
        if self.epoch:
            try:
                self._lock.keep(self.epoch)
            except StoreTakenError as error:
                self.lost = error
                raise

    def _hold_on(self, connection: sa.Connection) -> None:
        """Hold the store before a connection's first use: it may be there because the database was started again."""
        if self.lost is not None or not connection.info.get(HELD):
            self.hold()
            connection.info[HELD] = self.epoch

    def close(self) -> None:
        """Give the store back."""
        self._drop_writer()
        self._lock.give_back()
        self.database.dispose()

    def write(self, commit: Commit) -> None:
        """Write a micro-batch, whole or not at all; one that was written already stays as it is.

        Raises
        ------
        StoreTakenError
            When another engine has taken the store over.
        StoreBusyError
            When others of this process write for too long; nothing is written then.
        sqlalchemy.exc.DBAPIError
            When the database fails; nothing is written then, or, where only its answer was lost, all of it.
        """
        counts = counted(self._counts, commit.counts)
        with self._writing() as connection:
            key = {"before": commit.sequence - 1, "own": self.epoch}
            moved = self._move(connection, {**key, "now": commit.sequence, "counted": json.dumps(counts)})
            if moved != 1:
                head = connection.execute(sa.select(store_heads)).one()
                if (head.sequence, head.epoch) != (commit.sequence, self.epoch):
                    self.lost = store_lost(self.name)
                    raise self.lost
            else:
                self._enter(connection, {name: getattr(commit, name) for name in ENTRY_NAMES})
                write_parts(connection, commit)
        self._counts = counts
        if commit.outbox:
            self.outbox_bell.ring()

    @contextlib.contextmanager
    def turn(self) -> Iterator[None]:
        """The turn of one writer of this process, where the database has room for one.

        Writers of SQLite wait here for each other: in the database they would look again and again, some of them for
        too long.

        Raises
        ------
        StoreBusyError
            When it does not come.
        """
        if not self.is_sqlite:
            yield
            return
        if not self._turns.taken(TURN_SECONDS):
            raise StoreBusyError("Too many write to the store.", advice="Try again later.")
        try:
            yield
        finally:
            self._turns.give_back()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sa.Connection]:
        """A transaction that writes, on a connection of its own.

        Raises as :meth:`turn` and :meth:`hold` do.
        """
        with self.database.connect() as connection, self._begun(connection):
            yield connection

    @contextlib.contextmanager
    def _begun(self, connection: sa.Connection) -> Iterator[None]:
        self._hold_on(connection)
        with self.turn(), connection.begin():
            if self.is_sqlite:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            yield

    @contextlib.contextmanager
    def _changing(self) -> Iterator[sa.Connection]:
        """A transaction of one statement or two, which waits for its turn in the database."""
        with self.database.connect() as connection:
            self._hold_on(connection)
            with connection.begin():
                yield connection

    @contextlib.contextmanager
    def _writing(self) -> Iterator[sa.Connection]:
        """A transaction on the connection that is kept for writing; after a failure a new one is made."""
        try:
            self._writer = connection = self._writer or self.database.connect()
            with self._begun(connection):
                yield connection
        except BaseException:
            self._drop_writer()
            raise

    def _drop_writer(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            with contextlib.suppress(sa.exc.SQLAlchemyError):
                writer.close()

    def entries_after(self, sequence: int) -> Iterator[Entry]:
        """The journal's entries after one, in order, one by one."""
        while True:
            query = sa.select(journal.c.sequence, journal.c.kind, journal.c.content)
            query = query.where(journal.c.sequence > sequence).order_by(journal.c.sequence).limit(1)
            with self.database.connect() as connection:
                row = connection.execute(query).one_or_none()
            if row is None:
                return
            sequence = int(row.sequence)
            yield Entry(sequence, row.kind, row.content)

    def written(self) -> int:
        """The sequence of the last micro-batch that is written, 0 before any."""
        with self.database.connect() as connection:
            return int(connection.scalar(sa.select(store_heads.c.sequence)) or 0)

    def journal_bounds(self) -> tuple[int, int]:
        """The first and the last entry that the journal holds, 0 where it holds none."""
        query = sa.select(sa.func.min(journal.c.sequence), sa.func.max(journal.c.sequence))
        with self.database.connect() as connection:
            first, last = connection.execute(query).one()
        return int(first or 0), int(last or 0)

    def mark(self, sequence: int) -> str | None:
        """The mark of an entry of the journal; None where the journal does not hold it."""
        query = sa.select(journal.c.kind, journal.c.committed_us, journal.c.content)
        with self.database.connect() as connection:
            row = connection.execute(query.where(journal.c.sequence == sequence)).one_or_none()
        return None if row is None else entry_mark(row.kind, row.committed_us, bytes(row.content))

    def trim(self, sequence: int, before_us: int) -> int:
        """Delete the journal's entries up to one that were committed before a time, and messages sent before it.

        How many entries went.
        """
        gone = journal.delete().where(journal.c.sequence <= sequence, journal.c.committed_us < before_us)
        sent = outbox.delete().where(outbox.c.status == "sent", outbox.c.due_us < before_us)
        with self._changing() as connection:
            connection.execute(sent)
            return int(connection.execute(gone).rowcount)

    def counts(self) -> dict[str, dict[str, int]]:
        """Everything that was counted, by name and label."""
        with self.database.connect() as connection:
            text = connection.scalar(sa.select(store_heads.c.counts))
        found: Counts = json.loads(text) if text else {}
        return found

    def rows(self, query: sa.Select[Any]) -> list[dict[str, Any]]:
        """The rows of a query."""
        with self.database.connect() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]

    def change(self, statement: sa.Update) -> int:
        """Carry out a change that no micro-batch depends on; how many rows."""
        with self._changing() as connection:
            return int(connection.execute(statement).rowcount)

    def due_messages(
        self, now_us: int, count: int, only: Collection[str] = (), but: Collection[str] = ()
    ) -> list[dict[str, Any]]:
        """The messages of the outbox that are due, the oldest first: of some topics only, or of all but some."""
        query = sa.select(outbox).where(outbox.c.status == "waiting", outbox.c.due_us <= now_us)
        if only:
            query = query.where(outbox.c.topic.in_(only))
        if but:
            query = query.where(outbox.c.topic.not_in(but))
        return self.rows(query.order_by(outbox.c.due_us, outbox.c.id).limit(count))

    def message_count(self, status: str) -> int:
        """How many messages of the outbox have a status."""
        query = sa.select(sa.func.count()).select_from(outbox).where(outbox.c.status == status)
        with self.database.connect() as connection:
            return int(connection.scalar(query) or 0)

    def mark_messages(self, results: Sequence[Sent]) -> None:
        """Write what became of messages of the outbox."""
        names = ("status", "attempts", "due_us", "error")
        statement = outbox.update().where(outbox.c.id == sa.bindparam("which"))
        statement = statement.values({name: sa.bindparam(name) for name in names})
        rows = [{"which": each.id} | {name: getattr(each, name) for name in names} for each in results]
        with self._changing() as connection:
            connection.execute(statement, rows)

    def revive_message(self, message_id: int, now_us: int) -> bool:
        """Let a message that was given up wait again; whether there is one."""
        dead = outbox.update().where(outbox.c.id == message_id, outbox.c.status == "dead")
        is_revived = self.change(dead.values(status="waiting", attempts=0, due_us=now_us)) == 1
        self.outbox_bell.ring()
        return is_revived

    def next_offsets(self, topic: str) -> dict[int, int]:
        """The next offset of each partition of a topic."""
        query = sa.select(offsets.c.partition, offsets.c.next_offset).where(offsets.c.topic == topic)
        with self.database.connect() as connection:
            return {int(row.partition): int(row.next_offset) for row in connection.execute(query)}


def opened_store(url: str) -> Store:
    """A store that is there already, to be read.

    Raises
    ------
    StoreError
        When there is none, or it is of another revision.
    """
    check_file(url)
    return Store(url, makes=False)
