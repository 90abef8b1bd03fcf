"""``limitkeeper regulation``: what the law of a market asks, of a strategy and of what was decided."""

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from limitkeeper.shells.cli.options import (
    ActingPerson,
    AsJson,
    DataFolder,
    StoreUrl,
    day_named,
    store_at,
    today,
    work_as,
)
from limitkeeper.shells.cli.progress import progress_bars

if TYPE_CHECKING:
    from limitkeeper.core.compliance.regulation import Finding, RegulationRule

FAILED = 3
"""The exit code where a rule failed."""

FAILURES_SHOWN = 20

application = typer.Typer(
    no_args_is_help=True,
    help="What a market's law asks: the rules, a strategy against them, and what was decided against them.",
)

Market = Annotated[str, typer.Option(help="Whose rules, such as CN.")]
Language = Annotated[str, typer.Option("--lang", help="Language of the texts: en or zh.")]
OwnRegister = Annotated[
    Path | None,
    typer.Option("--register", help="YAML of your own columns, in the form of the shipped register."),
]


@application.command("list", epilog="Example: limitkeeper regulation list --market CN --day 2026-01-01")
def list_rules(
    market: Market,
    day: Annotated[str | None, typer.Option(help="On which they hold, default today.")] = None,
    lang: Language = "en",
    as_json: AsJson = False,
) -> None:
    """List the rules in force in a market on a day, each with its source."""
    from limitkeeper.app.regulation import rule_document
    from limitkeeper.app.regulation_policy import checked_market, regulation

    on = day_named(day) if day else today()
    held = [rule for rule in regulation() if rule.in_force(checked_market(market), on)]
    if as_json:
        typer.echo(json.dumps([rule_document(rule, on) for rule in held], ensure_ascii=False, indent=1))
        return
    console = Console(highlight=False, soft_wrap=True)
    for rule in held:
        console.print(
            f"{rule.id} ({rule.stage}, {rule.severity}): {_title(rule, lang)} [{_citation(rule, lang)}]",
            markup=False,
        )


@application.command(
    "check", epilog="Example: limitkeeper regulation check standard --market CN --model models/pd"
)
def check(
    strategy: Annotated[
        str, typer.Argument(help="A file, or the name of a shipped strategy.", show_default=False)
    ],
    market: Market,
    model: Annotated[Path | None, typer.Option(help="Folder of the model that goes with it.")] = None,
    register: OwnRegister = None,
    lang: Language = "en",
    as_json: AsJson = False,
) -> None:
    """Hold a strategy and its model against the register and the rules of a market.

    What belongs to its life, such as its impact assessment, is not known here. Exit code 3: a rule failed.
    """
    from limitkeeper.app.regulation import finding_document, strategy_findings
    from limitkeeper.app.regulation_policy import register_of
    from limitkeeper.app.strategies import loaded_strategy, strategy_path
    from limitkeeper.connectors.models import model_from_folder

    read = None if model is None else model_from_folder(model)
    rules = loaded_strategy(strategy_path(strategy))
    found = strategy_findings(rules, market, today(), read, register_of(register))
    if as_json:
        typer.echo(json.dumps([finding_document(each) for each in found], ensure_ascii=False, indent=1))
    else:
        _show(found, lang)
    if any(each.status == "failed" for each in found):
        raise typer.Exit(FAILED)


@application.command(
    "evaluate", epilog="Example: limitkeeper regulation evaluate --market CN --from 2026-10-01"
)
def evaluate(
    market: Market,
    since: Annotated[str, typer.Option("--from", help="First day.", show_default=False)],
    until: Annotated[str | None, typer.Option("--to", help="Last day, default today.")] = None,
    data: DataFolder = Path("limitkeeper-data"),
    store: StoreUrl = None,
    out: Annotated[
        Path | None, typer.Option(help="JSON file for the facts: rules, counts, failures.")
    ] = None,
    page: Annotated[
        Path | None, typer.Option(help="HTML file for the same facts, to be read, in the language of --lang.")
    ] = None,
    lang: Language = "en",
    as_json: AsJson = False,
    person: ActingPerson = "local",
) -> None:
    """Hold every change of a limit and every appeal of a period against the rules of a market.

    The facts name the audit's last event and its hash, so that they can be held against it later. A file says who took
    it, who may read the audit, when and for what. Exit code 3: a rule failed.
    """
    from limitkeeper.app.exports import REGULATION, export_noted
    from limitkeeper.app.regulation import evaluation_document

    first, last = day_named(since), day_named(until) if until else today()
    mark: dict[str, Any] = {}
    if out is not None or page is not None:
        with work_as(data, store, person, "audit.read") as w:
            mark = {"export": export_noted(w, REGULATION).document()}
    opened = store_at(data, store)
    try:
        with progress_bars() as progress:
            found = evaluation_document(opened, market, first, last, time.time_ns() // 1_000, progress)
    finally:
        opened.close()
    found |= mark
    text = json.dumps(found, ensure_ascii=False, indent=1)
    if out is not None:
        out.write_text(text + "\n", encoding="utf-8")
    if page is not None:
        from limitkeeper.shells.report.regulation_page import regulation_html

        page.write_text(regulation_html(found, lang), encoding="utf-8")
    if as_json:
        typer.echo(text)
    else:
        _show_evaluation(found, lang)
    if found["failed"]:
        raise typer.Exit(FAILED)


def _title(rule: "RegulationRule", lang: str) -> str:
    return rule.title_zh if lang == "zh" else rule.title


def _citation(rule: "RegulationRule", lang: str) -> str:
    return rule.citation_zh if lang == "zh" else rule.citation


def _show(found: Sequence["Finding"], lang: str) -> None:
    console = Console(highlight=False, soft_wrap=True)
    for each in found:
        console.print(f"{each.status:8} {each.rule.id}: {_title(each.rule, lang)}", markup=False)
        if each.status != "met":
            console.print(f"         {each.detail_zh if lang == 'zh' else each.detail}", markup=False)
        if each.status == "failed":
            advice = each.rule.on_failure_zh if lang == "zh" else each.rule.on_failure
            console.print(f"         {advice} [{_citation(each.rule, lang)}]", markup=False)


def _show_evaluation(found: dict[str, Any], lang: str) -> None:
    console = Console(highlight=False, soft_wrap=True)
    for each in found["rules"]:
        counts = (
            ", ".join(f"{status} {count:,}" for status, count in sorted(each["counts"].items())) or "nothing"
        )
        console.print(
            f"{each['id']}: {each['title_zh'] if lang == 'zh' else each['title']} {counts}", markup=False
        )
    of_erased = f" ({found['erased']:,} of erased persons)" if found["erased"] else ""
    console.print(f"{found['subjects']:,} subjects{of_erased}; {found['failed']:,} findings failed.")
    for each in found["failures"][:FAILURES_SHOWN]:
        detail = each["detail_zh" if lang == "zh" else "detail"]
        console.print(f"{each['rule']} {each['subject']}: {detail}", markup=False)
