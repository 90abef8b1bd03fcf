"""``limitkeeper mandate``: who decides on what, and who stands in for whom."""

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from limitkeeper.shells.cli.options import ActingPerson, DataFolder, StoreUrl, store_at, work_as

if TYPE_CHECKING:
    from limitkeeper.store.work import Work

application = typer.Typer(
    help="Mandates: who decides on what, and who stands in for whom.",
    no_args_is_help=True,
    add_completion=False,
)


@application.callback()
def root() -> None:
    """Mandates: who decides on what, and who stands in for whom."""


@application.command("give")
def give(
    holder: Annotated[str, typer.Argument(help="Who decides.")],
    person: ActingPerson,
    tier: Annotated[int, typer.Option(min=2, max=3, help="2: the risk team; 3: a seat on the committee.")],
    action: Annotated[list[str] | None, typer.Option(help="Only this action; may be given again.")] = None,
    cut_max: Annotated[
        int | None, typer.Option(min=0, help="Largest change of a limit, minor units.")
    ] = None,
    exposure_max: Annotated[int | None, typer.Option(min=0, help="Largest exposure, minor units.")] = None,
    data: DataFolder = Path("limitkeeper-data"),
    store: StoreUrl = None,
) -> None:
    """Give somebody else a mandate; a seat on a committee that has sat waits for a second member.

    Example: limitkeeper mandate give ann --tier 2 --cut-max 5000000 --as chief
    """
    from limitkeeper.app.approval_policy import approval_policy
    from limitkeeper.app.mandates import MANDATE, mandate_given
    from limitkeeper.core.approval.mandates import Mandate

    with work_as(data, store, person, "mandate.give") as w:
        mandate = Mandate(holder, tier, frozenset(action or []), cut_max, exposure_max, w.now_us)
        mandate_id = mandate_given(w, mandate, approval_policy())
        to_confirm = waiting(w, MANDATE, mandate_id)
    Console(highlight=False).print(to_confirm or f"{holder} decides on tier {tier}; mandate {mandate_id}.")


@application.command("end")
def end(
    mandate_id: Annotated[str, typer.Argument(help="Of the mandate.")],
    person: ActingPerson,
    data: DataFolder = Path("limitkeeper-data"),
    store: StoreUrl = None,
) -> None:
    """End a mandate now; that another's seat on a committee that has sat ends waits for a second member.

    Example: limitkeeper mandate end 4f2a... --as chief
    """
    from limitkeeper.app.approval_policy import approval_policy
    from limitkeeper.app.mandates import MANDATE, mandate_ended

    with work_as(data, store, person, "mandate.give") as w:
        mandate_ended(w, mandate_id, approval_policy())
        to_confirm = waiting(w, MANDATE, mandate_id)
    Console(highlight=False).print(to_confirm or "The mandate has ended.")


@application.command("confirm")
def confirm(
    mandate_id: Annotated[str, typer.Argument(help="Of the mandate.")],
    person: ActingPerson,
    data: DataFolder = Path("limitkeeper-data"),
    store: StoreUrl = None,
) -> None:
    """Confirm, as a second member, that a seat begins or ends: from now.

    Example: limitkeeper mandate confirm 4f2a... --as max
    """
    from limitkeeper.app.mandates import MANDATE, change_confirmed

    with work_as(data, store, person, "mandate.confirm") as w:
        change_confirmed(w, MANDATE, mandate_id)
    Console(highlight=False).print("Confirmed, from now.")


@application.command("decline")
def decline(
    mandate_id: Annotated[str, typer.Argument(help="Of the mandate.")],
    person: ActingPerson,
    data: DataFolder = Path("limitkeeper-data"),
    store: StoreUrl = None,
) -> None:
    """Decline that a seat begins or ends, or take back what one asked for: all stays as it is.

    Example: limitkeeper mandate decline 4f2a... --as max
    """
    from limitkeeper.app.mandates import MANDATE, change_declined

    with work_as(data, store, person, "mandate.confirm") as w:
        change_declined(w, MANDATE, mandate_id)
    Console(highlight=False).print("Declined: all stays as it is.")


@application.command("absent")
def absent(
    away: Annotated[str, typer.Argument(help="Who is away.")],
    deputy: Annotated[str, typer.Argument(help="Who decides meanwhile, under the same mandate.")],
    person: ActingPerson,
    days: Annotated[float, typer.Option(min=0.01, max=366, help="For how long, from now.")] = 14.0,
    data: DataFolder = Path("limitkeeper-data"),
    store: StoreUrl = None,
) -> None:
    """Note that somebody is away, and who decides meanwhile; of a member another's note waits for a second member.

    Example: limitkeeper mandate absent ann bob --days 10 --as chief
    """
    from limitkeeper.app.approval_policy import approval_policy
    from limitkeeper.app.mandates import ABSENCE, absence_noted
    from limitkeeper.core.approval.mandates import Absence
    from limitkeeper.core.behaviour.events import DAY_US

    with work_as(data, store, person, "mandate.give") as w:
        absence = Absence(away, deputy, w.now_us, w.now_us + int(days * DAY_US))
        absence_id = absence_noted(w, absence, approval_policy())
        to_confirm = waiting(w, ABSENCE, absence_id)
    said = f"{deputy} decides for {away} for {days:g} days; absence {absence_id}."
    Console(highlight=False).print(to_confirm or said)


