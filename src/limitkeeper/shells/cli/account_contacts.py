"""``limitkeeper account``: how a customer is written to, and whether he refuses automated decisions."""

from pathlib import Path
from typing import Annotated, Any

import typer

from limitkeeper.shells.cli.account import CustomerId, shown, work_for
from limitkeeper.shells.cli.options import ActingPerson, AsJson, DataFolder, StoreUrl

application = typer.Typer(add_completion=False)

ContactId = Annotated[str, typer.Argument(help="Of the contact.")]


def _text(found: dict[str, Any]) -> str:
    quiet = f"{found['quiet_from_hour']}:00 to {found['quiet_to_hour']}:00 {found['time_zone']}"
    lines = [
        f"{found['customer_id']}: {found['language']}, not written to from {quiet}",
        "A person decides always." if found["refuses_automation"] else "Automated decisions are accepted.",
    ]
    for each in found["contacts"]:
        state = "broken" if each["is_broken"] else "agreed" if each["consented"] else "not agreed"
        lines.append(f"{each['contact_id']}  {each['channel']}  {each['address']}  {state}")
    return "\n".join(lines)


@application.command("customer")
def customer_shown(
    customer: CustomerId,
    person: ActingPerson,
    data: DataFolder = Path("limitkeeper-data"),
    store: StoreUrl = None,
    as_json: AsJson = False,
) -> None:
    """Show a customer's preferences and contacts; addresses whole to himself alone.

    Example: limitkeeper account customer c-3 --as kim
    """
    from limitkeeper.app.customers import customer_document
    from limitkeeper.app.vault import seal_at

    seal = seal_at(data)
    with work_for(data, store, person, "customer.read", customer) as w:
        own = w.actor.customer_id == customer
        found = customer_document(w, seal, customer, shows_addresses=own)
    shown(found, as_json=as_json, text=_text(found))


@application.command("prefer")
def prefer(
    customer: CustomerId,
    person: ActingPerson,
    language: Annotated[str | None, typer.Option(help="en or zh.")] = None,
    time_zone: Annotated[str | None, typer.Option(help="Such as Asia/Shanghai.")] = None,
    quiet_from: Annotated[
        int | None, typer.Option(min=0, max=23, help="Hour from which nobody writes.")
    ] = None,
    quiet_to: Annotated[
        int | None, typer.Option(min=0, max=23, help="Hour until which nobody writes.")
    ] = None,
    refuse: Annotated[
        bool | None,
        typer.Option("--refuse-automation/--accept-automation", help="Whether a person is to decide always."),
    ] = None,
    data: DataFolder = Path("limitkeeper-data"),
    store: StoreUrl = None,
) -> None:
    """Set how a customer is written to, or that he refuses automated decisions.

    Example: limitkeeper account prefer c-3 --language en --refuse-automation --as kim
    """
    from limitkeeper.app.customers import preferences_changed

    given = {"language": language, "time_zone": time_zone, "quiet_from_hour": quiet_from, "quiet_to_hour": quiet_to,
             "refuses_automation": refuse}  # fmt: skip
    with work_for(data, store, person, "customer.prefer", customer) as w:
        preferences_changed(w, customer, {name: value for name, value in given.items() if value is not None})
    typer.echo("It is set.")


@application.command("contact")
def contact(
    customer: CustomerId,
    channel: Annotated[str, typer.Argument(help="mail or sms.")],
    address: Annotated[str, typer.Argument(help="A mail address, or a number like +8613900000000.")],
    person: ActingPerson,
    consents: Annotated[
        bool,
        typer.Option("--consent/--no-consent", help="Whether the customer agrees to be written to there."),
    ],
    data: DataFolder = Path("limitkeeper-data"),
    store: StoreUrl = None,
) -> None:
    """Add a way to reach a customer, behind those that he has.

    Example: limitkeeper account contact c-3 mail kim@example.org --consent --as kim
    """
    from limitkeeper.app.customers import contact_given
    from limitkeeper.app.vault import seal_at

    seal = seal_at(data)
    with work_for(data, store, person, "customer.prefer", customer) as w:
        typer.echo(contact_given(w, seal, customer, channel, address, consents=consents))


@application.command("consent")
def consent(
    customer: CustomerId,
    contact_id: ContactId,
    person: ActingPerson,
    consents: Annotated[bool, typer.Option("--give/--withdraw", help="Whether the customer agrees.")],
    data: DataFolder = Path("limitkeeper-data"),
    store: StoreUrl = None,
) -> None:
    """Agree to be written to by a contact, or withdraw that.

    Example: limitkeeper account consent c-3 7c1c... --withdraw --as kim
    """
    from limitkeeper.app.customers import consent_set

    with work_for(data, store, person, "customer.prefer", customer) as w:
        consent_set(w, customer, contact_id, consents=consents)
    typer.echo("It is set.")


@application.command("forget")
def forget(
    customer: CustomerId,
    contact_id: ContactId,
    person: ActingPerson,
    data: DataFolder = Path("limitkeeper-data"),
    store: StoreUrl = None,
) -> None:
    """Forget the address of a contact.

    Example: limitkeeper account forget c-3 7c1c... --as kim
    """
    from limitkeeper.app.customers import contact_forgotten
    from limitkeeper.app.vault import seal_at

    seal = seal_at(data)
    with work_for(data, store, person, "customer.prefer", customer) as w:
        contact_forgotten(w, seal, customer, contact_id)
    typer.echo("It is forgotten.")
