"""``limitkeeper notice``: what customers were told, whether it reached them, and what they will be told."""

import json
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from limitkeeper.shells.cli.account import effects_of, shown, work_for
from limitkeeper.shells.cli.options import ActingPerson, AsJson, DataFolder, StoreUrl, store_at, work_as

application = typer.Typer(
    help="Notices: what customers are told, and whether it reached them.",
    no_args_is_help=True,
    add_completion=False,
)

NoticeId = Annotated[str, typer.Argument(help="Of the notice.")]
Rows = Annotated[int, typer.Option(min=1, max=10_000, help="Notices at most.")]


@application.callback()
def root() -> None:
    """Notices: what customers are told, and whether it reached them."""


@application.command("list")
def list_notices(
    customer: Annotated[str, typer.Option(help="Whose.")],
    person: ActingPerson,
    limit: Rows = 50,
    data: DataFolder = Path("limitkeeper-data"),
    store: StoreUrl = None,
    as_json: AsJson = False,
) -> None:
    """Show a customer's notices with what they say, the newest first; that they were looked at is kept.

    Example: limitkeeper notice list --customer c-3 --as kim
    """
    from limitkeeper.app.known_notices import inbox
    from limitkeeper.app.vault import seal_at
    from limitkeeper.core.kernel.instants import instant_text

    seal = seal_at(data)
    with work_for(data, store, person, "notice.read", customer) as w:
        found = inbox(w, seal, customer, limit)
    if as_json:
        shown(found, as_json=True, text="")
        return
    table = Table("notice", "made", "account", "kind", "subject", "read")
    for each in found:
        table.add_row(
            each["notice_id"], instant_text(each["made_us"])[:16], each["account_id"] or "", each["kind"],
            each["subject"], "yes" if each["read_us"] else "",
        )  # fmt: skip
    Console(highlight=False).print(table if found else "Nothing was written to this customer.")


@application.command("show")
def show(
    notice_id: NoticeId,
    person: ActingPerson,
    data: DataFolder = Path("limitkeeper-data"),
    store: StoreUrl = None,
    as_json: AsJson = False,
) -> None:
    """Show a notice as its customer reads it, and what became of each delivery.

    Example: limitkeeper notice show 8e1c... --as ann
    """
    from limitkeeper.app.notices import whole_notice_document
    from limitkeeper.app.vault import seal_at
    from limitkeeper.core.access.actors import SYSTEM
    from limitkeeper.store.notice_tables import notices
    from limitkeeper.store.work import reading

    seal, opened = seal_at(data), store_at(data, store)
    try:
        with reading(opened, SYSTEM, time.time_ns() // 1_000) as w:
            customer = w.found(notices, notice_id)["customer_id"]
    finally:
        opened.close()
    with work_for(data, store, person, "notice.read", customer) as w:
        found = whole_notice_document(w, seal, notice_id)
    tried = [
        f"{each['channel']}: {each['state']}, {each['attempts']} tries {each['problem'] or ''}".rstrip()
        for each in found["deliveries"]
    ]
    text = "\n\n".join([found["subject"], *found["paragraphs"], f"[{found['state']}] " + "; ".join(tried)])
    shown(found, as_json=as_json, text=text)


@application.command("dead")
def dead(
    person: ActingPerson,
    limit: Rows = 50,
    data: DataFolder = Path("limitkeeper-data"),
    store: StoreUrl = None,
    as_json: AsJson = False,
) -> None:
    """Show the notices that nobody took, without what they say; that you looked is kept.

    Example: limitkeeper notice dead --as root
    """
    import sqlalchemy as sa

    from limitkeeper.app.looks import page_noted
    from limitkeeper.app.looks import shown as whom
    from limitkeeper.app.notices import DEAD, notice_document
    from limitkeeper.store.notice_tables import notices

    query = sa.select(notices).where(notices.c.state == DEAD).order_by(notices.c.made_us.desc()).limit(limit)
    with work_as(data, store, person, "notice.list") as w:
        found = [notice_document(row) for row in w.rows(query)]
        page_noted(w, "delivery.list", whom(found))
    if as_json:
        shown(found, as_json=True, text="")
        return
    table = Table("notice", "made", "customer", "kind")
    for each in found:
        table.add_row(each["notice_id"], each["made_at"][:16], each["customer_id"], each["kind"])
    Console(highlight=False).print(table if found else "Every notice was taken, or is on its way.")


@application.command("retry")
def retry(
    notice_id: NoticeId,
    person: ActingPerson,
    data: DataFolder = Path("limitkeeper-data"),
    store: StoreUrl = None,
) -> None:
    """Let a notice that nobody took be tried again by every channel.

    Example: limitkeeper notice retry 8e1c... --as root
    """
    from limitkeeper.app.notices import sent_again

    with work_as(data, store, person, "notice.retry") as w:
        sent_again(w, notice_id)
    typer.echo("It is tried again.")


@application.command("preview")
def preview(
    case_id: Annotated[str, typer.Argument(help="Of the case.")],
    person: ActingPerson,
    data: DataFolder = Path("limitkeeper-data"),
    store: StoreUrl = None,
    as_json: AsJson = False,
) -> None:
    """Show the notice of a case in both languages as it would be written if the case were approved now.

    Example: limitkeeper notice preview 4f2a... --as ann
    """
    from limitkeeper.app.policy import LANGUAGES
    from limitkeeper.store.case_tables import cases

    with work_as(data, store, person, "case.read") as w:
        row, effects = w.found(cases, case_id), effects_of(w, data)
        w.note("notice.preview", f"case:{case_id}")
        notices = {language: effects.preview(w, row, language) for language in LANGUAGES}
    found = {
        language: {"subject": each.subject, "paragraphs": list(each.paragraphs)} if each else None
        for language, each in notices.items()
    }
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False))
        return
    for each in notices.values():
        typer.echo(f"{each.subject}\n\n{each.text}\n" if each else "Approval would change nothing any more.")
