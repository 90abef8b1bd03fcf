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

COMPARISON = "comparison.html"


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
    challenger_of: Annotated[
        Path | None,
        typer.Option(help="Folder of the model that decides now: compare with it; it is not touched."),
    ] = None,
    compare_on: Annotated[
        Path | None,
        typer.Option(
            help="With --challenger-of: accounts to compare on; default: 30 % kept apart by chance."
        ),
    ] = None,
    lang: Annotated[str, typer.Option(help="Language of the comparison's page: en or zh.")] = "en",
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Train a champion scorecard and a challenger, validate both, and write the model's folder.

    Any table will do: numbers, text, yes or no, missing values. Monthly series, shares of a limit and ratios
    are found and derived by themselves. Validation is stratified 5-fold with everything refitted in each
    fold; the printed figures are of rows that the model never saw.

    Example:

        limitkeeper train accounts.parquet --target default --drop ID --protected SEX,AGE --out model

    Example:

        limitkeeper train newer.parquet --target default --challenger-of model --out proposed
    """
    from limitkeeper.app.policy import checked_language
    from limitkeeper.app.renewal import proposed_renewal
    from limitkeeper.app.training import card_page, trained_model
    from limitkeeper.connectors.models import defined, model_folder_written
    from limitkeeper.connectors.tables import table
    from limitkeeper.shells.cli.progress import progress_bars

    checked_language(lang)
    incumbent = compared_with(challenger_of, compare_on, out, (target, kind, positive))
    with progress_bars() as progress:
        how: dict[str, Any] = {
            "drop": listed(drop),
            "protected": listed(protected),
            "missing": numbers(missing),
            "seed": seed,
            "progress": progress,
        }
        if incumbent is None:
            model = trained_model(table(data), target, kind=kind, positive=positive, **how)
        else:
            others = None if compare_on is None else table(compare_on)
            model = proposed_renewal(incumbent, table(data), compare_on=others, **how)
        model_folder_written(model, out, card_page(model))
    if incumbent is not None:
        from limitkeeper.shells.report.renewal_page import renewal_html

        page = renewal_html(defined(model.card["comparison"]), lang)
        (out / COMPARISON).write_text(page, encoding="utf-8")
    if as_json:
        typer.echo(json.dumps(defined({**model.card, "out": str(out)}), ensure_ascii=False))
    else:
        show(model, out)
        if incumbent is not None:
            show_comparison(model.card["comparison"], lang, out)


def compared_with(
    challenger_of: Path | None, compare_on: Path | None, out: Path, asked: tuple[str, str, str | None]
) -> "Model | None":
    """The model that decides now, which must be of the same target and lie elsewhere; None where none is named."""
    from limitkeeper.connectors.models import model_from_folder

    if challenger_of is None:
        if compare_on is not None:
            raise typer.BadParameter("Compare with what? Give --challenger-of.", param_hint="--compare-on")
        return None
    incumbent = model_from_folder(challenger_of)
    if out.resolve() == challenger_of.resolve():
        raise typer.BadParameter(
            "A challenger does not replace the model it is compared with.", param_hint="--out"
        )
    own = (incumbent.target, incumbent.kind, incumbent.positive)
    for name, given, known in zip(("--target", "--kind", "--positive"), asked, own, strict=True):
        if given is not None and given != known:
            raise typer.BadParameter(f"'{given}'; the model that decides has '{known}'.", param_hint=name)
    return incumbent


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


def show_comparison(comparison: Mapping[str, Any], language: str, out: Path) -> None:
    """How the challenger differs from the model that decides, in short."""
    from limitkeeper.shells.report.page import percent, report_words

    t, console = report_words(language, "renewal"), Console(highlight=False, markup=False)
    shown = Table(title=t["title"], title_justify="left")
    for heading in ("", t["incumbent"], t["proposed"], t["difference"]):
        shown.add_column(heading, justify="right" if heading else "left")
    for name in ("auc", "brier"):
        low, high = comparison[f"{name}_difference"][1:]
        both = (f"{comparison[side][name]:.4f}" for side in ("incumbent", "proposed"))
        shown.add_row(t["names"][name], *both, t["interval"].format(low=f"{low:+.4f}", high=f"{high:+.4f}"))
    ratios = (f"{comparison[side]['observed_to_expected'][0]:.3f}" for side in ("incumbent", "proposed"))
    shown.add_row(t["names"]["observed_to_expected"], *ratios, "")
    console.print(shown)
    console.print(t["ranks"][comparison["ranks"]])
    for name in ("better", "worse"):
        row = comparison["grades"][name]
        console.print(
            f"{t[name]}: {row['accounts']:,} ({percent(row['share'])}); {t['bad_rate']} {percent(row['bad_rate'])}"
        )
    console.print(t["proposal_note"])
    console.print(f"  {out / COMPARISON}", soft_wrap=True)


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
