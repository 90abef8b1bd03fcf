"""``limitkeeper rights``: what persons ask for as their right, and what they consent to."""

import json
import time
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
    looking_as,
    store_at,
    work_as,
)

if TYPE_CHECKING:
    from limitkeeper.store.work import Work

application = typer.Typer(
    no_args_is_help=True,
    help="Persons' rights: access, copy, correction, erasure, withdrawal of consent, explanation, a human decision.",
)

CustomerId = Annotated[str, typer.Argument(help="Whose.", show_default=False)]
RequestId = Annotated[str, typer.Argument(help="The request.", show_default=False)]
Words = Annotated[str, typer.Option(help="What is said of it; kept sealed.")]


@application.command("make", epilog="Example: limitkeeper rights make kim access --as ann")
def make(
    customer: CustomerId,
    kind: Annotated[
        str,
        typer.Argument(
            help="access, copy, correct, erase, withdraw_consent, explain, human.", show_default=False
        ),
    ],
    person: ActingPerson,
    words: Words = "",
    data: DataFolder = Path("limitkeeper-data"),
    store: StoreUrl = None,
) -> None:
    """Take in a request of a person; who asks is to be verified, unless his own login brought it."""
    from limitkeeper.app.rights import request_made
    from limitkeeper.app.vault import seal_at

    seal = seal_at(data)
    with work_as(data, store, person, "rights.request", customer) as w:
        typer.echo(request_made(w, seal, customer, kind, words))


@application.command(
    "verify", epilog="Example: limitkeeper rights verify 4f2a... --words 'passport seen' --as ivy"
)
def verify(
    request: RequestId,
    person: ActingPerson,
    words: Words,
    data: DataFolder = Path("limitkeeper-data"),
    store: StoreUrl = None,
) -> None:
    """Record that it is known who asks, and how it is."""
    from limitkeeper.app.rights import request_verified
    from limitkeeper.app.vault import seal_at

    seal = seal_at(data)
    with work_as(data, store, person, "rights.answer") as w:
        request_verified(w, seal, request, _version(w, request), words)
    typer.echo("verified")


@application.command(
    "extend", epilog="Example: limitkeeper rights extend 4f2a... --days 30 --words 'forty decisions' --as ivy"
)
def extend(
    request: RequestId,
    person: ActingPerson,
    words: Words,
    days: Annotated[int, typer.Option(help="By how many days; how many at most is dated policy.")],
    data: DataFolder = Path("limitkeeper-data"),
    store: StoreUrl = None,
) -> None:
    """Extend the clock of a request that waits, once, before it has run out; the words say why, and he is told."""
    from limitkeeper.app.rights import request_extended
    from limitkeeper.app.vault import seal_at
    from limitkeeper.core.kernel.instants import instant_text

    seal = seal_at(data)
    with work_as(data, store, person, "rights.answer") as w:
        found = request_extended(w, seal, request, _version(w, request), days, words)
    typer.echo(f"answer until {instant_text(found.answer_until_us)[:10]}")


@application.command("copy", epilog="Example: limitkeeper rights copy 4f2a... --out kim.json --as ivy")
def copy(
    request: RequestId,
    person: ActingPerson,
    out: Annotated[
        Path,
        typer.Option(
            help="File for everything that is kept of the person: .json for machines, .html to be read.",
            show_default=False,
        ),
    ],
    language: Annotated[str, typer.Option(help="Of the page: en or zh.")] = "en",
    data: DataFolder = Path("limitkeeper-data"),
    store: StoreUrl = None,
) -> None:
    """Answer a request for access or a copy: everything that the store holds of the person, with who looked at it.

    With the events of his accounts that the journal still has. What a running server alone knows, the portraits of now,
    is named as left out: the server's own copy has it.
    The file says for whom and by whom it was made. It is personal data: hand it over, and delete it.
    """
    from limitkeeper.app.journal import journal_rows_of
    from limitkeeper.app.personal_copy import JOURNAL
    from limitkeeper.app.rights import copied_person, copy_given
    from limitkeeper.app.vault import seal_at
    from limitkeeper.shells.cli.progress import progress_bars
    from limitkeeper.shells.report.copy_page import copy_html

    seal, opened = seal_at(data), store_at(data, store)
    with looking_as(data, store, person, "rights.answer") as w:
        customer_id, his = copied_person(w, request)
    try:
        with progress_bars() as progress:  # before the work: nobody who writes waits for it
            sent = list(journal_rows_of(opened, {*his["account_id"], customer_id}, progress))
    finally:
        opened.close()
    with work_as(data, store, person, "rights.answer") as w:
        found = copy_given(w, seal, request, {JOURNAL: sent}, rows_max=None)
        is_page = out.suffix == ".html"
        text = (
            copy_html(found, language) if is_page else json.dumps(found, ensure_ascii=False, indent=1) + "\n"
        )
        out.touch(mode=0o600)
        out.write_text(text, encoding="utf-8")
    counts = ", ".join(f"{name} {len(rows):,}" for name, rows in found["data"].items())
    typer.echo(f"{out}: {counts}")
    for each in found["left_out"]:
        typer.echo(f"not here: {each['part']}; a running server gives it: {each['at']}", err=True)


