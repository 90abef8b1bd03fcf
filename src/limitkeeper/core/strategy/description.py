"""A strategy in words, rule by rule, as Markdown."""

from collections.abc import Iterable

from limitkeeper.core.strategy.definition import Strategy
from limitkeeper.core.strategy.rule import Rule


def strategy_description(strategy: Strategy) -> str:
    """A strategy as Markdown: what it is for, its order of precedence, parameters, rules, steps and caps.

    A pure function of the strategy, so that a page made from it cannot drift from the file.
    """
    document = strategy.document
    parts = [
        f"## {strategy.name} {strategy.version}",
        f"{strategy.description}\n\n{strategy.description_zh}",
        f"`{strategy.hash}`",
        f"Products: {', '.join(strategy.products)}; markets: {', '.join(strategy.markets)}.",
        "Precedence: " + " > ".join(action.code for action in strategy.precedence) + ".",
        "### Parameters",
        _table(
            ("name", "value", "unit", "meaning", "含义"),
            (
                (
                    f"`{name}`",
                    f"{entry['value']:g}",
                    entry["unit"],
                    entry["description"],
                    entry["description_zh"],
                )
                for name, entry in document.get("parameters", {}).items()
            ),
        ),
        "### Rules, in order of precedence",
        *(_rule(number, rule) for number, rule in enumerate(strategy.rules)),
        "### Steps",
        _steps(strategy),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _rule(number: int, rule: Rule) -> str:
    release = f"\n    until {rule.release.text}" if rule.release else ""
    reasons = ", ".join(f"`{code}`" for code in rule.reasons) or (
        "those of the score" if rule.uses_score else "none"
    )
    return (
        f"#### {number}. {rule.id}\n\n"
        f"{rule.description} · {rule.description_zh}\n\n"
        f"    {rule.when.text}{release}\n\n"
        f"{rule.trigger} → **{rule.action.code}**, {rule.severity.code}; {', '.join(rule.products)}; "
        f"reasons: {reasons}"
    )


def _steps(strategy: Strategy) -> str:
    document = strategy.document
    steps, caps = document["steps"], document.get("caps", {})
    rows = [
        (f"decrease, {severity}", f"{step['share']:.0%} of the limit", f"{step['wait_days']} days")
        for severity, step in steps["decrease"].items()
    ]
    if "restore" in steps:
        step = steps["restore"]
        rows.append(("restore", f"{step['share']:.0%} of the limit before", f"{step['wait_days']} days"))
    floors = ", ".join(f"{name} {cents:,}" for name, cents in steps["floor_cents"].items())
    lines = [
        _table(("step", "at a time", "from one to the next"), rows),
        f"Limits are multiples of {steps['rounding_cents']:,} minor units, rounded up when lowered.",
        f"A decrease of less than {steps['least_step_cents']:,} is not made.",
        f"None goes below the balance, or below {floors}.",
        f"Cool-down {document['cool_down_days']} days; a freeze stands {document['freeze_days']} days.",
    ]
    if caps:
        bounds = [f"{product} line {cents:,}" for product, cents in caps.get("line_cents", {}).items()]
        bounds += [f"customer {caps['customer_total_cents']:,}"] if "customer_total_cents" in caps else []
        lines.append(f"Caps in minor units: {', '.join(bounds)}.")
    return "\n\n".join(lines)


def _table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    head, rows = list(head), [list(row) for row in rows]
    lines = [head, ["---"] * len(head), *rows]
    return (
        "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines)
        if rows
        else ""
    )
