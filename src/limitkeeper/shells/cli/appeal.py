"""``limitkeeper appeal``: what customers hold against decisions, and how they are answered."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from limitkeeper.shells.cli.options import ActingPerson, AsJson, DataFolder, StoreUrl, store_at, work_as

if TYPE_CHECKING:
    from limitkeeper.app.appeals import AppealDesk
    from limitkeeper.store.work import Work

application = typer.Typer(
    help="Appeals: what customers hold against decisions.", no_args_is_help=True, add_completion=False
)

HELP = {
    "claim": "Take an appeal, so that it is yours to answer; nobody who had a part in the decision can.",
    "release": "Give an appeal back that you have claimed.",
    "ask": "Ask the customer for more; he is written to, and his answer is put off as long as he takes.",
    "answer": "Answer what was asked, for the customer.",
    "send-up": "Send an appeal that you have claimed to the third tier.",
    "withdraw": "Withdraw an appeal; only the customer does.",
    "again": "Bring an appeal once more, to the third tier, for the customer.",
}

WORDLESS = ("claim", "release", "withdraw")

OUTCOMES = {"upheld": "uphold", "partly": "grant_partly", "granted": "grant"}

DAYS_OF_STATISTICS = 365.0

AppealId = Annotated[str, typer.Argument(help="Of the appeal.")]
Version = Annotated[int | None, typer.Option(help="The version that you saw; default: as it is now.")]


@application.callback()
def root() -> None:
    """Appeals: what customers hold against decisions, and how they are answered."""


def desk_of(w: "Work", data: Path) -> "AppealDesk":
    """Where appeals of the store's market are answered, sealed with the key of the environment."""
    from limitkeeper.app.appeals import AppealDesk
    from limitkeeper.app.approval_policy import approval_policy
    from limitkeeper.shells.cli.account import effects_of

    return AppealDesk(effects_of(w, data), approval_policy())


@contextmanager
def work_on_appeal(data: Path, store: str | None, person: str, act: str, appeal_id: str) -> "Iterator[Work]":
    """A piece of work on an appeal by somebody whose roles allow the act on it."""
    import sqlalchemy as sa

    from limitkeeper.store.appeal_tables import appeals

    opened = store_at(data, store)
    try:
        rows = opened.rows(sa.select(appeals.c.customer_id).where(appeals.c.appeal_id == appeal_id))
    finally:
        opened.close()
    with work_as(data, store, person, act, rows[0]["customer_id"] if rows else None) as w:
        yield w


@application.command("submit")
def submit(
    account: Annotated[str, typer.Option(help="The line.")],
    text: Annotated[str, typer.Option(help="What the customer holds against the decision, in his words.")],
    person: ActingPerson,
    case: Annotated[
        str | None,
        typer.Option(help="The case of the decision; default: the newest that took something of the line."),
    ] = None,
    data: DataFolder = Path("limitkeeper-data"),
    store: StoreUrl = None,
    as_json: AsJson = False,
) -> None:
    """Submit an appeal against a decision; its customer gets a receipt with the day of the answer.

    Example: limitkeeper appeal submit --account sim-1 --text "I paid on 3 June." --as ann
    """
    from limitkeeper.app.appeals import appeal_submitted, decision_to_appeal
    from limitkeeper.app.ownership import owner_of
    from limitkeeper.core.access.actors import SYSTEM
    from limitkeeper.store.work import work

    opened = store_at(data, store)
    try:
        with work(opened, SYSTEM, 0) as w:
            owner_id = owner_of(w, account).customer_id
    finally:
        opened.close()
    with work_as(data, store, person, "appeal.submit", owner_id) as w:
        decided = case or decision_to_appeal(w, account)
        appeal_id = appeal_submitted(w, desk_of(w, data), decided, account, text)
        document = _document(w, appeal_id)
    _told(
        document,
        f"The appeal {appeal_id} is answered until {document['answer_until'][:10]}.",
        as_json=as_json,
    )


