"""``limitkeeper fairness``: how groups are treated by a model, a strategy, a campaign, or in a period."""

import datetime as dt
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from limitkeeper.shells.cli.options import AsJson, DataFolder, StoreUrl, day_named, store_at, today
from limitkeeper.shells.cli.progress import progress_bars
from limitkeeper.shells.cli.train import listed

FAILED = 3
"""The exit code where a screen fails."""

REPORT, PAGE = "fairness.json", "fairness.html"

application = typer.Typer(
    no_args_is_help=True,
    help="How groups are treated: figures with intervals, screens, proxies, alternatives. Protected attributes are "
    "joined only to measure. Exit code 3: a screen fails.",
)

Out = Annotated[Path, typer.Option(help="Folder for fairness.json and fairness.html.")]
Language = Annotated[str, typer.Option("--lang", help="Language of the page: en or zh.")]
Screens = Annotated[
    Path | None, typer.Option("--screens", help="YAML with bounds that replace the shipped ones.")
]
Seed = Annotated[int, typer.Option(help="Of the bootstrap and of the folds.")]
Protected = Annotated[str, typer.Option(help="Protected columns, with commas between: sex,age.")]
Attributes = Annotated[
    Path,
    typer.Option(
        help="Parquet or CSV of the whole portfolio: account_id, the protected columns, the outcome."
    ),
]
Outcome = Annotated[
    str | None, typer.Option(help="Column of that file that says who defaulted afterwards: 1 or 0.")
]
Alternatives = Annotated[
    bool, typer.Option("--alternatives", help="Search for a less discriminatory alternative too.")
]
DEFAULT_OUT = Path("out/fairness")


@application.command(
    "model",
    epilog="Example: limitkeeper fairness model held_out.parquet --model models/pd --protected SEX,AGE",
)
def model(
    data: Annotated[
        Path, typer.Argument(help="Table of accounts that the model was not fitted on, with its target.")
    ],
    folder: Annotated[Path, typer.Option("--model", help="Folder of the PD model.")],
    protected: Protected,
    touched: Annotated[
        float, typer.Option(help="Share with the highest PD that is taken as touched.")
    ] = 0.20,
    alternatives: Alternatives = False,
    out: Out = DEFAULT_OUT,
    screens: Screens = None,
    seed: Seed = 0,
    lang: Language = "en",
    as_json: AsJson = False,
) -> None:
    """Measure a model alone: the accounts of the highest PD are taken as touched."""
    from limitkeeper.app.fairness import model_fairness
    from limitkeeper.app.policy import screens_in_force
    from limitkeeper.connectors.models import model_from_folder
    from limitkeeper.connectors.tables import table

    accounts, measured, policy = table(data), model_from_folder(folder), screens_in_force(today(), screens)
    with progress_bars() as progress:
        report = model_fairness(
            accounts, measured, listed(protected), policy, touched_share=touched, seed=seed, progress=progress
        )
        if alternatives:
            from limitkeeper.app.fairness_alternatives import model_alternatives

            report["alternatives"] = model_alternatives(
                accounts, measured, listed(protected), policy,
                touched_share=touched, seed=seed, progress=progress,
            )  # fmt: skip
    ended(report, out, lang, as_json=as_json)


@application.command(
    "strategy",
    epilog="Example: limitkeeper fairness strategy portfolio.yaml --model models/pd --strategy cautious --alternatives",
)
def strategy(
    portfolio: Annotated[Path, typer.Argument(help="YAML that names tables and protected columns.")],
    folder: Annotated[Path, typer.Option("--model", help="Folder of the PD model.")],
    name: Annotated[str, typer.Option("--strategy", help="A shipped strategy or a file.")] = "standard",
    parameters: Annotated[
        Path | None, typer.Option(help="YAML with parameters that replace the market's.")
    ] = None,
    alternatives: Alternatives = False,
    out: Out = DEFAULT_OUT,
    screens: Screens = None,
    seed: Seed = 0,
    lang: Language = "en",
    as_json: AsJson = False,
) -> None:
    """Measure what a strategy proposes for a portfolio, against what happened where that is known."""
    from limitkeeper.app.fairness import strategy_fairness
    from limitkeeper.app.policy import market_parameters, screens_in_force
    from limitkeeper.app.portfolio import portfolio_from_file
    from limitkeeper.app.review import Models, reviewed_portfolio
    from limitkeeper.app.strategies import loaded_strategy, strategy_path
    from limitkeeper.connectors.models import model_from_folder

    lines = portfolio_from_file(portfolio)
    models, rules = Models(model_from_folder(folder)), loaded_strategy(strategy_path(name))
    in_force = market_parameters(lines.market, lines.as_of.date(), parameters)
    policy = screens_in_force(today(), screens)
    with progress_bars() as progress:
        review = reviewed_portfolio(lines, models, rules, in_force, progress=progress)
        report = strategy_fairness(review, policy, strategy=rules.name, seed=seed, progress=progress)
        if alternatives:
            from limitkeeper.app.fairness_alternatives import threshold_alternatives

            report["alternatives"] = threshold_alternatives(review, in_force, policy, progress=progress)
    ended(report, out, lang, as_json=as_json)


