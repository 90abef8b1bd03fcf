"""``limitkeeper demo``: 30,000 real credit-card accounts, from statements to judged decisions."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from limitkeeper.shells.cli.progress import progress_bars

if TYPE_CHECKING:
    import polars as pl

    from limitkeeper.app.demo import Demonstration
    from limitkeeper.core.strategy.definition import Strategy


def demo(
    out: Annotated[Path, typer.Option(help="Folder for model, decisions, summary and report.")] = Path(
        "out/demo"
    ),
    strategy: Annotated[
        str, typer.Option(help="A shipped strategy (standard, cautious) or a file.")
    ] = "standard",
    data: Annotated[
        Path | None, typer.Option(help="The Taiwan set as Parquet; default: local copy, else fetched.")
    ] = None,
    lang: Annotated[str, typer.Option(help="Language of table and report: en or zh.")] = "en",
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
    serve: Annotated[
        bool,
        typer.Option(
            "--serve/--no-serve",
            help="Then serve the console on the reviewed accounts and a simulated stream, until Ctrl-C.",
        ),
    ] = False,
    port: Annotated[int, typer.Option(min=0, max=65_535, help="Of the console; 0 takes a free one.")] = 8_750,
) -> None:
    """Review 9,000 real accounts: train on the others, decide, explain, and judge by what really happened.

    With --serve it ends by serving the console to this machine: the reviewed accounts beside 2,000 simulated lives whose
    days go on 60 times as fast, one login a role on the start page. What its folder server/ held is made anew.

    Example: limitkeeper demo --strategy cautious --lang zh --serve
    """
    from limitkeeper import CACHE_FOLDER
    from limitkeeper.app.demo import reviewed_taiwan
    from limitkeeper.app.policy import checked_language, page_notes
    from limitkeeper.app.strategies import loaded_strategy, strategy_path
    from limitkeeper.connectors.models import model_folder_written
    from limitkeeper.connectors.taiwan import taiwan_statements
    from limitkeeper.learn.card_page import card_page
    from limitkeeper.shells.cli.outcome import show_summary, write_review

    checked_language(lang)
    rules = loaded_strategy(strategy_path(strategy))
    begun = time.monotonic()
    with progress_bars() as progress:
        statements = taiwan_statements(CACHE_FOLDER / "data", data, progress)
        found = reviewed_taiwan(statements, rules, notes=page_notes("demo"), progress=progress)
    model_folder_written(found.model, out / "model", card_page(found.model))
    write_review(out, found.summary, found.decisions, found.review, lang)
    show_summary(found.summary, lang, out, as_json=as_json)
    console = Console(stderr=True, highlight=False)
    if not as_json:
        console.print(f"[dim]{time.monotonic() - begun:.0f} s[/]")
    if serve:
        served(out, found, statements, rules, port, console)


def served(
    out: Path,
    found: "Demonstration",
    statements: "pl.DataFrame",
    rules: "Strategy",
    port: int,
    console: Console,
) -> None:
    """Serve the console on the reviewed accounts and a simulated stream."""
    import datetime as dt

    from limitkeeper.app.demo_bank import bank_model, demo_bank
    from limitkeeper.shells.demonstration import serve_demonstration

    def told(address: str) -> None:
        console.print(f"[bold]Console: {address}[/] (logins on its start page; Ctrl-C ends)")

    with progress_bars() as progress:
        model = bank_model(found.training, progress)
        bank = demo_bank(statements, dt.datetime.now(dt.UTC), progress=progress)
    serve_demonstration(bank, out / "server", rules, model, port, told)
