"""Options that several commands have."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from limitkeeper.store.sql import Store

DataFolder = Annotated[Path, typer.Option("--data", help="Folder of the server.")]
StoreUrl = Annotated[
    str | None,
    typer.Option("--store", envvar="LIMITKEEPER_STORE", help="Database; default: SQLite in the folder."),
]


def store_at(data: Path, store: str | None) -> "Store":
    """The store of a server, which is there already.

    Raises
    ------
    StoreError
        When there is none.
    """
    from limitkeeper.store.sql import opened_store

    return opened_store(store or f"sqlite:///{data / 'limitkeeper.db'}")
