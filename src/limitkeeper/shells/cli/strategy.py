"""``limitkeeper strategy``: check, show and list strategies, and the names that their rules may use."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from limitkeeper.core.strategy.definition import Strategy

application = typer.Typer(
    no_args_is_help=True,
    help="Check, show and list strategies. A strategy is one YAML file; see docs/strategies.md.",
)

AS_JSON = Annotated[bool, typer.Option("--json", help="Machine-readable output on stdout.")]


@application.command(epilog="Example: limitkeeper strategy check my_strategy.yaml")
def check(
    file: Annotated[Path, typer.Argument(help="The strategy file.", show_default=False)],
    as_json: AS_JSON = False,
) -> None:
    """Check a strategy: every problem with its line, column, what was allowed and a hint.

    Ends with exit code 1 where there is a problem.
    """
    from limitkeeper.app.strategies import checked_strategy

    strategy, problems = checked_strategy(file)
    if as_json:
        found = {"valid": strategy is not None, "hash": strategy.hash if strategy else None,
                 "problems": [asdict(problem) for problem in problems]}  # fmt: skip
        typer.echo(json.dumps(found, ensure_ascii=False, indent=1))
    else:
        for problem in problems:
            typer.echo(str(problem))
    if strategy is None:
        raise typer.Exit(1)
    if not as_json:
        typer.echo(
            f"{strategy.name} {strategy.version} holds: {len(strategy.rules)} rules over "
            f"{len(strategy.names)} quantities, {strategy.hash}"
        )


@application.command(epilog="Example: limitkeeper strategy show standard --lang zh")
def show(
    strategy: Annotated[
        str, typer.Argument(help="A file, or the name of a shipped strategy.", show_default=False)
    ],
    lang: Annotated[str, typer.Option(help="Language of the descriptions: en or zh.")] = "en",
    source: Annotated[
        bool, typer.Option("--source", help="Show the source that the rules compile to.")
    ] = False,
    as_json: AS_JSON = False,
) -> None:
    """Show a strategy's rules in order of precedence, and the source that they compile to."""
    from limitkeeper.app.policy import LANGUAGES
    from limitkeeper.app.strategies import loaded_strategy, strategy_path, strategy_source

    if lang not in LANGUAGES:
        raise typer.BadParameter(f"{lang} is not one of {', '.join(LANGUAGES)}", param_hint="--lang")
    loaded = loaded_strategy(strategy_path(strategy))
    if as_json:
        typer.echo(json.dumps({"hash": loaded.hash, **loaded.document}, ensure_ascii=False, indent=1))
    elif source:
        typer.echo(strategy_source(loaded))
    else:
        _show_rules(loaded, lang)


@application.command("diff", epilog="Example: limitkeeper strategy diff standard my_strategy.yaml")
def show_changes(
    before: Annotated[str, typer.Argument(help="A file, or a shipped strategy.", show_default=False)],
    after: Annotated[str, typer.Argument(help="Another one.", show_default=False)],
    as_json: AS_JSON = False,
) -> None:
    """Show what differs from one strategy to another, rule by rule.

    A rule whose text is the same differs where a threshold that it reads does.
    """
    from limitkeeper.app.strategies import loaded_strategy, strategy_path
    from limitkeeper.app.strategy_reading import changes_document

    found = changes_document(*(loaded_strategy(strategy_path(each)) for each in (before, after)))
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False, indent=1))
        return
    for rule in found["rules"]:
        typer.echo(f"{rule['kind']} rule {rule['rule']}")
        for each in (*rule["fields"], *rule["thresholds"]):
            typer.echo(f"    {_moved(each)}")
    for each in (*found["parameters"], *found["terms"]):
        typer.echo(_moved(each))
    if found["is_same"]:
        typer.echo("Both are of one content.")


def _moved(change: dict[str, Any]) -> str:
    before, after = ("none" if change[side] is None else change[side] for side in ("before", "after"))
    return f"{change['name']}: {before} -> {after}"


@application.command("list", epilog="Example: limitkeeper strategy list")
def list_strategies(as_json: AS_JSON = False) -> None:
    """List the shipped strategies."""
    from limitkeeper.app.strategies import loaded_strategy, strategy_names, strategy_path

    loaded = [loaded_strategy(strategy_path(name)) for name in strategy_names()]
    if as_json:
        told = ("name", "version", "hash", "description", "description_zh")
        rows = [{name: getattr(strategy, name) for name in told} for strategy in loaded]
        typer.echo(json.dumps(rows, ensure_ascii=False, indent=1))
        return
    for strategy in loaded:
        typer.echo(f"{strategy.name} {strategy.version}, {len(strategy.rules)} rules: {strategy.description}")


@application.command("names", epilog="Example: limitkeeper strategy names")
def names(as_json: AS_JSON = False) -> None:
    """List every name that a rule may use, with its unit and when it is missing."""
    from rich.console import Console
    from rich.table import Table

    from limitkeeper.app.strategies import market_parameter_units
    from limitkeeper.core.strategy.vocabulary import SHARED_QUANTITIES

    rows = [
        {"name": q.name, "unit": q.unit, "missing": q.missing, "description": q.description,
         "description_zh": q.description_zh}
        for q in SHARED_QUANTITIES.values()
    ]  # fmt: skip
    rows += [
        {"name": name, "unit": unit, "missing": "never", "description": "Parameter of the market.",
         "description_zh": "市场参数。"}
        for name, unit in market_parameter_units().items()
    ]  # fmt: skip
    if as_json:
        typer.echo(json.dumps(rows, ensure_ascii=False, indent=1))
        return
    table = Table("name", "unit", "missing", "description")
    for row in rows:
        table.add_row(row["name"], row["unit"], row["missing"], row["description"])
    Console().print(table)


def _show_rules(strategy: "Strategy", lang: str) -> None:
    """Print the rules as a table."""
    from rich.console import Console
    from rich.table import Table

    chinese = lang == "zh"
    console = Console()
    console.print(f"[bold]{strategy.name} {strategy.version}[/]  {strategy.hash}", highlight=False)
    console.print(strategy.description_zh if chinese else strategy.description, highlight=False)
    table = Table("rule", "action", "severity", "when", "描述" if chinese else "description", show_lines=True)
    for rule in strategy.rules:
        when = rule.when.text if rule.release is None else f"{rule.when.text}\nuntil {rule.release.text}"
        products = "" if rule.products == strategy.products else f" ({', '.join(rule.products)})"
        description = rule.description_zh if chinese else rule.description
        table.add_row(f"{rule.id}{products}", rule.action.code, rule.severity.code, when, description)
    console.print(table)
