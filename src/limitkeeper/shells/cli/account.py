"""``limitkeeper account``: a customer's lines, what he asks for himself, why decisions were made."""

import contextlib
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from limitkeeper.shells.cli.options import ActingPerson, AsJson, DataFolder, StoreUrl, store_at, work_as

if TYPE_CHECKING:
    from limitkeeper.app.decisions import Effects
    from limitkeeper.store.work import Work

application = typer.Typer(
    help="Accounts: lines as their customers see them, and what customers ask for.",
    no_args_is_help=True,
    add_completion=False,
)

AccountId = Annotated[str, typer.Argument(help="Of the line.")]
CustomerId = Annotated[str, typer.Argument(help="Of the customer.")]
Language = Annotated[
    str | None, typer.Option(help="en or zh; default: the customer's own, for an explanation or a portrait.")
]


@application.callback()
def root() -> None:
    """Accounts: lines as their customers see them, and what customers ask for."""


@contextlib.contextmanager
def work_on(data: Path, store: str | None, person: str, act: str, account_id: str) -> "Iterator[Work]":
    """A piece of work on a line, of a person who may do an act on what is its customer's."""
    from limitkeeper.app.ownership import owner_of
    from limitkeeper.core.access.actors import SYSTEM
    from limitkeeper.store.work import reading

    opened = store_at(data, store)
    try:
        with reading(opened, SYSTEM, time.time_ns() // 1_000) as w:
            customer_id = owner_of(w, account_id).customer_id
    finally:
        opened.close()
    with work_for(data, store, person, act, customer_id) as w:
        yield w


@contextlib.contextmanager
def work_for(data: Path, store: str | None, person: str, act: str, customer_id: str) -> "Iterator[Work]":
    """A piece of work of a person who may do an act on what is a customer's."""
    from limitkeeper.core.access.actors import CUSTOMER
    from limitkeeper.core.access.rights import check_customers_right

    with work_as(data, store, person, act, customer_id) as w:
        if CUSTOMER in w.actor.roles:
            check_customers_right(w.actor, act, customer_id)
        yield w


def effects_of(w: "Work", data: Path) -> "Effects":
    """What approval leads to in the store's market, with the key from the environment."""
    from limitkeeper.app.customer_preferences import served_market
    from limitkeeper.app.decisions import effects
    from limitkeeper.app.vault import seal_at

    return effects(seal_at(data), served_market(w))


def language_of(w: "Work", account_id: str, language: str | None) -> str:
    """The language asked for, or the customer's own."""
    from limitkeeper.app.customer_preferences import owner_row
    from limitkeeper.app.policy import checked_language

    own = owner_row(w, account_id)["language"]
    return checked_language(language or str(own))


def shown(document: object, *, as_json: bool, text: str) -> None:
    """Print a document as JSON, or what it says."""
    typer.echo(json.dumps(document, ensure_ascii=False) if as_json else text)


def money(cents: int | None) -> str:
    """An amount as a table shows it."""
    return "" if cents is None else f"{cents / 100:,.2f}"


@application.command("list")
def list_lines(
    customer: CustomerId,
    person: ActingPerson,
    data: DataFolder = Path("limitkeeper-data"),
    store: StoreUrl = None,
    as_json: AsJson = False,
) -> None:
    """Show a customer's lines; that they were looked at is kept.

    Example: limitkeeper account list c-3 --as ann
    """
    from limitkeeper.app.own_lines import lines_document

    with work_for(data, store, person, "limit.read", customer) as w:
        found = lines_document(w, customer)
    if as_json:
        shown(found, as_json=True, text="")
        return
    table = Table("account", "limit", "before the lender's cuts", "paused", "closed")
    for each in found:
        table.add_row(
            each["account_id"], money(each["limit_cents"]), money(each["old_limit_cents"]),
            "yes" if each["is_frozen"] else "", "yes" if each["is_closed"] else "",
        )  # fmt: skip
    Console(highlight=False).print(table if found else "This customer has no line that is known here.")


@application.command("show")
def show(
    account: AccountId,
    person: ActingPerson,
    language: Language = None,
    data: DataFolder = Path("limitkeeper-data"),
    store: StoreUrl = None,
    as_json: AsJson = False,
) -> None:
    """Show a line: its ledger, what is planned, why decisions were made, the path to restoration.

    What the monitor knows is as it last wrote of the line; the server tells it as of now (GET /v1/lines/ACCOUNT).

    Example: limitkeeper account show a-7 --as kim --language zh
    """
    from limitkeeper.app.own_lines import last_seen, line_document

    with work_on(data, store, person, "limit.read", account) as w:
        words = language_of(w, account, language)
        found = line_document(w, effects_of(w, data), account, words, last_seen(w, account))
    if as_json:
        shown(found, as_json=True, text="")
        return
    console = Console(highlight=False)
    console.print(f"{found['shown_as']}: {money(found['limit_cents'])}", markup=False)
    table = Table("entry", "action", "state", "from", "change", "leads to", "why")
    for each in found["ledger"] + found["planned"]:
        table.add_row(
            each["entry_id"], each["action"], each["state"], (each["effective_at"] or each["planned_at"])[:16],
            money(each["delta_cents"]), money(each["target_cents"]), each["cancelled_why"] or each["why"],
        )  # fmt: skip
    console.print(table)
    for each in found["decisions"]:
        console.print(
            f"{each['at'][:16]} {each['action']} ({each['case_id']}), by {each['decided_by']}", markup=False
        )
        for reason in each["reasons"]:
            console.print(f"  - {reason['text']} ({reason['help']})", markup=False)
    for sentence in found["restoration"]["words"]:
        console.print(sentence, markup=False)


@application.command("portrait")
def portrait(
    account: AccountId,
    person: ActingPerson,
    language: Language = None,
    data: DataFolder = Path("limitkeeper-data"),
    store: StoreUrl = None,
    as_json: AsJson = False,
) -> None:
    """Tell in plain words what was known of a line when the monitor last wrote of it.

    Example: limitkeeper account portrait a-7 --as kim --language en
    """
    from limitkeeper.app.own_lines import last_seen, portrait_document

    with work_on(data, store, person, "portrait.read", account) as w:
        found = portrait_document(w, account, language_of(w, account, language), last_seen(w, account))
    shown(found, as_json=as_json, text="\n".join(found["words"]))


@application.command("explain")
def explain(
    account: AccountId,
    case: Annotated[str, typer.Argument(help="The case of the decision.")],
    person: ActingPerson,
    language: Language = None,
    data: DataFolder = Path("limitkeeper-data"),
    store: StoreUrl = None,
    as_json: AsJson = False,
) -> None:
    """Explain a decision: rules with their values, reasons, versions, how to appeal.

    Example: limitkeeper account explain a-7 4f2a... --as kim --language zh
    """
    from limitkeeper.app.explanations import explanation

    with work_on(data, store, person, "decision.explain", account) as w:
        found = explanation(w, account, case, language_of(w, account, language))
    shown(found, as_json=as_json, text="\n\n".join([found["subject"], *found["paragraphs"]]))


def _ask(data: Path, store: str | None, person: str, account: str, limit_cents: int) -> dict[str, Any]:
    from limitkeeper.app.approval_policy import approval_policy
    from limitkeeper.app.line_requests import request_made
    from limitkeeper.app.own_lines import last_seen, request_document

    with work_on(data, store, person, "line.request", account) as w:
        seen, effects = last_seen(w, account).line, effects_of(w, data)
        case_id = request_made(w, approval_policy(), effects, account, limit_cents, seen)
        return request_document(w, case_id)


def _asked(found: dict[str, Any], *, as_json: bool) -> None:
    when = (
        f"takes effect at {found['takes_effect_at'][:16]}"
        if found["takes_effect_at"]
        else "waits for a person"
    )
    text = f"Case {found['case_id']}: {found['action']} to {money(found['limit_after_cents'])} {when}."
    shown(found, as_json=as_json, text=text)


@application.command("lower")
def lower(
    account: AccountId,
    person: ActingPerson,
    limit: Annotated[int, typer.Option(min=1, help="The limit that is wanted, minor units.")],
    data: DataFolder = Path("limitkeeper-data"),
    store: StoreUrl = None,
    as_json: AsJson = False,
) -> None:
    """Lower a line at its customer's wish, down to what is owed at most; it can be taken back for some days.

    Example: limitkeeper account lower a-7 --limit 500000 --as kim
    """
    _asked(_ask(data, store, person, account, limit), as_json=as_json)


@application.command("close")
def close(
    account: AccountId,
    person: ActingPerson,
    data: DataFolder = Path("limitkeeper-data"),
    store: StoreUrl = None,
    as_json: AsJson = False,
) -> None:
    """Close a line at its customer's wish: no new draws; what is owed, instalments included, runs on as agreed.

    Example: limitkeeper account close a-7 --as kim
    """
    _asked(_ask(data, store, person, account, 0), as_json=as_json)


@application.command("take-back")
def take_back(
    account: AccountId,
    person: ActingPerson,
    data: DataFolder = Path("limitkeeper-data"),
    store: StoreUrl = None,
    as_json: AsJson = False,
) -> None:
    """Take a customer's own request back, within its cooling-off.

    Example: limitkeeper account take-back a-7 --as kim
    """
    from limitkeeper.app.approval_policy import approval_policy
    from limitkeeper.app.line_requests import request_taken_back

    with work_on(data, store, person, "line.request", account) as w:
        found = request_taken_back(w, approval_policy(), effects_of(w, data), account)
    shown({"account_id": account, "cases": found}, as_json=as_json, text="The request is taken back.")


@application.command("restore")
def restore(
    account: AccountId,
    person: ActingPerson,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Up to what, minor units; default: all that may be.")
    ] = None,
    data: DataFolder = Path("limitkeeper-data"),
    store: StoreUrl = None,
    as_json: AsJson = False,
) -> None:
    """Propose to give a line back what the lender took, in steps; somebody else decides on the case.

    Example: limitkeeper account restore a-7 --as ann
    """
    from limitkeeper.app.approval_policy import approval_policy
    from limitkeeper.app.case_documents import case_document
    from limitkeeper.app.restoration import restoration_opened
    from limitkeeper.store.case_tables import cases

    with work_on(data, store, person, "line.restore", account) as w:
        effects = effects_of(w, data)
        case_id = restoration_opened(w, approval_policy(), effects, account, "review", limit)
        found = case_document(w.found(cases, case_id))
    where = f"{found['state']} on tier {found['tier']}"
    text = f"Case {found['case_id']}: up to {money(found['limit_after_cents'])}, {where}."
    shown(found, as_json=as_json, text=text)


@application.command("cancel")
def cancel(
    account: AccountId,
    entry: Annotated[str, typer.Argument(help="The planned entry.")],
    person: ActingPerson,
    why: Annotated[str, typer.Option(help="Why.")],
    data: DataFolder = Path("limitkeeper-data"),
    store: StoreUrl = None,
) -> None:
    """Cancel a planned change of a line, with the steps behind it; its customer is told.

    Who cancels it has a mandate for it on the tier that approved it, and had no part in its case.

    Example: limitkeeper account cancel a-7 5d1c... --why "the bill was paid" --as ann
    """
    from limitkeeper.app.approval_policy import approval_policy
    from limitkeeper.app.steps import step_cancelled
    from limitkeeper.store.limit_tables import limit_entries
    from limitkeeper.store.work import MissingError

    with work_on(data, store, person, "limit.cancel", account) as w:
        if w.found(limit_entries, entry)["account_id"] != account:
            raise MissingError("There is no such entry of this line.", value=entry)
        step_cancelled(w, effects_of(w, data), approval_policy(), entry, why)
    typer.echo("It is cancelled, with the steps behind it.")
