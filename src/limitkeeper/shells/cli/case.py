"""``limitkeeper case``: proposals on their way through the tiers, and every act on them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from limitkeeper.shells.cli.options import ActingPerson, DataFolder, StoreUrl, work_as

application = typer.Typer(
    help="Cases: proposals on their way through the tiers.", no_args_is_help=True, add_completion=False
)

HELP = {
    "claim": "Take a case of the second tier, so that it is yours to decide.",
    "release": "Give a case back that you have claimed.",
    "comment": "Say something on a case; nothing else changes.",
    "ask": "Ask for information before you decide.",
    "answer": "Answer what was asked on a case.",
    "approve": "Approve a case that you have claimed; its notice is written and its change planned.",
    "refuse": "Refuse a case that you have claimed; the limit stays as it is.",
    "send-up": "Send a case that you have claimed to the committee.",
    "send-back": "Send a case of the committee back to the risk team.",
    "vote-for": "Vote for a case, as a member of the committee.",
    "vote-against": "Vote against a case, as a member of the committee.",
    "recuse": "Take no further part in a case; a vote that you gave is taken back.",
}


@application.callback()
def root() -> None:
    """Cases: proposals on their way through the tiers."""


@application.command("list")
def list_cases(
    person: ActingPerson,
    data: DataFolder = Path("limitkeeper-data"),
    store: StoreUrl = None,
    tier: Annotated[int | None, typer.Option(min=1, max=3, help="Only of this tier.")] = None,
    account: Annotated[str | None, typer.Option(help="Only of this account.")] = None,
    ended: Annotated[
        bool, typer.Option("--ended", help="Those that have ended, instead of those that wait.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Cases at most.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="Print the cases as JSON.")] = False,
) -> None:
    """Show cases, those whose clock runs out first on top; that you looked is kept.

    Example: limitkeeper case list --tier 2 --as ann
    """
    import sqlalchemy as sa

    from limitkeeper.app.case_documents import case_document
    from limitkeeper.app.looks import page_noted, shown
    from limitkeeper.store.case_tables import cases

    query = sa.select(cases).where(cases.c.is_live.is_(not ended)).order_by(cases.c.due_us, cases.c.case_id)
    query = query.where(cases.c.tier == tier) if tier else query
    query = query.where(cases.c.account_id == account) if account else query
    with work_as(data, store, person, "case.read") as w:
        documents = [case_document(row) for row in w.rows(query.limit(limit))]
        page_noted(w, "case.list", shown(documents))
    if as_json:
        typer.echo(json.dumps(documents, ensure_ascii=False))
        return
    table = Table("case", "account", "action", "before", "after", "state", "tier", "by", "next")
    for each in documents:
        table.add_row(
            each["case_id"], each["account_id"] or "", each["action"], _amount(each["limit_before_cents"]),
            _amount(each["limit_after_cents"]), each["state"], str(each["tier"]), each["claimed_by"] or "",
            f"{each['clock']} {each['due_at'][:16]}" if each["is_live"] else each["outcome"],
        )  # fmt: skip
    Console(highlight=False).print(
        table if documents else "No case waits." if not ended else "No case has ended."
    )


@application.command("show")
def show(
    case_id: Annotated[str, typer.Argument(help="Of the case.")],
    person: ActingPerson,
    data: DataFolder = Path("limitkeeper-data"),
    store: StoreUrl = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the case as JSON.")] = False,
) -> None:
    """Show a case: what it is about, which rules chose its tier, and every act on it; that you looked is kept.

    Example: limitkeeper case show 4f2a... --as ann
    """
    from limitkeeper.app.case_documents import whole_case_document
    from limitkeeper.app.vault import seal_at

    seal = seal_at(data)
    with work_as(data, store, person, "case.read") as w:
        document = whole_case_document(w, seal, case_id)
    document["votes"] = [f"{vote['person_id']}: {vote['choice']}" for vote in document["votes"]]
    if as_json:
        typer.echo(json.dumps(document, ensure_ascii=False))
        return
    console = Console(highlight=False)
    for name, value in document.items():
        if name not in ("acts", "facts"):
            console.print(
                f"{name:>20}  {', '.join(value) if isinstance(value, list) else value}", markup=False
            )
    told = Table("version", "at", "by", "act", "words", "led to")
    for each in document["acts"]:
        led = f"{each['state']}, tier {each['tier']}"
        told.add_row(str(each["version"]), each["at"][:19], each["by"], each["act"], each["words"], led)
    console.print(told)


def _amount(cents: int | None) -> str:
    return "" if cents is None else f"{cents / 100:,.2f}"


def _command(act: str) -> Callable[..., None]:
    def command(
        case_id: Annotated[str, typer.Argument(help="Of the case.")],
        person: ActingPerson,
        words: Annotated[str, typer.Option(help="Why, or what is asked or answered.")] = "",
        version: Annotated[
            int | None, typer.Option(help="The version that you saw; default: as it is now.")
        ] = None,
        data: DataFolder = Path("limitkeeper-data"),
        store: StoreUrl = None,
        as_json: Annotated[bool, typer.Option("--json", help="Print the case as JSON.")] = False,
    ) -> None:
        from limitkeeper.app.approval_policy import approval_policy
        from limitkeeper.app.case_documents import case_document
        from limitkeeper.app.cases import case_acted, terms_in_force
        from limitkeeper.shells.cli.account import effects_of
        from limitkeeper.store.case_tables import cases

        with work_as(data, store, person, "case.act") as w:
            on_approved, terms = effects_of(w, data), terms_in_force(w, approval_policy())
            seen = w.found(cases, case_id)["version"] if version is None else version
            case_acted(w, on_approved.seal, case_id, seen, act.replace("-", "_"), terms, on_approved, words)
            document = case_document(w.found(cases, case_id))
        if as_json:
            typer.echo(json.dumps(document, ensure_ascii=False))
        else:
            Console(highlight=False).print(
                f"{act}: the case is {document['state']} on tier {document['tier']}, version {document['version']}."
            )

    words = ' --words "why"' if act not in ("claim", "release", "recuse") else ""
    command.__doc__ = f"{HELP[act]}\n\nExample: limitkeeper case {act} 4f2a... --as ann{words}"
    command.__name__ = act.replace("-", "_")
    return command


for _act in HELP:
    application.command(_act)(_command(_act))
