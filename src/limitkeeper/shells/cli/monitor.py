"""``limitkeeper monitor``: whether a model still meets the portfolio that it was trained on, vintage by vintage."""

import datetime as dt
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from limitkeeper.shells.cli.options import AsJson, StoreUrl, work_as

ALERTED = 3
"""Exit code when an alert stands."""

DOCUMENT, PAGE = "monitoring.json", "monitoring.html"
DAYS_OF_PEOPLE = 730.0


def monitor(
    model: Annotated[Path, typer.Argument(help="Folder of the model.")],
    vintages: Annotated[
        list[Path],
        typer.Argument(help="Tables of accounts, oldest first: Parquet or CSV, named by their files."),
    ],
    segment: Annotated[
        str | None, typer.Option(help="Column by which calibration and discrimination are told apart too.")
    ] = None,
    decisions: Annotated[
        list[Path] | None,
        typer.Option(
            help="decisions.parquet of the review of each vintage, in the same order; see hold-out."
        ),
    ] = None,
    thresholds: Annotated[
        Path | None, typer.Option(help="YAML with thresholds that replace the shipped ones.")
    ] = None,
    day: Annotated[
        dt.datetime | None,
        typer.Option("--day", formats=["%Y-%m-%d"], help="Of whose thresholds; default: today."),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option("--data", help="Folder of a server: what people decided otherwise, by month."),
    ] = None,
    store: StoreUrl = None,
    person: Annotated[
        str | None,
        typer.Option(
            "--as", envvar="LIMITKEEPER_PERSON", help="With --data or --store: who reads, by his roles."
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the report and its figures.")] = None,
    lang: Annotated[str, typer.Option(help="Language of table and report: en or zh.")] = "en",
    as_json: AsJson = False,
) -> None:
    """Watch a model: stability of score and characteristics, calibration and discrimination, what people made of it.

    A vintage is a table of accounts with the columns that the model reads, and, once they are known, their outcomes in
    the column of the target: empty where not. Exit code 3: an alert stands at the end of the newest period.

    Example: limitkeeper monitor model 2026-0*.parquet --segment product --out out/monitoring

    Example: limitkeeper monitor model 2026-09.parquet --data limitkeeper-data --as cora --json
    """
    from limitkeeper.app.human_rates import judged_months, months_of_people
    from limitkeeper.app.monitoring import is_alert, monitored
    from limitkeeper.app.monitoring_figures import Vintage
    from limitkeeper.app.monitoring_policy import monitoring_terms
    from limitkeeper.app.policy import checked_language
    from limitkeeper.connectors.models import as_json as document_bytes
    from limitkeeper.connectors.models import defined, model_from_folder
    from limitkeeper.connectors.tables import table
    from limitkeeper.core.behaviour.events import DAY_US
    from limitkeeper.shells.cli.progress import progress_bars
    from limitkeeper.shells.report.monitoring_page import monitoring_html

    checked_language(lang)
    if decisions and len(decisions) != len(vintages):
        raise typer.BadParameter(
            f"{len(decisions)} for {len(vintages)} vintages; give one for each.", param_hint="--decisions"
        )
    terms = monitoring_terms((day or dt.datetime.now(dt.UTC)).date(), thresholds)
    people: list[dict[str, Any]] = []
    if data is not None or store is not None:
        if person is None:
            raise typer.BadParameter("Who reads what people decided?", param_hint="--as")
        with work_as(data or Path("limitkeeper-data"), store, person, "appeal.statistics") as w:
            people = judged_months(months_of_people(w, w.now_us - int(DAYS_OF_PEOPLE * DAY_US)), terms)
    decided = [table(path) for path in decisions] if decisions else [None] * len(vintages)
    with progress_bars() as progress:
        document = defined(
            monitored(
                model_from_folder(model),
                [
                    Vintage(path.stem, table(path), which)
                    for path, which in zip(vintages, decided, strict=True)
                ],
                terms,
                segment=segment,
                people=people,
                progress=progress,
            )
        )
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        (out / DOCUMENT).write_bytes(document_bytes(document))
        (out / PAGE).write_text(monitoring_html(document, lang), encoding="utf-8")
    if as_json:
        typer.echo(json.dumps(document, ensure_ascii=False))
    else:
        show(document, lang, out)
    if is_alert(document):
        raise typer.Exit(ALERTED)


def show(document: Mapping[str, Any], language: str, out: Path | None) -> None:
    """What stands, and the figures of all accounts vintage by vintage."""
    from limitkeeper.shells.report.monitoring_page import (
        explanation,
        figure_name,
        shown_interval,
        shown_value,
    )
    from limitkeeper.shells.report.page import percent, report_words

    t, console = report_words(language, "monitoring"), Console(highlight=False, markup=False)
    shown = Table(title=t["title"], title_justify="left")
    for heading in (
        t["vintage"],
        t["accounts"],
        t["mean_pd"],
        "PSI",
        t["kinds"]["calibration"],
        t["kinds"]["auc"],
    ):
        shown.add_column(heading, justify="left" if heading == t["vintage"] else "right")
    for vintage in document["vintages"]:
        whole = {
            each["kind"]: each for each in vintage["figures"] if not each["segment"] and each["kind"] != "csi"
        }
        cells = [f"{shown_value(each)} {shown_interval(each, t)}".strip() if each else "–"
                 for each in map(whole.get, ("psi", "calibration", "auc"))]  # fmt: skip
        shown.add_row(vintage["name"], f"{vintage['accounts']:,}", percent(vintage["mean_pd"]), *cells)
    console.print(shown)
    if not document["alerts"]:
        console.print(t["nothing_stands"])
    for each in document["alerts"]:
        name, value = figure_name(each, document, t), shown_value(each)
        console.print(f"{t[each['level']]}: {name}: {value} ({t['since'].format(period=each['since'])})")
        console.print(f"  {'; '.join(explanation(each, t))}", soft_wrap=True)
        console.print(f"  {t['advice'][each['kind']]}", soft_wrap=True)
    if out is not None:
        for name in (PAGE, DOCUMENT):
            console.print(f"  {out / name}", soft_wrap=True)
