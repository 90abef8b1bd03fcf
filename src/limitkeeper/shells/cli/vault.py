"""``limitkeeper vault``: customers' keys, and the master key that wraps them."""

import json
from pathlib import Path

import typer

from limitkeeper.shells.cli.options import AsJson, DataFolder
from limitkeeper.shells.cli.progress import progress_bars

application = typer.Typer(
    no_args_is_help=True,
    help="The vault: each customer's key, wrapped by the master key. Back it up apart from the store, and shorter.",
)


@application.command("status", epilog="Example: limitkeeper vault status --data limitkeeper-data")
def status(data: DataFolder = Path("limitkeeper-data"), as_json: AsJson = False) -> None:
    """Show how many keys each master key wraps, and how many were destroyed."""
    from limitkeeper.app.vault import vault_at
    from limitkeeper.connectors.sealing import master_keys_from_environment

    vault = vault_at(data)
    counts, current = vault.counts(), master_keys_from_environment().current_id
    vault.close()
    if as_json:
        typer.echo(json.dumps({"current": current, "keys": counts}))
        return
    for name, count in sorted(counts.items()):
        typer.echo(f"{name}{' (current)' if name == current else ''}: {count:,}")
    if not counts:
        typer.echo(f"No key yet; the current master key is {current}.")


@application.command("rotate", epilog="Example: limitkeeper vault rotate --data limitkeeper-data")
def rotate(data: DataFolder = Path("limitkeeper-data"), as_json: AsJson = False) -> None:
    """Wrap every customer's key by the current master key; what they seal is not touched.

    Put the new key into LIMITKEEPER_MASTER_KEY and the one before into LIMITKEEPER_MASTER_KEYS_BEFORE, restart the server
    with both, run this, and take the old one away. It can be run again at any time.
    """
    from limitkeeper.app.vault import vault_at, wrapped_again
    from limitkeeper.connectors.sealing import master_keys_from_environment

    vault, masters = vault_at(data), master_keys_from_environment()
    with progress_bars() as progress:
        done = wrapped_again(vault, masters, progress)
    vault.close()
    if as_json:
        typer.echo(json.dumps({"wrapped_again": done, "current": masters.current_id}))
    else:
        typer.echo(f"{done:,} keys are wrapped by {masters.current_id} now.")
