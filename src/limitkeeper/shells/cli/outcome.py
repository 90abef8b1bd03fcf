"""What a review shows on the terminal and leaves in its folder."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl
import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from limitkeeper.app.review import Review
from limitkeeper.connectors.tables import table_written
from limitkeeper.shells.report.page import money, percent, report_words
from limitkeeper.shells.report.review_page import VALUE_ROWS, points_gained, ranking_names, report_html

DECISIONS, SUMMARY, REPORT = "decisions.parquet", "summary.json", "report.html"


def write_review(
    out: Path, summary: Mapping[str, Any], decided: pl.DataFrame, review: Review, language: str
) -> None:
    """Write decisions, summary, report and refused rows into a folder."""
    out.mkdir(parents=True, exist_ok=True)
    table_written(decided, out / DECISIONS)
    table_written(review.portfolio.rejects, out / "rejects.parquet")
    if review.event_rejects is not None:
        table_written(review.event_rejects, out / "event_rejects.parquet")
    text = json.dumps(summary, ensure_ascii=False, indent=1, allow_nan=False)
    (out / SUMMARY).write_text(text + "\n", encoding="utf-8")
    (out / REPORT).write_text(report_html(summary, language), encoding="utf-8")


def show_summary(summary: Mapping[str, Any], language: str, out: Path | None, *, as_json: bool) -> None:
    """Print a review's decisions and value as tables, or the whole summary as JSON."""
    if as_json:
        typer.echo(json.dumps(summary, ensure_ascii=False, allow_nan=False))
        return
    words, console = report_words(language), Console(highlight=False)
    outcome = summary["outcome"]
    console.print(actions_table(summary, words, language))
    console.print(value_table(summary, words, language))
    if outcome:
        for label, share, interval in (
            ("card_defaulters", "share_of_defaulters_touched", "share_of_defaulters_touched_interval"),
            ("card_covered", "share_of_defaulters_undrawn_covered", None),
            ("card_good", "share_of_good_customers_touched", "share_of_good_customers_touched_interval"),
        ):
            bounds = outcome[interval] if interval else None
            low, high = (percent(bounds[0]), percent(bounds[1])) if bounds else ("", "")
            note = f"  ({words['interval'].format(low=low, high=high)})" if bounds else ""
            console.print(f"{words[label]}: [bold]{percent(outcome[share])}[/]{note}")
    for line in (summary["curves"] or {"lines": []})["lines"]:
        name = ranking_names(words).get(line["name"], line["name"])
        console.print(f"  {words['area']} {line['area']:.3f}  {name}")
    profit = money(summary["value"]["marginal_profit_cents"], "", language, signed=True)
    console.print(f"{words['card_profit']}: [bold]{profit}[/] {summary['portfolio']['currency']}")
    console.print(f"[dim]{words['proposal_note']}[/]")
    if out is not None:
        for name in (REPORT, SUMMARY, DECISIONS):
            console.print(f"  {out / name}", soft_wrap=True)


def actions_table(summary: Mapping[str, Any], words: Mapping[str, str], language: str) -> Table:
    """Decisions by action."""
    currency, judged = summary["portfolio"]["currency"], summary["outcome"] is not None
    shown = Table(
        title=f"{words['section_actions']} ({currency})",
        title_justify="left",
        box=SIMPLE_HEAD,
        pad_edge=False,
        collapse_padding=True,
    )
    columns = ["action", "accounts", "limit_removed"]
    columns += ["defaulters", "bad_rate", "covered", "good_customers"] if judged else []
    for column in columns:
        shown.add_column(words[column], justify="left" if column == "action" else "right", overflow="fold")
    for row in summary["actions"]:
        if not row["accounts"]:
            continue
        removed = money(row["limit_removed_cents"], "", language)
        cells = [words[row["action"]], f"{row['accounts']:,}", removed]
        if judged:
            covered = percent(row["share_of_defaulters_undrawn_covered"])
            cells += [
                f"{row['defaulters']:,}",
                percent(row["bad_rate"]),
                covered,
                f"{row['good_customers']:,}",
            ]
        shown.add_row(*cells)
    return shown


def value_table(summary: Mapping[str, Any], words: Mapping[str, str], language: str) -> Table:
    """The portfolio's value before and after."""
    currency, value = summary["portfolio"]["currency"], summary["value"]
    shown = Table(
        title=f"{words['section_value']} ({currency})",
        title_justify="left",
        box=SIMPLE_HEAD,
        pad_edge=False,
        collapse_padding=True,
    )
    for column in ("figure", "before", "after", "change"):
        shown.add_column(words[column], justify="left" if column == "figure" else "right")
    for name in VALUE_ROWS:
        before, after = value["before"][name], value["after"][name]
        if name == "raroc":
            cells = [percent(before), percent(after), points_gained(before, after, words)]
        else:
            change = None if before is None or after is None else after - before
            cells = [
                money(before, "", language),
                money(after, "", language),
                money(change, "", language, signed=True),
            ]
        shown.add_row(words[name], *cells)
    return shown
