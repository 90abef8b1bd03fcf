"""Mandates and absences: who decides on what, and who stands in."""

from typing import Any

from starlette.responses import Response

from limitkeeper.app.mandates import ACTIONS
from limitkeeper.shells.console.look import Look, PageRoute


async def mandates(look: Look) -> Response:
    """Mandates in force, and who is away."""
    found = await look.ask.get("/v1/mandates", cursor=look.asked("cursor"), limit=50)
    absences = await look.ask.get("/v1/absences", limit=200)
    return look.page(
        "mandates", found=found, absences=absences["items"], actions=ACTIONS,
        people=people_named(found["items"], absences["items"]),
    )  # fmt: skip


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
