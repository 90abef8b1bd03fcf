"""``limitkeeper demo``: 30,000 real credit-card accounts, from statements to judged decisions."""

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer
from rich.console import Console

from limitkeeper.shells.cli.progress import progress_bars

if TYPE_CHECKING:
    from limitkeeper.core.strategy.definition import Strategy

BANK_MODEL = "bank-model"
"""The folder, beside the report, of the model that reads events alone."""


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
    only_serve: Annotated[
        bool,
        typer.Option(
            "--only-serve", help="Serve at once what an earlier run with --serve left in the folder."
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
    from limitkeeper.app.demo_bank import bank_model
    from limitkeeper.app.policy import checked_language, page_notes
    from limitkeeper.app.strategies import loaded_strategy, strategy_path
    from limitkeeper.connectors.models import model_folder_written
    from limitkeeper.connectors.taiwan import taiwan_statements
    from limitkeeper.learn.card_page import card_page
    from limitkeeper.shells.cli.outcome import show_summary, write_review

    checked_language(lang)
    rules = loaded_strategy(strategy_path(strategy))
    if only_serve:
        served(out, rules, data, port)
        return
    begun = time.monotonic()
    with progress_bars() as progress:
        statements = taiwan_statements(CACHE_FOLDER / "data", data, progress)
        found = reviewed_taiwan(statements, rules, notes=page_notes("demo"), progress=progress)
    model_folder_written(found.model, out / "model", card_page(found.model))
    write_review(out, found.summary, found.decisions, found.review, lang)
    show_summary(found.summary, lang, out, as_json=as_json)
    if not as_json:
        console = Console(stderr=True, highlight=False)
        console.print(f"[dim]{time.monotonic() - begun:.0f} s[/]")
    if serve:
        with progress_bars() as progress:
            model_folder_written(bank_model(found.training, progress), out / BANK_MODEL)
        serve_anew(out, strategy, data, port)


def serve_anew(out: Path, strategy: str, data: Path | None, port: int) -> NoReturn:
    """Become a process that only serves: one that has trained keeps gigabytes that nobody needs any more."""
    options = ["--out", str(out), "--strategy", strategy, "--port", str(port)]
    if data:
        options += ["--data", str(data)]
    sys.stdout.flush()
    sys.stderr.flush()
    program = [sys.executable, "-m", "limitkeeper.shells.cli.main", "demo", "--only-serve"]
    os.execv(sys.executable, [*program, *options])  # noqa: S606 - ourselves


def served(out: Path, rules: "Strategy", data: Path | None, port: int) -> None:
    """Serve the console on the reviewed accounts and a simulated stream.

    Raises
    ------
    InputError
        When no earlier run has left its model.
    """
    import datetime as dt

    from limitkeeper import CACHE_FOLDER
    from limitkeeper.app.demo_bank import demo_bank
    from limitkeeper.connectors.models import model_from_folder
    from limitkeeper.connectors.taiwan import taiwan_statements
    from limitkeeper.core.kernel.errors import InputError
    from limitkeeper.shells.demonstration import serve_demonstration

    console = Console(stderr=True, highlight=False)

    def told(address: str) -> None:
        console.print(f"[bold]Console: {address}[/] (logins on its start page; Ctrl-C ends)")

    if not (out / BANK_MODEL).is_dir():
        raise InputError(
            "No earlier run left a model here.",
            value=out / BANK_MODEL,
            advice="Run limitkeeper demo --serve.",
        )
    model = model_from_folder(out / BANK_MODEL)
    with progress_bars() as progress:
        statements = taiwan_statements(CACHE_FOLDER / "data", data, progress)
        bank = demo_bank(statements, dt.datetime.now(dt.UTC), progress=progress)
    serve_demonstration(bank, out / "server", rules, model, port, told)
