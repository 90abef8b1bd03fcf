"""``limitkeeper demo``: 30,000 real credit-card accounts, from statements to judged decisions."""

import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from limitkeeper.shells.cli.progress import progress_bars


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
) -> None:
    """Review 9,000 real accounts: train on the others, decide, explain, and judge by what really happened.

    Example: limitkeeper demo --strategy cautious --lang zh
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
    if not as_json:
        Console(stderr=True, highlight=False).print(f"[dim]{time.monotonic() - begun:.0f} s[/]")
