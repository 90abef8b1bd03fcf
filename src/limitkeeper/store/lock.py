"""The lock of a store: while one engine has it, no other writes."""

import contextlib
import fcntl
import zlib
from pathlib import Path
from typing import IO

import sqlalchemy as sa

Lock = IO[str] | sa.Connection
"""A locked file beside SQLite's, or a session of PostgreSQL that has an advisory lock."""


def lock_taken(database: sa.Engine) -> Lock | None:
    """The lock of a store, held until it is given back; None where another has it."""
    if database.dialect.name == "sqlite":
        lock = Path(f"{database.url.database}.lock").open("w")  # noqa: SIM115 - held until it is given back
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.close()
            return None
        return lock
    connection = database.connect()
    if not connection.scalar(sa.select(sa.func.pg_try_advisory_lock(zlib.crc32(b"limitkeeper")))):
        connection.close()
        return None
    connection.commit()
    return connection


def give_back(lock: Lock) -> None:
    """Let another take a store; also where its database is away."""
    with contextlib.suppress(sa.exc.DBAPIError):
        if isinstance(lock, sa.Connection):
            # PostgreSQL ends a session some time after it is closed: whoever opens next must find it free.
            lock.execute(sa.select(sa.func.pg_advisory_unlock_all()))
        lock.close()
