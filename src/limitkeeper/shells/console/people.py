"""People who are let in, and the keys of services."""

from starlette.responses import Response

from limitkeeper.app.people import KEY_DAYS_MAX, PASSWORD_LETTERS
from limitkeeper.core.access.actors import STAFF_ROLES
from limitkeeper.shells.api.people_schemas import SCOPES
from limitkeeper.shells.console.details import act_words
from limitkeeper.shells.console.look import Look, PageRoute


async def people(look: Look) -> Response:
    """People, by name."""
    active = {"in": "true", "out": "false", "all": None}.get(look.asked("show", "in"))
    found = await look.ask.get("/v1/people", is_active=active, cursor=look.asked("cursor"), limit=50)
    return look.page("people", found=found, roles=STAFF_ROLES, password_letters=PASSWORD_LETTERS)


async def keys(look: Look) -> Response:
    """Keys that are good now, by service."""
    found = await look.ask.get("/v1/keys", cursor=look.asked("cursor"), limit=50)
    scopes = {scope: act_words(look.language, scope, "right") for scope in SCOPES}
    return look.page("keys", found=found, scopes=scopes, key_days_max=KEY_DAYS_MAX)


PAGES = (PageRoute("/people", people), PageRoute("/people/keys", keys))
