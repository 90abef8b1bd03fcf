"""Write the reference pages from what the code says, or check that they are current (``--check``)."""

import sys
from collections.abc import Iterable
from itertools import groupby
from pathlib import Path

import typer
from typer.cli import get_docs_for_click

from limitkeeper.app.policy import LANGUAGES, POLICY, markets, parameters_from_files, reason_wording
from limitkeeper.app.regulation_policy import regulation, shipped_register
from limitkeeper.app.strategies import loaded_strategy, strategy_names, strategy_path
from limitkeeper.core.behaviour.change import CHANGE_QUANTITIES
from limitkeeper.core.behaviour.features import FEATURES
from limitkeeper.core.compliance.register import PURPOSES
from limitkeeper.core.kernel.quantity import Quantity
from limitkeeper.core.relations.quantities import RELATION_QUANTITIES
from limitkeeper.core.strategy.account import ACCOUNT_QUANTITIES
from limitkeeper.core.strategy.description import strategy_description
from limitkeeper.core.value.quantities import QUANTITIES
from limitkeeper.shells.cli.main import application

REFERENCE = Path(__file__).parent / "reference"
MADE = "<!-- made by docs/generate.py: edit the code, then `make docs` -->\n\n"


def markdown_table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """A Markdown table; a bar inside a cell is escaped."""
    head = list(head)
    escaped = ([str(cell).replace("|", "\\|").replace("\n", " ") for cell in row] for row in rows)
    lines = ["| " + " | ".join(cells) + " |" for cells in (head, ["---"] * len(head), *escaped)]
    return "\n".join(lines) + "\n"


def quantities_page() -> str:
    """Every name that a strategy or a model may use."""
    parts = [
        MADE + "# Features and quantities\n\nEvery name that a rule may use. No rule hits on a missing one.\n"
    ]
    groups: list[tuple[str, tuple[Quantity, ...]]] = [
        ("Behaviour (from events)", FEATURES),
        ("Change of behaviour (while events come)", CHANGE_QUANTITIES),
        ("Relations (while events come, where the market allows)", RELATION_QUANTITIES),
        ("Risk and value (computed in the review)", QUANTITIES),
        ("State of the account (from the accounts table)", ACCOUNT_QUANTITIES),
    ]
    for title, quantities in groups:
        rows = [(f"`{q.name}`", q.unit, q.description, q.description_zh, q.missing) for q in quantities]
        parts.append(
            f"\n## {title}\n" + markdown_table(("name", "unit", "meaning", "含义", "missing when"), rows)
        )
    return "".join(parts)


def parameters_page() -> str:
    """Every dated parameter with its source."""
    folder = POLICY / "parameters"
    sources = [(path.stem, path) for path in sorted(folder.glob("*.yaml"))]
    sources += [(f"market {market}", folder / "markets" / f"{market}.yaml") for market in markets()]
    sources.append(("fairness screens", POLICY / "fairness" / "screens.yaml"))
    parts = [MADE + "# Parameters\n\nThe value in force is the last one whose day has come.\n"]
    for title, path in sources:
        rows = [
            (f"`{p.name}`", p.unit, "; ".join(f"{day}: {value:g}" for day, value in p.values),
             f"{p.description} · {p.description_zh}", p.source)
            for p in parameters_from_files([path]).values()
        ]  # fmt: skip
        parts.append(
            f"\n## {title}\n" + markdown_table(("name", "unit", "values", "meaning", "source"), rows)
        )
    return "".join(parts)


def reasons_page() -> str:
    """Every reason in both languages."""
    english, chinese = (reason_wording(language) for language in LANGUAGES)
    rows = [
        (f"`{code}`", wording.text, chinese[code].text, wording.help, chinese[code].help)
        for code, wording in english.items()
    ]
    head = ("code", "English", "中文", "what would help", "如何改善")
    return MADE + "# Reasons\n\nAt most four are given, in order of weight.\n\n" + markdown_table(head, rows)


def commands_page() -> str:
    """Every command with its options."""
    command = typer.main.get_command(application)
    context = typer.Context(command, info_name="limitkeeper")
    return (
        MADE
        + get_docs_for_click(obj=command, ctx=context, name="limitkeeper", title="Commands").strip()
        + "\n"
    )


def strategies_page() -> str:
    """The shipped strategies rule by rule."""
    described = (strategy_description(loaded_strategy(strategy_path(name))) for name in strategy_names())
    return MADE + "# Strategies\n\n" + "\n".join(described)


def register_page() -> str:
    """The register of features and purposes, class by class."""
    register = shipped_register()
    rows = [
        (f"`{name}`: {each.description} · {each.description_zh}", each.source, ", ".join(sorted(each.purposes)),
         "; ".join(f"{market} {basis}" for market, basis in each.basis.items()), each.sensitivity,
         "; ".join(f"{day}: {days} days" for day, days in each.retention_days),
         "; ".join(f"{market}: {rule}" for market, rule in each.forbidden.items()) or "nowhere",
         ", ".join(f"`{known}`" for known, owner in register.class_of.items() if owner == name))
        for name, each in register.classes.items()
    ]  # fmt: skip
    head = ("what", "source", "purposes", "legal basis", "sensitivity", "kept", "forbidden in", "names")
    purposes = [(f"`{name}`", english, chinese) for name, (english, chinese) in PURPOSES.items()]
    return (
        MADE + "# Register of features and purposes\n\nA strategy or model that uses what is not here, or for another "
        "purpose, or where it is forbidden, is refused.\n\n" + markdown_table(head, rows)
        + "\n## Purposes\n" + markdown_table(("purpose", "meaning", "含义"), purposes)
    )  # fmt: skip


def regulation_page() -> str:
    """Every rule of every market, with its source."""
    parts = [MADE + "# Regulation\n\nA rule without a verified article number says so. `outside`: kept by the lender "
             "without this system.\n"]  # fmt: skip
    for market, rules in groupby(regulation(), key=lambda rule: rule.market):
        rows = [
            (f"`{rule.id}`", f"{rule.title} · {rule.title_zh}",
             f"{rule.citation} · {rule.citation_zh}", f"{rule.stage}: `{rule.check}`",
             rule.severity, f"{rule.valid_from}" + (f" to {rule.valid_to}" if rule.valid_to else ""),
             "; ".join(f"{name} {day}: {value:g}" for name, dated in rule.values.items() for day, value in dated))
            for rule in rules
        ]  # fmt: skip
        head = ("rule", "what is asked", "source", "checked on", "severity", "from", "values")
        parts.append(f"\n## {'Everywhere' if market == '*' else market}\n" + markdown_table(head, rows))
    return "".join(parts)


PAGES = {
    "register.md": register_page,
    "regulation.md": regulation_page,
    "strategies.md": strategies_page,
    "features.md": quantities_page,
    "parameters.md": parameters_page,
    "reasons.md": reasons_page,
    "commands.md": commands_page,
}


def main() -> None:
    """Write the pages that changed, or with ``--check`` name them and fail."""
    check = "--check" in sys.argv[1:]
    stale = []
    for name, page in PAGES.items():
        path, text = REFERENCE / name, page()
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(name)
            if not check:
                path.write_text(text, encoding="utf-8")
    if stale:
        print(f"{'not current' if check else 'written'}: {', '.join(stale)}")
    if check and stale:
        sys.exit("Run `make docs` and commit the result.")


if __name__ == "__main__":
    main()
