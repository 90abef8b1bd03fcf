"""Options that several commands have, and the work that somebody does at the command line."""

import contextlib
import datetime as dt
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from limitkeeper.store.sql import Store
    from limitkeeper.store.work import Work

DataFolder = Annotated[Path, typer.Option("--data", help="Folder of the server.")]
StoreUrl = Annotated[
    str | None,
    typer.Option("--store", envvar="LIMITKEEPER_STORE", help="Database; default: SQLite in the folder."),
]
ActingPerson = Annotated[
    str,
    typer.Option(
        "--as",
        envvar="LIMITKEEPER_PERSON",
        help="Who acts: a person of the store whose roles allow it. Whoever may open the store is trusted with who "
        "he is, and while the store knows nobody, with any name.",
    ),
]
AttributesFile = Annotated[
    Path | None,
    typer.Option(
        "--attributes",
        help="With --protected: Parquet or CSV of the whole portfolio, account_id and protected columns; read only to "
        "measure how campaigns treat groups.",
    ),
]
AttributeNames = Annotated[
    str | None,
    typer.Option("--protected", help="Columns of --attributes, with commas between: sex,age_band."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


def store_url(data: Path, store: str | None) -> str:
    """Where the store of a server is, which need not be there yet."""
    return store or f"sqlite:///{data / 'limitkeeper.db'}"


def store_at(data: Path, store: str | None) -> "Store":
    """The store of a server, which is there already.

    Raises
    ------
    StoreError
        When there is none.
    """
    from limitkeeper.store.sql import opened_store

    return opened_store(store_url(data, store))


def today() -> dt.date:
    """The day, UTC."""
    return dt.datetime.now(dt.UTC).date()


def day_named(text: str) -> dt.date:
    """A day as ISO 8601 writes it.

    Raises
    ------
    BadParameter
        When it is none.
    """
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"'{text}' is no day such as 2026-09-30.") from None


@contextlib.contextmanager
def looking_as(data: Path, store: str | None, person: str, act: str) -> "Iterator[Work]":
    """A look as a person who may do an act: whatever is done in it is not kept, as in a dry run.

    Parameters
    ----------
    data, store
        Where the store is.
    person, act
        As of :func:`work_as`.

    Raises
    ------
    StoreError, LoginError, ForbiddenError
        As :func:`work_as` does.
    """
    from limitkeeper.app.people import acting_person
    from limitkeeper.store.work import reading

    opened = store_at(data, store)
    try:
        with reading(opened, acting_person(opened, person, act), time.time_ns() // 1_000) as w:
            yield w
    finally:
        opened.close()


@contextlib.contextmanager
def work_as(
    data: Path, store: str | None, person: str, act: str, owner_id: str | None = None
) -> "Iterator[Work]":
    """A piece of work of a person at the command line, who may do an act.

    Parameters
    ----------
    data, store
        Where the store is.
    person
        Who acts; any name while the store knows nobody, which is told on the error stream.
    act, owner_id
        As of :func:`limitkeeper.core.access.rights.check_right`.

    Raises
    ------
    StoreError
        When there is no store.
    LoginError
        When nobody of that name is let in.
    ForbiddenError
        When his roles do not allow the act.
    """
    from limitkeeper.app.people import acting_person, is_empty
    from limitkeeper.store.work import work

    opened = store_at(data, store)
    try:
        if is_empty(opened):
            typer.echo(
                f"The store knows nobody: {person} is trusted. See limitkeeper person add --first.", err=True
            )
        actor = acting_person(opened, person, act, owner_id)
        with work(opened, actor, time.time_ns() // 1_000) as w:
            yield w
    finally:
        opened.close()
