"""The database of a store: how it is opened, and which revisions a program lets in."""

import sqlite3
import time
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from limitkeeper.core.kernel.errors import LimitkeeperError
from limitkeeper.store.migrations import EMPTY, NEWEST, is_newer

BUSY_MS = 10_000

BUSY_PAUSE_SECONDS = 0.02

PRIMARY_CODE = 0xFF
"""The bits of SQLite's error codes that say the kind; the others say more of it."""

CACHE_KIB = 65_536
"""Pages of SQLite that each connection keeps: rows that belong together by time lie apart by their ids."""


class StoreError(LimitkeeperError):
    """A store that cannot be used as asked."""


def check_file(url: str) -> None:
    """Nothing, where the file of a store is there, or it lies in none.

    Raises
    ------
    StoreError
        When it is not: opening would make one.
    """
    path = sa.make_url(url).database if url.startswith("sqlite") else None
    if path and not Path(path).is_file():
        raise missing_store(path)


def missing_store(name: str) -> StoreError:
    """The error of a store that is not there."""
    return StoreError("There is no such store.", value=name, advice="Start a server with --data first.")


def check_revision(revision: str, name: str, *, upgrades: bool) -> None:
    """Nothing, where a store of a revision is let in.

    Parameters
    ----------
    revision
        As of :func:`limitkeeper.store.migrations.revision_of`.
    name
        Of the store, without its password.
    upgrades
        Whether one of an earlier revision is let in too.

    Raises
    ------
    StoreError
        When it is not.
    """
    if revision == EMPTY:
        raise missing_store(name)
    if is_newer(revision):
        raise StoreError(
            "The store is of a newer program.",
            value=f"revision {revision}",
            allowed=f"up to {NEWEST}",
            advice="Use that program, or a copy of the store from before it was upgraded.",
        )
    if revision != NEWEST and not upgrades:
        raise StoreError(
            "The store is of an earlier program.",
            value=f"revision {revision}",
            allowed=NEWEST,
            advice="Stop its server and keep a copy; then: limitkeeper store upgrade. The next server does it too.",
        )


def database_at(url: str) -> sa.Engine:
    """The database of a URL, as a store uses it.

    Raises
    ------
    StoreError
        When the URL cannot be read.
    """
    try:
        parts = sa.make_url(url)
    except sa.exc.ArgumentError as error:
        raise StoreError(
            "The store's URL cannot be read.",
            value=url,
            allowed="sqlite:///FILE or postgresql+psycopg://...",
        ) from error
    if parts.get_backend_name() != "sqlite":
        return sa.create_engine(parts, pool_pre_ping=True, hide_parameters=True)
    if parts.database:
        Path(parts.database).parent.mkdir(parents=True, exist_ok=True)
    found = sa.create_engine(parts, connect_args={"timeout": BUSY_MS / 1000}, hide_parameters=True)
    sa.event.listen(found, "connect", _set_pragmas)
    return found


def _set_pragmas(connection: Any, _record: object) -> None:  # noqa: ANN401 - the driver's own connection
    cursor = connection.cursor()
    _write_ahead(cursor)
    # Whatever is deleted or moved is overwritten from the first row on: SQLite moves rows between pages as they grow
    # in number, and what an erasure finds then would not be all that the file has of a person.
    for pragma in (
        "synchronous=FULL",
        f"busy_timeout={BUSY_MS}",
        f"cache_size=-{CACHE_KIB}",
        "secure_delete=ON",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _write_ahead(cursor: sqlite3.Cursor) -> None:
    """Let a file have a log written ahead; where several make the file at once, SQLite refuses and does not wait."""
    until = time.monotonic() + BUSY_MS / 1000
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & PRIMARY_CODE != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(BUSY_PAUSE_SECONDS)
        else:
            return
