"""Logins by a provider, at the console: the way out from a page, the way back to it, and why somebody is not let in."""

import json
from typing import Any
from urllib.parse import quote, unquote, urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from limitkeeper.app.oidc_login import LOGIN_SECONDS, REFUSALS
from limitkeeper.core.kernel.errors import InputError
from limitkeeper.shells.api.login_oidc import OUT_PATH, THEN_COOKIE, kept_terms
from limitkeeper.shells.console.look import Look
from limitkeeper.shells.console.session import ROOT, begin_vouched_session, inside

THEN_LETTERS_MAX = 2_000
"""Of the place that is gone on to, quoted: browsers keep no more than 4096 of a cookie. A longer one is the start."""

WHY_NOT = {
    **{why: (403, *words) for why, words in REFUSALS.items()},
    "over": (
        401,
        "The login is over, was not begun in this browser, or let nobody in. Log in again.",
        "登录已失效、并非由本浏览器发起，或未获准。请重新登录。",
    ),
    "often": (
        429,
        "Too many logins failed where you are. Try again later.",
        "您所在的网络地址登录失败次数过多，请稍后再试。",
    ),
    "provider": (
        502,
        "The company's login does not answer as it should. Try again; if it stays so, tell whoever runs it.",
        "公司登录服务未正常响应。请重试；如仍未恢复，请联系其管理人员。",
    ),
}
"""Why nobody came in: the status of HTTP, and what is said in English and Chinese. Nothing is said in others' words."""

OF_STATUS = {401: "over", 403: "over", 429: "often"}


def problem_said(why: str) -> dict[str, Any] | None:
    """What is said of somebody who did not come in; None for a word that is none of ours."""
    if why not in WHY_NOT:
        return None
    status, english, chinese = WHY_NOT[why]
    return {"status": status, "detail": english, "detail_zh": chinese}


async def log_in_elsewhere(look: Look) -> Response:
    """The way out to the provider; where to go on to is kept in the browser, beside what the login is known by."""
    then = inside(look.asked("then"))
    if look.me:
        return look.forth(then)
    out = await look.ask.answer("GET", OUT_PATH)
    found = RedirectResponse(out.headers["location"], 303)
    for cookie in out.headers.get_list("set-cookie"):
        found.headers.append("set-cookie", cookie)
    if look.console.oidc is not None:
        kept = quote(then) if len(quote(then)) <= THEN_LETTERS_MAX else ROOT
        found.set_cookie(THEN_COOKIE, kept, LOGIN_SECONDS, **kept_terms(look.console.oidc))
    return found


def arrived(request: Request, then: str, answered: Response, *, is_by_tls: bool) -> Response:
    """The way back: into the console with a session, or to its login, which says why not.

    Parameters
    ----------
    request
        Of the provider's way back.
    then
        What the browser kept; what is not a place of the console leads to its start.
    answered
        What the API answers: a session, or why there is none.
    is_by_tls
        Whether people come back by TLS.
    """
    document = json.loads(bytes(answered.body))
    place = inside(unquote(then))
    if "token" not in document:
        rule = document.get("rule")
        why = rule if rule in REFUSALS else OF_STATUS.get(answered.status_code, "provider")
        return RedirectResponse(f"{ROOT}/login?{urlencode({'refused': why, 'then': place})}", 303)
    found = RedirectResponse(place if place != ROOT else f"{ROOT}/home", 303, {"Cache-Control": "no-store"})
    begin_vouched_session(request, found, document["token"], is_by_tls=is_by_tls)
    return found


def exit_url(look: Look) -> str | None:
    """Where somebody ends his session at the provider; None where it says nowhere that can be used."""
    try:
        return look.console.oidc.provider.end_session_url() if look.console.oidc else None
    except InputError:
        return None
