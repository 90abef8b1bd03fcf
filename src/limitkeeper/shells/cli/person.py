"""``limitkeeper person``: who is let in, with which roles."""

import json
import sys
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from limitkeeper.shells.cli.options import (
    ActingPerson,
    AsJson,
    DataFolder,
    StoreUrl,
    store_url,
    work_as,
)

application = typer.Typer(
    help="People: who is let in, with which roles.", no_args_is_help=True, add_completion=False
)

Name = Annotated[str, typer.Argument(help="The name that the person logs in with.")]
Roles = Annotated[
    list[str] | None,
    typer.Option(
        "--role", help="strategist, officer, committee, compliance, operator or customer; may be given again."
    ),
]


@application.callback()
def root() -> None:
    """People: who is let in, with which roles."""


@application.command("add")
def add(
    name: Name,
    role: Roles = None,
    first: Annotated[
        bool, typer.Option("--first", help="The first operator, of a store that knows nobody.")
    ] = False,
    customer: Annotated[str | None, typer.Option(help="Of a customer: his id.")] = None,
    no_password: Annotated[
        bool, typer.Option("--no-password", help="Another provider vouches for the person.")
    ] = False,
    person: Annotated[
        str | None, typer.Option("--as", envvar="LIMITKEEPER_PERSON", help="Who acts, an operator.")
    ] = None,
    data: DataFolder = Path("limitkeeper-data"),
    store: StoreUrl = None,
    as_json: AsJson = False,
) -> None:
    """Add a person; the password is asked for, or read from the input's first line, never an argument.

    The first person of a store is an operator: he lets others in and decides nothing himself. Roles that must be
    two people's are refused.

    Example: limitkeeper person add ann --role officer --as chief
    """
    from limitkeeper.app.people import first_operator_added, person_added
    from limitkeeper.core.access.actors import SYSTEM
    from limitkeeper.store.sql import Store
    from limitkeeper.store.work import work

    if first == bool(role) or (first and (person or customer)):
        raise typer.BadParameter("Give --first, or --role and --as.")
    if not first and not person:
        raise typer.BadParameter("Say who acts: --as PERSON.")
    password = None if no_password else asked_password(name)
    if first:
        opened = Store(store_url(data, store))
        try:
            with work(opened, SYSTEM, time.time_ns() // 1_000) as w:
                first_operator_added(w, name, password)
        finally:
            opened.close()
    else:
        with work_as(data, store, person or "", "person.change") as w:
            person_added(w, name, role or [], password, customer)
    _told(name, f"{name} is let in.", as_json)


@application.command("roles")
def roles(
    name: Name,
    person: ActingPerson,
    role: Roles = None,
    data: DataFolder = Path("limitkeeper-data"),
    store: StoreUrl = None,
    as_json: AsJson = False,
) -> None:
    """Give somebody else other roles, instead of those that he has; open sessions have them at once.

    Example: limitkeeper person roles ann --role committee --as chief
    """
    from limitkeeper.app.people import roles_set

    with work_as(data, store, person, "person.change") as w:
        roles_set(w, name, role or [])
    _told(name, f"{name} is now: {', '.join(role or []) or 'without a role'}.", as_json)


@application.command("password")
def password(
    name: Name,
    person: ActingPerson,
    data: DataFolder = Path("limitkeeper-data"),
    store: StoreUrl = None,
    as_json: AsJson = False,
) -> None:
    """Set a password: one's own, or as an operator somebody's; every session of that person ends.

    It is asked for, or read from the input's first line.

    Example: limitkeeper person password ann --as ann
    """
    from limitkeeper.app.people import password_set

    act = "person.password" if name == person else "person.change"
    with work_as(data, store, person, act, name) as w:
        password_set(w, name, asked_password(name))
    _told(name, f"{name} has a new password.", as_json)


@application.command("end")
def end(
    name: Name,
    person: ActingPerson,
    data: DataFolder = Path("limitkeeper-data"),
    store: StoreUrl = None,
    as_json: AsJson = False,
) -> None:
    """Let a person in no more; every session ends at once.

    Example: limitkeeper person end ann --as chief
    """
    from limitkeeper.app.people import person_ended

    with work_as(data, store, person, "person.change") as w:
        person_ended(w, name)
    _told(name, f"{name} is let in no more.", as_json)


@application.command("unlock")
def unlock(
    name: Name,
    person: ActingPerson,
    data: DataFolder = Path("limitkeeper-data"),
    store: StoreUrl = None,
    as_json: AsJson = False,
) -> None:
    """Open an account at once that wrong passwords have locked.

    Example: limitkeeper person unlock ann --as chief
    """
    from limitkeeper.app.people import unlocked

    with work_as(data, store, person, "person.change") as w:
        unlocked(w, name)
    _told(name, f"{name} may try again.", as_json)


@application.command("list")
def list_people(
    person: ActingPerson,
    data: DataFolder = Path("limitkeeper-data"),
    store: StoreUrl = None,
    role: Annotated[str | None, typer.Option(help="Only those with this role.")] = None,
    ended: Annotated[bool, typer.Option("--ended", help="Those who are let in no more.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="People at most.")] = 100,
    as_json: AsJson = False,
) -> None:
    """Show who is let in, with which roles; that you looked is kept, where customers are among them.

    Example: limitkeeper person list --role committee --as chief
    """
    import sqlalchemy as sa

    from limitkeeper.app.looks import page_noted, shown
    from limitkeeper.app.people_documents import person_document
    from limitkeeper.store.people_tables import people

    query = sa.select(people).where(people.c.is_active.is_(not ended)).order_by(people.c.person_id)
    query = query.where(people.c.roles.contains(json.dumps(role), autoescape=True)) if role else query
    with work_as(data, store, person, "person.read") as w:
        documents = [person_document(row, w.now_us) for row in w.rows(query.limit(limit))]
        page_noted(w, "person.list", shown(documents))
    if as_json:
        typer.echo(json.dumps(documents, ensure_ascii=False))
        return
    table = Table("person", "roles", "customer", "password", "locked")
    for each in documents:
        table.add_row(
            each["person_id"], ", ".join(each["roles"]), each["customer_id"] or "",
            "yes" if each["has_password"] else "none", "yes" if each["is_locked"] else "",
        )  # fmt: skip
    Console(highlight=False).print(table if documents else "Nobody: limitkeeper person add --first")


def asked_password(name: str) -> str:
    """A password: asked for twice where somebody sits at a terminal, else the first line of the input."""
    if sys.stdin.isatty():
        return str(typer.prompt(f"Password of {name}", hide_input=True, confirmation_prompt=True))
    from limitkeeper.app.people import PASSWORD_LETTERS

    return sys.stdin.readline(2 * PASSWORD_LETTERS[1]).rstrip("\r\n")


def _told(name: str, words: str, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps({"person_id": name, "done": True}, ensure_ascii=False))
    else:
        typer.echo(words)