@application.command(
    "campaign",
    epilog="Example: limitkeeper fairness campaign 01JD0 --attributes people.parquet --protected sex,age",
)
def campaign(
    campaign_id: Annotated[str, typer.Argument(help="Of the campaign.")],
    attributes: Attributes,
    protected: Protected,
    outcome: Outcome = None,
    data: DataFolder = Path("limitkeeper-data"),
    store: StoreUrl = None,
    out: Out = DEFAULT_OUT,
    screens: Screens = None,
    seed: Seed = 0,
    lang: Language = "en",
    as_json: AsJson = False,
) -> None:
    """Measure a campaign by attributes from a file of their own; they are read here and never enter the store."""
    from limitkeeper.app.fairness_store import campaign_decided

    opened = store_at(data, store)
    try:
        decided = campaign_decided(opened, campaign_id)
    finally:
        opened.close()
    report = of_store(
        "campaign", {"name": campaign_id}, decided, attributes, protected, outcome, screens, seed
    )
    ended(report, out, lang, as_json=as_json)


@application.command(
    "period",
    epilog="Example: limitkeeper fairness period --from 2026-07-01 --to 2026-09-30 --attributes people.parquet "
    "--protected sex",
)
def period(
    attributes: Attributes,
    protected: Protected,
    since: Annotated[str, typer.Option("--from", help="First day, UTC.")],
    until: Annotated[str, typer.Option("--to", help="Last day, UTC.")],
    outcome: Outcome = None,
    data: DataFolder = Path("limitkeeper-data"),
    store: StoreUrl = None,
    out: Out = DEFAULT_OUT,
    screens: Screens = None,
    seed: Seed = 0,
    lang: Language = "en",
    as_json: AsJson = False,
) -> None:
    """Measure what really took effect in a period, by the ledger."""
    from limitkeeper.app.fairness_store import period_decided
    from limitkeeper.core.kernel.instants import us_of_day

    first, last = day_named(since), day_named(until)
    opened = store_at(data, store)
    try:
        decided = period_decided(opened, us_of_day(first), us_of_day(last + dt.timedelta(days=1)))
    finally:
        opened.close()
    subject = {"name": f"{first} – {last}", "from": str(first), "to": str(last)}
    report = of_store("period", subject, decided, attributes, protected, outcome, screens, seed)
    ended(report, out, lang, as_json=as_json)


def of_store(
    kind: str,
    subject: Mapping[str, Any],
    decided: Any,  # noqa: ANN401 - a polars frame, imported late
    attributes: Path,
    protected: str,
    outcome: str | None,
    screens: Path | None,
    seed: int,
) -> dict[str, Any]:
    """The report of decisions of a store, joined with a file of attributes."""
    from limitkeeper.app.fairness import decided_fairness
    from limitkeeper.app.policy import screens_in_force
    from limitkeeper.connectors.tables import table

    with progress_bars() as progress:
        return decided_fairness(
            kind, subject, decided, table(attributes), listed(protected), screens_in_force(today(), screens),
            outcome=outcome, seed=seed, progress=progress,
        )  # fmt: skip


def ended(report: Mapping[str, Any], out: Path, language: str, *, as_json: bool) -> None:
    """Write report and page, show what is to be looked at, and exit with 3 where a screen fails."""
    from limitkeeper.core.kernel.hashing import content_hash
    from limitkeeper.shells.report.fairness_page import (
        fairness_html,
        named,
        notable,
        notes_told,
    )
    from limitkeeper.shells.report.page import report_words

    page = fairness_html(report, language)
    out.mkdir(parents=True, exist_ok=True)
    text = json.dumps(report, ensure_ascii=False, allow_nan=False)
    (out / REPORT).write_text(text + "\n", encoding="utf-8")
    (out / PAGE).write_text(page, encoding="utf-8")
    blocked = bool(report["failed"])
    if as_json:
        typer.echo(text)
    else:
        words, console = report_words(language, "fairness"), Console(highlight=False, soft_wrap=True)
        for note in notes_told(report, words):
            console.print(note, markup=False)
        for each in notable(report):
            interval = "" if each["low"] is None else f" ({each['low']:.3f} – {each['high']:.3f})"
            console.print(
                f"{words['statuses'][each['status']]}: {words['screens'][each['screen']]}, "
                f"{named(words['attributes'], each['attribute'])} {named(words['groups'], each['group'])} "
                f"{each['value']:.3f}{interval}, {words['bound']} {each['bound']:g}",
                markup=False,
            )
        console.print(words["blocked" if blocked else "not_blocked"], markup=False)
        for name in (PAGE, REPORT):
            console.print(f"  {out / name}", markup=False)
        console.print(f"  {content_hash(report)}", markup=False)
    if blocked:
        raise typer.Exit(FAILED)