@application.command("list")
def list_appeals(
    person: ActingPerson,
    data: DataFolder = Path("limitkeeper-data"),
    store: StoreUrl = None,
    tier: Annotated[int | None, typer.Option(min=2, max=3, help="Only of this tier.")] = None,
    account: Annotated[str | None, typer.Option(help="Only of this account.")] = None,
    answered: Annotated[
        bool, typer.Option("--answered", help="Those that are answered, instead of those that wait.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Appeals at most.")] = 50,
    as_json: AsJson = False,
) -> None:
    """Show appeals, those that must be answered first on top; that you looked is kept.

    Example: limitkeeper appeal list --tier 2 --as bob
    """
    from limitkeeper.app.appeal_reading import appeals_listed
    from limitkeeper.app.looks import page_noted, shown

    with work_as(data, store, person, "appeal.list") as w:
        documents = appeals_listed(w, is_live=not answered, tier=tier, account_id=account, count=limit)
        page_noted(w, "appeal.list", shown(documents))
    if as_json:
        typer.echo(json.dumps(documents, ensure_ascii=False))
        return
    table = Table("appeal", "account", "against", "state", "tier", "instance", "by", "answer until")
    for each in documents:
        table.add_row(
            each["appeal_id"], each["account_id"], f"{each['action']} ({each['rule'] or 'no rule'})", each["state"],
            str(each["tier"]), str(each["instance"]), each["claimed_by"] or each["outcome"] or "",
            each["answer_until"][:16],
        )  # fmt: skip
    nothing = "No appeal is answered." if answered else "No appeal waits."
    Console(highlight=False).print(table if documents else nothing)


@application.command("show")
def show(
    appeal_id: AppealId,
    person: ActingPerson,
    data: DataFolder = Path("limitkeeper-data"),
    store: StoreUrl = None,
    as_json: AsJson = False,
) -> None:
    """Show an appeal with all that was said and sent; that you looked is kept.

    Example: limitkeeper appeal show 4f2a... --as bob
    """
    from limitkeeper.app.appeal_reading import appeal_read
    from limitkeeper.app.vault import seal_at

    seal = seal_at(data)
    with work_on_appeal(data, store, person, "appeal.read", appeal_id) as w:
        document = appeal_read(w, seal, appeal_id)
    if as_json:
        typer.echo(json.dumps(document, ensure_ascii=False))
        return
    console = Console(highlight=False)
    for name, value in document.items():
        if name not in ("acts", "evidence"):
            console.print(
                f"{name:>20}  {', '.join(value) if isinstance(value, list) else value}", markup=False
            )
    told = Table("version", "at", "by", "act", "words", "led to")
    for each in document["acts"]:
        led = f"{each['state']}, tier {each['tier']}" if "tier" in each else each["state"]
        told.add_row(
            str(each["version"]), each["at"][:19], each.get("by", ""), each["act"], each["words"], led
        )
    console.print(told)
    for each in document["evidence"]:
        console.print(
            f"{each['evidence_id']}  {each['kind']}, {each['size_bytes']:,} bytes  {each['name']}",
            markup=False,
        )


@application.command("decide")
def decide(
    appeal_id: AppealId,
    outcome: Annotated[str, typer.Argument(help="upheld, partly or granted.")],
    words: Annotated[str, typer.Option(help="Why, for the customer to read.")],
    person: ActingPerson,
    limit: Annotated[
        int | None, typer.Option(help="Of a grant in part: the limit that is granted, minor units.")
    ] = None,
    correct: Annotated[
        Path | None, typer.Option(help="JSON list of events that put the data right; see docs/appeals.md.")
    ] = None,
    version: Version = None,
    data: DataFolder = Path("limitkeeper-data"),
    store: StoreUrl = None,
    as_json: AsJson = False,
) -> None:
    """Answer an appeal that you have claimed; what is granted is given back at once.

    Example: limitkeeper appeal decide 4f2a... granted --words "The bill was paid on time." --as bob
    """
    from limitkeeper.core.kernel.errors import InputError, did_you_mean

    if outcome not in OUTCOMES:
        raise InputError(
            "There is no such outcome.",
            value=outcome,
            allowed=", ".join(OUTCOMES),
            advice=did_you_mean(outcome, OUTCOMES),
        )
    given = {"granted_limit_cents": limit, "corrections": _corrections(correct)}
    document = _acted(data, store, person, appeal_id, OUTCOMES[outcome], words, version, **given)
    _told(
        document,
        f"The appeal is {document['state']}; new case {document['new_case_id'] or 'none'}.",
        as_json=as_json,
    )


def _corrections(path: Path | None) -> list[dict[str, Any]]:
    """The events that a file holds.

    Raises
    ------
    InputError
        When it holds no list of them.
    """
    from limitkeeper.core.kernel.errors import InputError

    if path is None:
        return []
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"The corrections cannot be read: {error}.", value=path) from error
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise InputError("The corrections are no list of events.", value=path, allowed="[{...}, ...]")
    return found


