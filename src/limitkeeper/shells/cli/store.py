"""``limitkeeper store``: which revision a store is at, and bringing it up to this program's."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from limitkeeper.shells.cli.options import AsJson, DataFolder, StoreUrl, store_url

if TYPE_CHECKING:
    import sqlalchemy as sa

application = typer.Typer(
    help="The store: which revision it is at, and bringing it up to this program's.",
    no_args_is_help=True,
    add_completion=False,
)


@application.callback()
def root() -> None:
    """The store: which revision it is at, and bringing it up to this program's."""


@application.command("status")
def status(
    data: DataFolder = Path("limitkeeper-data"), store: StoreUrl = None, as_json: AsJson = False
) -> None:
    """Show which revision a store is at, and which are to come; nothing is changed, and a server may run on it.

    Exit code 1 where the store is not at this program's revision.

    Example: limitkeeper store status --data limitkeeper-data
    """
    document = _standing(store_url(data, store))
    if as_json:
        typer.echo(json.dumps(document, ensure_ascii=False))
    else:
        _show(document)
    if document["revision"] != document["newest"]:
        raise typer.Exit(1)


@application.command("upgrade")
def upgrade(
    data: DataFolder = Path("limitkeeper-data"),
    store: StoreUrl = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Show the revisions that are to come and their SQL; change nothing."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Bring a store to this program's revision, whole or not at all; an empty database becomes a store.

    No server may run on it meanwhile; the next one would do the same at its start. Keep a copy first: there is
    no way back but that.

    Example: limitkeeper store upgrade --store postgresql+psycopg://HOST/limitkeeper --dry-run
    """
    from limitkeeper.store.sql import Store

    url = store_url(data, store)
    if not dry_run:
        opened = Store(url, upgrades=True)
        try:
            opened.upgrade()
        finally:
            opened.close()
    document = _standing(url, sql=dry_run)
    if as_json:
        typer.echo(json.dumps(document, ensure_ascii=False))
    elif dry_run:
        for step in document["to_come"]:
            typer.echo(f"-- {step['revision']}  {step['says']}")
        typer.echo(document["sql"])
    else:
        _show(document)


def _standing(url: str, *, sql: bool = False) -> dict[str, Any]:
    import sqlalchemy as sa

    from limitkeeper.store.database import StoreError, check_file, database_at

    check_file(url)
    database = database_at(url)
    try:
        with database.connect() as connection:
            return _document(connection, sql=sql)
    except sa.exc.DBAPIError as error:
        name = database.url.render_as_string(hide_password=True)
        raise StoreError(f"The store cannot be opened: {error.orig}.", value=name) from error
    finally:
        database.dispose()


def _document(connection: "sa.Connection", *, sql: bool) -> dict[str, Any]:
    from limitkeeper.store import migrations

    revision = migrations.revision_of(connection)
    steps = [] if migrations.is_newer(revision) else migrations.steps_from(revision)
    found = {
        "revision": revision,
        "newest": migrations.NEWEST,
        "to_come": [{"revision": each.revision, "says": each.says} for each in steps],
    }
    return found | {"sql": migrations.upgrade_sql(connection) if steps else ""} if sql else found


def _show(document: dict[str, Any]) -> None:
    console = Console(highlight=False)
    revision, newest = document["revision"], document["newest"]
    if revision == newest:
        console.print(f"The store is at revision {newest}, this program's.")
    elif not document["to_come"]:
        console.print(f"The store is at revision {revision}, of a newer program; this one's is {newest}.")
    else:
        console.print(f"The store is at revision {revision or 'none: it is empty'}. To come:")
        for step in document["to_come"]:
            console.print(f"  {step['revision']}  {step['says']}")
