"""``limitkeeper key``: the keys of services."""

import json
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from limitkeeper.shells.cli.options import ActingPerson, AsJson, DataFolder, StoreUrl, store_at, work_as

application = typer.Typer(
    help="Keys: which services may do what.", no_args_is_help=True, add_completion=False
)

Service = Annotated[str, typer.Argument(help="Name of the service.")]


@application.callback()
def root() -> None:
    """Keys: which services may do what."""


@application.command("make")
def make(
    service: Service,
    person: ActingPerson,
    scope: Annotated[
        list[str], typer.Option(help="An act that the key is for, as in docs/people.md; may be given again.")
    ],
    days: Annotated[float, typer.Option(min=0.01, max=366, help="For how long, from now.")] = 90.0,
    data: DataFolder = Path("limitkeeper-data"),
    store: StoreUrl = None,
    as_json: AsJson = False,
) -> None:
    """Make a key of a service and show it, this once; only its hash is kept.

    Keys that the service has stay good, so that it can change over.

    Example: limitkeeper key make core-bank --scope events.send --scope limit.acknowledge --as chief
    """
    from limitkeeper.app.people import key_made
    from limitkeeper.core.behaviour.events import DAY_US
    from limitkeeper.core.kernel.instants import instant_text

    with work_as(data, store, person, "key.change") as w:
        key = key_made(w, service, scope, days)
        ends_at = instant_text(w.now_us + int(days * DAY_US))
    if as_json:
        typer.echo(
            json.dumps(
                {"service_id": service, "key": key, "scopes": sorted(set(scope)), "ends_at": ends_at},
                ensure_ascii=False,
            )
        )
        return
    typer.echo(f"Good until {ends_at[:16]}; it is not shown again:", err=True)
    typer.echo(key)


@application.command("end")
def end(
    service: Service,
    person: ActingPerson,
    data: DataFolder = Path("limitkeeper-data"),
    store: StoreUrl = None,
    as_json: AsJson = False,
) -> None:
    """End all keys of a service at once.

    Example: limitkeeper key end core-bank --as chief
    """
    from limitkeeper.app.people import keys_ended

    with work_as(data, store, person, "key.change") as w:
        ended = keys_ended(w, service)
    typer.echo(
        json.dumps({"service_id": service, "ended": ended}, ensure_ascii=False)
        if as_json
        else f"{ended} keys of {service} have ended."
    )


@application.command("list")
def list_keys(
    data: DataFolder = Path("limitkeeper-data"),
    store: StoreUrl = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Keys at most.")] = 100,
    as_json: AsJson = False,
) -> None:
    """Show which services have keys now, for which acts and until when; the keys themselves are not kept.

    Example: limitkeeper key list
    """
    import sqlalchemy as sa

    from limitkeeper.app.people_documents import key_document
    from limitkeeper.store.people_tables import api_keys

    query = sa.select(api_keys).where(api_keys.c.ends_us > time.time_ns() // 1_000)
    opened = store_at(data, store)
    try:
        rows = opened.rows(query.order_by(api_keys.c.service_id, api_keys.c.ends_us).limit(limit))
    finally:
        opened.close()
    documents = [key_document(row) for row in rows]
    if as_json:
        typer.echo(json.dumps(documents, ensure_ascii=False))
        return
    shown = Table("service", "scopes", "made", "ends")
    for each in documents:
        shown.add_row(
            each["service_id"], ", ".join(each["scopes"]), each["made_at"][:16], each["ends_at"][:16]
        )
    Console(highlight=False).print(shown if documents else "No service has a key: limitkeeper key make")