@application.command("evidence")
def evidence(
    appeal_id: AppealId,
    person: ActingPerson,
    add: Annotated[Path | None, typer.Option(help="A file to keep with the appeal.")] = None,
    read: Annotated[str | None, typer.Option(help="The evidence to write to --to.")] = None,
    to: Annotated[Path | None, typer.Option(help="Where to write what is read.")] = None,
    data: DataFolder = Path("limitkeeper-data"),
    store: StoreUrl = None,
) -> None:
    """Keep a file with an appeal (PDF, PNG, JPEG, plain text), or write one out to look at; both are kept track of.

    Example: limitkeeper appeal evidence 4f2a... --add receipt.pdf --as ann
    """
    from limitkeeper.app.appeal_evidence import evidence_added, evidence_read, judged_evidence
    from limitkeeper.app.vault import seal_at
    from limitkeeper.core.kernel.errors import InputError

    if (add is None) == (read is None or to is None):
        raise InputError(
            "Give a file to add, or what to read and where to write it.", allowed="--add, or --read and --to"
        )
    if add is not None:
        try:
            content = add.read_bytes()
        except OSError as error:
            raise InputError(f"The file cannot be read: {error}.", value=add) from error
        file = judged_evidence(add.name, content)
        with work_on_appeal(data, store, person, "appeal.submit", appeal_id) as w:
            typer.echo(evidence_added(w, desk_of(w, data), appeal_id, file))
        return
    assert read is not None
    assert to is not None
    with work_on_appeal(data, store, person, "appeal.evidence", appeal_id) as w:
        found = evidence_read(w, seal_at(data), appeal_id, read)
    to.write_bytes(found.content)
    typer.echo(f"{to}: {found.kind}, {len(found.content):,} bytes.")


@application.command("stats")
def stats(
    person: ActingPerson,
    days: Annotated[
        float, typer.Option(min=0, help="Answered in so many days up to now.")
    ] = DAYS_OF_STATISTICS,
    data: DataFolder = Path("limitkeeper-data"),
    store: StoreUrl = None,
    as_json: AsJson = False,
) -> None:
    """Show how often decisions were overturned: in all, and by rule, reason and model.

    Example: limitkeeper appeal stats --days 90 --as bob
    """
    from limitkeeper.app.appeal_reading import DIMENSIONS, appeal_statistics
    from limitkeeper.core.behaviour.events import DAY_US

    with work_as(data, store, person, "appeal.statistics") as w:
        document = appeal_statistics(w, w.now_us - int(days * DAY_US))
    if as_json:
        typer.echo(json.dumps(document, ensure_ascii=False))
        return
    shown = Table("by", "which", "upheld", "partly", "granted", "provisional", "withdrawn", "overturned")
    rows = [("all", "", document["all"])]
    rows += [(name, each[name], each) for name in DIMENSIONS for each in document[f"by_{name}"]]
    for by, which, each in rows:
        share = each["overturned_share"]
        counts = [
            str(each[name]) for name in ("upheld", "partly_granted", "granted", "provisional", "withdrawn")
        ]
        shown.add_row(by, which, *counts, "" if share is None else f"{share:.0%}")
    console = Console(highlight=False)
    console.print(f"{document['waiting']} appeals wait.")
    console.print(shown)


def _document(w: "Work", appeal_id: str) -> dict[str, Any]:
    from limitkeeper.app.appeal_reading import appeal_document
    from limitkeeper.store.appeal_tables import appeals

    return appeal_document(w.found(appeals, appeal_id))


def _acted(
    data: Path, store: str | None, person: str, appeal_id: str, act: str, words: str, version: int | None,
    **given: Any,  # noqa: ANN401 - what appeal_acted takes
) -> dict[str, Any]:  # fmt: skip
    """Act on an appeal; the appeal after it."""
    from limitkeeper.app.appeals import RIGHTS, appeal_acted
    from limitkeeper.store.appeal_tables import appeals

    with work_on_appeal(data, store, person, RIGHTS.get(act, "appeal.decide"), appeal_id) as w:
        seen = w.found(appeals, appeal_id)["version"] if version is None else version
        appeal_acted(w, desk_of(w, data), appeal_id, seen, act, words, **given)
        return _document(w, appeal_id)


def _told(document: dict[str, Any], text: str, *, as_json: bool) -> None:
    typer.echo(json.dumps(document, ensure_ascii=False) if as_json else text)


def _command(act: str) -> Callable[..., None]:
    def command(
        appeal_id: AppealId,
        person: ActingPerson,
        words: Annotated[str, typer.Option(help="What is said.")] = "",
        version: Version = None,
        data: DataFolder = Path("limitkeeper-data"),
        store: StoreUrl = None,
        as_json: AsJson = False,
    ) -> None:
        document = _acted(data, store, person, appeal_id, act.replace("-", "_"), words, version)
        text = f"{act}: the appeal is {document['state']} on tier {document['tier']}, version {document['version']}."
        _told(document, text, as_json=as_json)

    words = "" if act in WORDLESS else ' --words "what is said"'
    command.__doc__ = f"{HELP[act]}\n\nExample: limitkeeper appeal {act} 4f2a... --as ann{words}"
    command.__name__ = act.replace("-", "_")
    return command


for _act in HELP:
    application.command(_act)(_command(_act))