@application.command("end-absence")
def end_absence(
    absence_id: Annotated[str, typer.Argument(help="Of the absence.")],
    person: ActingPerson,
    data: DataFolder = Path("limitkeeper-data"),
    store: StoreUrl = None,
) -> None:
    """End an absence now: who was away decides again himself.

    Example: limitkeeper mandate end-absence 4f2a... --as chief
    """
    from limitkeeper.app.mandates import absence_ended

    with work_as(data, store, person, "mandate.give") as w:
        absence_ended(w, absence_id)
    Console(highlight=False).print("The absence has ended.")


@application.command("confirm-absence")
def confirm_absence(
    absence_id: Annotated[str, typer.Argument(help="Of the absence.")],
    person: ActingPerson,
    data: DataFolder = Path("limitkeeper-data"),
    store: StoreUrl = None,
) -> None:
    """Confirm, as a second member, that a member is away: his deputy votes from now.

    Example: limitkeeper mandate confirm-absence 4f2a... --as max
    """
    from limitkeeper.app.mandates import ABSENCE, change_confirmed

    with work_as(data, store, person, "mandate.confirm") as w:
        change_confirmed(w, ABSENCE, absence_id)
    Console(highlight=False).print("Confirmed, from now.")


@application.command("decline-absence")
def decline_absence(
    absence_id: Annotated[str, typer.Argument(help="Of the absence.")],
    person: ActingPerson,
    data: DataFolder = Path("limitkeeper-data"),
    store: StoreUrl = None,
) -> None:
    """Decline that a member is away, or take back what one asked for: he votes himself.

    Example: limitkeeper mandate decline-absence 4f2a... --as max
    """
    from limitkeeper.app.mandates import ABSENCE, change_declined

    with work_as(data, store, person, "mandate.confirm") as w:
        change_declined(w, ABSENCE, absence_id)
    Console(highlight=False).print("Declined: he votes himself.")


def waiting(w: "Work", what: str, key: str) -> str:
    """What to say where it waits for a second member; empty where it does not."""
    from limitkeeper.app.mandates import TABLES

    row = w.found(TABLES[what], key)
    command = "confirm" if what == "mandate" else "confirm-absence"
    return f"It waits for a second member: limitkeeper mandate {command} {key}" if row["pending"] else ""


@application.command("list")
def list_mandates(
    data: DataFolder = Path("limitkeeper-data"),
    store: StoreUrl = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the mandates as JSON.")] = False,
) -> None:
    """Show who decides on what now, who stands in for whom, and what waits for a second member.

    Example: limitkeeper mandate list
    """
    import sqlalchemy as sa

    from limitkeeper.store.case_tables import absences, mandates

    now_us = time.time_ns() // 1_000
    opened = store_at(data, store)
    try:
        given = opened.rows(
            sa.select(mandates).where(mandates.c.to_us > now_us).order_by(mandates.c.person_id)
        )
        away = opened.rows(
            sa.select(absences).where(absences.c.to_us > now_us).order_by(absences.c.absence_id.desc())
        )
    finally:
        opened.close()
    # Of several absences of a person the first by its id decides.
    in_force = {row["person_id"]: row for row in away if row["pending"] is None}
    to_begin = {row["person_id"]: row for row in away if row["pending"] is not None}
    nobody = {"deputy_id": None, "absence_id": None, "asked_by": None}
    documents = [
        {"mandate_id": row["mandate_id"], "person": row["person_id"], "tier": row["tier"],
         "actions": json.loads(row["actions"]), "cut_cents_max": row["cut_cents_max"],
         "exposure_cents_max": row["exposure_cents_max"], "deputy": absence["deputy_id"],
         "absence_id": absence["absence_id"], "pending": row["pending"], "asked_by": row["asked_by"],
         "pending_absence": {name: asked[name] for name in nobody}}
        for row in given
        for absence in (in_force.get(row["person_id"], nobody),)
        for asked in (to_begin.get(row["person_id"], nobody),)
    ]  # fmt: skip
    if as_json:
        typer.echo(json.dumps(documents, ensure_ascii=False))
        return
    shown = Table("mandate", "person", "tier", "actions", "largest change", "largest exposure", "deputy now", "absence",
                  "waits for a second member")  # fmt: skip
    for each in documents:
        bounds = [f"{cents / 100:,.2f}" if cents is not None else "any"
                  for cents in (each["cut_cents_max"], each["exposure_cents_max"])]  # fmt: skip
        actions = ", ".join(each["actions"]) or "all"
        shown.add_row(
            each["mandate_id"], each["person"], str(each["tier"]), actions, *bounds, each["deputy"] or "",
            each["absence_id"] or "", "; ".join(waits(each)),
        )  # fmt: skip
    Console(highlight=False).print(shown if documents else "Nobody has a mandate: limitkeeper mandate give")


def waits(document: dict[str, Any]) -> list[str]:
    """What waits of a mandate and of its holder's absence, in words."""
    found, away = [], document["pending_absence"]
    if document["pending"]:
        found.append(f"to {document['pending']}, asked by {document['asked_by']}")
    if away["absence_id"]:
        found.append(f"deputy {away['deputy_id']}, asked by {away['asked_by']}, absence {away['absence_id']}")
    return found
