"""``limitkeeper audit``: what was done, by whom, and whether the record of it holds."""

import datetime as dt
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from limitkeeper.shells.cli.options import ActingPerson, DataFolder, StoreUrl, day_named, store_at, work_as
from limitkeeper.shells.cli.progress import progress_bars

if TYPE_CHECKING:
    from limitkeeper.app.verification import Evidence, Fault
    from limitkeeper.store.sql import Store

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
    is_whole: Annotated[
        bool, typer.Option("--all", help="Hold every row that is evidence against it, too.")
    ] = False,
    facts: Annotated[
        Path | None,
        typer.Option(help="An export of limitkeeper regulation evaluate: whether its last event stands."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Read the audit from end to end, and tell where it was edited, deleted, put in another order or cut off.

    Each event's hash covers the one before it. With --all every decision, act, change of a limit, notice and file that
    the audit keeps a hash of is read too, and told where it is not what was written. Exit code 1: something does not
    hold.

    Example: limitkeeper audit verify --all --data limitkeeper-data
    """
    from limitkeeper.app.audit import verified
    from limitkeeper.app.verification import Evidence, Fault, evidence_verified

    opened, faults = store_at(data, store), list[Fault]()
    try:
        with progress_bars() as progress:
            found = evidence_verified(opened, progress) if is_whole else Evidence(verified(opened, progress))
        if facts is not None:
            faults = _departures(opened, facts)
    finally:
        opened.close()
    found.faults += faults
    if as_json:
        typer.echo(json.dumps(_verified_document(found, is_whole=is_whole), ensure_ascii=False))
    else:
        _show_verified(found, is_whole=is_whole)
    if not found.holds:
        raise typer.Exit(1)


def _departures(store: "Store", path: Path) -> "list[Fault]":
    """Where the audit is not the one that exported facts were read from.

    Raises
    ------
    InputError
        When the file holds no such facts.
    """
    from limitkeeper.app.audit import event_hash_of
    from limitkeeper.app.verification import Fault
    from limitkeeper.core.kernel.errors import InputError

    try:
        head = json.loads(path.read_text(encoding="utf-8"))["audit"]
        number, expected = int(head["events"]), str(head["hash"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"The facts cannot be read: {error}.", value=path,
            allowed="a file of limitkeeper regulation evaluate --out",
        ) from error  # fmt: skip
    if not number or event_hash_of(store, number) == expected:
        return []
    return [Fault(f"audit_events {number}", f"not the event that {path.name} was read up to", number)]


def _verified_document(found: "Evidence", *, is_whole: bool) -> dict[str, Any]:
    broken = found.audit.broken
    place = None if broken is None else {"number": broken.number, "problem": broken.problem}
    document: dict[str, Any] = {"events": found.audit.events, "holds": found.holds, "broken": place}
    if is_whole:
        document |= {"rows": found.rows, "gone": found.gone}
    return document | {"faults": [each._asdict() for each in found.faults]}


def _show_verified(found: "Evidence", *, is_whole: bool) -> None:
    console, broken = Console(highlight=False, soft_wrap=True), found.audit.broken
    if broken is None:
        console.print(f"The audit holds: {found.audit.events:,} events in one chain.")
    else:
        console.print(f"The audit does not hold at event {broken.number:,}: {broken.problem}.")
    if is_whole:
        gone = f"; {found.gone:,} contents are gone by retention or an erasure" if found.gone else ""
        console.print(f"{found.rows:,} rows of evidence were held against it{gone}.")
    for each in found.faults:
        by = "" if each.event is None else f" (event {each.event:,})"
        console.print(f"{each.where}: {each.problem}{by}.", markup=False)


@application.command("search")
def search(
    person: ActingPerson,
    data: DataFolder = Path("limitkeeper-data"),
    store: StoreUrl = None,
    actor: Annotated[str | None, typer.Option(help="Only what this person or service did.")] = None,
    subject: Annotated[str | None, typer.Option(help="Only what was done to this, like case:ID.")] = None,
    act: Annotated[str | None, typer.Option(help="Only this act, like case.approve.")] = None,
    first: Annotated[str | None, typer.Option("--from", help="First day, UTC.")] = None,
    last: Annotated[str | None, typer.Option("--to", help="Last day, UTC.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Events at most.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="Print the events as JSON.")] = False,
) -> None:
    """Show audit events, the newest first; that you looked is kept, where they name accounts or customers.

    Example: limitkeeper audit search --actor ann --act case.approve --from 2026-10-01 --to 2026-10-31 --as ivy
    """
    from limitkeeper.app.audit import Search, found_events
    from limitkeeper.app.case_documents import audit_event_document
    from limitkeeper.app.looks import page_noted, shown_by_events
    from limitkeeper.core.kernel.instants import us_of_day

    from_us = None if first is None else us_of_day(day_named(first))
    to_us = None if last is None else us_of_day(day_named(last) + dt.timedelta(days=1))
    wanted = Search(actor, subject, act, from_us, to_us)
    with work_as(data, store, person, "audit.read") as w:
        documents = [audit_event_document(row) for row in found_events(w, wanted, limit)]
        page_noted(w, "audit.list", shown_by_events(documents))
    if as_json:
        typer.echo(json.dumps(documents, ensure_ascii=False))
        return
    shown = Table("number", "at", "actor", "act", "subject", title=None)
    for each in documents:
        shown.add_row(str(each["number"]), each["at"][:19], each["actor_id"], each["act"], each["subject"])
    Console(highlight=False).print(shown if documents else "No event of that kind.")
