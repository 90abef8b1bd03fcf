"""``limitkeeper review --due``: what is due by now on the lines of a server that does not run."""

import datetime as dt
import json
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.table import Table

from limitkeeper.core.kernel.errors import InputError
from limitkeeper.shells.cli.progress import progress_bars

SHOWN_ROWS = 50
"""Rows of the table on the terminal; ``--json`` has them all."""


def time_us(text: str | None) -> int:
    """UTC microseconds of a time as text, now where there is none; without an offset it is UTC.

    Raises
    ------
    InputError
        When it cannot be read.
    """
    if text is None:
        return int(dt.datetime.now(dt.UTC).timestamp()) * 1_000_000
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError as error:
        raise InputError("The time cannot be read.", value=text, allowed="ISO 8601") from error
    moment = moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
    return int(moment.timestamp()) * 1_000_000


def review_due(
    data: Path,
    store: str | None,
    as_of: str | None,
    *,
    strategy: str | None,
    model: Path | None,
    market: str,
    time_zone: str | None,
    parameters: Path | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Look at the lines that are due, keep what came of it unless it is a dry run, and show it."""
    import polars as pl

    from limitkeeper.app.live import deciding, is_trial
    from limitkeeper.app.notice_policy import market_zone
    from limitkeeper.connectors.models import model_from_folder
    from limitkeeper.connectors.portfolio import time_zone as known_zone
    from limitkeeper.core.access.actors import SYSTEM
    from limitkeeper.engines.embedded.findings import told
    from limitkeeper.engines.embedded.requests import Request
    from limitkeeper.engines.embedded.settings import Settings
    from limitkeeper.engines.embedded.start import Decisive, Place, recovered_engine
    from limitkeeper.shells.serving import set_up_logs
    from limitkeeper.store.sql import opened_store
    from limitkeeper.store.work import reading

    set_up_logs()
    url, as_of_us = store or f"sqlite:///{data / 'limitkeeper.db'}", time_us(as_of)
    opened = opened_store(url)  # a review makes no store
    with reading(opened, SYSTEM, as_of_us) as w:
        tried = is_trial(w)
    opened.close()
    read = model_from_folder(model) if model else None
    champion, *challengers = deciding(url, market, strategy, read, must_be_live=False, is_trial=tried)
    decisive = Decisive(
        champion.strategy,
        champion.model,
        market,
        known_zone(time_zone or market_zone(market)),
        parameters,
        tried,
        tuple(challengers),
    )
    with progress_bars() as progress:
        engine = recovered_engine(
            Place(url, Settings(data / "snapshots"), decisive),
            lambda: as_of_us,
            progress,
            takes_over=not dry_run,
        )
    messages: list[dict[str, Any]] = []
    try:
        looks = sum(count for (name, _), count in engine.counts.items() if name == "decisions")
        if dry_run:
            findings = engine.preview(as_of_us)
            messages, looks = list(told(findings)), sum(findings.decisions.values())
        else:
            engine.listeners.append(messages.extend)
            engine.start()
            engine.submit(Request("tick", pl.DataFrame({"as_of_us": [as_of_us]}))).result()
            looks = sum(count for (name, _), count in engine.counts.items() if name == "decisions") - looks
    finally:
        engine.close() if dry_run else engine.stop()
    if as_json:
        document = {"looked_at": looks, "messages": messages, "dry_run": dry_run}
        typer.echo(json.dumps(document, ensure_ascii=False))
        return
    show(messages, looks, dry_run=dry_run)


def show(messages: list[dict[str, Any]], looks: int, *, dry_run: bool) -> None:
    """What came of the looks, as a table."""
    console = Console(highlight=False)
    if messages:
        rows = Table("account", "what", "rule or reason", "limit before", "after", box=None, pad_edge=False)
        for each in messages[:SHOWN_ROWS]:
            before, after = each.get("limit_before_cents"), each.get("limit_after_cents")
            rows.add_row(
                each.get("account_id", ""),
                each["topic"] + (f": {each['action']}" if each.get("action") else ""),
                each.get("rule") or each.get("reason") or ", ".join(each.get("rules", [])),
                "" if before is None else f"{before / 100:,.2f}",
                "" if after is None else f"{after / 100:,.2f}",
            )
        console.print(rows)
    if len(messages) > SHOWN_ROWS:
        console.print(f"... and {len(messages) - SHOWN_ROWS:,} more; --json has them all.")
    end = "nothing was written (dry run)." if dry_run else "written."
    console.print(f"{looks:,} lines were due and looked at; {len(messages):,} messages; {end}")
