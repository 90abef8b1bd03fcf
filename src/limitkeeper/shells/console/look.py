"""A look at a page: who looks, in which language, what the page asks, and how it is shown."""

import asyncio
import hashlib
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property, partial
from importlib.resources import files
from typing import Any
from urllib.parse import quote, unquote, urlencode

from jinja2 import Environment
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from limitkeeper.app.decisions import shown_line
from limitkeeper.app.oidc_login import OidcLogins
from limitkeeper.app.problem_wording import in_chinese
from limitkeeper.core.access.actors import SERVICE
from limitkeeper.core.access.rights import RIGHTS
from limitkeeper.core.notice.account_words import characteristic_label
from limitkeeper.shells.console.asking import Asking, ProblemError
from limitkeeper.shells.console.charts import CHARTS
from limitkeeper.shells.console.details import act_words
from limitkeeper.shells.console.labels import group_words, label, outcome_words, why_words
from limitkeeper.shells.console.live import NO_ALERT, Live
from limitkeeper.shells.console.navigation import navigation
from limitkeeper.shells.console.rules import PERCENTS, RuleBook, held_until, rule_book, unit_of
from limitkeeper.shells.console.session import (
    LOOK_COOKIES,
    ROOT,
    SAID_COOKIE,
    cookie_terms,
    form_mark,
    inside,
    quoted,
    token_of,
)
from limitkeeper.shells.console.times import clock, seconds_until, time_text, until_text
from limitkeeper.shells.report.page import NOTHING, money, percent
from limitkeeper.shells.templates import environment_of

STATIC = files("limitkeeper.shells.console") / "static"


@dataclass(frozen=True)
class Login:
    """A login that the start page shows: of a demonstration alone."""

    person_id: str
    role: str


@dataclass(frozen=True)
class Demonstration:
    """What is shown of a demonstration.

    Parameters
    ----------
    password
        Of all its logins, which the start page shows.
    logins
        One a role.
    english, chinese
        What is real and what is simulated.
    """

    password: str
    logins: tuple[Login, ...]
    english: str
    chinese: str


@dataclass(frozen=True)
class Console:
    """What all pages share.

    Parameters
    ----------
    api
        The application whose answers are shown.
    now_us
        The clock, UTC microseconds.
    live
        Figures and alerts as they come.
    quiet_days
        Of alerts: one that was not seen for longer is over.
    currency_sign
        Before amounts.
    time_zone
        In which instants are shown.
    oidc
        Logins by a provider; None where there is none.
    demonstration
        Of a server that demonstrates: every page says so.
    is_event_time
        Whether its time passes by events, while logins go by the clock on the wall.
    """

    api: ASGIApp
    now_us: Callable[[], int]
    live: Live
    quiet_days: int
    currency_sign: str = "¥"
    time_zone: str = "UTC"
    oidc: OidcLogins | None = None
    demonstration: Demonstration | None = None
    is_event_time: bool = False

    @property
    def by_password(self) -> bool:
        """Whether passwords of ours log in."""
        return self.oidc is None or self.oidc.local_accounts


@cache
def environment() -> Environment:
    """The templates, compiled once; what they show is escaped."""
    found = environment_of(("limitkeeper.shells.console", "templates"))
    found.filters["unquoted"] = unquote
    found.globals |= {
        "static": static_address,
        "unit_of": unit_of,
        "held_until": held_until,
        "no_alert": NO_ALERT,
        "shown_line": shown_line,
        "characteristic": characteristic_label,
    } | CHARTS
    return found


def load_templates() -> None:
    """Compile every template, so that nobody's first look waits for it."""
    templates = environment()
    for name in templates.list_templates():
        templates.get_template(name)


@cache
def static_address(name: str) -> str:
    """Where a file of the pages is, by its content: it may be kept for ever."""
    content = (STATIC / name).read_bytes()
    return f"{ROOT}/static/{name}?v={hashlib.sha256(content).hexdigest()[:12]}"


