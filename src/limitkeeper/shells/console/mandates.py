"""Mandates and absences: who decides on what, and who stands in."""

from typing import Any

from starlette.responses import Response

from limitkeeper.app.mandates import ACTIONS
from limitkeeper.core.approval.seats import BEGIN
from limitkeeper.shells.console.look import Look, PageRoute


async def mandates(look: Look) -> Response:
    """What waits for a second member, mandates in force, and who is away."""
    found = await look.ask.get("/v1/mandates", cursor=look.asked("cursor"), limit=50)
    seats, absences = await look.ask.each("/v1/mandates?is_pending=true&limit=200", "/v1/absences?limit=200")
    return look.page(
        "mandates", found=found, in_force=begun(found["items"]), away=begun(absences["items"]), actions=ACTIONS,
        waiting=seats["items"] + [each for each in absences["items"] if each["pending"]],
        people=people_named(found["items"], absences["items"]),
    )  # fmt: skip


def begun(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those that do not wait to begin."""
    return [each for each in items if each["pending"] != BEGIN]


def people_named(mandates: list[dict[str, Any]], absences: list[dict[str, Any]]) -> list[str]:
    """Whom mandates and absences name, to be suggested: the committee does not read the list of people.

    Examples
    --------
    >>> people_named([{"person_id": "mia"}], [{"person_id": "bob", "deputy_id": "mia"}])
    ['bob', 'mia']
    """
    named = {each["person_id"] for each in (*mandates, *absences)}
    return sorted(named | {each["deputy_id"] for each in absences})


PAGES = (PageRoute("/mandates", mandates),)