@application.command("erase", epilog="Example: limitkeeper rights erase 4f2a... --dry-run --as ivy")
def erase(
    request: RequestId,
    person: ActingPerson,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what bars it, and change nothing.")] = False,
    data: DataFolder = Path("limitkeeper-data"),
    store: StoreUrl = None,
) -> None:
    """Erase a person: his key is destroyed, so that nothing of his opens anywhere; what names him is taken away.

    There is no way back. What bars it (an open line, a case, an appeal, retention, a notice of it that has not gone out
    yet) is told; exit code 1.
    """
    from limitkeeper.app.erasure import bars_to_erasure, person_erased, traces_removed
    from limitkeeper.app.vault import seal_at
    from limitkeeper.store.rights_tables import rights_requests

    seal = seal_at(data)
    with work_as(data, store, person, "rights.answer") as w:
        if dry_run:
            bars = bars_to_erasure(w, w.found(rights_requests, request)["customer_id"])
            typer.echo(
                "\n".join(f"{each.code}: {each.english} {each.chinese}" for each in bars)
                or "Nothing bars it."
            )
            raise typer.Exit(1 if bars else 0)
        done = person_erased(w, seal, request, _version(w, request))
    opened = store_at(data, store)
    traces_removed(opened)
    opened.close()
    typer.echo("erased: " + ", ".join(f"{name} {count:,}" for name, count in done.items() if count))


@application.command("erase-again", epilog="Example: limitkeeper rights erase-again --as ivy")
def erase_again(
    person: ActingPerson, data: DataFolder = Path("limitkeeper-data"), store: StoreUrl = None
) -> None:
    """Erase again, in a store that was restored from a copy, everybody whose key the vault has as destroyed.

    Run it before the server starts: who is stated anew under such an id is taken for the person of before. Nothing bars
    it, and the monitor is told at the server's next start.
    """
    from limitkeeper.app.erased_again import erased_again
    from limitkeeper.app.erasure import traces_removed
    from limitkeeper.app.vault import vault_at
    from limitkeeper.connectors.sealing import Seal, master_keys_from_environment

    vault = vault_at(data)
    seal = Seal(master_keys_from_environment(), vault)
    with work_as(data, store, person, "rights.answer") as w:
        count = erased_again(w, seal, vault)
    vault.close()
    opened = store_at(data, store)
    traces_removed(opened)
    opened.close()
    typer.echo(f"erased again: {count:,}")


@application.command(
    "answer", epilog="Example: limitkeeper rights answer 4f2a... --words 'corrected' --as ivy"
)
def answer(
    request: RequestId,
    person: ActingPerson,
    words: Words,
    refuse: Annotated[bool, typer.Option("--refuse", help="Refuse it, for the reason in the words.")] = False,
    rest: Annotated[
        str | None, typer.Option(help="Answer it in part: what is not done, and why; kept sealed.")
    ] = None,
    scope: Annotated[
        list[str] | None,
        typer.Option(help="Of a request to withdraw consent: which; default: the one that holds."),
    ] = None,
    data: DataFolder = Path("limitkeeper-data"),
    store: StoreUrl = None,
) -> None:
    """Answer a request by what was done, in part or whole, or refuse it; a consent that it withdraws is withdrawn."""
    from limitkeeper.app.rights import request_answered
    from limitkeeper.app.vault import seal_at

    seal, act = seal_at(data), "refuse" if refuse else "answer" if rest is None else "partly"
    with work_as(data, store, person, "rights.answer") as w:
        found = request_answered(
            w, seal, request, _version(w, request), act, words, rest or "", scopes=scope or ()
        )
    typer.echo(found.state)


@application.command("list", epilog="Example: limitkeeper rights list --overdue --as ivy")
def list_requests(
    person: ActingPerson,
    overdue: Annotated[
        bool, typer.Option("--overdue", help="Only those whose answer should be there.")
    ] = False,
    ended: Annotated[bool, typer.Option("--ended", help="Those that have ended, too.")] = False,
    data: DataFolder = Path("limitkeeper-data"),
    store: StoreUrl = None,
    as_json: AsJson = False,
) -> None:
    """List requests by their clock; that you looked is kept. Exit code 3 with --overdue: there are some."""
    from limitkeeper.app.looks import page_noted, shown
    from limitkeeper.app.rights_documents import request_documents

    with work_as(data, store, person, "rights.list") as w:
        documents = request_documents(w, w.now_us, ended=ended)
        if overdue:
            documents = [each for each in documents if each["is_overdue"]]
        page_noted(w, "rights.list", shown(documents))
    if as_json:
        typer.echo(json.dumps(documents, ensure_ascii=False, indent=1))
    else:
        _show(documents)
    if overdue and documents:
        raise typer.Exit(3)


