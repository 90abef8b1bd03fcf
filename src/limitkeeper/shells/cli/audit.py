"""``limitkeeper audit``: what was done, by whom, and whether the record of it holds."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from limitkeeper.shells.cli.options import DataFolder, StoreUrl, store_at
from limitkeeper.shells.cli.progress import progress_bars

application = typer.Typer(
    help="What was done, by whom, and whether the record of it holds.",
    no_args_is_help=True,
    add_completion=False,
)


@application.callback()
def root() -> None:
    """What was done, by whom, and whether the record of it holds."""


@application.command("verify")
def verify(
    data: DataFolder = Path("limitkeeper-data"),
    store: StoreUrl = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Read the audit from end to end, and tell where it was edited, deleted, put in another order or cut off.

    Each event's hash covers the one before it. Exit code 1 where the chain does not hold.

    Example: limitkeeper audit verify --data limitkeeper-data
    """
    from limitkeeper.app.audit import verified

    opened = store_at(data, store)
    try:
        with progress_bars() as progress:
            found = verified(opened, progress)
    finally:
        opened.close()
    broken = found.broken
    if as_json:
        place = None if broken is None else {"number": broken.number, "problem": broken.problem}
        typer.echo(json.dumps({"events": found.events, "holds": broken is None, "broken": place}))
    elif broken is None:
        Console(highlight=False).print(f"The audit holds: {found.events:,} events in one chain.")
    else:
        Console(highlight=False).print(
            f"The audit does not hold at event {broken.number:,}: {broken.problem}."
        )
    if broken is not None:
        raise typer.Exit(1)


@application.command("search")
def search(
    data: DataFolder = Path("limitkeeper-data"),
    store: StoreUrl = None,
    actor: Annotated[str | None, typer.Option(help="Only what this person or service did.")] = None,
    subject: Annotated[str | None, typer.Option(help="Only what was done to this, like case:ID.")] = None,
    act: Annotated[str | None, typer.Option(help="Only this act, like case.approve.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Events at most.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="Print the events as JSON.")] = False,
) -> None:
    """Show audit events, the newest first.

    Example: limitkeeper audit search --actor ann --act case.approve
    """
    from limitkeeper.app.audit import found_events
    from limitkeeper.app.case_documents import audit_event_document

    opened = store_at(data, store)
    try:
        rows = found_events(opened, actor, subject, act, limit)
    finally:
        opened.close()
    documents = [audit_event_document(row) for row in rows]
    if as_json:
        typer.echo(json.dumps(documents, ensure_ascii=False))
        return
    shown = Table("number", "at", "actor", "act", "subject", title=None)
    for each in documents:
        shown.add_row(str(each["number"]), each["at"][:19], each["actor_id"], each["act"], each["subject"])
    Console(highlight=False).print(shown if documents else "No event of that kind.")
