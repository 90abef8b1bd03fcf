"""``limitkeeper bank``: what the core banking system was told, how it answered, and telling it again."""

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from limitkeeper.shells.cli.options import ActingPerson, AsJson, DataFolder, StoreUrl, work_as

application = typer.Typer(
    help="Commands to the core banking system.", no_args_is_help=True, add_completion=False
)


class State(StrEnum):
    """Of a command."""

    told = "told"
    done = "done"
    failed = "failed"
    superseded = "superseded"


@application.callback()
def root() -> None:
    """Commands to the core banking system."""


@application.command("list")
def list_commands(
    person: ActingPerson,
    state: Annotated[State, typer.Option(help="Told: the bank has not answered.")] = State.failed,
    account: Annotated[str | None, typer.Option(help="Only of this account.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Commands at most.")] = 50,
    data: DataFolder = Path("limitkeeper-data"),
    store: StoreUrl = None,
    as_json: AsJson = False,
) -> None:
    """Show what the bank was told and how it answered, the newest first; that you looked is kept.

    Example: limitkeeper bank list --state told --as root
    """
    from limitkeeper.app.bank import command_document, commands_query
    from limitkeeper.app.looks import page_noted, shown
    from limitkeeper.store.limit_tables import limit_entries

    query = commands_query(state.value, account).order_by(
        limit_entries.c.effective_us.desc(), limit_entries.c.entry_id
    )
    with work_as(data, store, person, "bank.read") as w:
        found = [command_document(row) for row in w.rows(query.limit(limit))]
        page_noted(w, "bank.list", shown(found))
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False))
        return
    table = Table("command", "in effect", "account", "action", "state", "words")
    for each in found:
        table.add_row(
            each["command_id"], each["effective_at"][:16], each["account_id"], each["action"], each["state"],
            each["detail"] or "",
        )  # fmt: skip
    Console(highlight=False).print(table if found else f"No command is {state.value}.")


@application.command("retry")
def retry(
    command_id: Annotated[str, typer.Argument(help="Of the command.")],
    person: ActingPerson,
    data: DataFolder = Path("limitkeeper-data"),
    store: StoreUrl = None,
) -> None:
    """Tell the bank again of a command that failed, or that was given up on the way.

    Example: limitkeeper bank retry 5d1c... --as root
    """
    from limitkeeper.app.bank import told_again

    with work_as(data, store, person, "bank.retry") as w:
        told_again(w, command_id)
    typer.echo("The bank is told again.")