@dataclass
class Look:
    """One request for a page.

    Parameters
    ----------
    request
        As it came.
    console
        What all pages share.
    me
        Who looks, as ``GET /v1/me`` tells; empty for nobody.
    """

    request: Request
    console: Console
    me: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def ask(self) -> Asking:
        """The API, in the name of who looks."""
        client = self.request.client
        return Asking(
            self.console.api, token_of(self.request), (client.host, client.port) if client else ("", 0)
        )

    @property
    def language(self) -> str:
        """Of the page: as chosen, else of a customer's letters, else as the browser asks."""
        browser = self.request.headers.get("accept-language", "zh").lower()
        return (
            self._chosen("language")
            or self.me.get("language")
            or ("en" if browser.startswith("en") else "zh")
        )

    @property
    def time_zone(self) -> str:
        """In which instants are shown: a customer's own, as in his letters, else the market's."""
        return self.me.get("time_zone") or self.console.time_zone

    @property
    def theme(self) -> str:
        """Light, dark, or as the browser has it."""
        return self._chosen("theme") or "auto"

    def _chosen(self, name: str) -> str | None:
        found = self.request.cookies.get(f"limitkeeper_{name}")
        return found if found in LOOK_COOKIES[name] else None

    def t(self, english: str, chinese: str, **values: object) -> str:
        """What is said, in the page's language."""
        found = chinese if self.language == "zh" else english
        return found.format(**values) if values else found

    def may(self, act: str) -> bool:
        """Whether who looks may do an act, on what is his own at least."""
        return act in self.me.get("acts", ())

    def asked(self, name: str, otherwise: str = "") -> str:
        """A value of the page's address."""
        return self.request.query_params.get(name, otherwise)

    @property
    def asked_live(self) -> str | None:
        """Whether what waits is asked for, what has ended, or all, as the API takes it."""
        return {"ended": "false", "all": None}.get(self.asked("show"), "true")

    @property
    def asked_offset(self) -> int:
        """After how many rows a list goes on."""
        return int(found) if (found := self.asked("offset", "0")).isdecimal() else 0

    async def file(self, path: str) -> Response:
        """A file that the API gives out, to be kept, never shown among the pages."""
        found = await self.ask.answer("GET", path)
        kept = ("content-type", "content-disposition", "cache-control")
        return Response(found.content, headers={name: found.headers[name] for name in kept})

    def with_query(self, **changes: object) -> str:
        """The page's address with other values; an empty one is left out."""
        values = dict(self.request.query_params) | {name: str(value or "") for name, value in changes.items()}
        kept = {name: value for name, value in values.items() if value}
        return self.request.url.path + (f"?{urlencode(kept)}" if kept else "")

    def money(self, cents: float | None) -> str:
        """An amount; a dash where it is not known."""
        if cents is None:
            return NOTHING
        whole = f"{abs(cents) / 100:,.2f}".removesuffix(".00")
        return f"{'−' if cents < 0 else ''}{self.console.currency_sign}{whole}"

    def large_money(self, cents: float | None) -> str:
        """An amount in short, as on a tile and in reports."""
        text = money(cents, language=self.language).replace(" ", "\u202f")
        if text == NOTHING:
            return text
        minus = "−" if text.startswith("−") else ""
        return f"{minus}{self.console.currency_sign}{text.removeprefix(minus)}"

    def percent(self, share: float | None, digits: int = 1) -> str:
        """A share in per cent; a dash where it is not known."""
        return percent(share, digits)

    def number(self, value: float | None, digits: int = 0) -> str:
        """A number; a dash where it is not known."""
        return NOTHING if value is None else f"{value:,.{digits}f}"

    def amount(self, value: float | str | None, unit: str) -> str:
        """A value in its unit; a dash where it is not known, and as it is where it is no number."""
        if value is None or isinstance(value, str):
            return value or NOTHING
        if isinstance(value, bool) or (unit == "flag" and value in (0, 1)):
            return self.t("yes", "是") if value else self.t("no", "否")
        if unit in PERCENTS:
            return self.percent(value, 0 if round(value * 100, 6) == round(value * 100) else 1)
        if unit == "cents":
            return self.money(value)
        number = f"{value:,.3f}".rstrip("0").rstrip(".")
        return (
            self.t("{} day" if value == 1 else "{} days", "{} 天").format(number)
            if unit == "days"
            else number
        )

    def day(self, instant: str | None) -> str:
        """A day in the time zone of who looks."""
        return self.time(instant)[:10]

    def time(self, instant: str | None) -> str:
        """A day and a time in the time zone of who looks."""
        return NOTHING if not instant else time_text(instant, self.time_zone)

    def until(self, instant: str | None) -> str:
        """How far away an instant is, in words."""
        return until_text(self.language, instant, self.console.now_us()) if instant else NOTHING

    def clock(self, instant: str | None) -> dict[str, str]:
        """A clock as pages show it."""
        return clock(self.language, instant, self.console.now_us(), self.time_zone)

    def is_past(self, instant: str | None) -> bool:
        """Whether an instant is known and over."""
        return instant is not None and seconds_until(instant, self.console.now_us()) < 0

    async def found(self, path: str | bool | None) -> Any:  # noqa: ANN401 - as documented for the route
        """What a GET answers; None where there is nothing to ask, or it is not there, or not for who looks."""
        if not path:
            return None
        try:
            return await self.ask.get(str(path))
        except ProblemError as error:
            if error.status in (403, 404, 409, 422):
                return None
            raise

    async def rule_book(self, trace: Mapping[str, Any] | None = None) -> RuleBook:
        """What is known of rules: of the strategy that decided, by its trace, or without one of all that decide now.

        Nothing to who may not read strategies.
        """
        if not self.may("release.read"):
            return RuleBook()
        if trace is not None:
            found = await self.found(f"/v1/strategies/{trace['versions']['strategy']}")
            return rule_book([found] if found else [], self.language)
        champion = await self.found("/v1/strategies/live")
        names = [each["release_id"] for each in champion["challengers"]] if champion else []
        others = await asyncio.gather(*(self.found(f"/v1/strategies/{name}") for name in names))
        return rule_book([each for each in (*others, champion) if each], self.language)

    def values(self) -> dict[str, Any]:
        """What every template is given."""
        return {
            "look": self,
            "me": self.me,
            "t": self.t,
            "label": partial(label, self.language),
            "why_words": partial(why_words, self.language),
            "group_words": partial(group_words, self.language),
            "outcome_words": partial(outcome_words, self.language),
            "mark": form_mark(token_of(self.request)),
            "key": lambda: secrets.token_hex(16),
            "said": self.request.cookies.get(SAID_COOKIE, ""),
            "navigation": self.places,
            "here": self.with_query(),
            "quote": quoted,
        }

    @property
    def places(self) -> list[dict[str, Any]]:
        """Where who looks may go."""
        return navigation(self.me.get("acts", ()), self.request.url.path)

    def page(self, template: str, status: int = 200, **values: object) -> Response:
        """A page; what was to be said once is not said again."""
        content = environment().get_template(f"{template}.html.j2").render(self.values() | values)
        found = HTMLResponse(content, status)
        if SAID_COOKIE in self.request.cookies:
            found.delete_cookie(SAID_COOKIE, **cookie_terms(self.request))
        return found

    @property
    def is_script(self) -> bool:
        """Whether a script of the page asks, which shows what went wrong beside the form."""
        return "application/json" in self.request.headers.get("accept", "")

    def told(self, problem: dict[str, Any]) -> dict[str, Any]:
        """A problem in the language of who looks; what has no Chinese stays in English, so that nothing is lost.

        An act that is not his is told in words, and whose it is.
        """
        if isinstance(act := problem.get("value"), str) and act in RIGHTS:
            roles = [label(self.language, "role", role) for role in sorted(RIGHTS[act]) if role != SERVICE]
            named = {
                "value": act_words(self.language, act, "right"),
                "allowed": self.t(", ", "、").join(roles),
            }
            problem = {name: each for name, each in problem.items() if name != "allowed_zh"} | named
        if self.language != "zh":
            return problem
        parts = ("detail", "problem", "allowed", "advice")
        return problem | {name: problem[f"{name}_zh"] for name in parts if problem.get(f"{name}_zh")}

    def sentence(self, problem: str) -> str:
        """A problem that was written down in English, in the language of who looks."""
        return str(self.told({"problem": problem} | in_chinese(problem))["problem"])

    def refused(self, problem: dict[str, Any]) -> Response:
        """What a form is answered that was refused: to a script as JSON, so that what was filled in stays."""
        if self.is_script:
            return JSONResponse({"problem": self.told(problem)}, problem["status"])
        return self.page("problem", problem["status"], problem=problem)

    def onward(self, response: Response) -> Response:
        """The way on after an act, told to a script where one asks."""
        if not self.is_script:
            return response
        found = JSONResponse({"then": response.headers["location"]})
        found.raw_headers += [(name, value) for name, value in response.raw_headers if name == b"set-cookie"]
        return found

    def forth(self, path: str, said: str = "") -> Response:
        """Send the browser on to a page of the console, which says what was done."""
        found = RedirectResponse(inside(path), 303)
        if said:
            found.set_cookie(SAID_COOKIE, quote(said[:300]), max_age=60, **cookie_terms(self.request))
        return found


Page = Callable[[Look], Awaitable[Response]]


@dataclass(frozen=True)
class PageRoute:
    """A page: where it is, and what shows it.

    Parameters
    ----------
    path
        Below the console's root.
    shown
        Of a look.
    is_open
        Whether nobody need be logged in.
    method
        Of HTTP.
    act
        That somebody must be able to do, where the page itself asks the API for nothing that says so.
    """

    path: str
    shown: Page
    is_open: bool = False
    method: str = "GET"
    act: str = ""

    def route(self, handled: Callable[["PageRoute", Request], Awaitable[Response]]) -> Route:
        """The route of the web framework."""

        async def answered(request: Request) -> Response:
            return await handled(self, request)

        return Route(self.path, answered, methods=[self.method])
