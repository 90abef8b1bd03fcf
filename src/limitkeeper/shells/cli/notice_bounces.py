"""``limitkeeper notice bounce``: letters that came back."""

import json
import sys
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from limitkeeper.shells.cli.options import ActingPerson, AsJson, DataFolder, StoreUrl, store_at

application = typer.Typer(add_completion=False)


@application.command("bounce")
def bounce(
    person: ActingPerson,
    maildir: Annotated[
        Path | None, typer.Option(help="Maildir whose new messages are read, then moved to the seen ones.")
    ] = None,
    mbox: Annotated[Path | None, typer.Option(help="Mailbox file whose messages are read.")] = None,
    data: DataFolder = Path("limitkeeper-data"),
    store: StoreUrl = None,
    as_json: AsJson = False,
) -> None:
    """Read reports of mail servers on letters that came back: a message on the input, a Maildir or a mailbox file.

    A failure for good (5.x.x) breaks the contact, and the customer's next one is tried; one for now loses the letter
    only; a delay is noted. What is no report on a letter of ours changes nothing; reading twice changes nothing more.

    Example: limitkeeper notice bounce --as postmaster < report.eml

    Example: limitkeeper notice bounce --maildir /var/mail/bounces --as postmaster
    """
    from limitkeeper.app.bounces import OUTCOMES, returned
    from limitkeeper.app.people import acting_person
    from limitkeeper.connectors.bounces import REPORT_BYTES_MAX, bounce_of, maildir_messages, mbox_messages
    from limitkeeper.store.work import work

    if maildir and mbox:
        raise typer.BadParameter("Give --maildir or --mbox, not both.")
    messages: Iterable[bytes]
    if maildir:
        messages = maildir_messages(maildir)
    elif mbox:
        messages = mbox_messages(mbox)
    else:
        messages = [sys.stdin.buffer.read(REPORT_BYTES_MAX + 1)]
    counts: Counter[str] = Counter({"no_report": 0, **dict.fromkeys(OUTCOMES, 0)})
    opened = store_at(data, store)
    try:
        actor = acting_person(opened, person, "notice.bounce")
        for content in messages:
            report = bounce_of(content)
            if report is None:
                counts["no_report"] += 1
                continue
            with work(opened, actor, time.time_ns() // 1_000) as w:
                counts.update(returned(w, [report]))
    finally:
        opened.close()
    if as_json:
        typer.echo(json.dumps(counts))
    else:
        told = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in counts.items() if count)
        Console(highlight=False).print(f"Messages: {told or 'none'}.")
