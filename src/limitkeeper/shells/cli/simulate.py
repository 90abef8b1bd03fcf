"""``limitkeeper simulate``: simulated accounts with a known hidden state, as files."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from limitkeeper.shells.cli.progress import progress_bars

if TYPE_CHECKING:
    from limitkeeper.simulation.life import SimulatedLife

HORIZON_SHARE = 3
"""The training table looks ahead over this part of the days: a third."""

NOTE = "Simulated by limitkeeper simulate. No row is of a real person, and every id starts with sim-."

README = """{note}

accounts {accounts}, days {days}, seed {seed}, limitkeeper {limitkeeper}

events.parquet    what a lender sees, in arrival order (docs/reference/events.md; arrived_at says when)
accounts.parquet  what a lender states of its accounts
truth.parquet     what no lender sees: kind, ring, onset, recovery, arrears, default, the trigger that ought to fire
training.parquet  features as of {as_of}, and whether the account was 30 days late in the {horizon_days} days after
simulated.json    the same in numbers

The assumptions are in docs/simulation.md.
"""


def simulate(
    out: Annotated[Path, typer.Option(help="Folder to write to.")],
    accounts: Annotated[int, typer.Option(help="How many accounts.")] = 10_000,
    days: Annotated[int, typer.Option(help="How many days, from 2026-01-01.")] = 180,
    seed: Annotated[int, typer.Option(help="Of all chances: the same seed gives the same files.")] = 0,
    late_share: Annotated[float, typer.Option(help="Share of events that arrive late.")] = 0.01,
    duplicate_share: Annotated[float, typer.Option(help="Share of events that arrive twice.")] = 0.005,
    as_json: Annotated[bool, typer.Option("--json", help="Print the counts as JSON.")] = False,
) -> None:
    """Simulate accounts whose hidden state is known: salaried, seasonal, distressed, taken over, in a ring, ...

    Nothing in it is of a real person, and every row says so. Learn from it, or compute its features:

        limitkeeper simulate --accounts 10000 --days 180 --seed 7 --out life

        limitkeeper train life/training.parquet --target defaulted --drop account_id --out life/model

        limitkeeper features life/events.parquet --accounts life/accounts.parquet --out life/features.parquet
    """
    import datetime as dt

    from limitkeeper import __version__
    from limitkeeper.app.simulation import labelled_portraits
    from limitkeeper.connectors.tables import table_written
    from limitkeeper.simulation.life import simulated_life

    with progress_bars() as progress:
        life = simulated_life(
            accounts, days, seed, late_share=late_share, duplicate_share=duplicate_share, progress=progress
        )
        horizon_days = max(1, days // HORIZON_SHARE)
        as_of = life.end - dt.timedelta(days=horizon_days)
        training = labelled_portraits(life, as_of, horizon_days, progress=progress)
    for name, frame in (
        ("events", life.events),
        ("accounts", life.accounts),
        ("truth", life.truth),
        ("training", training),
    ):
        table_written(frame, out / f"{name}.parquet")
    asked = {
        "accounts": accounts,
        "days": days,
        "seed": seed,
        "late_share": late_share,
        "duplicate_share": duplicate_share,
    }
    looked_ahead = {
        "as_of": as_of.isoformat(),
        "horizon_days": horizon_days,
        "rows": training.height,
        "defaulted": int(training["defaulted"].sum()),
    }
    summary = {"simulated": True, "note": NOTE, "limitkeeper": __version__, **asked, **counts_of(life),
               "training": looked_ahead}  # fmt: skip
    (out / "simulated.json").write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
    (out / "README.txt").write_text(README.format(**{**summary, **looked_ahead}), encoding="utf-8")
    if as_json:
        typer.echo(json.dumps({**summary, "out": str(out)}))
    else:
        show(summary, out)


def counts_of(life: "SimulatedLife") -> dict[str, Any]:
    """When the life begins and ends, and how many events and accounts of each kind there are."""
    return {
        "start": life.start.isoformat(),
        "end": life.end.isoformat(),
        "events": life.events.height,
        "events_by_kind": dict(sorted(life.events["kind"].value_counts().iter_rows())),
        "accounts_by_kind": accounts_by_kind(life),
    }


def accounts_by_kind(life: "SimulatedLife") -> dict[str, dict[str, int]]:
    """Of each hidden kind: accounts, how many were 30 days late, how many defaulted, and what was lost."""
    import polars as pl

    from limitkeeper.simulation.mix import KINDS

    counted = life.truth.group_by("kind").agg(
        pl.len().alias("accounts"),
        pl.col("thirty_days_late_at").count().alias("thirty_days_late"),
        pl.col("defaulted_at").count().alias("defaulted"),
        pl.col("loss_cents").sum(),
    )
    found = {row["kind"]: row for row in counted.iter_rows(named=True)}
    return {
        kind: {name: value for name, value in found[kind].items() if name != "kind"}
        for kind in KINDS
        if kind in found
    }


def show(summary: dict[str, Any], out: Path) -> None:
    """The counts as a table, and what to do next."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    shown = Table(title="Simulated accounts by hidden kind", box=SIMPLE_HEAD)
    for heading in ("kind", "accounts", "30 days late", "defaulted", "lost (CNY)"):
        shown.add_column(heading, justify="left" if heading == "kind" else "right")
    for kind, row in summary["accounts_by_kind"].items():
        shown.add_row(
            kind, f"{row['accounts']:,}", f"{row['thirty_days_late']:,}", f"{row['defaulted']:,}",
            f"{row['loss_cents'] / 100:,.0f}",
        )  # fmt: skip
    console.print(shown)
    events = " · ".join(f"{kind} {count:,}" for kind, count in summary["events_by_kind"].items())
    console.print(f"{summary['events']:,} events: {events}")
    training = summary["training"]
    console.print(
        f"Training table: {training['rows']:,} accounts as of {training['as_of']}, {training['defaulted']:,} of "
        f"them 30 days late in the {training['horizon_days']} days after"
    )
    console.print(f"{NOTE}\nFiles: {out}", soft_wrap=True)
    console.print(
        f"Next: limitkeeper train {out}/training.parquet --target defaulted --drop account_id --out {out}/model",
        soft_wrap=True,
    )
