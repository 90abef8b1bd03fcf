"""The way in and out: logging in, logging out, and how the pages look."""

from starlette.responses import RedirectResponse, Response

from limitkeeper.app.oidc_login import REFUSALS
from limitkeeper.core.access.actors import CUSTOMER
from limitkeeper.shells.console.asking import ProblemError
from limitkeeper.shells.console.elsewhere import exit_url, log_in_elsewhere, problem_said
from limitkeeper.shells.console.look import Look, PageRoute
from limitkeeper.shells.console.session import (
    LOOK_COOKIES,
    LOOK_SECONDS,
    PROVIDER_COOKIE,
    ROOT,
    begin_session,
    cookie_terms,
    end_session,
    inside,
    token_of,
)


def home(look: Look) -> str:
    """Where somebody begins: customers with their lines, others with the first place that is theirs, or oneself."""
    if CUSTOMER in look.me.get("roles", ()):
        return f"{ROOT}/my"
    places: list[str] = [place["path"] for place in look.places]
    return places[0] if places else f"{ROOT}/me"


async def login(look: Look) -> Response:
    """The way in."""
    if look.me:
        return look.forth(inside(look.asked("then"), home(look)))
    problem = problem_said(look.asked("refused")) if look.console.oidc else None
    return way_in(look, problem["status"] if problem else 200, problem=problem)


def way_in(look: Look, status: int = 200, **values: object) -> Response:
    """The page of the way in, or of what went wrong there."""
    stands = look.asked("left") == "provider" or look.asked("refused") in REFUSALS
    given = {
        "then": inside(look.asked("then")),
        "person_id": "",
        "stands": stands and look.console.oidc is not None,
        "exit_url": exit_url(look),
    }
    return look.page("login", status, **given | values)


async def log_in(look: Look) -> Response:
    """Begin a session."""
    form = await look.request.form()
    given = {"person_id": str(form.get("person_id", "")).strip(), "password": str(form.get("password", ""))}
    then = inside(str(form.get("then", "")))
    try:
        found = await look.ask.answer("POST", "/v1/login", json=given)
    except ProblemError as error:
        return way_in(look, error.status, then=then, problem=error.document, person_id=given["person_id"])
    token = found.json()["token"]
    look.request.cookies["limitkeeper_session"] = token
    response = RedirectResponse(then if then != ROOT else f"{ROOT}/home", 303)
    begin_session(look.request, response, token)
    return response


async def at_home(look: Look) -> Response:
    """To where somebody begins."""
    return look.forth(home(look))


async def log_out(look: Look) -> Response:
    """End the session."""
    by_provider = PROVIDER_COOKIE in look.request.cookies
    response = RedirectResponse(f"{ROOT}/login" + ("?left=provider" if by_provider else ""), 303)
    if token_of(look.request):
        try:
            await look.ask.answer("POST", "/v1/logout")
        except ProblemError as error:  # over already
            if error.status != 401:  # noqa: PLR2004 - of HTTP
                raise
    end_session(look.request, response)
    return response


async def change_look(look: Look) -> Response:
    """Keep a language or a theme."""
    form = await look.request.form()
    response = look.forth(str(form.get("_then", "")))
    for name, allowed in LOOK_COOKIES.items():
        value = str(form.get(name, ""))
        if value in allowed:
            response.set_cookie(f"limitkeeper_{name}", value, LOOK_SECONDS, **cookie_terms(look.request))
    return response


PAGES = (
    PageRoute("/login", login, is_open=True),
    PageRoute("/login", log_in, is_open=True, method="POST"),
    PageRoute("/login/oidc", log_in_elsewhere, is_open=True),
    PageRoute("/logout", log_out, is_open=True, method="POST"),
    PageRoute("/look", change_look, is_open=True, method="POST"),
    PageRoute("/home", at_home),
)
