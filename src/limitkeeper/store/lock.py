"""The lock of a store: while one server has it, no other writes."""

import contextlib
import fcntl
import threading
import zlib
from pathlib import Path
from typing import IO

import sqlalchemy as sa

from limitkeeper.store.database import StoreError
from limitkeeper.store.tables import store_heads

KEY = zlib.crc32(b"limitkeeper")
"""Of the advisory lock, in each database of PostgreSQL."""


class StoreTakenError(StoreError):
    """Another server writes to this store, or has taken it over."""


class StoreBusyError(StoreError):
    """Others write, and the turn did not come: nothing is written, and another attempt may do."""


def store_taken(name: str) -> StoreTakenError:
    """The error of a store that is another server's, by its name without its password."""
    return StoreTakenError(
        "Another server runs on this store.", value=name, advice="Stop it first, or use another store."
    )


def store_lost(name: str) -> StoreTakenError:
    """The error of a store that another server took while this one had lost its lock."""
    return StoreTakenError(
        "Another server has taken this store over.",
        value=name,
        advice="This one writes nothing more and ends. Send again what was not acknowledged.",
    )


class FileLock:
    """The lock of a store in SQLite: that of a file beside it, which nobody but its process can lose.

    Parameters
    ----------
    path
        Of the file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[str] | None = None

    def take(self) -> bool:
        """Take it, unless it is held already; whether it is held now."""
        if self._file is None:
            file = self._path.open("w")
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                file.close()
                return False
            self._file = file
        return True

    def keep(self, _epoch: int) -> None:
        """Nothing: it is kept."""

    def give_back(self) -> None:
        """Let another take the store."""
        if self._file is not None:
            self._file.close()
            self._file = None


class SessionLock:
    """The lock of a store in PostgreSQL: an advisory lock of a session, lost with it, as at a restart of the database.

    Parameters
    ----------
    url
        Of the database.
    """

    def __init__(self, url: sa.URL) -> None:
        self._name = url.render_as_string(hide_password=True)
        # Its session is no pool's: nobody waits for it, and it goes to nobody else.
        self._database = sa.create_engine(
            url, poolclass=sa.pool.NullPool, isolation_level="AUTOCOMMIT", hide_parameters=True
        )
        self._session: sa.Connection | None = None
        self._held_as: tuple[int, object] | None = None
        self._turn = threading.Lock()

    def take(self) -> bool:
        """Take it, unless it is held already; whether it is held now.

        Raises
        ------
        sqlalchemy.exc.DBAPIError
            When the database is away.
        """
        with self._turn:
            return self._is_taken()

    def keep(self, epoch: int) -> None:
        """Hold it still, or again where its session has ended.

        Parameters
        ----------
        epoch
            Of the store since this server took it: whoever takes it begins another.

        Raises
        ------
        StoreTakenError
            When another server has taken the store meanwhile, whether or not it still has it.
        StoreBusyError
            When another session holds the lock, and no server has taken the store yet.
        sqlalchemy.exc.DBAPIError
            When the database is away.
        """
        with self._turn:
            is_taken = self._is_taken()
            head = self._row(sa.select(store_heads.c.epoch))
            if head is None or head.epoch != epoch:
                self._give_back()
                raise store_lost(self._name)
            if not is_taken:
                self._end_own_past()
                raise StoreBusyError(
                    "The store's lock is held by another session.", advice="Try again later."
                )

    def _is_taken(self) -> bool:
        # One that is held is taken once more, so that no look is needed at whether its session is the same.
        taking = _session_of(sa.func.pg_backend_pid()).add_columns(sa.func.pg_try_advisory_lock(KEY))
        try:
            row = self._row(taking)
        except sa.exc.DBAPIError:
            row = self._row(taking)
        assert row is not None, "a session sees itself"
        if row[2]:
            self._held_as = row[0], row[1]
        return bool(row[2])

    def _end_own_past(self) -> None:
        """End the session that held the lock before: where only the way to it broke, the database keeps it for long."""
        if self._held_as is None:
            return
        pid, begun = self._held_as
        past = _session_of(pid).subquery()
        ending = sa.select(sa.func.pg_terminate_backend(past.c.pid)).where(past.c.backend_start == begun)
        self._row(ending)

    def _row(self, query: sa.Select) -> sa.Row | None:  # type: ignore[type-arg]
        """The first row of a query in the lock's session; after a failure the next one is another session."""
        try:
            self._session = self._session or self._database.connect()
            return self._session.execute(query).first()
        except BaseException:
            self._leave()
            raise

    def _leave(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            with contextlib.suppress(sa.exc.SQLAlchemyError):
                session.close()

    def give_back(self) -> None:
        """Let another take the store; also where its database is away."""
        with self._turn, contextlib.suppress(sa.exc.DBAPIError):
            self._give_back()

    def _give_back(self) -> None:
        if self._session is not None:
            # PostgreSQL ends a session some time after it is closed: whoever opens next must find it free.
            self._row(sa.select(sa.func.pg_advisory_unlock_all()))
            self._leave()


def _session_of(pid: object) -> sa.Select:  # type: ignore[type-arg]
    """The session of a process of the database; a number is given again, but not with the same beginning."""
    sessions = sa.table("pg_stat_activity", sa.column("pid"), sa.column("backend_start"))
    return sa.select(sessions.c.pid, sessions.c.backend_start).where(sessions.c.pid == pid)


def lock_of(database: sa.Engine) -> FileLock | SessionLock:
    """The lock of a store's database, not taken yet."""
    if database.dialect.name == "sqlite":
        return FileLock(Path(f"{database.url.database}.lock"))
    return SessionLock(database.url)
