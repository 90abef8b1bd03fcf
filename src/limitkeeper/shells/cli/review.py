"""``limitkeeper review``: a lender's own portfolio, from accounts and events to explained decisions."""

from pathlib import Path
from typing import Annotated

import typer

from limitkeeper.shells.cli.progress import progress_bars


def review(
    portfolio: Annotated[
        Path | None, typer.Argument(help="YAML that says where the tables lie; see docs/review.md.")
    ] = None,
    model: Annotated[Path | None, typer.Option(help="Folder of the PD model.")] = None,
    out: Annotated[Path, typer.Option(help="Folder for the decisions, the summary and the report.")] = Path(
        "out/review"
    ),
    strategy: Annotated[
        str | None,
        typer.Option(
            help="A shipped strategy (standard, cautious) or a file. Default: standard; with --due, what is live."
        ),
    ] = None,
    lgd_model: Annotated[
        Path | None, typer.Option(help="Folder of an LGD model; default: the market's LGD.")
    ] = None,
    ccf_model: Annotated[
        Path | None, typer.Option(help="Folder of a CCF model; default: the market's CCF.")
    ] = None,
    parameters: Annotated[
        Path | None, typer.Option(help="YAML with parameters that replace the market's.")
    ] = None,
    previous: Annotated[
        Path | None, typer.Option(help="decisions.parquet of the last review, for rules with a release.")
    ] = None,
    lang: Annotated[str, typer.Option(help="Language of table and report: en or zh.")] = "en",
    due: Annotated[
        bool, typer.Option("--due", help="Instead, look at the lines of a stopped server that are due.")
    ] = False,
    data: Annotated[Path, typer.Option(help="With --due: folder of the server.")] = Path("limitkeeper-data"),
    store: Annotated[
        str | None,
        typer.Option(
            envvar="LIMITKEEPER_STORE",
            help="With --due: the server's database; default: SQLite in its folder.",
        ),
    ] = None,
    market: Annotated[str, typer.Option(help="With --due: the server's market.")] = "CN",
    time_zone: Annotated[
        str | None, typer.Option(help="With --due: the server's time zone; default: the market's.")
    ] = None,
    as_of: Annotated[
        str | None, typer.Option(help="With --due: the time at which to look, ISO 8601; default: now.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the result and write nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Review a portfolio: propose for each line, explain, value, and judge where the outcome is known.

    Nothing is changed: the decisions are proposals. Running twice gives the same decisions.

    With --due, look at the lines of a server that does not run: steps and freezes that are over by now. A running
    server does this by itself. Give it the strategy, model and parameters that the server has.

    Example: limitkeeper review portfolio.yaml --model models/pd --strategy cautious --dry-run

    Example: limitkeeper review --due --data limitkeeper-data --dry-run
    """
    if due:
        from limitkeeper.shells.cli.due import review_due

        review_due(
            data,
            store,
            as_of,
            strategy=strategy,
            model=model,
            market=market,
            time_zone=time_zone,
            parameters=parameters,
            dry_run=dry_run,
            as_json=as_json,
        )
        return
    if portfolio is None or model is None:
        raise typer.BadParameter(
            "A review needs a PORTFOLIO and --model; or --due with the --data of a server."
        )
    from limitkeeper.app.policy import checked_language, market_parameters
    from limitkeeper.app.portfolio import portfolio_from_file
    from limitkeeper.app.review import Models, decisions, reviewed_portfolio
    from limitkeeper.app.strategies import loaded_strategy, strategy_path
    from limitkeeper.app.summary import review_summary
    from limitkeeper.connectors.models import model_from_folder
    from limitkeeper.connectors.tables import table
    from limitkeeper.shells.cli.outcome import show_summary, write_review

    checked_language(lang)
    lines = portfolio_from_file(portfolio)
    others = (model_from_folder(folder) if folder else None for folder in (lgd_model, ccf_model))
    models = Models(model_from_folder(model), *others)
    in_force = market_parameters(lines.market, lines.as_of.date(), parameters)
    rules = loaded_strategy(strategy_path(strategy or "standard"))
    with progress_bars() as progress:
        found = reviewed_portfolio(
            lines, models, rules, in_force, previous=table(previous) if previous else None, progress=progress
        )
        decided = decisions(found.reviewed, progress)
    summary = review_summary(found.reviewed, found.portfolio, in_force, decided, card=models.pd.card)
    if not dry_run:
        write_review(out, summary, decided, found, lang)
    show_summary(summary, lang, None if dry_run else out, as_json=as_json)
