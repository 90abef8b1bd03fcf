"""``limitkeeper reconcile``: the ledger against the bank's file."""

import json
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from limitkeeper.shells.cli.options import ActingPerson, AsJson, DataFolder, StoreUrl, store_at, work_as
from limitkeeper.shells.cli.progress import progress_bars

FIRST_DIFFERENCES = 20

DIFFERENT = 3
"""The exit code where something differs."""


def reconcile(
    bank_file: Annotated[
        Path, typer.Argument(help="Parquet or CSV of the bank: account_id, limit_cents or limit, frozen.")
    ],
    hours: Annotated[float, typer.Option(min=0, help="Within which the bank answers a command.")] = 24.0,
    ledger_only: Annotated[
        bool,
        typer.Option("--ledger-only", help="Leave out accounts that only the bank has: never changed here."),
    ] = False,
    out: Annotated[Path | None, typer.Option(help="CSV file for all differences.")] = None,
    data: DataFolder = Path("limitkeeper-data"),
    store: StoreUrl = None,
    as_json: AsJson = False,
    person: ActingPerson = "local",
) -> None:
    """Compare the ledger with the bank's file, and list commands that the bank refused or did not answer.

    A difference of a line of which a command went out within the hours is on its way, and is none.
    Exit code 3: something differs. Each row of the file says in its last column who took it, when, for what, and where
    the audit stood.

    Example: limitkeeper reconcile bank.parquet --ledger-only --out differences.csv
    """
    from limitkeeper.app.exports import COLUMN, RECONCILIATION, Export, export_noted
    from limitkeeper.app.reconciliation import SCHEMA, Reconciled, differences_document, reconciled

    opened, found, first = store_at(data, store), Reconciled(), list[dict[str, Any]]()
    part = None if out is None else out.with_name(out.name + ".part")
    mark: Export | None = None
    if part is not None:
        with work_as(data, store, person, "bank.read") as w:
            mark = export_noted(w, RECONCILIATION)
    try:
        with progress_bars() as progress:
            if part is not None:
                part.write_text(",".join((*SCHEMA, COLUMN)) + "\n", encoding="utf-8")
            pages = reconciled(
                opened, bank_file, time.time_ns() // 1_000, hours=hours, ledger_only=ledger_only, found=found,
                progress=progress,
            )  # fmt: skip
            for page in pages:
                first += page.head(FIRST_DIFFERENCES - len(first)).to_dicts()
                if part is not None and mark is not None and page.height:
                    with part.open("ab") as file:
                        mark.marked(page).write_csv(file, include_header=False)
            if part is not None and out is not None:
                part.replace(out)
    finally:
        opened.close()
    if as_json:
        typer.echo(json.dumps(differences_document(found, first), ensure_ascii=False))
    else:
        _show(found.differences, first, f"{found.ledger_lines:,} lines of the ledger, {found.bank_rows:,} rows of the "
              f"bank: {found.same:,} the same, {found.on_its_way:,} on their way.")  # fmt: skip
    if not found.is_even:
        raise typer.Exit(DIFFERENT)


def _show(differences: dict[str, int], first: list[dict[str, Any]], summary: str) -> None:
    from limitkeeper.app.reconciliation import KINDS

    console = Console(highlight=False)
    console.print(summary)
    if not differences:
        console.print("Nothing differs.")
        return
    kinds = Table("difference", "count", "what it is")
    for kind, count in differences.items():
        kinds.add_row(kind, f"{count:,}", KINDS[kind])
    console.print(kinds)
    shown = Table("account", "difference", "ledger", "bank", "detail")
    for each in first:
        amounts = [
            "" if each[name] is None else f"{each[name] / 100:,.2f}"
            for name in ("ledger_cents", "bank_cents")
        ]
        shown.add_row(
            each["account_id"] or "–", each["kind"], *amounts, each["detail"] or each["entry_id"] or ""
        )
    console.print(shown)