@application.command("show", epilog="Example: limitkeeper rights show 4f2a... --as ivy")
def show(
    request: RequestId,
    person: ActingPerson,
    data: DataFolder = Path("limitkeeper-data"),
    store: StoreUrl = None,
    as_json: AsJson = False,
) -> None:
    """Show one request with what was said and done, and what bars an erasure that waits; that it was read is kept."""
    from limitkeeper.app.rights_documents import request_read
    from limitkeeper.app.vault import seal_at

    seal = seal_at(data)
    with work_as(data, store, person, "rights.read") as w:
        found = request_read(w, seal, request)
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False, indent=1))
        return
    _show([found])
    for each in found["acts"]:
        typer.echo(f"{each['at'][:19]} {each['by']} {each['act']}: {each['state']} {each['words']}".rstrip())
    for each in found["bars"]:
        typer.echo(f"{each['code']}: {each['en']} {each['zh']}")


@application.command(
    "consent", epilog="Example: limitkeeper rights consent kim relations --withdraw --as ann"
)
def consent(
    customer: CustomerId,
    person: ActingPerson,
    scope: Annotated[str | None, typer.Argument(help="relations, bureau, sharing; none: show them.")] = None,
    withdraw: Annotated[bool, typer.Option("--withdraw", help="Withdraw it.")] = False,
    data: DataFolder = Path("limitkeeper-data"),
    store: StoreUrl = None,
    as_json: AsJson = False,
) -> None:
    """Record a consent in the newest words, or its withdrawal; or show what stands."""
    from limitkeeper.app.consents import consent_changed, consents_of
    from limitkeeper.core.kernel.instants import instant_text

    with work_as(data, store, person, "consent.change" if scope else "consent.read", customer) as w:
        if scope is not None:
            consent_changed(w, customer, scope, gives=not withdraw)
        found = [each._asdict() | {"since": instant_text(each.since_us)} for each in consents_of(w, customer)]
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False, indent=1))
        return
    for each in found:
        typer.echo(
            f"{each['scope']} {each['text_version']}: {'given' if each['holds'] else 'withdrawn'} {each['since'][:19]}"
        )
    if not found:
        typer.echo("No consent.")


@application.command(
    "aggregate",
    epilog="Example: limitkeeper rights aggregate --from 2026-10-01 --to 2026-10-31 --epsilon 0.5 --as ivy",
)
def aggregate(
    person: ActingPerson,
    first: Annotated[str, typer.Option("--from", help="First day.", show_default=False)],
    last: Annotated[str, typer.Option("--to", help="Last day.", show_default=False)],
    epsilon: Annotated[float, typer.Option(help="What it spends of the year's privacy budget.")] = 0.5,
    segment: Annotated[list[str] | None, typer.Option(help="Told apart; may be given again.")] = None,
    data: DataFolder = Path("limitkeeper-data"),
    store: StoreUrl = None,
    as_json: AsJson = False,
) -> None:
    """Count the customers whose limits changed, for somebody outside: with differential privacy, each counting once.

    What it spends is kept on the audit; the year's budget is dated policy. Needs limitkeeper[privacy].
    """
    from limitkeeper.app.private_aggregates import private_aggregate

    days = (day_named(first), day_named(last))
    with work_as(data, store, person, "aggregate.give") as w:
        found = private_aggregate(w, *days, epsilon, segment or [])
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False, indent=1))
        return
    for each in found["counts"]:
        typer.echo(f"{each['action']:10} {each['segment'] or '-':16} {each['customers']:,}")
    typer.echo(f"Each is off by {found['off_by_at_most']:,} at most in {found['confidence']:.0%} of cases; "
               f"{found['budget_left']:g} of the year's budget is left.")  # fmt: skip


@application.command("retain", epilog="Example: limitkeeper rights retain --dry-run")
def retain(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count, and take nothing away.")] = False,
    data: DataFolder = Path("limitkeeper-data"),
    store: StoreUrl = None,
    as_json: AsJson = False,
) -> None:
    """Take away what has been kept long enough, by class; a server with --workflow does it every day by itself."""
    from limitkeeper.app.retention import kept_too_long, retention_kept
    from limitkeeper.shells.cli.progress import progress_bars

    opened, now_us = store_at(data, store), time.time_ns() // 1_000
    try:
        with progress_bars() as progress:
            done = kept_too_long(opened, now_us) if dry_run else retention_kept(opened, now_us, progress)
    finally:
        opened.close()
    if as_json:
        typer.echo(json.dumps(done))
        return
    for name, count in done.items():
        typer.echo(f"{name.removesuffix('_days')}: {count:,} {'would go' if dry_run else 'gone'}")


def _version(w: "Work", request: str) -> int:
    from limitkeeper.store.rights_tables import rights_requests

    return int(w.found(rights_requests, request)["version"])


def _show(documents: list[dict[str, Any]]) -> None:
    console = Console(highlight=False, soft_wrap=True)
    for each in documents:
        late = f", {each['extended_days']} days longer" if each["extended_days"] else ""
        late += "  OVERDUE" if each["is_overdue"] else ""
        console.print(f"{each['request_id']}  {each['kind']} of {each['customer_id']}: {each['state']}, "
                      f"answer until {each['answer_until_at'][:10]}{late}", markup=False)  # fmt: skip
    if not documents:
        console.print("No request waits.")
