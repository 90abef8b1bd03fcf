"""``limitkeeper journal``: what a server took, for analysis and for proof."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from limitkeeper.shells.cli.options import ActingPerson, work_as
from limitkeeper.shells.cli.progress import progress_bars

application = typer.Typer(
    help="What a server took: its journal as an event file.", no_args_is_help=True, add_completion=False
)


@application.callback()
def root() -> None:
    """What a server took: its journal as an event file."""


@application.command("export")
def export(
    out: Annotated[Path, typer.Argument(help="Parquet file to write.")],
    data: Annotated[Path, typer.Option(help="Folder of the server.")] = Path("limitkeeper-data"),
    store: Annotated[
        str | None,
        typer.Option(envvar="LIMITKEEPER_STORE", help="Database; default: SQLite in the folder."),
    ] = None,
    after: Annotated[int, typer.Option(min=0, help="Only entries behind this one.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was written as JSON.")] = False,
    person: ActingPerson = "local",
) -> None:
    """Write the journal's events to a file, in the order in which they came; the server may run meanwhile.

    The file is an event file: `limitkeeper features` over it gives the features that were given out live. The
    journal reaches as far back as the server keeps it (serve --journal-days). Who took it, when, for what, and where the
    audit stood is in the file's metadata (limitkeeper.export), and on the audit.

    Example: limitkeeper journal export events.parquet --data limitkeeper-data
    """
    import json

    from limitkeeper.app.exports import JOURNAL, export_noted
    from limitkeeper.app.journal import journal_events
    from limitkeeper.connectors.tables import tables_written
    from limitkeeper.store.sql import opened_store

    opened = opened_store(store or f"sqlite:///{data / 'limitkeeper.db'}")
    try:
        with work_as(data, store, person, "accounts.read") as w:
            mark = export_noted(w, JOURNAL)
        with progress_bars() as progress:
            rows = tables_written(journal_events(opened, after, progress), out, mark.metadata())
    finally:
        opened.close()
    if as_json:
        typer.echo(json.dumps({"events": rows, "file": str(out)}))
    else:
        Console(highlight=False).print(f"{rows:,} events in {out}")
