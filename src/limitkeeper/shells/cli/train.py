"""``limitkeeper train``: a model from a lender's table."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from limitkeeper.core.risk.model import Model

FIGURES = (
    ("KS", "ks"),
    ("Gini", "gini"),
    ("Brier", "brier"),
    ("Calibration slope", "calibration_slope"),
    ("Calibration intercept", "calibration_intercept"),
    ("ECE (10 bins)", "ece"),
    ("PSI (training to validation)", "psi"),
)


def train(
    data: Annotated[Path, typer.Argument(help="Table of accounts: Parquet or CSV, one row an account.")],
    target: Annotated[str, typer.Option(help="Column to predict.")],
    out: Annotated[Path, typer.Option(help="Folder to write the model to.")],
    positive: Annotated[
        str | None, typer.Option(help="The target's value that means default, where it is not 1 or true.")
    ] = None,
    drop: Annotated[str, typer.Option(help="Columns not to read, with commas between.")] = "",
    protected: Annotated[
        str, typer.Option(help="Columns that never reach the model, only measure it: sex, age, ...")
    ] = "",
    missing: Annotated[str, typer.Option(help="Numbers that stand for missing, such as -9,-8.")] = "",
    kind: Annotated[str, typer.Option(help="pd, lgd or ccf.")] = "pd",
    seed: Annotated[int, typer.Option(help="Seed of the folds and of the challenger.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Train a champion scorecard and a challenger, validate both, and write the model's folder.

    Any table will do: numbers, text, yes or no, missing values. Monthly series, shares of a limit and ratios
    are found and derived by themselves. Validation is stratified 5-fold with everything refitted in each
    fold; the printed figures are of rows that the model never saw.

    Example:

        limitkeeper train accounts.parquet --target default --drop ID --protected SEX,AGE --out model
    """
    from limitkeeper.app.training import card_page, trained_model
    from limitkeeper.connectors.models import defined, model_folder_written
    from limitkeeper.connectors.tables import table
    from limitkeeper.shells.cli.progress import progress_bars

    with progress_bars() as progress:
        model = trained_model(
            table(data),
            target,
            kind=kind,
            positive=positive,
            drop=listed(drop),
            protected=listed(protected),
            missing=numbers(missing),
            seed=seed,
            progress=progress,
        )
        model_folder_written(model, out, card_page(model))
    if as_json:
        typer.echo(json.dumps(defined({**model.card, "out": str(out)}), ensure_ascii=False))
    else:
        show(model, out)


def listed(text: str) -> list[str]:
    """The names of a comma-separated list."""
    return [part.strip() for part in text.split(",") if part.strip()]


def numbers(text: str) -> list[float]:
    """The numbers of a comma-separated list."""
    try:
        return [float(part) for part in listed(text)]
    except ValueError:
        raise typer.BadParameter(
            f"'{text}' is no list of numbers such as -9,-8.", param_hint="--missing"
        ) from None


def show(model: "Model", out: Path) -> None:
    """The card's figures as a table, its notes, and where the model is."""
    card = model.card
    console = Console()
    rows = card["rows"]
    rejected = ", ".join(f"{count} {reason}" for reason, count in rows["rejected"].items()) or "none"
    console.print(
        f"{rows['read']:,} rows read, {rows['accepted']:,} accepted, rejected: {rejected}.", highlight=False
    )
    console.print(pd_table(card) if model.kind == "pd" else share_table(card))
    for note in card["notes"]:
        console.print(f"note: {note}", markup=False, highlight=False)
    console.print(
        f"Model {model.hash[:19]} in {out} (card.html is the card to read).", markup=False, highlight=False
    )


def pd_table(card: Mapping[str, Any]) -> Table:
    """Champion and challenger side by side."""
    shown = Table(
        title=f"{card['target']}: {card['bads']:,} bad ({card['bad_rate']:.2%}); {card['validation']}"
    )
    for heading in ("", "champion (scorecard)", "challenger (LightGBM)"):
        shown.add_column(heading, justify="left" if not heading else "right")
    both = (card["champion"], card["challenger"])
    areas = (f"{each['auc']:.4f} ({each['auc_95'][0]:.4f} to {each['auc_95'][1]:.4f})" for each in both)
    shown.add_row("AUC (95 % interval)", *areas)
    for heading, name in FIGURES:
        shown.add_row(heading, *(f"{each[name]:.4f}" for each in both))
    return shown


def share_table(card: Mapping[str, Any]) -> Table:
    """What a share model explains."""
    shown = Table(title=f"{card['target']}: mean {card['target_mean']:.3f}; {card['validation']}")
    shown.add_column("")
    shown.add_column(card["form"], justify="right")
    shown.add_row(
        "R2 of the regression (95 %)", f"{card['r2']:.4f} ({card['r2_95'][0]:.4f} to {card['r2_95'][1]:.4f})"
    )
    shown.add_row("R2 of segment means", f"{card['segment_r2']:.4f}")
    shown.add_row("Mean absolute error", f"{card['mean_absolute_error']:.4f}")
    shown.add_row("Mean predicted", f"{card['mean_predicted']:.4f}")
    return shown
