"""Who sits before a page: his session's cookie, and what shows that a form is one of ours."""

import hashlib
import hmac
from typing import Any
from urllib.parse import quote, urlsplit

from starlette.requests import Request
from starlette.responses import Response

SESSION_COOKIE = "limitkeeper_session"
SAID_COOKIE = "limitkeeper_said"
PROVIDER_COOKIE = "limitkeeper_provider"
"""That a provider let somebody in, whose own session stands there when ours ends."""

LOOK_COOKIES = {"language": ("en", "zh"), "theme": ("auto", "light", "dark")}
"""What somebody chose of the looks, and what there is."""

LOOK_SECONDS = 365 * 86_400

ROOT = "/console"


def token_of(request: Request) -> str:
    """The token of a session; empty without one."""
    return request.cookies.get(SESSION_COOKIE, "")


def form_mark(token: str) -> str:
    """What a form of a session carries, which another site cannot know.

    Examples
    --------
    >>> form_mark("a") == form_mark("a"), form_mark("a") == form_mark("b")
    (True, False)
    """
    return hmac.new(token.encode(), b"a form of the console", hashlib.sha256).hexdigest()


def is_ours(request: Request, mark: str) -> bool:
    """Whether a form was sent by a page of this session: by its mark, and by where the browser says it comes from."""
    origin = request.headers.get("origin")
    same = origin is None or urlsplit(origin).netloc == request.headers.get("host")
    return same and hmac.compare_digest(mark.encode(), form_mark(token_of(request)).encode())


def cookie_terms(request: Request, path: str = ROOT) -> dict[str, Any]:
    """How cookies are kept: away from scripts and other sites, and by TLS where there is."""
    return {"path": path, "httponly": True, "samesite": "lax", "secure": request.url.scheme == "https"}


def begin_session(request: Request, response: Response, token: str) -> None:
    """Let a browser keep a session; it ends with the browser or the session."""
    response.set_cookie(SESSION_COOKIE, token, **cookie_terms(request))


def begin_vouched_session(request: Request, response: Response, token: str, *, is_by_tls: bool) -> None:
    """Let a browser keep a session of somebody whom a provider let in; ``is_by_tls`` as he came back."""
    terms = cookie_terms(request) | {"secure": is_by_tls}
    response.set_cookie(SESSION_COOKIE, token, **terms)
    response.set_cookie(PROVIDER_COOKIE, "yes", **terms)


def end_session(request: Request, response: Response) -> None:
    """Let a browser forget its session."""
    for name in (SESSION_COOKIE, PROVIDER_COOKIE):
        response.delete_cookie(name, **cookie_terms(request))


def quoted(text: str) -> str:
    """A text as one part of an address.

    Examples
    --------
    >>> quoted("a/7 ?")
    'a%2F7%20%3F'
    """
    return quote(text, safe="")


def inside(path: str, otherwise: str = ROOT) -> str:
    """A path to go on to, if it is one of the console.

    Examples
    --------
    >>> inside("/console/cases?tier=2"), inside("https://elsewhere.test/console"), inside("//elsewhere.test")
    ('/console/cases?tier=2', '/console', '/console')
    """
    is_path = path == ROOT or path.startswith((f"{ROOT}/", f"{ROOT}?"))
    return path if is_path and "\\" not in path and path.isprintable() else otherwise
