"""``limitkeeper score``: PD, points and reasons of every row of a table."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console


def score(
    model: Annotated[Path, typer.Argument(help="Model folder, as limitkeeper train wrote it.")],
    data: Annotated[Path, typer.Argument(help="Table of accounts: Parquet or CSV.")],
    out: Annotated[Path, typer.Option(help="File to write: .parquet or .csv.")],
    keep: Annotated[str, typer.Option(help="Columns to carry through, with commas between.")] = "",
    challenger: Annotated[bool, typer.Option("--challenger", help="Give the challenger's PD too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the counts as JSON.")] = False,
) -> None:
    """Score a table: PD, points, and up to four reasons a row, in the table's order.

    Rows with an infinite value are written beside the file with the reason. Columns that the model does not
    read are ignored; one that it lacks is an error that names it.

    Example:

        limitkeeper score model accounts.parquet --out scores.parquet --keep account_id
    """
    from limitkeeper.app.scoring import scores
    from limitkeeper.connectors.models import model_from_folder
    from limitkeeper.connectors.tables import table, table_written
    from limitkeeper.shells.cli.train import listed

    read_model = model_from_folder(model)
    result = scores(read_model, table(data), keep=listed(keep), challenger=challenger)
    table_written(result.accepted, out)
    rejects = out.with_name(f"{out.stem}.rejected{out.suffix}")
    rejects.unlink(missing_ok=True)
    if result.rejected.height:
        table_written(result.rejected, rejects)
    counts = {
        "read": result.read,
        "accepted": result.accepted.height,
        "rejected": result.rejected.height,
        "model_hash": read_model.hash,
        "out": str(out),
        "rejected_out": str(rejects) if result.rejected.height else None,
        "notes": list(result.notes),
    }
    if as_json:
        typer.echo(json.dumps(counts, ensure_ascii=False))
        return
    console = Console(markup=False, highlight=False)
    console.print(
        f"{counts['read']:,} rows read, {counts['accepted']:,} scored, {counts['rejected']:,} rejected."
    )
    for note in result.notes:
        console.print(f"note: {note}")
    console.print(f"Scores in {out}.")
    if result.rejected.height:
        console.print(f"Rejected rows with reasons in {rejects}.")
