"""``limitkeeper features``: the behaviour features of an event file."""

import datetime as dt
import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from limitkeeper.core.kernel.errors import InputError
from limitkeeper.shells.cli.progress import progress_bars


def features(
    events: Annotated[Path, typer.Argument(help="Event file, Parquet or CSV; see docs/reference/events.md.")],
    out: Annotated[Path, typer.Option(help="Where to write the features, Parquet or CSV.")],
    accounts: Annotated[
        Path | None, typer.Option(help="What is stated of accounts: opening, limit, customer.")
    ] = None,
    time_zone: Annotated[
        str, typer.Option(help="The market's time zone, for what is at night.")
    ] = "Asia/Shanghai",
    as_of: Annotated[
        str | None, typer.Option(help="Refuse events after this instant, ISO 8601; default: now.")
    ] = None,
    state: Annotated[
        Path | None, typer.Option(help="Go on from this state where the file exists, and save it after.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the counts as JSON.")] = False,
) -> None:
    """Compute the features of each event, in file order, with its event_id.

    Rows that are refused go beside the output, with their reason: read = accepted + rejected + duplicate.

    Example: limitkeeper features events.parquet --out features.parquet
    """
    from limitkeeper.app.features import Books, features_of_events
    from limitkeeper.connectors.books import state_read, state_written
    from limitkeeper.connectors.portfolio import instant
    from limitkeeper.connectors.portfolio import time_zone as known_zone
    from limitkeeper.connectors.tables import ENDINGS, table, table_written

    if out.suffix.lower() not in ENDINGS:
        raise InputError(
            "The kind of output is not known by its ending.", value=out, allowed=", ".join(ENDINGS)
        )
    books = Books(*state_read(state)) if state and state.exists() else Books()
    with progress_bars() as progress:
        found = features_of_events(
            table(events),
            accounts=table(accounts) if accounts else None,
            time_zone=known_zone(time_zone),
            as_of=instant(as_of) if as_of else dt.datetime.now(dt.UTC),
            books=books,
            progress=progress,
        )
    refused = out.with_name(f"{out.stem}.rejects{out.suffix}")
    table_written(found.features, out)
    table_written(found.refused, refused)
    if state:
        state_written(found.books.behaviour, found.books.numbers, state)
    reasons = dict(sorted(found.refused["reason"].value_counts().iter_rows()))
    if as_json:
        typer.echo(json.dumps({**found.counts, "reasons": reasons, "out": str(out), "rejects": str(refused)}))
        return
    console = Console(highlight=False)
    console.print(" · ".join(f"{name} {count:,}" for name, count in found.counts.items()))
    for reason, count in reasons.items():
        console.print(f"  {reason}: {count:,}")
    if not found.counts["read"]:
        console.print("The event file holds no rows: the output has none either.")
    console.print(f"Features: {out}\nRefused rows: {refused}", soft_wrap=True)
