"""``limitkeeper life recompute``: the figures that a release was assessed by, made again."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from limitkeeper.shells.cli.options import DataFolder, StoreUrl, store_at, today

application = typer.Typer()

FAILED = 3
"""The exit code where figures made again are others."""

Seed = Annotated[int, typer.Option(help="Of the bootstrap and of the folds.")]
ReleaseId = Annotated[
    str, typer.Argument(help="The release, or the first letters of its id.", show_default=False)
]


def report_of(release: str, path: Path, seed: int, data: Path, store: str | None) -> dict[str, Any]:
    """The fairness report of a release on the portfolio of a file, by the screens of today."""
    from limitkeeper.app.life_contents import released
    from limitkeeper.app.life_documents import release_row
    from limitkeeper.app.life_evidence import screen_from_text
    from limitkeeper.app.policy import market_parameters, screens_in_force
    from limitkeeper.app.portfolio import portfolio_from_file
    from limitkeeper.app.release_fairness import release_fairness
    from limitkeeper.core.access.actors import SYSTEM
    from limitkeeper.shells.cli.progress import progress_bars
    from limitkeeper.store.work import reading

    lines, opened = portfolio_from_file(path), store_at(data, store)
    try:
        with reading(opened, SYSTEM, 0) as w:
            of = released(w, release_row(w, release)["release_id"])
    finally:
        opened.close()
    in_force = market_parameters(lines.market, lines.as_of.date())
    with progress_bars() as progress:
        report = release_fairness(
            of, lines, in_force, screens_in_force(today()), seed=seed, progress=progress
        )
    return screen_from_text(json.dumps(report, ensure_ascii=False, allow_nan=False))


@application.command(epilog="Example: limitkeeper life recompute 4f2a portfolio.yaml")
def recompute(
    release: ReleaseId,
    portfolio: Annotated[Path, typer.Argument(help="YAML of the portfolio.", show_default=False)],
    data: DataFolder = Path("limitkeeper-data"),
    store: StoreUrl = None,
) -> None:
    """Make the figures again by which a release was assessed, and tell whether they are the same.

    By the seed that the gate recorded, of the strategy and the model that the store holds. Exit code 3: they differ.
    """
    from limitkeeper.app.life_documents import whole_release_document
    from limitkeeper.app.life_evidence import provenance_of
    from limitkeeper.core.kernel.errors import InputError

    opened = store_at(data, store)
    try:
        acts = whole_release_document(opened, release)["acts"]
    finally:
        opened.close()
    found = [each["detail"]["screen"].get("provenance") for each in acts if each["act"] == "assess"]
    kept = found[-1] if found else None
    if kept is None:
        raise InputError("Nothing is recorded of what the figures were made of.", value=release)
    again = provenance_of(report_of(release, portfolio, kept["seed"] or 0, data, store))
    others = [name for name in again if again[name] != kept[name]]
    for name in others:
        typer.echo(f"{name}: recorded {kept[name]}, made again {again[name]}")
    typer.echo("The figures are others." if "figures" in others else "The figures are the same.")
    if "figures" in others:
        raise typer.Exit(FAILED)
